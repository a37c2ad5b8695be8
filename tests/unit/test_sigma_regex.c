/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions: what they match, what bounds them, what they let a search look for. */
#include "sigma/regex.h"
#include "sigma_hand.h"

static void search_is_unanchored_and_cased(void **state)
{
	(void)state;
	yes("f|re", S("b+"), S("abbc"));
	no("f|re", S("B"), S("abc"));
	yes("f|re|i", S("B"), S("abc"));
	yes("f|re|i", S("É"), S("café"));
	yes("f|re", S("(?i)AbC"), S("xaBcx"));
	yes("f|re", S("^a.*c$"), S("abc"));
	no("f|re", S("^b"), S("abc"));
	yes("f|re", S("^$"), S(""));
	yes("f|re", S(".*"), S(""));
	no("f|re", S(".*"), null());
	yes("f|re", S("^.$"), S("é"));
	yes("f|re", S("\\bfoo\\b"), S("a foo b"));
	yes("f|re", S("a\\/b\\s\\d{2,3}"), S("xa/b 123"));
	yes("f|re", S("^5$"), I("5", 5));
	yes("f|re", S("true"), B(true));
	yes("f|re|startswith", S("b|a"), S("abc"));
	no("f|re|startswith", S("b"), S("abc"));
	yes("f|re|endswith", S("b|c"), S("abc"));
	no("f|re|endswith", S("b"), S("abc"));
	yes("f|re|contains", S("^a"), S("abc"));
	yes("|re", S("o.a"), S("foobar"));
}

static void lines(void **state)
{
	(void)state;
	no("f|re", S("^b"), S("a\nb"));
	yes("f|re|m", S("^b$"), S("a\nb\nc"));
	no("f|re", S("a.b"), S("a\nb"));
	yes("f|re|s", S("a.b"), S("a\nb"));
	yes("f|re|i|m|s", S("^B.C"), S("a\nb\nc"));
	yes("f|re", S("second"), S("first\nsecond line\n"));
	yes("f|re", S("x$"), S("x\n"));
}

static void text_that_is_not_utf8_does_no_harm(void **state)
{
	(void)state;
	yes("f|re", S("evil"), S("\xff\xfe evil\x80"));
	yes("f|re", S("b$"),
	    S("\x80"
	      "b"));
	no("f|re", S("^.$"), S("\xff"));
	yes("f|re", S("a.*z"), hand_bytes("a\0z", 3));
}

static void bounds_hold(void **state)
{
	(void)state;
	enum { LONG = 100000 };
	struct regex_scratch *s;
	struct regex *r;
	struct err e;
	char *text = malloc(LONG);

	assert_non_null(text);
	memset(text, 'a', LONG);
	assert_int_equal(regex_scratch_new(&s), 0);
	/* Catastrophic: tells so, soon. */
	assert_int_equal(regex_new("^(a+)+$", 7, 0, &r, &e), 0);
	text[60] = '!';
	assert_int_equal(regex_match(r, s, text, 61), -ELOOP);
	text[60] = 'a';
	regex_free(r);
	/* What the public rules have must work on the longest command lines. */
	assert_int_equal(regex_new("(.){200,}", 9, 0, &r, &e), 0);
	assert_int_equal(regex_match(r, s, text, LONG), 1);
	assert_int_equal(regex_match(r, s, text, 199), 0);
	regex_free(r);
	assert_int_equal(regex_new("\\S{100,}$", 9, 0, &r, &e), 0);
	assert_int_equal(regex_match(r, s, text, LONG), 1);
	regex_free(r);
	regex_scratch_free(s);
	free(text);
}

static void errors_say_where(void **state)
{
	(void)state;
	struct regex *r;
	struct err e;

	assert_int_equal(regex_new("ab(c", 4, 0, &r, &e), -EINVAL);
	assert_non_null(strstr(e.text, "offset 4"));
	assert_non_null(strstr(e.text, "parenthesis"));
	assert_int_equal(regex_new("a{2,1}", 6, 0, &r, &e), -EINVAL);
	assert_int_equal(regex_new("(a{1,65000}){1,65000}", 21, 0, &r, &e), -EINVAL);
	assert_int_equal(regex_new("a\\C", 3, 0, &r, &e), -EINVAL);
}

static const char *literals(const char *pattern)
{
	static char text[2048];
	struct regex_literals l;
	size_t n = 0;

	text[0] = 0;
	regex_literals(pattern, strlen(pattern), &l);
	for (unsigned i = 0; i < l.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? " " : "",
				      l.literal[i].len, l.literal[i].s);
	return text;
}

static void required_text_is_found(void **state)
{
	(void)state;
	assert_string_equal(literals("abc"), "abc");
	assert_string_equal(literals("^ab.cdef$"), "cdef");
	assert_string_equal(literals("(?:aa|bbb)"), "aa bbb");
	assert_string_equal(literals("foo(?:aa|bbb)"), "foo");
	assert_string_equal(literals("a(?:foo|bar)+\\d"), "foo bar");
	assert_string_equal(literals("abc|de"), "abc de");
	assert_string_equal(literals("a\\.b\\/c"), "a.b/c");
	assert_string_equal(literals("abcd?ef"), "abc");
	assert_string_equal(literals("abcd*"), "abc");
	assert_string_equal(literals("ab+c"), "ab");
	assert_string_equal(literals("(?i)curl\\s+http"), "curl");
	assert_string_equal(literals("[xyz]abc"), "abc");
	assert_string_equal(literals("[]x]abc[^]]"), "abc");
	assert_string_equal(literals("[\\]a]bcd"), "bcd");
	assert_string_equal(literals("a{3}bcd"), "bcd");
}

static void required_text_is_never_guessed(void **state)
{
	(void)state;
	static const char *const none[] = {
		"abc|",		 "abc|.*",     "(?:abc)?",
		"(?:abc)*",	 "(abc){0,2}", "a*b*",
		"\\x41bc",	 "(?x)a b c",  "(?!abc)",
		"(?=abc)d",	 "\\Qa.b\\E",  "[abc]+",
		"(?<n>abc)",	 "(*UTF)abc",  "(?#abc)d",
		"(?<!abc)x",	 "\\u0041bc",  "abc\\1",
		"(?i-x:abc)\\p", "(a|)",       ".{200,}",
		"é+ü",		 "a{,3}",      "\\d+",
		"(?(1)abc|d)",	 "x{0}",       "[[:alpha:]]abc",
		"a\\",		 "",	       "(?R)abc",
	};

	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_string_equal(literals(none[i]), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(search_is_unanchored_and_cased),
		cmocka_unit_test(lines),
		cmocka_unit_test(text_that_is_not_utf8_does_no_harm),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(errors_say_where),
		cmocka_unit_test(required_text_is_found),
		cmocka_unit_test(required_text_is_never_guessed),
	};
	return cmocka_run_group_tests_name("sigma_regex", tests, NULL, NULL);
}
