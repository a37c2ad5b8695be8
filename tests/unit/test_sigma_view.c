/* SPDX-License-Identifier: Apache-2.0 */
/* Rules over whole events: conditions, several values, keywords, missing ends, evidence, counts. */
#include "sigma_hand.h"

enum { MAX = 200 };

struct set {
	struct sigma_rules *r;
	struct sigma_view *v;
	struct sigma_rule *rule[MAX];
	struct hand_event ev;
	unsigned n;
	const struct sigma_match *m;
};

static void set_up(struct set *s)
{
	memset(s, 0, sizeof(*s));
	s->r = hand_rules();
}

static const struct sigma_expr *leaf(struct set *s, const char *key, struct sigma_scalar value)
{
	return hand_leaf(s->r, key, 1, &value);
}

static const struct sigma_expr *both(struct set *s, enum sigma_op op, const struct sigma_expr *a,
				     const struct sigma_expr *b)
{
	const struct sigma_expr *kid[] = { a, b };
	return hand_node(s->r, op, 2, kid);
}

static const struct sigma_expr * not(struct set * s, const struct sigma_expr *a)
{
	return hand_node(s->r, SIGMA_not, 1, &a);
}

static struct sigma_rule *rule(struct set *s, const struct sigma_expr *e)
{
	struct sigma_rule *rule = arena_alloc(s->r->arena, sizeof(*rule));

	assert_non_null(rule);
	rule->id = rule->title = "x";
	rule->expr = e;
	rule->index = s->r->n;
	s->rule[s->r->n++] = rule;
	return rule;
}

/* Rules are borrowed from the fixture, not the parser's. */
static void ready(struct set *s, const struct sigma_logsource *ls)
{
	s->r->rule = s->rule;
	assert_int_equal(sigma_compile(s->r, NULL), 0);
	assert_int_equal(sigma_view_new(s->r, ls, &s->v), 0);
}

static void judge(struct set *s, const struct hand_field *f, unsigned n)
{
	s->n = sigma_view_eval(s->v, hand_record(s->v, &s->ev, f, n), &s->m);
}

static void tear_down(struct set *s)
{
	sigma_view_free(s->v);
	s->r->rule = NULL;
	s->r->n = 0;
	sigma_rules_free(s->r);
}

static bool matched(const struct set *s, const struct sigma_rule *r)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->m[i].rule == r)
			return true;
	return false;
}

static void conditions(void **state)
{
	struct set s;

	(void)state;
	set_up(&s);
	const struct sigma_expr *a = leaf(&s, "a", S("1")), *b = leaf(&s, "b|contains", S("2"));
	const struct sigma_expr *none = hand_node(s.r, SIGMA_or, 0, NULL);
	struct sigma_rule *and = rule(&s, both(&s, SIGMA_and, a, b));
	struct sigma_rule * or = rule(&s, both(&s, SIGMA_or, a, b));
	struct sigma_rule *but = rule(&s, both(&s, SIGMA_and, a, not(&s, b)));
	struct sigma_rule *neither = rule(&s, not(&s, both(&s, SIGMA_or, a, b)));
	struct sigma_rule *never = rule(&s, none);
	struct sigma_rule *ever = rule(&s, not(&s, none));
	struct sigma_rule *twice = rule(&s, not(&s, not(&s, a)));
	ready(&s, NULL);
	const struct hand_field f[] = { { "a", 1, { S("1") } }, { "b", 1, { S("x2x") } } };

	judge(&s, f, 2);
	assert_int_equal(s.n, 4);
	assert_true(matched(&s, and) && matched(&s, or) && matched(&s, ever) && matched(&s, twice));
	judge(&s, f, 1);
	assert_int_equal(s.n, 4);
	assert_true(matched(&s, but) && matched(&s, or) && matched(&s, ever) && matched(&s, twice));
	judge(&s, f + 1, 1);
	assert_int_equal(s.n, 2);
	assert_true(matched(&s, or) && matched(&s, ever));
	judge(&s, NULL, 0);
	assert_int_equal(s.n, 2);
	assert_true(matched(&s, neither) && matched(&s, ever) && !matched(&s, never));
	tear_down(&s);
}

