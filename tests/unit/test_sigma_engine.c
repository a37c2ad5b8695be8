/* SPDX-License-Identifier: Apache-2.0 */
/* Rules, views and correlations together: which rules alert, in which order, for which logsource.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sigma/engine.h"
#include "sigma/json_record.h"
#include "sigma/parse.h"

static const char rules[] = "title: One\n"
			    "id: 00000000-0000-4000-8000-000000000001\n"
			    "logsource: {product: linux, category: process_creation}\n"
			    "detection: {s: {Image: /bin/a}, condition: s}\n"
			    "---\n"
			    "title: Two\n"
			    "id: 00000000-0000-4000-8000-000000000002\n"
			    "logsource: {product: Linux, service: sshd}\n"
			    "detection: {s: [Failed], condition: s}\n"
			    "---\n"
			    "title: Counted\n"
			    "id: 00000000-0000-4000-8000-000000000003\n"
			    "name: counted\n"
			    "logsource: {category: process_creation}\n"
			    "detection: {s: {Image|endswith: /a}, condition: s}\n"
			    "---\n"
			    "title: Many\n"
			    "id: 00000000-0000-4000-8000-000000000004\n"
			    "correlation:\n"
			    "  type: event_count\n"
			    "  rules: [counted]\n"
			    "  group-by: [User]\n"
			    "  timespan: 1m\n"
			    "  condition: {gte: 2}\n"
			    "---\n"
			    "title: Any\n"
			    "id: 00000000-0000-4000-8000-000000000005\n"
			    "logsource: {product: linux}\n"
			    "detection: {s: {User: root}, condition: s}\n";

static struct sigma_engine *engine_of(const char *text)
{
	struct sigma_engine *g = NULL;
	struct sigma_rules *r;
	struct err e = { "" };

	assert_int_equal(sigma_rules_new(&r), 0);
	assert_int_equal(sigma_parse(r, "rules.yml", text, strlen(text)), 0);
	assert_int_equal(sigma_engine_new(r, NULL, &g, &e), 0);
	return g;
}

struct fixture {
	struct sigma_engine *g;
	struct sigma_json *json;
};

static int setup(void **state)
{
	static struct fixture f;

	f.g = engine_of(rules);
	f.json = sigma_json_new();
	assert_non_null(f.json);
	assert_int_equal(sigma_engine_rules(f.g)->problems.errors, 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sigma_engine_free(f->g);
	sigma_json_free(f->json);
	return 0;
}

static char got[512];

static void note(void *ctx, const struct sigma_alert *a)
{
	size_t n = strlen(got);

	(void)ctx;
	assert_true(!a->correlated == !a->rule->correlation);
	snprintf(got + n, sizeof(got) - n, "%s%s", n ? " " : "", a->rule->title);
}

/* The titles that alert at the line, in order. */
static const char *judge(struct fixture *f, const char *line)
{
	struct sigma_logsource ls;
	struct sigma_record rec;
	uint64_t time;
	struct err e;

	got[0] = '\0';
	assert_int_equal(sigma_json_read(f->json, line, strlen(line), &e), 0);
	int given = sigma_json_logsource(f->json, &ls, &e);
	assert_true(given >= 0);
	assert_int_equal(sigma_json_time(f->json, &time, &e), 0);
	struct sigma_view *v = sigma_engine_view(f->g, given ? &ls : NULL);
	assert_non_null(v);
	assert_int_equal(sigma_json_record(f->json, v, time, &rec), 0);
	unsigned n = sigma_engine_judge(f->g, v, &rec, note, NULL);
	unsigned words = got[0] != '\0';
	for (const char *s = got; *s; s++)
		words += *s == ' ';
	assert_int_equal(n, words);
	return got;
}

static void logsources(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(judge(f, "{\"Image\":\"/bin/a\"}"), "One");
	assert_string_equal(judge(f, "{\"_logsource\":\"linux/process_creation\","
				     "\"Image\":\"/bin/a\",\"User\":\"root\"}"),
			    "One Any");
	assert_string_equal(judge(f, "{\"_logsource\":{\"category\":\"process_creation\"},"
				     "\"Image\":\"/bin/a\"}"),
			    "One");
	assert_string_equal(judge(f, "{\"_logsource\":\"windows/process_creation\","
				     "\"Image\":\"/bin/a\"}"),
			    "");
	assert_string_equal(judge(f, "{\"_logsource\":\"linux/file_event\",\"Image\":\"/bin/a\"}"),
			    "");
	assert_string_equal(judge(f, "{\"m\":\"Failed password\",\"_logsource\":\"LINUX/SSHD\"}"),
			    "Two");
	assert_string_equal(judge(f, "{\"m\":\"Failed password\",\"_logsource\":\"linux//sshd\"}"),
			    "Two");
	assert_string_equal(judge(f, "{\"m\":\"Failed password\",\"_logsource\":\"linux/cron\"}"),
			    "");
	assert_string_equal(judge(f, "{\"_x\":\"Failed password\",\"_logsource\":\"linux/sshd\"}"),
			    "");
}

