/* SPDX-License-Identifier: Apache-2.0 */
/* What is done once all rules are there: references, filters, ids. */
#include "sigma_text.h"

#define RULE(name_, rest_)                                                                  \
	"---\ntitle: " name_ "\nname: " name_ "\nlogsource: {product: linux, service: s}\n" \
	"detection: {a: [" name_ "], condition: a}\n" rest_
#define COUNT(name_, rules_, rest_)                                                   \
	"---\ntitle: " name_ "\nname: " name_ "\ncorrelation:\n  type: event_count\n" \
	"  rules: " rules_ "\n  timespan: 1m\n  condition: {gte: 3}\n" rest_
#define FILTER(rules_, logsource_)                                                      \
	"---\ntitle: filter\nlogsource: " logsource_ "\nfilter:\n  rules: " rules_ "\n" \
	"  f: [out]\n  condition: f\n"
#define SAME "{product: linux, service: s}"

static struct sigma_rules *linked(const char *text)
{
	struct sigma_rules *r = sigma_of(text);

	assert_int_equal(sigma_link(r), 0);
	return r;
}

static const struct sigma_rule *named(const struct sigma_rules *r, const char *title)
{
	for (unsigned i = 0; i < r->n; i++)
		if (!strcmp(r->rule[i]->title, title))
			return r->rule[i];
	fail_msg("no rule %s", title);
	return NULL;
}

