/* SPDX-License-Identifier: Apache-2.0 */
/* A text that is looked for among many others (grams.h, trie.h). */
#ifndef REDSHANK_SIGMA_LITERAL_H
#define REDSHANK_SIGMA_LITERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct literal {
	const char *s; /* must stay where it is */
	uint32_t len; /* at least 1 for grams.h */
	uint32_t id;
	bool whole; /* only as the whole text */
};

/* Is told of each literal that was found; of one that occurs often, more than once. */
typedef void literal_fn(void *ctx, uint32_t id);

#endif
