/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as RFC 8259 has it, and what is taken beyond it. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sigma/json_nodes.h"

static struct jn parsed;

/* From an allocation of exactly this size, so that a sanitizer sees what is read behind it. */
static int parse_n(const char *p, size_t len)
{
	char *copy = malloc(len ? len : 1);
	struct err e = { "" };

	assert_non_null(copy);
	memcpy(copy, p, len);
	int rc = jn_parse(&parsed, copy, len, &e);
	free(copy);
	if (rc)
		assert_string_not_equal(e.text, "");
	return rc;
}

#define PARSE(s_) parse_n(s_, sizeof(s_) - 1)

static const struct sigma_scalar *scalar(size_t i)
{
	assert_true(i < parsed.n);
	assert_int_equal(parsed.node[i].kind, JN_scalar);
	return &parsed.node[i].scalar;
}

static void assert_text(size_t i, const char *want, size_t len)
{
	const struct sigma_scalar *s = scalar(i);

	assert_int_equal(s->len, len);
	assert_memory_equal(s->text, want, len);
}

#define TEXT(i_, s_) assert_text(i_, s_, sizeof(s_) - 1)

static void scalars(void **state)
{
	(void)state;
	assert_int_equal(PARSE(" [null, true,false ,\"x\",\t\"\"]\r\n"), 0);
	assert_int_equal(parsed.n, 6);
	assert_int_equal(parsed.node[0].kind, JN_array);
	assert_int_equal(scalar(1)->type, SIGMA_null);
	assert_int_equal(scalar(2)->type, SIGMA_bool);
	assert_int_equal(scalar(2)->i, 1);
	TEXT(2, "true");
	assert_int_equal(scalar(3)->i, 0);
	TEXT(3, "false");
	assert_int_equal(scalar(4)->type, SIGMA_str);
	TEXT(4, "x");
	TEXT(5, "");
}

static void numbers_keep_their_digits(void **state)
{
	(void)state;
	assert_int_equal(PARSE("[0,-0,42,-9223372036854775808,9223372036854775807,"
			       "9223372036854775808,1.50,1e3,-2.5E-1,1e999,1E+2]"),
			 0);
	assert_int_equal(scalar(1)->type, SIGMA_int);
	TEXT(2, "-0");
	assert_int_equal(scalar(3)->i, 42);
	assert_true(scalar(3)->f == 42.0);
	assert_true(scalar(4)->i == INT64_MIN);
	assert_true(scalar(5)->i == INT64_MAX);
	assert_int_equal(scalar(6)->type, SIGMA_float);
	TEXT(6, "9223372036854775808");
	assert_true(scalar(6)->f == 9223372036854775808.0);
	assert_int_equal(scalar(7)->type, SIGMA_float);
	TEXT(7, "1.50");
	assert_true(scalar(7)->f == 1.5);
	assert_true(scalar(8)->f == 1000.0);
	assert_true(scalar(9)->f == -0.25);
	TEXT(10, "1e999");
	assert_true(isinf(scalar(10)->f));
	assert_true(scalar(11)->f == 100.0);
}

static void escapes(void **state)
{
	(void)state;
	assert_int_equal(PARSE("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"a\\u0000b\",\"\\u00fc\\u20AC\","
			       "\"\\ud83d\\ude00\",\"\\ud83d\",\"\\ud83dx\",\"\\ude00\","
			       "\"\\ud83d\\u0041\"]"),
			 0);
	TEXT(1, "\"\\/\b\f\n\r\t");
	TEXT(2, "a\0b");
	TEXT(3, "\xc3\xbc\xe2\x82\xac");
	TEXT(4, "\xf0\x9f\x98\x80");
	TEXT(5, "\xef\xbf\xbd");
	TEXT(6, "\xef\xbf\xbdx");
	TEXT(7, "\xef\xbf\xbd");
	TEXT(8, "\xef\xbf\xbd"
		"A");
}

static void bytes_are_kept(void **state)
{
	(void)state;
	assert_int_equal(PARSE("[\"\xff\xfe\x80\",\"a\tb\",\"a\0b\",\"\xed\xa0\x80\"]"), 0);
	TEXT(1, "\xff\xfe\x80");
	TEXT(2, "a\tb");
	TEXT(3, "a\0b");
	TEXT(4, "\xed\xa0\x80");
}

