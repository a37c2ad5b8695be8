/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many texts looked for at the beginning of one, or at its end: a walk that is over at the first
 * byte that none of them has.
 */
#ifndef REDSHANK_SIGMA_TRIE_H
#define REDSHANK_SIGMA_TRIE_H

#include "sigma/literal.h"

struct trie;

/* backwards: at the end. 0 or -ENOMEM. */
int trie_new(const struct literal *l, size_t n, bool backwards, struct trie **ret);
void trie_free(struct trie *t);
size_t trie_bytes(const struct trie *t);
void trie_walk(const struct trie *t, const char *s, size_t n, literal_fn *fn, void *ctx);

#endif
