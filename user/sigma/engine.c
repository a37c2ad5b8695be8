/* SPDX-License-Identifier: Apache-2.0 */
/* Puts rules, views and correlations together. */
#include "sigma/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sigma/parse.h"

/*
 * A logsource that only differs in names that no rule asks for has the same view: names are those
 * of rules, and compared as pointers.
 */
struct names {
	unsigned n;
	const char **name; /* sorted; the arena's */
};

struct slot {
	bool all;
	struct sigma_logsource logsource;
	struct sigma_view *view;
};

struct sigma_engine {
	struct sigma_rules *rules;
	struct sigma_correlator *correlator;
	uint64_t *last; /* by rule: the event that it last matched */
	struct sigma_match *fresh; /* the matches at work; as many as there are rules */
	struct names product, category, service;
	unsigned nslots;
	struct slot slot[SIGMA_VIEWS_MAX];
};

static int compare_names(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_name(struct names *names, struct arena *arena, unsigned most, const char *name)
{
	if (!names->name)
		names->name = arena_array(arena, most, sizeof(*names->name));
	if (!names->name)
		return -ENOMEM;
	if (name)
		names->name[names->n++] = name;
	return 0;
}

static void sort_names(struct names *names)
{
	unsigned n = 0;

	if (!names->n)
		return;
	qsort(names->name, names->n, sizeof(*names->name), compare_names);
	for (unsigned i = 1; i < names->n; i++)
		if (strcasecmp(names->name[n], names->name[i]) != 0)
			names->name[++n] = names->name[i];
	names->n = n + 1;
}

static const char *find_name(const struct names *names, const char *name)
{
	if (!name || !names->n)
		return NULL;
	const char **found =
		bsearch(&name, names->name, names->n, sizeof(*names->name), compare_names);
	return found ? *found : NULL;
}

static int collect_names(struct sigma_engine *g)
{
	const struct sigma_rules *r = g->rules;
	int rc = 0;

	for (unsigned i = 0; i < r->n && !rc; i++) {
		const struct sigma_logsource *ls = &r->rule[i]->logsource;
		rc = add_name(&g->product, r->arena, r->n, ls->product);
		if (!rc)
			rc = add_name(&g->category, r->arena, r->n, ls->category);
		if (!rc)
			rc = add_name(&g->service, r->arena, r->n, ls->service);
	}
	sort_names(&g->product);
	sort_names(&g->category);
	sort_names(&g->service);
	return rc;
}

/* One that asks for too much is left out, not the whole set. */
static void break_excessive(struct sigma_rules *r)
{
	struct err e;

	for (unsigned i = 0; i < r->n; i++) {
		struct sigma_rule *rule = r->rule[i];
		if (!rule->correlation || rule->broken ||
		    !sigma_correlation_check(rule->correlation, &e))
			continue;
		sigma_problem_add(&r->problems, SIGMA_ERROR, rule->pos, "%s", e.text);
		rule->broken = true;
	}
}

/* A correlation on a rule that can't be used could never come true. */
static void break_dependents(struct sigma_rules *r)
{
	bool again = true;

	while (again) {
		again = false;
		for (unsigned i = 0; i < r->n; i++) {
			struct sigma_rule *rule = r->rule[i];
			const struct sigma_correlation *c = rule->correlation;
			for (unsigned k = 0; c && !rule->broken && k < c->refs.n; k++) {
				if (!c->rules[k]->broken)
					continue;
				sigma_problem_add(&r->problems, SIGMA_ERROR, rule->pos,
						  "the rule \"%s\" that it counts has an error",
						  c->refs.s[k]);
				rule->broken = again = true;
			}
		}
	}
}

int sigma_engine_new(struct sigma_rules *r, const struct sigma_engine_options *o,
		     struct sigma_engine **ret, struct err *e)
{
	struct sigma_engine *g = calloc(1, sizeof(*g));
	int rc;

	if (!g) {
		sigma_rules_free(r);
		return err_set(e, -ENOMEM, "out of memory");
	}
	g->rules = r;
	rc = sigma_link(r);
	if (!rc)
		rc = sigma_compile(r, o ? &o->compile : NULL);
	if (!rc)
		rc = collect_names(g);
	if (rc) {
		err_set(e, rc, "no memory for the rules");
		goto out;
	}
	g->last = arena_array(r->arena, r->n, sizeof(*g->last));
	g->fresh = arena_array(r->arena, r->n, sizeof(*g->fresh));
	if (!g->last || !g->fresh) {
		rc = err_set(e, -ENOMEM, "no memory for the rules");
		goto out;
	}
	break_excessive(r);
	break_dependents(r);
	rc = sigma_correlator_new(r, o ? &o->correlator : NULL, &g->correlator, e);
	if (rc)
		goto out;
	*ret = g;
	return 0;
out:
	sigma_engine_free(g);
	return rc;
}

void sigma_engine_free(struct sigma_engine *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < g->nslots; i++)
		sigma_view_free(g->slot[i].view);
	sigma_correlator_free(g->correlator);
	sigma_rules_free(g->rules);
	free(g);
}

