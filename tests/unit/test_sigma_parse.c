/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: attributes, search identifiers, collections, filters, and the exceptions' maps. */
#include "sigma_text.h"

static void searches(void **state)
{
	(void)state;
	/* Maps are ANDed, lists ORed (spec: Lists, Maps). */
	assert_detection("  a:\n    Image: /bin/sh\n    EventID: [517, 1102]\n  condition: a\n",
			 "a:and(Image[/bin/sh], EventID[517#,1102#])");
	assert_detection("  a:\n  - Image: x\n  - D|contains: y\n    E: z\n  condition: a\n",
			 "a:or(Image[x], and(D|contains[y], E[z]))");
	assert_detection("  a:\n  - one\n  - 2\n  - true\n  condition: a\n", "a:[one,2#,true!]");
	assert_detection("  a: one\n  condition: a\n", "a:[one]");
	assert_detection("  a:\n    '|all': [x, y]\n  condition: a\n", "a:|all[x,y]");
	assert_detection("  a:\n    '|contains|all': [x, y]\n    f: 1\n  condition: a\n",
			 "a:and(|contains|all[x,y], f[1#])");
	/* Mixed and nested. */
	assert_detection("  a:\n  - one\n  - f: 1\n  - [two, three]\n  - - g: 2\n    - h: 3\n"
			 "  condition: a\n",
			 "a:or([one], f[1#], [two,three], or(g[2#], h[3#]))");
	assert_detection("  a:\n  - f: 1\n  condition: a\n", "a:f[1#]");
	/* Values that mean something (spec: Special Field Values). */
	assert_detection("  a: {f: null, g: '', h: , i|exists: true}\n  condition: a\n",
			 "a:and(f[null~], g[], h[~], i|exists[true!])");
	assert_detection("  a:\n    a.b-c_d e: 1\n    7: x\n  condition: a\n",
			 "a:and(a.b-c_d e[1#], 7[x])");
	/* Backslashes and wildcards are the compiler's. */
	assert_detection("  a: {f: 'C:\\x\\*\\\\?'}\n  condition: a\n", "a:f[C:\\x\\*\\\\?]");
	/* The order of keys does not matter. */
	assert_detection("  condition: a\n  a: [x]\n", "a:[x]");
}

