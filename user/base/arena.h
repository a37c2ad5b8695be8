/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: many small allocations that live and die together, such as a set of rules. Bounded,
 * because what fills it may be hostile. Memory is zeroed and aligned for any type.
 */
#ifndef REDSHANK_BASE_ARENA_H
#define REDSHANK_BASE_ARENA_H

#include <stddef.h>

struct arena;

/* max: bytes that it may hand out in all. 0 or -ENOMEM. */
int arena_new(size_t max, struct arena **ret);
void arena_free(struct arena *a);

/* NULL when the bound is reached or memory is out. n may be 0. */
void *arena_alloc(struct arena *a, size_t n);
/* Room for count elements of size bytes each; NULL also when that overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* A copy of n bytes, with a NUL behind it. */
char *arena_copy(struct arena *a, const void *p, size_t n);
char *arena_str(struct arena *a, const char *s);

/* Bytes handed out so far. */
size_t arena_used(const struct arena *a);

#endif
