/* SPDX-License-Identifier: Apache-2.0 */
/* The taxonomy: every row leads somewhere, and an exec record says under Sigma's names what it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detect/attack.h"
#include "detect/sigma_feeds.h"
#include "enrich/users.h"
#include "records.h"

static struct sigma_fill fill;
static struct ev_exec *rec;
static struct host host = { .hostname = "web1" };

static int setup(void **state)
{
	(void)state;
	users_disable();
	rec = REC_NEW(exec);
	REC_STR(exec, rec, exe, "/usr/bin/dash");
	REC_STR(exec, rec, filename, "/bin/sh");
	REC_STR(exec, rec, cwd, "/tmp");
	REC_LIST(exec, rec, args, "sh", "-c", "", "a  b");
	REC_LIST(exec, rec, env, "LD_PRELOAD=/tmp/x=y.so", "LD_PRELOADER=no", "HISTFILE=");
	rec->argc = 4;
	rec->exe_nlink = 1;
	rec->exe_mode = 0104755;
	rec->exe_origin = EXE_ORIGIN_tmpfs;
	rec->stdin_type = FD_TYPE_inet_socket;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rec_free(rec);
	return 0;
}

static const struct sigma_source *source(const char *doc)
{
	for (unsigned i = 0; i < sigma_nsources; i++)
		if (!strcmp(sigma_sources[i].doc, doc))
			return &sigma_sources[i];
	fail_msg("no source \"%s\"", doc);
	return NULL;
}

static struct sigma_values get(const char *doc, const char *name)
{
	struct event ev = { .rec = &rec->hdr, .desc = ev_desc(EV_exec), .seq = 1, .host = &host };
	struct sigma_feeder feeder;

	if (!sigma_feeder_find(source(doc), name, &feeder))
		fail_msg("%s has no field %s", doc, name);
	sigma_fill_reset(&fill);
	return sigma_fill_field(&fill, &feeder, &ev);
}

static void expect(const char *doc, const char *name, unsigned n, const char *const *want)
{
	struct sigma_values v = get(doc, name);

	assert_int_equal(v.present, n > 0);
	if (v.n != n)
		fail_msg("%s: %u values, not %u", name, v.n, n);
	for (unsigned i = 0; i < n; i++) {
		if (v.v[i].len != strlen(want[i]) || memcmp(v.v[i].text, want[i], v.v[i].len))
			fail_msg("%s: \"%.*s\", not \"%s\"", name, (int)v.v[i].len, v.v[i].text,
				 want[i]);
	}
}

#define EXPECT(doc_, name_, ...)                                            \
	do {                                                                \
		const char *const want_[] = { __VA_ARGS__ };                \
		expect(doc_, name_, sizeof(want_) / sizeof(*want_), want_); \
	} while (0)
#define STARTED "programs started"

static void every_row_leads_somewhere(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sigma_nsources; i++) {
		const struct sigma_source *s = &sigma_sources[i];
		const struct sigma_feed *parts[] = { s->feed, s->more };
		assert_non_null(ev_desc(s->event));
		for (unsigned p = 0; p < 2; p++)
			for (const struct sigma_feed *f = parts[p]; f && f->name; f++) {
				struct any_field field;
				assert_non_null(f->doc);
				if (f->get || f->flags & SIGMA_FEED_constant)
					continue;
				if (!any_field_find(ev_desc(s->event), f->from, &field))
					fail_msg("%s: %s is no field", f->name, f->from);
			}
	}
}

static void process_creation(void **state)
{
	(void)state;
	EXPECT(STARTED, "Image", "/usr/bin/dash", "/bin/sh");
	EXPECT(STARTED, "CommandLine", "sh -c  a  b");
	EXPECT(STARTED, "Arguments", "sh", "-c", "", "a  b");
	EXPECT(STARTED, "CurrentDirectory", "/tmp");
	EXPECT(STARTED, "UserId", "1000");
	EXPECT(STARTED, "Computer", "web1");
	EXPECT(STARTED, "ExeOrigin", "tmpfs");
	EXPECT(STARTED, "ExeMode", "4755");
	EXPECT(STARTED, "StdinType", "inet_socket");
	assert_int_equal(get(STARTED, "ProcessId").v[0].type, SIGMA_int);
	assert_int_equal(get(STARTED, "ProcessId").v[0].i, 4242);
	/* Nothing known of the parent, no login. */
	expect(STARTED, "ParentImage", 0, NULL);
	expect(STARTED, "LogonId", 0, NULL);
	expect(STARTED, "AncestorImage", 0, NULL);
	/* Our own names work as well. */
	EXPECT(STARTED, "process.executable", "/usr/bin/dash");
}

