/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions: what they match, what bounds them, what they let a search look for. */
#include "base/buf.h"
#include "sigma/fold.h"
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

/* As a list: "^" before those that text must begin with, "$" behind those that it must end with. */
static const char *literals_of(const char *pattern, unsigned flags)
{
	static char text[16384];
	struct regex_literals l;
	size_t n = 0;

	text[0] = 0;
	regex_literals(pattern, strlen(pattern), flags, &l);
	for (unsigned i = 0; i < l.n; i++) {
		const struct regex_literal *t = &l.literal[i];
		bool starts = t->place == REGEX_STARTS || t->place == REGEX_WHOLE;
		bool ends = t->place == REGEX_ENDS || t->place == REGEX_WHOLE;
		/* Each that ends text does so with a line's end behind it too. */
		if (ends && t->s[t->len - 1] == '\n')
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%.*s%s", n ? " " : "",
				      starts ? "^" : "", t->len, t->s, ends ? "$" : "");
	}
	return text;
}

static const char *literals(const char *pattern)
{
	return literals_of(pattern, 0);
}

static void required_text_is_found(void **state)
{
	(void)state;
	assert_string_equal(literals("abc"), "abc");
	assert_string_equal(literals("^ab.cdef$"), "cdef$");
	assert_string_equal(literals("(?:aa|bbb)"), "aa bbb");
	assert_string_equal(literals("foo(?:aa|bbb)"), "fooaa foobbb");
	assert_string_equal(literals("a(?:foo|bar)+\\d"), "afoo abar");
	assert_string_equal(literals("abc|de"), "abc de");
	assert_string_equal(literals("a\\.b\\/c"), "a.b/c");
	assert_string_equal(literals("abcd?ef"), "abcdef abcef");
	assert_string_equal(literals("abcd*"), "abc");
	assert_string_equal(literals("ab+c"), "ab");
	assert_string_equal(literals("ab+cdef"), "bcdef");
	assert_string_equal(literals("(?i)CURL\\s+http"), "curl");
	assert_string_equal(literals("[xyz]abc"), "xabc yabc zabc");
	assert_string_equal(literals("[^xyz]abc"), "abc");
	assert_string_equal(literals("[x-z]abc"), "abc");
	assert_string_equal(literals("[]x]abc[^]]"), "]abc xabc");
	assert_string_equal(literals("[\\]a]bcd"), "]bcd abcd");
	assert_string_equal(literals("a{3}bcd"), "abcd");
	assert_string_equal(literals("/(nc|ncat)$"), "/nc$ /ncat$");
	assert_string_equal(literals("/((ba|z)?sh|perl[0-9.]*)$"), "/bash$ /zsh$ /sh$ /perl");
	assert_string_equal(literals("^(-T|--upload-file(=.*)?)$"),
			    "^-t$ ^--upload-file= ^--upload-file$");
	assert_string_equal(literals("(^|/)nmap\\b"), "^nmap /nmap");
	assert_string_equal(literals("^(?>(\\S*/)?)(?!(wget|nc)\\b)tftp"), "tftp");
	assert_string_equal(literals("\\Aabc\\z"), "^abc$");
	assert_string_equal(literals("(?=abc)d"), "d");
	assert_string_equal(literals("(?<!abc)xyz"), "xyz");
	assert_string_equal(literals("(.){200,}(x|y)$"), "x$ y$");
	assert_string_equal(literals_of("^abc$", REGEX_M), "abc");
	assert_string_equal(literals("(?m)^abc$"), "abc");
	assert_string_equal(literals("(?:(?m)x)?^abc$"), "abc");
}

static void required_text_is_never_guessed(void **state)
{
	(void)state;
	static const char *const none[] = {
		"abc|",		  "abc|.*",	   "(?:abc)?",
		"(?:abc)*",	  "(abc){0,2}",	   "a*b*",
		"\\x41bc",	  "(?x)a b c",	   "(?!abc)",
		"\\Qa.b\\E",	  "[a-c]+",	   "(?<n>abc)",
		"(*UTF)abc",	  "(?#abc)d",	   "\\u0041bc",
		"abc\\1",	  "(?i-x:abc)\\p", "(a|)",
		".{200,}",	  "é+ü",	   "a{,3}",
		"\\d+",		  "(?(1)abc|d)",   "x{0}",
		"[[:alpha:]]abc", "a\\",	   "",
		"(?R)abc",	  "abc(?1)",	   "(?&n)abc",
		"abc\\K",	  "(?|abc|abd)",   "(?P<n>abc)",
		"(?'n'abc)",	  "(?i-x)abc",	   "abc(?-1)",
		"(*ACCEPT)abc",	  "abc(?C1)",	   "^$",
		"(^|x)$",	  "abc{2,x}",	   "[\\Qa\\E]bc",
	};

	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_string_equal(literals(none[i]), "");
}

