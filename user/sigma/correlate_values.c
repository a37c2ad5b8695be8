/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of different values (value_count): keyed hashes of the values, each with the time it was
 * last seen, in a hash table and in a list by time. When it can't grow, the oldest goes.
 */
#include <string.h>

#include "sigma/correlate_private.h"

#define CAP_FIRST 4U
#define NONE	  UINT32_MAX

struct entry {
	uint64_t hash, time;
	uint32_t newer, older; /* by time */
	uint32_t chain; /* in its bucket, or among the free ones */
	uint32_t reserved;
};

/* What g->mem is: this, cap entries, cap buckets. */
struct table {
	uint64_t salt; /* odd: hashes from a file of state are not trusted to differ in some bits */
	uint32_t newest, oldest, free, reserved;
	struct entry entry[];
};

static struct table *table_of(const struct group *g)
{
	return (struct table *)(void *)g->mem;
}

static uint32_t *bucket_of(const struct group *g, uint64_t hash)
{
	uint32_t *buckets = (uint32_t *)(void *)&table_of(g)->entry[g->cap];
	return &buckets[hash * table_of(g)->salt >> 32 & (g->cap - 1)];
}

static void list_remove(struct table *t, const struct entry *e)
{
	*(e->newer != NONE ? &t->entry[e->newer].older : &t->newest) = e->older;
	*(e->older != NONE ? &t->entry[e->older].newer : &t->oldest) = e->newer;
}

/* Where its time says: most often in front. */
static void list_add(struct table *t, uint32_t i)
{
	struct entry *e = &t->entry[i];

	e->newer = NONE;
	e->older = t->newest;
	while (e->older != NONE && t->entry[e->older].time > e->time) {
		e->newer = e->older;
		e->older = t->entry[e->older].older;
	}
	*(e->newer != NONE ? &t->entry[e->newer].older : &t->newest) = i;
	*(e->older != NONE ? &t->entry[e->older].newer : &t->oldest) = i;
}

static void drop_oldest(struct group *g)
{
	struct table *t = table_of(g);
	uint32_t i = t->oldest, *at = bucket_of(g, t->entry[i].hash);

	while (*at != i)
		at = &t->entry[*at].chain;
	*at = t->entry[i].chain;
	list_remove(t, &t->entry[i]);
	t->entry[i].chain = t->free;
	t->free = i;
	g->n--;
}

static void expire(struct group *g, uint64_t from)
{
	while (g->n && table_of(g)->entry[table_of(g)->oldest].time < from)
		drop_oldest(g);
}

static bool grow(struct sigma_correlator *c, struct group *g)
{
	uint32_t old = g->cap, cap = old ? old * 2 : CAP_FIRST;
	size_t bytes = sizeof(struct table) + cap * (sizeof(struct entry) + sizeof(uint32_t));
	struct table *t;

	if (cap > g->of->entries_max || !group_resize(c, g, bytes))
		return false;
	g->cap = cap;
	t = table_of(g);
	if (!old)
		*t = (struct table){
			.salt = c->table_key.k[0] | 1, .newest = NONE, .oldest = NONE, .free = NONE
		};
	memset(&t->entry[cap], 0xff, cap * sizeof(uint32_t));
	for (uint32_t i = t->oldest; old && i != NONE; i = t->entry[i].newer) {
		uint32_t *at = bucket_of(g, t->entry[i].hash);
		t->entry[i].chain = *at;
		*at = i;
	}
	for (uint32_t i = old; i < cap; i++) {
		t->entry[i].chain = t->free;
		t->free = i;
	}
	return true;
}

static uint32_t find(const struct group *g, uint64_t hash)
{
	uint32_t i = g->cap ? *bucket_of(g, hash) : NONE;

	while (i != NONE && table_of(g)->entry[i].hash != hash)
		i = table_of(g)->entry[i].chain;
	return i;
}

static bool add(struct sigma_correlator *c, struct group *g, uint64_t t, uint64_t word, bool again)
{
	uint32_t i = find(g, word), *at;
	struct table *table = table_of(g);

	if (i != NONE) {
		if (t <= table->entry[i].time)
			return !again;
		list_remove(table, &table->entry[i]);
		table->entry[i].time = t;
		list_add(table, i);
		return true;
	}
	if (g->n == g->cap && !grow(c, g)) {
		c->stats.dropped++;
		if (!g->n || t < table->entry[table->oldest].time)
			return true;
		drop_oldest(g);
	}
	table = table_of(g);
	i = table->free;
	table->free = table->entry[i].chain;
	at = bucket_of(g, word);
	table->entry[i] = (struct entry){ .hash = word, .time = t, .chain = *at };
	*at = i;
	list_add(table, i);
	g->n++;
	return true;
}

static void judge(struct sigma_correlator *c, const struct group *g, struct judgement *ret)
{
	(void)c;
	ret->count = g->n;
	ret->value = g->n;
	ret->first = table_of(g)->entry[table_of(g)->oldest].time;
}

static void save(const struct group *g, struct buf *out)
{
	const struct table *t = table_of(g);

	buf_put(out, &g->n, sizeof(g->n));
	for (uint32_t i = g->n ? t->oldest : NONE; i != NONE; i = t->entry[i].newer) {
		buf_put(out, &t->entry[i].time, sizeof(t->entry[i].time));
		buf_put(out, &t->entry[i].hash, sizeof(t->entry[i].hash));
	}
}

static bool load(struct sigma_correlator *c, const struct corr *corr, struct group *g,
		 uint64_t newest, struct reader *r)
{
	uint64_t e[2], last = 1;
	uint32_t n;

	if (!reader_take(r, &n, sizeof(n)) || n > corr->entries_max)
		return false;
	while (n--) {
		if (!reader_take(r, e, sizeof(e)) || e[0] < last || e[0] > newest)
			return false;
		last = e[0];
		if (g)
			add(c, g, e[0], e[1], false);
	}
	return true;
}

const struct window_kind window_values = { expire, add, judge, save, load };
