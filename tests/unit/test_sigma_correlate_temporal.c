/* SPDX-License-Identifier: Apache-2.0 */
/* Correlations of several rules: temporal ones, and correlations of correlations. */
#include "correlations.h"

#define ABC(type_, more_) \
	RULE("a") RULE("b") RULE("c") CORRELATION("t", type_, "[a, b, c]", "User", "10s", more_)

/* Events as "a0 b1.5 c2": rules of one letter with times. How many came true, at the last. */
static unsigned play(struct fixture *f, const char *user, const char *events)
{
	char copy[256], fields[64], *save = NULL;
	unsigned fired = 0;

	snprintf(copy, sizeof(copy), "%s", events);
	snprintf(fields, sizeof(fields), "User=%s", user);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		const char name[] = { *p, '\0' };
		fired = event(f, strtod(p + 1, NULL), name, fields);
	}
	return fired;
}

struct play {
	const char *events;
	unsigned fired; /* by the last one */
};

static void play_all(const char *yaml, const struct play *plays, unsigned n)
{
	struct fixture f;
	char user[16];

	fixture_open(&f, yaml, NULL);
	for (unsigned i = 0; i < n; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		if (play(&f, user, plays[i].events) != plays[i].fired)
			fail_msg("%s: not %u", plays[i].events, plays[i].fired);
	}
	fixture_close(&f);
}

#define PLAY_ALL(yaml_, plays_) play_all(yaml_, plays_, sizeof(plays_) / sizeof((plays_)[0]))

static void test_temporal(void **state)
{
	(void)state;
	static const struct play plays[] = {
		{ "a0 b1", 0 },		{ "a0 b1 c2", 1 },	{ "c0 b1 a2", 1 },
		{ "a0 a1 a2", 0 },	{ "a0 b5 c10", 1 },	{ "a0 b5 c10.1", 0 },
		{ "a0 b5 c12 a13", 1 }, { "a0 c12 b5 a11", 1 }, { "a0 b1 c2 c20", 0 },
	};
	static const struct play two[] = { { "a0", 0 }, { "a0 a1", 0 }, { "a0 c1", 1 } };

	PLAY_ALL(ABC("temporal", ""), plays);
	PLAY_ALL(ABC("temporal", CONDITION("gte: 2")), two);
}

static void test_ordered(void **state)
{
	(void)state;
	static const struct play plays[] = {
		{ "a0 b1 c2", 1 },
		{ "a0 c1 b2", 0 },
		{ "c0 b1 a2", 0 },
		{ "a0 c1 b2 c3", 1 },
		{ "a0 b5 c10", 1 },
		{ "a0 b5 c10.1", 0 },
		{ "a0 b5 a6 c12", 0 },
		{ "a0 b5 a6 b7 c12", 1 },
		/* Late ones find their place. */
		{ "a0 c3 b2", 1 },
		{ "c3 b2 a1", 1 },
		{ "b2 c3 a2.5", 0 },
		{ "a4 b5 c3", 0 },
		{ "a1 a4 c5 b3", 1 },
		{ "c5 b4 a4.5 a3", 1 },
		/* Equal times: who came first is first. */
		{ "a1 b1 c1", 1 },
		{ "b1 a1 c1", 0 },
		/* It stays true as long as the order is within the window. */
		{ "a0 b1 c2 a3", 1 },
		{ "a0 b1 c2 a10.5", 0 },
	};
	/* Two different ones in the order of the list, also with one left out. */
	static const struct play two[] = {
		{ "a0 b1", 1 }, { "b0 a1", 0 }, { "a0 c1", 1 },
		{ "c0 a1", 0 }, { "a0 a1", 0 }, { "b0 a1 c2", 1 },
	};

	PLAY_ALL(ABC("temporal_ordered", ""), plays);
	PLAY_ALL(ABC("temporal_ordered", CONDITION("gte: 2")), two);
}

/* Against the definition, over random events that come in any order. */
static void test_ordered_by_chance(void **state)
{
	(void)state;
	struct fixture f;
	char user[32];
	unsigned random = 7, fired = 0;

	fixture_open(&f, ABC("temporal_ordered", ""), NULL);
	for (unsigned run = 0; run < 2000; run++) {
		struct {
			unsigned time, rule;
		} seen[30];
		unsigned n = 0, newest = 0;
		snprintf(user, sizeof(user), "User=%u", run);
		for (unsigned i = 0; i < 30; i++) {
			random = random * 1664525 + 1013904223;
			unsigned rule = (random >> 8) % 7 % 3, k;
			unsigned time = i + 20 - (random >> 16) % (run % 12 + 1);
			if (time + 10 < newest)
				time = newest - 10;
			newest = time > newest ? time : newest;
			for (k = n++; k && seen[k - 1].time > time; k--)
				seen[k] = seen[k - 1];
			seen[k].time = time;
			seen[k].rule = rule;
			unsigned next = 0;
			for (k = 0; k < n; k++)
				next += seen[k].time + 10 >= newest && seen[k].rule == next;
			const char name[] = { "abc"[rule], '\0' };
			assert_int_equal(event(&f, time, name, user), next >= 3);
			fired += f.fired;
		}
	}
	assert_true(fired > 1000);
	fixture_close(&f);
}

