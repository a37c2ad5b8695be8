/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search identifiers (spec: Detection). A map is an AND of its items, a list an OR of what is in
 * it; plain values without a field are keywords.
 */
#include <errno.h>
#include <string.h>

#include "sigma/parser.h"

static struct sigma_expr *new_expr(struct sigma_parser *p, enum sigma_op op, unsigned n)
{
	struct sigma_expr *e = arena_alloc(p->rules->arena, sizeof(*e));

	if (!e)
		return NULL;
	e->op = op;
	e->kid = n ? arena_array(p->rules->arena, n, sizeof(const struct sigma_expr *)) : NULL;
	return n && !e->kid ? NULL : e;
}

/* --- values --- */

static int set_value(struct sigma_parser *p, const struct sigma_node *node, const char *field,
		     struct sigma_value *ret)
{
	if (node->kind != SIGMA_SCALAR) {
		sigma_parser_error(
			p, node->pos,
			node->kind == SIGMA_MAP
				? "a map can't be the value of a field: fields of fields "
				  "are written as one name with dots"
				: "a list within the list of a field's values");
		return -EINVAL;
	}
	if (node->scalar.type == SIGMA_null && !field) {
		sigma_parser_error(p, node->pos, "a keyword must be a text, this is null");
		return -EINVAL;
	}
	ret->scalar = node->scalar;
	ret->scalar.text = sigma_parser_copy(p, &node->scalar);
	ret->pos = node->pos;
	return ret->scalar.text ? 0 : -ENOMEM;
}

static int set_values(struct sigma_parser *p, const struct sigma_node *node,
		      struct sigma_item *item)
{
	unsigned n = node->kind == SIGMA_LIST ? node->n : 1;
	struct sigma_value *values;
	int rc = 0;

	if (!n) {
		sigma_parser_error(p, node->pos, "an empty list");
		return -EINVAL;
	}
	values = arena_array(p->rules->arena, n, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (unsigned i = 0; !rc && i < n; i++) {
		const struct sigma_node *from = node->kind == SIGMA_LIST ? node->item[i] : node;
		rc = set_value(p, from, item->field, &values[i]);
		if (!rc && n > 1 && values[i].scalar.type == SIGMA_null)
			sigma_parser_warn(p, from->pos,
					  "null among other values: the specification wants it in "
					  "a search identifier of its own");
	}
	item->nvalues = n;
	item->value = values;
	return rc;
}

/* --- items --- */

static int add_modifier(struct sigma_parser *p, const struct sigma_node *key, const char *name,
			struct sigma_item *item)
{
	static const char *const names[] = {
#define X(name_) #name_,
		SIGMA_MODIFIERS(X)
#undef X
	};
	struct sigma_pos pos = key->pos;
	int m = sigma_modifier_by_name(name);

	if (m < 0) {
		const char *meant =
			sigma_nearest(name, names, (unsigned)(sizeof(names) / sizeof(names[0])));
		sigma_parser_error(p, pos, "unknown modifier '%s' in '%s'%s%s%s", name,
				   key->scalar.text, meant ? ": did you mean '" : "",
				   meant ? meant : "", meant ? "'?" : "");
		return -EINVAL;
	}
	if (item->nmodifiers == SIGMA_MODIFIERS_MAX) {
		sigma_parser_error(p, pos, "more than %d modifiers in '%s'", SIGMA_MODIFIERS_MAX,
				   key->scalar.text);
		return -EINVAL;
	}
	item->modifier[item->nmodifiers++] = (enum sigma_modifier)m;
	return 0;
}

/* FIELD|modifier|modifier; a key without a field makes keywords of its values. */
static int set_key(struct sigma_parser *p, const struct sigma_node *key, struct sigma_item *item)
{
	char *text = arena_copy(p->nodes, key->scalar.text, key->scalar.len), *next;
	int rc = 0;

	if (!text)
		return -ENOMEM;
	next = strchr(text, '|');
	if (next)
		*next++ = '\0';
	if (*text) {
		item->field = arena_str(p->rules->arena, text);
		if (!item->field)
			return -ENOMEM;
	}
	while (!rc && next) {
		char *name = next;
		next = strchr(name, '|');
		if (next)
			*next++ = '\0';
		rc = add_modifier(p, key, name, item);
	}
	return rc;
}

static int leaf(struct sigma_parser *p, const struct sigma_node *key,
		const struct sigma_node *value, const struct sigma_expr **ret)
{
	struct sigma_expr *e = new_expr(p, SIGMA_leaf, 0);
	struct sigma_item *item = arena_alloc(p->rules->arena, sizeof(*item));
	int rc = 0;

	if (!e || !item)
		return -ENOMEM;
	item->pos = key ? key->pos : value->pos;
	if (key)
		rc = set_key(p, key, item);
	if (!rc)
		rc = set_values(p, value, item);
	e->item = item;
	if (!rc)
		*ret = e;
	return rc;
}

/* Of one kid, the kid itself. */
static int join(struct sigma_expr *e, unsigned *depth, const struct sigma_expr **ret)
{
	*ret = e->n == 1 ? e->kid[0] : e;
	*depth += e->n > 1;
	return 0;
}

int sigma_parse_items(struct sigma_parser *p, const struct sigma_node *map,
		      const struct sigma_expr **ret, unsigned *ret_depth)
{
	struct sigma_expr *e;
	int rc = 0;

	if (!map->n) {
		sigma_parser_error(p, map->pos, "an empty map");
		return -EINVAL;
	}
	e = new_expr(p, SIGMA_and, map->n);
	if (!e)
		return -ENOMEM;
	for (unsigned i = 0; i < map->n; i++) {
		int one = leaf(p, map->pair[i].key, map->pair[i].value, &e->kid[e->n]);
		if (one == -ENOMEM)
			return one;
		if (one)
			rc = one;
		else
			e->n++;
	}
	*ret_depth = 1;
	return rc ? rc : join(e, ret_depth, ret);
}

static bool all_scalars(const struct sigma_node *list)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->item[i]->kind != SIGMA_SCALAR)
			return false;
	return true;
}

