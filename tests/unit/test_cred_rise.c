/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that rose: what no trigger can do without an exploit of the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "detect/d_cred_rise.h"
#include "processes.h"

#define INITIAL	   0xEFFFFFFDU /* PROC_USER_INIT_INO */
#define CAP_SETUID (1ULL << 7)
#define CAP_NET	   (1ULL << 12)

static struct verdict verdict;

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

/* The detector's severity for the record, which is freed. */
static enum severity judge(void *rec)
{
	struct event ev = rec_event(rec);

	memset(&verdict, 0, sizeof(verdict));
	((struct ev_hdr *)rec)->time = ++now;
	assert_int_equal(schema_check(rec, ev.rec->len, NULL), 0);
	proctree_update(tree, &ev);
	assert_int_equal(detector_cred_rise.on_event(NULL, &ev, &verdict), 0);
	rec_free(rec);
	return verdict.severity;
}

static struct ev_exec *exec_as(u32 uid, u64 caps)
{
	struct ev_exec *r = REC_NEW(exec);

	set_ids(&r->hdr, id(100, 2), id(10, 1));
	r->hdr.uid = r->hdr.euid = r->suid = uid;
	r->cap_permitted = caps;
	r->userns = INITIAL;
	r->exe_mode = 0100755;
	r->exe_origin = EXE_ORIGIN_regular;
	REC_STR(exec, r, exe, "/usr/bin/something");
	return r;
}

/* What the process with this id does as root; of any type. */
static void *as_root(void *rec, struct proc_id self, struct proc_id parent)
{
	struct ev_hdr *h = rec;

	set_ids(h, self, parent);
	h->uid = h->euid = 0;
	return rec;
}

static void root_from_nowhere(void **state)
{
	(void)state;
	static const enum ev_type any[] = { EV_exit,	     EV_access, EV_module, EV_bpf_load,
					    EV_kernel_write, EV_uring,	EV_ns };

	for (unsigned i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		assert_int_equal(judge(exec_as(1000, 0)), SEVERITY_none);
		assert_int_equal(judge(as_root(rec_new(any[i]), id(100, 2), id(10, 1))),
				 SEVERITY_critical);
	}
}

/* The other ring buffer was behind: root was what it was before its program. */
static void told_late(void **state)
{
	(void)state;
	now += 10;
	assert_int_equal(judge(exec_as(1000, 0)), SEVERITY_none);
	now -= 10;
	assert_int_equal(judge(as_root(rec_new(EV_ns), id(100, 2), id(10, 1))), SEVERITY_none);
	now += 10;
	assert_int_equal(judge(as_root(rec_new(EV_ns), id(100, 2), id(10, 1))), SEVERITY_critical);
}

static void wanted(void **state)
{
	(void)state;
	static const enum ev_type any[] = { EV_exec,   EV_fork,	  EV_exit,     EV_creds,
					    EV_access, EV_module, EV_bpf_load, EV_kernel_write,
					    EV_uring,  EV_ns };

	for (unsigned i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		const enum ev_type *w = detector_cred_rise.wants;
		while (*w != EV_none && *w != any[i])
			w++;
		assert_int_equal(*w, any[i]);
	}
}

/* The exploit's child: it shares the program that was started by a user. */
static void child_of_risen(void **state)
{
	(void)state;
	assert_int_equal(judge(exec_as(1000, 0)), SEVERITY_none);
	assert_int_equal(judge(as_root(REC_NEW(fork), id(101, 3), id(100, 2))), SEVERITY_critical);
}

static void exec_as_root(void **state)
{
	(void)state;
	struct ev_exec *sudo = exec_as(0, ~0ULL);

	sudo->exe_mode = 0104755; /* root's, as exe_uid is 0: whatever link led to it */
	sudo->hdr.uid = 1000;
	assert_int_equal(judge(exec_as(1000, 0)), SEVERITY_none);
	assert_int_equal(judge(sudo), SEVERITY_none);

	assert_int_equal(judge(exec_as(1000, 0)), SEVERITY_none);
	assert_int_equal(judge(exec_as(0, ~0ULL)), SEVERITY_critical);

	struct ev_exec *somebodys = exec_as(0, ~0ULL);
	somebodys->exe_mode = 0104755;
	somebodys->exe_uid = 1000;
	assert_int_equal(judge(exec_as(1000, 0)), SEVERITY_none);
	assert_int_equal(judge(somebodys), SEVERITY_critical);
}

static void capabilities(void **state)
{
	(void)state;
	struct ev_exec *ping = exec_as(1000, CAP_NET);

	ping->secure = 1; /* the file's capabilities */
	assert_int_equal(judge(exec_as(1000, 0)), SEVERITY_none);
	assert_int_equal(judge(ping), SEVERITY_none);
	assert_int_equal(judge(exec_as(1000, 0)), SEVERITY_none);
	assert_int_equal(judge(exec_as(1000, CAP_NET)), SEVERITY_high);
	/* It has them now, and keeps them: told once. */
	assert_int_equal(judge(exec_as(1000, CAP_NET)), SEVERITY_none);
}

static void known_ways(void **state)
{
	(void)state;
	struct ev_creds *setuid = REC_NEW(creds);

	assert_int_equal(judge(exec_as(1000, CAP_SETUID)), SEVERITY_none);
	as_root(setuid, id(100, 2), id(10, 1));
	setuid->op = CREDS_setuid;
	assert_int_equal(judge(setuid), SEVERITY_low);
	assert_int_equal(judge(as_root(REC_NEW(exit), id(100, 2), id(10, 1))), SEVERITY_none);
	/* A process whose start was not seen. */
	assert_int_equal(judge(as_root(REC_NEW(exit), id(555, 9), id(10, 1))), SEVERITY_none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(root_from_nowhere, setup, teardown),
		cmocka_unit_test_setup_teardown(told_late, setup, teardown),
		cmocka_unit_test_setup_teardown(wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(child_of_risen, setup, teardown),
		cmocka_unit_test_setup_teardown(exec_as_root, setup, teardown),
		cmocka_unit_test_setup_teardown(capabilities, setup, teardown),
		cmocka_unit_test_setup_teardown(known_ways, setup, teardown),
	};
	return cmocka_run_group_tests_name("cred_rise", tests, NULL, NULL);
}