/* What no rule asks for does not make another view. */
static void views(void **state)
{
	struct fixture *f = *state;
	struct sigma_logsource a = { .product = "linux", .service = "one" };
	struct sigma_logsource b = { .product = "LINUX", .category = "two" };
	struct sigma_logsource c = { .product = "linux", .service = "sshd" };
	struct sigma_view *v = sigma_engine_view(f->g, &a);

	assert_non_null(v);
	assert_ptr_equal(v, sigma_engine_view(f->g, &b));
	assert_ptr_not_equal(v, sigma_engine_view(f->g, &c));
	assert_ptr_not_equal(v, sigma_engine_view(f->g, NULL));
	assert_int_equal(sigma_view_nrules(v), 1);
	for (unsigned i = 0; i < 1000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "x%u", i);
		a.service = name;
		assert_ptr_equal(v, sigma_engine_view(f->g, &a));
	}
}

/* Counted itself is silent. */
static void correlations(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(judge(f, "{\"_time\":1000,\"Image\":\"/x/a\",\"User\":\"u\"}"), "");
	assert_string_equal(judge(f, "{\"_time\":1001,\"Image\":\"/x/a\",\"User\":\"v\"}"), "");
	assert_string_equal(judge(f, "{\"_time\":1002,\"Image\":\"/x/a\"}"), "");
	assert_string_equal(judge(f, "{\"_time\":1003,\"Image\":\"/bin/a\",\"User\":\"u\"}"),
			    "One Many");
	assert_string_equal(judge(f, "{\"_time\":2000,\"Image\":\"/x/a\",\"User\":\"v\"}"), "");
}

static void broken_rules(void **state)
{
	(void)state;
	struct fixture f = { .json = sigma_json_new() };

	f.g = engine_of("title: Good\n"
			"name: good\n"
			"logsource: {product: linux}\n"
			"detection: {s: {a: 1}, condition: s}\n"
			"---\n"
			"title: Bad\n"
			"name: bad\n"
			"logsource: {product: linux}\n"
			"detection: {s: {a|re: '('}, condition: s}\n"
			"---\n"
			"title: On bad\n"
			"name: on_bad\n"
			"correlation: {type: event_count, rules: [bad], timespan: 1m,"
			" condition: {gte: 1}}\n"
			"---\n"
			"title: On that\n"
			"correlation: {type: event_count, rules: [on_bad], timespan: 1m,"
			" condition: {gte: 1}}\n"
			"---\n"
			"title: Of more events than are held\n"
			"correlation: {type: event_count, rules: [good], timespan: 1m,"
			" condition: {gte: 1000000000}}\n");
	const struct sigma_rules *r = sigma_engine_rules(f.g);
	assert_int_equal(r->problems.errors, 4);
	for (unsigned i = 0; i < r->n; i++)
		assert_int_equal(r->rule[i]->broken, strcmp(r->rule[i]->title, "Good") != 0);
	/* Good is there for a correlation only, also if that is broken. */
	assert_string_equal(judge(&f, "{\"a\":1}"), "");
	assert_string_equal(judge(&f, "{\"a\":\"(\"}"), "");
	sigma_engine_free(f.g);
	sigma_json_free(f.json);
}

static void no_rules(void **state)
{
	(void)state;
	struct fixture f = { .g = engine_of(""), .json = sigma_json_new() };

	assert_string_equal(judge(&f, "{\"a\":1}"), "");
	assert_string_equal(judge(&f, "{\"a\":1,\"_logsource\":\"linux/sshd\"}"), "");
	sigma_engine_free(f.g);
	sigma_json_free(f.json);
	sigma_engine_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(logsources),	cmocka_unit_test(views),
		cmocka_unit_test(correlations), cmocka_unit_test(broken_rules),
		cmocka_unit_test(no_rules),
	};
	return cmocka_run_group_tests_name("sigma_engine", tests, setup, teardown);
}
