/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions against the specification's section of that name, and as pySigma reads them. */
#include "sigma_text.h"

#define IDS "  a: {f: 1}\n  b: {f: 2}\n  c: {f: 3}\n"
#define A   "a:f[1#]"
#define B   "b:f[2#]"
#define C   "c:f[3#]"

static void holds(const char *condition, const char *want)
{
	char text[4096];

	snprintf(text, sizeof(text), IDS "  condition: %s\n", condition);
	assert_detection(text, want);
}

/* What is wrong is said with the place of the token: the condition's text begins in column 14. */
static void fails(const char *condition, const char *want)
{
	char text[4096];

	snprintf(text, sizeof(text), IDS "  condition: %s\n", condition);
	assert_detection_fails(text, want);
}

static void precedence(void **state)
{
	(void)state;
	holds("a or b and c", "or(" A ", and(" B ", " C "))");
	holds("a and b or c", "or(and(" A ", " B "), " C ")");
	holds("(a or b) and c", "and(or(" A ", " B "), " C ")");
	holds("not a and b or c", "or(and(not(" A "), " B "), " C ")");
	holds("not (a or b) and c", "and(not(or(" A ", " B ")), " C ")");
	holds("a and not not b and c", "and(" A ", not(not(" B ")), " C ")");
	holds("((a)) or(b)or(c)", "or(" A ", " B ", " C ")");
	holds("a and (b and c)", "and(" A ", and(" B ", " C "))");
	holds("a or not 1 of b* or c", "or(" A ", not(" B "), " C ")");
}

static void white_space(void **state)
{
	(void)state;
	holds("'  a   or\tb or c '", "or(" A ", " B ", " C ")");
	holds(">-\n    a or\n    b or\n    c", "or(" A ", " B ", " C ")");
	holds("|\n    a or\n    b or\n    c\n", "or(" A ", " B ", " C ")");
	holds("a or b\n    or c", "or(" A ", " B ", " C ")");
}

static void quantifiers(void **state)
{
	(void)state;
	holds("1 of them", "or(" A ", " B ", " C ")");
	holds("any of them", "or(" A ", " B ", " C ")");
	holds("all of them", "and(" A ", " B ", " C ")");
	holds("all of them and not 1 of a*", "and(and(" A ", " B ", " C "), not(" A "))");
	holds("not all of them", "not(and(" A ", " B ", " C "))");
	holds("1 of *", "or(" A ", " B ", " C ")");
	assert_detection("  sel_x_1: {f: 1}\n  sel_y_1: {f: 2}\n  sel_x_2: {f: 3}\n"
			 "  condition: 1 of sel_*_1 and all of sel_x* and 1 of *2\n",
			 "and(or(sel_x_1:f[1#], sel_y_1:f[2#]), and(sel_x_1:f[1#], sel_x_2:f[3#]), "
			 "sel_x_2:f[3#])");
	/* A pattern without * is a name. */
	holds("1 of a or b or c", "or(" A ", " B ", " C ")");
	/* Named more than once: the same expression, not a copy. */
	struct sigma_rules *r = sigma_of(HEAD "detection:\n  a: [x]\n  condition: a or not a\n");
	const struct sigma_expr *e = r->rule[0]->expr;
	assert_ptr_equal(e->kid[0], e->kid[1]->kid[0]);
	sigma_rules_free(r);
}

/* spec: those beginning with _ are left out of them; pySigma: and of patterns not beginning so. */
static void underscore(void **state)
{
	(void)state;
	assert_detection("  a: [x]\n  _b: [y]\n  condition: 1 of them or _b\n",
			 "or(a:[x], _b:[y])");
	assert_detection("  a: [x]\n  _b: [y]\n  condition: all of * or 1 of _*\n",
			 "or(a:[x], _b:[y])");
	assert_detection_fails("  _a: [x]\n  condition: 1 of them\n",
			       "5:19 error: 'them' in the condition where a pattern that a search "
			       "identifier fits is expected");
}

/* Written in lower case; older tools took the others, and nobody means anything else by them. */
static void case_of_keywords(void **state)
{
	(void)state;
	holds("a OR NOT b AND c", "or(" A ", and(not(" B "), " C "))");
	holds("1 OF THEM", "or(" A ", " B ", " C ")");
	holds("ALL of them", "and(" A ", " B ", " C ")");
	assert_detection("  a: [x]\n  OR: [y]\n  condition: a and OR\n", "and(a:[x], OR:[y])");
	/* Names are not folded. */
	fails("A or b or c", "7:14 error: the condition names 'A', which is not defined");
}

static void names_like_keywords(void **state)
{
	(void)state;
	assert_detection("  all: [x]\n  any: [y]\n  1: [z]\n  condition: all and any and 1\n",
			 "and(all:[x], any:[y], 1:[z])");
	assert_detection("  sel-1: [x]\n  notable: [y]\n  orbit: [z]\n"
			 "  condition: sel-1 and notable and orbit\n",
			 "and(sel-1:[x], notable:[y], orbit:[z])");
}

static void several(void **state)
{
	(void)state;
	holds("[a and b, c]", "or(and(" A ", " B "), " C ")");
	holds("\n    - a\n    - b\n    - c\n", "or(" A ", " B ", " C ")");
	fails("[]", "7:14 error: an empty list of conditions");
	fails("[a, [b]]", "7:18 error: a condition must be a text");
}

