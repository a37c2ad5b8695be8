/* SPDX-License-Identifier: Apache-2.0 */
/* The byte buffer: growth, reuse, failure that sticks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void grows(void **state)
{
	(void)state;
	struct buf b = { 0 };
	for (unsigned i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		if (b.data[i] != (char)('a' + i % 26))
			fail_msg("byte %u", i);
	assert_false(b.failed);
	buf_free(&b);
	assert_null(b.data);
	buf_free(NULL);
}

static void writes(void **state)
{
	(void)state;
	struct buf b = { 0 };
	assert_string_equal(buf_str(&b), "");
	buf_put(&b, NULL, 0);
	buf_puts(&b, "n=");
	buf_u64(&b, 0);
	buf_putc(&b, ' ');
	buf_u64(&b, UINT64_MAX);
	buf_printf(&b, " %s%03d", "x", 7);
	buf_put(&b, "\0y", 2);
	assert_int_equal(b.len, 31);
	assert_memory_equal(buf_str(&b), "n=0 18446744073709551615 x007\0y", 32);
	assert_int_equal(b.len, 31); /* the terminator is not part of it */
	buf_free(&b);
}

/* printf's terminator must not be counted, nor be written behind the end. */
static void printf_at_the_edge(void **state)
{
	(void)state;
	for (size_t fill = 1015; fill < 1026; fill++) {
		struct buf b = { 0 };
		for (size_t i = 0; i < fill; i++)
			buf_putc(&b, '.');
		buf_printf(&b, "%s", "12345678");
		assert_int_equal(b.len, fill + 8);
		assert_memory_equal(b.data + fill, "12345678", 8);
		buf_free(&b);
	}
}

static void reserve(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_puts(&b, "ab");
	char *to = buf_reserve(&b, 5000);
	assert_non_null(to);
	assert_int_equal(b.len, 2);
	memset(to, 'x', 5000);
	b.len += 5000;
	assert_memory_equal(b.data, "abxx", 4);
	buf_free(&b);
}

static void reuse(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_puts(&b, "first");
	const char *data = b.data;
	size_t cap = b.cap;
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	buf_puts(&b, "second");
	assert_ptr_equal(b.data, data);
	assert_int_equal(b.cap, cap);
	assert_string_equal(buf_str(&b), "second");
	buf_free(&b);
}

static void failure_sticks(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_puts(&b, "kept");
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_true(b.failed);
	assert_int_equal(b.len, 4);
	/* What would fit is refused too: a text with a hole would be worse than none. */
	buf_puts(&b, "x");
	buf_putc(&b, 'x');
	buf_u64(&b, 1);
	buf_printf(&b, "%d", 1);
	assert_null(buf_reserve(&b, 1));
	assert_int_equal(b.len, 4);
	assert_string_equal(buf_str(&b), "");
	buf_reset(&b);
	assert_false(b.failed);
	buf_puts(&b, "again");
	assert_string_equal(buf_str(&b), "again");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),   cmocka_unit_test(writes),
		cmocka_unit_test(reserve), cmocka_unit_test(printf_at_the_edge),
		cmocka_unit_test(reuse),   cmocka_unit_test(failure_sticks),
	};
	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
