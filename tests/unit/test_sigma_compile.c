/* SPDX-License-Identifier: Apache-2.0 */
/* Modifiers, one by one and in chains (spec, appendix sigma-modifiers), and what must be refused.
 */
#include "sigma_hand.h"

/* Several values of the rule against one of the event. */
static int list(const char *key, struct sigma_scalar a, struct sigma_scalar b,
		struct sigma_scalar ev)
{
	const struct sigma_scalar both[] = { a, b };
	struct hand_field f = { .name = "f", .n = 1, .v = { ev } };
	return hand_match(key, 2, both, &f, 1, NULL);
}

static int absent(const char *key, struct sigma_scalar rule)
{
	struct hand_field f = { .name = "other", .n = 1, .v = { S("x") } };
	return hand_match(key, 1, &rule, &f, 1, NULL);
}

static void lists_are_or_and_all_is_and(void **state)
{
	(void)state;
	assert_int_equal(list("f", S("a"), S("b"), S("b")), 1);
	assert_int_equal(list("f", S("a"), S("b"), S("c")), 0);
	assert_int_equal(list("f|contains|all", S("a"), S("b"), S("xbxa")), 1);
	assert_int_equal(list("f|contains|all", S("a"), S("b"), S("xbx")), 0);
	assert_int_equal(list("f|all|contains", S("a"), S("b"), S("ab")), 1);
	assert_int_equal(list("f|all|contains", S("a"), S("b"), S("a")), 0);
	yes("f|contains|all", S("a"), S("cab"));
	no("f|contains|all", S("a"), S("b"));
	assert_int_equal(list("f", S("a"), null(), null()), 1);
	assert_int_equal(list("f|all", S("*a*"), S("*b*"), S("ab")), 1);
	assert_int_equal(list("f|re|all", S("a+"), S("b$"), S("aab")), 1);
	assert_int_equal(list("f|re|all", S("a+"), S("b$"), S("aa")), 0);
}

static void numbers_and_text(void **state)
{
	(void)state;
	yes("f", I("4444", 4444), S("4444"));
	yes("f", I("4444", 4444), I("4444", 4444));
	yes("f", S("4444"), I("4444", 4444));
	no("f", I("4444", 4444), S("44445"));
	no("f", I("4444", 4444), S("04444"));
	yes("f", I("5", 5), F("5.0", 5));
	no("f", S("5"), F("5.0", 5));
	yes("f", S("5.0"), F("5.0", 5));
	yes("f", F("1.50", 1.5), F("1.5", 1.5));
	yes("f", F("5.0", 5), I("5", 5));
	yes("f", I("0x17", 0x17), S("0x17"));
	yes("f", I("0x17", 0x17), I("23", 23));
	no("f", I("5", 5), B(true));
	yes("f", S("44*"), I("4444", 4444));
	yes("f|endswith", S("44"), I("4444", 4444));
	yes("f", I("9223372036854775807", INT64_MAX), S("9223372036854775807"));
	no("f", I("9223372036854775807", INT64_MAX), S("9223372036854775806"));
	no("f", I("0", 0), S(""));
	no("f", I("0", 0), null());
}

static void truth_and_text(void **state)
{
	(void)state;
	yes("f", B(true), B(true));
	no("f", B(true), B(false));
	yes("f", S("true"), B(true));
	yes("f", S("TRUE"), B(true));
	yes("f", B(false), S("False"));
	no("f", B(true), I("1", 1));
}

static void comparisons(void **state)
{
	(void)state;
	yes("f|gt", I("5", 5), I("6", 6));
	no("f|gt", I("5", 5), I("5", 5));
	yes("f|gte", I("5", 5), I("5", 5));
	yes("f|lt", I("5", 5), S("4.99"));
	yes("f|lt", I("5", 5), S("-1e3"));
	no("f|lt", I("5", 5), S("four"));
	no("f|lt", I("5", 5), S(""));
	no("f|lt", I("5", 5), S(" 4"));
	no("f|lt", I("5", 5), S("4x"));
	no("f|lt", I("5", 5), S("0x4"));
	no("f|gt", I("5", 5), S("inf"));
	no("f|lt", I("5", 5), null());
	no("f|lt", I("5", 5), B(false));
	yes("f|lte", F("2.5", 2.5), F("2.5", 2.5));
	yes("f|gt", I("9223372036854775806", INT64_MAX - 1), I("9223372036854775807", INT64_MAX));
	yes("f|gt", I("9223372036854775806", INT64_MAX - 1), S("9223372036854775807"));
	no("f|gt", I("9223372036854775807", INT64_MAX), S("9223372036854775807"));
	yes("f|gt", I("9223372036854775807", INT64_MAX), S("18446744073709551615"));
	assert_int_equal(list("f|gt", I("5", 5), I("10", 10), I("7", 7)), 1);
	assert_int_equal(list("f|gt|all", I("5", 5), I("10", 10), I("7", 7)), 0);
	assert_int_equal(absent("f|lt", I("5", 5)), 0);
}

