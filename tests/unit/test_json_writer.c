/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: commas, escapes, times, base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "encode/json_writer.h"

static struct buf out;

static int teardown(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

static void times(void **state)
{
	(void)state;
	srand(5);
	for (unsigned i = 0; i < 50000; i++) {
		uint64_t ns = (uint64_t)rand() << 33 ^ (uint64_t)rand() << 16 ^ (uint64_t)rand();
		if (i < 4)
			ns = (const uint64_t[]){ 0, UINT64_MAX, 951782400000000000,
						 4107542399999999999 }[i];
		time_t s = (time_t)(ns / 1000000000);
		struct tm tm;
		char expected[64], date[32];
		assert_non_null(gmtime_r(&s, &tm));
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(expected, sizeof(expected), "\"%s.%09uZ\"", date,
			 (unsigned)(ns % 1000000000));
		buf_reset(&out);
		jw_time(&(struct jw){ .out = &out }, ns);
		assert_string_equal(buf_str(&out), expected);
	}
}

static void base64(void **state)
{
	(void)state;
	/* RFC 4648 section 10, and every digit. */
	static const char *const pairs[][2] = {
		{ "", "\"\"" },
		{ "f", "\"Zg==\"" },
		{ "fo", "\"Zm8=\"" },
		{ "foo", "\"Zm9v\"" },
		{ "foob", "\"Zm9vYg==\"" },
		{ "fooba", "\"Zm9vYmE=\"" },
		{ "foobar", "\"Zm9vYmFy\"" },
		{ "\xfb\xff\xbf", "\"+/+/\"" },
	};
	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		buf_reset(&out);
		jw_base64(&(struct jw){ .out = &out }, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(buf_str(&out), pairs[i][1]);
	}
}

static void nesting(void **state)
{
	(void)state;
	struct jw j = { .out = &out };
	buf_reset(&out);
	jw_open(&j, '[');
	jw_open(&j, '{');
	jw_close(&j, '}');
	jw_open(&j, '{');
	jw_key(&j, "a");
	jw_num(&j, 1);
	jw_key(&j, "b");
	jw_open(&j, '[');
	jw_bool(&j, true);
	jw_bool(&j, false);
	jw_text(&j, "x");
	jw_close(&j, ']');
	jw_key_any(&j, "c\"", "\xff");
	jw_joined(&j, "", 0);
	jw_close(&j, '}');
	jw_num(&j, 2);
	jw_close(&j, ']');
	assert_string_equal(buf_str(&out),
			    "[{},{\"a\":1,\"b\":[true,false,\"x\"],\"c\\\"\xef\xbf\xbd\":\"\"},2]");
}

static void strings(void **state)
{
	(void)state;
	buf_reset(&out);
	assert_true(json_quote(&out, "a\0b", 3));
	assert_true(json_quote(&out, "", 0));
	assert_false(json_quote(&out, "\xc3", 1));
	assert_string_equal(buf_str(&out), "\"a\\u0000b\"\"\"\"\xef\xbf\xbd\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(base64),
		cmocka_unit_test(nesting),
		cmocka_unit_test(strings),
	};
	return cmocka_run_group_tests_name("json_writer", tests, NULL, teardown);
}
