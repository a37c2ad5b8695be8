/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: a list of chunks, the newest in front. */
#include "base/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)64 << 10)

struct chunk {
	struct chunk *next;
	size_t used, cap;
	alignas(max_align_t) char data[];
};

struct arena {
	struct chunk *chunks;
	size_t used, max;
};

int arena_new(size_t max, struct arena **ret)
{
	struct arena *a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->max = max;
	*ret = a;
	return 0;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct chunk *c = a->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);

	if (n > a->max - a->used)
		return NULL;
	n = (n + align - 1) & ~(align - 1);
	struct chunk *c = a->chunks;
	if (!c || n > c->cap - c->used) {
		size_t cap = n > CHUNK ? n : CHUNK;
		struct chunk *made = calloc(1, sizeof(*made) + cap);
		if (!made)
			return NULL;
		made->cap = cap;
		/* A large one of its own goes behind, so that the rest of the front stays in use.
		 */
		if (c && n > CHUNK) {
			made->next = c->next;
			c->next = made;
		} else {
			made->next = c;
			a->chunks = made;
		}
		c = made;
	}
	void *p = c->data + c->used;
	c->used += n;
	a->used = n > a->max - a->used ? a->max : a->used + n;
	return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;
	return __builtin_mul_overflow(count, size, &n) ? NULL : arena_alloc(a, n);
}

char *arena_copy(struct arena *a, const void *p, size_t n)
{
	char *s = n < SIZE_MAX ? arena_alloc(a, n + 1) : NULL;
	return s && n ? memcpy(s, p, n) : s;
}

char *arena_str(struct arena *a, const char *s)
{
	return arena_copy(a, s, strlen(s));
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