static void existence_and_negation(void **state)
{
	(void)state;
	yes("f|exists", B(true), S(""));
	yes("f|exists", B(true), null());
	no("f|exists", B(false), null());
	assert_int_equal(absent("f|exists", B(true)), 0);
	assert_int_equal(absent("f|exists", B(false)), 1);
	yes("f|neq", S("a"), S("b"));
	no("f|neq", S("a"), S("A"));
	yes("f|neq", I("5", 5), I("6", 6));
	no("f|neq", I("5", 5), S("5"));
	yes("f|contains|neq", S("a"), S("b"));
	assert_int_equal(list("f|neq", S("a"), S("b"), S("b")), 0);
	assert_int_equal(list("f|neq", S("a"), S("b"), S("c")), 1);
	assert_int_equal(absent("f|neq", S("a")), 1);
}

static void windash(void **state)
{
	(void)state;
	yes("f|windash|contains", S(" -enc"), S("x -enc y"));
	yes("f|windash|contains", S(" -enc"), S("x /enc y"));
	yes("f|windash|contains", S(" /enc"), S("x -ENC y"));
	yes("f|contains|windash", S(" -enc"), S("x \u2013enc y"));
	yes("f|windash|contains", S(" -enc"), S("x \u2014enc y"));
	yes("f|windash|contains", S(" -enc"), S("x \u2015enc y"));
	no("f|windash|contains", S(" -enc"), S("x +enc y"));
	no("f|windash|contains", S(" -enc"), S("x enc y"));
	/* Inside a word it is a hyphen. */
	yes("f|windash", S("-param-name"), S("/param-name"));
	no("f|windash", S("-param-name"), S("/param/name"));
	yes("f|windash", S("a -b -c -d -e"), S("a /b -c \u2015d /e"));
	yes("f|windash|contains", S("*-foo"), S("/foo"));
	yes("f|windash|endswith", S(" -"), S("x -"));
	no("f|windash|endswith", S(" -"), S("x /"));
	yes("f|windash|startswith", S("–é"), S("-É"));
	yes("f|windash|base64", S("-a"), S("L2E="));
	yes("f|windash|cased", S("-A"), S("/A"));
	no("f|windash|cased", S("-A"), S("/a"));
}

static void encodings(void **state)
{
	(void)state;
	yes("f|base64", S("foobar"), S("Zm9vYmFy"));
	yes("f|base64", S("foob"), S("Zm9vYg=="));
	yes("f|base64|contains", S("/bin/bash"), S("echo L2Jpbi9iYXNo | base64 -d"));
	yes("f|base64", S("a\\*"), S("YSo="));
	yes("f|base64offset|contains", S("foobar"), S("xZm9vYmFy"));
	yes("f|base64offset|contains", S("foobar"), S("eGZvb2Jhcg==")); /* xfoobar */
	yes("f|base64offset|contains", S("foobar"), S("eHhmb29iYXI=")); /* xxfoobar */
	yes("f|base64offset|contains", S("foobar"), S("eHhmb29iYXJ6")); /* xxfoobarz */
	no("f|base64offset|contains", S("foobar"), S("eHhmb29iYg==")); /* xxfoobb */
	yes("f|base64offset|contains", S("foo"), S("eHhmb29iYXI="));
	yes("f|wide|base64offset|contains", S("ping"), S("eABwAGkAbgBnAA==")); /* x ping, wide */
	yes("f|utf16le|base64offset|contains", S("ping"), S("cABpAG4AZwA="));
	yes("f|utf16be|base64offset|contains", S("ping"), S("AHAAaQBuAGc="));
	yes("f|utf16|base64", S("ping"), S("//5wAGkAbgBnAA=="));
	yes("f|wide|base64", S("é"), S("6QA="));
	yes("f|wide|base64", S("\U0001F600"), S("PdgA3g=="));
	yes("f|wide|contains", S("c*d"), hand_bytes("xc\0mmd\0y", 9));
	yes("f|wide", S("ab"), hand_bytes("A\0B\0", 4));
	yes("f|utf16be", S("ab"), hand_bytes("\0a\0b", 4));
	yes("f|utf16", S("ab"),
	    hand_bytes("\xff\xfe"
		       "a\0b\0",
		       6));
	yes("f|base64|base64", S("foobar"), S("Wm05dlltRnk="));
}

