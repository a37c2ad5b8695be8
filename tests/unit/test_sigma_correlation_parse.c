/* SPDX-License-Identifier: Apache-2.0 */
/* Correlations as written: the specification's document on them, and what pySigma adds. */
#include "sigma_text.h"

#define SECOND 1000000000ULL

static struct sigma_rules *correlation(const char *section)
{
	char text[4096];

	snprintf(text, sizeof(text), "title: t\ncorrelation:\n%s", section);
	return sigma_of(text);
}

static void fails(const char *section, const char *want)
{
	struct sigma_rules *r = correlation(section);

	assert_int_equal(r->n, 0);
	assert_true(r->problems.errors > 0);
	assert_problem(r, 0, want);
	sigma_rules_free(r);
}

static void warns(const char *section, const char *want)
{
	struct sigma_rules *r = correlation(section);

	assert_int_equal(r->n, 1);
	assert_int_equal(r->problems.errors, 0);
	assert_problem(r, 0, want);
	sigma_rules_free(r);
}

static void whole(void **state)
{
	struct sigma_rules *r = sigma_of(
		"title: Many failed logins\nid: 0e95725d-7320-415d-80f7-004da920fc11\nlevel: high\n"
		"generate: true\n"
		"correlation:\n  type: value_count\n  rules:\n  - failed\n"
		"  - 5638f7c0-ac70-491d-8465-2a65075e0d86\n"
		"  group-by: [ComputerName, ip]\n  timespan: 1h\n"
		"  aliases:\n    ip:\n      failed: SrcIp\n      other: DstIp\n"
		"  condition:\n    field: User\n    gt: 100\n    lte: 200.5\n");
	const struct sigma_rule *x = sigma_last(r);
	const struct sigma_correlation *c = x->correlation;

	(void)state;
	assert_no_problems(r);
	assert_int_equal(x->kind, SIGMA_CORRELATION);
	assert_null(x->expr);
	assert_null(x->logsource.product);
	assert_int_equal(x->level, SIGMA_LEVEL_high);
	assert_int_equal(c->type, SIGMA_value_count);
	assert_int_equal(c->refs.n, 2);
	assert_string_equal(c->refs.s[1], "5638f7c0-ac70-491d-8465-2a65075e0d86");
	assert_int_equal(c->group_by.n, 2);
	assert_string_equal(c->group_by.s[1], "ip");
	assert_true(c->timespan == 3600 * SECOND);
	assert_int_equal(c->naliases, 1);
	assert_int_equal(c->alias[0].n, 2);
	assert_string_equal(c->alias[0].field[1].rule, "other");
	assert_string_equal(c->alias[0].field[1].field, "DstIp");
	assert_int_equal(c->nbounds, 2);
	assert_int_equal(c->bound[0].op, SIGMA_gt);
	assert_true(c->bound[0].value == 100);
	assert_int_equal(c->bound[1].op, SIGMA_lte);
	assert_true(c->bound[1].value == 200.5);
	assert_int_equal(c->fields.n, 1);
	assert_string_equal(c->fields.s[0], "User");
	assert_true(c->generate);
	assert_null(c->expr);
	sigma_rules_free(r);
}

static void types(void **state)
{
	(void)state;
	for (int t = SIGMA_event_count; t <= SIGMA_value_median; t++) {
		char section[512];
		bool value = t == SIGMA_value_count || t >= SIGMA_value_sum;
		snprintf(section, sizeof(section),
			 "  type: %s\n  rules: a\n  timespan: 1m\n  condition: {gte: '3'%s%s}\n",
			 sigma_correlation_type_name((enum sigma_correlation_type)t),
			 value ? ", field: f" : "",
			 t == SIGMA_value_percentile ? ", percentile: 95" : "");
		struct sigma_rules *r = correlation(section);
		assert_no_problems(r);
		assert_int_equal(sigma_last(r)->correlation->type, t);
		assert_true(sigma_last(r)->correlation->bound[0].value == 3);
		if (t == SIGMA_value_percentile)
			assert_true(sigma_last(r)->correlation->percentile == 95);
		sigma_rules_free(r);
	}
	fails("  type: event_cuont\n  rules: a\n  timespan: 1m\n  condition: {gte: 3}\n",
	      "3:9 error: unknown type of correlation 'event_cuont': did you mean 'event_count'?");
	fails("  rules: a\n  timespan: 1m\n", "3:3 error: the correlation has no type");
}