const struct sigma_rules *sigma_engine_rules(const struct sigma_engine *g)
{
	return g->rules;
}

struct sigma_correlator *sigma_engine_correlator(struct sigma_engine *g)
{
	return g->correlator;
}

struct sigma_view *sigma_engine_view(struct sigma_engine *g, const struct sigma_logsource *ls)
{
	struct slot want = { .all = !ls };

	if (ls) {
		want.logsource.product = find_name(&g->product, ls->product);
		want.logsource.category = find_name(&g->category, ls->category);
		want.logsource.service = find_name(&g->service, ls->service);
	}
	for (unsigned i = 0; i < g->nslots; i++) {
		const struct slot *s = &g->slot[i];
		if (s->all == want.all && s->logsource.product == want.logsource.product &&
		    s->logsource.category == want.logsource.category &&
		    s->logsource.service == want.logsource.service)
			return s->view;
	}
	if (g->nslots == SIGMA_VIEWS_MAX)
		return NULL;
	if (sigma_view_new(g->rules, ls ? &want.logsource : NULL, &want.view))
		return NULL;
	g->slot[g->nslots++] = want;
	return want.view;
}

struct judging {
	sigma_alert_fn *fn;
	void *ctx;
	unsigned n;
};

static void on_correlated(void *ctx, const struct sigma_correlated *m)
{
	struct judging *j = ctx;
	struct sigma_alert a = { .rule = m->rule, .correlated = m };

	if (m->rule->silent)
		return;
	j->n++;
	j->fn(j->ctx, &a);
}

/* Leaves out rules that another record of the same event matched. */
static unsigned keep_fresh(struct sigma_engine *g, const struct sigma_match *match, unsigned n,
			   uint64_t event)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t *last = &g->last[match[i].rule->index];
		if (event && *last == event)
			continue;
		*last = event;
		g->fresh[kept++] = match[i];
	}
	return kept;
}

unsigned sigma_engine_judge(struct sigma_engine *g, struct sigma_view *v,
			    const struct sigma_record *rec, sigma_alert_fn *fn, void *ctx)
{
	struct judging j = { .fn = fn, .ctx = ctx };
	const struct sigma_match *match;
	unsigned n = sigma_view_eval(v, rec, &match);

	n = keep_fresh(g, match, n, rec->event);
	match = g->fresh;
	for (unsigned i = 0; i < n; i++) {
		struct sigma_alert a = { .rule = match[i].rule, .uncertain = match[i].uncertain };
		if (a.rule->silent)
			continue;
		j.n++;
		fn(ctx, &a);
	}
	sigma_correlator_match(g->correlator, match, n, v, rec, on_correlated, &j);
	return j.n;
}
