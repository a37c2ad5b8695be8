/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as rules use it: types (YAML 1.2.2, 10.3.2), positions, documents, and hostile files. */
#include "sigma_text.h"

static void type_is(const char *value, const char *want)
{
	char text[512], expr[512];

	snprintf(text, sizeof(text), "  a: {f: %s}\n  condition: a\n", value);
	snprintf(expr, sizeof(expr), "a:f[%s]", want);
	assert_detection(text, expr);
}

static void plain_scalars(void **state)
{
	(void)state;
	type_is("null", "null~");
	type_is("~", "~~");
	type_is("Null", "Null~");
	type_is("", "~");
	type_is("true", "true!");
	type_is("FALSE", "FALSE!");
	/* YAML 1.1's other booleans are words. */
	type_is("yes", "yes");
	type_is("off", "off");
	type_is("tRue", "tRue");
	type_is("0", "0#");
	type_is("-17", "-17#");
	type_is("+3", "+3#");
	/* As written. */
	type_is("04", "04");
	type_is("0x40810000", "0x40810000#");
	type_is("0o17", "0o17#");
	type_is("0b1", "0b1");
	type_is("0o8", "0o8");
	type_is("0xg", "0xg");
	type_is("1_000", "1_000");
	type_is("1.10", "1.10%");
	type_is(".5", ".5%");
	type_is("1.", "1.%");
	type_is("-1e3", "-1e3%");
	type_is("1e", "1e");
	type_is(".", ".");
}

static void words(void **state)
{
	(void)state;
	type_is("1.2.3.4", "1.2.3.4");
	type_is("12:30:45", "12:30:45");
	type_is("2023-06-16", "2023-06-16");
	type_is(".nan", ".nan");
	type_is(".inf", ".inf");
	type_is("99999999999999999999", "99999999999999999999%");
	/* Quoted and tagged. */
	type_is("'1'", "1");
	type_is("\"true\"", "true");
	type_is("''", "");
	type_is("'it''s'", "it's");
	type_is("\"a\\tb\"", "a\tb");
	type_is("'a\\b'", "a\\b");
	type_is("!!str 12", "12");
	type_is("! 12", "12");
	type_is("!!int 12", "12#");
}

static const struct sigma_scalar *value_of(const struct sigma_rules *r)
{
	assert_no_problems(r);
	return &r->rule[0]->expr->item->value[0].scalar;
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		enum sigma_type type;
		int64_t i;
		double f;
	} want[] = {
		{ "04", SIGMA_str, 0, 0 },
		{ "0x40810000", SIGMA_int, 0x40810000, 0x40810000 },
		{ "0o17", SIGMA_int, 15, 15 },
		{ "-9223372036854775808", SIGMA_int, INT64_MIN, -0x1p63 },
		{ "9223372036854775808", SIGMA_float, 0, 0x1p63 },
		{ "1.5e3", SIGMA_float, 0, 1500 },
		{ "TRUE", SIGMA_bool, 1, 0 },
		{ "false", SIGMA_bool, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		char text[256];
		snprintf(text, sizeof(text), HEAD "detection: {a: {f: %s}, condition: a}",
			 want[i].text);
		struct sigma_rules *r = sigma_of(text);
		const struct sigma_scalar *s = value_of(r);
		assert_int_equal(s->type, want[i].type);
		assert_true(s->i == want[i].i);
		assert_true(s->f == want[i].f);
		assert_string_equal(s->text, want[i].text);
		sigma_rules_free(r);
	}
}

static void blocks(void **state)
{
	(void)state;
	assert_detection("  a:\n    f: |\n      x\n      y\n    g: >-\n      x\n      y # z\n"
			 "    h: z # comment\n  condition: a\n",
			 "a:and(f[x\ny\n], g[x y # z], h[z])");
	assert_detection("  a:\n    f: [x, 'y', 3]\n    g:\n    - p\n    - q\n  condition: a\n",
			 "a:and(f[x,y,3#], g[p,q])");
	/* CR LF, a byte order mark. */
	struct sigma_rules *r = sigma_of("\xEF\xBB\xBFtitle: t\r\nlogsource:\r\n  product: p\r\n"
					 "detection:\r\n  a:\r\n  - x\r\n  condition: a\r\n");
	assert_no_problems(r);
	assert_expr(r->rule[0]->expr, "a:[x]");
	sigma_rules_free(r);
}