static void timespans(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = { { "1s", 1 },	{ "90m", 5400 },       { "24h", 86400 },   { "7d", 604800 },
		     { "2w", 1209600 }, { "1M", 2629746 },     { "1y", 31556952 }, { "05m", 300 },
		     { "'10s'", 10 },	{ "3650d", 315360000 } };
	static const char *const bad[] = {
		"0s", "-1s", "1", "s",	  "1 m", "1.5h", "1mm",
		"1S", "''",  "~", "[1s]", "+1s", "1x",	 "99999999999999999999s"
	};
	char section[256];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(section, sizeof(section),
			 "  type: temporal\n  rules: [a, b]\n  timespan: %s\n", good[i].text);
		struct sigma_rules *r = correlation(section);
		assert_no_problems(r);
		assert_true(sigma_last(r)->correlation->timespan == good[i].seconds * SECOND);
		sigma_rules_free(r);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(section, sizeof(section),
			 "  type: temporal\n  rules: [a, b]\n  timespan: %s\n", bad[i]);
		struct sigma_rules *r = correlation(section);
		assert_int_equal(r->n, 0);
		assert_int_equal(r->problems.errors, 1);
		assert_int_equal(r->problems.problem[0].pos.line, 5);
		sigma_rules_free(r);
	}
	fails("  type: temporal\n  rules: [a, b]\n  timespan: 3651d\n",
	      "5:13 error: a timespan of more than 10 years");
	fails("  type: temporal\n  rules: [a, b]\n", "3:3 error: the correlation has no timespan");
}

#define COUNT "  type: event_count\n  rules: [a]\n  timespan: 1m\n"
#define VALUE "  type: value_sum\n  rules: [a]\n  timespan: 1m\n"

static void conditions(void **state)
{
	(void)state;
	fails(COUNT, "3:3 error: the correlation has no condition");
	fails(COUNT "  condition: {}\n",
	      "6:14 error: a condition without gt, gte, lt, lte, eq or neq");
	fails(COUNT "  condition: {gtee: 3}\n",
	      "6:15 error: unknown key 'gtee' in the condition: did you mean 'gte'?");
	fails(COUNT "  condition: {gte: many}\n", "6:20 error: gte wants a number");
	fails(COUNT "  condition: {gte: [1]}\n", "6:20 error: gte wants a number");
	fails(COUNT "  condition: {gte: 1e999}\n", "6:20 error: gte wants a number");
	fails(COUNT "  condition: {gt: 1, gte: 1, lt: 9, lte: 9, neq: 5}\n",
	      "6:45 error: more than 4 bounds in a condition");
	fails(COUNT "  condition: a\n",
	      "6:14 error: the condition of event_count must be a map such as gte: 10");
	fails(VALUE "  condition: {gte: 3}\n",
	      "6:14 error: value_sum wants a field in its condition");
	fails(VALUE "  condition: {gte: 3, field: [f, g]}\n",
	      "6:14 error: value_sum wants one field in its condition");
	fails("  type: value_percentile\n  rules: [a]\n  timespan: 1m\n"
	      "  condition: {gte: 3, field: f, percentile: 101}\n",
	      "6:45 error: a percentile is from 0 to 100");
	warns(COUNT "  condition: {gte: 3, field: f}\n",
	      "6:14 warning: event_count has no use for a field");
	warns("  type: value_percentile\n  rules: [a]\n  timespan: 1m\n"
	      "  condition: {lte: 1, field: f}\n",
	      "6:14 warning: no percentile in the condition: 50, the median, is taken");

	/* Several fields are counted together. */
	struct sigma_rules *r = correlation("  type: value_count\n  rules: [a]\n  timespan: 1m\n"
					    "  condition: {neq: -3, field: [f, g]}\n");
	assert_no_problems(r);
	assert_int_equal(sigma_last(r)->correlation->fields.n, 2);
	assert_true(sigma_last(r)->correlation->bound[0].value == -3);
	sigma_rules_free(r);
}

#define TEMPORAL "  type: temporal\n  timespan: 1m\n"

static void temporal(void **state)
{
	struct sigma_rules *r = correlation(TEMPORAL "  rules: [a, b, c]\n");
	const struct sigma_correlation *c = sigma_last(r)->correlation;

	(void)state;
	assert_no_problems(r);
	assert_int_equal(c->nbounds, 1);
	assert_int_equal(c->bound[0].op, SIGMA_gte);
	assert_true(c->bound[0].value == 3);
	sigma_rules_free(r);

	r = correlation(TEMPORAL "  rules: [a, b, c]\n  condition: {gte: 2}\n");
	assert_true(sigma_last(r)->correlation->bound[0].value == 2);
	sigma_rules_free(r);
}

