/* SPDX-License-Identifier: Apache-2.0 */
/* The first pass: every field's values folded once, and searched for all texts at once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigma/view_private.h"

const struct sigma_values *view_values(const struct sigma_view *v, uint32_t column)
{
	return column == v->nfields ? &v->record->all : &v->record->field[column];
}

static bool reserve(struct view_column *c, unsigned n)
{
	if (n <= c->looks_cap)
		return true;
	struct sigma_look *made = realloc(c->look, 2 * (size_t)n * sizeof(*made));
	if (!made)
		return false;
	c->look = made;
	c->looks_cap = 2 * n;
	return true;
}

const struct view_column *view_fold(struct sigma_view *v, uint32_t column)
{
	struct view_column *c = &v->column[column];
	const struct sigma_values *values = view_values(v, column);

	if (c->folded_at == v->now)
		return c;
	c->folded_at = v->now;
	c->nlooks = 0;
	fold_reset(&c->fold);
	if (!values->present || !reserve(c, values->n))
		return c;
	for (unsigned i = 0; i < values->n; i++) {
		struct sigma_look *l = &c->look[c->nlooks];
		*l = (struct sigma_look){ .scalar = &values->v[i], .f = &c->fold };
		if (l->scalar->len <= VIEW_TEXT_MAX - c->fold.len &&
		    !fold_add(&c->fold, l->scalar->text, l->scalar->len, &l->off, &l->len))
			c->nlooks++;
	}
	return c;
}

static void found(void *ctx, uint32_t atom)
{
	struct sigma_view *v = ctx;
	uint32_t yes = 2 * v->now + 1;

	if (v->atom_result[atom] == yes)
		return;
	v->atom_result[atom] = yes;
	v->hit[v->nhits++] = atom;
	for (uint32_t i = v->rules_at[atom]; i < v->rules_at[atom + 1]; i++) {
		uint32_t r = v->rule_of[i];
		v->candidate[r / 64] |= 1ULL << r % 64;
		v->top[r / 4096] |= 1ULL << r / 64 % 64;
	}
}

/* 5.0 is 5 for a rule that says the number, not for one that says the text. */
static void found_number(void *ctx, uint32_t atom)
{
	struct sigma_view *v = ctx;

	if (v->atom[atom].pred->kind == SIGMA_PRED_number)
		found(v, atom);
}

static void scan_value(struct sigma_view *v, const struct view_column *c,
		       const struct sigma_look *l)
{
	const char *text = c->fold.s + l->off;
	char canonical[NUMBER_TEXT_MAX];
	size_t n;

	if (c->grams)
		grams_scan(c->grams, text, l->len, v->atom_result, 2 * v->now + 1, found, v);
	if (c->head)
		trie_walk(c->head, text, l->len, found, v);
	if (c->tail)
		trie_walk(c->tail, text, l->len, found, v);
	if (c->numbers && number_canonical(l->scalar, canonical, &n))
		trie_walk(c->head, canonical, n, found_number, v);
}

void view_scan(struct sigma_view *v)
{
	for (uint32_t i = 0; i <= v->nfields; i++) {
		const struct view_column *c = &v->column[i];
		if (c->present == VIEW_NONE && !c->grams && !c->head && !c->tail)
			continue;
		const struct sigma_values *values = view_values(v, i);
		if (!values->present || !values->n)
			continue;
		view_fold(v, i);
		for (unsigned k = 0; k < c->nlooks; k++) {
			if (c->look[k].scalar->type == SIGMA_null)
				continue;
			if (c->present != VIEW_NONE)
				found(v, c->present);
			scan_value(v, c, &c->look[k]);
		}
	}
}

/* Literals of one column, by what looks for them. */
struct literals {
	struct literal *v;
	size_t n, cap;
};

static int add(struct literals *l, const char *s, size_t len, uint32_t id, bool whole)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct literal *made = realloc(l->v, cap * sizeof(*made));
		if (!made)
			return -ENOMEM;
		l->v = made;
		l->cap = cap;
	}
	l->v[l->n++] = (struct literal){ .s = s, .len = (uint32_t)len, .id = id, .whole = whole };
	return 0;
}

enum { HEAD, TAIL, ANYWHERE, PLACES };

static int add_atom(struct view_column *c, uint32_t id, const struct sigma_pred *p,
		    struct literals by[PLACES])
{
	int rc;

	switch (p->kind) {
	case SIGMA_PRED_equals:
		return add(&by[HEAD], p->text, p->len, id, true);
	case SIGMA_PRED_startswith:
		return add(&by[HEAD], p->text, p->len, id, false);
	case SIGMA_PRED_endswith:
		return add(&by[TAIL], p->text, p->len, id, false);
	case SIGMA_PRED_contains:
		return add(&by[ANYWHERE], p->text, p->len, id, false);
	case SIGMA_PRED_number:
		c->numbers = true;
		rc = add(&by[HEAD], p->number.canonical, p->number.ncanonical, id, true);
		return rc ? rc : add(&by[HEAD], p->text, p->len, id, true);
	default:
		c->present = id;
		return 0;
	}
}

static int column_new(struct sigma_view *v, struct view_column *c, struct literals by[PLACES])
{
	int rc = 0;

	if (by[ANYWHERE].n)
		rc = grams_new(by[ANYWHERE].v, by[ANYWHERE].n, &c->grams);
	if (!rc && by[HEAD].n)
		rc = trie_new(by[HEAD].v, by[HEAD].n, false, &c->head);
	if (!rc && by[TAIL].n)
		rc = trie_new(by[TAIL].v, by[TAIL].n, true, &c->tail);
	v->stats.bytes += c->grams ? grams_bytes(c->grams) : 0;
	v->stats.bytes += c->head ? trie_bytes(c->head) : 0;
	v->stats.bytes += c->tail ? trie_bytes(c->tail) : 0;
	return rc;
}

int view_scan_new(struct sigma_view *v)
{
	size_t n = (size_t)v->nfields + 1;
	struct literals(*by)[PLACES] = calloc(n, sizeof(*by));
	int rc = by ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < v->natoms && !rc; i++) {
		uint32_t c = v->atom[i].column;
		if (v->atom[i].scanned)
			rc = add_atom(&v->column[c], i, v->atom[i].pred, by[c]);
	}
	for (size_t i = 0; i < n && !rc; i++)
		rc = column_new(v, &v->column[i], by[i]);
	for (size_t i = 0; i < n && by; i++)
		for (int k = 0; k < PLACES; k++)
			free(by[i][k].v);
	free(by);
	return rc;
}