static void anchors(void **state)
{
	(void)state;
	assert_detection("  a: &x {f: 1, g: &l [p, q]}\n  b: *x\n  c: {f: *l}\n"
			 "  condition: all of them\n",
			 "and(a:and(f[1#], g[p,q]), b:and(f[1#], g[p,q]), c:f[p,q])");
	/* https://yaml.org/type/merge.html: what is there already stays, the first of a list wins.
	 */
	assert_detection(
		"  a: &x {f: 1, g: 2}\n  b: &y {f: 3, h: 4}\n  c: {<<: *x, g: 5}\n"
		"  d: {<<: [*x, *y]}\n  condition: c and d and 1 of a* and 1 of b*\n",
		"and(c:and(g[5#], f[1#]), d:and(f[1#], g[2#], h[4#]), a:and(f[1#], g[2#]), "
		"b:and(f[3#], h[4#]))");
	/* Quoted, it is a field. */
	assert_detection("  a: {'<<': x}\n  condition: a\n", "a:<<[x]");
	assert_detection_fails("  a: {f: *x}\n  condition: a\n",
			       "4:10 error: no anchor &x before this alias");
	assert_detection_fails("  a: &x [*x]\n  condition: a\n",
			       "4:10 error: the alias *x contains itself");
	assert_detection_fails("  a: {<<: 3}\n  condition: a\n",
			       "4:11 error: only maps can be merged by <<");
}

static void errors(void **state)
{
	(void)state;
	assert_detection_fails("  a: {f: 1, g: 2, f: 3}\n  condition: a\n",
			       "4:19 error: the key 'f' stands already in line 4, column 7");
	assert_detection_fails("  a: [x]\n  condition: a\n  a: [y]\n",
			       "6:3 error: the key 'a' stands already in line 4, column 3");
	assert_detection_fails("  a: {? [x] : y}\n  condition: a\n",
			       "4:9 error: a key must be a text");
	assert_detection_fails("  a: !!python/object:os.system x\n  condition: a\n",
			       "4:6 error: the YAML tag tag:yaml.org,2002:python/object:os.system "
			       "is not supported");
	assert_detection_fails(
		"  a: b: c\n  condition: a\n",
		"4:7 error: not YAML: mapping values are not allowed in this context");
}

/* What is wrong with a document is its own affair. */
static void documents(void **state)
{
	static const char rule[] = HEAD "detection: {a: [x], condition: a}\n";
	char text[2048];

	(void)state;
	snprintf(text, sizeof(text),
		 "%%YAML 1.2\n---\n%s---\ntitle: 'unclosed\n---\n%s---\na: [\n---\n---\n# nothing\n"
		 "--- # a rule\n%s...\n%%YAML 1.1\n---\n%s...\n",
		 rule, rule, rule, rule);
	struct sigma_rules *r = sigma_of(text);
	assert_int_equal(r->n, 4);
	assert_int_equal(r->problems.errors, 2);
	assert_int_equal(r->rule[0]->pos.line, 3);
	assert_int_equal(r->rule[1]->pos.line, 9);
	assert_int_equal(r->rule[2]->pos.line, 18);
	assert_int_equal(r->rule[3]->pos.line, 24);
	sigma_rules_free(r);

	r = sigma_of("");
	assert_problem(r, 0, "0:0 warning: no rule in it");
	sigma_rules_free(r);
	r = sigma_of("- a\n- b\n");
	assert_problem(r, 0,
		       "1:1 error: no Sigma rule: a map with title, logsource and detection is");
	sigma_rules_free(r);
}

