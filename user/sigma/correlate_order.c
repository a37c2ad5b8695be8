/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of rules that were seen (temporal): of each rule the last time. For temporal_ordered also
 * the newest events in their order, so that one that comes late finds its place; what is older is
 * folded into a table of the chains that were seen:
 *
 *   chain[l][k]: the latest time at which a chain of l + 1 events began, which are of different
 *   positions in the list of rules, in its order, the last at position k or before; 0: none
 *
 * The latest beginning is enough to know whether a chain lies within the window, however many
 * events there are: a flood of one rule can't push another's out. An event stands at one position
 * of a chain only, also when several rules matched it. Of equal times, who came first is first.
 */
#include <string.h>

#include "sigma/correlate_private.h"

#define CAP_FIRST 4U

struct entry {
	uint64_t time;
	uint64_t slots; /* bits */
};

/* What g->mem is: last[refs.n], and if ordered: folded, chain[refs.n][refs.n], cap entries. */
static bool ordered(const struct corr *corr)
{
	return corr->co->type == SIGMA_temporal_ordered;
}

static unsigned nrefs(const struct corr *corr)
{
	return corr->co->refs.n;
}

static size_t fixed_words(const struct corr *corr)
{
	size_t n = nrefs(corr);
	return ordered(corr) ? n + 1 + n * n : n;
}

static uint64_t *folded(const struct group *g)
{
	return g->mem + nrefs(g->of);
}

static uint64_t *chains(const struct group *g)
{
	return folded(g) + 1;
}

static struct entry *entries(const struct group *g)
{
	return (struct entry *)(void *)(g->mem + fixed_words(g->of));
}

/* head is the number of entries here: they are few, in a plain array. */
static void drop_entries(struct group *g, unsigned n)
{
	g->head -= n;
	memmove(entries(g), entries(g) + n, g->head * sizeof(struct entry));
}

static void count_seen(struct group *g)
{
	g->n = 0;
	for (unsigned i = 0; i < nrefs(g->of); i++)
		g->n += g->mem[g->of->slot[i]] != 0;
}

static void expire(struct group *g, uint64_t from)
{
	unsigned old = 0;

	if (!g->mem)
		return;
	for (unsigned i = 0; i < nrefs(g->of); i++)
		if (g->mem[i] < from)
			g->mem[i] = 0;
	count_seen(g);
	while (old < g->head && entries(g)[old].time < from)
		old++;
	if (old)
		drop_entries(g, old);
}

/* The event stands behind all that chain knows. Downwards, so that it is not used twice. */
static void follow(const struct corr *corr, uint64_t *chain, const struct entry *e)
{
	unsigned n = nrefs(corr);

	for (unsigned k = n; k--;) {
		if (!(e->slots >> corr->slot[k] & 1))
			continue;
		for (unsigned l = k + 1; l--;) {
			uint64_t begin = !l ? e->time : chain[(l - 1) * n + k - 1];
			for (unsigned i = k; i < n; i++)
				if (chain[l * n + i] < begin)
					chain[l * n + i] = begin;
		}
	}
}

static bool reserve(struct sigma_correlator *c, struct group *g)
{
	unsigned cap = !ordered(g->of) ? 0 : g->cap ? g->cap * 2 : CAP_FIRST;
	size_t fixed = fixed_words(g->of) * sizeof(uint64_t);
	bool first = !g->mem;

	if (cap > REORDER_MAX || !group_resize(c, g, fixed + cap * sizeof(struct entry)))
		return false;
	if (first)
		memset(g->mem, 0, fixed);
	g->cap = cap;
	return true;
}

static void add_entry(struct sigma_correlator *c, struct group *g, uint64_t t, uint64_t slots,
		      bool again)
{
	struct entry *e;
	unsigned i = g->head;

	if (t < *folded(g)) {
		c->stats.dropped++;
		return;
	}
	while (i && entries(g)[i - 1].time > t)
		i--;
	if (again && i && entries(g)[i - 1].time == t) {
		entries(g)[i - 1].slots |= slots;
		return;
	}
	if (g->head == g->cap && !reserve(c, g)) {
		struct entry oldest = entries(g)[0];
		if (!i)
			oldest = (struct entry){ t, slots };
		follow(g->of, chains(g), &oldest);
		*folded(g) = oldest.time;
		if (!i)
			return;
		drop_entries(g, 1);
		i--;
	}
	e = entries(g) + i;
	memmove(e + 1, e, (g->head - i) * sizeof(*e));
	*e = (struct entry){ t, slots };
	g->head++;
}

