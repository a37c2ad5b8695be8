/* SPDX-License-Identifier: Apache-2.0 */
/* The process table's promises about memory: who is forgotten, when, and that it is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "processes.h"

#define SLOTS 16 /* the fewest that a table has */

static int teardown(void **state)
{
	(void)state;
	tree_free();
	return 0;
}

/* Is it in the table? Without changing it: an ancestor is looked for by its child. */
static bool knows_parent(struct proc_id child, struct proc_id parent)
{
	const struct proc *p = do_exit(child, parent);
	return p && proctree_parent(tree, p);
}

static void the_dead_go_first(void **state)
{
	(void)state;
	tree_new(SLOTS, 1 << 20);
	for (unsigned i = 0; i < SLOTS; i++)
		do_fork(id(100 + i, i), id(1, 0));
	for (unsigned i = 0; i < 4; i++) /* the youngest dies first */
		do_exit(id(103 - i, 3 - i), id(1, 0));
	for (unsigned i = 0; i < 2; i++)
		do_fork(id(200 + i, 100), id(1, 0));
	struct proctree_stats st = stats();
	assert_int_equal(st.evicted_dead, 2);
	assert_int_equal(st.evicted_live, 0);
	assert_int_equal(st.live, SLOTS - 4 + 2);
	assert_int_equal(st.dead, 2);
	/* Longest dead were 103 and 102: unknown now, while 101 and 100 are not. */
	do_exit(id(101, 1), id(1, 0));
	do_exit(id(100, 0), id(1, 0));
	assert_int_equal(stats().unknown, 0);
	do_exit(id(103, 3), id(1, 0));
	assert_int_equal(stats().unknown, 1);
}

static void then_the_idle(void **state)
{
	(void)state;
	tree_new(SLOTS, 1 << 20);
	for (unsigned i = 0; i < SLOTS; i++)
		do_fork(id(100 + i, i), id(1, 0));
	do_exec(id(100, 0), id(1, 0), "/bin/busy"); /* the oldest, but not idle */
	do_fork(id(200, 100), id(1, 0));
	assert_int_equal(stats().evicted_live, 1);
	assert_int_equal(stats().live, SLOTS);
	const struct proc *p = do_exec(id(100, 0), id(1, 0), "/bin/still");
	assert_non_null(p->prev_image);
	assert_int_equal(stats().unknown, 0);
	do_exec(id(101, 1), id(1, 0), "/bin/back"); /* that one was evicted */
	assert_int_equal(stats().unknown, 1);
	assert_int_equal(stats().evicted_live, 2);
}

static void reused_slot_is_no_ancestor(void **state)
{
	(void)state;
	tree_new(SLOTS, 1 << 20);
	do_fork(id(100, 1), id(1, 0)); /* idle from now on */
	do_fork(id(101, 2), id(100, 1));
	for (unsigned i = 0; i < SLOTS - 2; i++)
		do_fork(id(300 + i, 3), id(1, 0));
	assert_true(knows_parent(id(101, 2), id(100, 1)));
	do_fork(id(102, 4), id(100, 1)); /* 101 is dead and makes room */
	assert_int_equal(stats().evicted_dead, 1);
	do_fork(id(400, 5), id(1, 0)); /* in the slot of 100 */
	assert_int_equal(stats().evicted_live, 1);
	assert_false(knows_parent(id(102, 4), id(100, 1)));
}

static void many_large_arguments(void **state)
{
	(void)state;
	const size_t max = 64 << 10, one = sizeof(struct image) + PROC_ARGS_MAX;
	tree_new(1024, max);
	uint64_t most = 0;
	for (unsigned i = 0; i < 3000; i++) {
		do_exec_sized(id(10 + i % 500, i % 500), id(1, 0), EV_ARGS_MAX);
		struct proctree_stats st = stats();
		assert_true(st.string_bytes <= max);
		assert_true(st.live + st.dead <= 1024);
		most = st.string_bytes > most ? st.string_bytes : most;
	}
	assert_true(most > max - one); /* and the room is used */
	assert_true(stats().evicted_live > 0);
	/* Dead ones go before live ones here, too. */
	uint64_t evicted = stats().evicted_live;
	for (unsigned i = 0; i < 10; i++)
		do_exit(id(490 + i, 480 + i), id(1, 0));
	uint64_t dead = stats().dead;
	assert_true(dead > 0);
	do_exec_sized(id(5000, 5000), id(1, 0), EV_ARGS_MAX);
	assert_int_equal(stats().evicted_live, evicted);
}

