/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers: for each node the atoms of which one must hold for it to hold, those that are likely to
 * let the least through. An AND takes its best child's, an OR all of its children's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigma/view_private.h"

#define NEVER_RULED_OUT 1e9 /* the cost of no cover */
#define LIKELY		1e6 /* that a field has a value */

static bool is_text(const struct sigma_pred *p)
{
	return p->kind <= SIGMA_PRED_contains && !(p->flags & SIGMA_CASED);
}

/*
 * A guess at how often the atom holds; only the order matters. What a text is says little, what
 * rules say more: a text that many of them want is one that is often there ("/tmp/", "/bash").
 */
static double likelihood(const struct view_atom *a)
{
	static const double contains[] = { LIKELY, LIKELY, 0.3,	  0.08, 0.02,
					   0.012,  0.01,   0.009, 0.008 };
	const struct sigma_pred *p = a->pred;
	double one = 0.02, uses = a->uses ? a->uses : 1; /* equals, endswith: names of programs */

	if (p->kind == SIGMA_PRED_contains)
		one = contains[p->len < 8 ? p->len : 8];
	else if (p->kind == SIGMA_PRED_startswith)
		one = 0.05;
	else if (p->len && p->text[p->len - 1] == '\n') /* a regular expression's $ */
		one = 0.0001;
	/* However many want it, it is less likely than that there is any value. */
	return one < LIKELY && one * uses * uses > 1000 ? 1000 : one * uses * uses;
}

/* All of what it needs one of; of what it needs all of, the least likely. */
static int cover_needs(struct view_builder *b, const struct view_atom *a, struct ids *ret,
		       double *ret_cost)
{
	const uint32_t *need = b->kids.v + a->needs;
	uint32_t best = 0;

	for (uint32_t i = 0; i < a->nneeds; i++) {
		double cost = likelihood(&b->v->atom[need[i]]);
		if (!a->pred->need_all) {
			*ret_cost += cost;
		} else if (!i || cost < *ret_cost) {
			*ret_cost = cost;
			best = i;
		}
	}
	return a->pred->need_all ? ids_push(ret, need[best]) : ids_append(ret, need, a->nneeds);
}

/* One atom's own cover: itself, what it needs, or that its field has a value at all. */
static int cover_atom(struct view_builder *b, uint32_t id, struct ids *ret, double *ret_cost)
{
	const struct view_atom a = b->v->atom[id];
	uint32_t any;
	int rc = 0;

	*ret_cost = NEVER_RULED_OUT;
	if (a.pred->kind == SIGMA_PRED_exists || a.pred->kind == SIGMA_PRED_null)
		return 0;
	if (is_text(a.pred) || a.pred->kind == SIGMA_PRED_number) {
		*ret_cost = likelihood(&a);
		rc = ids_push(ret, id);
	} else if (a.nneeds) {
		*ret_cost = 0;
		rc = cover_needs(b, &a, ret, ret_cost);
	}
	if (rc || *ret_cost < LIKELY)
		return rc;
	rc = view_atom(b, a.column, b->v->rules->compiled->any, &any);
	*ret_cost = LIKELY;
	ret->n = 0;
	return rc ? rc : ids_push(ret, any);
}

static int cover_node(struct view_builder *b, uint32_t id);

/* Kid i of a node: *ret stays the builder's for nodes, is the caller's to free for atoms. */
static int cover_kid(struct view_builder *b, const struct view_node *n, uint32_t i,
		     struct ids *scratch, const struct ids **ret, double *ret_cost)
{
	uint32_t kid = b->kids.v[n->first + i];
	int rc;

	if (n->op == VIEW_ANY || n->op == VIEW_ALL) {
		scratch->n = 0;
		*ret = scratch;
		return cover_atom(b, kid, scratch, ret_cost);
	}
	rc = cover_node(b, kid);
	*ret = &b->cover[kid];
	*ret_cost = b->cost[kid];
	return rc;
}

