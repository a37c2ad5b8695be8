/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Correlations and the rules that they refer to: found, checked for cycles, the rules marked silent
 * and told which fields are read in their events.
 */
#include <errno.h>
#include <string.h>

#include "sigma/link.h"
#include "sigma/parser.h"

#define CHAIN_MAX  32 /* correlations of correlations */
#define WANTED_MAX 256 /* fields that correlations read of one rule */

enum visit { NEW, ENTERED, DONE };

struct linking {
	struct sigma_rules *r;
	const struct sigma_index *x;
	enum visit *visit;
	unsigned *height; /* of the chain below each correlation */
};

static void broken(struct linking *l, struct sigma_rule *c, const char *ref, const char *why)
{
	sigma_problem_add(&l->r->problems, SIGMA_ERROR, c->pos,
			  "the correlation refers to '%s': %s", ref, why);
	c->broken = true;
}

static int find_rules(struct linking *l, struct sigma_rule *rule)
{
	struct sigma_correlation *c = rule->correlation;

	c->rules = arena_array(l->r->arena, c->refs.n, sizeof(const struct sigma_rule *));
	if (!c->rules)
		return -ENOMEM;
	for (unsigned i = 0; i < c->refs.n; i++) {
		const struct sigma_rule *second;
		const char *ref = c->refs.s[i];
		c->rules[i] = sigma_index_find(l->x, ref, rule->pos.file, &second);
		if (!c->rules[i])
			broken(l, rule, ref, "there is no such rule, or it has errors");
		else if (second)
			broken(l, rule, ref, "several rules have that name");
	}
	return 0;
}

/* The rule that an alias calls so may stand under its other name in the list of rules. */
static void find_aliases(struct linking *l, struct sigma_rule *rule)
{
	struct sigma_correlation *c = rule->correlation;

	for (unsigned i = 0; i < c->naliases; i++)
		for (unsigned k = 0; k < c->alias[i].n; k++) {
			struct sigma_alias_field *field = &c->alias[i].field[k];
			const struct sigma_rule *second,
				*meant = sigma_index_find(l->x, field->rule, rule->pos.file,
							  &second);
			field->ref = 0;
			while (field->ref < c->refs.n &&
			       strcmp(c->refs.s[field->ref], field->rule) &&
			       (!meant || c->rules[field->ref] != meant))
				field->ref++;
			if (field->ref < c->refs.n)
				continue;
			sigma_problem_add(&l->r->problems, SIGMA_ERROR, rule->pos,
					  "the alias '%s' names the rule '%s', which is not one "
					  "of the correlation's",
					  c->alias[i].name, field->rule);
			rule->broken = true;
			field->ref = 0;
		}
}

/* Depth first: what a correlation refers to is settled before itself. */
static void settle(struct linking *l, struct sigma_rule *rule, unsigned depth)
{
	struct sigma_correlation *c = rule->correlation;

	l->visit[rule->index] = ENTERED;
	for (unsigned i = 0; !rule->broken && i < c->refs.n; i++) {
		struct sigma_rule *below = l->r->rule[c->rules[i]->index];
		if (below->kind == SIGMA_CORRELATION) {
			if (l->visit[below->index] == NEW && depth < CHAIN_MAX)
				settle(l, below, depth + 1);
			if (l->visit[below->index] == ENTERED)
				broken(l, rule, c->refs.s[i], "which refers back to this one");
			else if (l->visit[below->index] == NEW ||
				 l->height[below->index] + 1 > CHAIN_MAX)
				broken(l, rule, c->refs.s[i], "a chain of too many correlations");
			else if (l->height[below->index] + 1 > l->height[rule->index])
				l->height[rule->index] = l->height[below->index] + 1;
		}
		if (below->broken && !rule->broken)
			broken(l, rule, c->refs.s[i], "which can't be used");
	}
	l->visit[rule->index] = DONE;
}

/* --- fields --- */

static const struct sigma_alias *find_alias(const struct sigma_correlation *c, const char *name)
{
	for (unsigned i = 0; i < c->naliases; i++)
		if (!strcmp(c->alias[i].name, name))
			return &c->alias[i];
	return NULL;
}

