/* SPDX-License-Identifier: Apache-2.0 */
/* Interpreters and what feeds them: arguments, pipelines in any order, relays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "detect/d_piped_code.h"
#include "detect/d_relayed_shell.h"
#include "detect/pipe_ends.h"
#include "processes.h"

#define SHELL_PID 10

static void *pipes, *relays;
static struct verdict verdict;

static int setup(void **state)
{
	(void)state;
	tree_new(8192, 8 << 20);
	if (detector_piped_code.init(&pipes) || detector_relayed_shell.init(&relays))
		return -1;
	do_exec(id(SHELL_PID, 1), id(1, 0), "/usr/bin/bash");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	detector_piped_code.free(pipes);
	detector_relayed_shell.free(relays);
	tree_free();
	return 0;
}

static enum severity judge(const struct detector *d, void *rec)
{
	struct event ev = rec_event(rec);

	((struct ev_hdr *)rec)->time = ++now;
	memset(&verdict, 0, sizeof(verdict));
	assert_int_equal(schema_check(rec, ev.rec->len, NULL), 0);
	proctree_update(tree, &ev);
	assert_int_equal(d->on_event(d == &detector_piped_code ? pipes : relays, &ev, &verdict), 0);
	rec_free(rec);
	return verdict.severity;
}

/* Arguments separated by spaces; inodes of pipes, 0: /dev/null. */
static struct ev_exec *program(u32 pid, const char *exe, const char *args, u64 in, u64 out)
{
	struct ev_exec *r = REC_NEW(exec);
	char argv[512];
	size_t len = strlen(args) + 1;

	set_ids(&r->hdr, id(pid, 2), id(SHELL_PID, 1));
	memcpy(argv, args, len);
	for (size_t i = 0; i < len; i++)
		if (argv[i] == ' ')
			argv[i] = '\0';
	REC_STR(exec, r, exe, exe);
	rec_add_str(r, &r->args, argv, len);
	r->exe_origin = EXE_ORIGIN_regular;
	r->exe_mode = 0100755;
	r->stdin_type = in ? FD_TYPE_pipe : FD_TYPE_null;
	r->stdin_ino = in;
	r->stdout_type = out ? FD_TYPE_pipe : FD_TYPE_null;
	r->stdout_ino = out;
	return r;
}

static enum severity run(u32 pid, const char *exe, const char *args, u64 in, u64 out)
{
	return judge(&detector_piped_code, program(pid, exe, args, in, out));
}

static enum severity ends(u32 pid)
{
	struct ev_exit *r = REC_NEW(exit);

	set_ids(&r->hdr, id(pid, 2), id(SHELL_PID, 1));
	return judge(&detector_piped_code, r);
}

static enum severity connects(u32 pid, u64 out)
{
	struct ev_connect *r = REC_NEW(connect);

	set_ids(&r->hdr, id(pid, 2), id(SHELL_PID, 1));
	r->stdout_ino = out;
	r->stdout_type = FD_TYPE_pipe;
	return judge(&detector_piped_code, r);
}

static const char *evidence(const char *key)
{
	for (unsigned i = 0; i < verdict.nevidence; i++)
		if (!strcmp(verdict.evidence[i].key, key))
			return verdict.evidence[i].value;
	return "";
}

/* --- arguments --- */

