/* SPDX-License-Identifier: Apache-2.0 */
/* Derived fields: from the process table, the host and the user table; and the host itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "enrich/fields.h"
#include "enrich/host.h"
#include "enrich/proctree.h"
#include "enrich/users.h"
#include "records.h"

#define NS  4026531841U
#define CID "0c0f3b1d5a7e9c2486fd0123456789ab0c0f3b1d5a7e9c2486fd0123456789ab"

static struct value v;
static struct proctree *tree;

static int setup(void **state)
{
	(void)state;
	users_disable();
	return proctree_new(64, 1 << 20, &tree);
}

static int teardown(void **state)
{
	(void)state;
	proctree_free(tree);
	users_disable();
	return 0;
}

static const struct value *get(const struct event *ev, const char *name)
{
	struct any_field f;
	if (!any_field_find(ev->desc, name, &f))
		fail_msg("%s has no %s", ev->desc->key, name);
	assert_string_equal(any_field_name(&f), name);
	memset(&v, 0xee, sizeof(v));
	any_field_get(&f, ev, &v);
	return &v;
}

static void is_text(const struct event *ev, const char *name, const char *expected)
{
	get(ev, name);
	if (!expected) {
		assert_int_equal(v.kind, VALUE_none);
		return;
	}
	assert_int_equal(v.kind, VALUE_str);
	if (v.len != strlen(expected) || memcmp(v.p, expected, v.len) != 0)
		fail_msg("%s: '%.*s', expected '%s'", name, (int)v.len, v.p, expected);
}

static void is_list(const struct event *ev, const char *name, const char *bytes, size_t len)
{
	get(ev, name);
	assert_int_equal(v.kind, VALUE_list);
	assert_int_equal(v.len, len);
	assert_memory_equal(v.p, bytes, len);
}

static struct event feed(void *rec)
{
	struct event ev = rec_event(rec);
	assert_int_equal(schema_check(rec, ((struct ev_hdr *)rec)->len, NULL), 0);
	proctree_update(tree, &ev);
	return ev;
}

static void identify(struct ev_hdr *h, uint32_t pid, uint64_t start, uint32_t ppid, uint64_t pstart)
{
	h->pid = h->tid = h->vpid = pid;
	h->start = start;
	h->ppid = ppid;
	h->parent_start = pstart;
}

/* A shell (pid 10) that was running, and its child (pid 20) that has not executed anything. */
static struct event shell_and_child(struct ev_fork **ret)
{
	struct ev_proc *sh = REC_NEW(proc);
	struct ev_fork *fork = REC_NEW(fork);

	identify(&sh->hdr, 10, 100, 1, 1);
	memcpy(sh->hdr.name, "sh", 3);
	sh->exe_origin = EXE_ORIGIN_regular;
	REC_STR(proc, sh, exe, "/bin/sh");
	REC_LIST(proc, sh, args, "sh", "-i");
	REC_STR(proc, sh, cwd, "/root");
	REC_STR(proc, sh, tty, "pts0");
	REC_STR(proc, sh, cgpath, "/docker/" CID);
	feed(sh);
	identify(&fork->hdr, 20, 200, 10, 100);
	struct event ev = feed(fork);
	rec_free(sh);
	*ret = fork;
	return ev;
}

static void from_the_process_table(void **state)
{
	(void)state;
	struct ev_fork *r;
	struct event ev = shell_and_child(&r);

	is_text(&ev, "process.executable", "/bin/sh");
	is_list(&ev, "process.args", "sh\0-i", 5);
	assert_false(v.joined);
	is_list(&ev, "process.command_line", "sh\0-i", 5);
	assert_true(v.joined);
	is_text(&ev, "process.working_directory", "/root");
	is_text(&ev, "redshank.tty", "pts0");
	is_text(&ev, "redshank.exe.origin", "regular");
	is_text(&ev, "container.id", CID);
	is_text(&ev, "container.runtime", "docker");
	is_text(&ev, "process.parent.executable", "/bin/sh");
	is_text(&ev, "process.parent.name", "sh");
	is_list(&ev, "process.parent.args", "sh\0-i", 5);
	is_list(&ev, "process.parent.command_line", "sh\0-i", 5);
	assert_true(v.joined);
	assert_int_equal(get(&ev, "process.interactive")->kind, VALUE_bool);
	assert_int_equal(v.num, 1);
	assert_int_equal(get(&ev, "redshank.exec.time")->kind, VALUE_none);
	rec_free(r);
}

static void ids(void **state)
{
	(void)state;
	struct ev_fork *r;
	struct event ev = shell_and_child(&r);
	char id[ENTITY_ID_LEN];

	entity_id(&rec_host, 20, 200, id);
	is_text(&ev, "process.entity_id", id);
	entity_id(&rec_host, 10, 100, id);
	is_text(&ev, "process.parent.entity_id", id);
	assert_int_equal(get(&ev, "redshank.seq")->num, 1);
	rec_free(r);
}