static bool add(struct sigma_correlator *c, struct group *g, uint64_t t, uint64_t word, bool again)
{
	if (!g->mem && !reserve(c, g)) {
		c->stats.dropped++;
		return true;
	}
	if (again && t == g->mem[word])
		return false;
	if (t > g->mem[word])
		g->mem[word] = t;
	count_seen(g);
	if (ordered(g->of))
		add_entry(c, g, t, 1ULL << word, again);
	return true;
}

static bool holds(const struct group *g, const struct sigma_expr *e)
{
	switch (e->op) {
	case SIGMA_and:
		for (unsigned i = 0; i < e->n; i++)
			if (!holds(g, e->kid[i]))
				return false;
		return true;
	case SIGMA_or:
		for (unsigned i = 0; i < e->n; i++)
			if (holds(g, e->kid[i]))
				return true;
		return false;
	case SIGMA_not:
		return !holds(g, e->kid[0]);
	case SIGMA_ref:
		return g->mem[g->of->slot[e->ref]] != 0;
	default:
		return false;
	}
}

/* The longest chain that lies within the window; *ret: where it begins. */
static unsigned longest(const struct group *g, uint64_t from, uint64_t *ret)
{
	uint64_t chain[ORDERED_MAX * ORDERED_MAX];
	unsigned n = nrefs(g->of);

	memcpy(chain, chains(g), (size_t)n * n * sizeof(*chain));
	for (unsigned i = 0; i < g->head; i++)
		follow(g->of, chain, &entries(g)[i]);
	for (unsigned l = n; l--;)
		if (chain[l * n + n - 1] && chain[l * n + n - 1] >= from) {
			*ret = chain[l * n + n - 1];
			return l + 1;
		}
	return 0;
}

static void judge(struct sigma_correlator *c, const struct group *g, struct judgement *ret)
{
	const struct corr *corr = g->of;
	uint64_t span = corr->co->timespan;
	unsigned seen = g->n;
	(void)c;

	ret->first = g->newest;
	for (unsigned i = 0; i < nrefs(corr); i++)
		if (g->mem[i] && g->mem[i] < ret->first)
			ret->first = g->mem[i];
	if (ordered(corr))
		seen = longest(g, g->newest > span ? g->newest - span : 0, &ret->first);
	ret->count = seen;
	ret->value = seen;
	ret->complete =
		corr->co->expr ? holds(g, corr->co->expr) && seen == g->n : seen == nrefs(corr);
}

static void save(const struct group *g, struct buf *out)
{
	uint32_t known = g->mem != NULL;

	buf_put(out, &known, sizeof(known));
	if (!known)
		return;
	buf_put(out, &g->head, sizeof(g->head));
	buf_put(out, g->mem, fixed_words(g->of) * sizeof(uint64_t));
	buf_put(out, entries(g), g->head * sizeof(struct entry));
}

static bool load(struct sigma_correlator *c, const struct corr *corr, struct group *g,
		 uint64_t newest, struct reader *r)
{
	uint64_t fixed[ORDERED_MAX * ORDERED_MAX + ORDERED_MAX + 1 + TEMPORAL_MAX];
	size_t words = fixed_words(corr);
	uint32_t known, n;
	struct entry e, last = { 0 };
	bool room;

	if (!reader_take(r, &known, sizeof(known)) || known > 1)
		return false;
	if (!known)
		return true;
	if (!reader_take(r, &n, sizeof(n)) || n > (ordered(corr) ? REORDER_MAX : 0) ||
	    !reader_take(r, fixed, words * sizeof(uint64_t)))
		return false;
	for (unsigned i = 0; i < words; i++)
		if (fixed[i] > newest)
			return false;
	for (unsigned i = 0; i < nrefs(corr); i++)
		if (fixed[i] && corr->slot[i] != i)
			return false;
	room = g && reserve(c, g);
	if (room) {
		memcpy(g->mem, fixed, words * sizeof(uint64_t));
		count_seen(g);
	}
	for (; n; n--, last = e) {
		if (!reader_take(r, &e, sizeof(e)) || !e.time || e.time < last.time ||
		    e.time < fixed[nrefs(corr)] || e.time > newest || !e.slots ||
		    e.slots >> nrefs(corr))
			return false;
		if (room)
			add_entry(c, g, e.time, e.slots, false);
	}
	return true;
}

const struct window_kind window_order = { expire, add, judge, save, load };
