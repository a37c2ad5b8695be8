/* SPDX-License-Identifier: Apache-2.0 */
/* A table from 64-bit keys to numbers, for building: it only grows. */
#ifndef REDSHANK_SIGMA_IDMAP_H
#define REDSHANK_SIGMA_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap {
	struct idmap_slot {
		uint64_t key;
		uint32_t value; /* + 1; 0: free */
	} * slot;
	size_t n, nslots;
};

bool idmap_get(const struct idmap *m, uint64_t key, uint32_t *ret);
/* The key must not be there. 0 or -ENOMEM. */
int idmap_put(struct idmap *m, uint64_t key, uint32_t value);
void idmap_free(struct idmap *m);

/* A growing row of numbers. */
struct ids {
	uint32_t *v;
	size_t n, cap;
};

int ids_push(struct ids *s, uint32_t id);
int ids_append(struct ids *s, const uint32_t *v, size_t n);
/* In order, each once. */
void ids_sort(struct ids *s);
void ids_free(struct ids *s);

#endif
