/* SPDX-License-Identifier: Apache-2.0 */
/* Correlations across a restart, and from bytes that nobody saved. */
#include <errno.h>

#include "base/siphash.h"
#include "correlations.h"

#define FAILED(timespan_, more_) CORRELATION("count", "event_count", "a", "User", timespan_, more_)
#define OTHERS                                                                                   \
	CORRELATION("values", "value_count", "a", "User", "10s", CONDITION("field: Ip, gte: 3")) \
	CORRELATION("sum", "value_sum", "a", "User", "10s", CONDITION("field: N, gte: 6"))       \
	CORRELATION("all", "temporal", "[a, b]", "User", "10s", "")                              \
	CORRELATION("order", "temporal_ordered", "[a, b]", "User", "10s", "")                    \
	CORRELATION("chain", "event_count", "order", "User", "10s", CONDITION("gte: 1"))
#define RULES RULE("a") RULE("b")

static const char yaml[] = RULES FAILED("10s", CONDITION("gte: 3")) OTHERS;

/* Both take the first events; then only their own next ones, which must bring the same. */
static void test_in_the_middle_of_a_window(void **state)
{
	(void)state;
	static const struct {
		const char *rules, *fields;
	} events[] = {
		{ "a", "User=x Ip=1 N=1" }, { "a", "User=x Ip=2 N=2" },
		{ "b", "User=y" },	    { "a", "User=x Ip=3 N=3" },
		{ "a", "User=y Ip=3 N=9" }, { "b", "User=x" },
		{ "b", "User=y" },	    { "a b", "User=z Ip=0 N=8" },
		{ "a", "User=x Ip=1 N=1" }, { "b", "User=z" },
		{ "a", "User=z Ip=1 N=1" },
	};
	static const unsigned n = sizeof(events) / sizeof(events[0]);
	struct fixture one, other;
	struct buf b = { 0 };
	unsigned fired = 0;

	for (unsigned cut = 0; cut <= n; cut++) {
		fixture_open(&one, yaml, NULL);
		fixture_open(&other, yaml, NULL);
		for (unsigned i = 0; i < cut; i++)
			event(&one, i, events[i].rules, events[i].fields);
		buf_reset(&b);
		sigma_correlator_save(one.correlator, &b);
		assert_false(b.failed);
		assert_int_equal(sigma_correlator_restore(other.correlator, b.data, b.len), 0);
		assert_int_equal(stats_of(&one).groups, stats_of(&other).groups);
		for (unsigned i = cut; i < n; i++) {
			fired += event(&one, i, events[i].rules, events[i].fields);
			event(&other, i, events[i].rules, events[i].fields);
			assert_string_equal(one.text, other.text);
			assert_int_equal(one.first, other.first);
			assert_int_equal(one.episode, other.episode);
		}
		assert_int_equal(stats_of(&one).bytes, stats_of(&other).bytes);
		fixture_close(&one);
		fixture_close(&other);
	}
	assert_true(fired > 50);
	buf_free(&b);
}

/* Runs up to 2 events of one set, then the third of another, restored. */
static unsigned across(const char *before, const char *after)
{
	struct fixture f;
	struct buf b = { 0 };

	fixture_open(&f, before, NULL);
	event(&f, 0, "a", "User=x");
	event(&f, 1, "a", "User=x");
	sigma_correlator_save(f.correlator, &b);
	fixture_close(&f);
	fixture_open(&f, after, NULL);
	assert_int_equal(sigma_correlator_restore(f.correlator, b.data, b.len), 0);
	unsigned fired = event(&f, 2, "a", "User=x");
	fixture_close(&f);
	buf_free(&b);
	return fired;
}

static void test_only_what_is_the_same(void **state)
{
	(void)state;
	static const char count[] = RULES FAILED("10s", CONDITION("gte: 3"));

	assert_int_equal(across(count, count), 1);
	/* Others come, go, and change places. */
	assert_int_equal(across(count, yaml), 1);
	assert_int_equal(across(RULES OTHERS FAILED("10s", CONDITION("gte: 3")), count), 1);
	assert_int_equal(across(RULES OTHERS, count), 0);
	assert_int_equal(across(RULES, count), 0);
	assert_int_equal(across(count, RULES), 0);
	/* Its own changes. */
	assert_int_equal(across(RULES FAILED("11s", CONDITION("gte: 3")), count), 0);
	assert_int_equal(across(RULES FAILED("10s", CONDITION("gte: 2")), count), 0);
	assert_int_equal(across(RULES FAILED("10s", CONDITION("gt: 3")), count), 0);
	assert_int_equal(across(RULES CORRELATION("count", "event_count", "[a, b]", "User", "10s",
						  CONDITION("gte: 3")),
				count),
			 0);
	assert_int_equal(across(RULES CORRELATION("count", "event_count", "a", "[User, Ip]", "10s",
						  CONDITION("gte: 3")),
				count),
			 0);
}