static void errors(void **state)
{
	(void)state;
	fails("a and", "7:19 error: the condition ends where a search identifier is expected");
	fails("a b", "7:16 error: 'b' in the condition where 'and', 'or' or the end is expected");
	fails("(a or b", "7:21 error: the condition ends where 'and', 'or' or ')' is expected");
	fails("a)", "7:15 error: ')' in the condition where 'and', 'or' or the end is expected");
	fails("()", "7:15 error: ')' in the condition where a search identifier is expected");
	fails("and a", "7:14 error: 'and' in the condition where a search identifier is expected");
	fails("a or or b",
	      "7:19 error: 'or' in the condition where a search identifier is expected");
	fails("not", "7:17 error: the condition ends where a search identifier is expected");
	fails("a and sel", "7:20 error: the condition names 'sel', which is not defined");
	fails("'a and sel'", "7:21 error: the condition names 'sel', which is not defined");
	fails("a*", "7:14 error: 'a*' in the condition: patterns stand behind '1 of' or 'all of'");
	fails("1 of x*", "7:19 error: 'x*' in the condition where a pattern that a search "
			 "identifier fits is expected");
	fails("2 of them", "7:14 error: '2' in the condition where 1, any or all before 'of' is "
			   "expected");
	fails("1 of", "7:18 error: the condition ends where 'them' or a pattern of search "
		      "identifiers is expected");
	fails("1 of (a)", "7:19 error: '(' in the condition where 'them' or a pattern of search "
			  "identifiers is expected");
	fails("''", "7:14 error: a condition must be a text");
	fails("' '", "7:16 error: the condition ends where a search identifier is expected");
	fails("~", "7:14 error: a condition must be a text");
	fails("{a: b}", "7:14 error: a condition must be a text");
	/* Where the text does not stand in the file as it is, the place in it is told. */
	fails(">-\n    a and\n    sel",
	      "7:14 error: the condition names 'sel', which is not defined (character 7 of the "
	      "condition)");
	assert_detection_fails("  selection: [x]\n  condition: selction\n",
			       "5:14 error: the condition names 'selction', which is not defined: "
			       "did you mean 'selection'?");
	assert_detection_fails("  a: [x]\n", "4:3 error: the condition is missing");
}

/* Sigma 1 counted behind a pipe. */
static void aggregations(void **state)
{
	(void)state;
	fails("a | count() > 5",
	      "7:16 error: aggregations by | are not supported any more: write a "
	      "correlation (type event_count or value_count)");
	assert_detection_fails("  a: [x]\n  timeframe: 5m\n  condition: a\n",
			       "5:3 error: timeframe in a detection is not supported any more: "
			       "write a correlation (type event_count, timespan: 5m)");
	/* As a map it is a search identifier like others. */
	assert_detection("  timeframe: {f: x}\n  condition: timeframe\n", "timeframe:f[x]");
}

static void unused(void **state)
{
	struct sigma_rules *r = sigma_of(HEAD "detection:\n  a: [x]\n  b: [y]\n  condition: a\n");

	(void)state;
	assert_int_equal(r->n, 1);
	assert_int_equal(r->problems.errors, 0);
	assert_problem(r, 0, "5:3 warning: no condition uses the search identifier 'b'");
	sigma_rules_free(r);
}

static void repeated(struct buf *b, const char *what, unsigned n)
{
	while (n--)
		buf_puts(b, what);
}

/* What is deep is refused, and what is long grows only as the text does. */
static void bounds(void **state)
{
	struct buf b = { 0 };
	struct sigma_rules *r;

	(void)state;
	buf_puts(&b, HEAD "detection:\n  a: [x]\n  condition: ");
	repeated(&b, "(", 5000);
	buf_puts(&b, "a");
	repeated(&b, ")", 5000);
	r = sigma_of(buf_str(&b));
	assert_int_equal(r->n, 0);
	sigma_rules_free(r);

	buf_reset(&b);
	buf_puts(&b, HEAD "detection:\n  a: [x]\n  condition: ");
	repeated(&b, "not ", 63);
	buf_puts(&b, "a");
	r = sigma_of(buf_str(&b));
	assert_int_equal(r->n, 0);
	sigma_rules_free(r);

	buf_reset(&b);
	buf_puts(&b, HEAD "detection:\n  a: [x]\n  condition: a");
	repeated(&b, " or a", 10000);
	r = sigma_of(buf_str(&b));
	assert_no_problems(r);
	assert_int_equal(r->rule[0]->expr->n, 10001);
	assert_true(arena_used(r->arena) < 200000);
	sigma_rules_free(r);

	/* Patterns that each stand for much. */
	buf_reset(&b);
	buf_puts(&b, HEAD "detection:\n");
	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&b, "  a%u: [x]\n", i);
	buf_puts(&b, "  condition: 1 of them");
	repeated(&b, " or 1 of a*", 1000);
	r = sigma_of(buf_str(&b));
	assert_int_equal(r->n, 0);
	assert_true(arena_used(r->arena) < 4 << 20);
	sigma_rules_free(r);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(precedence),	    cmocka_unit_test(white_space),
		cmocka_unit_test(quantifiers),	    cmocka_unit_test(underscore),
		cmocka_unit_test(case_of_keywords), cmocka_unit_test(names_like_keywords),
		cmocka_unit_test(several),	    cmocka_unit_test(errors),
		cmocka_unit_test(aggregations),	    cmocka_unit_test(unused),
		cmocka_unit_test(bounds),
	};
	return cmocka_run_group_tests_name("sigma_condition", tests, NULL, NULL);
}
