/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many texts looked for anywhere in one, in a pass whose cost hardly depends on how many they are.
 *
 * Each literal is known by the rarest four bytes in it (its gram; short ones by less). The pass
 * tests the bytes at every other place of the text against a bitmap that stays in the first-level
 * cache; what gets through is looked up and compared. Unlike Aho-Corasick's automaton no step waits
 * for the one before, and the tables grow by the literals, not by their bytes. What it lacks is a
 * bound that is linear: text made of nothing but grams costs a comparison per byte and literal of
 * that gram.
 */
#ifndef REDSHANK_SIGMA_GRAMS_H
#define REDSHANK_SIGMA_GRAMS_H

#include "sigma/literal.h"

struct grams;

/* 0 or -ENOMEM. */
int grams_new(const struct literal *l, size_t n, struct grams **ret);
void grams_free(struct grams *g);
size_t grams_bytes(const struct grams *g);

/*
 * At least 8 bytes behind the text must be readable. A literal with seen[id] == yes is not looked
 * for again: fn sets that, so that text full of one literal, or of many that overlap, costs less.
 */
void grams_scan(const struct grams *g, const char *s, size_t n, const uint32_t *seen, uint32_t yes,
		literal_fn *fn, void *ctx);

#endif