static void test_extended(void **state)
{
	(void)state;
	static const struct play a_not_b[] = {
		{ "a0", 1 }, { "b0 a1", 0 },	{ "a0 b1", 0 },	    { "b0 a10.1", 1 },
		{ "b0", 0 }, { "a0 b1 a2", 0 }, { "a0 b1 a12", 1 },
	};
	static const struct play nested[] = {
		{ "a0 b1", 0 }, { "a0 c1", 1 }, { "b0 c1", 1 }, { "c0", 0 }, { "c0 a1", 1 },
	};
	static const struct play ordered[] = {
		{ "a0 b1", 1 }, { "b0 a1", 0 },	   { "a0 c1", 1 },    { "c0 a1", 0 },
		{ "a0", 0 },	{ "a0 c1 b2", 0 }, { "a0 b1 c2", 1 },
	};

	PLAY_ALL(RULE("a") RULE("b") CORRELATION("t", "temporal", "[a, b]", "User", "10s",
						 "  condition: a and not b\n"),
		 a_not_b);
	PLAY_ALL(ABC("temporal", "  condition: (a or b) and c\n"), nested);
	PLAY_ALL(ABC("temporal_ordered", "  condition: a and (b or c)\n"), ordered);
}

/* An event that several rules match is judged when all of them have been taken in. */
static void test_one_event_of_several_rules(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f,
		     RULE("a") RULE("b") CORRELATION("not", "temporal", "[a, b]", "User", "10s",
						     "  condition: a and not b\n")
			     CORRELATION("both", "temporal", "[a, b]", "User", "10s", "")
				     CORRELATION("order", "temporal_ordered", "[a, b]", "User",
						 "10s", ""),
		     NULL);
	assert_int_equal(event(&f, 0, "a b", "User=x"), 1);
	assert_string_equal(f.text, "both{User=x}2 "); /* an order needs two events */
	assert_int_equal(event(&f, 1, "b a", "User=x"), 2);
	assert_string_equal(f.text, "both{User=x}2 order{User=x}2 ");
	fixture_close(&f);
}

static void test_flood_hides_no_order(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f, ABC("temporal_ordered", ""), NULL);
	play(&f, "x", "a0 b0.5");
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(event(&f, 1 + i * 0.001, i % 2 ? "a" : "b", "User=x"), 0);
	assert_int_equal(event(&f, 5, "c", "User=x"), 1);
	/* a alone after the only b. */
	play(&f, "y", "a0 b0.5");
	for (unsigned i = 0; i < 3000; i++)
		event(&f, 1 + i * 0.001, "a", "User=y");
	assert_int_equal(event(&f, 10, "c", "User=y"), 1);
	assert_int_equal(f.first, BEGIN);
	assert_int_equal(event(&f, 10.1, "c", "User=y"), 0);
	assert_true(stats_of(&f).bytes < 1 << 20);
	/* What comes too late to be put in order makes none. */
	for (unsigned i = 0; i < 300; i++)
		event(&f, 5 + i * 0.001, "a", "User=z");
	event(&f, 3, "b", "User=z");
	assert_int_equal(stats_of(&f).dropped, 1);
	assert_int_equal(event(&f, 6, "c", "User=z"), 0);
	fixture_close(&f);
}

/* --- chains --- */

/* The specification's example. */
#define BRUTE_FORCE                                                                               \
	CORRELATION("broken_in", "temporal_ordered", "[many_failed, success]", "User", "10m", "") \
	CORRELATION("many_failed", "event_count", "failed", "User", "10m", CONDITION("gte: 10"))  \
	RULE("failed")                                                                            \
	RULE("success")

static void test_chain(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f, BRUTE_FORCE, NULL);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(event(&f, i, "failed", "User=bob"), 0);
	assert_int_equal(event(&f, 9, "success", "User=bob"), 0);
	assert_int_equal(event(&f, 10, "failed", "User=bob"), 1);
	assert_string_equal(f.text, "many_failed{User=bob}10 ");
	assert_int_equal(event(&f, 11, "success", "User=alice"), 0);
	assert_int_equal(event(&f, 12, "success", "User=bob"), 1);
	assert_string_equal(f.text, "broken_in{User=bob}2 ");
	fixture_close(&f);

	/* From the last time that it was true, not from the first. */
	fixture_open(&f, BRUTE_FORCE, NULL);
	for (unsigned i = 0; i < 100; i++)
		event(&f, i * 20, "failed", "User=bob");
	assert_int_equal(event(&f, 99 * 20 + 599, "success", "User=bob"), 1);
	fixture_close(&f);
}

