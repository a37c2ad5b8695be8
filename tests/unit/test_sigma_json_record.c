/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a JSON object as fields of a view. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sigma/compile.h"
#include "sigma/json_record.h"
#include "sigma/parse.h"

static struct sigma_rules *rules;
static struct sigma_view *view;
static struct sigma_json *json;
static struct sigma_record rec;
static struct err e;

static int setup(void **state)
{
	static const char text[] = "title: T\n"
				   "logsource: {product: linux}\n"
				   "detection:\n"
				   "  f: {a: 1, b: 1, a.b: 1, a.b.c: 1, c: 1, _x: 1}\n"
				   "  k: [word]\n"
				   "  condition: 1 of them\n";
	(void)state;
	assert_int_equal(sigma_rules_new(&rules), 0);
	assert_int_equal(sigma_parse(rules, "t.yml", text, sizeof(text) - 1), 0);
	assert_int_equal(sigma_link(rules), 0);
	assert_int_equal(sigma_compile(rules, NULL), 0);
	assert_int_equal(sigma_view_new(rules, NULL, &view), 0);
	assert_true(sigma_view_wants_all(view));
	json = sigma_json_new();
	return json ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	sigma_json_free(json);
	sigma_view_free(view);
	sigma_rules_free(rules);
	return 0;
}

static int read_line(const char *line)
{
	return sigma_json_read(json, line, strlen(line), &e);
}

static void record(const char *line)
{
	assert_int_equal(read_line(line), 0);
	assert_int_equal(sigma_json_record(json, view, 7, &rec), 0);
	assert_int_equal(rec.time, 7);
}

/* "1,2": the values; "-": absent. */
static void assert_values(const struct sigma_values *v, const char *want)
{
	char got[256] = "-";
	int n = 0;

	if (v->present)
		got[0] = '\0';
	for (unsigned i = 0; i < v->n; i++)
		n += snprintf(got + n, sizeof(got) - (size_t)n, "%s%.*s", i ? "," : "",
			      (int)v->v[i].len, v->v[i].text);
	assert_string_equal(got, want);
}

static void assert_field(const char *name, const char *want)
{
	int i = sigma_view_find(view, name);

	assert_true(i >= 0);
	assert_values(&rec.field[i], want);
}

static void fields(void **state)
{
	(void)state;
	record("{\"a\":\"x\",\"b\":9223372036854775808,\"c\":1.50,\"d\":\"other\",\"A\":2}");
	assert_field("a", "x");
	assert_field("b", "9223372036854775808");
	assert_field("c", "1.50");
	assert_field("a.b", "-");
	assert_values(&rec.all, "x,9223372036854775808,1.50,other,2");
	record("{}");
	assert_field("a", "-");
	assert_values(&rec.all, "-");
}

static void nested(void **state)
{
	(void)state;
	record("{\"a\":{\"b\":1,\"x\":2},\"a.b\":3,\"a.b.c\":4}");
	assert_field("a", "-");
	assert_field("b", "-");
	assert_field("a.b", "1,3");
	assert_field("a.b.c", "4");
	assert_values(&rec.all, "1,2,3,4");
	record("{\"a\":{\"b\":{\"c\":5}},\"b\":6}");
	assert_field("a.b", "-");
	assert_field("a.b.c", "5");
	assert_field("b", "6");
	record("{\"a.b\":{\"c\":7},\"a\":{\"b.c\":8}}");
	assert_field("a.b.c", "7,8");
}

static void arrays(void **state)
{
	(void)state;
	record("{\"a\":[1,[\"x\",true],null],\"b\":[],\"c\":[[],[]]}");
	assert_field("a", "1,x,true,");
	assert_field("b", "");
	assert_field("c", "");
	record("{\"b\":1,\"a\":[{\"b\":2},3,{\"b\":{\"c\":4}},{\"b\":[5,6]}],\"c\":7}");
	assert_field("a", "3");
	assert_field("a.b", "2,5,6");
	assert_field("a.b.c", "4");
	assert_field("b", "1");
	assert_field("c", "7");
}

static void nulls(void **state)
{
	(void)state;
	record("{\"a\":null,\"b\":\"\",\"c\":false}");
	int a = sigma_view_find(view, "a");
	assert_true(rec.field[a].present);
	for (unsigned i = 0; i < rec.field[a].n; i++)
		assert_int_equal(rec.field[a].v[i].type, SIGMA_null);
	assert_field("b", "");
	assert_field("c", "false");
	assert_int_equal(rec.all.n, 2);
}

/* Nothing can hide behind a second value. */
static void duplicates(void **state)
{
	(void)state;
	record("{\"a\":1,\"b\":2,\"a\":[3,4],\"a\":null}");
	assert_field("a", "1,3,4,");
	assert_field("b", "2");
}

