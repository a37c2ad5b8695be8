/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's socket from end to end: a pipeline in a thread, whose source makes an event of each
 * byte that the test writes to a pipe, and clients of all manners.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "control.h"
#include "control_wire.h"
#include "enrich/users.h"
#include "stream_ends.h"

#define PATIENCE_MS 10000 /* for what has to come */

/* --- the daemon --- */

static int events[2]; /* 'e': a small event, 'b': a big one, 'm': one with an alert; closed: end */
static struct pipeline *pipeline;
static struct control *control;
static pthread_t thread;
static char dir[64], path[96]; /* of the socket */

static int pipe_fd(struct source *s)
{
	(void)s;
	return events[0];
}

static int pipe_drain(struct source *s, record_fn *fn, void *ctx, unsigned budget, struct err *e)
{
	static char args[EV_ARGS_MAX];
	char byte;
	(void)s;
	(void)e;
	while (budget--) {
		ssize_t n = read(events[0], &byte, 1);
		if (!n)
			return -ENODATA;
		if (n < 0)
			return 0;
		struct ev_exec *r = REC_NEW(exec);
		if (byte == 'b')
			rec_add_str(r, &r->args, args, sizeof(args));
		r->exe_origin = byte == 'm' ? EXE_ORIGIN_memfd : EXE_ORIGIN_regular;
		int rc = fn(ctx, r, r->hdr.len);
		rec_free(r);
		if (rc)
			return rc;
	}
	return 1;
}

static void pipe_close(struct source *s)
{
	(void)s;
	close(events[0]);
}

static const struct source_ops pipe_ops = {
	.name = "pipe",
	.fd = pipe_fd,
	.drain = pipe_drain,
	.stats = memory_stats,
	.close = pipe_close,
};

static struct memory_source source = { .source = { &pipe_ops } };

static void *run(void *arg)
{
	struct err e;
	int rc = pipeline_run(pipeline, 0, &e);
	(void)arg;
	return (void *)(intptr_t)rc;
}

static void on_tick(void *ctx)
{
	control_tick(ctx);
}

static int setup(void **state)
{
	struct pipeline_config c = { .source = &source.source, .proc_slots = 64 };
	struct err e;
	(void)state;
	users_disable();
	snprintf(dir, sizeof(dir), "/tmp/redshank-test-XXXXXX");
	if (!mkdtemp(dir) || pipe2(events, O_CLOEXEC) || fcntl(events[0], F_SETFL, O_NONBLOCK))
		return -1;
	snprintf(path, sizeof(path), "%s/run/sock", dir);
	if (pipeline_new(&c, &pipeline, &e) || control_open(pipeline, path, &control, &e)) {
		print_error("%s\n", e.text);
		return -1;
	}
	pipeline_on_tick(pipeline, on_tick, control);
	return pthread_create(&thread, NULL, run, NULL);
}

static int teardown(void **state)
{
	void *rc;
	(void)state;
	close(events[1]);
	pthread_join(thread, &rc);
	control_close(control);
	pipeline_free(pipeline, clock_monotonic() + NSEC_PER_SEC);
	if (rc || !access(path, F_OK))
		return -1; /* the socket goes with the sensor */
	snprintf(path, sizeof(path), "%s/run", dir);
	return rmdir(path) || rmdir(dir);
}

static void happen(const char *what)
{
	assert_int_equal(write(events[1], what, strlen(what)), (ssize_t)strlen(what));
}

/* --- clients --- */

static int dial(void)
{
	struct sockaddr_un a;
	struct err e;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(control_address(path, &a, &e), 0);
	assert_return_code(connect(fd, (struct sockaddr *)&a, sizeof(a)), errno);
	return fd;
}

/* Reads a line without its newline; its length, or -1 when the other side has closed. */
static int read_line(int fd, char *line, size_t cap)
{
	for (size_t n = 0; n + 1 < cap;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		ssize_t k = recv(fd, line + n, cap - n - 1, MSG_PEEK);
		if (k <= 0)
			return -1;
		const char *nl = memchr(line + n, '\n', (size_t)k);
		k = recv(fd, line + n, nl ? (size_t)(nl - line) - n + 1 : (size_t)k, 0);
		assert_true(k > 0);
		n += (size_t)k;
		if (nl) {
			line[n - 1] = '\0';
			return (int)n - 1;
		}
	}
	fail_msg("a line of more than %zu bytes", cap);
	return -1;
}

static json_t *read_json(int fd)
{
	static char line[200000];
	json_error_t e;
	assert_true(read_line(fd, line, sizeof(line)) > 0);
	json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, &e);
	if (!j)
		fail_msg("%s: %s", e.text, line);
	return j;
}

static void assert_closed(int fd)
{
	char line[1000];
	assert_int_equal(read_line(fd, line, sizeof(line)), -1);
	close(fd);
}

