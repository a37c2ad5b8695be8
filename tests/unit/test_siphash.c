/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"

/* The paper's example (appendix A), and the first of the authors' vectors: key and input count up.
 */
static void test_vectors(void **state)
{
	(void)state;
	static const uint64_t first[] = { 0x726fdb47dd0e0e31, 0x74f839c593dc67fd,
					  0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
					  0xcf2794e0277187b7, 0x18765564cd99a68d,
					  0xcbc9466e58fee3ce, 0xab0200f58b01d137,
					  0x93f5f5799a932462 };
	const struct siphash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	unsigned char input[15];

	for (unsigned i = 0; i < sizeof(input); i++)
		input[i] = (unsigned char)i;
	for (unsigned i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		assert_int_equal(siphash(&key, input, i), first[i]);
	assert_int_equal(siphash(&key, input, 15), 0xa129ca6149be45e5);
}

static void test_keys_differ(void **state)
{
	(void)state;
	struct siphash_key a, b;

	assert_int_equal(siphash_key_new(&a), 0);
	assert_int_equal(siphash_key_new(&b), 0);
	assert_true(siphash(&a, "x", 1) != siphash(&b, "x", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_keys_differ),
	};

	return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
