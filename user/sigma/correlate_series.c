/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of times (event_count: 8 bytes an event) and of numbers with their times (value_sum,
 * value_avg, value_percentile, value_median: 16). A ring, sorted by time; of equal times, the later
 * one that came stands behind. When it can't grow, the oldest goes.
 */
#include <math.h>
#include <string.h>

#include "sigma/correlate_private.h"

#define CAP_FIRST 4U

static unsigned stride(const struct corr *corr)
{
	return corr->co->type == SIGMA_event_count ? 1 : 2;
}

static uint64_t *entry(const struct group *g, unsigned i)
{
	return g->mem + (size_t)((g->head + i) & (g->cap - 1)) * stride(g->of);
}

static void drop_oldest(struct group *g)
{
	g->head = (g->head + 1) & (g->cap - 1);
	g->n--;
}

static void expire(struct group *g, uint64_t from)
{
	while (g->n && *entry(g, 0) < from)
		drop_oldest(g);
}

static bool grow(struct sigma_correlator *c, struct group *g)
{
	unsigned s = stride(g->of), old = g->cap, cap = old ? old * 2 : CAP_FIRST;

	if (cap > g->of->entries_max || !group_resize(c, g, (size_t)cap * s * sizeof(uint64_t)))
		return false;
	/* The part before head is the ring's end. */
	if (g->head)
		memcpy(g->mem + (size_t)old * s, g->mem, (size_t)g->head * s * sizeof(uint64_t));
	g->cap = cap;
	return true;
}

static bool add(struct sigma_correlator *c, struct group *g, uint64_t t, uint64_t word, bool again)
{
	unsigned s = stride(g->of), i;

	if (again) /* one event, whatever many rules it matches */
		return false;
	if (g->n == g->cap && !grow(c, g)) {
		c->stats.dropped++;
		if (!g->n || t < *entry(g, 0))
			return true;
		drop_oldest(g);
	}
	for (i = g->n++; i && *entry(g, i - 1) > t; i--)
		memcpy(entry(g, i), entry(g, i - 1), s * sizeof(uint64_t));
	uint64_t *e = entry(g, i);
	e[0] = t;
	if (s == 2)
		e[1] = word;
	return true;
}

static double number(const struct group *g, unsigned i)
{
	double d;

	memcpy(&d, entry(g, i) + 1, sizeof(d));
	return d;
}

/* Not kept from event to event: it would not be the sum any more once a huge number went away. */
static double sum(const struct group *g)
{
	double s = 0;

	for (unsigned i = 0; i < g->n; i++)
		s += number(g, i);
	return s;
}

/*
 * Puts the k-th smallest at a[k], smaller ones before it (Hoare's selection). The pivot is random:
 * who chooses the numbers must not choose how long this takes.
 */
static void select_nth(double *a, long n, long k, uint64_t *random)
{
	long low = 0, high = n - 1;

	while (low < high) {
		long i = low, j = high;
		*random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
		double pivot = a[low + (long)((*random >> 33) % (uint64_t)(high - low + 1))];
		while (i <= j) {
			while (a[i] < pivot)
				i++;
			while (a[j] > pivot)
				j--;
			if (i > j)
				break;
			double swap = a[i];
			a[i++] = a[j];
			a[j--] = swap;
		}
		if (k <= j)
			high = j;
		else if (k >= i)
			low = i;
		else
			return;
	}
}

/* Between two numbers of the window, in proportion: the 50th of an even count is their middle. */
static double percentile(struct sigma_correlator *c, const struct group *g, double p)
{
	double at = fmin(fmax(p, 0), 100) / 100 * (g->n - 1);
	unsigned k = (unsigned)at;

	for (unsigned i = 0; i < g->n; i++)
		c->ranked[i] = number(g, i);
	select_nth(c->ranked, g->n, k, &c->random);
	if (k + 1 == g->n)
		return c->ranked[k];
	double above = c->ranked[k + 1];
	for (unsigned i = k + 2; i < g->n; i++)
		above = fmin(above, c->ranked[i]);
	double share = at - k;
	return c->ranked[k] * (1 - share) + above * share;
}

static void judge(struct sigma_correlator *c, const struct group *g, struct judgement *ret)
{
	const struct sigma_correlation *co = g->of->co;

	ret->count = g->n;
	ret->first = *entry(g, 0);
	ret->value = co->type == SIGMA_event_count	  ? g->n
		     : co->type == SIGMA_value_sum	  ? sum(g)
		     : co->type == SIGMA_value_avg	  ? sum(g) / g->n
		     : co->type == SIGMA_value_percentile ? percentile(c, g, co->percentile)
							  : percentile(c, g, 50);
}

static void save(const struct group *g, struct buf *out)
{
	buf_put(out, &g->n, sizeof(g->n));
	for (unsigned i = 0; i < g->n; i++)
		buf_put(out, entry(g, i), stride(g->of) * sizeof(uint64_t));
}

static bool load(struct sigma_correlator *c, const struct corr *corr, struct group *g,
		 uint64_t newest, struct reader *r)
{
	uint64_t e[2] = { 0 }, last = 1;
	uint32_t n;
	double d;

	if (!reader_take(r, &n, sizeof(n)) || n > corr->entries_max)
		return false;
	while (n--) {
		if (!reader_take(r, e, stride(corr) * sizeof(uint64_t)) || e[0] < last ||
		    e[0] > newest)
			return false;
		memcpy(&d, &e[1], sizeof(d));
		if (stride(corr) == 2 && !isfinite(d))
			return false;
		last = e[0];
		if (g)
			add(c, g, e[0], e[1], false);
	}
	return true;
}

const struct window_kind window_series = { expire, add, judge, save, load };
