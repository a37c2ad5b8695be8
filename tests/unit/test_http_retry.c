/* SPDX-License-Identifier: Apache-2.0 */
/* When and whether to try again, and how much of it is logged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sink/http_retry.h"
#include "sink/log_limit.h"

/* opentelemetry-proto docs/specification.md: these four, no other. */
static void retryable(void **state)
{
	(void)state;
	for (long status = 0; status < 1000; status++)
		assert_int_equal(retry_status(status),
				 status == 429 || status == 502 || status == 503 || status == 504);
}

static void backoff(void **state)
{
	static const unsigned longest[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };

	(void)state;
	for (unsigned i = 0; i < sizeof(longest) / sizeof(longest[0]); i++) {
		assert_int_equal(retry_delay_ms(i + 1, 0, 0), longest[i] / 2);
		assert_int_equal(retry_delay_ms(i + 1, 0, UINT32_MAX), longest[i]);
	}
	assert_int_equal(retry_delay_ms(UINT32_MAX, -5, UINT32_MAX), 60000);
}

static void retry_after(void **state)
{
	(void)state;
	assert_int_equal(retry_delay_ms(5, 1, 0), 1000);
	assert_int_equal(retry_delay_ms(5, 120, 0), 120000);
	assert_int_equal(retry_delay_ms(5, 120, UINT32_MAX), 132000);
	assert_int_equal(retry_delay_ms(1, INT64_MAX, 0), RETRY_AFTER_MS);
	assert_in_range(retry_delay_ms(1, INT64_MAX, UINT32_MAX), RETRY_AFTER_MS,
			RETRY_AFTER_MS + RETRY_AFTER_MS / 10);
}

static unsigned lines;
static char last_line[128];

static void count_line(const char *line)
{
	lines++;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static void log_is_bounded(void **state)
{
	struct log_limit l;

	(void)state;
	lines = 0;
	log_limit_init(&l, "x", count_line);
	for (unsigned i = 0; i < 1000; i++)
		log_limit_say(&l, 1, "same %u", i);
	assert_int_equal(lines, 1);
	assert_string_equal(last_line, "x: same 0");
	log_limit_say(&l, 2, "other");
	assert_string_equal(last_line, "x: other (999 messages left out before this)");
	for (unsigned i = 0; i < 1000; i++)
		log_limit_say(&l, 1 + i % 2, "in turn");
	assert_int_equal(lines, 10);

	log_limit_init(&l, "x", NULL);
	log_limit_say(&l, 1, "nobody hears this");
	assert_int_equal(lines, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(retryable),
		cmocka_unit_test(backoff),
		cmocka_unit_test(retry_after),
		cmocka_unit_test(log_is_bounded),
	};

	return cmocka_run_group_tests_name("http_retry", tests, NULL, NULL);
}