/* The record's own field is meant, with its flags, and not the table's copy. */
static void exec_has_its_own(void **state)
{
	(void)state;
	struct ev_fork *r;
	shell_and_child(&r);
	struct ev_exec *x = REC_NEW(exec);
	static char args[PROC_ARGS_MAX * 2];

	identify(&x->hdr, 20, 200, 10, 100);
	memset(args, 'x', sizeof(args));
	REC_STR(exec, x, exe, "/usr/bin/id");
	rec_add_str(x, &x->args, args, sizeof(args));
	REC_TRUNCATED(exec, x, args);
	struct event ev = feed(x);
	is_text(&ev, "process.executable", "/usr/bin/id");
	is_list(&ev, "process.command_line", args, sizeof(args));
	assert_true(v.truncated);
	is_text(&ev, "container.id", NULL); /* the record says that it has no cgroup path */
	assert_int_equal(get(&ev, "process.interactive")->num, 0);
	is_text(&ev, "redshank.previous.executable", "/bin/sh");
	assert_int_equal(get(&ev, "redshank.exec.time")->kind, VALUE_none);

	/* Afterwards the table knows the beginning, and says so. */
	struct ev_exit *e = REC_NEW(exit);
	identify(&e->hdr, 20, 200, 10, 100);
	ev = feed(e);
	is_list(&ev, "process.args", args, PROC_ARGS_MAX);
	assert_true(v.truncated);
	assert_int_equal(get(&ev, "redshank.exec.time")->kind, VALUE_time);
	assert_int_equal(v.num, x->hdr.time + (uint64_t)rec_host.unix_offset);
	is_text(&ev, "redshank.previous.executable", NULL);
	rec_free(e);
	rec_free(x);
	rec_free(r);
}

/* process.parent is the creator, in all of its fields, also after another process adopted it. */
static void reparented(void **state)
{
	(void)state;
	struct ev_fork *r;
	struct event ev = shell_and_child(&r);

	assert_int_equal(get(&ev, "process.parent.pid")->num, 10);
	assert_int_equal(get(&ev, "redshank.reparent.pid")->kind, VALUE_none);
	struct ev_exit *e = REC_NEW(exit);
	identify(&e->hdr, 20, 200, 1, 1);
	ev = feed(e);
	assert_int_equal(get(&ev, "process.parent.pid")->num, 10);
	assert_int_equal(get(&ev, "process.parent.start")->num,
			 100 + (uint64_t)rec_host.unix_offset);
	is_text(&ev, "process.parent.name", "sh");
	assert_int_equal(get(&ev, "redshank.reparent.pid")->num, 1);
	rec_free(e);
	rec_free(r);
}

/* Without a table there is what the header says. */
static void without_table(void **state)
{
	(void)state;
	char id[ENTITY_ID_LEN];
	struct ev_fork *r = REC_NEW(fork);
	struct event ev = rec_event(r);

	assert_int_equal(get(&ev, "process.parent.pid")->num, 1234);
	assert_int_equal(get(&ev, "process.parent.start")->kind, VALUE_time);
	entity_id(&rec_host, 1234, 3000000000, id);
	is_text(&ev, "process.parent.entity_id", id);
	entity_id(&rec_host, 4242, 4000000000, id);
	is_text(&ev, "process.entity_id", id);
	static const char *const absent[] = {
		"process.executable",  "process.args",	      "process.command_line",
		"process.parent.name", "process.parent.args", "container.id",
		"container.runtime",   "process.interactive", "redshank.exe.origin",
	};
	for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (get(&ev, absent[i])->kind != VALUE_none)
			fail_msg("%s is present", absent[i]);
	r->hdr.ppid = 0;
	is_text(&ev, "process.parent.entity_id", NULL);
	rec_free(r);
}

static void user_names(void **state)
{
	(void)state;
	char path[] = "/tmp/redshank-fields.XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "root:x:0:0::/:\nalice:x:1000:1000::/:\n";
	struct ev_fork *r = REC_NEW(fork);
	struct event ev = rec_event(r);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	users_use(path, NS);
	r->hdr.mntns = NS;
	is_text(&ev, "user.id", "1000");
	is_text(&ev, "user.name", "alice");
	is_text(&ev, "user.effective.id", NULL);
	is_text(&ev, "user.effective.name", NULL);
	is_text(&ev, "redshank.login.user", NULL);
	r->hdr.euid = 0;
	is_text(&ev, "user.effective.id", "0");
	is_text(&ev, "user.effective.name", "root");
	r->hdr.loginuid = 1000;
	is_text(&ev, "redshank.login.user", "alice");
	r->hdr.mntns = NS + 1; /* in a container uids have other names, but not the login */
	is_text(&ev, "user.name", NULL);
	is_text(&ev, "user.id", "1000");
	is_text(&ev, "redshank.login.user", "alice");
	unlink(path);
	users_disable();
	rec_free(r);
}