/* What a correlation is built on is part of it. */
static void test_inner_one_changed(void **state)
{
	(void)state;
#define CHAIN(more_)               \
	RULES FAILED("10s", more_) \
		CORRELATION("outer", "event_count", "count", "User", "1h", CONDITION("gte: 1"))
	struct fixture f;
	struct buf b = { 0 };

	fixture_open(&f, CHAIN(CONDITION("gte: 1")), NULL);
	assert_int_equal(event(&f, 0, "a", "User=x"), 2);
	sigma_correlator_save(f.correlator, &b);
	fixture_close(&f);
	fixture_open(&f, CHAIN(CONDITION("gte: 1")), NULL);
	assert_int_equal(sigma_correlator_restore(f.correlator, b.data, b.len), 0);
	assert_int_equal(stats_of(&f).groups, 2);
	fixture_close(&f);
	fixture_open(&f, CHAIN(CONDITION("gte: 2")), NULL);
	assert_int_equal(sigma_correlator_restore(f.correlator, b.data, b.len), 0);
	assert_int_equal(stats_of(&f).groups, 0);
	fixture_close(&f);
	buf_free(&b);
}

static void test_replaces_what_was_there(void **state)
{
	(void)state;
	struct fixture f;
	struct buf b = { 0 };

	fixture_open(&f, yaml, NULL);
	sigma_correlator_save(f.correlator, &b);
	event(&f, 0, "a", "User=x");
	event(&f, 1, "a", "User=x");
	assert_int_equal(sigma_correlator_restore(f.correlator, b.data, b.len), 0);
	assert_int_equal(stats_of(&f).groups, 0);
	assert_int_equal(event(&f, 2, "a", "User=x"), 0);
	fixture_close(&f);
	buf_free(&b);
}

/* Less room than before: who was used last stays. */
static void test_into_less_room(void **state)
{
	(void)state;
	static const char count[] = RULES FAILED("1h", CONDITION("gte: 2"));
	struct fixture f;
	struct buf b = { 0 };
	char fields[64];

	fixture_open(&f, count, NULL);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(fields, sizeof(fields), "User=%u", i);
		event(&f, 0, "a", fields);
	}
	sigma_correlator_save(f.correlator, &b);
	fixture_close(&f);
	fixture_open(&f, count, &(struct sigma_correlator_options){ .groups_max = 10 });
	assert_int_equal(sigma_correlator_restore(f.correlator, b.data, b.len), 0);
	assert_int_equal(stats_of(&f).groups, 10);
	assert_int_equal(event(&f, 1, "a", "User=90"), 1);
	assert_int_equal(event(&f, 1, "a", "User=99"), 1);
	assert_int_equal(event(&f, 1, "a", "User=89"), 0);
	fixture_close(&f);
	buf_free(&b);
}

static void fill(struct fixture *f)
{
	char fields[64];

	for (unsigned i = 0; i < 60; i++) {
		snprintf(fields, sizeof(fields), "User=%u Ip=%u N=%u", i % 7, i, i);
		event(f, i * 0.3, i % 3 ? "a" : "a b", fields);
	}
}

/* Every byte changed, every length: refused, and what was there is still there. */
static void test_damage(void **state)
{
	(void)state;
	struct fixture f;
	struct buf good = { 0 }, after = { 0 };

	fixture_open(&f, yaml, NULL);
	fill(&f);
	sigma_correlator_save(f.correlator, &good);
	for (size_t i = 0; i < good.len; i++) {
		good.data[i] ^= 0x41;
		assert_int_equal(sigma_correlator_restore(f.correlator, good.data, good.len),
				 -EBADMSG);
		good.data[i] ^= 0x41;
	}
	for (size_t n = 0; n < good.len; n++) {
		char *copy = malloc(n ? n : 1);
		assert_non_null(copy);
		memcpy(copy, good.data, n);
		assert_int_equal(sigma_correlator_restore(f.correlator, copy, n), -EBADMSG);
		free(copy);
	}
	sigma_correlator_save(f.correlator, &after);
	assert_int_equal(after.len, good.len);
	assert_memory_equal(after.data, good.data, good.len);
	fixture_close(&f);
	buf_free(&good);
	buf_free(&after);
}

/* Forged with a right checksum: taken whole or not at all, and never out of bounds. */
static void test_forgery(void **state)
{
	(void)state;
	static const struct siphash_key no_key;
	struct fixture f;
	struct buf good = { 0 };
	unsigned refused = 0, random = 1;

	fixture_open(&f, yaml, NULL);
	fill(&f);
	sigma_correlator_save(f.correlator, &good);
	char *copy = malloc(good.len);
	assert_non_null(copy);
	for (unsigned i = 0; i < 20000; i++) {
		memcpy(copy, good.data, good.len);
		for (unsigned k = 0; k <= i % 3; k++) {
			random = random * 1664525 + 1013904223;
			copy[random % (good.len - 8)] = (char)(random >> 24);
		}
		uint64_t check = siphash(&no_key, copy, good.len - 8);
		memcpy(copy + good.len - 8, &check, sizeof(check));
		int rc = sigma_correlator_restore(f.correlator, copy, good.len);
		assert_true(rc == 0 || rc == -EBADMSG);
		refused += rc != 0;
		event(&f, i * 0.01, "a b", "User=1 Ip=9 N=9");
	}
	assert_true(refused > 1000);
	free(copy);
	fixture_close(&f);
	buf_free(&good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_the_middle_of_a_window),
		cmocka_unit_test(test_only_what_is_the_same),
		cmocka_unit_test(test_inner_one_changed),
		cmocka_unit_test(test_replaces_what_was_there),
		cmocka_unit_test(test_into_less_room),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_forgery),
	};

	return cmocka_run_group_tests_name("sigma_correlate_state", tests, NULL, NULL);
}
