/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions of the configuration: what each key holds for, for which rules, until when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detect/exception.h"
#include "enrich/users.h"
#include "processes.h"

static const struct rule_info rule = { .id = "redshank.fileless.memfd_exec",
				       .name = "Program executed from memory (memfd)" };
static struct ev_exec *rec;
static struct event event;

static int setup(void **state)
{
	(void)state;
	users_disable();
	tree_new(64, 1 << 20);
	do_proc(id(1, 1), id(0, 0), "/sbin/init");
	do_exec(id(10, 2), id(1, 1), "/usr/sbin/cron");
	do_exec(id(20, 3), id(10, 2), "/opt/backup/bin/start");
	rec = REC_NEW(exec);
	set_ids(&rec->hdr, id(30, 4), id(20, 3));
	REC_STR(exec, rec, exe, "/memfd:agent");
	event = rec_event(rec);
	proctree_update(tree, &event);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rec_free(rec);
	tree_free();
	return 0;
}

static bool holds(const struct exception *x)
{
	return exception_holds(x, 1, &rule, &event);
}

/* Of an exception for any rule with one key. */
static bool key_holds(enum exception_key key, const char *pattern)
{
	struct exception x = { .nrules = 1, .rule = { "*" } };

	strcpy(x.key[key], pattern);
	return holds(&x);
}

