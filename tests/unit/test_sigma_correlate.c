/* SPDX-License-Identifier: Apache-2.0 */
/* Correlations: each type, windows, groups. Spec: sigma-correlation-rules-specification 2.1.0. */
#include "correlations.h"

#define FAILED(more_) RULE("failed") CORRELATION("c", "event_count", "failed", "User", "10s", more_)

/* --- event_count, windows --- */

static void test_count_and_episode(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f, FAILED(CONDITION("gt: 3")), NULL);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(event(&f, i, "failed", "User=root"), 0);
	assert_int_equal(event(&f, 3, "failed", "User=root"), 1);
	assert_string_equal(f.text, "c{User=root}4 ");
	assert_int_equal(f.count, 4);
	assert_int_equal(f.first, BEGIN);
	assert_int_equal(f.last, BEGIN + 3 * SECOND);
	uint64_t episode = f.episode;
	assert_int_not_equal(episode, 0);
	assert_int_equal(event(&f, 4, "failed", "User=root"), 1);
	assert_int_equal(f.episode, episode);
	assert_int_equal(f.count, 5);
	/* False for one event: what comes then is news. */
	assert_int_equal(event(&f, 20, "failed", "User=root"), 0);
	for (unsigned i = 1; i < 3; i++)
		assert_int_equal(event(&f, 20 + i, "failed", "User=root"), 0);
	assert_int_equal(event(&f, 24, "failed", "User=root"), 1);
	assert_int_not_equal(f.episode, episode);
	fixture_close(&f);
}

static void test_window_slides(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f, FAILED(CONDITION("gte: 3")), NULL);
	/* Across any multiple of 10 s at which a bucket would end. */
	for (unsigned start = 0; start < 1000; start += 107) {
		assert_int_equal(event(&f, start, "failed", "User=root"), 0);
		assert_int_equal(event(&f, start + 5, "failed", "User=root"), 0);
		assert_int_equal(event(&f, start + 9, "failed", "User=root"), 1);
		assert_int_equal(event(&f, start + 12, "failed", "User=root"), 1);
		assert_int_equal(f.count, 3);
		assert_int_equal(f.first, BEGIN + (start + 5) * SECOND);
	}
	fixture_close(&f);
}

static void test_both_ends_belong(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f, FAILED(CONDITION("gte: 2")), NULL);
	assert_int_equal(event_ns(&f, BEGIN, "failed", "User=a"), 0);
	assert_int_equal(event_ns(&f, BEGIN + 10 * SECOND, "failed", "User=a"), 1);
	assert_int_equal(event_ns(&f, BEGIN, "failed", "User=b"), 0);
	assert_int_equal(event_ns(&f, BEGIN + 10 * SECOND + 1, "failed", "User=b"), 0);
	fixture_close(&f);
}

static void test_drained_window_is_a_new_episode(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f, FAILED(CONDITION("gte: 1")), NULL);
	assert_int_equal(event(&f, 0, "failed", "User=a"), 1);
	uint64_t episode = f.episode;
	assert_int_equal(event(&f, 9, "failed", "User=a"), 1);
	assert_int_equal(f.episode, episode);
	assert_int_equal(event(&f, 30, "failed", "User=a"), 1);
	assert_int_not_equal(f.episode, episode);
	fixture_close(&f);
}