static int cover_node(struct view_builder *b, uint32_t id)
{
	const struct view_node n = b->v->node[id];
	bool all = n.op == VIEW_AND || n.op == VIEW_ALL;
	struct ids *cover = &b->cover[id], scratch = { 0 };
	const struct ids *kid;
	double cost, sum = all || n.op == VIEW_NOT ? NEVER_RULED_OUT : 0;
	int rc = 0;

	if (b->cost[id] >= 0)
		return 0;
	for (uint32_t i = 0; i < n.n && !rc && n.op != VIEW_NOT; i++) {
		rc = cover_kid(b, &n, i, &scratch, &kid, &cost);
		if (rc)
			break;
		if (all && cost < sum) {
			cover->n = 0;
			sum = cost;
			rc = ids_append(cover, kid->v, kid->n);
		} else if (!all) {
			sum += cost;
			rc = ids_append(cover, kid->v, kid->n);
		}
	}
	ids_free(&scratch);
	b->cost[id] = sum;
	if (sum >= NEVER_RULED_OUT)
		ids_free(cover);
	else
		ids_sort(cover);
	return rc;
}

static void set_bit(uint64_t *words, uint64_t *top, size_t i)
{
	words[i / 64] |= 1ULL << i % 64;
	top[i / 4096] |= 1ULL << i / 64 % 64;
}

/* From rule to atoms turned around. */
static int turn_around(struct view_builder *b)
{
	struct sigma_view *v = b->v;
	size_t total = 0;

	v->rules_at = calloc(v->natoms + 1, sizeof(*v->rules_at));
	if (!v->rules_at)
		return -ENOMEM;
	for (unsigned r = 0; r < v->nrules; r++) {
		const struct ids *cover = &b->cover[v->root[r]];
		for (size_t i = 0; i < cover->n; i++)
			v->rules_at[cover->v[i] + 1]++;
		total += cover->n;
	}
	for (size_t i = 0; i < v->natoms; i++)
		v->rules_at[i + 1] += v->rules_at[i];
	v->rule_of = calloc(total + 1, sizeof(*v->rule_of));
	if (!v->rule_of)
		return -ENOMEM;
	/* Each start moves to its end, which is the next one's start. */
	for (unsigned r = 0; r < v->nrules; r++) {
		const struct ids *cover = &b->cover[v->root[r]];
		for (size_t i = 0; i < cover->n; i++) {
			v->atom[cover->v[i]].scanned = true;
			v->rule_of[v->rules_at[cover->v[i]]++] = r;
		}
	}
	memmove(v->rules_at + 1, v->rules_at, v->natoms * sizeof(*v->rules_at));
	v->rules_at[0] = 0;
	return 0;
}

static bool is_scannable(const struct view_atom *a)
{
	return a->pred->kind == SIGMA_PRED_contains && is_text(a->pred) &&
	       a->pred->len >= VIEW_SCAN_LEN;
}

static bool is_anchored(const struct view_atom *a)
{
	return is_text(a->pred) && a->pred->kind != SIGMA_PRED_contains;
}

/* A walk from a value's ends takes the same time for any number of texts. */
static int scan_ends(struct sigma_view *v)
{
	bool *walked = calloc((size_t)v->nfields + 1, sizeof(*walked));

	if (!walked)
		return -ENOMEM;
	for (size_t i = 0; i < v->natoms; i++)
		walked[v->atom[i].column < v->nfields ? v->atom[i].column : v->nfields] |=
			v->atom[i].scanned && is_anchored(&v->atom[i]);
	for (size_t i = 0; i < v->natoms; i++) {
		struct view_atom *a = &v->atom[i];
		a->scanned |=
			is_anchored(a) && walked[a->column < v->nfields ? a->column : v->nfields];
	}
	free(walked);
	return 0;
}

/*
 * In a field that a pass goes over anyway, one more text is cheaper to look for in it than alone,
 * but for short ones, which are found all the time. A field with many texts gets a pass for them.
 */
static int scan_texts(struct view_builder *b)
{
	struct sigma_view *v = b->v;
	/* The last for keywords, which have no number yet. */
	uint32_t *texts = calloc((size_t)v->nfields + 1, sizeof(*texts));

	if (!texts)
		return -ENOMEM;
	for (size_t i = 0; i < v->natoms; i++) {
		const struct view_atom *a = &v->atom[i];
		uint32_t *count = &texts[a->column < v->nfields ? a->column : v->nfields];
		if (a->scanned && a->pred->kind == SIGMA_PRED_contains)
			*count += VIEW_SCAN_MANY;
		*count += is_scannable(a);
	}
	for (size_t i = 0; i < v->natoms; i++) {
		struct view_atom *a = &v->atom[i];
		uint32_t column = a->column < v->nfields ? a->column : v->nfields;
		a->scanned |= is_scannable(a) && texts[column] >= VIEW_SCAN_MANY;
	}
	for (size_t i = 0; i < v->nnodes; i++) {
		struct view_node *n = &v->node[i];
		n->scanned = n->op == VIEW_ANY;
		for (uint32_t k = 0; k < n->n && n->scanned; k++)
			n->scanned = v->atom[b->kids.v[n->first + k]].scanned;
	}
	free(texts);
	return 0;
}

