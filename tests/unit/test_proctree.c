/* SPDX-License-Identifier: Apache-2.0 */
/* The process table: lineage, pid reuse, what threads and images do. Its bounds: _bounds.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "processes.h"

static int setup(void **state)
{
	(void)state;
	tree_new(64, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_free();
	return 0;
}

static void assert_exe(const struct image *im, const char *exe)
{
	assert_non_null(im);
	assert_int_equal(im->exe_len, strlen(exe));
	assert_memory_equal(im->exe, exe, strlen(exe));
}

static void life_of_a_process(void **state)
{
	(void)state;
	const struct proc *p = do_proc(id(100, 1), id(1, 0), "/bin/sh");
	assert_exe(p->image, "/bin/sh");
	assert_null(p->prev_image);
	assert_int_equal(p->exec_time, 0);

	p = do_fork(id(200, 2), id(100, 1));
	assert_int_equal(p->pid, 200);
	assert_int_equal(p->start, id(200, 2).start);
	assert_int_equal(p->ppid, 100);
	assert_int_equal(p->exec_time, 0);
	assert_int_equal(p->exit_time, 0);
	assert_exe(p->image, "/bin/sh");

	p = do_exec(id(200, 2), id(100, 1), "/usr/bin/id");
	assert_exe(p->image, "/usr/bin/id");
	assert_exe(p->prev_image, "/bin/sh");
	assert_int_equal(p->exec_time, now);

	p = do_exec(id(200, 2), id(100, 1), "/usr/bin/true");
	assert_exe(p->image, "/usr/bin/true");
	assert_exe(p->prev_image, "/usr/bin/id");

	p = do_exit(id(200, 2), id(100, 1));
	assert_int_equal(p->exit_time, now);
	assert_exe(p->image, "/usr/bin/true");
	struct proctree_stats st = stats();
	assert_int_equal(st.live, 1);
	assert_int_equal(st.dead, 1);
	assert_int_equal(st.unknown, 0);
	assert_int_equal(st.evicted_live + st.evicted_dead, 0);

	/* Said twice, it still died once, and then. */
	uint64_t died = now;
	p = do_exit(id(200, 2), id(100, 1));
	assert_int_equal(p->exit_time, died);
	assert_int_equal(stats().dead, 1);
}

static void facts_of_the_image(void **state)
{
	(void)state;
	static const char *const argv[] = { "id", "-u", "" };
	struct ev_exec *r = REC_NEW(exec);
	set_ids(&r->hdr, id(7, 1), id(1, 0));
	REC_STR(exec, r, exe, "/usr/bin/id");
	rec_add_list(r, &r->args, argv, 3);
	REC_STR(exec, r, cwd, "/tmp");
	REC_STR(exec, r, tty, "pts3");
	REC_STR(exec, r, cgpath, "/user.slice");
	r->exe_ino = 77;
	r->exe_size = 1ULL << 40;
	r->exe_dev = 0x800001;
	r->exe_nlink = 2;
	r->exe_mode = 04755;
	r->exe_uid = 3;
	r->exe_gid = 4;
	r->exe_origin = EXE_ORIGIN_tmpfs;
	r->exe_flags = EXE_F_SCRIPT;
	const struct proc *p = update(r);
	assert_non_null(p);
	const struct image *im = p->image;
	assert_exe(im, "/usr/bin/id");
	assert_int_equal(im->args_len, 7);
	assert_memory_equal(im->args, "id\0-u\0", 7);
	assert_false(im->args_truncated);
	assert_int_equal(im->cwd_len, 4);
	assert_memory_equal(im->cwd, "/tmp", 4);
	assert_int_equal(im->tty_len, 4);
	assert_memory_equal(im->tty, "pts3", 4);
	assert_int_equal(im->cgpath_len, 11);
	assert_memory_equal(im->cgpath, "/user.slice", 11);
	assert_int_equal(im->exe_ino, 77);
	assert_int_equal(im->exe_size, 1ULL << 40);
	assert_int_equal(im->exe_dev, 0x800001);
	assert_int_equal(im->exe_nlink, 2);
	assert_int_equal(im->exe_mode, 04755);
	assert_int_equal(im->exe_uid, 3);
	assert_int_equal(im->exe_gid, 4);
	assert_int_equal(im->exe_flags, EXE_F_SCRIPT);
	assert_true(image_is_linked(im));
}

