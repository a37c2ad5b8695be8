/* SPDX-License-Identifier: Apache-2.0 */
/* What `redshank tail` shows of a stream, by type, process and container. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "alerts.h"
#include "processes.h"
#include "sink/filter.h"

#define CONTAINER "0c0f3b1d5a7e9c2486fd0123456789ab0c0f3b1d5a7e9c2486fd0123456789ab"

/* Frees the record. */
static bool passes(const struct filter *f, void *rec)
{
	struct event ev = rec_event(rec);
	bool yes = filter_event(f, &ev);
	rec_free(rec);
	return yes;
}

static bool type_passes(const struct filter *f, unsigned type)
{
	return passes(f, rec_new(type));
}

static void lists_of_types(void **state)
{
	(void)state;
	struct filter f = { 0 };
	struct err e;
	assert_int_equal(filter_add_types(&f, "exec", &e), 0);
	assert_int_equal(f.types, 1ULL << EV_exec);
	assert_int_equal(filter_add_types(&f, "exit,fork,exit", &e), 0);
	assert_int_equal(f.types, 1ULL << EV_exec | 1ULL << EV_exit | 1ULL << EV_fork);
	/* Every event has a name that is taken. */
	for (unsigned i = 1; i < EV_TYPE_MAX; i++) {
		struct filter one = { 0 };
		if (!ev_desc(i))
			continue;
		assert_int_equal(filter_add_types(&one, ev_desc(i)->key, &e), 0);
		assert_int_equal(one.types, 1ULL << i);
	}
}

static void wrong_lists(void **state)
{
	(void)state;
	static char big[100000];
	memset(big, 'x', sizeof(big) - 1);
	const char *const bad[] = { "",		 ",",	   "exec,", ",exec", "exec,,exit", " exec",
				    "exec ",	 "EXEC",   "exe",   "execs", "none",	   "1",
				    "exec;exit", "%s%n%n", "\xff",  big };
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct filter f = { 0 };
		struct err e = { { 0 } };
		assert_int_equal(filter_add_types(&f, bad[i], &e), -EINVAL);
		assert_true(memchr(e.text, 0, sizeof(e.text)));
		if (bad[i] == big)
			continue;
		for (unsigned t = 1; t < EV_TYPE_MAX; t++) /* the error says what there is */
			if (ev_desc(t))
				assert_non_null(strstr(e.text, ev_desc(t)->key));
	}
	struct filter f = { 0 };
	assert_int_equal(filter_add_types(&f, "nonsense", NULL), -EINVAL);
}

static void by_type(void **state)
{
	(void)state;
	struct filter f = { 0 };
	/* Unasked: what happens, not what describes the sensor's start. */
	assert_true(type_passes(&f, EV_exec));
	assert_true(type_passes(&f, EV_fork));
	assert_true(type_passes(&f, EV_exit));
	assert_true(type_passes(&f, EV_gap));
	assert_false(type_passes(&f, EV_proc));
	assert_false(type_passes(&f, EV_host));
	assert_false(type_passes(&f, EV_heartbeat));
	/* Asked: that, and gaps. */
	assert_int_equal(filter_add_types(&f, "proc,host", NULL), 0);
	assert_true(type_passes(&f, EV_proc));
	assert_true(type_passes(&f, EV_host));
	assert_true(type_passes(&f, EV_gap));
	assert_false(type_passes(&f, EV_exec));
	assert_false(type_passes(&f, EV_exit));
}