static void host_fields(void **state)
{
	(void)state;
	struct ev_fork *r = REC_NEW(fork);
	struct event ev = rec_event(r);

	is_text(&ev, "host.name", rec_host.hostname);
	is_text(&ev, "host.id", rec_host.machine_id);
	is_text(&ev, "host.boot.id", rec_host.boot_id);
	is_text(&ev, "host.os.kernel", rec_host.kernel);
	is_text(&ev, "host.architecture", rec_host.arch);
	rec_free(r);
}

/* Records of the sensor itself have no process. */
static void host_events(void **state)
{
	(void)state;
	struct any_field f, all[ANY_FIELDS_MAX];
	const struct ev_desc *d = ev_desc(EV_gap);

	assert_false(any_field_find(d, "process.pid", &f));
	assert_false(any_field_find(d, "process.entity_id", &f));
	assert_true(any_field_find(d, "@timestamp", &f));
	assert_true(any_field_find(d, "host.name", &f) && f.derived);
	assert_true(any_field_find(ev_desc(EV_host), "host.name", &f) && f.rec);
	unsigned n = any_fields(d, all);
	for (unsigned i = 0; i < n; i++)
		assert_int_not_equal(strncmp(any_field_name(&all[i]), "process.", 8), 0);
}

static void lists_of_fields(void **state)
{
	(void)state;
	for (unsigned id = 0; id < EV_TYPE_MAX; id++) {
		const struct ev_desc *d = ev_desc(id);
		struct any_field all[ANY_FIELDS_MAX], f;
		if (!d)
			continue;
		unsigned n = any_fields(d, all);
		assert_true(n > 5 && n < ANY_FIELDS_MAX);
		for (unsigned i = 0; i < n; i++) {
			const char *name = any_field_name(&all[i]);
			assert_true(*name);
			assert_true(any_field_find(d, name, &f));
			assert_true(f.rec == all[i].rec && f.derived == all[i].derived);
			for (unsigned k = i + 1; k < n; k++) {
				const char *other = any_field_name(&all[k]);
				size_t len = strlen(name);
				assert_true(field_name_cmp(name, other) < 0);
				/* A name can't be a value and an object. */
				if (!strncmp(name, other, len) && other[len] == '.')
					fail_msg("%s: %s and %s", d->key, name, other);
			}
		}
		for (unsigned i = 0; i < d->nfields; i++)
			assert_true(any_field_find(d, d->fields[i].name, &f) &&
				    f.rec == &d->fields[i]);
	}
}

static void order(void **state)
{
	(void)state;
	assert_true(field_name_cmp("a.z", "a-b") < 0); /* though '-' sorts before '.' */
	assert_true(field_name_cmp("a.z.x", "a.z_x") < 0);
	assert_true(field_name_cmp("a", "a.b") < 0);
	assert_true(field_name_cmp("a.b", "a") > 0);
	assert_true(field_name_cmp("@t", "a") < 0);
	assert_int_equal(field_name_cmp("a.b", "a.b"), 0);
}

static void host_records(void **state)
{
	(void)state;
	struct host h;
	struct ev_host *r = REC_NEW(host);
	static char huge[5000];

	host_init(&h);
	assert_int_equal(h.unix_offset, 0);
	assert_string_equal(h.hostname, "");
	r->unix_offset = (u64)-5;
	REC_STR(host, r, boot_id, "4a52bdb7-a6a4-4ea0-9f66-9a4b4d0c0ffe");
	REC_STR(host, r, hostname, "mars\xff\x1b[2J");
	REC_STR(host, r, machine_id, "0123456789abcdef0123456789abcdef");
	memset(huge, 'k', sizeof(huge));
	rec_add_str(r, &r->kernel, huge, sizeof(huge));
	assert_int_equal(host_update(&h, &r->hdr), 0);
	assert_int_equal(h.unix_offset, -5);
	assert_string_equal(h.boot_id, "4a52bdb7-a6a4-4ea0-9f66-9a4b4d0c0ffe");
	assert_string_equal(h.hostname, "mars??[2J");
	assert_string_equal(h.machine_id, "0123456789abcdef0123456789abcdef");
	assert_int_equal(strlen(h.kernel), sizeof(h.kernel) - 1);
	assert_string_equal(h.arch, "");
	rec_free(r);

	struct host before = h;
	struct ev_fork *other = REC_NEW(fork);
	assert_int_equal(host_update(&h, &other->hdr), -EINVAL);
	assert_memory_equal(&h, &before, sizeof(h));
	rec_free(other);
}

int main(void)
{
#define WITH_TREE(test_) cmocka_unit_test_setup_teardown(test_, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_TREE(from_the_process_table), WITH_TREE(ids),
		WITH_TREE(exec_has_its_own),	   WITH_TREE(reparented),
		WITH_TREE(without_table),	   WITH_TREE(user_names),
		cmocka_unit_test(host_fields),	   cmocka_unit_test(host_events),
		cmocka_unit_test(lists_of_fields), cmocka_unit_test(order),
		cmocka_unit_test(host_records),
	};
	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