static void matches_come_in_the_order_of_loading(void **state)
{
	struct set s;
	struct sigma_view_stats st;
	char text[16];

	(void)state;
	set_up(&s);
	for (unsigned i = 0; i < MAX; i++) {
		snprintf(text, sizeof(text), "word%03u", i % 100);
		rule(&s, i % 50 == 3 ? not(&s, leaf(&s, "f", S("x")))
				     : leaf(&s, "f|contains", S(text)));
	}
	ready(&s, NULL);
	const struct hand_field f = { "f", 1, { S("word099 word042 WORD007") } };
	judge(&s, &f, 1);
	assert_int_equal(s.n, 10);
	for (unsigned i = 1; i < s.n; i++)
		assert_true(s.m[i - 1].rule->index < s.m[i].rule->index);
	sigma_view_get_stats(s.v, &st);
	assert_int_equal(st.always, 4);
	assert_int_equal(st.records, 1);
	assert_int_equal(st.evaluated, 10);
	assert_int_equal(sigma_view_nrules(s.v), MAX);
	tear_down(&s);
}

static void one_of_several_values_is_enough(void **state)
{
	const struct sigma_scalar bash = S("/bash"), usr = S("/usr/bin/*"), nul = null();
	const struct hand_field f[] = {
		{ "Image", 2, { S("/bin/sh"), S("/usr/bin/bash") } },
		{ "mixed", 2, { null(), S("x") } },
		{ "none", 0, { S("") } },
	};
	const struct sigma_scalar all[] = { S("sh"), S("usr") }, t = B(true);

	(void)state;
	assert_int_equal(hand_match("Image|endswith", 1, &bash, f, 3, NULL), 1);
	assert_int_equal(hand_match("Image", 1, &usr, f, 3, NULL), 1);
	assert_int_equal(hand_match("Image|contains|all", 2, all, f, 3, NULL), 1);
	assert_int_equal(hand_match("mixed", 1, &nul, f, 3, NULL), 1);
	assert_int_equal(hand_match("none", 1, &nul, f, 3, NULL), 1);
	assert_int_equal(hand_match("none|exists", 1, &t, f, 3, NULL), 1);
	assert_int_equal(hand_match("absent|exists", 1, &t, f, 3, NULL), 0);
	/* Names of fields are case-sensitive. */
	assert_int_equal(hand_match("image|endswith", 1, &bash, f, 3, NULL), 0);
}

static void keywords(void **state)
{
	const struct sigma_scalar init = S("init"), six = I("6", 6);
	const struct sigma_scalar two[] = { S("FAILED"), S("password") };
	const struct sigma_scalar either[] = { I("0", 0), I("6", 6) };
	const struct hand_field line = {
		"msg", 1, { S("sshd[66]: Failed password for root from 10.0.0.6") }
	};
	const struct hand_field argv[] = { { "a0", 1, { S("init") } }, { "a1", 1, { S("6") } } };
	const struct hand_field split[] = { { "x", 1, { S("failed") } },
					    { "y", 1, { S("password") } } };

	(void)state;
	yes("", S("root"), S("for ROOT from"));
	yes("", S("rm *sh_history"), S("x; rm -f ~/.bash_history"));
	yes("", S("wget * - http* | sh"), S("wget -O - http://x | sh"));
	no("", S("r\\*t"), S("root"));
	no("", S("x"), S("y")); /* the field's name is x */
	yes("|startswith", S("for"), S("for root"));
	no("|startswith", S("root"), S("for root"));
	yes("|cased", S("Root"), S("a Root b"));
	no("|cased", S("Root"), S("a root b"));
	yes("|base64offset|contains", S("foobar"), S("xx eGZvb2Jhcg== yy"));
	yes("|base64offset", S("foobar"), S("xx eGZvb2Jhcg== yy"));
	assert_int_equal(hand_match("", 2, two, &line, 1, NULL), 1);
	assert_int_equal(hand_match("|all", 2, two, &line, 1, NULL), 1);
	assert_int_equal(hand_match("|all", 2, two, split, 2, NULL), 1);
	assert_int_equal(hand_match("|all", 2, two, split, 1, NULL), 0);
	/* Numbers are words, not parts of others. */
	assert_int_equal(hand_match("", 1, &six, &line, 1, NULL), 0);
	assert_int_equal(hand_match("", 1, &six, argv, 2, NULL), 1);
	assert_int_equal(hand_match("", 2, either, argv, 2, NULL), 1);
	assert_int_equal(hand_match("", 1, &init, argv, 2, NULL), 1);
	yes("", I("6", 6), S("init 6"));
	yes("", I("6", 6), S("a1=\"6\""));
	no("", I("6", 6), S("init 16"));
	no("", I("6", 6), S("sda6"));
	no("", I("6", 6), S("6.5"));
	yes("", I("6", 6), I("6", 6));
	yes("", S(""), S("anything"));
}