static void by_process(void **state)
{
	(void)state;
	static const struct {
		const char *glob, *name;
		bool want;
	} names[] = {
		{ "sh", "sh", true },	    { "sh", "bash", false },
		{ "*sh", "bash", true },    { "ba*", "bash", true },
		{ "b?sh", "bash", true },   { "[a-c]ash", "bash", true },
		{ "[!b]*", "bash", false }, { "*", "", true },
		{ "?*", "", false },	    { "SH", "sh", false },
		{ "[", "[", true },	    { "\\*", "*", true },
		{ "\\*", "x", false },	    { "sixteen-letters-", "sixteen-letters-", true },
	};
	struct filter f = { .pid = 4242 };
	assert_true(type_passes(&f, EV_exec));
	f.pid = 4243;
	assert_false(type_passes(&f, EV_exec));
	assert_true(type_passes(&f, EV_gap));
	f.pid = 0;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct ev_exit *r = REC_NEW(exit);
		snprintf(f.comm, sizeof(f.comm), "%s", names[i].glob);
		memset(r->hdr.name, 0, sizeof(r->hdr.name));
		/* A name may fill its room, without a NUL. */
		memcpy(r->hdr.name, names[i].name, strlen(names[i].name));
		if (passes(&f, r) != names[i].want)
			fail_msg("%s and %s", names[i].glob, names[i].name);
	}
	assert_true(type_passes(&f, EV_gap));
}

static bool container_passes(const struct filter *f, const char *cgpath)
{
	struct ev_exec *r = REC_NEW(exec);
	if (cgpath)
		REC_STR(exec, r, cgpath, cgpath);
	struct event ev = rec_event(r);
	proctree_update(tree, &ev);
	bool yes = filter_event(f, &ev);
	rec_free(r);
	return yes;
}

static void by_container(void **state)
{
	(void)state;
	struct filter f = { .container = "0c0f3b1d5a7e" };
	tree_new(16, 1 << 20);
	assert_true(container_passes(&f, "/docker/" CONTAINER));
	assert_true(container_passes(&f, "/system.slice/docker-" CONTAINER ".scope"));
	assert_false(container_passes(&f, "/system.slice/ssh.service"));
	assert_false(container_passes(&f, "/0c0f3b1d5a7e"));
	assert_false(container_passes(&f, NULL));
	assert_false(type_passes(&f, EV_exec)); /* a process that is not known */
	assert_true(type_passes(&f, EV_gap));
	strcpy(f.container, "0c0f3b1d5a7f");
	assert_false(container_passes(&f, "/docker/" CONTAINER));
	strcpy(f.container, CONTAINER);
	assert_true(container_passes(&f, "/docker/" CONTAINER));
	strcat(f.container, "0"); /* longer than the id */
	assert_false(container_passes(&f, "/docker/" CONTAINER));
	tree_free();
}

static void alerts_only(void **state)
{
	(void)state;
	struct filter f = { .alerts_only = true };
	assert_int_equal(filter_add_types(&f, "exec", NULL), 0);
	assert_false(type_passes(&f, EV_exec));
	assert_true(type_passes(&f, EV_gap));

	struct test_alert t;
	test_alert_init(&t);
	assert_true(filter_alert(&f, &t.alert));
	f.types = 1ULL << EV_exit; /* types are those of events */
	assert_true(filter_alert(&f, &t.alert));
	f.pid = 1;
	assert_false(filter_alert(&f, &t.alert));
	f.pid = 4242;
	strcpy(f.comm, "te*");
	assert_true(filter_alert(&f, &t.alert));
	strcpy(f.comm, "ba*");
	assert_false(filter_alert(&f, &t.alert));
	test_alert_free(&t);
}

/* All that is asked for must hold. */
static void together(void **state)
{
	(void)state;
	struct filter f = { .pid = 4242, .comm = "test", .types = 1ULL << EV_exit };
	assert_true(type_passes(&f, EV_exit));
	assert_false(type_passes(&f, EV_exec));
	f.pid++;
	assert_false(type_passes(&f, EV_exit));
	f.pid--;
	strcpy(f.comm, "other");
	assert_false(type_passes(&f, EV_exit));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_types), cmocka_unit_test(wrong_lists),
		cmocka_unit_test(by_type),	  cmocka_unit_test(by_process),
		cmocka_unit_test(by_container),	  cmocka_unit_test(alerts_only),
		cmocka_unit_test(together),
	};
	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
