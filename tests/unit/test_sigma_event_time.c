/* SPDX-License-Identifier: Apache-2.0 */
/* Times of events: RFC 3339 section 5.6, and Unix times of any unit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sigma/event_time.h"

static bool parse(enum sigma_type type, const char *text, uint64_t *ret)
{
	struct sigma_scalar s = { .type = type, .text = text, .len = strlen(text) };

	if (type == SIGMA_float)
		s.f = strtod(text, NULL);
	return event_time_parse(&s, ret);
}

static void dates(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t seconds, ns;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "2026-08-01T18:14:03Z", 1785608043, 0 },
		{ "2026-08-01t18:14:03z", 1785608043, 0 },
		{ "2026-08-01 18:14:03", 1785608043, 0 },
		{ "2026-08-01T20:14:03+02:00", 1785608043, 0 },
		{ "2026-08-01T20:14:03+0200", 1785608043, 0 },
		{ "2026-08-01T12:44:03-05:30", 1785608043, 0 },
		{ "2026-08-01T18:14:03.5Z", 1785608043, 500000000 },
		{ "2026-08-01T18:14:03.000000001Z", 1785608043, 1 },
		{ "2026-08-01T18:14:03.1234567899999Z", 1785608043, 123456789 },
		{ "2024-02-29T00:00:00Z", 1709164800, 0 },
		{ "2016-12-31T23:59:60Z", 1483228800, 0 }, /* a leap second */
		{ "2554-01-01T00:00:00Z", 18429292800, 0 },
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t got;
		if (!parse(SIGMA_str, good[i].text, &got) ||
		    got != good[i].seconds * 1000000000 + good[i].ns)
			fail_msg("%s", good[i].text);
	}
}

static void numbers(void **state)
{
	(void)state;
	static const struct {
		enum sigma_type type;
		const char *text;
		uint64_t ns;
	} good[] = {
		{ SIGMA_int, "0", 0 },
		{ SIGMA_int, "1785608043", 1785608043000000000 },
		{ SIGMA_float, "1785608043.25", 1785608043250000000 },
		{ SIGMA_float, "1785608043.123456789", 1785608043123456789 },
		{ SIGMA_str, "1785608043.123456789", 1785608043123456789 },
		{ SIGMA_int, "1785608043123", 1785608043123000000 },
		{ SIGMA_float, "1785608043123.5", 1785608043123500000 },
		{ SIGMA_int, "1785608043123456", 1785608043123456000 },
		{ SIGMA_int, "1785608043123456789", 1785608043123456789 },
		{ SIGMA_float, "1.785608043e9", 1785608043000000000 },
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t got;
		if (!parse(good[i].type, good[i].text, &got) || got != good[i].ns)
			fail_msg("%s", good[i].text);
	}
}

static void what_is_no_time(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"now",
		"-1",
		"1.",
		"1.5.5",
		"0x10",
		"99999999999999999999",
		"2026-08-01",
		"2026-08-01T18:14",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-08-00T00:00:00Z",
		"2026-08-01T24:00:00Z",
		"2026-08-01T00:60:00Z",
		"2026-08-01T00:00:61Z",
		"2026-08-01T00:00:00.Z",
		"2026-08-01T00:00:00Zx",
		"2026-08-01T00:00:00+25:00",
		"2026-08-01T00:00:00+1",
		"2026-8-1T00:00:00Z",
		"1969-12-31T23:59:59Z",
		"9999-01-01T00:00:00Z",
		"2026-08-01T18:14:03.00000000000000000000000000000000000000000000000000000Z",
	};
	uint64_t got;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(SIGMA_str, bad[i], &got))
			fail_msg("taken: %s", bad[i]);
	assert_false(parse(SIGMA_null, "", &got));
	assert_false(parse(SIGMA_bool, "1", &got));
	assert_false(parse(SIGMA_float, "1e300", &got));
	struct sigma_scalar nul = { .type = SIGMA_str, .text = "1\0", .len = 2 };
	assert_false(event_time_parse(&nul, &got));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates),
		cmocka_unit_test(numbers),
		cmocka_unit_test(what_is_no_time),
	};
	return cmocka_run_group_tests_name("sigma_event_time", tests, NULL, NULL);
}