static int parse_search(struct sigma_parser *p, const struct sigma_node *node,
			const struct sigma_expr **ret, unsigned *ret_depth)
{
	struct sigma_expr *e;
	unsigned deepest = 0;
	int rc = 0;

	if (node->kind == SIGMA_MAP)
		return sigma_parse_items(p, node, ret, ret_depth);
	*ret_depth = 1;
	if (node->kind == SIGMA_SCALAR || all_scalars(node))
		return leaf(p, NULL, node, ret);
	e = new_expr(p, SIGMA_or, node->n);
	if (!e)
		return -ENOMEM;
	for (unsigned i = 0; i < node->n; i++) {
		unsigned depth;
		int one = parse_search(p, node->item[i], &e->kid[e->n], &depth);
		if (one == -ENOMEM)
			return one;
		if (one) {
			rc = one;
			continue;
		}
		e->n++;
		if (depth > deepest)
			deepest = depth;
	}
	*ret_depth = deepest;
	return rc ? rc : join(e, ret_depth, ret);
}

/* --- search identifiers --- */

static bool listed(const char *name, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static int parse_ident(struct sigma_parser *p, const struct sigma_pair *pair,
		       struct sigma_ident *ret)
{
	const struct sigma_expr *e;
	struct sigma_expr *named;

	ret->name = sigma_parser_copy(p, &pair->key->scalar);
	ret->pos = pair->key->pos;
	if (!ret->name)
		return -ENOMEM;
	if (!strcmp(ret->name, "timeframe") && pair->value->kind == SIGMA_SCALAR) {
		sigma_parser_error(p, ret->pos,
				   "timeframe in a detection is not supported any more: write a "
				   "correlation (type event_count, timespan: %s)",
				   pair->value->scalar.text);
		return -EINVAL;
	}
	int rc = parse_search(p, pair->value, &e, &ret->depth);
	if (rc)
		return rc;
	named = arena_alloc(p->rules->arena, sizeof(*named));
	if (!named)
		return -ENOMEM;
	*named = *e;
	named->name = ret->name;
	ret->expr = named;
	return 0;
}

int sigma_parse_idents(struct sigma_parser *p, const struct sigma_node *map,
		       const char *const *skip, unsigned nskip, struct sigma_idents *ret)
{
	int rc = 0;

	ret->n = 0;
	ret->ident = arena_array(p->nodes, map->n, sizeof(*ret->ident));
	if (!ret->ident)
		return -ENOMEM;
	if (map->n > SIGMA_IDENTS_MAX) {
		sigma_parser_error(p, map->pos, "more than %d search identifiers",
				   SIGMA_IDENTS_MAX);
		return -EINVAL;
	}
	for (unsigned i = 0; i < map->n; i++) {
		if (listed(map->pair[i].key->scalar.text, skip, nskip))
			continue;
		int one = parse_ident(p, &map->pair[i], &ret->ident[ret->n]);
		if (one == -ENOMEM)
			return one;
		if (one)
			rc = one;
		else
			ret->n++;
	}
	if (!rc && !ret->n) {
		sigma_parser_error(p, map->pos, "no search identifier: nothing is looked for");
		rc = -EINVAL;
	}
	return rc;
}
