/* SPDX-License-Identifier: Apache-2.0 */
/* Correlations under attack: floods of keys, of events, too little memory, rules that ask too much.
 */
#include <errno.h>

#include "correlations.h"

#define PER_USER(timespan_, more_) \
	RULE("failed") CORRELATION("c", "event_count", "failed", "User", timespan_, more_)

static void test_storm_loses_nothing(void **state)
{
	(void)state;
	struct fixture f;
	char fields[64];
	unsigned fired = 0;

	fixture_open(&f,
		     RULE("failed") CORRELATION("all", "event_count", "failed", "Host", "1h",
						CONDITION("gte: 10000"))
			     CORRELATION("ip", "event_count", "failed", "Ip", "1h",
					 CONDITION("gte: 2"))
				     CORRELATION("ips", "value_count", "failed", "Host", "1h",
						 CONDITION("field: Ip, gte: 5000")),
		     NULL);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(fields, sizeof(fields), "Host=h Ip=10.0.%u.%u", i % 5000 >> 8,
			 i % 5000 & 255);
		fired += event(&f, i * 0.1, "failed", fields);
	}
	assert_string_equal(f.text, "all{Host=h}10000 ip{Ip=10.0.19.135}2 ips{Host=h}5000 ");
	assert_int_equal(f.first, BEGIN + 500 * SECOND);
	assert_int_equal(fired, 1 + 5000 + 5001);
	struct sigma_correlator_stats s = stats_of(&f);
	assert_int_equal(s.groups, 5002);
	assert_int_equal(s.evicted + s.dropped + s.late, 0);
	assert_true(s.bytes < 4 << 20);
	fixture_close(&f);
}

static void test_groups_are_bounded(void **state)
{
	(void)state;
	struct fixture f;
	char fields[64];

	fixture_open(&f, PER_USER("1h", CONDITION("gte: 2")),
		     &(struct sigma_correlator_options){ .groups_max = 100 });
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(fields, sizeof(fields), "User=%u", i);
		assert_int_equal(event(&f, 0, "failed", fields), 0);
	}
	assert_int_equal(stats_of(&f).groups, 100);
	assert_int_equal(stats_of(&f).groups_max, 100);
	assert_int_equal(stats_of(&f).evicted, 900);
	/* Least recently used first. */
	assert_int_equal(event(&f, 0, "failed", "User=900"), 1);
	assert_int_equal(event(&f, 0, "failed", "User=899"), 0);
	assert_int_equal(stats_of(&f).evicted, 901);
	fixture_close(&f);
}

/* Keys out of thin air do not push out who is about to come true. */
static void test_flood_of_keys(void **state)
{
	(void)state;
	struct fixture f;
	char fields[64];

	fixture_open(&f, PER_USER("1d", CONDITION("gte: 5")),
		     &(struct sigma_correlator_options){ .groups_max = 1000 });
	for (unsigned i = 0; i < 2; i++)
		event(&f, 0, "failed", "User=victim");
	for (unsigned k = 0; k < 3; k++) {
		for (unsigned i = 0; i < 20000; i++) {
			snprintf(fields, sizeof(fields), "User=%u-%u", k, i);
			event(&f, 1, "failed", fields);
		}
		assert_int_equal(event(&f, 2, "failed", "User=victim"), k == 2);
	}
	assert_int_equal(f.count, 5);
	/* Nor do grown ones keep out all that is new. */
	for (unsigned i = 0; i < 2000; i++)
		for (unsigned k = 0; k < 4; k++) {
			snprintf(fields, sizeof(fields), "User=grown-%u", i);
			event(&f, 3, "failed", fields);
		}
	for (unsigned i = 0; i < 5; i++) {
		unsigned fired = event(&f, 4, "failed", "User=late");
		assert_int_equal(fired, i == 4);
		for (unsigned k = 0; k < 50; k++) {
			snprintf(fields, sizeof(fields), "User=new-%u-%u", i, k);
			event(&f, 4, "failed", fields);
		}
	}
	fixture_close(&f);
}

static void test_expired_go_first(void **state)
{
	(void)state;
	struct fixture f;
	char fields[64];

	fixture_open(&f, PER_USER("10s", CONDITION("gte: 9")),
		     &(struct sigma_correlator_options){ .groups_max = 100 });
	for (unsigned i = 0; i < 8; i++)
		event(&f, 0, "failed", "User=old");
	event(&f, 100, "failed", "User=young");
	for (unsigned i = 0; i < 99; i++) {
		snprintf(fields, sizeof(fields), "User=%u", i);
		event(&f, 100, "failed", fields);
	}
	assert_int_equal(stats_of(&f).evicted, 1);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(event(&f, 100, "failed", "User=young"), i == 7);
	assert_int_equal(stats_of(&f).evicted, 1);
	fixture_close(&f);
}