/* Sends bytes; the error that comes back must speak of the word, and then the line is closed. */
static void assert_refused(const void *p, size_t len, const char *word)
{
	int fd = dial();
	assert_int_equal(send(fd, p, len, MSG_NOSIGNAL), (ssize_t)len);
	json_t *j = read_json(fd);
	const char *why = json_string_value(json_object_get(j, "error"));
	assert_non_null(why);
	if (!strstr(why, word))
		fail_msg("%s", why);
	json_decref(j);
	assert_closed(fd);
}

static int open_tail(struct tail_config t)
{
	struct err e;
	int fd = control_request_tail(path, &t, &e);
	if (fd < 0)
		fail_msg("%s", e.text);
	return fd;
}

static void assert_event(int fd, json_int_t sequence, const char *action)
{
	json_int_t seq;
	const char *act;
	json_t *j = read_json(fd);
	assert_int_equal(json_unpack(j, "{s:{s:I,s:s}}", "event", "sequence", &seq, "action", &act),
			 0);
	assert_int_equal(seq, sequence);
	if (action)
		assert_string_equal(act, action);
	json_decref(j);
}

static void socket_is_private(void **state)
{
	(void)state;
	struct stat st;
	char parent[80];
	assert_return_code(lstat(path, &st), errno);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(parent, sizeof(parent), "%s/run", dir);
	assert_return_code(lstat(parent, &st), errno);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void statistics(void **state)
{
	(void)state;
	struct err e;
	for (unsigned i = 0; i < 3 * CONTROL_CLIENTS_MAX; i++) { /* no place is kept by one */
		struct buf b = { 0 };
		if (control_request_answer(path, "stats", &b, &e))
			fail_msg("%s", e.text);
		assert_non_null(strstr(buf_str(&b), "\"pipeline\":{"));
		buf_free(&b);
	}
}

static void several_clients(void **state)
{
	(void)state;
	struct tail_config t = { .format = TAIL_json }, only = t, two = t;
	only.filter.alerts_only = true;
	two.count = 2;
	int all = open_tail(t), alerts = open_tail(only), counted = open_tail(two);
	happen("eme");
	assert_event(all, 1, "exec");
	assert_event(all, 2, "exec");
	assert_event(all, 3, NULL); /* the alert */
	assert_event(all, 4, "exec");
	assert_event(alerts, 1, NULL);
	assert_event(counted, 1, "exec");
	assert_event(counted, 2, "exec");
	assert_closed(counted);
	int late = open_tail(t);
	happen("e");
	assert_event(late, 1, "exec");
	assert_event(all, 5, "exec");
	close(late);
	close(all);
	happen("m");
	assert_event(alerts, 2, NULL);
	close(alerts);
}

static void hostile_requests(void **state)
{
	(void)state;
	static char big[CONTROL_REQUEST_MAX];
	memset(big, 'x', sizeof(big));
	assert_refused("hello\n", 6, "");
	assert_refused("{}\n", 3, "command");
	assert_refused("\n", 1, "");
	assert_refused("{\"command\":\"\xff\"}\n", 16, "");
	assert_refused("\0\0\0\n", 4, "");
	assert_refused(big, sizeof(big), "too long");
	big[sizeof(big) - 1] = '\n';
	assert_refused(big, sizeof(big), "");
	assert_refused("{\"command\":\"status\"}\n", 21, "status"); /* nobody answers it here */
	/* Ours say the same to their user. */
	struct tail_config t = { .format = TAIL_json };
	struct err e;
	memcpy(t.filter.comm, "\xff", 2); /* can't be sent: not UTF-8 */
	assert_int_equal(control_request_tail(path, &t, &e), -EINVAL);
}

static void too_many_clients(void **state)
{
	(void)state;
	int fd[CONTROL_CLIENTS_MAX], one_more;
	struct tail_config t = { .format = TAIL_json };
	struct err e;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		fd[i] = open_tail(t);
	one_more = dial();
	json_t *j = read_json(one_more);
	assert_non_null(json_object_get(j, "error"));
	json_decref(j);
	assert_closed(one_more);
	int rc = control_request_tail(path, &t, &e);
	assert_true(rc < 0);
	happen("e"); /* those who were first are still served */
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		assert_event(fd[i], 1, "exec");
	/* And each who leaves makes room. */
	close(fd[3]);
	uint64_t until = clock_monotonic() + PATIENCE_MS * NSEC_PER_MSEC;
	while ((fd[3] = control_request_tail(path, &t, &e)) < 0)
		assert_true(clock_monotonic() < until);
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fd[i]);
}

/* One that does not read costs the others nothing, and loses only what is its own. */
static void one_that_does_not_read(void **state)
{
	(void)state;
	struct tail_config t = { .format = TAIL_json };
	int deaf = open_tail(t), good = open_tail(t);
	for (json_int_t n = 1; n <= 250; n++) { /* 10 MB */
		happen("b");
		assert_event(good, n, "exec");
	}
	/* Now it reads, too: without holes, up to the gap that says what is missing. */
	json_int_t last = 0, lost = 0;
	while (!lost) {
		json_int_t seq;
		happen("e"); /* so that there is something to be told before */
		json_t *j = read_json(deaf);
		assert_int_equal(json_unpack(j, "{s:{s:I}}", "event", "sequence", &seq), 0);
		json_unpack(j, "{s:{s:{s:I}}}", "redshank", "gap", "lost", &lost);
		json_decref(j);
		assert_int_equal(seq, last + lost + 1);
		last = seq;
		assert_true(last < 2000);
	}
	assert_true(last > 40);
	close(deaf);
	close(good);
}

