/* SPDX-License-Identifier: Apache-2.0 */
/* The correlator: an event on its way through the correlations. */
#include "sigma/correlate.h"

#include <errno.h>
#include <stdlib.h>

#include "sigma/correlate_private.h"

/* So many events in a row, all older than the window: it is the clock that was set back. */
#define CLOCK_SET_BACK 8

/* Windows larger than this are given back when they are empty. */
#define WINDOW_KEEP 1024

int sigma_correlator_new(const struct sigma_rules *r, const struct sigma_correlator_options *o,
			 struct sigma_correlator **ret, struct err *e)
{
	struct sigma_correlator *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return err_set(e, -ENOMEM, "no memory for correlations");
	rc = plan_build(c, r, e);
	if (!rc && c->ncorrs) {
		rc = siphash_key_new(&c->table_key);
		if (!rc)
			rc = siphash_key_new(&c->value_key);
		if (rc)
			err_set(e, rc, "no random numbers from the kernel");
		else
			rc = groups_init(c, o);
		c->random = c->table_key.k[0] ^ c->table_key.k[1];
	}
	if (rc == -ENOMEM)
		err_set(e, rc, "no memory for correlations");
	if (rc) {
		sigma_correlator_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

void sigma_correlator_free(struct sigma_correlator *c)
{
	if (!c)
		return;
	groups_free(c);
	arena_free(c->plan);
	free(c);
}

void sigma_correlator_get_stats(const struct sigma_correlator *c,
				struct sigma_correlator_stats *ret)
{
	*ret = c->stats;
}

/* --- the queue: by order of evaluation; of one correlation, what came first is first --- */

static void queue_add(struct sigma_correlator *c, struct corr_use *use, const struct firing *firing)
{
	unsigned i = c->nqueue;

	if (i == c->work_max) {
		c->stats.dropped++;
		return;
	}
	for (; i && c->queue[i - 1].use->corr->index > use->corr->index; i--)
		c->queue[i] = c->queue[i - 1];
	c->queue[i] = (struct delivery){ use, firing };
	c->nqueue++;
}

/* --- into the window --- */

/* Moves the window on. false: the event is too old for it. */
static bool admit(struct sigma_correlator *c, struct group *g, uint64_t t)
{
	uint64_t span = g->of->co->timespan;

	if (g->newest > span && t < g->newest - span) {
		c->stats.late++;
		if (++g->late < CLOCK_SET_BACK)
			return false;
		group_empty(c, g);
		g->episode = 0;
		g->newest = t;
	}
	g->late = 0;
	if (t > g->newest) {
		g->newest = t;
		g->of->kind->expire(g, t > span ? t - span : 0);
		if (!g->n) {
			g->episode = 0;
			if (g->mem_bytes > WINDOW_KEEP)
				group_empty(c, g);
		}
	}
	return true;
}

/* A correlation that goes on being true is one event, unless it is the time that matters. */
static bool counts_once(const struct corr *corr)
{
	return corr->kind == &window_series;
}

static void deliver(struct sigma_correlator *c, const struct delivery *d, struct source *src,
		    uint64_t now)
{
	struct corr *corr = d->use->corr;
	uint64_t t = d->firing ? d->firing->time : now, word;
	struct group *g;
	bool again, news;

	if (d->firing && !d->firing->news && counts_once(corr))
		return;
	src->firing = d->firing;
	if (!key_word(c, src, d->use, &word) || !key_make(c, src, d->use))
		return;
	g = group_get(c, corr, t);
	if (!g) {
		c->stats.dropped++;
		return;
	}
	again = g->event == c->event && !d->firing;
	g->pins++;
	news = admit(c, g, t) && corr->kind->add(c, g, t, word, again);
	g->pins--;
	if (!news || !g->n)
		return;
	g->event = c->event;
	group_touch(g);
	if (g->pass == c->pass)
		return;
	g->pass = c->pass;
	if (c->ntouched == c->work_max) {
		c->stats.dropped++;
		return;
	}
	g->pins++;
	c->touched[c->ntouched++] = (struct touched){ g, d->firing };
}

/* --- is it true? --- */

static bool bound_holds(const struct sigma_bound *b, double value)
{
	switch (b->op) {
	case SIGMA_eq:
		return value == b->value;
	case SIGMA_neq:
		return value != b->value;
	case SIGMA_gt:
		return value > b->value;
	case SIGMA_gte:
		return value >= b->value;
	case SIGMA_lt:
		return value < b->value;
	case SIGMA_lte:
		return value <= b->value;
	}
	return false;
}

static bool condition_holds(const struct sigma_correlation *co, const struct judgement *j)
{
	if (co->expr || !co->nbounds)
		return j->complete;
	for (unsigned i = 0; i < co->nbounds; i++)
		if (!bound_holds(&co->bound[i], j->value))
			return false;
	return true;
}

static void judge(struct sigma_correlator *c, const struct touched *t, sigma_correlated_fn *fn,
		  void *ctx)
{
	struct group *g = t->g;
	const struct corr *corr = g->of;
	struct judgement j = { .complete = true };
	bool news = !g->episode;

	corr->kind->judge(c, g, &j);
	if (!condition_holds(corr->co, &j)) {
		g->episode = 0;
		return;
	}
	if (news)
		g->episode = ++c->episodes;
	key_parse(corr, g->key, g->key_len, c->value);
	struct sigma_correlated m = {
		.rule = corr->rule,
		.first = j.first,
		.last = g->newest,
		.count = j.count,
		.value = j.value,
		.episode = g->episode,
		.ngroup = corr->co->group_by.n,
		.group = c->value,
	};
	fn(ctx, &m);
	if (!corr->nuses)
		return;
	if (c->nfirings == c->work_max) {
		c->stats.dropped++;
		return;
	}
	struct firing *f = &c->firing[c->nfirings++];
	*f = (struct firing){ g, g->newest, news, t->cause };
	g->pins++;
	for (unsigned i = 0; i < corr->nuses; i++)
		queue_add(c, &corr->use[i], f);
}

void sigma_correlator_match(struct sigma_correlator *c, const struct sigma_match *match, unsigned n,
			    const struct sigma_view *v, const struct sigma_record *rec,
			    sigma_correlated_fn *fn, void *ctx)
{
	struct source src = { v, rec, NULL };
	uint64_t now;

	c->nqueue = c->nfirings = 0;
	for (unsigned i = 0; i < n && c->ncorrs; i++) {
		unsigned rule = match[i].rule->index;
		for (unsigned k = c->use_first[rule]; k < c->use_first[rule + 1]; k++)
			queue_add(c, &c->use[k], NULL);
	}
	if (!c->nqueue)
		return;
	c->pass++;
	if (!rec->event || rec->event != c->record_event)
		c->event++;
	c->record_event = rec->event;
	if (rec->time > c->newest || !c->newest)
		c->newest = rec->time ? rec->time : 1;
	now = rec->time ? rec->time : c->newest;
	for (unsigned i = 0; i < c->nqueue;) {
		const struct corr *corr = c->queue[i].use->corr;
		c->ntouched = 0;
		/* All that the event brings to it, then one look at each of its groups. */
		for (; i < c->nqueue && c->queue[i].use->corr == corr; i++)
			deliver(c, &c->queue[i], &src, now);
		for (unsigned k = 0; k < c->ntouched; k++) {
			judge(c, &c->touched[k], fn, ctx);
			c->touched[k].g->pins--;
		}
	}
	for (unsigned i = 0; i < c->nfirings; i++)
		c->firing[i].g->pins--;
}