static void references(void **state)
{
	(void)state;
	struct hand_field f[] = {
		{ .name = "f", .n = 1, .v = { S("/bin/Bash") } },
		{ .name = "g", .n = 1, .v = { S("/BIN/bash") } },
		{ .name = "h", .n = 1, .v = { S("bash") } },
		{ .name = "n", .n = 1, .v = { I("5", 5) } },
		{ .name = "m", .n = 1, .v = { F("5.0", 5) } },
		{ .name = "z", .n = 1, .v = { null() } },
		{ .name = "two", .n = 2, .v = { S("no"), S("BASH") } },
	};
	struct sigma_scalar g = S("g"), h = S("h"), m = S("m"), none = S("none"), z = S("z"),
			    two = S("two");

	assert_int_equal(hand_match("f|fieldref", 1, &g, f, 7, NULL), 1);
	assert_int_equal(hand_match("f|fieldref", 1, &h, f, 7, NULL), 0);
	assert_int_equal(hand_match("f|fieldref|cased", 1, &g, f, 7, NULL), 0);
	assert_int_equal(hand_match("f|cased|fieldref", 1, &g, f, 7, NULL), 0);
	assert_int_equal(hand_match("f|fieldref|endswith", 1, &h, f, 7, NULL), 1);
	assert_int_equal(hand_match("f|fieldref|contains", 1, &h, f, 7, NULL), 1);
	assert_int_equal(hand_match("f|fieldref|startswith", 1, &h, f, 7, NULL), 0);
	assert_int_equal(hand_match("f|fieldref|endswith", 1, &two, f, 7, NULL), 1);
	assert_int_equal(hand_match("two|fieldref", 1, &h, f, 7, NULL), 1);
	assert_int_equal(hand_match("n|fieldref", 1, &m, f, 7, NULL), 1);
	assert_int_equal(hand_match("f|fieldref", 1, &none, f, 7, NULL), 0);
	assert_int_equal(hand_match("f|fieldref|neq", 1, &h, f, 7, NULL), 1);
	assert_int_equal(hand_match("z|fieldref", 1, &z, f, 7, NULL), 0);
	bad("f|fieldref", S("g*"));
	bad("f|fieldref", I("1", 1));
	bad("|fieldref", S("g"));
	bad("f|contains|fieldref", S("g"));
}

static void parts_of_times(void **state)
{
	(void)state;
	const struct sigma_scalar t = S("2024-12-30T23:05:09.123+05:30");

	yes("f|minute", I("5", 5), t);
	yes("f|hour", I("23", 23), t);
	yes("f|day", I("30", 30), t);
	yes("f|week", I("1", 1), t); /* ISO 8601: the first week of 2025 */
	yes("f|month", I("12", 12), t);
	yes("f|year", I("2024", 2024), t);
	yes("f|hour|gte", I("22", 22), t);
	no("f|hour|lt", I("23", 23), t);
	no("f|hour", I("22", 22), t);
	yes("f|hour", I("7", 7), S("2024-05-01 07:00"));
	yes("f|hour", I("7", 7), S("20240501T070000Z"));
	yes("f|day", I("1", 1), S("2024-05-01"));
	no("f|hour|gte", I("0", 0), S("2024-05-01"));
	no("f|day|gte", I("1", 1), S("2024-02-30"));
	no("f|day|gte", I("1", 1), S("2023-02-29T00:00:00Z"));
	yes("f|day", I("29", 29), S("2024-02-29T00:00:00Z"));
	no("f|hour|gte", I("0", 0), S("2024-05-01T25:00:00Z"));
	no("f|hour|gte", I("0", 0), S("2024-05-01T07:00:00Zulu"));
	no("f|hour|gte", I("0", 0), S("yesterday"));
	/* 2024-05-01T07:08:09Z in four units */
	yes("f|minute", I("8", 8), I("1714547289", 1714547289));
	yes("f|minute", I("8", 8), S("1714547289.5"));
	yes("f|minute", I("8", 8), I("1714547289000", 1714547289000));
	yes("f|minute", I("8", 8), I("1714547289000000", 1714547289000000));
	yes("f|minute", I("8", 8), I("1714547289000000000", 1714547289000000000));
	assert_int_equal(list("f|hour", I("1", 1), I("23", 23), t), 1);
	bad("f|hour", I("24", 24));
	bad("f|month", I("0", 0));
	bad("f|hour", S("7"));
	bad("f|hour", F("7.5", 7.5));
	bad("f|gte|hour", I("7", 7));
}