static void modifiers(void **state)
{
	char text[256], want[256];

	(void)state;
#define X(name)                                                                  \
	snprintf(text, sizeof(text), "  a: {f|%s: 1}\n  condition: a\n", #name); \
	snprintf(want, sizeof(want), "a:f|%s[1#]", #name);                       \
	assert_detection(text, want);                                            \
	assert_int_equal(sigma_modifier_by_name(#name), SIGMA_MOD_##name);       \
	assert_string_equal(sigma_modifier_name(SIGMA_MOD_##name), #name);
	SIGMA_MODIFIERS(X)
#undef X
	assert_detection("  a: {f|re|i|m|s: x}\n  condition: a\n", "a:f|re|i|m|s[x]");
	assert_detection("  a: {f|re|ignorecase|multiline|dotall: x}\n  condition: a\n",
			 "a:f|re|i|m|s[x]");
	assert_detection_fails("  a: {f|contain: x}\n  condition: a\n",
			       "4:7 error: unknown modifier 'contain' in 'f|contain': did you mean "
			       "'contains'?");
	assert_detection_fails("  a: {f|Contains: x}\n  condition: a\n",
			       "4:7 error: unknown modifier 'Contains' in 'f|Contains': did you "
			       "mean 'contains'?");
	assert_detection_fails("  a: {f|frobnicate: x}\n  condition: a\n",
			       "4:7 error: unknown modifier 'frobnicate' in 'f|frobnicate'");
	assert_detection_fails("  a: {f|: x}\n  condition: a\n",
			       "4:7 error: unknown modifier '' in 'f|'");
	assert_detection_fails("  a: {f|re|i|m|s|i|m|s|i|m: x}\n  condition: a\n",
			       "4:7 error: more than 8 modifiers in 'f|re|i|m|s|i|m|s|i|m'");
	assert_int_equal(sigma_modifier_by_name(""), -1);
	assert_int_equal(sigma_modifier_by_name("contain"), -1);
}

static void bad_searches(void **state)
{
	(void)state;
	assert_detection_fails("  a: {f: []}\n  condition: a\n", "4:10 error: an empty list");
	assert_detection_fails("  a: []\n  condition: a\n", "4:6 error: an empty list");
	assert_detection_fails("  a: {}\n  condition: a\n", "4:6 error: an empty map");
	assert_detection_fails("  a: [{}]\n  condition: a\n", "4:7 error: an empty map");
	assert_detection_fails("  a:\n  condition: a\n",
			       "4:5 error: a keyword must be a text, this is null");
	assert_detection_fails("  a: [x, ~]\n  condition: a\n",
			       "4:10 error: a keyword must be a text, this is null");
	assert_detection_fails("  a: {f: {g: 1}}\n  condition: a\n",
			       "4:10 error: a map can't be the value of a field: fields of fields "
			       "are written as one name with dots");
	assert_detection_fails("  a: {f: [x, [y]]}\n  condition: a\n",
			       "4:14 error: a list within the list of a field's values");
	assert_detection_fails("  condition: a\n",
			       "4:3 error: no search identifier: nothing is looked for");

	struct sigma_rules *r = sigma_of(HEAD "detection: {a: {f: ['', null]}, condition: a}\n");
	assert_int_equal(r->n, 1);
	assert_problem(r, 0,
		       "3:25 warning: null among other values: the specification wants it in a "
		       "search identifier of its own");
	sigma_rules_free(r);
}

static void fails(const char *text, const char *want)
{
	struct sigma_rules *r = sigma_of(text);

	assert_int_equal(r->n, 0);
	assert_true(r->problems.errors > 0);
	assert_problem(r, 0, want);
	sigma_rules_free(r);
}

static void warns(const char *head, const char *want)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "title: t\n%s\nlogsource: {product: p}\ndetection: {a: [x], condition: a}\n",
		 head);
	struct sigma_rules *r = sigma_of(text);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->problems.errors, 0);
	if (want)
		assert_problem(r, 0, want);
	else
		assert_no_problems(r);
	sigma_rules_free(r);
}

static void attributes(void **state)
{
	struct sigma_rules *r = sigma_of(
		"title: A title\nid: 929a690e-bef0-4204-a928-ef5e620d6fcc\nname: a_name\n"
		"related: [{id: 08fbc97d-0a2f-491c-ae21-8ffcfd3174e9, type: derived}]\n"
		"taxonomy: sigma\nstatus: test\ndescription: >\n  Some\n  words.\nlicense: MIT\n"
		"references: [https://a, https://b]\nauthor: A, B\ndate: 2024-02-29\n"
		"modified: 2024/3/1\nlogsource: {category: c, product: P, service: s, definition: "
		"d, "
		"x: y}\ndetection: {a: [x], condition: a}\nfields: [f, g]\n"
		"falsepositives: [none]\nlevel: High\ntags: [attack.t1059.004, cve.2024-1]\n"
		"scope: [server]\ncustom: {any: thing}\n");
	const struct sigma_rule *x = sigma_last(r);

	(void)state;
	assert_no_problems(r);
	assert_int_equal(x->kind, SIGMA_RULE);
	assert_string_equal(x->title, "A title");
	assert_string_equal(x->id, "929a690e-bef0-4204-a928-ef5e620d6fcc");
	assert_false(x->id_derived);
	assert_string_equal(x->name, "a_name");
	assert_string_equal(x->status, "test");
	assert_string_equal(x->description, "Some words.\n");
	assert_string_equal(x->license, "MIT");
	assert_int_equal(x->references.n, 2);
	assert_string_equal(x->references.s[1], "https://b");
	assert_string_equal(x->author, "A, B");
	assert_string_equal(x->date, "2024-02-29");
	assert_string_equal(x->logsource.category, "c");
	assert_string_equal(x->logsource.product, "P");
	assert_string_equal(x->logsource.service, "s");
	assert_int_equal(x->fields.n, 2);
	assert_int_equal(x->falsepositives.n, 1);
	assert_int_equal(x->level, SIGMA_LEVEL_high);
	assert_int_equal(x->tags.n, 2);
	assert_string_equal(x->tags.s[0], "attack.t1059.004");
	assert_string_equal(x->pos.file, "t.yml");
	sigma_rules_free(r);
}

static void doubtful_attributes(void **state)
{
	(void)state;
	warns("level:", NULL);
	warns("falsepositives: one", NULL);
	warns("id: 12", "2:5 warning: the id '12' is no UUID");
	warns("status: testing",
	      "2:9 warning: unknown status 'testing': stable, test, experimental, "
	      "deprecated and unsupported are known");
	warns("date: 01.02.2024",
	      "2:7 warning: date '01.02.2024' is no date of the form YYYY-MM-DD");
	warns("date: 2024-13-01",
	      "2:7 warning: date '2024-13-01' is no date of the form YYYY-MM-DD");
	warns("tags: [t1059]", "2:7 warning: the tag 't1059' is not of the form namespace.name");
	warns("related: [{id: x, type: cousin}]",
	      "2:25 warning: unknown type of relation 'cousin'");
	warns("taxonomy: ecs", "2:11 warning: the taxonomy 'ecs' is not known: names of fields are "
			       "taken as they are");
	warns("lvel: high", "2:1 warning: unknown key 'lvel': did you mean 'level'?");
	warns("x-mine: high", NULL);
}

static void bad_attributes(void **state)
{
#define REST "logsource: {product: p}\ndetection: {a: [x], condition: a}\n"
	(void)state;
	fails(REST, "1:1 error: the title is missing");
	fails("title: ''\n" REST, "1:8 error: the title is missing");
	fails("title: {a: b}\n" REST, "1:8 error: title must be a text, not a map");
	fails("title: t\nlevel: hgih\n" REST, "2:8 error: unknown level 'hgih': did you mean "
					      "'high', of informational, low, medium, "
					      "high, critical");
	fails("title: t\nname: ''\n" REST, "2:7 error: an empty name");
	fails("title: t\ntags: {a: b}\n" REST,
	      "2:7 error: tags must be a list of texts, not a map");
	fails("title: t\ndetection: {a: [x], condition: a}\n",
	      "1:1 error: the logsource is missing: a map with category, product or service is "
	      "expected");
	fails("title: t\nlogsource: {definition: d}\ndetection: {a: [x], condition: a}\n",
	      "2:12 error: an empty logsource: category, product or service is expected");
	fails("title: t\nlogsource: linux\ndetection: {a: [x], condition: a}\n",
	      "2:12 error: a logsource that is no map: a map with category, product or service is "
	      "expected");
	fails("title: t\nlogsource: {product: p}\n", "1:1 error: the detection is missing");
	fails("title: t\nlogsource: {product: p}\ndetection: [x]\n",
	      "3:12 error: detection must be a map of search identifiers and a condition");

	/* All that is wrong is told at once. */
	struct sigma_rules *r = sigma_of("title: t\nlevel: x\ndetection: {a: {f|x: 1, g|y: 2}}\n");
	assert_int_equal(r->problems.errors, 4);
	sigma_rules_free(r);
	/* What rules say cannot drive a terminal. */
	r = sigma_of("title: t\nlevel: \"\\e[2J\\n\"\n" REST);
	assert_non_null(strstr(r->problems.problem[0].text, "'\\x1b[2J\\x0a'"));
	sigma_rules_free(r);
}

static void derived_ids(void **state)
{
	struct sigma_rules *r = sigma_of(HEAD "detection: {a: [x], condition: a}\n"
					      "---\ntitle: u\n" REST "---\ntitle: t\n" REST);
	const char *id = r->rule[0]->id;

	(void)state;
	assert_no_problems(r);
	assert_int_equal(strlen(id), 36);
	assert_int_equal(id[14], '8');
	assert_non_null(strchr("89ab", id[19]));
	assert_true(r->rule[0]->id_derived);
	assert_string_not_equal(id, r->rule[1]->id);
	assert_string_equal(id, r->rule[2]->id);
	sigma_rules_free(r);
}

/* "Rule Collections" of Sigma 1, as pySigma reads them; what is more specific wins. */
static void collections(void **state)
{
	struct sigma_rules *r = sigma_of(
		"action: global\ntitle: g\nlevel: low\ndetection: {a: {f: 1}, condition: a}\n"
		"---\nlogsource: {product: p1}\n"
		"---\ntitle: own\nlogsource: {product: p2}\ndetection: {b: [y], condition: a and "
		"b}\n"
		"---\naction: repeat\nlogsource: {product: p3}\ndetection: {a: {f: 2}}\n"
		"---\naction: reset\n"
		"---\ntitle: alone\n" REST);

	(void)state;
	assert_no_problems(r);
	assert_int_equal(r->n, 4);
	assert_string_equal(r->rule[0]->title, "g");
	assert_string_equal(r->rule[0]->logsource.product, "p1");
	assert_expr(r->rule[0]->expr, "a:f[1#]");
	assert_string_equal(r->rule[1]->title, "own");
	assert_int_equal(r->rule[1]->level, SIGMA_LEVEL_low);
	assert_expr(r->rule[1]->expr, "and(a:f[1#], b:[y])");
	assert_string_equal(r->rule[2]->title, "own");
	assert_string_equal(r->rule[2]->logsource.product, "p3");
	assert_expr(r->rule[2]->expr, "and(a:f[2#], b:[y])");
	assert_int_equal(r->rule[3]->level, SIGMA_LEVEL_none);
	sigma_rules_free(r);
	fails("action: repeat\n", "1:9 error: no rule before this one to repeat");
	fails("action: explode\n",
	      "1:9 error: unknown action 'explode': global, reset and repeat are known");
}

static void filters(void **state)
{
#define FILTER(rules_, rest_) \
	"title: t\nlogsource: {product: p}\nfilter:\n  rules: " rules_ "\n" rest_
#define COND(text_) "  a: {f: 1}\n  b: {g: 2}\n  condition: " text_ "\n"
	static const struct {
		const char *text;
		unsigned n;
		const char *want;
	} good[] = {
		{ FILTER("[x, y]", COND("a or b")), 2, "or(a:f[1#], b:g[2#])" },
		{ FILTER("x", COND("1 of them")), 1, "or(a:f[1#], b:g[2#])" },
		{ FILTER("any", COND("a and b")), 0, "and(a:f[1#], b:g[2#])" },
		/* pySigma's condition tells what stays. */
		{ FILTER("Any", COND("not (a or b)")), 0, "or(a:f[1#], b:g[2#])" },
		{ FILTER("Any", COND("not a and not b")), 0, "or(a:f[1#], b:g[2#])" },
		{ FILTER("Any", COND("a and not b")), 0, "and(a:f[1#], not(b:g[2#]))" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct sigma_rules *r = sigma_of(good[i].text);
		assert_no_problems(r);
		assert_int_equal(r->rule[0]->kind, SIGMA_FILTER);
		assert_int_equal(r->rule[0]->filtered.n, good[i].n);
		assert_expr(r->rule[0]->expr, good[i].want);
		sigma_rules_free(r);
	}
	fails("title: t\nlogsource: {product: p}\nfilter: {a: [x], condition: a}\n",
	      "3:9 error: the filter's rules are missing: a list of ids or names, or any");
	fails(FILTER("[]", COND("a and b")),
	      "4:10 error: no rules to filter: for all of them, write any");
	fails(FILTER("any", "  a: [x]\n"), "4:3 error: the condition is missing");
	fails("title: t\nfilter:\n  rules: any\n  a: [x]\n  condition: a\n",
	      "1:1 error: the logsource is missing: a map with category, product or service is "
	      "expected");
	/* With a detection, it is a rule that has a key of its own. */
	struct sigma_rules *r = sigma_of("title: t\nfilter: x\n" REST);
	assert_int_equal(r->rule[0]->kind, SIGMA_RULE);
	sigma_rules_free(r);
}

static const struct sigma_expr *map(struct sigma_rules *r, const char *text)
{
	const struct sigma_pos pos = { .file = "redshank.yaml", .line = 10, .col = 5 };
	return sigma_parse_map(r, pos, text, strlen(text));
}

static void exceptions(void **state)
{
	struct sigma_rules *r;

	(void)state;
	assert_int_equal(sigma_rules_new(&r), 0);
	assert_expr(map(r, "Image: /bin/x\nUser|startswith: [a, b]\n"),
		    "and(Image[/bin/x], User|startswith[a,b])");
	assert_expr(map(r, "{Image: 1}"), "Image[1#]");
	assert_no_problems(r);
	assert_null(map(r, "a|bad: x"));
	assert_problem(r, 0, "10:5 error: unknown modifier 'bad' in 'a|bad'");
	assert_null(map(r, "a: x\n|b: y"));
	assert_null(map(r, "- a\n"));
	assert_null(map(r, ""));
	assert_null(map(r, "{}"));
	assert_null(map(r, "a: b\n---\nc: d\n"));
	assert_null(map(r, "a: b\nc|x: d\n"));
	assert_problem(r, r->problems.n - 1, "11:1 error: unknown modifier 'x' in 'c|x'");
	assert_int_equal(r->problems.errors, 7);
	assert_string_equal(r->problems.problem[0].pos.file, "redshank.yaml");
	sigma_rules_free(r);
}

static void logsources(void **state)
{
	const struct sigma_logsource none = { 0 }, linux_ = { .product = "linux" };
	const struct sigma_logsource exec = { .product = "Linux", .category = "process_creation" };
	const struct sigma_logsource any_exec = { .category = "process_creation" };
	const struct sigma_logsource sshd = { .product = "linux", .service = "sshd" };

	(void)state;
	assert_true(sigma_logsource_fits(&none, &exec));
	assert_true(sigma_logsource_fits(&linux_, &exec));
	assert_true(sigma_logsource_fits(&any_exec, &exec));
	assert_true(sigma_logsource_fits(&exec, &exec));
	assert_false(sigma_logsource_fits(&exec, &linux_));
	assert_false(sigma_logsource_fits(&exec, &sshd));
	assert_false(sigma_logsource_fits(&exec, &any_exec));
	assert_true(sigma_logsource_fits(&linux_, &sshd));
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(sigma_level_name(SIGMA_LEVEL_none), "");
	assert_string_equal(sigma_level_name(SIGMA_LEVEL_critical), "critical");
	assert_int_equal(sigma_level_by_name("informational"), SIGMA_LEVEL_informational);
	assert_int_equal(sigma_level_by_name(""), -1);
	assert_string_equal(sigma_compare_name(SIGMA_gte), "gte");
	assert_string_equal(sigma_correlation_type_name(SIGMA_value_median), "value_median");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches),
		cmocka_unit_test(modifiers),
		cmocka_unit_test(bad_searches),
		cmocka_unit_test(attributes),
		cmocka_unit_test(doubtful_attributes),
		cmocka_unit_test(bad_attributes),
		cmocka_unit_test(derived_ids),
		cmocka_unit_test(collections),
		cmocka_unit_test(filters),
		cmocka_unit_test(exceptions),
		cmocka_unit_test(logsources),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests_name("sigma_parse", tests, NULL, NULL);
}