static void not_text(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} bad[] = {
		{ "title: a\0b", 10, "1:9 error: not text in UTF-8: byte 0x00" },
		{ "a: b\nc: \xff", 9, "2:4 error: not text in UTF-8: byte 0xff" },
		{ "\x7f"
		  "ELF",
		  4, "1:1 error: not text in UTF-8: byte 0x7f" },
		{ "a: \x1b[31m", 8, "1:4 error: not text in UTF-8: byte 0x1b" },
		{ "\xff\xfet\0i\0", 6, "1:1 error: not text in UTF-8: byte 0xff" }, /* UTF-16 */
		{ "a: \xc2\x9b", 5, "1:4 error: not text in UTF-8: byte 0xc2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sigma_rules *r;
		assert_int_equal(sigma_rules_new(&r), 0);
		assert_int_equal(sigma_parse(r, "b.yml", bad[i].text, bad[i].len), 0);
		assert_int_equal(r->problems.n, 1);
		assert_problem(r, 0, bad[i].want);
		assert_string_equal(r->problems.problem[0].pos.file, "b.yml");
		sigma_rules_free(r);
	}
}

static void must_fail(struct buf *b, const char *want)
{
	struct sigma_rules *r = sigma_of(buf_str(b));

	assert_int_equal(r->n, 0);
	assert_true(r->problems.errors > 0);
	assert_non_null(strstr(r->problems.problem[0].text, want));
	assert_true(arena_used(r->arena) < 4 << 20);
	sigma_rules_free(r);
	buf_reset(b);
}

static void bombs(void **state)
{
	struct buf b = { 0 };

	(void)state;
	/* Each level of nine aliases for nine of the level below. */
	buf_puts(&b, HEAD "detection:\n  l0: &l0 [a, a, a, a, a, a, a, a, a]\n");
	for (unsigned i = 1; i < 12; i++) {
		buf_printf(&b, "  l%u: &l%u [", i, i);
		for (unsigned k = 0; k < 9; k++)
			buf_printf(&b, "*l%u,", i - 1);
		buf_puts(&b, "]\n");
	}
	buf_puts(&b, "  condition: 1 of them\n");
	must_fail(&b, "more than 250000 values in one document");

	/* In depth, as text and by aliases. */
	buf_puts(&b, HEAD "detection:\n  a: ");
	for (unsigned i = 0; i < 100000; i++)
		buf_putc(&b, '[');
	must_fail(&b, "nested deeper than 48 levels");
	buf_puts(&b, HEAD "detection:\n  l0: &l0 [a]\n");
	for (unsigned i = 1; i < 60; i++)
		buf_printf(&b, "  l%u: &l%u [*l%u]\n", i, i, i - 1);
	must_fail(&b, "nested deeper than 48 levels");

	buf_puts(&b, HEAD "detection: {a: [");
	for (unsigned i = 0; i < 300000; i++)
		buf_puts(&b, "x,");
	buf_puts(&b, "], condition: a}");
	must_fail(&b, "more than 250000 values in one document");

	for (size_t i = 0; i < SIGMA_FILE_MAX / 8 + 1; i++)
		buf_puts(&b, "# aaaaa\n");
	must_fail(&b, "larger than 4 MiB");

	for (unsigned i = 0; i < 30000; i++)
		buf_puts(&b, "--- {title: x}\n");
	struct sigma_rules *r = sigma_of(buf_str(&b));
	assert_int_equal(r->n, 0);
	assert_int_equal(r->problems.n, SIGMA_PROBLEMS_MAX);
	assert_true(r->problems.dropped > 0);
	sigma_rules_free(r);
	buf_free(&b);
}

/* A large document that each of many others would take in again. */
static void collection_bomb(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, "action: global\n" HEAD "detection:\n  a:\n    f: [");
	for (unsigned i = 0; i < 200000; i++)
		buf_puts(&b, "x,");
	buf_puts(&b, "]\n");
	for (unsigned i = 0; i < 10000; i++)
		buf_puts(&b, "---\ndetection: {condition: a}\n");
	struct sigma_rules *r = sigma_of(buf_str(&b));
	assert_true(r->n < 20);
	assert_true(arena_used(r->arena) < 160 << 20);
	assert_true(r->problems.errors > 0);
	sigma_rules_free(r);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_scalars), cmocka_unit_test(words),
		cmocka_unit_test(numbers),	 cmocka_unit_test(blocks),
		cmocka_unit_test(anchors),	 cmocka_unit_test(errors),
		cmocka_unit_test(documents),	 cmocka_unit_test(not_text),
		cmocka_unit_test(bombs),	 cmocka_unit_test(collection_bomb),
	};
	return cmocka_run_group_tests_name("sigma_yaml", tests, NULL, NULL);
}
