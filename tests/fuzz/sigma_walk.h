/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of parsed rules, whatever they were parsed from. */
#ifndef REDSHANK_TESTS_SIGMA_WALK_H
#define REDSHANK_TESTS_SIGMA_WALK_H

#include "base/utf8.h"
#include "fuzz.h"
#include "sigma/parse.h"

static inline void walk_item(const struct sigma_item *item)
{
	must(item->nvalues && item->nmodifiers <= SIGMA_MODIFIERS_MAX);
	for (unsigned i = 0; i < item->nmodifiers; i++)
		must(sigma_modifier_by_name(sigma_modifier_name(item->modifier[i])) ==
		     (int)item->modifier[i]);
	for (unsigned i = 0; i < item->nvalues; i++) {
		const struct sigma_scalar *s = &item->value[i].scalar;
		must(s->type <= SIGMA_str && !s->cut && !s->text[s->len]);
		must(utf8_valid(s->text, s->len));
	}
}

/* *steps bounds the walk: a graph can have more paths than anyone would walk. */
static inline void walk_expr(const struct sigma_expr *e, unsigned level, unsigned nrefs,
			     unsigned *steps)
{
	must(level <= SIGMA_DEPTH_MAX);
	if (!*steps)
		return;
	--*steps;
	switch (e->op) {
	case SIGMA_leaf:
		must(!nrefs);
		walk_item(e->item);
		break;
	case SIGMA_ref:
		must(e->ref < nrefs);
		break;
	default:
		must(e->n && (e->op != SIGMA_not || e->n == 1));
		for (unsigned i = 0; i < e->n; i++)
			walk_expr(e->kid[i], level + 1, nrefs, steps);
	}
}

static inline void walk_correlation(const struct sigma_rule *x)
{
	const struct sigma_correlation *c = x->correlation;
	unsigned steps = 100000;

	must(c && c->refs.n && c->timespan && c->nbounds <= SIGMA_BOUNDS_MAX);
	must(!c->nbounds == !!c->expr);
	if (c->expr)
		walk_expr(c->expr, 1, c->refs.n, &steps);
	for (unsigned i = 0; !x->broken && i < c->refs.n; i++)
		must(c->rules[i] && !c->rules[i]->broken && c->rules[i] != x);
	for (unsigned i = 0; !x->broken && i < c->naliases; i++)
		for (unsigned k = 0; k < c->alias[i].n; k++)
			must(c->alias[i].field[k].ref < c->refs.n);
}

static inline void walk_rules(const struct sigma_rules *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		const struct sigma_rule *x = r->rule[i];
		unsigned steps = 100000;
		must(x->index == i && x->id && *x->id && x->title && *x->title);
		must(x->pos.file && x->pos.line);
		if (x->kind == SIGMA_CORRELATION)
			walk_correlation(x);
		else
			walk_expr(x->expr, 1, 0, &steps);
	}
	for (unsigned i = 0; i < r->problems.n; i++) {
		const char *text = r->problems.problem[i].text;
		must(*text && utf8_valid(text, strlen(text)));
		for (; *text; text++)
			must((unsigned char)*text >= 0x20 && *text != 0x7F);
	}
}

#endif
