/* SPDX-License-Identifier: Apache-2.0 */
/* FNV-1a, 64 bits: for tables and ids, not against an adversary. */
#ifndef REDSHANK_BASE_HASH_H
#define REDSHANK_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_INIT 0xcbf29ce484222325ULL

static inline uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
	const unsigned char *u = p;
	for (size_t i = 0; i < n; i++)
		h = (h ^ u[i]) * 0x100000001b3ULL;
	return h;
}

#endif