static void names(void **state)
{
	(void)state;
	record("{\"_x\":1,\"_a\":{\"a\":2},\"a\\u0000\":3,\"b\\u0000x\":4}");
	assert_field("a", "-");
	assert_field("b", "-");
	if (sigma_view_find(view, "_x") >= 0)
		assert_field("_x", "-");
	assert_values(&rec.all, "3,4");

	/* Longer than any name, and what is below it. */
	static char line[3 * SIGMA_JSON_NAME_MAX];
	char name[SIGMA_JSON_NAME_MAX + 2];
	for (size_t n = SIGMA_JSON_NAME_MAX - 2; n <= SIGMA_JSON_NAME_MAX + 1; n++) {
		memset(name, 'n', n);
		name[n] = '\0';
		snprintf(line, sizeof(line), "{\"%s\":{\"a\":{\"b\":1}},\"a\":2}", name);
		record(line);
		assert_field("a", "2");
		assert_field("a.b", "-");
		assert_values(&rec.all, "1,2");
	}
}

static void wide_and_deep(void **state)
{
	(void)state;
	size_t n = 200000;
	char *line = malloc(2 * n + 64), *p = line;

	assert_non_null(line);
	p += sprintf(p, "{\"b\":1,\"a\":[");
	for (size_t i = 0; i < n; i++)
		p += sprintf(p, "%s2", i ? "," : "");
	sprintf(p, "],\"c\":3}");
	record(line);
	assert_int_equal(rec.field[sigma_view_find(view, "a")].n, n);
	assert_field("b", "1");
	assert_field("c", "3");

	p = line;
	for (unsigned i = 0; i < JN_DEPTH_MAX; i++)
		p += sprintf(p, "{\"a\":");
	p += sprintf(p, "1");
	for (unsigned i = 0; i < JN_DEPTH_MAX; i++)
		*p++ = '}';
	*p = '\0';
	record(line);
	assert_field("a", "-");
	assert_values(&rec.all, "1");
	free(line);
}

static void objects_only(void **state)
{
	(void)state;
	static const char *const bad[] = { "[]", "1", "null", "\"x\"", "[{}]", "", "{", "{} {}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_line(bad[i]), -EBADMSG);
	record("{\"a\":1}");
	assert_field("a", "1");
}

static void assert_logsource(const char *value, const char *product, const char *category,
			     const char *service)
{
	struct sigma_logsource ls;
	char line[256];

	snprintf(line, sizeof(line), "{\"_logsource\":%s}", value);
	assert_int_equal(read_line(line), 0);
	assert_int_equal(sigma_json_logsource(json, &ls, &e), 1);
	assert_string_equal(ls.product ? ls.product : "-", product);
	assert_string_equal(ls.category ? ls.category : "-", category);
	assert_string_equal(ls.service ? ls.service : "-", service);
}

static void logsources(void **state)
{
	(void)state;
	struct sigma_logsource ls;

	assert_logsource("{\"product\":\"p\",\"category\":\"c\",\"service\":\"s\"}", "p", "c", "s");
	assert_logsource("{\"product\":\"p\",\"category\":null,\"definition\":{\"x\":1}}", "p", "-",
			 "-");
	assert_logsource("{\"service\":\"s\",\"product\":\"\"}", "linux", "-", "s");
	assert_logsource("\"p/c\"", "p", "c", "c");
	assert_logsource("\"p/c/s\"", "p", "c", "s");
	assert_logsource("\"p//s\"", "p", "-", "s");
	assert_logsource("\"p/c/\"", "p", "c", "-");
	assert_logsource("\"p\"", "p", "-", "-");
	assert_logsource("\"/c\"", "linux", "c", "c");

	static const char *const none[] = { "{}", "{\"_logsource\":null}",
					    "{\"a\":{\"_logsource\":1}}" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(read_line(none[i]), 0);
		assert_int_equal(sigma_json_logsource(json, &ls, &e), 0);
	}
	static const char *const bad[] = { "{\"_logsource\":1}", "{\"_logsource\":[]}",
					   "{\"_logsource\":\"a/b/c/d\"}",
					   "{\"_logsource\":{\"product\":1}}",
					   "{\"_logsource\":{\"product\":[\"linux\"]}}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_line(bad[i]), 0);
		assert_int_equal(sigma_json_logsource(json, &ls, &e), -EBADMSG);
	}
}

static void times(void **state)
{
	(void)state;
	uint64_t t;

	assert_int_equal(read_line("{\"_time\":\"1970-01-01T00:00:01Z\"}"), 0);
	assert_int_equal(sigma_json_time(json, &t, &e), 0);
	assert_int_equal(t, 1000000000);
	assert_int_equal(read_line("{\"time\":1}"), 0);
	assert_int_equal(sigma_json_time(json, &t, &e), 0);
	assert_int_equal(t, 0);
	assert_int_equal(read_line("{\"_time\":[1]}"), 0);
	assert_int_equal(sigma_json_time(json, &t, &e), -EBADMSG);
	assert_int_equal(read_line("{\"_time\":\"soon\"}"), 0);
	assert_int_equal(sigma_json_time(json, &t, &e), -EBADMSG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),	 cmocka_unit_test(nested),
		cmocka_unit_test(arrays),	 cmocka_unit_test(nulls),
		cmocka_unit_test(duplicates),	 cmocka_unit_test(names),
		cmocka_unit_test(wide_and_deep), cmocka_unit_test(objects_only),
		cmocka_unit_test(logsources),	 cmocka_unit_test(times),
	};
	return cmocka_run_group_tests_name("sigma_json_record", tests, setup, teardown);
}
