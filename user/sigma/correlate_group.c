/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups. When there is no room for one, who goes? Keys are chosen by attackers, so a flood of new
 * ones must not push out the group that is about to come true:
 *  - a correlation that has its share of the room pays itself; else the one that has most does;
 *  - of its groups, what has expired goes first;
 *  - then the least recently used of the lowest class that holds more than an eighth of them:
 *    groups of one event make way for those that grow, but newcomers keep some room, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigma/correlate_private.h"

#define MEMORY_DEFAULT ((size_t)64 << 20)
#define BLOCK	       16 /* what an allocation costs beside its bytes */

static size_t group_bytes(const struct group *g)
{
	return sizeof(*g) + g->key_len + BLOCK + (g->mem ? g->mem_bytes + BLOCK : 0);
}

static void account(struct sigma_correlator *c, struct corr *corr, size_t more, size_t less)
{
	c->stats.bytes += more - less;
	corr->bytes += more - less;
}

/* --- lists --- */

static void list_remove(struct group *g)
{
	struct group_list *l = &g->of->lru[g->class];

	*(g->newer ? &g->newer->older : &l->newest) = g->older;
	*(g->older ? &g->older->newer : &l->oldest) = g->newer;
	l->n--;
}

static void list_add(struct group *g)
{
	struct group_list *l = &g->of->lru[g->class];

	g->newer = NULL;
	g->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = g;
	l->newest = g;
	l->n++;
}

void group_touch(struct group *g)
{
	uint8_t class = g->n >= 8 ? 3 : g->n >= 4 ? 2 : g->n >= 2 ? 1 : 0;

	if (class == g->class && !g->newer)
		return;
	list_remove(g);
	g->class = class;
	list_add(g);
}

/* --- who goes --- */

static void forget(struct sigma_correlator *c, struct group *g)
{
	struct group **at = &c->bucket[g->hash & (c->nbuckets - 1)];

	while (*at != g)
		at = &(*at)->chain;
	*at = g->chain;
	list_remove(g);
	g->of->ngroups--;
	c->stats.groups--;
	account(c, g->of, 0, group_bytes(g));
	free(g->mem);
	free(g);
}

static struct group *oldest(const struct group_list *l)
{
	struct group *g = l->oldest;

	while (g && g->pins)
		g = g->newer;
	return g;
}

static struct group *victim(const struct sigma_correlator *c, const struct corr *corr)
{
	struct group *g, *any = NULL;

	for (unsigned i = 0; i < CLASSES; i++) {
		g = oldest(&corr->lru[i]);
		if (g && c->newest > corr->co->timespan &&
		    g->newest < c->newest - corr->co->timespan)
			return g;
	}
	for (unsigned i = 0; i < CLASSES; i++) {
		g = oldest(&corr->lru[i]);
		if (g && corr->lru[i].n > corr->ngroups / 8)
			return g;
		any = any ? any : g;
	}
	return any;
}

/* For memory, or for a place. false: there is nobody. */
static bool evict(struct sigma_correlator *c, const struct corr *own, bool memory)
{
	size_t max = memory ? c->stats.bytes_max : c->stats.groups_max;
	const struct corr *payer = own;
	struct group *g;

	if ((memory ? own->bytes : own->ngroups) < max / c->ncorrs)
		for (unsigned i = 0; i < c->ncorrs; i++) {
			const struct corr *k = &c->corr[i];
			if (memory ? k->bytes > payer->bytes : k->ngroups > payer->ngroups)
				payer = k;
		}
	g = victim(c, payer);
	if (!g)
		for (unsigned i = 0; i < c->ncorrs && !g; i++)
			g = victim(c, &c->corr[i]);
	if (!g)
		return false;
	forget(c, g);
	c->stats.evicted++;
	return true;
}

static bool make_room(struct sigma_correlator *c, const struct corr *corr, size_t bytes)
{
	while (c->stats.bytes + bytes > c->stats.bytes_max)
		if (bytes > c->stats.bytes_max || !evict(c, corr, true))
			return false;
	return true;
}

/* --- the table --- */

int groups_init(struct sigma_correlator *c, const struct sigma_correlator_options *o)
{
	size_t bytes;

	c->stats.groups_max = o && o->groups_max ? o->groups_max : SIGMA_GROUPS_DEFAULT;
	c->stats.bytes_max = o && o->memory_max ? o->memory_max : MEMORY_DEFAULT;
	c->nbuckets = 1;
	while (c->nbuckets < c->stats.groups_max && c->nbuckets < 1U << 24 &&
	       c->nbuckets < c->stats.bytes_max / 64)
		c->nbuckets *= 2;
	bytes = c->nbuckets * sizeof(*c->bucket);
	c->bucket = calloc(1, bytes);
	if (!c->bucket)
		return -ENOMEM;
	c->stats.bytes = bytes;
	return 0;
}

void groups_clear(struct sigma_correlator *c)
{
	for (unsigned i = 0; i < c->nbuckets; i++)
		while (c->bucket[i])
			forget(c, c->bucket[i]);
}

void groups_free(struct sigma_correlator *c)
{
	if (!c->bucket)
		return;
	groups_clear(c);
	free(c->bucket);
}

static struct group *group_new(struct sigma_correlator *c, struct corr *corr, uint64_t hash)
{
	struct group *g;

	while (c->stats.groups >= c->stats.groups_max)
		if (!evict(c, corr, false))
			return NULL;
	if (!make_room(c, corr, sizeof(*g) + c->key_len + BLOCK))
		return NULL;
	g = calloc(1, sizeof(*g) + c->key_len);
	if (!g)
		return NULL;
	g->of = corr;
	g->hash = hash;
	g->key_len = (uint16_t)c->key_len;
	memcpy(g->key, c->key, c->key_len);
	g->chain = c->bucket[hash & (c->nbuckets - 1)];
	c->bucket[hash & (c->nbuckets - 1)] = g;
	list_add(g);
	corr->ngroups++;
	c->stats.groups++;
	account(c, corr, group_bytes(g), 0);
	return g;
}

struct group *group_get(struct sigma_correlator *c, struct corr *corr, uint64_t t)
{
	uint64_t hash =
		siphash(&c->table_key, c->key, c->key_len) + corr->index * 0x9e3779b97f4a7c15ULL;
	struct group *g = c->bucket[hash & (c->nbuckets - 1)];

	while (g && (g->hash != hash || g->of != corr || g->key_len != c->key_len ||
		     memcmp(g->key, c->key, c->key_len) != 0))
		g = g->chain;
	if (!g) {
		g = group_new(c, corr, hash);
		if (g)
			g->newest = t;
	}
	return g;
}

bool group_resize(struct sigma_correlator *c, struct group *g, size_t bytes)
{
	size_t before = group_bytes(g);
	uint64_t *mem;
	bool room;

	if (!bytes) {
		free(g->mem);
		g->mem = NULL;
		g->mem_bytes = 0;
		account(c, g->of, group_bytes(g), before);
		return true;
	}
	g->pins++;
	room = bytes <= g->mem_bytes || make_room(c, g->of, bytes + BLOCK - g->mem_bytes);
	g->pins--;
	mem = room ? realloc(g->mem, bytes) : NULL;
	if (!mem)
		return false;
	g->mem = mem;
	g->mem_bytes = bytes;
	account(c, g->of, group_bytes(g), before);
	return true;
}

void group_empty(struct sigma_correlator *c, struct group *g)
{
	group_resize(c, g, 0);
	g->head = g->n = g->cap = 0;
}