static void assert_wanted(const struct sigma_rule *x, const char *want)
{
	struct buf b = { 0 };

	for (unsigned i = 0; i < x->wanted.n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", x->wanted.s[i]);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void references(void **state)
{
	struct sigma_rules *r = linked(
		COUNT("c", "[a, 929A690E-bef0-4204-a928-ef5e620d6fcc]", "  group-by: [f, g]\n")
			RULE("a", "") RULE("b", "id: 929a690e-bef0-4204-a928-ef5e620d6fcc\n")
				RULE("other", ""));
	const struct sigma_rule *c = named(r, "c");

	(void)state;
	assert_no_problems(r);
	assert_ptr_equal(c->correlation->rules[0], named(r, "a"));
	assert_ptr_equal(c->correlation->rules[1], named(r, "b"));
	assert_true(named(r, "a")->silent);
	assert_true(named(r, "b")->silent);
	assert_false(named(r, "other")->silent);
	assert_false(c->silent);
	assert_wanted(named(r, "a"), "f g");
	assert_wanted(named(r, "other"), "");
	sigma_rules_free(r);
}

/* spec: generate. Who asks for a rule's own alerts gets them. */
static void generate(void **state)
{
	struct sigma_rules *r =
		linked(RULE("a", "") RULE("b", "") COUNT("c", "[a]", "  generate: true\n")
			       COUNT("d", "[a, b]", ""));

	(void)state;
	assert_false(named(r, "a")->silent);
	assert_true(named(r, "b")->silent);
	sigma_rules_free(r);
}

/* spec: related. Who has a rule of one's own instead does not get the alert twice. */
static void obsolete(void **state)
{
#define ID(n_) "11111111-1111-4111-8111-11111111111" n_
	struct sigma_rules *r =
		linked(RULE("base", "") COUNT("old", "[base]", "id: " ID("1") "\n") RULE(
			"mine", "related: [{id: " ID("2") ", type: similar}]\nid: " ID("3") "\n")
			       COUNT("new", "[base]",
				     "id: " ID("4") "\nrelated: [{id: " ID(
					     "1") ", type: obsolete}, "
						  "{id: " ID("9") ", type: obsolete}, {id: " ID(
							  "4") ", type: obsolete}]\n")
				       RULE("like", "id: " ID("2") "\n"));
#undef ID

	(void)state;
	assert_no_problems(r);
	assert_true(named(r, "old")->silent);
	assert_true(named(r, "base")->silent);
	assert_false(named(r, "new")->silent);
	assert_false(named(r, "mine")->silent);
	assert_false(named(r, "like")->silent);
	sigma_rules_free(r);
}

/* spec, "Failed Logins Followed by Successful Login"; fields are read in the events at the bottom.
 */
static void chains(void **state)
{
	struct sigma_rules *r = linked(
		"---\ntitle: top\ncorrelation:\n  type: temporal_ordered\n  rules: [many, ok]\n"
		"  group-by: [User, who]\n  timespan: 10m\n" COUNT(
			"many", "[fail]",
			"  group-by: [User, who]\n"
			"  aliases: {who: {fail: Src}}\n") RULE("fail", "") RULE("ok", ""));

	(void)state;
	assert_no_problems(r);
	assert_wanted(named(r, "fail"), "User Src");
	assert_wanted(named(r, "many"), "User who");
	assert_wanted(named(r, "ok"), "User who");
	assert_true(named(r, "many")->silent);
	assert_false(named(r, "top")->silent);
	sigma_rules_free(r);
}

static void aliases(void **state)
{
	/* By id in the list, by name in the alias. */
	struct sigma_rules *r =
		linked(RULE("a", "id: 929a690e-bef0-4204-a928-ef5e620d6fcc\n") RULE("b", "")
			       COUNT("c", "[b, 929a690e-bef0-4204-a928-ef5e620d6fcc]",
				     "  group-by: [ip]\n  aliases: {ip: {a: Src, b: Dst}}\n"));

	(void)state;
	assert_no_problems(r);
	assert_int_equal(named(r, "c")->correlation->alias[0].field[0].ref, 1);
	assert_int_equal(named(r, "c")->correlation->alias[0].field[1].ref, 0);
	assert_wanted(named(r, "a"), "Src");
	assert_wanted(named(r, "b"), "Dst");
	sigma_rules_free(r);

	r = linked(RULE("a", "") RULE("b", "")
			   COUNT("c", "[a]", "  aliases: {ip: {a: Src, b: Dst}}\n"));
	assert_problem(r, 0,
		       "12:1 error: the alias 'ip' names the rule 'b', which is not one of the "
		       "correlation's");
	assert_true(named(r, "c")->broken);
	assert_false(named(r, "a")->silent);
	sigma_rules_free(r);
}

static void broken(void **state)
{
	struct sigma_rules *r =
		linked(RULE("a", "") COUNT("c", "[a, nobody]", "") COUNT("d", "[c]", ""));

	(void)state;
	assert_int_equal(r->problems.errors, 2);
	assert_problem(
		r, 0,
		"7:1 error: the correlation refers to 'nobody': there is no such rule, or it "
		"has errors");
	assert_problem(r, 1, "15:1 error: the correlation refers to 'c': which can't be used");
	assert_true(named(r, "c")->broken && named(r, "d")->broken);
	/* What nothing counts any more alerts by itself. */
	assert_false(named(r, "a")->silent);
	sigma_rules_free(r);
}

static void cycles(void **state)
{
	struct sigma_rules *r = linked(COUNT("c", "[c]", ""));
	struct buf b = { 0 };

	(void)state;
	assert_problem(r, 0,
		       "2:1 error: the correlation refers to 'c': which refers back to this "
		       "one");
	assert_true(named(r, "c")->broken);
	sigma_rules_free(r);

	r = linked(RULE("a", "") COUNT("x", "[a, y]", "") COUNT("y", "[z]", "")
			   COUNT("z", "[a, x]", "") COUNT("good", "[a]", ""));
	assert_true(named(r, "x")->broken && named(r, "y")->broken && named(r, "z")->broken);
	assert_false(named(r, "good")->broken);
	assert_int_equal(r->problems.errors, 3);
	sigma_rules_free(r);

	/* Long chains, in either order of the file. */
	for (int up = 0; up < 2; up++) {
		buf_reset(&b);
		buf_puts(&b, RULE("c0", ""));
		for (unsigned i = 1; i <= 5000; i++) {
			unsigned n = up ? i : 5001 - i;
			buf_printf(&b,
				   "---\ntitle: c%u\nname: c%u\ncorrelation: {type: event_count, "
				   "rules: [c%u], timespan: 1m, condition: {gte: 1}}\n",
				   n, n, n - 1);
		}
		r = linked(buf_str(&b));
		assert_true(r->problems.errors > 4900);
		assert_true(named(r, "c5000")->broken);
		sigma_rules_free(r);
	}
	buf_free(&b);
}

static void ambiguous(void **state)
{
	static const char one[] = RULE("a", ""), two[] = RULE("a", "") COUNT("c", "[a]", "");
	static const char three[] = COUNT("d", "[a]", "");
	struct sigma_rules *r;

	(void)state;
	assert_int_equal(sigma_rules_new(&r), 0);
	assert_int_equal(sigma_parse(r, "1.yml", one, strlen(one)), 0);
	assert_int_equal(sigma_parse(r, "2.yml", two, strlen(two)), 0);
	assert_int_equal(sigma_parse(r, "3.yml", three, strlen(three)), 0);
	assert_int_equal(sigma_link(r), 0);
	/* The name in its own file is meant. */
	assert_ptr_equal(named(r, "c")->correlation->rules[0], r->rule[1]);
	assert_false(named(r, "c")->broken);
	assert_true(named(r, "d")->broken);
	assert_string_equal(r->problems.problem[r->problems.n - 1].text,
			    "the correlation refers to 'a': several rules have that name");
	sigma_rules_free(r);
}

static void ids(void **state)
{
	struct sigma_rules *r =
		linked(RULE("a", "id: 929a690e-bef0-4204-a928-ef5e620d6fcc\n")
			       RULE("b", "id: 929A690E-BEF0-4204-A928-EF5E620D6FCC\n"));

	(void)state;
	assert_false(r->rule[0]->broken);
	assert_true(r->rule[1]->broken);
	assert_problem(r, 0,
		       "8:1 error: the id 929A690E-BEF0-4204-A928-EF5E620D6FCC is already that of "
		       "t.yml:2: this one is not used");
	sigma_rules_free(r);

	/* Those without are told apart, the same way each time. */
	char first[40];
	for (int i = 0; i < 2; i++) {
		r = linked(RULE("a", "") RULE("a", "") RULE("a", ""));
		assert_int_equal(r->problems.errors, 0);
		assert_int_equal(r->problems.n, 2);
		assert_false(r->rule[1]->broken || r->rule[2]->broken);
		assert_string_not_equal(r->rule[0]->id, r->rule[1]->id);
		assert_string_not_equal(r->rule[1]->id, r->rule[2]->id);
		if (i)
			assert_string_equal(first, r->rule[2]->id);
		snprintf(first, sizeof(first), "%s", r->rule[2]->id);
		sigma_rules_free(r);
	}
	/* An id that a collection's global part gives to all of its rules. */
	r = linked("action: global\ntitle: t\nid: 929a690e-bef0-4204-a928-ef5e620d6fcc\n"
		   "detection: {a: [x], condition: a}\n---\nlogsource: {product: p}\n"
		   "---\nlogsource: {product: q}\n");
	assert_int_equal(r->problems.errors, 0);
	assert_false(r->rule[0]->broken || r->rule[1]->broken);
	assert_string_equal(r->rule[0]->id, "929a690e-bef0-4204-a928-ef5e620d6fcc");
	sigma_rules_free(r);
}

static void filters(void **state)
{
	struct sigma_rules *r =
		linked(FILTER("[a]", SAME) FILTER("any", "{product: LINUX}") RULE("a", "")
			       RULE("b", "") "---\ntitle: w\nlogsource: {product: w}\n"
					     "detection: {a: [w], condition: a}\n");

	(void)state;
	assert_no_problems(r);
	assert_expr(named(r, "a")->expr, "and(a:[a], not(f:[out]), not(f:[out]))");
	assert_expr(named(r, "b")->expr, "and(a:[b], not(f:[out]))");
	assert_expr(named(r, "w")->expr, "a:[w]");
	sigma_rules_free(r);

	/* Named twice, put around once. */
	r = linked(RULE("a", "id: 929a690e-bef0-4204-a928-ef5e620d6fcc\n")
			   FILTER("[a, 929a690e-bef0-4204-a928-ef5e620d6fcc]", SAME));
	assert_expr(named(r, "a")->expr, "and(a:[a], not(f:[out]))");
	sigma_rules_free(r);

	r = linked(RULE("a", "") COUNT("c", "[a]", "") FILTER("[nobody, c]", SAME)
			   FILTER("[a]", "{service: z}") FILTER("any", "{product: z}"));
	assert_int_equal(r->problems.errors, 0);
	assert_int_equal(r->problems.n, 4);
	assert_string_equal(r->problems.problem[0].text,
			    "the filter names 'nobody': there is no such rule");
	assert_string_equal(r->problems.problem[1].text,
			    "the filter names 'c': it is a correlation, and those can't be "
			    "filtered");
	assert_string_equal(r->problems.problem[2].text,
			    "the filter names 'a': its logsource is another");
	assert_string_equal(r->problems.problem[3].text,
			    "no rule has the logsource of this filter");
	assert_expr(named(r, "a")->expr, "a:[a]");
	sigma_rules_free(r);
}

static void many_fields(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, RULE("a", "") COUNT("c", "[a]", "  group-by:\n"));
	for (unsigned i = 0; i < 300; i++)
		buf_printf(&b, "  - f%u\n", i);
	struct sigma_rules *r = linked(buf_str(&b));
	assert_true(named(r, "c")->broken);
	assert_false(named(r, "a")->silent);
	sigma_rules_free(r);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references),  cmocka_unit_test(obsolete),
		cmocka_unit_test(generate),    cmocka_unit_test(chains),
		cmocka_unit_test(aliases),     cmocka_unit_test(broken),
		cmocka_unit_test(cycles),      cmocka_unit_test(ambiguous),
		cmocka_unit_test(ids),	       cmocka_unit_test(filters),
		cmocka_unit_test(many_fields),
	};
	return cmocka_run_group_tests_name("sigma_link", tests, NULL, NULL);
}
