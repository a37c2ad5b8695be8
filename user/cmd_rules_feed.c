/* SPDX-License-Identifier: Apache-2.0 */
/* Rules against the table of sources. */
#include "cmd_rules_feed.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "detect/sigma_source.h"

static bool has(const struct sigma_logsource *want)
{
	for (unsigned i = 0; i < sigma_nsources; i++)
		if (sigma_logsource_fits(want, &sigma_sources[i].logsource))
			return true;
	return false;
}

bool feed_has_logsource(const struct sigma_logsource *ls, char *why, unsigned size)
{
	const struct {
		const char *what, *name;
		struct sigma_logsource alone;
	} parts[] = {
		{ "product", ls->product, { .product = ls->product } },
		{ "category", ls->category, { .category = ls->category } },
		{ "service", ls->service, { .service = ls->service } },
	};

	if (has(ls))
		return true;
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].name && !has(&parts[i].alone)) {
			snprintf(why, size, "no source for %s %.100s", parts[i].what,
				 parts[i].name);
			return false;
		}
	}
	snprintf(why, size, "no source has this product, category and service together");
	return false;
}

bool feed_has_field(const struct sigma_logsource *ls, const char *field)
{
	struct sigma_feeder feeder;

	for (unsigned i = 0; i < sigma_nsources; i++)
		if (sigma_logsource_fits(ls, &sigma_sources[i].logsource) &&
		    sigma_feeder_find(&sigma_sources[i], field, &feeder))
			return true;
	return false;
}

/* --- can it ever be true? --- */

enum answer { NEVER, MAYBE, ALWAYS };

/* Does the value, a word without wildcards, compare with something that never changes? */
static enum answer ask_constant(const struct sigma_item *item, const struct sigma_feeder *f)
{
	if (item->nmodifiers)
		return MAYBE;
	for (unsigned i = 0; i < item->nvalues; i++) {
		const struct sigma_scalar *v = &item->value[i].scalar;
		if (!v->text || strpbrk(v->text, "*?\\"))
			return MAYBE;
		for (unsigned k = 0; k < f->n; k++)
			if (!strcasecmp(v->text, f->row[k].feed->from))
				return ALWAYS;
	}
	return NEVER;
}

static bool is_constant(const struct sigma_feeder *f)
{
	for (unsigned i = 0; i < f->n; i++)
		if (!f->row[i].feed || !(f->row[i].feed->flags & SIGMA_FEED_constant))
			return false;
	return true;
}

/* A field that is never there. */
static enum answer ask_absent(const struct sigma_item *item)
{
	for (unsigned i = 0; i < item->nvalues; i++)
		if (item->value[i].scalar.type == SIGMA_null)
			return MAYBE;
	for (unsigned i = 0; i < item->nmodifiers; i++)
		if (item->modifier[i] == SIGMA_MOD_exists || item->modifier[i] == SIGMA_MOD_neq)
			return MAYBE;
	return NEVER;
}

static enum answer ask(const struct sigma_expr *e, const struct sigma_source *s,
		       const struct sigma_item **ret_never)
{
	enum answer a = e->op == SIGMA_or ? NEVER : ALWAYS;
	struct sigma_feeder f;

	switch (e->op) {
	case SIGMA_leaf:
		if (!e->item->field)
			return MAYBE;
		if (!sigma_feeder_find(s, e->item->field, &f))
			a = ask_absent(e->item);
		else
			a = is_constant(&f) ? ask_constant(e->item, &f) : MAYBE;
		/* That a record is of another type says the least. */
		if (a == NEVER && (!*ret_never || !strcmp((*ret_never)->field, "type")))
			*ret_never = e->item;
		return a;
	case SIGMA_not:
		a = ask(e->kid[0], s, ret_never);
		return a == NEVER ? ALWAYS : a == ALWAYS ? NEVER : MAYBE;
	case SIGMA_and:
		for (unsigned i = 0; i < e->n && a != NEVER; i++) {
			enum answer kid = ask(e->kid[i], s, ret_never);
			a = kid < a ? kid : a;
		}
		return a;
	case SIGMA_or:
		for (unsigned i = 0; i < e->n && a != ALWAYS; i++) {
			enum answer kid = ask(e->kid[i], s, ret_never);
			a = kid > a ? kid : a;
		}
		return a;
	case SIGMA_ref:
		break;
	}
	return MAYBE;
}

/* Could one of the sources make an event that it matches? */
static bool satisfiable(const struct sigma_rule *rule, char *why, unsigned size)
{
	const struct sigma_item *never = NULL;

	for (unsigned i = 0; i < sigma_nsources; i++)
		if (sigma_logsource_fits(&rule->logsource, &sigma_sources[i].logsource) &&
		    ask(rule->expr, &sigma_sources[i], &never) != NEVER)
			return true;
	if (never)
		snprintf(why, size, "no source has %.60s %.60s", never->field,
			 never->value[0].scalar.text ? never->value[0].scalar.text : "");
	else
		snprintf(why, size, "no event can match it");
	return false;
}

bool feed_has_rule(const struct sigma_rule *rule, char *why, unsigned size)
{
	const struct sigma_correlation *c = rule->correlation;
	unsigned fed = 0;

	if (!c)
		return feed_has_logsource(&rule->logsource, why, size) &&
		       satisfiable(rule, why, size);
	for (unsigned i = 0; i < c->refs.n; i++)
		fed += feed_has_rule(c->rules[i], why, size);
	bool all = (c->type == SIGMA_temporal || c->type == SIGMA_temporal_ordered) && !c->expr;
	return all ? fed == c->refs.n : fed > 0;
}
