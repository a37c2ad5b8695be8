/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 against the table of well-formed sequences: Unicode 15, table 3-7; RFC 3629 section 4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/utf8.h"

#define SEQ(s_) utf8_seq((const unsigned char *)(s_), sizeof(s_) - 1)

static void sequences(void **state)
{
	(void)state;
	assert_int_equal(utf8_seq((const unsigned char *)"a", 0), 0);
	assert_int_equal(utf8_seq((const unsigned char *)"", 1), 1); /* NUL is a character */
	assert_int_equal(SEQ("\x7f"), 1);
	assert_int_equal(SEQ("\xc2\x80"), 2);
	assert_int_equal(SEQ("\xdf\xbf"), 2);
	assert_int_equal(SEQ("\xe0\xa0\x80"), 3);
	assert_int_equal(SEQ("\xed\x9f\xbf"), 3); /* U+D7FF */
	assert_int_equal(SEQ("\xee\x80\x80"), 3); /* U+E000 */
	assert_int_equal(SEQ("\xef\xbf\xbf"), 3);
	assert_int_equal(SEQ("\xf0\x90\x80\x80"), 4);
	assert_int_equal(SEQ("\xf4\x8f\xbf\xbf"), 4); /* U+10FFFF */
}

static void broken_sequences(void **state)
{
	(void)state;
	assert_int_equal(SEQ("\x80"), 0); /* continuation alone */
	assert_int_equal(SEQ("\xbf\x80"), 0);
	assert_int_equal(SEQ("\xc0\x80"), 0); /* overlong NUL */
	assert_int_equal(SEQ("\xc0\xaf"), 0); /* overlong slash */
	assert_int_equal(SEQ("\xc1\xbf"), 0);
	assert_int_equal(SEQ("\xe0\x80\xaf"), 0); /* overlong */
	assert_int_equal(SEQ("\xe0\x9f\xbf"), 0);
	assert_int_equal(SEQ("\xf0\x80\x80\xaf"), 0);
	assert_int_equal(SEQ("\xf0\x8f\xbf\xbf"), 0);
	assert_int_equal(SEQ("\xed\xa0\x80"), 0); /* surrogates */
	assert_int_equal(SEQ("\xed\xbf\xbf"), 0);
	assert_int_equal(SEQ("\xf4\x90\x80\x80"), 0); /* above U+10FFFF */
	assert_int_equal(SEQ("\xf5\x80\x80\x80"), 0);
	assert_int_equal(SEQ("\xff\xff\xff\xff"), 0);
	assert_int_equal(SEQ("\xc2"), 0); /* truncated */
	assert_int_equal(SEQ("\xe2\x82"), 0);
	assert_int_equal(SEQ("\xf0\x9f\x98"), 0);
	assert_int_equal(SEQ("\xc2\x41"), 0); /* interrupted */
	assert_int_equal(SEQ("\xe2\x82\x41"), 0);
	assert_int_equal(SEQ("\xe2\x41\x82"), 0);
	assert_int_equal(SEQ("\xf0\x9f\x98\x41"), 0);
}

/* Encodes by the definition, so that every code point is tried. */
static size_t encode(uint32_t c, unsigned char *to)
{
	if (c < 0x80) {
		to[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (unsigned char)(0xC0 | c >> 6);
		to[1] = (unsigned char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (unsigned char)(0xE0 | c >> 12);
		to[1] = (unsigned char)(0x80 | (c >> 6 & 63));
		to[2] = (unsigned char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (unsigned char)(0xF0 | c >> 18);
	to[1] = (unsigned char)(0x80 | (c >> 12 & 63));
	to[2] = (unsigned char)(0x80 | (c >> 6 & 63));
	to[3] = (unsigned char)(0x80 | (c & 63));
	return 4;
}

static void every_code_point(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x120000; c++) {
		unsigned char u[4];
		size_t n = encode(c, u);
		bool good = c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
		if (utf8_seq(u, n) != (good ? n : 0))
			fail_msg("U+%X", c);
		for (size_t k = 1; k < n; k++)
			if (utf8_seq(u, k))
				fail_msg("U+%X cut to %zu bytes", c, k);
	}
}

static void valid(void **state)
{
	(void)state;
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0b", 3));
	assert_true(utf8_valid("gr\xc3\xbc\xc3\x9f", 6));
	assert_false(utf8_valid("gr\xc3\xbc\xc3", 5));
	assert_false(utf8_valid("\xff", 1));
}

static void sanitized(const char *p, size_t n, const char *expected)
{
	struct buf b = { 0 };
	utf8_sanitize(&b, p, n);
	assert_string_equal(buf_str(&b), expected);
	assert_true(utf8_valid(b.data, b.len));
	buf_free(&b);
}

static void sanitize(void **state)
{
	(void)state;
	sanitized("", 0, "");
	sanitized("ok \xe2\x82\xac", 6, "ok \xe2\x82\xac");
	sanitized("a\xff"
		  "b",
		  3, "a" UTF8_REPLACEMENT "b");
	sanitized("\xe2\x82", 2, UTF8_REPLACEMENT UTF8_REPLACEMENT); /* one for each byte */
	sanitized("\xe2\x82/", 3, UTF8_REPLACEMENT UTF8_REPLACEMENT "/"); /* the slash survives */
}

static void printed(const char *p, size_t n, const char *expected)
{
	struct buf b = { 0 };
	utf8_printable(&b, p, n);
	assert_string_equal(buf_str(&b), expected);
	buf_free(&b);
}

static void printable(void **state)
{
	(void)state;
	printed("a\\b \xc3\xa9", 6, "a\\b \xc3\xa9");
	printed("\x1b[2J", 4, "\\x1b[2J");
	printed("\r\n\t\0\x7f", 5, "\\x0d\\x0a\\x09\\x00\\x7f");
	printed("\xc2\x9b", 2, "\\xc2\\x9b"); /* CSI as one C1 character */
	printed("\xc2\xa0", 2, "\xc2\xa0"); /* the first that is not C1 */
	printed("\xe2\x80\xae", 3, "\\xe2\\x80\\xae"); /* right-to-left override */
	printed("\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6"); /* left-to-right isolate */
	printed("\xd8\x9c", 2, "\\xd8\\x9c"); /* Arabic letter mark */
	printed("\xe2\x80\xa8", 3, "\\xe2\\x80\\xa8"); /* line separator */
	printed("\xe2\x80\xa6", 3, "\xe2\x80\xa6"); /* an ellipsis is text */
	printed("\xff", 1, "\\xff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences),	    cmocka_unit_test(broken_sequences),
		cmocka_unit_test(every_code_point), cmocka_unit_test(valid),
		cmocka_unit_test(sanitize),	    cmocka_unit_test(printable),
	};
	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