/* A flood in one correlation is paid for by itself. */
static void test_each_has_its_share(void **state)
{
	(void)state;
	struct fixture f;
	char fields[64];

	fixture_open(&f,
		     RULE("failed") RULE("scan") CORRELATION("c", "event_count", "failed", "User",
							     "1d", CONDITION("gte: 2"))
			     CORRELATION("s", "event_count", "scan", "Ip", "1d",
					 CONDITION("gte: 3")),
		     &(struct sigma_correlator_options){ .groups_max = 100 });
	for (unsigned i = 0; i < 40; i++) {
		snprintf(fields, sizeof(fields), "User=%u", i);
		event(&f, 0, "failed", fields);
	}
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(fields, sizeof(fields), "Ip=%u", i);
		event(&f, 1, "scan", fields);
		event(&f, 1, "scan", fields);
	}
	for (unsigned i = 0; i < 40; i++) {
		snprintf(fields, sizeof(fields), "User=%u", i);
		assert_int_equal(event(&f, 2, "failed", fields), 1);
	}
	/* And what it took beyond its share, it gives back. */
	for (unsigned i = 0; i < 50; i++) {
		snprintf(fields, sizeof(fields), "User=more-%u", i);
		event(&f, 3, "failed", fields);
	}
	for (unsigned i = 40; i < 50; i++) {
		snprintf(fields, sizeof(fields), "User=more-%u", i);
		assert_int_equal(event(&f, 3, "failed", fields), 1);
	}
	fixture_close(&f);
}

static void test_memory_is_bounded(void **state)
{
	(void)state;
	static const size_t max = 1 << 20;
	struct fixture f;
	char fields[1200];

	fixture_open(&f,
		     RULE("x") CORRELATION("c", "event_count", "x", "User", "1d",
					   CONDITION("gte: 100000"))
			     CORRELATION("v", "value_count", "x", "User", "1d",
					 CONDITION("field: Ip, gte: 100000"))
				     CORRELATION("s", "value_median", "x", "User", "1d",
						 CONDITION("field: Ip, gte: 100000")),
		     &(struct sigma_correlator_options){ .memory_max = max });
	for (unsigned i = 0; i < 40000; i++) {
		/* Some with long keys, some that grow. */
		int n = snprintf(fields, sizeof(fields), "Ip=%u User=%u", i, i % 7 ? i % 50 : i);
		if (i % 7 == 0) {
			memset(fields + n, 'x', 1000);
			fields[n + 1000] = '\0';
		}
		event(&f, i, "x", fields);
		assert_true(stats_of(&f).bytes <= max);
	}
	assert_true(stats_of(&f).evicted > 0);
	assert_int_equal(stats_of(&f).bytes_max, max);
	fixture_close(&f);
}

/* Room for a few groups, or for none at all: it counts what it can't do. */
static void test_hardly_any_memory(void **state)
{
	(void)state;
	struct fixture f;

	for (size_t max = 1; max < 8000; max += max / 3 + 1) {
		fixture_open(&f,
			     RULE("a") RULE("b") CORRELATION("c", "event_count", "a", "User", "1d",
							     CONDITION("gte: 1000"))
				     CORRELATION("v", "value_count", "a", "User", "1d",
						 CONDITION("field: Ip, gte: 1000"))
					     CORRELATION("o", "temporal_ordered", "[a, b]", "User",
							 "1d", "")
						     CORRELATION("o2", "event_count", "o", "User",
								 "1d", CONDITION("gte: 1000")),
			     &(struct sigma_correlator_options){ .memory_max = max });
		for (unsigned i = 0; i < 500; i++) {
			char fields[64];
			snprintf(fields, sizeof(fields), "User=%u Ip=%u", i % 3, i);
			event(&f, i, i % 2 ? "a b" : "b a", fields);
		}
		assert_true(stats_of(&f).evicted + stats_of(&f).dropped > 0);
		assert_true(stats_of(&f).bytes <= max || !stats_of(&f).groups);
		fixture_close(&f);
	}
}

/* A large threshold: 8 bytes an event, and exact. */
static void test_large_thresholds(void **state)
{
	(void)state;
	struct fixture f;
	unsigned fired = 0;

	fixture_open(&f, PER_USER("1h", CONDITION("gt: 100000")), NULL);
	for (unsigned i = 0; i < 100000; i++)
		fired += event(&f, i * 0.01, "failed", "User=a");
	assert_int_equal(fired, 0);
	assert_int_equal(event(&f, 1001, "failed", "User=a"), 1);
	assert_int_equal(f.count, 100001);
	assert_int_equal(stats_of(&f).dropped, 0);
	assert_true(stats_of(&f).bytes < (1 << 20) + (1 << 20));
	/* Memory that a storm needed is given back. */
	event(&f, 86400, "failed", "User=a");
	assert_true(stats_of(&f).bytes < (1 << 20));
	fixture_close(&f);
}