/* The field that name means in the events of rule ref. */
static const char *meant_in(const struct sigma_correlation *c, const char *name, unsigned ref)
{
	const struct sigma_alias *alias = find_alias(c, name);

	for (unsigned i = 0; alias && i < alias->n; i++)
		if (alias->field[i].ref == ref)
			return alias->field[i].field;
	return name;
}

static int want(struct linking *l, struct sigma_rule *rule, const char *field)
{
	struct sigma_strings *w = &rule->wanted;

	for (unsigned i = 0; i < w->n; i++)
		if (!strcmp(w->s[i], field))
			return 0;
	if (w->n == WANTED_MAX) {
		sigma_problem_add(&l->r->problems, SIGMA_ERROR, rule->pos,
				  "correlations read more than %d fields of its events",
				  WANTED_MAX);
		return -E2BIG;
	}
	if (!(w->n & (w->n - 1))) {
		const char **grown = arena_array(l->r->arena, w->n ? 2 * w->n : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		if (w->n)
			memcpy(grown, w->s, w->n * sizeof(*grown));
		w->s = grown;
	}
	w->s[w->n++] = field;
	/* An alias of its own it makes itself; all else is read in the events that it counts. */
	struct sigma_correlation *c = rule->correlation;
	int rc = 0;
	if (c && !find_alias(c, field))
		for (unsigned i = 0; !rc && i < c->refs.n; i++)
			rc = want(l, l->r->rule[c->rules[i]->index], field);
	return rc;
}

static int want_all(struct linking *l, struct sigma_rule *rule)
{
	struct sigma_correlation *c = rule->correlation;
	int rc = 0;

	for (unsigned i = 0; !rc && i < c->refs.n; i++) {
		struct sigma_rule *below = l->r->rule[c->rules[i]->index];
		for (unsigned k = 0; !rc && k < c->group_by.n; k++)
			rc = want(l, below, meant_in(c, c->group_by.s[k], i));
		for (unsigned k = 0; !rc && k < c->fields.n; k++)
			rc = want(l, below, meant_in(c, c->fields.s[k], i));
	}
	if (rc == -E2BIG) {
		rule->broken = true;
		rc = 0;
	}
	return rc;
}

/* --- rules that alert --- */

/* Whose own alerts somebody asks for keeps them, whatever other correlations refer to it. */
static void mark_silent(struct linking *l, bool *loud)
{
	for (unsigned i = 0; i < l->r->n; i++) {
		struct sigma_correlation *c = l->r->rule[i]->correlation;
		if (!c || l->r->rule[i]->broken)
			continue;
		for (unsigned k = 0; k < c->refs.n; k++) {
			struct sigma_rule *below = l->r->rule[c->rules[k]->index];
			loud[below->index] |= c->generate;
			below->silent = !loud[below->index];
		}
	}
}

int sigma_link_correlations(struct sigma_rules *r, const struct sigma_index *x, struct arena *a)
{
	struct linking l = { .r = r, .x = x };
	bool *loud = arena_array(a, r->n, sizeof(*loud));
	int rc = 0;

	l.visit = arena_array(a, r->n, sizeof(*l.visit));
	l.height = arena_array(a, r->n, sizeof(*l.height));
	if (!loud || !l.visit || !l.height)
		return -ENOMEM;
	for (unsigned i = 0; !rc && i < r->n; i++) {
		if (r->rule[i]->kind != SIGMA_CORRELATION || r->rule[i]->broken)
			continue;
		rc = find_rules(&l, r->rule[i]);
		if (!rc)
			find_aliases(&l, r->rule[i]);
	}
	for (unsigned i = 0; !rc && i < r->n; i++)
		if (r->rule[i]->kind == SIGMA_CORRELATION && l.visit[i] == NEW)
			settle(&l, r->rule[i], 0);
	for (unsigned i = 0; !rc && i < r->n; i++)
		if (r->rule[i]->kind == SIGMA_CORRELATION && !r->rule[i]->broken)
			rc = want_all(&l, r->rule[i]);
	if (!rc)
		mark_silent(&l, loud);
	return rc;
}