static void members(void **state)
{
	(void)state;
	assert_int_equal(
		PARSE("{\"a\":1,\"b\":{\"c\":[2,{\"d\":3}],\"\":4},\"a\":5,\"x\\u0000y\":6}"), 0);
	static const struct {
		const char *key;
		size_t keylen;
		unsigned depth;
		enum jn_kind kind;
		int64_t value;
	} want[] = {
		{ NULL, 0, 0, JN_object, 0 }, { "a", 1, 1, JN_scalar, 1 },
		{ "b", 1, 1, JN_object, 0 },  { "c", 1, 2, JN_array, 0 },
		{ NULL, 0, 3, JN_scalar, 2 }, { NULL, 0, 3, JN_object, 0 },
		{ "d", 1, 4, JN_scalar, 3 },  { "", 0, 2, JN_scalar, 4 },
		{ "a", 1, 1, JN_scalar, 5 },  { "x\0y", 3, 1, JN_scalar, 6 },
	};
	assert_int_equal(parsed.n, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < parsed.n; i++) {
		assert_int_equal(parsed.node[i].kind, want[i].kind);
		assert_int_equal(parsed.node[i].depth, want[i].depth);
		assert_int_equal(parsed.node[i].keylen, want[i].keylen);
		assert_true(!parsed.node[i].key == !want[i].key);
		if (want[i].key)
			assert_memory_equal(parsed.node[i].key, want[i].key, want[i].keylen + 1);
		if (want[i].kind == JN_scalar)
			assert_true(scalar(i)->i == want[i].value);
	}
	assert_int_equal(PARSE("{}"), 0);
	assert_int_equal(parsed.n, 1);
	assert_int_equal(PARSE("[ ]"), 0);
	assert_int_equal(parsed.n, 1);
}

static void what_is_not_json(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"[",
		"[1",
		"[1,]",
		"[,1]",
		"{,}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{a:1}",
		"{'a':1}",
		"{1:1}",
		"[1 2]",
		"[1}",
		"{\"a\":1]",
		"nul",
		"nulll",
		"True",
		"NaN",
		"Infinity",
		"-",
		"+1",
		"01",
		"-01",
		"1.",
		".5",
		"1e",
		"1e+",
		"0x10",
		"1 1",
		"\"",
		"\"a",
		"\"\\",
		"\"\\x41\"",
		"\"\\u12\"",
		"\"\\u12g4\"",
		"\"\\u",
		"\"\\ud83d\\u",
		"[] x",
		"{\"a\" 1}",
		"/**/1",
		"{\"a\":1}}",
		"[\"a\":1]",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse_n(bad[i], strlen(bad[i])) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
}

static void every_beginning_of_a_text(void **state)
{
	(void)state;
	static const char text[] =
		"{\"a\":[1.5e+3,true,null,\"\\u00e4\\ud83d\\ude00\\n\"],\"b\":{}}";
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(parse_n(text, i), -EBADMSG);
	assert_int_equal(PARSE(text), 0);
}

static void bounds(void **state)
{
	(void)state;
	size_t n = 2 * (JN_NODES_MAX + 1) + 2;
	char *text = malloc(n);

	assert_non_null(text);
	memset(text, '[', JN_DEPTH_MAX);
	memset(text + JN_DEPTH_MAX, ']', JN_DEPTH_MAX);
	assert_int_equal(parse_n(text, 2 * JN_DEPTH_MAX), 0);
	memset(text, '[', n);
	assert_int_equal(parse_n(text, n), -EBADMSG);

	/* The array and its elements. */
	for (size_t i = 0; i < n; i += 2)
		memcpy(text + i, ",1", 2);
	text[0] = '[';
	text[2 * (JN_NODES_MAX - 1)] = ']';
	assert_int_equal(parse_n(text, 2 * (JN_NODES_MAX - 1) + 1), 0);
	assert_int_equal(parsed.n, JN_NODES_MAX);
	text[2 * (JN_NODES_MAX - 1)] = ',';
	text[2 * JN_NODES_MAX] = ']';
	assert_int_equal(parse_n(text, 2 * JN_NODES_MAX + 1), -EBADMSG);

	/* Long strings and numbers, with nothing behind them. */
	memset(text, '7', n);
	assert_int_equal(parse_n(text, n), 0);
	assert_int_equal(scalar(0)->len, n);
	text[0] = text[n - 1] = '"';
	assert_int_equal(parse_n(text, n), 0);
	assert_int_equal(scalar(0)->len, n - 2);
	free(text);
}

static int teardown(void **state)
{
	(void)state;
	jn_free(&parsed);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars),
		cmocka_unit_test(numbers_keep_their_digits),
		cmocka_unit_test(escapes),
		cmocka_unit_test(bytes_are_kept),
		cmocka_unit_test(members),
		cmocka_unit_test(what_is_not_json),
		cmocka_unit_test(every_beginning_of_a_text),
		cmocka_unit_test(bounds),
	};
	return cmocka_run_group_tests_name("sigma_json_nodes", tests, NULL, teardown);
}