static void where_code_is(void **state)
{
	static const struct {
		const char *exe, *args;
		enum code_from code;
		unsigned fd;
	} cases[] = {
		{ "/usr/bin/dash", "sh", CODE_stdin, 0 },
		{ "/usr/bin/bash", "bash -s -- a b", CODE_stdin, 0 },
		{ "/usr/bin/bash", "bash -eo pipefail", CODE_stdin, 0 },
		{ "/usr/bin/bash", "bash --norc -i", CODE_stdin, 0 },
		{ "/usr/bin/bash", "bash --rcfile x", CODE_stdin, 0 },
		{ "/usr/bin/bash", "bash -ec true", CODE_arguments, 0 },
		{ "/usr/bin/bash", "bash script -s", CODE_file, 0 },
		{ "/usr/bin/bash", "bash --version", CODE_file, 0 },
		{ "/usr/bin/bash", "bash /dev/fd/63", CODE_descriptor, 63 },
		{ "/usr/bin/bash", "bash /proc/self/fd/3", CODE_descriptor, 3 },
		{ "/usr/bin/bash", "bash /dev/stdin", CODE_stdin, 0 },
		{ "/usr/bin/bash", "bash /dev/fd/0", CODE_stdin, 0 },
		{ "/usr/bin/bash", "bash /dev/fd/x", CODE_file, 0 },
		{ "/usr/bin/ksh93", "ksh", CODE_stdin, 0 },
		{ "/usr/bin/python3.11", "python3", CODE_stdin, 0 },
		{ "/usr/bin/python3.11", "python3 -u -", CODE_stdin, 0 },
		{ "/usr/bin/python3.11", "python3 -W ignore -", CODE_stdin, 0 },
		{ "/usr/bin/python3.11", "python3 -Wignore x.py", CODE_file, 0 },
		{ "/usr/bin/python3.11", "python3 -Bc pass", CODE_arguments, 0 },
		{ "/usr/bin/python3.11", "python3 -m http.server", CODE_arguments, 0 },
		{ "/usr/bin/python3.11", "python3 -V", CODE_file, 0 },
		{ "/usr/bin/perl", "perl -MIO::Socket -w", CODE_stdin, 0 },
		{ "/usr/bin/perl", "perl -lne print", CODE_arguments, 0 },
		{ "/usr/bin/perl", "perl -I lib x.pl", CODE_file, 0 },
		{ "/usr/bin/php8.2", "php -d a=b", CODE_stdin, 0 },
		{ "/usr/bin/php8.2", "php -r 1;", CODE_arguments, 0 },
		{ "/usr/bin/node", "node --eval=1", CODE_arguments, 0 },
		{ "/usr/bin/lua5.4", "lua -l x -", CODE_stdin, 0 },
		{ "/usr/bin/busybox", "busybox sh", CODE_stdin, 0 },
		{ "/usr/bin/busybox", "ash -c true", CODE_arguments, 0 },
		{ "/usr/bin/cat", "cat", CODE_file, 0 },
	};
	const struct program_sizes none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ev_exec *r = program(50, cases[i].exe, cases[i].args, 0, 0);
		struct program_use use = program_use(&none, update(r)->image);
		if (use.code != cases[i].code || use.fd != cases[i].fd)
			fail_msg("%s: %d, descriptor %u", cases[i].args, use.code, use.fd);
	}
}

/* A copy is known by its size, if root's original was seen; a user's file teaches nothing. */
static void copies(void **state)
{
	struct program_sizes sizes = { 0 };
	struct ev_exec *r = program(50, "/home/u/bash", "bash", 0, 0);

	(void)state;
	r->exe_uid = 1000;
	r->exe_size = 777;
	program_learn(&sizes, update(r)->image);
	r = program(50, "/usr/bin/dash", "sh", 0, 0);
	r->exe_size = 12345;
	program_learn(&sizes, update(r)->image);
	r = program(50, "/tmp/x", "x", 0, 0);
	r->exe_size = 12345;
	assert_int_equal(program_use(&sizes, update(r)->image).kind, PROGRAM_shell);
	r = program(50, "/tmp/x", "x", 0, 0);
	r->exe_size = 777;
	assert_int_equal(program_use(&sizes, update(r)->image).kind, PROGRAM_other);
	r = program(50, "/tmp/x", "x", 0, 0);
	assert_int_equal(program_use(&sizes, update(r)->image).kind, PROGRAM_other);
}

/* --- pipelines --- */

static void either_end_first(void **state)
{
	(void)state;
	assert_int_equal(run(100, "/usr/bin/curl", "curl u", 0, 7), SEVERITY_none);
	assert_int_equal(run(101, "/usr/bin/dash", "sh", 7, 0), SEVERITY_medium);
	assert_string_equal(evidence("redshank.pipeline.command_line"), "curl u | sh");
	assert_string_equal(evidence("redshank.pipeline.reader.pid"), "101");
	assert_string_equal(evidence("redshank.pipeline.source.pid"), "100");
	assert_int_equal(ends(101), SEVERITY_none);

	assert_int_equal(run(102, "/usr/bin/dash", "sh", 8, 0), SEVERITY_none);
	assert_int_equal(run(103, "/usr/bin/curl", "curl v", 0, 8), SEVERITY_medium);
	assert_string_equal(evidence("redshank.pipeline.command_line"), "curl v | sh");
	assert_int_equal(ends(102), SEVERITY_none);
}

/* The one in the middle comes last. */
static void any_order(void **state)
{
	(void)state;
	assert_int_equal(run(100, "/usr/bin/curl", "curl u", 0, 7), SEVERITY_none);
	assert_int_equal(run(102, "/usr/bin/dash", "sh", 8, 0), SEVERITY_none);
	assert_int_equal(run(101, "/usr/bin/tr", "tr a b", 7, 8), SEVERITY_medium);
	assert_string_equal(evidence("redshank.pipeline.command_line"), "curl u | tr a b | sh");
}