static void keys(void **state)
{
	static const struct {
		enum exception_key key;
		const char *pattern;
		bool want;
	} cases[] = {
		{ EXCEPTION_image, "/memfd:agent", true },
		{ EXCEPTION_image, "/MEMFD:agent", false },
		{ EXCEPTION_image, "/memfd:agen", false },
		{ EXCEPTION_image, "memfd:agent", false },
		{ EXCEPTION_image, "/memfd:*", true },
		{ EXCEPTION_image, "*agent", true },
		{ EXCEPTION_image, "*a*g*t", true },
		{ EXCEPTION_image, "*a*g*x", false },
		{ EXCEPTION_image, "/memfd?agent", true },
		{ EXCEPTION_image, "/memfd:agent?", false },
		{ EXCEPTION_image, "/memfd:agent*", true },
		{ EXCEPTION_parent, "/opt/backup/bin/*", true },
		{ EXCEPTION_parent, "/usr/sbin/cron", false },
		{ EXCEPTION_ancestor, "/usr/sbin/cron", true },
		{ EXCEPTION_ancestor, "/opt/backup/bin/start", true },
		{ EXCEPTION_ancestor, "/sbin/init", true },
		{ EXCEPTION_ancestor, "/memfd:agent", false },
		{ EXCEPTION_user, "1000", true },
		{ EXCEPTION_user, "100", false },
		{ EXCEPTION_user, "root", false },
		/* Not known: nothing fits it, not even anything. */
		{ EXCEPTION_container_image, "*", false },
		{ EXCEPTION_sha256, "*", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (key_holds(cases[i].key, cases[i].pattern) != cases[i].want)
			fail_msg("%s: %s", exception_keys[cases[i].key], cases[i].pattern);
}

/* A set-user-id program is not what its user may be excepted for. */
static void both_users(void **state)
{
	(void)state;
	rec->hdr.euid = 0;
	assert_false(key_holds(EXCEPTION_user, "1000"));
	assert_false(key_holds(EXCEPTION_user, "root"));
	rec->hdr.uid = 0;
	assert_true(key_holds(EXCEPTION_user, "root"));
	assert_true(key_holds(EXCEPTION_user, "0"));
}

static void hash(void **state)
{
	static const char sha256[] =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	(void)state;
	image_set_hash(event.proc->image, sha256, NULL);
	assert_true(key_holds(EXCEPTION_sha256, sha256));
	assert_true(key_holds(EXCEPTION_sha256, "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA4"
						"95991B7852B855"));
	assert_false(key_holds(EXCEPTION_sha256, "f3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c"
						 "a495991b7852b855"));
}

/* Where anybody can make any path, a path alone excepts nothing. */
static void paths_of_ones_own_making(void **state)
{
	static const char container[] = "/docker/4f1b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c"
					"a495991b7852b85";
	static const char sha256[] =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	struct exception x = { .nrules = 1, .rule = { "*" } };
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct ev_exec *r = REC_NEW(exec);
		set_ids(&r->hdr, id(40 + i, 5), id(20, 3));
		REC_STR(exec, r, exe, "/opt/agent");
		r->userns = i ? USERNS_INIT : 4026532177U;
		if (i)
			REC_STR(exec, r, cgpath, container);
		struct event parent = rec_event(r);
		proctree_update(tree, &parent);
		rec_free(rec);
		rec = REC_NEW(exec);
		set_ids(&rec->hdr, id(50 + i, 6), id(40 + i, 5));
		REC_STR(exec, rec, exe, "/memfd:agent");
		event = rec_event(rec);
		proctree_update(tree, &event);
		assert_false(key_holds(EXCEPTION_parent, "/opt/agent"));
		assert_false(key_holds(EXCEPTION_ancestor, "/opt/agent"));
		/* The honest ones before it are who they are. */
		assert_true(key_holds(EXCEPTION_ancestor, "/usr/sbin/cron"));
		strcpy(x.key[EXCEPTION_image], "/opt/agent");
		*x.key[EXCEPTION_sha256] = '\0';
		assert_false(exception_holds(&x, 1, &rule, &parent));
		image_set_hash(parent.proc->image, sha256, NULL);
		strcpy(x.key[EXCEPTION_sha256], sha256);
		assert_true(exception_holds(&x, 1, &rule, &parent));
		rec_free(r);
	}
}

static void all_keys_must_hold(void **state)
{
	struct exception x = { .nrules = 1, .rule = { "*" } };
	(void)state;
	strcpy(x.key[EXCEPTION_image], "/memfd:agent");
	strcpy(x.key[EXCEPTION_parent], "/opt/backup/bin/start");
	assert_true(holds(&x));
	strcpy(x.key[EXCEPTION_ancestor], "/usr/sbin/sshd");
	assert_false(holds(&x));
}

static void rules(void **state)
{
	static const struct {
		const char *pattern;
		bool want;
	} cases[] = {
		{ "redshank.fileless.memfd_exec", true },
		{ "REDSHANK.fileless.memfd_exec", true },
		{ "redshank.fileless.*", true },
		{ "redshank.memory.*", false },
		{ "Program executed from memory (memfd)", true },
		{ "program executed*", true },
		{ "Program executed", false },
		{ "any", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct exception x = { .nrules = 2, .rule = { "another" } };
		strcpy(x.rule[1], cases[i].pattern);
		strcpy(x.key[EXCEPTION_image], "*");
		if (holds(&x) != cases[i].want)
			fail_msg("%s", cases[i].pattern);
	}
}

/* By the event's time, so that a replay tells the same. */
static void until_its_last_day(void **state)
{
	struct exception x = { .nrules = 1, .rule = { "*" }, .key = { "*" } };
	(void)state;
	/* 2023-11-14 22:13:20, and 5 s. */
	assert_int_equal(exception_expires("2023-11-14", &x.expires), 0);
	assert_true(holds(&x));
	assert_int_equal(exception_expires("2023-11-13", &x.expires), 0);
	assert_false(holds(&x));
	static const char *const bad[] = { "", "2023", "2023-13-01", "2023-11-14x", "14.11.2023" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(exception_expires(bad[i], &x.expires) < 0);
}

/* Patterns of stars take no time. */
static void stars(void **state)
{
	char pattern[EXCEPTION_TEXT];
	static char path[4000];
	(void)state;
	for (size_t i = 0; i < sizeof(pattern) - 1; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[sizeof(pattern) - 2] = 'b';
	pattern[sizeof(pattern) - 1] = '\0';
	memset(path, 'a', sizeof(path));
	rec_add_str(rec, &rec->exe, path, sizeof(path));
	proctree_update(tree, &event);
	assert_true(key_holds(EXCEPTION_image, "a*a"));
	for (unsigned i = 0; i < 100; i++)
		assert_false(key_holds(EXCEPTION_image, pattern));
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(keys),
		T(both_users),
		T(hash),
		T(all_keys_must_hold),
		T(paths_of_ones_own_making),
		T(rules),
		T(until_its_last_day),
		T(stars),
	};
	return cmocka_run_group_tests_name("exception", tests, NULL, NULL);
}
