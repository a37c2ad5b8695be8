/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of rules: escapes, wildcards, case (spec: "String Wildcard", "Escape Character"). */
#include "sigma_hand.h"

static void values_match_as_a_whole(void **state)
{
	(void)state;
	yes("f", S("abc"), S("abc"));
	no("f", S("abc"), S("abcd"));
	no("f", S("abc"), S("xabc"));
	no("f", S("abc"), S(""));
	yes("f|contains", S("b"), S("abc"));
	yes("f|contains", S("abc"), S("abc"));
	no("f|contains", S("bd"), S("abcd"));
	yes("f|startswith", S("ab"), S("abc"));
	no("f|startswith", S("bc"), S("abc"));
	yes("f|endswith", S("bc"), S("abc"));
	no("f|endswith", S("ab"), S("abc"));
	no("f|endswith", S("xxabc"), S("abc"));
	yes("f|startswith", S("abc"), S("abc"));
	yes("f|endswith", S("abc"), S("abc"));
}

static void case_folds_in_every_script(void **state)
{
	(void)state;
	yes("f", S("ABC"), S("abc"));
	yes("f", S("CAFÉ"), S("café"));
	yes("f", S("café"), S("CAFÉ"));
	yes("f|contains", S("ΣΊΣΥΦΟΣ"), S("x σίσυφος y"));
	yes("f|endswith", S("σίσυφοσ"), S("ΣΊΣΥΦΟς"));
	yes("f|startswith", S("ПРИВЕТ"), S("привет, мир"));
	yes("f", S("straße"), S("STRASSE"));
	yes("f", S("STRAẞE"), S("straße"));
	yes("f|contains", S("K"), S("\u212A")); /* Kelvin sign */
	no("f", S("cafe"), S("café"));
	yes("f|cased", S("Café"), S("Café"));
	no("f|cased", S("Café"), S("café"));
	no("f|cased|contains", S("X"), S("axb"));
	yes("f|contains|cased", S("X"), S("aXb"));
	no("f|endswith|cased", S("/Bash"), S("/bin/bash"));
	yes("f|cased", S("A*c"), S("Abc"));
	no("f|cased", S("A*c"), S("abc"));
	no("f|cased", S("A*c"), S("AbC"));
}

static void bytes_that_are_not_text_stay(void **state)
{
	(void)state;
	yes("f|contains", S("evil"), S("\xff\xfe EVIL\x80"));
	yes("f", S("a?b"),
	    S("a\xff"
	      "b"));
	yes("f|contains", S("\xff"),
	    S("a\xff"
	      "b"));
	no("f|contains", S("\xfe"),
	   S("a\xff"
	     "b"));
	yes("f", hand_bytes("a*z", 3), hand_bytes("a\0z", 3));
	yes("f|contains", hand_bytes("\0z", 2), hand_bytes("a\0zb", 4));
}

static void question_mark_is_one_character(void **state)
{
	(void)state;
	yes("f", S("a?c"), S("abc"));
	yes("f", S("a?c"), S("aéc"));
	yes("f", S("a?c"), S("a€c"));
	yes("f", S("a?c"), S("a\U0001F600c"));
	no("f", S("a?c"), S("ac"));
	no("f", S("a?c"), S("abbc"));
	no("f", S("?"), S(""));
	yes("f", S("stra?e"), S("straße"));
	no("f", S("stra??e"), S("straße"));
	no("f|contains", S("??"), S("€"));
	yes("f|contains", S("??"), S("€x"));
	no("f|endswith", S("??"), S("é"));
	yes("f|endswith", S("a?"), S("xaé"));
	no("f", S("*?a*?"), S("éa"));
	yes("f|contains", S("passw?rd"), S("my PASSW0RD is"));
}

