/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012): for tables whose keys
 * an attacker chooses. Who does not know the key can't make collisions.
 */
#ifndef REDSHANK_BASE_SIPHASH_H
#define REDSHANK_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k[2];
};

/* A random key. 0 or negative errno. */
int siphash_key_new(struct siphash_key *ret);
uint64_t siphash(const struct siphash_key *key, const void *p, size_t n);

#endif