/* What it takes to work one out, in about nanoseconds. */
static double atom_price(const struct view_atom *a)
{
	if (a->scanned)
		return 2;
	switch (a->pred->kind) {
	case SIGMA_PRED_equals:
	case SIGMA_PRED_startswith:
	case SIGMA_PRED_endswith:
	case SIGMA_PRED_any:
	case SIGMA_PRED_exists:
	case SIGMA_PRED_null:
		return 10;
	case SIGMA_PRED_regex:
		return 500;
	default:
		return 100;
	}
}

struct kid {
	uint32_t id;
	double price;
};

static int by_price(const void *a, const void *b)
{
	const struct kid *x = a, *y = b;

	if (x->price != y->price)
		return x->price < y->price ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/*
 * The cheap and the unlikely first, so that the rest is rarely looked at. Lists of atoms under an
 * OR stay sorted. price has room for every node.
 */
static int order_kids(struct view_builder *b, double *price)
{
	struct sigma_view *v = b->v;
	struct kid *kids = NULL;

	for (size_t i = 0; i < v->nnodes; i++) {
		const struct view_node *n = &v->node[i];
		bool atoms = n->op == VIEW_ANY || n->op == VIEW_ALL;
		struct kid *made = realloc(kids, (n->n + 1) * sizeof(*kids));
		if (!made) {
			free(kids);
			return -ENOMEM;
		}
		kids = made;
		price[i] = 1;
		for (uint32_t k = 0; k < n->n; k++) {
			uint32_t id = b->kids.v[n->first + k];
			kids[k].id = id;
			kids[k].price = atoms ? atom_price(&v->atom[id]) : price[id];
			price[i] += kids[k].price;
			/* Kids come before their parents. One that never rules out goes last. */
			if (n->op == VIEW_AND && b->cost[id] > 0)
				kids[k].price *= b->cost[id] < 1 ? 1 + b->cost[id] : 2;
			if (n->op == VIEW_ALL)
				kids[k].price += v->atom[id].uses > 1;
		}
		if (n->op == VIEW_ANY)
			continue;
		qsort(kids, n->n, sizeof(*kids), by_price);
		for (uint32_t k = 0; k < n->n; k++)
			b->kids.v[n->first + k] = kids[k].id;
	}
	free(kids);
	return 0;
}

int view_cover(struct view_builder *b)
{
	struct sigma_view *v = b->v;
	int rc = 0;

	b->cover = calloc(v->nnodes + 1, sizeof(*b->cover));
	b->cost = malloc((v->nnodes + 1) * sizeof(*b->cost));
	v->nwords = v->nrules / 64 + 1;
	v->ntops = v->nwords / 64 + 1;
	v->candidate = calloc(v->nwords, sizeof(*v->candidate));
	v->top = calloc(v->ntops, sizeof(*v->top));
	v->always = calloc(v->nwords, sizeof(*v->always));
	v->always_top = calloc(v->ntops, sizeof(*v->always_top));
	if (!b->cover || !b->cost || !v->candidate || !v->top || !v->always || !v->always_top)
		return -ENOMEM;
	for (size_t i = 0; i < v->nnodes; i++)
		b->cost[i] = -1;
	for (unsigned r = 0; r < v->nrules && !rc; r++) {
		rc = cover_node(b, v->root[r]);
		if (b->cost[v->root[r]] >= NEVER_RULED_OUT) {
			set_bit(v->always, v->always_top, r);
			v->stats.always++;
		}
	}
	if (!rc)
		rc = turn_around(b);
	if (!rc)
		rc = scan_ends(v);
	if (!rc)
		rc = scan_texts(b);
	if (rc)
		return rc;
	double *price = malloc((v->nnodes + 1) * sizeof(*price));
	rc = price ? order_kids(b, price) : -ENOMEM;
	free(price);
	return rc;
}
