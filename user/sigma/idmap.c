/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, at most half full. */
#include "sigma/idmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64

static struct idmap_slot *find(const struct idmap *m, uint64_t key)
{
	size_t i = (key ^ key >> 29) * 0x9E3779B97F4A7C15ULL >> 20 & (m->nslots - 1);

	while (m->slot[i].value && m->slot[i].key != key)
		i = (i + 1) & (m->nslots - 1);
	return &m->slot[i];
}

bool idmap_get(const struct idmap *m, uint64_t key, uint32_t *ret)
{
	if (!m->nslots)
		return false;
	const struct idmap_slot *s = find(m, key);
	if (s->value)
		*ret = s->value - 1;
	return s->value;
}

static int grow(struct idmap *m)
{
	struct idmap bigger = { .n = m->n, .nslots = m->nslots ? 2 * m->nslots : SLOTS_MIN };

	bigger.slot = calloc(bigger.nslots, sizeof(*bigger.slot));
	if (!bigger.slot)
		return -ENOMEM;
	for (size_t i = 0; i < m->nslots; i++)
		if (m->slot[i].value)
			*find(&bigger, m->slot[i].key) = m->slot[i];
	free(m->slot);
	*m = bigger;
	return 0;
}

int idmap_put(struct idmap *m, uint64_t key, uint32_t value)
{
	if (2 * m->n >= m->nslots && grow(m))
		return -ENOMEM;
	*find(m, key) = (struct idmap_slot){ .key = key, .value = value + 1 };
	m->n++;
	return 0;
}

void idmap_free(struct idmap *m)
{
	free(m->slot);
	*m = (struct idmap){ 0 };
}

int ids_append(struct ids *s, const uint32_t *v, size_t n)
{
	if (!n)
		return 0;
	if (n > s->cap - s->n) {
		size_t cap = 2 * (s->n + n) + 8;
		uint32_t *made = realloc(s->v, cap * sizeof(*made));
		if (!made)
			return -ENOMEM;
		s->v = made;
		s->cap = cap;
	}
	memcpy(s->v + s->n, v, n * sizeof(*v));
	s->n += n;
	return 0;
}

int ids_push(struct ids *s, uint32_t id)
{
	return ids_append(s, &id, 1);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

void ids_sort(struct ids *s)
{
	size_t n = 0;

	if (!s->n)
		return;
	qsort(s->v, s->n, sizeof(*s->v), compare);
	for (size_t i = 1; i < s->n; i++)
		if (s->v[i] != s->v[n])
			s->v[++n] = s->v[i];
	s->n = n + 1;
}

void ids_free(struct ids *s)
{
	free(s->v);
	*s = (struct ids){ 0 };
}