static int expand(const char *key, const char *rule, const char *event)
{
	const char *admins[] = { "root", "adm?n*", "a.b" };
	const char *hosts[] = { "h1", "h2" };
	const struct sigma_placeholder p[] = {
		{ "Administrators", { 3, admins } },
		{ "hosts", { 2, hosts } },
		{ "empty", { 0, NULL } },
	};
	const struct sigma_compile_options o = { .nplaceholders = 3, .placeholder = p };
	struct hand_field f = { .name = "f", .n = 1, .v = { S(event) } };
	struct sigma_scalar value = S(rule);
	struct sigma_rules *r = hand_rules();
	const struct sigma_expr *e = hand_leaf(r, key, 1, &value);
	const struct sigma_match *m;
	struct hand_event ev;
	struct sigma_view *v = NULL;
	int result = sigma_compile_expr(r, e, &o);

	if (!result) {
		assert_int_equal(sigma_view_new_expr(r, e, &v), 0);
		result = (int)sigma_view_eval(v, hand_record(v, &ev, &f, 1), &m);
	} else {
		assert_int_equal(result, -EINVAL);
		assert_non_null(strstr(r->problems.problem[0].text, "%"));
	}
	sigma_view_free(v);
	sigma_rules_free(r);
	return result;
}

static void placeholders(void **state)
{
	(void)state;
	assert_int_equal(expand("f|expand", "%Administrators%", "ROOT"), 1);
	assert_int_equal(expand("f|expand", "%Administrators%", "Administrator"), 1);
	assert_int_equal(expand("f|expand", "%Administrators%", "user"), 0);
	assert_int_equal(expand("f|expand", "%Administrators%", "%Administrators%"), 0);
	assert_int_equal(expand("f", "%Administrators%", "%Administrators%"), 1);
	assert_int_equal(expand("f|expand", "%Administrators%@%hosts%", "root@h2"), 1);
	assert_int_equal(expand("f|expand", "%Administrators%@%hosts%", "root@h3"), 0);
	assert_int_equal(expand("f|expand|contains", "u=%hosts%;", "xu=h1;y"), 1);
	assert_int_equal(expand("f|expand", "\\%plain%hosts%", "%plainh1"), 1);
	assert_int_equal(expand("f|expand", "100%", "100%"), 1);
	assert_int_equal(expand("f|expand", "\\%hosts\\%", "%hosts%"), 1);
	assert_int_equal(expand("f|expand|base64", "%hosts%", "aDI="), 1);
	assert_int_equal(expand("f|re|expand", "^%Administrators%$", "a.b"), 1);
	assert_int_equal(expand("f|re|expand", "^%Administrators%$", "axb"), 0);
	assert_int_equal(expand("f|expand", "%nobody%", "x"), -EINVAL);
	assert_int_equal(expand("f|expand", "%empty%", "x"), -EINVAL);
}

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	bad("f|contains", I("443", 443));
	bad("f|contains", null());
	bad("f|startswith", B(true));
	bad("f|cased", I("1", 1));
	bad("f|gt", S("5"));
	bad("f|gt", B(true));
	bad("f|gt", null());
	bad("f|gt|lt", I("5", 5));
	bad("f|contains|gt", I("5", 5));
	bad("f|i", S("x"));
	bad("f|contains|m", S("x"));
	bad("f|re", I("5", 5));
	bad("f|contains|re", S("x"));
	bad("f|re|cased", S("x"));
	bad("f|re|re", S("x"));
	bad("f|re|windash", S("x"));
	bad("f|re", S("a("));
	bad("f|re", S("[z-a]"));
	bad("f|cidr", I("10", 10));
	bad("f|cidr", S("10.0.0.0/33"));
	bad("f|cidr|contains", S("10.0.0.0/8"));
	bad("f|contains|cidr", S("10.0.0.0/8"));
	bad("f|exists", S("true"));
	bad("f|exists", I("1", 1));
	bad("f|contains|exists", B(true));
	bad("|exists", B(true));
	bad("f|base64", S("a*"));
	bad("f|contains|base64", S("a"));
	bad("f|base64offset", S("a?"));
	bad("f|base64offset|contains", S("a"));
	bad("f|base64", S(""));
	bad("f|base64", I("5", 5));
	bad("f|wide", S("é"));
	bad("f|wide", I("5", 5));
	bad("f|windash", null());
	bad("f|expand", S("%unknown%"));
	bad("f|windash|base64", S("-a -b -c -d -e -f -g -h -i"));
	bad("", null());
	bad("|gt", I("5", 5));
}

