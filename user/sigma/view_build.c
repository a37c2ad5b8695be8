/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the program of a view: fields to columns, items to nodes over atoms, each once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "sigma/view_private.h"

/* Makes room for one more; NULL: out of memory, and p stays. */
static void *room(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	size_t more = *cap ? 2 * *cap : 64;
	void *made = realloc(p, more * size);
	if (made)
		*cap = more;
	return made;
}

int view_field(struct view_builder *b, const char *name, uint32_t *ret)
{
	struct sigma_view *v = b->v;
	uint64_t key = hash_bytes(HASH_INIT, name, strlen(name));

	for (; idmap_get(&b->fields, key, ret); key++)
		if (!strcmp(v->field[*ret], name))
			return 0;
	const char **made = room(v->field, v->nfields, &b->fields_cap, sizeof(*made));
	if (!made)
		return -ENOMEM;
	v->field = made;
	*ret = v->nfields++;
	v->field[*ret] = name;
	return idmap_put(&b->fields, key, *ret);
}

int view_atom(struct view_builder *b, uint32_t column, const struct sigma_pred *p, uint32_t *ret)
{
	struct sigma_view *v = b->v;
	uint64_t key = (uint64_t)column << 32 | p->id;
	struct view_atom a = { .pred = p, .column = column, .nneeds = p->nneed };
	struct ids needs = { 0 };
	int rc = 0;

	if (idmap_get(&b->atoms, key, ret))
		return 0;
	if (p->kind == SIGMA_PRED_fieldref)
		rc = view_field(b, p->text, &a.other);
	for (unsigned i = 0; i < p->nneed && !rc; i++) {
		uint32_t id;
		rc = view_atom(b, column, p->need[i], &id);
		if (!rc)
			rc = ids_push(&needs, id);
		if (!rc)
			v->atom[id].uses++;
	}
	a.needs = (uint32_t)b->kids.n;
	if (!rc)
		rc = ids_append(&b->kids, needs.v, needs.n);
	ids_free(&needs);
	struct view_atom *made = room(v->atom, v->natoms, &b->atoms_cap, sizeof(*made));
	if (!made)
		rc = -ENOMEM;
	else
		v->atom = made;
	if (rc)
		return rc;
	*ret = (uint32_t)v->natoms++;
	v->atom[*ret] = a;
	return idmap_put(&b->atoms, key, *ret);
}

static int add_node(struct view_builder *b, enum view_op op, const struct ids *kids, uint32_t *ret)
{
	struct sigma_view *v = b->v;
	struct view_node *made = room(v->node, v->nnodes, &b->nodes_cap, sizeof(*made));

	if (!made)
		return -ENOMEM;
	v->node = made;
	*ret = (uint32_t)v->nnodes++;
	v->node[*ret] = (struct view_node){
		.op = (uint8_t)op,
		.first = (uint32_t)b->kids.n,
		.n = (uint32_t)kids->n,
	};
	return ids_append(&b->kids, kids->v, kids->n);
}

static int any_of(struct view_builder *b, uint32_t column, const struct sigma_test_value *value,
		  unsigned n, struct ids *atoms)
{
	int rc = 0;

	atoms->n = 0;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < value[i].n && !rc; j++) {
			uint32_t atom;
			rc = view_atom(b, column, value[i].pred[j], &atom);
			if (!rc)
				rc = ids_push(atoms, atom);
			if (!rc)
				b->v->atom[atom].uses++;
		}
	}
	ids_sort(atoms);
	return rc;
}

/* AND of values of which some are several texts. */
static int all_of(struct view_builder *b, uint32_t column, const struct sigma_test *t,
		  uint32_t *ret)
{
	struct ids atoms = { 0 }, kids = { 0 };
	int rc = 0;

	for (unsigned i = 0; i < t->n && !rc; i++) {
		uint32_t kid;
		rc = any_of(b, column, &t->value[i], 1, &atoms);
		if (!rc)
			rc = add_node(b, VIEW_ANY, &atoms, &kid);
		if (!rc)
			rc = ids_push(&kids, kid);
	}
	if (!rc)
		rc = add_node(b, VIEW_AND, &kids, ret);
	ids_free(&atoms);
	ids_free(&kids);
	return rc;
}

static int add_test(struct view_builder *b, const struct sigma_item *item, uint32_t *ret)
{
	const struct sigma_test *t = item->test;
	struct ids atoms = { 0 };
	uint32_t column = VIEW_NONE;
	bool single = true;
	int rc = item->field ? view_field(b, item->field, &column) : 0;

	b->v->wants_all |= !item->field;
	for (unsigned i = 0; i < t->n; i++)
		single &= t->value[i].n == 1;
	if (!rc && t->all && !single) {
		rc = all_of(b, column, t, ret);
	} else if (!rc) {
		rc = any_of(b, column, t->value, t->n, &atoms);
		if (!rc)
			rc = add_node(b, t->all ? VIEW_ALL : VIEW_ANY, &atoms, ret);
	}
	if (!rc && t->negated) {
		const struct ids kid = { .v = &(uint32_t){ *ret }, .n = 1 };
		rc = add_node(b, VIEW_NOT, &kid, ret);
	}
	ids_free(&atoms);
	return rc;
}

int view_expr(struct view_builder *b, const struct sigma_expr *e, uint32_t *ret)
{
	static const enum view_op ops[] = {
		[SIGMA_and] = VIEW_AND, [SIGMA_or] = VIEW_OR, [SIGMA_not] = VIEW_NOT
	};
	struct ids kids = { 0 };
	uint32_t kid;
	int rc = 0;

	if (idmap_get(&b->exprs, (uintptr_t)e, ret)) {
		b->v->node[*ret].shared = true;
		return 0;
	}
	if (e->op == SIGMA_leaf) {
		rc = add_test(b, e->item, ret);
	} else if (e->op == SIGMA_ref) {
		rc = add_node(b, VIEW_OR, &kids, ret);
	} else {
		for (unsigned i = 0; i < e->n && !rc; i++) {
			rc = view_expr(b, e->kid[i], &kid);
			if (!rc)
				rc = ids_push(&kids, kid);
		}
		if (!rc)
			rc = add_node(b, ops[e->op], &kids, ret);
		ids_free(&kids);
	}
	return rc ? rc : idmap_put(&b->exprs, (uintptr_t)e, *ret);
}