/* 1: matches for sure, 2: matches, but the missing end could have ruled it out. */
static int without_end(const char *key, struct sigma_scalar value, struct sigma_scalar event)
{
	struct set s;

	set_up(&s);
	rule(&s, not(&s, leaf(&s, key, value)));
	ready(&s, NULL);
	const struct hand_field f = { "f", 1, { event } };
	judge(&s, &f, 1);
	int result = !s.n ? 0 : s.m[0].uncertain ? 2 : 1;
	tear_down(&s);
	return result;
}

static void what_is_missing_makes_not_uncertain(void **state)
{
	bool uncertain;
	const struct sigma_scalar b = S("b"), x = S("x");
	const struct hand_field f = { "f", 1, { cut("abc") } };

	(void)state;
	assert_int_equal(without_end("f|contains", S("x"), cut("abc")), 2);
	assert_int_equal(without_end("f|contains", S("x"), S("abc")), 1);
	assert_int_equal(without_end("f|contains", S("b"), cut("abc")), 0);
	assert_int_equal(without_end("f|endswith", S("x"), cut("abc")), 2);
	assert_int_equal(without_end("f|startswith", S("x"), cut("abc")), 1);
	assert_int_equal(without_end("f|startswith", S("ABCD"), cut("abc")), 2);
	assert_int_equal(without_end("f|startswith", S("abx"), cut("abc")), 1);
	assert_int_equal(without_end("f", S("abcd"), cut("abc")), 2);
	assert_int_equal(without_end("f", S("xbcd"), cut("abc")), 1);
	assert_int_equal(without_end("f|re", S("x$"), cut("abc")), 2);
	assert_int_equal(without_end("f", null(), cut("abc")), 1);
	assert_int_equal(without_end("f|exists", B(false), cut("abc")), 1);
	/* neq is a not of its own. */
	assert_int_equal(hand_match("f|contains|neq", 1, &x, &f, 1, &uncertain), 1);
	assert_true(uncertain);
	assert_int_equal(hand_match("f|contains", 1, &b, &f, 1, &uncertain), 1);
	assert_false(uncertain);
}

static void certainty_follows_the_condition(void **state)
{
	struct set s;

	(void)state;
	set_up(&s);
	const struct sigma_expr *open = leaf(&s, "f|contains", S("x"));
	const struct sigma_expr *no = leaf(&s, "g", S("1")), *yes = leaf(&s, "g", S("2"));
	struct sigma_rule *sure = rule(&s, not(&s, both(&s, SIGMA_and, open, no)));
	struct sigma_rule *unsure = rule(&s, not(&s, both(&s, SIGMA_and, open, yes)));
	struct sigma_rule *either = rule(&s, both(&s, SIGMA_or, not(&s, open), yes));
	ready(&s, NULL);
	const struct hand_field f[] = { { "f", 1, { cut("abc") } }, { "g", 1, { S("2") } } };
	judge(&s, f, 2);
	assert_int_equal(s.n, 3);
	for (unsigned i = 0; i < s.n; i++)
		assert_int_equal(s.m[i].uncertain, s.m[i].rule == unsure);
	assert_true(matched(&s, sure) && matched(&s, either));
	tear_down(&s);
}

