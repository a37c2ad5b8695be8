/* SPDX-License-Identifier: Apache-2.0 */
/* What is told about rules that match: whether missing text could have ruled them out, and which
 * values made them match. */
#include <stdlib.h>

#include "sigma/view_private.h"

/* Truth when values may go on behind their ends, as in Kleene's logic. */
enum truth { NO, MAYBE, YES };

static enum truth atom_truth(struct sigma_view *v, uint32_t id)
{
	return view_atom_holds(v, id) ? YES : view_atom_open(v, id) ? MAYBE : NO;
}

static enum truth truth(struct sigma_view *v, uint32_t id)
{
	const struct view_node *n = &v->node[id];
	const uint32_t *kid = v->kid + n->first;
	bool atoms = n->op == VIEW_ANY || n->op == VIEW_ALL;
	bool all = n->op == VIEW_AND || n->op == VIEW_ALL;
	enum truth sum = all ? YES : NO;

	if (n->op == VIEW_NOT)
		return (enum truth)(YES - truth(v, kid[0]));
	for (uint32_t i = 0; i < n->n && sum != (all ? NO : YES); i++) {
		enum truth t = atoms ? atom_truth(v, kid[i]) : truth(v, kid[i]);
		if (all ? t < sum : t > sum)
			sum = t;
	}
	return sum;
}

static bool any_cut(const struct sigma_values *values)
{
	for (unsigned i = 0; values->present && i < values->n; i++)
		if (values->v[i].cut)
			return true;
	return false;
}

bool view_uncertain(struct sigma_view *v, uint32_t root)
{
	bool cut = false;

	for (uint32_t i = 0; i < v->nfields + v->wants_all && !cut; i++)
		cut = any_cut(view_values(v, i));
	return cut && truth(v, root) != YES;
}

struct evidence {
	struct sigma_view *v;
	struct sigma_evidence *out;
	unsigned n, max;
};

static void add(struct evidence *e, uint32_t column, const struct sigma_scalar *value)
{
	const char *field = column < e->v->nfields ? e->v->field[column] : NULL;

	for (unsigned i = 0; i < e->n; i++)
		if (e->out[i].field == field && e->out[i].value == value)
			return;
	if (e->n < e->max)
		e->out[e->n++] = (struct sigma_evidence){ .field = field, .value = value };
}

static void add_atom(struct evidence *e, uint32_t id)
{
	const struct view_atom *a = &e->v->atom[id];
	const struct sigma_values *values = view_values(e->v, a->column);

	if (e->n == e->max || !view_atom_holds(e->v, id))
		return;
	if (!values->present || !values->n) {
		add(e, a->column, NULL);
		return;
	}
	for (unsigned i = 0; i < e->v->column[a->column].nlooks || !i; i++)
		if (view_atom_matches(e->v, id, i))
			add(e, a->column, e->v->column[a->column].look[i].scalar);
}

static void collect(struct evidence *e, uint32_t id)
{
	const struct view_node *n = &e->v->node[id];

	if (n->op == VIEW_NOT || e->n == e->max || !view_node_holds(e->v, id))
		return;
	for (uint32_t i = 0; i < n->n; i++) {
		uint32_t kid = e->v->kid[n->first + i];
		if (n->op == VIEW_ANY || n->op == VIEW_ALL)
			add_atom(e, kid);
		else
			collect(e, kid);
	}
}

static int compare(const void *key, const void *element)
{
	const struct sigma_rule *a = key, *b = *(const struct sigma_rule *const *)element;

	return a->index < b->index ? -1 : a->index > b->index;
}

unsigned sigma_view_evidence(struct sigma_view *v, const struct sigma_rule *rule,
			     const struct sigma_record *rec, struct sigma_evidence *ret,
			     unsigned max)
{
	struct evidence e = { .v = v, .out = ret, .max = max };
	const struct sigma_rule **at = v->rule;

	if (rule)
		at = bsearch(rule, v->rule, v->nrules, sizeof(struct sigma_rule *), compare);
	if (!at || !v->nrules || rec != v->record)
		return 0;
	collect(&e, v->root[at - v->rule]);
	return e.n;
}