static void test_conditions(void **state)
{
	(void)state;
	/* At the 1st to 6th event within the window. */
	static const struct {
		const char *yaml, *fires;
	} cases[] = {
		{ FAILED(CONDITION("gt: 3")), "000111" },
		{ FAILED(CONDITION("gte: 3")), "001111" },
		{ FAILED(CONDITION("lt: 3")), "110000" },
		{ FAILED(CONDITION("lte: 3")), "111000" },
		{ FAILED(CONDITION("eq: 3")), "001000" },
		{ FAILED(CONDITION("neq: 3")), "110111" },
		{ FAILED(CONDITION("gt: 1, lte: 4")), "011100" },
		{ FAILED(CONDITION("gte: 2, neq: 4")), "011011" },
		{ FAILED(CONDITION("gt: 4, lt: 3")), "000000" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;
		fixture_open(&f, cases[i].yaml, NULL);
		for (unsigned k = 0; cases[i].fires[k]; k++)
			if (event(&f, k * 0.5, "failed", "User=a") !=
			    (unsigned)(cases[i].fires[k] - '0'))
				fail_msg("%s: event %u", cases[i].yaml, k + 1);
		fixture_close(&f);
	}
}

static void test_out_of_order(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f, FAILED(CONDITION("gte: 4")), NULL);
	event(&f, 20, "failed", "User=a");
	event(&f, 14, "failed", "User=a");
	event(&f, 17, "failed", "User=a");
	assert_int_equal(event(&f, 10, "failed", "User=a"), 1); /* as late as can be */
	assert_int_equal(f.count, 4);
	assert_int_equal(f.first, BEGIN + 10 * SECOND);
	assert_int_equal(f.last, BEGIN + 20 * SECOND);
	assert_int_equal(event(&f, 9, "failed", "User=a"), 0);
	assert_int_equal(stats_of(&f).late, 1);
	/* They leave in the order of their times, not of their coming. */
	assert_int_equal(event(&f, 24, "failed", "User=a"), 1); /* 14 17 20 24 */
	assert_int_equal(f.first, BEGIN + 14 * SECOND);
	assert_int_equal(event(&f, 27.5, "failed", "User=a"), 0); /* 20 24 27.5 */
	fixture_close(&f);
}

/* Against the definition, over random events, some late, in bursts and with gaps. */
static void test_count_by_chance(void **state)
{
	(void)state;
	enum { N = 5000 };
	static uint64_t seen[N];
	struct fixture f;
	uint64_t newest = BEGIN;
	unsigned random = 3, late = 0;

	fixture_open(&f, FAILED(CONDITION("gte: 1")), NULL);
	for (unsigned i = 0; i < N; i++) {
		random = random * 1664525 + 1013904223;
		uint64_t time = newest + (random >> 12) % (i / 100 % 7 * SECOND / 3 + 2), first;
		if (i && random >> 30 == 0)
			time -= (random >> 8) % (4 * SECOND);
		unsigned count = 0;
		late += time < newest;
		newest = time > newest ? time : newest;
		first = newest;
		seen[i] = time;
		for (unsigned k = 0; k <= i; k++) {
			if (seen[k] + 10 * SECOND < newest)
				continue;
			count++;
			first = seen[k] < first ? seen[k] : first;
		}
		assert_int_equal(event_ns(&f, time, "failed", "User=a"), 1);
		assert_int_equal(f.count, count);
		assert_int_equal(f.first, first);
		assert_int_equal(f.last, newest);
	}
	assert_true(late > N / 10);
	fixture_close(&f);
}

static void test_clock_set_back(void **state)
{
	(void)state;
	struct fixture f;
	unsigned fired = 0;

	fixture_open(&f, FAILED(CONDITION("gte: 3")), NULL);
	event(&f, 86400, "failed", "User=a");
	for (unsigned i = 0; i < 20; i++)
		fired += event(&f, i * 0.1, "failed", "User=a");
	assert_int_equal(stats_of(&f).late, 8);
	assert_int_equal(fired, 20 - 7 - 2);
	fixture_close(&f);
}

static void test_time_unknown(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f, FAILED(CONDITION("gte: 2")), NULL);
	assert_int_equal(event_ns(&f, 0, "failed", "User=x"), 0);
	assert_int_equal(event_ns(&f, 0, "failed", "User=x"), 1);
	event(&f, 100, "failed", "User=other");
	assert_int_equal(event(&f, 95, "failed", "User=a"), 0);
	assert_int_equal(event_ns(&f, 0, "failed", "User=a"), 1);
	assert_int_equal(f.last, BEGIN + 100 * SECOND);
	fixture_close(&f);
}