static void many_and_long_ones_do_no_harm(void **state)
{
	(void)state;
	char long_one[4000], many[4000] = "(";
	struct regex_literals l;
	size_t n = 1;

	memset(long_one, 'x', sizeof(long_one));
	regex_literals(long_one, sizeof(long_one), 0, &l);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.literal[0].len, REGEX_LITERAL_LEN);
	long_one[sizeof(long_one) - 1] = '$';
	regex_literals(long_one, sizeof(long_one), 0, &l);
	assert_int_equal(l.literal[0].place, REGEX_ANYWHERE);
	for (unsigned i = 0; i < 500; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "n%u|", i);
	many[n - 1] = ')';
	regex_literals(many, n, 0, &l);
	assert_int_equal(l.n, 0);
	assert_non_null(
		strstr(literals("(a|b|c|d)(a|b|c|d)(a|b|c|d)(a|b|c|d)(a|b|c|d)needle"), "needle"));
	assert_string_equal(literals("((((((((((((((((((((abc))))))))))))))))))))"), "");
}

static uint64_t seed = 1;

static unsigned next(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % n;
}

static void random_part(struct buf *b, unsigned depth)
{
	static const char *const atoms[] = {
		"a",	 "b",	 "ab",	 "ba",	  "A",	   "\\.",    ".",      "[ab]", "[^a]",
		"[a-b]", "^",	 "$",	 "\\b",	  "\\s",   "\\A",    "\\z",    "\\Z",  "\n",
		"(?i)",	 "(?m)", "[b.]", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "k",    "[]a]",
		"\\n",	 "\\B",	 "\\w",	 "\\G",	  "é",	   "[\\.a]", "[a-]",   "(?s)", "(?-m)",
	};
	static const char *const open[] = { "(", "(?:", "(?>", "(?i:", "(?m:", "(?=", "(?!" };
	static const char *const repeats[] = { "?",  "*",  "+",	  "??",	   "+?",    "*+",
					       "++", "?+", "{2}", "{0,1}", "{1,2}", "{0}" };

	for (unsigned n = 1 + next(4); n; n--) {
		if (depth && !next(3)) {
			buf_puts(b, open[next(next(2) ? 3 : sizeof(open) / sizeof(open[0]))]);
			random_part(b, depth - 1);
			buf_putc(b, ')');
		} else {
			buf_puts(b, atoms[next(next(2) ? 10 : sizeof(atoms) / sizeof(atoms[0]))]);
		}
		if (!next(4))
			buf_puts(b, repeats[next(sizeof(repeats) / sizeof(repeats[0]))]);
		if (n > 1 && !next(5))
			buf_putc(b, '|');
	}
}

static void random_text(struct buf *b)
{
	static const char *const bytes[] = {
		"a", "b", "ab",	      "ba",	      "A",    ".",    "B", "\n", " ", "]",
		"-", "k", "\xc3\xa9", "\xe2\x84\xaa", "\xff", "\xc3",
	};

	buf_reset(b);
	for (unsigned n = next(9); n; n--)
		buf_puts(b, bytes[next(next(2) ? 4 : sizeof(bytes) / sizeof(bytes[0]))]);
}

static bool stands(const struct regex_literal *l, const char *s, size_t n)
{
	if (n < l->len)
		return false;
	switch (l->place) {
	case REGEX_STARTS:
		return !memcmp(s, l->s, l->len);
	case REGEX_ENDS:
		return !memcmp(s + n - l->len, l->s, l->len);
	case REGEX_WHOLE:
		return n == l->len && !memcmp(s, l->s, n);
	default:
		return memmem(s, n, l->s, l->len);
	}
}

/* Whatever matches has one of the texts in its place. */
static void what_matches_has_required_text(void **state)
{
	(void)state;
	struct buf pattern = { 0 }, text = { 0 };
	struct fold fold = { 0 };
	struct regex_scratch *s;
	unsigned said = 0, matched = 0;

	assert_int_equal(regex_scratch_new(&s), 0);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned flags = next(8) & next(8);
		struct regex_literals l;
		struct regex *r;
		struct err e;

		buf_reset(&pattern);
		random_part(&pattern, 3);
		regex_literals(pattern.data, pattern.len, flags, &l);
		if (!l.n || regex_new(pattern.data, pattern.len, flags, &r, &e))
			continue;
		said++;
		for (unsigned k = 0; k < 40; k++) {
			size_t off, n;
			bool any = false;
			random_text(&text);
			if (regex_match(r, s, text.data ? text.data : "", text.len) != 1)
				continue;
			matched++;
			fold_reset(&fold);
			assert_int_equal(fold_add(&fold, text.data, text.len, &off, &n), 0);
			for (unsigned j = 0; j < l.n && !any; j++)
				any = stands(&l.literal[j], fold.s + off, n);
			if (!any)
				fail_msg("%s, flags %u, matches \"%s\"", buf_str(&pattern), flags,
					 buf_str(&text));
		}
		regex_free(r);
	}
	/* It is not by saying nothing that it is right. */
	assert_true(said > 3000 && matched > 10000);
	fold_free(&fold);
	buf_free(&pattern);
	buf_free(&text);
	regex_scratch_free(s);
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
		cmocka_unit_test(many_and_long_ones_do_no_harm),
		cmocka_unit_test(what_matches_has_required_text),
	};
	return cmocka_run_group_tests_name("sigma_regex", tests, NULL, NULL);
}