static void connecting(void **state)
{
	(void)state;
	assert_int_equal(run(100, "/opt/x", "x", 0, 7), SEVERITY_none);
	assert_int_equal(run(101, "/usr/bin/dash", "sh", 7, 0), SEVERITY_none);
	assert_int_equal(connects(100, 7), SEVERITY_medium);
	/* One that forked and executed nothing. */
	assert_int_equal(run(102, "/usr/bin/dash", "sh", 9, 0), SEVERITY_none);
	do_fork(id(103, 2), id(SHELL_PID, 1));
	assert_int_equal(connects(103, 9), SEVERITY_medium);
	/* Into a pipe that no interpreter reads. */
	assert_int_equal(run(104, "/usr/bin/jq", "jq .", 11, 0), SEVERITY_none);
	assert_int_equal(connects(105, 11), SEVERITY_none);
}

static void by_what_feeds(void **state)
{
	(void)state;
	run(100, "/usr/bin/base64", "base64 -d", 0, 7);
	assert_int_equal(run(101, "/usr/bin/bash", "bash", 7, 0), SEVERITY_medium);
	run(102, "/usr/bin/perl", "perl -e 1", 0, 8);
	assert_int_equal(run(103, "/usr/bin/bash", "bash", 8, 0), SEVERITY_medium);
	run(104, "/usr/bin/curl", "curl https://sh.rustup.rs -sSf", 0, 9);
	assert_int_equal(run(105, "/usr/bin/dash", "sh", 9, 0), SEVERITY_low);
	run(106, "/usr/bin/curl", "curl https://sh.rustup.rs.example.org", 0, 10);
	assert_int_equal(run(107, "/usr/bin/dash", "sh", 10, 0), SEVERITY_medium);
	run(108, "/usr/bin/cat", "cat x", 0, 11);
	assert_int_equal(run(109, "/usr/bin/dash", "sh", 11, 0), SEVERITY_none);
	assert_int_equal(ends(109), SEVERITY_low);
	assert_string_equal(evidence("redshank.pipeline.command_line"), "cat x | sh");
	/* Nobody is known to write; and code that is elsewhere. */
	assert_int_equal(run(110, "/usr/bin/dash", "sh", 12, 0), SEVERITY_none);
	assert_int_equal(ends(110), SEVERITY_low);
	run(111, "/usr/bin/python3.11", "python3", 13, 0);
	assert_int_equal(ends(111), SEVERITY_informational);
	run(112, "/usr/bin/curl", "curl u", 0, 14);
	assert_int_equal(run(113, "/usr/bin/python3.11", "python3 -c x", 14, 0), SEVERITY_none);
	assert_int_equal(ends(113), SEVERITY_none);
}

static void descriptors(void **state)
{
	struct ev_exec *r = program(101, "/usr/bin/bash", "bash /dev/fd/63", 0, 0);

	(void)state;
	run(100, "/usr/bin/wget", "wget u", 0, 7);
	r->pipe_fd = 63;
	r->pipe_ino = 7;
	assert_int_equal(judge(&detector_piped_code, r), SEVERITY_medium);
	r = program(102, "/usr/bin/python3.11", "python3 /proc/self/fd/3", 0, 0);
	r->memfd_fd = 3;
	assert_int_equal(judge(&detector_piped_code, r), SEVERITY_high);
	r = program(103, "/usr/bin/dash", "sh", 0, 0);
	r->stdin_type = FD_TYPE_memfd;
	r->stdin_origin = EXE_ORIGIN_memfd;
	assert_int_equal(judge(&detector_piped_code, r), SEVERITY_high);
	r = program(104, "/usr/bin/dash", "sh script", 0, 0);
	r->stdin_type = FD_TYPE_memfd;
	r->stdin_origin = EXE_ORIGIN_memfd;
	assert_int_equal(judge(&detector_piped_code, r), SEVERITY_none);
}

/* sudo reads the pipe, and gives its program another one. A shell's other pipe is its own affair.
 */
static void passed_on(void **state)
{
	static const char *const creators[] = { "/usr/bin/sudo", "/usr/bin/bash" };

	(void)state;
	for (u32 i = 0; i < 2; i++) {
		u32 pid = 100 + 10 * i;
		run(pid, "/usr/bin/curl", "curl u", 0, pid);
		run(pid + 1, creators[i], "x -c y", pid, 0);
		struct ev_exec *r = program(pid + 2, "/usr/bin/dash", "sh", pid + 2, 0);
		set_ids(&r->hdr, id(pid + 2, 2), id(pid + 1, 2));
		assert_int_equal(judge(&detector_piped_code, r),
				 i ? SEVERITY_none : SEVERITY_medium);
		if (!i)
			assert_string_equal(evidence("redshank.pipeline.command_line"),
					    "curl u | x -c y | sh");
	}
}

