/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns made ready for matching: split at each *, the parts looked for from left to right. Time
 * is bounded by the product of the lengths, never exponential.
 */
#ifndef REDSHANK_SIGMA_GLOB_H
#define REDSHANK_SIGMA_GLOB_H

#include "base/arena.h"
#include "sigma/fold.h"
#include "sigma/pattern.h"

struct glob_part {
	const uint16_t *e;
	size_t n;
	const char *text; /* of one that is only bytes; else NULL */
};

struct glob {
	bool head, tail; /* bound to the text's beginning, its end */
	size_t n; /* at least 1 */
	const struct glob_part *part;
};

/* Of a normalized pattern; e must stay. NULL: out of memory. */
const struct glob *glob_new(struct arena *a, const uint16_t *e, size_t n);
/* Is the text at off to off + len of f->s as a whole what the pattern says? */
bool glob_match(const struct glob *g, const struct fold *f, size_t off, size_t len);

#endif