static void escapes(void **state)
{
	(void)state;
	yes("f", S("a\\*c"), S("a*c"));
	no("f", S("a\\*c"), S("abc"));
	yes("f", S("a\\?c"), S("a?c"));
	no("f", S("a\\?c"), S("abc"));
	yes("f", S("a\\\\c"), S("a\\c"));
	yes("f", S("a\\c"), S("a\\c"));
	yes("f", S("a\\\\*"), S("a\\anything"));
	no("f", S("a\\\\*"), S("a*"));
	yes("f", S("a\\\\\\*"), S("a\\*"));
	no("f", S("a\\\\\\*"), S("a\\b"));
	yes("f", S("a\\\\\\c"), S("a\\\\c"));
	yes("f", S("a\\\\\\\\c"), S("a\\\\c"));
	yes("f", S("a\\"), S("a\\"));
	yes("f|endswith", S("\\"), S("a\\"));
	yes("f|startswith", S("a\\"), S("a\\b"));
	yes("f|contains", S("\\xyz"), S("a\\xyzb"));
	yes("f", S("[a]{1}"), S("[a]{1}"));
	no("f", S("[a]"), S("a"));
}

static void wildcards_stay_under_modifiers(void **state)
{
	(void)state;
	yes("f|startswith", S("/etc/*.conf"), S("/etc/x/y.conf.bak"));
	no("f|startswith", S("/etc/*.conf"), S("x/etc/a.conf"));
	yes("f|endswith", S("/etc/*.conf"), S("/root/etc/x.conf"));
	yes("f|contains", S("sed -i /^*"), S("sudo sed -i /^root/d"));
	yes("f|contains", S("a*b"), S("xxa\n/\nbxx"));
	yes("f", S("a*b"), S("ab"));
	yes("f", S("*"), S(""));
	yes("f", S("*"), S("x"));
	yes("f", S("*a*b*c"), S("xaxbxabcxc"));
	no("f", S("*a*b*c"), S("xaxcxb"));
	yes("f", S("a**b"), S("ab"));
	yes("f", S("*aab"), S("aaab"));
	yes("f", S("a*a"), S("aa"));
	no("f", S("a*a"), S("a"));
}

static void wildcards_in_events_are_data(void **state)
{
	(void)state;
	no("f", S("abc"), S("a*"));
	no("f", S("abc"), S("a?c"));
	yes("f|contains", S("rm \\*"), S("rm *"));
	yes("f", S("a?c"), S("a?c"));
}

static void empty_and_nothing(void **state)
{
	(void)state;
	struct hand_field none = { .name = "f", .n = 0 };
	struct sigma_scalar empty = S(""), nothing = null(), star = S("*");

	yes("f", S(""), S(""));
	no("f", S(""), S("x"));
	no("f", S(""), null());
	yes("f|contains", S(""), S("x"));
	yes("f|contains", S(""), S(""));
	yes("f|startswith", S(""), S("x"));
	no("f|contains", S(""), null());
	yes("f", null(), null());
	no("f", null(), S(""));
	assert_int_equal(hand_match("f", 1, &nothing, NULL, 0, NULL), 1);
	assert_int_equal(hand_match("f", 1, &nothing, &none, 1, NULL), 1);
	assert_int_equal(hand_match("f", 1, &empty, NULL, 0, NULL), 0);
	assert_int_equal(hand_match("f", 1, &star, NULL, 0, NULL), 0);
	assert_int_equal(hand_match("f|contains", 1, &empty, NULL, 0, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_match_as_a_whole),
		cmocka_unit_test(case_folds_in_every_script),
		cmocka_unit_test(bytes_that_are_not_text_stay),
		cmocka_unit_test(question_mark_is_one_character),
		cmocka_unit_test(escapes),
		cmocka_unit_test(wildcards_stay_under_modifiers),
		cmocka_unit_test(wildcards_in_events_are_data),
		cmocka_unit_test(empty_and_nothing),
	};
	return cmocka_run_group_tests_name("sigma_pattern", tests, NULL, NULL);
}