static void test_chain_counts_episodes(void **state)
{
	(void)state;
	struct fixture f;
	char fields[64];

	fixture_open(&f,
		     RULE("failed") CORRELATION("hosts", "event_count", "per_host", "[]", "1h",
						CONDITION("gte: 3"))
			     CORRELATION("per_host", "event_count", "failed", "Host", "10s",
					 CONDITION("gte: 2"))
				     CORRELATION("names", "value_count", "per_host", "[]", "1h",
						 CONDITION("field: Host, gte: 3")),
		     NULL);
	for (unsigned i = 0; i < 20; i++)
		event(&f, 0, "failed", "Host=1");
	assert_string_equal(f.text, "per_host{Host=1}20 ");
	for (unsigned i = 0; i < 3; i++) /* the same host again: news, but no other name */
		event(&f, 100, "failed", "Host=1");
	event(&f, 200, "failed", "Host=2");
	event(&f, 200, "failed", "Host=2");
	assert_string_equal(f.text, "per_host{Host=2}2 hosts{}3 ");
	for (unsigned i = 0; i < 2; i++) {
		snprintf(fields, sizeof(fields), "Host=3");
		event(&f, 300, "failed", fields);
	}
	assert_string_equal(f.text, "per_host{Host=3}2 hosts{}4 names{}3 ");
	fixture_close(&f);
}

/* A field that the inner one does not group by is that of the event by which it came true. */
static void test_chain_other_fields(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f,
		     RULE("failed") RULE("success")
			     CORRELATION("in", "temporal_ordered", "[many, success]", "who", "1m",
					 "  aliases:\n"
					 "    who:\n"
					 "      many: User\n"
					 "      success: Account\n")
				     CORRELATION("many", "event_count", "failed", "Host", "1m",
						 CONDITION("gte: 2")),
		     NULL);
	event(&f, 0, "failed", "Host=h User=eve");
	event(&f, 1, "failed", "Host=h User=bob");
	assert_int_equal(event(&f, 2, "success", "Host=h Account=eve"), 0);
	assert_int_equal(event(&f, 2, "success", "Host=x Account=bob"), 1);
	assert_string_equal(f.text, "in{who=bob}2 ");
	fixture_close(&f);
}

static void test_one_rule_in_several(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f,
		     RULE("failed") CORRELATION("user", "event_count", "failed", "User", "10s",
						CONDITION("gte: 2"))
			     CORRELATION("ip", "event_count", "failed", "Ip", "1s",
					 CONDITION("gte: 2")),
		     NULL);
	event(&f, 0, "failed", "User=a Ip=1");
	assert_int_equal(event(&f, 1, "failed", "User=a Ip=1"), 2);
	assert_string_equal(f.text, "user{User=a}2 ip{Ip=1}2 ");
	event(&f, 5, "failed", "User=a Ip=1");
	assert_string_equal(f.text, "user{User=a}3 ");
	fixture_close(&f);
}

/* One rule under its name and its id. */
static void test_same_rule_twice(void **state)
{
	(void)state;
#define TWICE "[a, 11111111-2222-4333-8444-555555555555]"
	static const char yaml[] = "id: 11111111-2222-4333-8444-555555555555\n" RULE("a")
		CORRELATION("count", "event_count", TWICE, "User", "10s", CONDITION("gte: 3"))
			CORRELATION("any", "temporal", TWICE, "User", "10s", "")
				CORRELATION("order", "temporal_ordered", TWICE, "User", "10s", "");
	struct fixture f;

	fixture_open(&f, yaml, NULL);
	event(&f, 0, "a", "User=x");
	assert_string_equal(f.text, "any{User=x}2 ");
	event(&f, 1, "a", "User=x"); /* in order: two events */
	assert_string_equal(f.text, "any{User=x}2 order{User=x}2 ");
	event(&f, 2, "a", "User=x");
	assert_string_equal(f.text, "count{User=x}3 any{User=x}2 order{User=x}2 ");
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_temporal),
		cmocka_unit_test(test_ordered),
		cmocka_unit_test(test_ordered_by_chance),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_one_event_of_several_rules),
		cmocka_unit_test(test_flood_hides_no_order),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_chain_counts_episodes),
		cmocka_unit_test(test_chain_other_fields),
		cmocka_unit_test(test_one_rule_in_several),
		cmocka_unit_test(test_same_rule_twice),
	};

	return cmocka_run_group_tests_name("sigma_correlate_temporal", tests, NULL, NULL);
}
