/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters around rules: "rule and not filter" (spec: sigma-filters-specification). Done in two
 * passes, the first of which counts, so that each rule gets one AND however many filters it has.
 */
#include <errno.h>
#include <string.h>

#include "sigma/link.h"
#include "sigma/parser.h"

#define FILTERS_MAX 4096 /* of a set */

struct filtering {
	struct sigma_rules *r;
	const struct sigma_index *x;
	unsigned *count; /* of each rule's filters */
	struct sigma_expr **joined; /* of each rule that has some; NULL in the first pass */
	const struct sigma_expr *negated; /* of the filter at hand */
};

static bool fits(const struct sigma_rule *filter, const struct sigma_rule *rule)
{
	return rule->kind == SIGMA_RULE && !rule->broken &&
	       sigma_logsource_fits(&filter->logsource, &rule->logsource);
}

static void put_around(struct filtering *f, const struct sigma_rule *rule)
{
	if (f->joined) {
		struct sigma_expr *e = f->joined[rule->index];
		e->kid[e->n++] = f->negated;
	} else {
		f->count[rule->index]++;
	}
}

static bool named_before(const struct filtering *f, const struct sigma_rule *filter, unsigned i,
			 const struct sigma_rule *rule)
{
	const struct sigma_rule *second;

	while (i--)
		if (sigma_index_find(f->x, filter->filtered.s[i], filter->pos.file, &second) ==
		    rule)
			return true;
	return false;
}

/* Tells in the first pass what is wrong. */
static void put_around_named(struct filtering *f, const struct sigma_rule *filter)
{
	for (unsigned i = 0; i < filter->filtered.n; i++) {
		const char *ref = filter->filtered.s[i], *why = NULL;
		const struct sigma_rule *second;
		const struct sigma_rule *rule =
			sigma_index_find(f->x, ref, filter->pos.file, &second);
		if (!rule && f->r->foreign && !strncmp(ref, f->r->foreign, strlen(f->r->foreign)))
			continue;
		if (!rule)
			why = "there is no such rule";
		else if (second)
			why = "several have that name";
		else if (rule->kind == SIGMA_CORRELATION)
			why = "it is a correlation, and those can't be filtered";
		else if (!fits(filter, rule))
			why = "its logsource is another";
		if (why && !f->joined)
			sigma_problem_add(&f->r->problems, SIGMA_WARNING, filter->pos,
					  "the filter names '%s': %s", ref, why);
		if (!why && !named_before(f, filter, i, rule))
			put_around(f, rule);
	}
}

static void put_around_any(struct filtering *f, const struct sigma_rule *filter)
{
	bool some = false;

	for (unsigned i = 0; i < f->r->n; i++)
		if (fits(filter, f->r->rule[i])) {
			put_around(f, f->r->rule[i]);
			some = true;
		}
	if (!some && !f->joined)
		sigma_problem_add(&f->r->problems, SIGMA_WARNING, filter->pos,
				  "no rule has the logsource of this filter");
}

static int each_filter(struct filtering *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->r->n; i++) {
		struct sigma_rule *filter = f->r->rule[i];
		if (filter->kind != SIGMA_FILTER || filter->broken)
			continue;
		if (filter->expires && filter->expires <= f->r->now) {
			if (!f->joined)
				sigma_problem_add(
					&f->r->problems, SIGMA_WARNING, filter->pos,
					"the filter has expired: what it left out alerts");
			continue;
		}
		if (++n > FILTERS_MAX) {
			sigma_problem_add(&f->r->problems, SIGMA_ERROR, filter->pos,
					  "more than %d filters", FILTERS_MAX);
			filter->broken = true;
			continue;
		}
		if (f->joined) {
			struct sigma_expr *negated = arena_alloc(f->r->arena, sizeof(*negated));
			if (negated)
				negated->kid = arena_array(f->r->arena, 1,
							   sizeof(const struct sigma_expr *));
			if (!negated || !negated->kid)
				return -ENOMEM;
			negated->op = SIGMA_not;
			negated->n = 1;
			negated->kid[0] = filter->expr;
			f->negated = negated;
		}
		if (filter->filtered.n)
			put_around_named(f, filter);
		else
			put_around_any(f, filter);
	}
	return 0;
}

int sigma_link_filters(struct sigma_rules *r, const struct sigma_index *x, struct arena *a)
{
	struct filtering f = { .r = r, .x = x };

	f.count = arena_array(a, r->n, sizeof(*f.count));
	struct sigma_expr **joined = arena_array(a, r->n, sizeof(struct sigma_expr *));
	if (!f.count || !joined)
		return -ENOMEM;
	int rc = each_filter(&f);
	for (unsigned i = 0; !rc && i < r->n; i++) {
		if (!f.count[i])
			continue;
		struct sigma_expr *e = arena_alloc(r->arena, sizeof(*e));
		if (!e)
			return -ENOMEM;
		e->op = SIGMA_and;
		e->kid = arena_array(r->arena, f.count[i] + 1, sizeof(const struct sigma_expr *));
		if (!e->kid)
			return -ENOMEM;
		e->kid[e->n++] = r->rule[i]->expr;
		r->rule[i]->expr = e;
		joined[i] = e;
	}
	f.joined = joined;
	return rc ? rc : each_filter(&f);
}