static bool has(const struct sigma_evidence *e, unsigned n, const char *field, const char *text)
{
	for (unsigned i = 0; i < n; i++) {
		bool same = field ? e[i].field && !strcmp(e[i].field, field) : !e[i].field;
		if (same && (text ? e[i].value && e[i].value->len == strlen(text) &&
					     !memcmp(e[i].value->text, text, strlen(text))
				  : !e[i].value))
			return true;
	}
	return false;
}

static void evidence_is_what_made_it_match(void **state)
{
	struct sigma_evidence e[16];
	struct set s;

	(void)state;
	set_up(&s);
	struct sigma_rule *r = rule(
		&s,
		both(&s, SIGMA_and,
		     both(&s, SIGMA_and, leaf(&s, "Image|endswith", S("/bash")),
			  both(&s, SIGMA_or, leaf(&s, "a", S("no")), leaf(&s, "b", null()))),
		     both(&s, SIGMA_and, leaf(&s, "", S("curl")), not(&s, leaf(&s, "c", S("x"))))));
	rule(&s, leaf(&s, "Image", S("*")));
	ready(&s, NULL);
	const struct hand_field f[] = {
		{ "Image", 2, { S("/bin/sh"), S("/usr/bin/bash") } },
		{ "a", 1, { S("yes") } },
		{ "c", 1, { S("curl x") } },
	};
	judge(&s, f, 3);
	assert_int_equal(s.n, 2);
	unsigned n = sigma_view_evidence(s.v, r, &s.ev.record, e, 16);
	assert_int_equal(n, 3);
	assert_true(has(e, n, "Image", "/usr/bin/bash"));
	assert_true(has(e, n, "b", NULL));
	assert_true(has(e, n, NULL, "curl x"));
	assert_int_equal(sigma_view_evidence(s.v, r, &s.ev.record, e, 1), 1);
	n = sigma_view_evidence(s.v, s.rule[1], &s.ev.record, e, 16);
	assert_int_equal(n, 2);
	tear_down(&s);
}

static void views_hold_what_applies(void **state)
{
	const struct sigma_logsource linux = { .product = "linux", .category = "process_creation" };
	const char *wanted[] = { "SourceIp" };
	struct set s;

	(void)state;
	set_up(&s);
	struct sigma_rule *fits = rule(&s, leaf(&s, "f|fieldref", S("g")));
	fits->logsource = (struct sigma_logsource){ .category = "process_creation" };
	fits->wanted = (struct sigma_strings){ 1, wanted };
	rule(&s, leaf(&s, "w", S("1")))->logsource.product = "windows";
	struct sigma_rule *bad = rule(&s, leaf(&s, "x|re", S("(")));
	struct sigma_rule *filter = rule(&s, leaf(&s, "y", S("1")));
	filter->kind = SIGMA_FILTER;
	ready(&s, &linux);
	assert_true(bad->broken);
	assert_false(fits->broken);
	assert_int_equal(sigma_view_nrules(s.v), 1);
	assert_int_equal(sigma_view_nfields(s.v), 3);
	assert_true(sigma_view_find(s.v, "f") >= 0);
	assert_true(sigma_view_find(s.v, "g") >= 0);
	assert_true(sigma_view_find(s.v, "SourceIp") >= 0);
	assert_int_equal(sigma_view_find(s.v, "w"), -1);
	assert_false(sigma_view_wants_all(s.v));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(sigma_view_find(s.v, sigma_view_field(s.v, i)), i);
	tear_down(&s);
}