static void long_arguments_are_cut(void **state)
{
	(void)state;
	static const size_t sizes[] = { PROC_ARGS_MAX - 1, PROC_ARGS_MAX, PROC_ARGS_MAX + 1,
					EV_ARGS_MAX };
	for (unsigned i = 0; i < 4; i++) {
		const struct proc *p = do_exec_sized(id(7, 1), id(1, 0), sizes[i]);
		bool cut = sizes[i] > PROC_ARGS_MAX;
		assert_int_equal(p->image->args_len, cut ? PROC_ARGS_MAX : sizes[i]);
		assert_int_equal(!!p->image->args_truncated, cut);
	}
	/* Cut in the kernel already. */
	struct ev_exec *r = REC_NEW(exec);
	set_ids(&r->hdr, id(7, 1), id(1, 0));
	REC_LIST(exec, r, args, "a");
	REC_TRUNCATED(exec, r, args);
	assert_true(update(r)->image->args_truncated);
}

static void lineage_outlives_the_parent(void **state)
{
	(void)state;
	const struct proc *up[PROC_ANCESTORS_MAX];
	do_proc(id(1, 0), id(0, 0), "/sbin/init");
	do_exec(id(10, 1), id(1, 0), "/usr/sbin/sshd");
	do_fork(id(11, 2), id(10, 1));
	do_exec(id(11, 2), id(10, 1), "/bin/bash");
	do_fork(id(12, 3), id(11, 2));
	do_exit(id(11, 2), id(10, 1));
	do_exit(id(10, 1), id(1, 0));

	/* Re-parented to init, as the kernel now says; its creator is still the shell. */
	const struct proc *p = do_exec(id(12, 3), id(1, 0), "/tmp/x");
	unsigned n = proctree_ancestors(tree, p, up, PROC_ANCESTORS_MAX);
	assert_int_equal(n, 3);
	assert_exe(up[0]->image, "/bin/bash");
	assert_exe(up[1]->image, "/usr/sbin/sshd");
	assert_exe(up[2]->image, "/sbin/init");
	assert_true(up[0]->exit_time && up[1]->exit_time && !up[2]->exit_time);
	assert_ptr_equal(proctree_parent(tree, p), up[0]);
	assert_int_equal(p->ppid, 11);
	assert_int_equal(proctree_ancestors(tree, p, up, 2), 2);
	assert_int_equal(proctree_ancestors(tree, p, up, 0), 0);
}

static void pid_reuse(void **state)
{
	(void)state;
	const struct proc *up[PROC_ANCESTORS_MAX];
	do_exec(id(50, 1), id(1, 0), "/bin/old");
	do_fork(id(60, 2), id(50, 1));
	do_exit(id(50, 1), id(1, 0));
	const struct proc *p = do_fork(id(50, 9), id(1, 0));
	assert_int_equal(p->start, id(50, 9).start);
	assert_int_equal(p->exit_time, 0);
	assert_null(p->image); /* nothing of the old one, and its creator is not known */
	do_exec(id(50, 9), id(1, 0), "/bin/new");

	p = do_exec(id(60, 2), id(50, 1), "/bin/child");
	assert_int_equal(proctree_ancestors(tree, p, up, PROC_ANCESTORS_MAX), 1);
	assert_exe(up[0]->image, "/bin/old");
	p = do_fork(id(61, 10), id(50, 9));
	assert_exe(p->image, "/bin/new");
	/* A late record of the old one changes the old one. */
	p = do_exit(id(50, 1), id(1, 0));
	assert_exe(p->image, "/bin/old");
	assert_int_equal(stats().dead, 1);
	/* The same pid without an exit in between (it was lost). */
	p = do_exec(id(50, 12), id(1, 0), "/bin/newest");
	assert_int_equal(p->start, id(50, 12).start);
	assert_null(p->prev_image);
}

static void threads(void **state)
{
	(void)state;
	do_exec(id(70, 1), id(1, 0), "/bin/many");
	struct ev_exit *r = REC_NEW(exit);
	set_ids(&r->hdr, id(70, 1), id(1, 0));
	r->hdr.type = EV_fork;
	r->hdr.len = r->hdr.fixed = sizeof(struct ev_fork);
	r->hdr.tid = 71;
	r->hdr.euid = 0;
	memcpy(r->hdr.name, "worker", 7);
	const struct proc *p = update(r);
	assert_int_equal(p->pid, 70);
	assert_string_equal(p->comm, "test"); /* a thread's name is not the process's */
	assert_int_equal(p->euid, 0);
	assert_int_equal(stats().live, 1);
	/* exec by a thread: the kernel makes it the leader. */
	p = do_exec(id(70, 1), id(1, 0), "/bin/after");
	assert_exe(p->prev_image, "/bin/many");
	assert_int_equal(stats().live, 1);
}

