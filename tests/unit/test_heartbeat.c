/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeat records: sound, and what they tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "encode/json.h"
#include "heartbeats.h"
#include "records.h"
#include "schema/value.h"

static union rec_buf rec;

static struct value field(const char *name)
{
	struct event ev = rec_event(&rec);
	const struct field *f = field_find(ev.desc, name);
	static struct value v;

	assert_non_null(f);
	value_get(&ev, f, &v);
	return v;
}

static void is_number(const char *name, uint64_t n)
{
	struct value v = field(name);
	assert_int_equal(v.kind, VALUE_num);
	assert_int_equal(v.num, n);
}

static void is_list(const char *name, const char *joined)
{
	struct value v = field(name);
	char text[256] = "";
	size_t pos = 0, len;
	const char *p;

	assert_int_equal(v.kind, VALUE_list);
	while (value_next(&v, &pos, &p, &len))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s ", (int)len, p);
	assert_string_equal(text, joined);
}

static void tells_how_it_is(void **state)
{
	(void)state;
	struct value v;

	heartbeat_sample(&rec);
	assert_int_equal(schema_check(&rec, rec.hdr.len, NULL), 0);
	is_number("redshank.heartbeat.interval", 60);
	is_number("redshank.heartbeat.uptime", 90);
	is_number("redshank.heartbeat.events", 1000);
	is_number("redshank.heartbeat.alerts", 3);
	is_number("redshank.heartbeat.lost", 7);
	is_number("redshank.heartbeat.invalid", 1);
	is_number("redshank.heartbeat.sink_errors", 2);
	is_number("redshank.heartbeat.processes", 100);
	is_number("redshank.heartbeat.processes_max", 65536);
	is_list("redshank.heartbeat.hooks", "exec=tp_btf script=none rename=unwanted proc=iter ");
	is_list("redshank.heartbeat.not_seen", "script ");
	v = field("agent.version");
	assert_int_equal(v.len, strlen(REDSHANK_VERSION));
	/* Of this process: more than a page and less than a terabyte, some CPU time. */
	v = field("redshank.heartbeat.memory");
	assert_in_range(v.num, 4096, 1ULL << 40);
	v = field("redshank.heartbeat.cpu_time");
	assert_true(v.num > 0);
}

/* A sensor that sees all has no list of what it does not see. */
static void nothing_missing(void **state)
{
	(void)state;
	const struct heartbeat h = { .hooks = heartbeat_hooks, .nhooks = 1 };

	heartbeat_make(&h, &rec);
	assert_int_equal(schema_check(&rec, rec.hdr.len, NULL), 0);
	is_list("redshank.heartbeat.hooks", "exec=tp_btf ");
	assert_int_equal(field("redshank.heartbeat.not_seen").kind, VALUE_none);
}

/* As many hooks with as long names as there can be. */
static void lists_have_room(void **state)
{
	(void)state;
	static struct hook_state many[HOOKS_MAX];
	const struct heartbeat h = { .hooks = many, .nhooks = HOOKS_MAX };
	size_t pos = 0, len, n = 0;
	const char *p;

	for (unsigned i = 0; i < HOOKS_MAX; i++)
		memset(many[i].hook.name, 'x', sizeof(many[i].hook.name) - 1);
	heartbeat_make(&h, &rec);
	assert_int_equal(schema_check(&rec, rec.hdr.len, NULL), 0);
	struct value v = field("redshank.heartbeat.hooks");
	while (value_next(&v, &pos, &p, &len))
		n++;
	assert_int_equal(n, HOOKS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_how_it_is),
		cmocka_unit_test(nothing_missing),
		cmocka_unit_test(lists_have_room),
	};
	return cmocka_run_group_tests_name("heartbeat", tests, NULL, NULL);
}