static void an_item_that_two_rules_share_breaks_both(void **state)
{
	struct set s;

	(void)state;
	set_up(&s);
	const struct sigma_expr *wrong = leaf(&s, "x|re", S("("));
	rule(&s, both(&s, SIGMA_and, leaf(&s, "a", S("1")), wrong));
	rule(&s, both(&s, SIGMA_and, leaf(&s, "b", S("1")), not(&s, wrong)));
	rule(&s, leaf(&s, "c", S("1")));
	ready(&s, NULL);
	assert_true(s.rule[0]->broken && s.rule[1]->broken && !s.rule[2]->broken);
	assert_int_equal(s.r->problems.errors, 1);
	assert_int_equal(sigma_view_nrules(s.v), 1);
	tear_down(&s);
}

static void a_view_without_rules_works(void **state)
{
	struct set s;

	(void)state;
	set_up(&s);
	ready(&s, NULL);
	judge(&s, NULL, 0);
	assert_int_equal(s.n, 0);
	tear_down(&s);
}

/* Long lists take other ways than short ones. */
static void long_lists(void **state)
{
	enum { N = 2000 };
	static char text[N][24];
	static struct sigma_scalar value[N];
	const char *const keys[] = { "f|contains", "f", "f|endswith", "f|startswith", "f|cased" };

	(void)state;
	for (unsigned k = 0; k < 5; k++) {
		for (unsigned i = 0; i < N; i++) {
			snprintf(text[i], sizeof(text[i]), "Node-%u-Module", i * 7919);
			value[i] = i % 10 ? S(text[i]) : I(text[i], (int64_t)i);
			value[i].type = SIGMA_str;
		}
		struct set s;
		set_up(&s);
		const struct sigma_expr *list = hand_leaf(s.r, keys[k], N, value);
		rule(&s, both(&s, SIGMA_and, leaf(&s, "g", S("1")), list));
		rule(&s, both(&s, SIGMA_and, leaf(&s, "g", S("1")), not(&s, list)));
		ready(&s, NULL);
		struct hand_field f[] = { { "g", 1, { S("1") } }, { "f", 1, { S(text[1234]) } } };
		judge(&s, f, 2);
		assert_int_equal(s.n, 1);
		assert_ptr_equal(s.m[0].rule, s.rule[0]);
		f[1].v[0] = S("Node-1-Module");
		judge(&s, f, 2);
		assert_int_equal(s.n, 1);
		assert_ptr_equal(s.m[0].rule, s.rule[1]);
		tear_down(&s);
	}
}

static void limits_are_counted(void **state)
{
	struct sigma_view_stats st;
	struct set s;

	(void)state;
	set_up(&s);
	rule(&s, leaf(&s, "f|re", S("^(a+)+$")));
	rule(&s, leaf(&s, "f|contains", S("aaa")));
	ready(&s, NULL);
	const struct hand_field f = { "f",
				      1,
				      { S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!") } };
	judge(&s, &f, 1);
	assert_int_equal(s.n, 1);
	sigma_view_get_stats(s.v, &st);
	assert_int_equal(st.regex_limits, 1);
	assert_int_not_equal(st.bytes, 0);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions),
		cmocka_unit_test(matches_come_in_the_order_of_loading),
		cmocka_unit_test(one_of_several_values_is_enough),
		cmocka_unit_test(keywords),
		cmocka_unit_test(what_is_missing_makes_not_uncertain),
		cmocka_unit_test(certainty_follows_the_condition),
		cmocka_unit_test(evidence_is_what_made_it_match),
		cmocka_unit_test(views_hold_what_applies),
		cmocka_unit_test(an_item_that_two_rules_share_breaks_both),
		cmocka_unit_test(a_view_without_rules_works),
		cmocka_unit_test(long_lists),
		cmocka_unit_test(limits_are_counted),
	};
	return cmocka_run_group_tests_name("sigma_view", tests, NULL, NULL);
}