static void clients_that_vanish(void **state)
{
	(void)state;
	struct tail_config t = { .format = TAIL_json };
	struct err e;
	for (unsigned i = 0; i < 200; i++) {
		int fd = i % 2 ? dial() : control_request_tail(path, &t, &e);
		if (i % 5 == 1)
			assert_int_equal(send(fd, "{\"comm", 6, MSG_NOSIGNAL), 6);
		happen("b");
		if (i % 3 == 0 && fd >= 0)
			shutdown(fd, SHUT_RD);
		if (fd >= 0)
			close(fd);
	}
	statistics(state);
}

static void silent_clients(void **state)
{
	(void)state;
	uint64_t began = clock_monotonic();
	int silent = dial(), half = dial();
	assert_int_equal(send(half, "{\"comm", 6, MSG_NOSIGNAL), 6);
	assert_closed(silent);
	assert_closed(half);
	assert_in_range(clock_monotonic() - began, CONTROL_REQUEST_NS,
			CONTROL_REQUEST_NS + 3 * NSEC_PER_SEC);
}

static void second_sensor(void **state)
{
	(void)state;
	struct buf got = { 0 };
	struct memory_source none = MEMORY_SOURCE;
	struct pipeline_config c = { .source = &none.source, .proc_slots = 64 };
	struct pipeline *p;
	struct control *second;
	struct stat st;
	struct err e;
	char other[96];

	assert_int_equal(pipeline_new(&c, &p, &e), 0);
	assert_int_equal(control_open(p, path, &second, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, path));
	statistics(state); /* the first is as it was */

	/* What a killed sensor left. */
	snprintf(other, sizeof(other), "%s/left", dir);
	struct sockaddr_un a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(control_address(other, &a, &e), 0);
	assert_return_code(bind(fd, (struct sockaddr *)&a, sizeof(a)), errno);
	assert_int_equal(control_request_answer(other, "stats", &got, &e), -ECONNREFUSED);
	close(fd);
	assert_int_equal(control_open(p, other, &second, &e), 0);
	control_close(second);
	assert_int_equal(lstat(other, &st), -1);
	assert_int_equal(control_request_answer(other, "stats", &got, &e), -ENOENT);

	/* What is no socket is not ours to remove. */
	fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	assert_true(control_open(p, other, &second, &e) < 0);
	assert_return_code(lstat(other, &st), errno);
	assert_true(S_ISREG(st.st_mode));
	unlink(other);
	assert_return_code(symlink("/nonexistent", other), errno);
	assert_true(control_open(p, other, &second, &e) < 0);
	assert_return_code(unlink(other), errno);

	static char longest[300];
	memset(longest, 'l', sizeof(longest) - 1);
	assert_int_equal(control_open(p, longest, &second, &e), -EINVAL);
	assert_int_equal(control_open(p, "/nonexistent/dir/sock", &second, &e), -ENOENT);
	control_close(NULL);
	pipeline_free(p, 0);
}

static void only_root(void)
{
	if (!geteuid())
		return;
	print_message("only root can act for another user\n");
	skip();
}

/* As another user, with no permissions in the way: 1 if there is an answer, 0 if not. */
static int answer_to(uid_t uid)
{
	char parent[80];
	int status;
	snprintf(parent, sizeof(parent), "%s/run", dir);
	chmod(dir, 0755);
	chmod(parent, 0755);
	chmod(path, 0666);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct sockaddr_un a;
		struct err e;
		char byte;
		if (setgid(uid) || setuid(uid) || control_address(path, &a, &e))
			_exit(100);
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
			_exit(101);
		_exit(send(fd, "{}\n", 3, MSG_NOSIGNAL) == 3 && read(fd, &byte, 1) == 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void another_user(void **state)
{
	(void)state;
	only_root();
	assert_int_equal(answer_to(0), 1);
	assert_int_equal(answer_to(65534), 0);
}

static void directory_of_another(void **state)
{
	(void)state;
	struct control *c;
	struct err e;
	char theirs[80], sock[96];
	only_root();
	snprintf(theirs, sizeof(theirs), "%s/theirs", dir);
	snprintf(sock, sizeof(sock), "%s/sock", theirs);
	assert_return_code(mkdir(theirs, 0755), errno);
	assert_return_code(chown(theirs, 65534, 65534), errno);
	int rc = control_open(pipeline, sock, &c, &e);
	rmdir(theirs);
	assert_int_equal(rc, -EACCES);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(socket_is_private),	T(statistics),		 T(several_clients),
		T(hostile_requests),	T(too_many_clients),	 T(one_that_does_not_read),
		T(clients_that_vanish), T(silent_clients),	 T(second_sensor),
		T(another_user),	T(directory_of_another),
	};
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