static void test_full_window_keeps_the_newest(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f, PER_USER("1h", CONDITION("gte: 2")), NULL);
	for (unsigned i = 0; i < 20000; i++)
		event(&f, i * 0.1, "failed", "User=a");
	assert_int_equal(f.count, 16384);
	assert_int_equal(f.first, BEGIN + (20000 - 16384) * (SECOND / 10));
	assert_int_equal(stats_of(&f).dropped, 20000 - 16384);
	fixture_close(&f);
}

static void expect_refused(const char *yaml, int code, const char *part)
{
	struct fixture f;
	struct err e = { { 0 } };

	rules_open(&f, yaml);
	assert_int_equal(sigma_correlator_new(f.rules, NULL, &f.correlator, &e), code);
	if (!strstr(e.text, part) || !strstr(e.text, "correlation \"c\""))
		fail_msg("%s", e.text);
	fixture_close(&f);
}

static void test_what_is_too_much(void **state)
{
	(void)state;
	char yaml[16384] = "", refs[512] = "";
	size_t n = 0;

	expect_refused(PER_USER("1h", CONDITION("gte: 1048576")), -E2BIG, "1048576");
	expect_refused(RULE("failed") CORRELATION("c", "value_count", "failed", "User", "1h",
						  CONDITION("field: Ip, gt: 300000")),
		       -E2BIG, "300000");
	for (unsigned i = 0; i < 17; i++) {
		n += (size_t)snprintf(yaml + n, sizeof(yaml) - n, RULE("r%u"), i, i, i);
		snprintf(refs + strlen(refs), sizeof(refs) - strlen(refs), "%sr%u", i ? ", " : "",
			 i);
	}
	snprintf(yaml + n, sizeof(yaml) - n,
		 CORRELATION("c", "temporal_ordered", "[%s]", "User", "1h", ""), refs);
	expect_refused(yaml, -E2BIG, "17 rules");
}

static void test_broken_ones_are_left_out(void **state)
{
	(void)state;
	struct fixture f;

	rules_open(&f, PER_USER("1h", CONDITION("gte: 1048576")));
	for (unsigned i = 0; i < f.rules->n; i++)
		f.rules->rule[i]->broken = f.rules->rule[i]->kind == SIGMA_CORRELATION;
	assert_int_equal(sigma_correlator_new(f.rules, NULL, &f.correlator, NULL), 0);
	assert_int_equal(event(&f, 0, "failed", "User=a"), 0);
	assert_int_equal(stats_of(&f).bytes, 0);
	fixture_close(&f);
}

/* Correlations of correlations, each on both of the row below: without end, 2^20 events of one. */
static void test_diamonds(void **state)
{
	(void)state;
	char yaml[32768];
	struct fixture f;
	size_t n = (size_t)snprintf(
		yaml, sizeof(yaml),
		RULE("x") CORRELATION("l0", "event_count", "x", "A", "1h", CONDITION("gte: 1"))
			CORRELATION("r0", "event_count", "x", "B", "1h", CONDITION("gte: 1")));

	for (unsigned i = 1; i < 20; i++)
		for (unsigned k = 0; k < 2; k++)
			n += (size_t)snprintf(yaml + n, sizeof(yaml) - n,
					      CORRELATION("%c%u", "value_count", "[l%u, r%u]", "%c",
							  "1h", CONDITION("field: A, gte: 1")),
					      "lr"[k], i, "lr"[k], i, i - 1, i - 1, "AB"[k]);
	fixture_open(&f, yaml, NULL);
	event(&f, 0, "x", "A=1 B=2");
	assert_true(f.fired >= 40);
	assert_true(f.fired < 1000);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_storm_loses_nothing),
		cmocka_unit_test(test_groups_are_bounded),
		cmocka_unit_test(test_flood_of_keys),
		cmocka_unit_test(test_expired_go_first),
		cmocka_unit_test(test_each_has_its_share),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_hardly_any_memory),
		cmocka_unit_test(test_large_thresholds),
		cmocka_unit_test(test_full_window_keeps_the_newest),
		cmocka_unit_test(test_what_is_too_much),
		cmocka_unit_test(test_broken_ones_are_left_out),
		cmocka_unit_test(test_diamonds),
	};

	return cmocka_run_group_tests_name("sigma_correlate_bounds", tests, NULL, NULL);
}