static void extended(void **state)
{
	struct sigma_rules *r =
		correlation(TEMPORAL "  rules: [a, b, c]\n  condition: a and (c or not b)\n");

	(void)state;
	assert_no_problems(r);
	assert_int_equal(sigma_last(r)->correlation->nbounds, 0);
	assert_expr(sigma_last(r)->correlation->expr, "and(@0, or(@2, not(@1)))");
	sigma_rules_free(r);

	/* The rules are those that the condition names. */
	r = correlation("  type: temporal_ordered\n  timespan: 1m\n"
			"  condition: x_1 and x_2 and not y or x_1\n");
	assert_no_problems(r);
	assert_int_equal(sigma_last(r)->correlation->refs.n, 3);
	assert_string_equal(sigma_last(r)->correlation->refs.s[2], "y");
	assert_expr(sigma_last(r)->correlation->expr, "or(and(@0, @1, not(@2)), @0)");
	sigma_rules_free(r);

	fails(TEMPORAL "  rules: [a, b]\n  condition: a and c\n",
	      "6:20 error: the condition names 'c', which is not defined");
	fails(TEMPORAL "  rules: [a, b]\n  condition: a\n",
	      "6:14 error: the condition does not name 'b'");
	fails(TEMPORAL "  rules: [a, b]\n  condition: not a or b\n",
	      "6:14 error: the condition holds before any event has come: it must want one of the "
	      "rules to match");
	fails(TEMPORAL "  condition: not a\n",
	      "5:14 error: the condition holds before any event has come: it must want one of the "
	      "rules to match");
}

static void sections(void **state)
{
#define REST "  timespan: 1m\n  condition: {gte: 3}\n"
	struct sigma_rules *r;

	(void)state;
	fails("  type: event_count\n" REST, "3:3 error: the correlation has no rules");
	fails("  type: event_count\n  rules: []\n" REST, "3:3 error: a correlation of no rules");
	fails("  type: event_count\n  rules: [a, b, a]\n" REST,
	      "3:3 error: the correlation names 'a' twice");
	fails("  type: event_count\n  rules: {a: b}\n" REST,
	      "4:10 error: rules must be a list of texts, not a map");
	fails(COUNT "  condition: {gte: 3}\n  generate: 3\n",
	      "7:13 error: generate must be true or false");
	fails(COUNT "  condition: {gte: 3}\n  aliases: [x]\n", "7:12 error: aliases must be a map");
	fails(COUNT "  condition: {gte: 3}\n  aliases: {x: y}\n",
	      "7:16 error: the alias 'x' must be a map of rule: field");
	fails(COUNT "  condition: {gte: 3}\n  aliases: {x: {a: }}\n",
	      "7:20 error: the name of a field is expected");
	fails(COUNT "  condition: {gte: 3}\n  group-by: {x: y}\n",
	      "7:13 error: group-by must be a list of texts, not a map");
	warns(COUNT "  condition: {gte: 3}\n  group_by: x\n",
	      "7:3 warning: unknown key 'group_by': did you mean 'group-by'?");
	r = sigma_of("title: t\ncorrelation: [x]\n");
	assert_problem(r, 0, "2:14 error: correlation must be a map");
	sigma_rules_free(r);
	r = sigma_of("title: t\ncorrelation: {}\ndetection: {}\n");
	assert_problem(r, 0, "1:1 error: both a detection and a correlation: write two documents");
	sigma_rules_free(r);
	/* One alone needs no list; no group-by is one group. */
	r = correlation("  type: event_count\n  rules: a\n  group-by: f\n  generate: true\n" REST);
	assert_no_problems(r);
	assert_int_equal(sigma_last(r)->correlation->group_by.n, 1);
	assert_true(sigma_last(r)->correlation->generate);
	sigma_rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),     cmocka_unit_test(types),
		cmocka_unit_test(timespans), cmocka_unit_test(conditions),
		cmocka_unit_test(temporal),  cmocka_unit_test(extended),
		cmocka_unit_test(sections),
	};
	return cmocka_run_group_tests_name("sigma_correlation_parse", tests, NULL, NULL);
}
