/* SPDX-License-Identifier: Apache-2.0 */
/* Atoms and nodes of the event at hand: worked out when asked for, and kept. */
#include "sigma/view_private.h"

static bool matches(struct sigma_view *v, const struct sigma_pred *p, const struct sigma_look *l)
{
	int rc = sigma_pred_match(p, l, v->scratch);

	if (rc < 0)
		v->stats.regex_limits++;
	return rc > 0;
}

static bool has_null(const struct sigma_values *values)
{
	if (!values->present || !values->n)
		return true;
	for (unsigned i = 0; i < values->n; i++)
		if (values->v[i].type == SIGMA_null)
			return true;
	return false;
}

static bool refers(struct sigma_view *v, const struct view_atom *a, const struct sigma_look *l)
{
	const struct view_column *other = view_fold(v, a->other);

	for (unsigned i = 0; i < other->nlooks; i++)
		if (sigma_pred_refers(a->pred, l, &other->look[i]))
			return true;
	return false;
}

/* Does it lack text that it needs? Asked of what was scanned for, and before any regular expression
 * also of the rest. */
static bool is_ruled_out(struct sigma_view *v, const struct view_atom *a)
{
	const uint32_t *need = v->kid + a->needs;

	for (uint32_t i = 0; i < a->nneeds; i++) {
		bool known = v->atom[need[i]].scanned || a->pred->kind == SIGMA_PRED_regex;
		bool lacks = known && !view_atom_holds(v, need[i]);
		if (lacks == a->pred->need_all)
			return lacks;
	}
	return a->nneeds && !a->pred->need_all;
}

static bool work_out(struct sigma_view *v, const struct view_atom *a)
{
	const struct sigma_values *values = view_values(v, a->column);

	if (a->pred->kind == SIGMA_PRED_exists)
		return values->present == !!(a->pred->flags & SIGMA_EXISTS);
	if (a->pred->kind == SIGMA_PRED_null)
		return has_null(values);
	if (!values->present || is_ruled_out(v, a))
		return false;
	const struct view_column *c = view_fold(v, a->column);
	for (unsigned i = 0; i < c->nlooks; i++)
		if (a->pred->kind == SIGMA_PRED_fieldref ? refers(v, a, &c->look[i])
							 : matches(v, a->pred, &c->look[i]))
			return true;
	return false;
}

bool view_atom_holds(struct sigma_view *v, uint32_t id)
{
	uint32_t result = v->atom_result[id];
	const struct view_atom *a = &v->atom[id];

	if (result / 2 == v->now)
		return result & 1;
	if (a->scanned)
		return false;
	bool holds = work_out(v, a);
	v->atom_result[id] = 2 * v->now + holds;
	return holds;
}

bool view_atom_open(struct sigma_view *v, uint32_t id)
{
	const struct view_atom *a = &v->atom[id];
	const struct view_column *c = view_fold(v, a->column);

	for (unsigned i = 0; i < c->nlooks; i++)
		if (sigma_pred_open(a->pred, &c->look[i]))
			return true;
	if (a->pred->kind != SIGMA_PRED_fieldref)
		return false;
	c = view_fold(v, a->other);
	for (unsigned i = 0; i < c->nlooks; i++)
		if (c->look[i].scalar->cut)
			return true;
	return false;
}

bool view_atom_matches(struct sigma_view *v, uint32_t id, unsigned i)
{
	const struct view_atom *a = &v->atom[id];
	const struct view_column *c = view_fold(v, a->column);

	if (i >= c->nlooks)
		return false;
	const struct sigma_look *l = &c->look[i];
	switch (a->pred->kind) {
	case SIGMA_PRED_exists:
		return a->pred->flags & SIGMA_EXISTS;
	case SIGMA_PRED_null:
		return l->scalar->type == SIGMA_null;
	case SIGMA_PRED_fieldref:
		return refers(v, a, l);
	default:
		return matches(v, a->pred, l);
	}
}

static bool among(const uint32_t *sorted, uint32_t n, uint32_t id)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (sorted[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && sorted[lo] == id;
}

static bool any_holds(struct sigma_view *v, const struct view_node *n)
{
	const uint32_t *atom = v->kid + n->first;

	if (n->scanned && n->n >= VIEW_LONG_LIST) {
		for (size_t i = 0; i < v->nhits; i++)
			if (among(atom, n->n, v->hit[i]))
				return true;
		return false;
	}
	for (uint32_t i = 0; i < n->n; i++)
		if (view_atom_holds(v, atom[i]))
			return true;
	return false;
}

static bool work_out_node(struct sigma_view *v, const struct view_node *n)
{
	const uint32_t *kid = v->kid + n->first;

	switch ((enum view_op)n->op) {
	case VIEW_ANY:
		return any_holds(v, n);
	case VIEW_ALL:
		for (uint32_t i = 0; i < n->n; i++)
			if (!view_atom_holds(v, kid[i]))
				return false;
		return true;
	case VIEW_AND:
		for (uint32_t i = 0; i < n->n; i++)
			if (!view_node_holds(v, kid[i]))
				return false;
		return true;
	case VIEW_OR:
		for (uint32_t i = 0; i < n->n; i++)
			if (view_node_holds(v, kid[i]))
				return true;
		return false;
	case VIEW_NOT:
		return !view_node_holds(v, kid[0]);
	}
	return false;
}

bool view_node_holds(struct sigma_view *v, uint32_t id)
{
	const struct view_node *n = &v->node[id];

	if (!n->shared)
		return work_out_node(v, n);
	if (v->node_result[id] / 2 != v->now)
		v->node_result[id] = 2 * v->now + work_out_node(v, n);
	return v->node_result[id] & 1;
}