static void test_one_event_counts_once(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f,
		     RULE("failed") RULE("failed_root")
			     CORRELATION("c", "event_count", "[failed, failed_root]", "User", "10s",
					 CONDITION("gte: 3")),
		     NULL);
	assert_int_equal(event(&f, 0, "failed failed_root", "User=root"), 0);
	assert_int_equal(event(&f, 0, "failed failed_root", "User=root"), 0);
	assert_int_equal(event(&f, 0, "failed_root failed", "User=root"), 1);
	assert_int_equal(f.count, 3);
	fixture_close(&f);
}

/* Nor does one that comes as several records. */
static void test_one_event_of_several_records(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f,
		     RULE("a") RULE("b") CORRELATION("n", "event_count", "[a, b]", "User", "10s",
						     CONDITION("gte: 3"))
			     CORRELATION("t", "temporal", "[a, b]", "User", "10s", ""),
		     NULL);
	for (f.record_event = 1; f.record_event < 4; f.record_event++) {
		event(&f, 0, "a", "User=root");
		assert_string_equal(f.text, f.record_event == 1	  ? ""
					    : f.record_event == 2 ? "t{User=root}2 "
								  : "n{User=root}3 t{User=root}2 ");
		event(&f, 0, "b", "User=root");
		assert_string_equal(f.text, f.record_event == 1 ? "t{User=root}2 " : "");
	}
	fixture_close(&f);
}

/* --- groups --- */

static void test_groups_are_apart(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f,
		     RULE("failed") CORRELATION("c", "event_count", "failed", "[User, Ip]", "10s",
						CONDITION("gte: 2")),
		     NULL);
	assert_int_equal(event(&f, 0, "failed", "User=ab Ip=c"), 0);
	assert_int_equal(event(&f, 0, "failed", "User=a Ip=bc"), 0);
	assert_int_equal(event(&f, 0, "failed", "User=c Ip=ab"), 0);
	assert_int_equal(event(&f, 0, "failed", "User=AB Ip=c"), 0);
	assert_int_equal(event(&f, 0, "failed", "User=ab"), 0);
	assert_int_equal(event(&f, 0, "failed", "User=ab"), 0);
	assert_int_equal(event(&f, 0, "failed", "User=ab Ip=NULL"), 0);
	assert_int_equal(event(&f, 0, "failed", "User=ab Ip="), 0); /* empty is a value */
	assert_int_equal(event(&f, 0, "failed", "User=ab Ip="), 1);
	assert_string_equal(f.text, "c{User=ab,Ip=}2 ");
	assert_int_equal(event(&f, 0, "failed", "User=ab Ip=c"), 1);
	assert_string_equal(f.text, "c{User=ab,Ip=c}2 ");
	assert_int_equal(stats_of(&f).groups, 5);
	fixture_close(&f);
}

static void test_no_group_by(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f,
		     RULE("failed") CORRELATION("c", "event_count", "failed", "[]", "10s",
						CONDITION("gte: 2")),
		     NULL);
	assert_int_equal(event(&f, 0, "failed", "User=a"), 0);
	assert_int_equal(event(&f, 0, "failed", "User=b"), 1);
	assert_string_equal(f.text, "c{}2 ");
	fixture_close(&f);
}

static void test_several_values(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f, FAILED(CONDITION("gte: 2")), NULL);
	event(&f, 0, "failed", "User=NULL User=a User=b");
	assert_int_equal(event(&f, 0, "failed", "User=b"), 0);
	assert_int_equal(event(&f, 0, "failed", "User=a"), 1);
	fixture_close(&f);
}

static void test_long_values(void **state)
{
	(void)state;
	char fields[4096];
	struct fixture f;

	fixture_open(&f, FAILED(CONDITION("gte: 2")), NULL);
	memset(fields, 'x', sizeof(fields));
	memcpy(fields, "User=", 5);
	fields[3000] = '\0';
	assert_int_equal(event(&f, 0, "failed", fields), 0);
	fields[2999] = 'y'; /* differs far behind what is kept */
	assert_int_equal(event(&f, 0, "failed", fields), 0);
	assert_int_equal(event(&f, 0, "failed", fields), 1);
	assert_true(strlen(f.text) < SIGMA_GROUP_KEY_MAX + 20);
	fields[5 + SIGMA_GROUP_KEY_MAX] = '\0'; /* what is kept of it, but whole */
	assert_int_equal(event(&f, 0, "failed", fields), 0);
	fixture_close(&f);
}