/* The two ring buffers are read one after the other: a record may be older than the last one. */
static void late_record(void **state)
{
	(void)state;
	const struct proc *p = do_exec(id(5, 1), id(1, 0), "/bin/after");
	struct ev_rename *r = REC_NEW(rename);
	set_ids(&r->hdr, id(5, 1), id(1, 0));
	memcpy(r->hdr.name, "before", 7);
	r->hdr.euid = 0;
	now -= 10;
	p = update(r);
	assert_string_equal(p->comm, "test");
	assert_int_equal(p->euid, 1000);
	now += 10;
	r = REC_NEW(rename);
	set_ids(&r->hdr, id(5, 1), id(1, 0));
	memcpy(r->hdr.name, "newest", 7);
	p = update(r);
	assert_string_equal(p->comm, "newest");
}

static void images_are_shared(void **state)
{
	(void)state;
	const struct image *im = do_exec(id(5, 1), id(1, 0), "/bin/server")->image;
	uint64_t bytes = stats().string_bytes;
	for (unsigned i = 0; i < 20; i++)
		assert_ptr_equal(do_fork(id(100 + i, 2), id(5, 1))->image, im);
	assert_int_equal(stats().string_bytes, bytes);
	/* What the parent runs later is not the child's. */
	do_exec(id(5, 1), id(1, 0), "/bin/other");
	const struct proc *p = do_exit(id(100, 2), id(5, 1));
	assert_ptr_equal(p->image, im);
	assert_exe(im, "/bin/server");
}

static void inventory(void **state)
{
	(void)state;
	/* By pid, and pids wrap: the child comes first. */
	const struct proc *p = do_proc(id(20, 5), id(900, 1), "/bin/child");
	assert_null(proctree_parent(tree, p));
	const struct proc *q = do_proc(id(900, 1), id(1, 0), "/bin/parent");
	p = do_proc(id(20, 5), id(900, 1), "/bin/child");
	assert_ptr_equal(proctree_parent(tree, p), q);
	/* What the stream has told meanwhile is newer than the inventory. */
	do_exec(id(20, 5), id(900, 1), "/bin/newer");
	p = do_proc(id(20, 5), id(900, 1), "/bin/stale");
	assert_exe(p->image, "/bin/newer");
	/* But what was only inherited is not. */
	do_fork(id(21, 6), id(900, 1));
	p = do_proc(id(21, 6), id(900, 1), "/bin/own");
	assert_exe(p->image, "/bin/own");
	assert_int_equal(stats().unknown, 0);
}

static void never_seen_before(void **state)
{
	(void)state;
	const struct proc *p = do_exit(id(5, 1), id(1, 0));
	assert_int_equal(p->pid, 5);
	assert_int_equal(p->exit_time, now);
	assert_null(p->image);
	p = do_exec(id(6, 1), id(1, 0), "/bin/x");
	assert_null(p->prev_image);
	assert_int_equal(stats().unknown, 2);
	/* No process: the idle task, the sensor's own records. */
	assert_null(do_fork(id(0, 0), id(0, 0)));
	assert_null(update(REC_NEW(gap)));
	assert_null(update(REC_NEW(host)));
	assert_int_equal(stats().live + stats().dead, 2);
}

/* Hostile records: everyone is everyone's parent. */
static void no_cycles(void **state)
{
	(void)state;
	const struct proc *up[PROC_ANCESTORS_MAX + 8];

	const struct proc *p = do_fork(id(10, 5), id(10, 5)); /* its own */
	assert_int_equal(proctree_ancestors(tree, p, up, PROC_ANCESTORS_MAX), 0);
	/* a → b → a, neither known when the first came; in both orders, and at the same time. */
	do_fork(id(20, 5), id(21, 6));
	p = do_fork(id(21, 6), id(20, 5));
	assert_int_equal(proctree_ancestors(tree, p, up, PROC_ANCESTORS_MAX), 1);
	do_fork(id(30, 6), id(31, 5));
	p = do_fork(id(31, 5), id(30, 6));
	assert_int_equal(proctree_ancestors(tree, p, up, PROC_ANCESTORS_MAX), 0);
	do_fork(id(40, 5), id(41, 5));
	do_fork(id(41, 5), id(42, 5));
	p = do_fork(id(42, 5), id(40, 5));
	unsigned n = proctree_ancestors(tree, p, up, PROC_ANCESTORS_MAX);
	assert_true(n <= 2);
	for (unsigned i = 0; i < n; i++)
		assert_ptr_not_equal(up[i], p);
	/* At boot many have the same start time; a lower pid is enough then. */
	do_proc(id(2, 0), id(0, 0), "");
	p = do_proc(id(3, 0), id(2, 0), "");
	assert_int_equal(proctree_ancestors(tree, p, up, PROC_ANCESTORS_MAX), 1);
}

