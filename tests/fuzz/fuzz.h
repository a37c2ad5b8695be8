/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the libFuzzer targets share. Input is copied to an allocation of exactly its size, so that
 * AddressSanitizer sees a read of even one byte too many. must() is what has to hold for any input.
 */
#ifndef REDSHANK_TESTS_FUZZ_H
#define REDSHANK_TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define must(cond_)                                                                            \
	do {                                                                                   \
		if (!(cond_)) {                                                                \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #cond_); \
			abort();                                                               \
		}                                                                              \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void *fuzz_copy(const void *data, size_t size)
{
	void *p = malloc(size ? size : 1);
	must(p);
	if (size)
		memcpy(p, data, size);
	return p;
}

#endif