/* Uid 0 is root even where there is no passwd file to ask; a set-id program has two users. */
static void users(void **state)
{
	(void)state;
	expect(STARTED, "User", 0, NULL);
	rec->hdr.euid = 0;
	EXPECT(STARTED, "User", "root");
	rec->hdr.uid = 0;
	EXPECT(STARTED, "User", "root");
}

static void environment(void **state)
{
	struct sigma_feeder f;
	(void)state;
	EXPECT(STARTED, "EnvLdPreload", "/tmp/x=y.so");
	EXPECT(STARTED, "EnvLDPRELOAD", "/tmp/x=y.so");
	EXPECT(STARTED, "EnvHistfile", "");
	expect(STARTED, "EnvPath", 0, NULL);
	assert_false(sigma_feeder_find(source(STARTED), "Environment", &f));
	assert_false(sigma_feeder_find(source(STARTED), "Env", &f));
}

static void audit_records(void **state)
{
	struct sigma_feeder f;
	(void)state;
	EXPECT("their EXECVE records", "type", "EXECVE");
	EXPECT("their EXECVE records", "a0", "sh");
	EXPECT("their EXECVE records", "a3", "a  b");
	EXPECT("their EXECVE records", "a2", "");
	expect("their EXECVE records", "a4", 0, NULL);
	expect("their EXECVE records", "a9999", 0, NULL);
	EXPECT("their SYSCALL records", "SYSCALL", "execve");
	EXPECT("their SYSCALL records", "exe", "/usr/bin/dash");
	EXPECT("their PATH records", "name", "/bin/sh");
	EXPECT("their PATH records", "nametype", "NORMAL");
	assert_false(sigma_feeder_find(source("their EXECVE records"), "a99999999999", &f));
	assert_false(sigma_feeder_find(source("their EXECVE records"), "Hashes", &f));
}

static void cut_arguments_say_so(void **state)
{
	(void)state;
	rec->hdr.truncated |= 1ULL << EVF_exec_args;
	assert_true(get(STARTED, "CommandLine").v[0].cut);
	struct sigma_values v = get(STARTED, "Arguments");
	assert_false(v.v[0].cut);
	assert_true(v.v[3].cut);
	assert_true(get("their EXECVE records", "a3").v[0].cut);
	assert_false(get("their EXECVE records", "a0").v[0].cut);
}

/* More values and more text than there is room for: cut, marked, nothing overrun. */
static void bounds(void **state)
{
	struct event ev = { .rec = &rec->hdr, .desc = ev_desc(EV_exec), .seq = 1, .host = &host };
	struct sigma_feeder line, args;
	struct sigma_values v;
	(void)state;

	assert_true(sigma_feeder_find(source(STARTED), "CommandLine", &line));
	assert_true(sigma_feeder_find(source(STARTED), "Arguments", &args));
	sigma_fill_reset(&fill);
	for (unsigned i = 0; i < SIGMA_FILL_VALUES; i++)
		v = sigma_fill_field(&fill, &args, &ev);
	assert_int_equal(v.n, 0);
	sigma_fill_reset(&fill);
	fill.used = sizeof(fill.text) - 4;
	v = sigma_fill_field(&fill, &line, &ev);
	assert_int_equal(v.n, 1);
	assert_int_equal(v.v[0].len, 4);
	assert_true(v.v[0].cut);
}

static void attack_tags(void **state)
{
	const char *tags[] = { "attack.execution",	"attack.t1059.004", "car.2013-01-001",
			       "attack.T1548.003",	"attack.t9999",	    "attack.g0049",
			       "attack.defense-evasion" };
	struct sigma_strings s = { sizeof(tags) / sizeof(tags[0]), tags };
	struct arena *a;
	(void)state;

	assert_int_equal(arena_new(1 << 20, &a), 0);
	const struct technique *t = attack_techniques(a, &s);
	assert_string_equal(t[0].id, "T1059.004");
	assert_string_equal(t[0].name, "Command and Scripting Interpreter: Unix Shell");
	assert_string_equal(t[0].tactic, "Execution");
	assert_string_equal(t[1].id, "T1548.003");
	assert_string_equal(t[1].tactic, "Defense Evasion"); /* the rule says so */
	assert_string_equal(t[2].id, "T9999");
	assert_string_equal(t[2].name, "T9999");
	assert_null(t[3].id);
	arena_free(a);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_row_leads_somewhere),
		T(process_creation),
		T(users),
		T(environment),
		T(audit_records),
		T(cut_arguments_say_so),
		T(bounds),
		T(attack_tags),
	};
	return cmocka_run_group_tests_name("sigma_source", tests, NULL, NULL);
}