/* A shell that executes another program in its place is judged by what it was. */
static void replaced(void **state)
{
	(void)state;
	assert_int_equal(run(100, "/usr/bin/dash", "sh", 7, 0), SEVERITY_none);
	assert_int_equal(run(100, "/usr/bin/true", "true", 7, 0), SEVERITY_low);
	assert_string_equal(evidence("redshank.pipeline.reader.executable"), "/usr/bin/dash");
	assert_int_equal(ends(100), SEVERITY_none);
}

/* What sshd starts gets its code from somebody who logged in. */
static void served(void **state)
{
	struct ev_exec *r = program(20, "/usr/sbin/sshd", "sshd", 0, 0);

	(void)state;
	update(r);
	r = program(101, "/usr/bin/bash", "bash -s", 7, 0);
	set_ids(&r->hdr, id(101, 2), id(20, 2));
	assert_int_equal(judge(&detector_piped_code, r), SEVERITY_none);
	assert_int_equal(ends(101), SEVERITY_none);
}

/* A ring of pipes ends; and more programs than are remembered. */
static void bounds(void **state)
{
	(void)state;
	assert_int_equal(run(100, "/usr/bin/cat", "cat", 8, 7), SEVERITY_none);
	assert_int_equal(run(101, "/usr/bin/cat", "cat", 7, 8), SEVERITY_none);
	assert_int_equal(run(102, "/usr/bin/dash", "sh", 7, 8), SEVERITY_none);
	assert_int_equal(run(200, "/usr/bin/curl", "curl u", 0, 9), SEVERITY_none);
	for (u32 i = 0; i < ENDS_MAX; i++)
		run(1000 + i, "/usr/bin/cat", "cat", 1000 + i, 1001 + i);
	assert_int_equal(run(201, "/usr/bin/dash", "sh", 9, 0), SEVERITY_none);
}

/* --- relays --- */

static enum severity relayed(const char *creator, const char *args, u32 stdio, u32 type)
{
	struct ev_exec *r = program(30, creator, args, 0, 0);

	update(r);
	r = program(31, "/usr/bin/dash", "sh", 0, 0);
	set_ids(&r->hdr, id(31, 2), id(30, 2));
	r->stdin_type = r->stdout_type = type;
	r->parent_inet = 1;
	r->parent_inet_stdio = stdio;
	return judge(&detector_relayed_shell, r);
}

static void relay(void **state)
{
	(void)state;
	assert_int_equal(relayed("/usr/bin/socat", "socat", 0, FD_TYPE_unix_socket), SEVERITY_high);
	assert_int_equal(relayed("/usr/bin/socat", "socat", 0, FD_TYPE_tty), SEVERITY_high);
	assert_int_equal(relayed("/usr/bin/python3.11", "python3 -c x", 0, FD_TYPE_pipe),
			 SEVERITY_high);
	assert_int_equal(relayed("/usr/bin/python3.11", "python3 x.py", 3, FD_TYPE_tty),
			 SEVERITY_high);
	assert_int_equal(relayed("/usr/bin/python3.11", "python3 x.py", 0, FD_TYPE_pipe),
			 SEVERITY_medium);
	assert_int_equal(relayed("/usr/bin/node", "node server.js", 0, FD_TYPE_tty), SEVERITY_low);
	assert_int_equal(relayed("/usr/bin/gitlab-runner", "run", 0, FD_TYPE_pipe), SEVERITY_low);
	assert_int_equal(relayed("/usr/sbin/sshd", "sshd", 0, FD_TYPE_tty), SEVERITY_none);
	assert_int_equal(relayed("/tmp/sshd", "sshd", 0, FD_TYPE_pipe), SEVERITY_high);
	assert_int_equal(relayed("/tmp/sshd", "sshd", 0, FD_TYPE_tty), SEVERITY_medium);
	assert_int_equal(relayed("/usr/bin/socat", "socat", 0, FD_TYPE_file), SEVERITY_none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(where_code_is, setup, teardown),
		cmocka_unit_test_setup_teardown(copies, setup, teardown),
		cmocka_unit_test_setup_teardown(either_end_first, setup, teardown),
		cmocka_unit_test_setup_teardown(any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(connecting, setup, teardown),
		cmocka_unit_test_setup_teardown(by_what_feeds, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(passed_on, setup, teardown),
		cmocka_unit_test_setup_teardown(replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(served, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(relay, setup, teardown),
	};

	return cmocka_run_group_tests_name("d_piped_code", tests, NULL, NULL);
}