static void no_room_for_even_one(void **state)
{
	(void)state;
	tree_new(SLOTS, 0);
	for (unsigned i = 0; i < 100; i++) {
		const struct proc *p = do_exec(id(10 + i, i), id(1, 0), "/bin/x");
		assert_null(p); /* said, not a pointer to what was evicted */
		assert_int_equal(stats().string_bytes, 0);
	}
	assert_non_null(do_fork(id(500, 500), id(1, 0)));
	tree_free();
	/* A bound that holds one image, and a process that wants two. */
	tree_new(SLOTS, sizeof(struct image) + 16);
	do_exec(id(10, 1), id(1, 0), "/bin/one");
	const struct proc *p = do_exec(id(10, 1), id(1, 0), "/bin/two");
	assert_non_null(p);
	assert_non_null(p->image);
	assert_null(p->prev_image);
	assert_int_equal(stats().evicted_live, 0);
}

/* What the table may hold is what its processes' images are: each counted once. */
static uint64_t images_of(const struct proc **known, unsigned n)
{
	uint64_t sum = 0;
	const struct image *seen[2 * 64];
	unsigned nseen = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct image *both[] = { known[i]->image, known[i]->prev_image };
		for (unsigned k = 0; k < 2; k++) {
			const struct image *im = both[k];
			bool again = !im;
			for (unsigned s = 0; s < nseen && !again; s++)
				again = seen[s] == im;
			if (again)
				continue;
			seen[nseen++] = im;
			sum += sizeof(*im) + im->exe_len + im->args_len + im->cwd_len +
			       im->tty_len + im->cgpath_len;
		}
	}
	return sum;
}

static void string_bytes_are_exact(void **state)
{
	(void)state;
	const struct proc *known[64];
	tree_new(64, 1 << 20);
	for (unsigned round = 0; round < 50; round++)
		for (unsigned i = 0; i < 60; i++) {
			struct proc_id self = id(10 + i, i + 1), parent = id(9 + i, i);
			switch ((round * 7 + i) % 5) {
			case 0:
				known[i] = do_exec(self, parent, "/usr/bin/something");
				break;
			case 1:
				known[i] = do_exec_sized(self, parent, (round * 97 + i) % 4000);
				break;
			case 2:
				known[i] = do_proc(self, parent, "/bin/p");
				break;
			default:
				known[i] = do_fork(self, parent);
				break;
			}
			assert_non_null(known[i]);
			assert_int_equal(stats().string_bytes,
					 images_of(known, round ? 60 : i + 1));
		}
	/* Slots are not moved: the pointers above were good all the time. */
	assert_int_equal(stats().live, 60);
	assert_int_equal(stats().evicted_live + stats().evicted_dead, 0);
}

static uint64_t seed = 88172645463325252ULL;

static uint64_t rnd(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static void storm_of(unsigned slots, size_t bytes, unsigned records)
{
	tree_new(slots, bytes);
	for (unsigned i = 0; i < records; i++) {
		struct proc_id self = id((u32)rnd(300), rnd(4)), parent = id((u32)rnd(300), rnd(4));
		const struct proc *p = NULL, *up[PROC_ANCESTORS_MAX];
		switch (rnd(6)) {
		case 0:
			p = do_exec(self, parent, "/bin/random");
			break;
		case 1:
			p = do_exec_sized(self, parent, rnd(EV_ARGS_MAX));
			break;
		case 2:
			p = do_proc(self, parent, "/bin/inventory");
			break;
		case 3:
			p = do_exit(self, parent);
			break;
		default:
			p = do_fork(self, parent);
			break;
		}
		struct proctree_stats st = stats();
		assert_true(st.live + st.dead <= st.slots);
		assert_true(st.string_bytes <= st.string_bytes_max);
		if (!self.pid)
			assert_null(p);
		if (!p)
			continue;
		assert_int_equal(p->pid, self.pid);
		assert_int_equal(p->start, self.start);
		unsigned n = proctree_ancestors(tree, p, up, PROC_ANCESTORS_MAX);
		assert_true(n <= PROC_ANCESTORS_MAX);
		for (unsigned k = 0; k < n; k++) {
			assert_true(up[k]->pid && up[k] != p);
			assert_true(up[k]->start <= (k ? up[k - 1] : p)->start);
		}
	}
	tree_free();
}

static void storm(void **state)
{
	(void)state;
	storm_of(SLOTS, 20000, 50000);
	storm_of(256, 100000, 100000);
	storm_of(4096, 1 << 20, 50000);
}

#define T(name_) cmocka_unit_test_teardown(name_, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_dead_go_first),
		T(then_the_idle),
		T(reused_slot_is_no_ancestor),
		T(many_large_arguments),
		T(no_room_for_even_one),
		T(string_bytes_are_exact),
		T(storm),
	};
	return cmocka_run_group_tests_name("proctree_bounds", tests, NULL, NULL);
}