static void test_aliases(void **state)
{
	(void)state;
	struct fixture f;

	/* The specification's example. */
	fixture_open(&f,
		     RULE("internal_error") RULE("new_network_connection")
			     CORRELATION("c", "temporal",
					 "[internal_error, new_network_connection]",
					 "[internal_ip, remote_ip]", "10s",
					 "  aliases:\n"
					 "    internal_ip:\n"
					 "      internal_error: destination.ip\n"
					 "      new_network_connection: source.ip\n"
					 "    remote_ip:\n"
					 "      internal_error: source.ip\n"
					 "      new_network_connection: destination.ip\n"),
		     NULL);
	event(&f, 0, "internal_error", "source.ip=6 destination.ip=10");
	assert_int_equal(event(&f, 1, "new_network_connection", "source.ip=6 destination.ip=10"),
			 0);
	assert_int_equal(event(&f, 2, "new_network_connection", "source.ip=10 destination.ip=6"),
			 1);
	assert_string_equal(f.text, "c{internal_ip=10,remote_ip=6}2 ");
	fixture_close(&f);
}

/* --- values --- */

static void test_value_count(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f,
		     RULE("failed") CORRELATION("c", "value_count", "failed", "Ip", "10s",
						CONDITION("field: User, gte: 3")),
		     NULL);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(event(&f, 0, "failed", "Ip=1 User=a"), 0);
	event(&f, 2, "failed", "Ip=1 User=b");
	assert_int_equal(event(&f, 2, "failed", "Ip=1"), 0);
	assert_int_equal(event(&f, 2, "failed", "Ip=2 User=c"), 0);
	event(&f, 8, "failed", "Ip=1 User=a"); /* it is younger again */
	assert_int_equal(event(&f, 11, "failed", "Ip=1 User=c"), 1);
	assert_string_equal(f.text, "c{Ip=1}3 ");
	assert_int_equal(f.first, BEGIN + 2 * SECOND);
	assert_int_equal(event(&f, 13, "failed", "Ip=1 User=c"), 0); /* b has left */
	assert_int_equal(event(&f, 9, "failed", "Ip=1 User=B"), 1); /* late; not the same as b */
	assert_int_equal(event(&f, 19.5, "failed", "Ip=1 User=d"), 0);
	fixture_close(&f);
}

static void test_value_count_of_several(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f,
		     RULE("failed") CORRELATION("c", "value_count", "failed", "Ip", "10s",
						CONDITION("field: [User, Host], gte: 3")),
		     NULL);
	event(&f, 0, "failed", "Ip=1 User=a Host=b");
	event(&f, 0, "failed", "Ip=1 User=b Host=a");
	assert_int_equal(event(&f, 0, "failed", "Ip=1 User=a Host=b"), 0);
	assert_int_equal(event(&f, 0, "failed", "Ip=1 User=b"), 0);
	assert_int_equal(event(&f, 0, "failed", "Ip=1 User=ab Host="), 1);
	fixture_close(&f);
}

static void test_many_values(void **state)
{
	(void)state;
	struct fixture f;
	char fields[64];

	fixture_open(&f,
		     RULE("scan") CORRELATION("c", "value_count", "scan", "Ip", "100s",
					      CONDITION("field: Port, gte: 5000")),
		     NULL);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(fields, sizeof(fields), "Ip=1 Port=%u", i * 7919 % 10007);
		unsigned fired = event(&f, i * 0.01, "scan", fields);
		assert_int_equal(fired, i >= 4999);
	}
	/* 10001 events within 100 s, and no port among them twice. */
	assert_int_equal(f.value, 10001);
	assert_int_equal(stats_of(&f).dropped, 0);
	fixture_close(&f);
}