static void each_wrong_value_is_told(void **state)
{
	(void)state;
	struct sigma_rules *r = hand_rules();
	const struct sigma_scalar v[] = { S("ok"), I("5", 5), S("fine"), null() };
	const struct sigma_expr *e = hand_leaf(r, "f|contains", 4, v);

	assert_int_equal(sigma_compile_expr(r, e, NULL), -EINVAL);
	assert_int_equal(r->problems.errors, 2);
	assert_int_equal(r->problems.problem[0].pos.line, 3);
	assert_int_equal(r->problems.problem[1].pos.line, 5);
	/* Shared by another rule it is still wrong, but not told again. */
	assert_int_equal(sigma_compile_expr(r, e, NULL), -EINVAL);
	assert_int_equal(r->problems.errors, 2);
	sigma_rules_free(r);
}

static void tests_can_be_told(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		struct sigma_scalar value;
		const char *text;
	} all[] = {
		{ "f|contains",
		  { .type = SIGMA_str, .text = "Ab", .len = 2 },
		  "f contains 'ab' (folded)" },
		{ "f|cased",
		  { .type = SIGMA_str, .text = "A*b", .len = 3 },
		  "f is like 'A*b' (cased)" },
		{ "f|gte|neq",
		  { .type = SIGMA_int, .text = "5", .len = 1, .i = 5 },
		  "f not: >= 5" },
		{ "|re|i",
		  { .type = SIGMA_str, .text = "a+", .len = 2 },
		  "any field matches /a+/i" },
		{ "f|fieldref|endswith",
		  { .type = SIGMA_str, .text = "g", .len = 1 },
		  "f ends with field g" },
		{ "f", { .type = SIGMA_null, .text = "" }, "f is null or absent" },
		{ "f|hour|lt", { .type = SIGMA_int, .text = "6", .len = 1, .i = 6 }, "f hour < 6" },
	};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct sigma_rules *r = hand_rules();
		const struct sigma_expr *e = hand_leaf(r, all[i].key, 1, &all[i].value);
		struct buf out = { 0 };
		assert_int_equal(sigma_compile_expr(r, e, NULL), 0);
		sigma_test_describe(e->item, &out);
		assert_string_equal(buf_str(&out), all[i].text);
		buf_free(&out);
		sigma_rules_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_or_and_all_is_and),
		cmocka_unit_test(numbers_and_text),
		cmocka_unit_test(truth_and_text),
		cmocka_unit_test(comparisons),
		cmocka_unit_test(existence_and_negation),
		cmocka_unit_test(windash),
		cmocka_unit_test(encodings),
		cmocka_unit_test(references),
		cmocka_unit_test(parts_of_times),
		cmocka_unit_test(placeholders),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(each_wrong_value_is_told),
		cmocka_unit_test(tests_can_be_told),
	};
	return cmocka_run_group_tests_name("sigma_compile", tests, NULL, NULL);
}