static void ancestry_is_bounded(void **state)
{
	(void)state;
	const struct proc *up[PROC_ANCESTORS_MAX + 1], *p = NULL;
	for (unsigned i = 1; i < 60; i++)
		p = do_fork(id(i + 1, i), id(i, i - 1));
	memset(up, 0, sizeof(up));
	assert_int_equal(proctree_ancestors(tree, p, up, PROC_ANCESTORS_MAX), PROC_ANCESTORS_MAX);
	assert_null(up[PROC_ANCESTORS_MAX]);
	for (unsigned i = 0; i < PROC_ANCESTORS_MAX; i++)
		assert_int_equal(up[i]->pid, 59 - i);
}

static void entity_ids(void **state)
{
	(void)state;
	char a[ENTITY_ID_LEN], b[ENTITY_ID_LEN];
	struct host h = rec_host;

	entity_id(&h, 4242, 0x123456789, a);
	assert_string_equal(a, "4a52bdb7a6a44ea0-123456789-1092");
	entity_id(&h, 4242, 0x123456789, b);
	assert_string_equal(a, b);
	entity_id(&h, 4243, 0x123456789, b);
	assert_string_not_equal(a, b);
	entity_id(&h, 4242, 0x12345678a, b);
	assert_string_not_equal(a, b);
	h.boot_id[0] = 'f';
	entity_id(&h, 4242, 0x123456789, b);
	assert_string_not_equal(a, b);
	/* The longest, and a host that is not known. */
	memset(&h, 0, sizeof(h));
	entity_id(&h, UINT32_MAX, UINT64_MAX, a);
	assert_string_equal(a, "0000000000000000-ffffffffffffffff-ffffffff");
	memset(h.boot_id, 'x', sizeof(h.boot_id) - 1);
	entity_id(&h, 1, 1, a);
	assert_string_equal(a, "xxxxxxxxxxxxxxxx-1-1");
	strcpy(h.boot_id, "ab-");
	entity_id(&h, 1, 1, a);
	assert_string_equal(a, "ab00000000000000-1-1");
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

/* /proc has starts to 10 ms, the kernel's records have them to the ns: it is one process. */
static void start_known_to_a_tick(void **state)
{
	(void)state;
	const u64 tick = 10000000, shell = 500 * tick, tool = 503 * tick;
	do_proc((struct proc_id){ 100, shell }, id(1, 0), "/bin/sh");
	do_proc((struct proc_id){ 200, tool }, (struct proc_id){ 100, shell }, "/bin/tool");
	uint64_t held = stats().live;

	struct proc_id exact = { 100, shell + 4321 }, tool_exact = { 200, tool + tick - 1 };
	const struct proc *p = do_fork((struct proc_id){ 300, tool + tick }, exact);
	assert_exe(p->image, "/bin/sh");
	p = do_exit(tool_exact, exact);
	assert_exe(p->image, "/bin/tool");
	assert_int_equal(p->start, tool_exact.start);
	assert_int_equal(proctree_parent(tree, p)->start, exact.start);
	assert_int_equal(stats().live + stats().dead, held + 1);

	/* Another process has the number by the next tick. */
	p = do_fork((struct proc_id){ 200, tool + tick }, exact);
	assert_int_equal(p->exit_time, 0);
	assert_int_equal(stats().live + stats().dead, held + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(life_of_a_process),
		T(facts_of_the_image),
		T(long_arguments_are_cut),
		T(lineage_outlives_the_parent),
		T(pid_reuse),
		T(threads),
		T(late_record),
		T(images_are_shared),
		T(inventory),
		T(start_known_to_a_tick),
		T(never_seen_before),
		T(no_cycles),
		T(ancestry_is_bounded),
		cmocka_unit_test(entity_ids),
	};
	return cmocka_run_group_tests_name("proctree", tests, NULL, NULL);
}