static void test_sum_and_average(void **state)
{
	(void)state;
	struct fixture f;

	fixture_open(&f,
		     RULE("sent") CORRELATION("sum", "value_sum", "sent", "User", "10s",
					      CONDITION("field: Bytes, gt: 1000"))
			     CORRELATION("avg", "value_avg", "sent", "User", "10s",
					 CONDITION("field: Bytes, gt: 500")),
		     NULL);
	assert_int_equal(event(&f, 0, "sent", "User=a Bytes=400"), 0);
	assert_int_equal(event(&f, 1, "sent", "User=a Bytes=600"), 0); /* 1000, 500 */
	assert_int_equal(event(&f, 2, "sent", "User=a Bytes=nan"), 0);
	assert_int_equal(event(&f, 2, "sent", "User=a Bytes=0x900"), 0);
	assert_int_equal(event(&f, 2, "sent", "User=a Bytes=many"), 0);
	assert_int_equal(event(&f, 2, "sent", "User=a"), 0);
	assert_int_equal(event(&f, 3, "sent", "User=a Bytes=0.5"), 1);
	assert_string_equal(f.text, "sum{User=a}1000.5 ");
	assert_int_equal(event(&f, 10.5, "sent", "User=a Bytes=902"), 2); /* 600 0.5 902 */
	assert_string_equal(f.text, "sum{User=a}1502.5 avg{User=a}500.833 ");
	assert_int_equal(f.count, 3);
	/* A huge number that has left takes nothing with it. */
	event(&f, 30, "sent", "User=b Bytes=1e300");
	event(&f, 35, "sent", "User=b Bytes=700");
	assert_int_equal(event(&f, 44, "sent", "User=b Bytes=301"), 2);
	assert_string_equal(f.text, "sum{User=b}1001 avg{User=b}500.5 ");
	fixture_close(&f);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void test_percentile_and_median(void **state)
{
	(void)state;
	static const char yaml[] =
		RULE("x") CORRELATION("p", "value_percentile", "x", "User", "1000s",
				      CONDITION("field: V, percentile: 90, gte: -1000"))
			CORRELATION("m", "value_median", "x", "User", "1000s",
				    CONDITION("field: V, gte: -1000"));
	struct fixture f;
	char fields[64], expect[128];
	double all[200], sorted[200];

	fixture_open(&f, yaml, NULL);
	event(&f, 0, "x", "User=one V=7");
	assert_string_equal(f.text, "p{User=one}7 m{User=one}7 ");
	event(&f, 0, "x", "User=one V=-2");
	assert_string_equal(f.text, "p{User=one}6.1 m{User=one}2.5 ");
	for (unsigned i = 0; i < 200; i++) {
		all[i] = (double)(i * 37 % 101) - 20;
		snprintf(fields, sizeof(fields), "User=a V=%g", all[i]);
		event(&f, i, "x", fields);
		memcpy(sorted, all, sizeof(all));
		qsort(sorted, i + 1, sizeof(*sorted), compare_doubles);
		double at = i * 0.9, median = (sorted[i / 2] + sorted[(i + 1) / 2]) / 2;
		unsigned k = (unsigned)at;
		double p = sorted[k] + (k < i ? (sorted[k + 1] - sorted[k]) * (at - k) : 0);
		snprintf(expect, sizeof(expect), "p{User=a}%g m{User=a}%g ", p, median);
		assert_string_equal(f.text, expect);
	}
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count_and_episode),
		cmocka_unit_test(test_window_slides),
		cmocka_unit_test(test_both_ends_belong),
		cmocka_unit_test(test_drained_window_is_a_new_episode),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_count_by_chance),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_time_unknown),
		cmocka_unit_test(test_one_event_counts_once),
		cmocka_unit_test(test_one_event_of_several_records),
		cmocka_unit_test(test_groups_are_apart),
		cmocka_unit_test(test_no_group_by),
		cmocka_unit_test(test_several_values),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_value_count),
		cmocka_unit_test(test_value_count_of_several),
		cmocka_unit_test(test_many_values),
		cmocka_unit_test(test_sum_and_average),
		cmocka_unit_test(test_percentile_and_median),
	};

	return cmocka_run_group_tests_name("sigma_correlate", tests, NULL, NULL);
}
