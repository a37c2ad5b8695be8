/* SPDX-License-Identifier: Apache-2.0 */
/* Correlations (spec: sigma-correlation-rules-specification). */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sigma/parser.h"

#define COUNT(table_) (unsigned)(sizeof(table_) / sizeof((table_)[0]))
#define SECOND	      1000000000ULL
#define TIMESPAN_MAX  (3650ULL * 86400) /* seconds */

static int required(struct sigma_parser *p, const struct sigma_node *map, const char *key,
		    const struct sigma_node **ret)
{
	*ret = sigma_node_get(map, key);
	if (*ret)
		return 0;
	sigma_parser_error(p, map->pos, "the correlation has no %s", key);
	return -EINVAL;
}

static int parse_type(struct sigma_parser *p, const struct sigma_node *map,
		      struct sigma_correlation *c)
{
	static const char *const names[] = {
		"event_count", "value_count", "temporal",	  "temporal_ordered",
		"value_sum",   "value_avg",   "value_percentile", "value_median",
	};
	const struct sigma_node *node;
	const char *text = "";

	int rc = required(p, map, "type", &node);
	if (rc)
		return rc;
	if (node->kind == SIGMA_SCALAR)
		text = node->scalar.text;
	for (int t = SIGMA_event_count; t <= SIGMA_value_median; t++)
		if (!strcasecmp(text,
				sigma_correlation_type_name((enum sigma_correlation_type)t))) {
			c->type = (enum sigma_correlation_type)t;
			return 0;
		}
	const char *meant = sigma_nearest(text, names, COUNT(names));
	sigma_parser_error(p, node->pos, "unknown type of correlation '%s'%s%s%s", text,
			   meant ? ": did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
	return -EINVAL;
}

static bool is_temporal(const struct sigma_correlation *c)
{
	return c->type == SIGMA_temporal || c->type == SIGMA_temporal_ordered;
}

static bool is_value(const struct sigma_correlation *c)
{
	return !is_temporal(c) && c->type != SIGMA_event_count;
}

static int parse_timespan(struct sigma_parser *p, const struct sigma_node *map,
			  struct sigma_correlation *c)
{
	/* Months and years have the mean length that pySigma gives them. */
	static const struct {
		char letter;
		unsigned long long seconds;
	} units[] = { { 's', 1 },      { 'm', 60 },	 { 'h', 3600 },	   { 'd', 86400 },
		      { 'w', 604800 }, { 'M', 2629746 }, { 'y', 31556952 } };
	const struct sigma_node *node;
	unsigned long long n, seconds = 0;
	char *end;

	int rc = required(p, map, "timespan", &node);
	if (rc)
		return rc;
	const char *text = node->kind == SIGMA_SCALAR ? node->scalar.text : "";
	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !errno && *end && !end[1])
		for (unsigned i = 0; i < COUNT(units); i++)
			if (*end == units[i].letter)
				seconds = units[i].seconds;
	if (!seconds || !n) {
		sigma_parser_error(p, node->pos,
				   "the timespan '%s' is not a number above 0 and one of s, m, h, "
				   "d, w, M, y",
				   text);
		return -EINVAL;
	}
	if (n > TIMESPAN_MAX / seconds) {
		sigma_parser_error(p, node->pos, "a timespan of more than 10 years");
		return -EINVAL;
	}
	c->timespan = n * seconds * SECOND;
	return 0;
}

static int parse_refs(struct sigma_parser *p, const struct sigma_node *map,
		      struct sigma_correlation *c)
{
	const struct sigma_node *rules = sigma_node_get(map, "rules");
	const struct sigma_node *condition = sigma_node_get(map, "condition");
	int rc;

	if (rules) {
		rc = sigma_parser_texts(p, rules, "rules", &c->refs);
	} else if (is_temporal(c) && condition && condition->kind == SIGMA_SCALAR) {
		struct sigma_strings names = { 0 };
		rc = sigma_condition_names(p, condition, &names);
		if (rc)
			return rc;
		c->refs.s = arena_array(p->rules->arena, names.n, sizeof(*c->refs.s));
		if (!c->refs.s)
			return -ENOMEM;
		for (; c->refs.n < names.n; c->refs.n++) {
			c->refs.s[c->refs.n] = arena_str(p->rules->arena, names.s[c->refs.n]);
			if (!c->refs.s[c->refs.n])
				return -ENOMEM;
		}
	} else {
		rc = required(p, map, "rules", &rules);
	}
	if (rc)
		return rc;
	if (!c->refs.n) {
		sigma_parser_error(p, map->pos, "a correlation of no rules");
		return -EINVAL;
	}
	if (c->refs.n > SIGMA_REFS_MAX) {
		sigma_parser_error(p, map->pos, "a correlation of more than %d rules",
				   SIGMA_REFS_MAX);
		return -EINVAL;
	}
	for (unsigned i = 0; i < c->refs.n; i++)
		for (unsigned k = 0; k < i; k++)
			if (!strcmp(c->refs.s[i], c->refs.s[k])) {
				sigma_parser_error(p, map->pos, "the correlation names '%s' twice",
						   c->refs.s[i]);
				return -EINVAL;
			}
	return 0;
}

static int parse_alias(struct sigma_parser *p, const struct sigma_pair *from,
		       struct sigma_alias *ret)
{
	const struct sigma_node *map = from->value;

	ret->name = sigma_parser_copy(p, &from->key->scalar);
	if (!ret->name)
		return -ENOMEM;
	if (map->kind != SIGMA_MAP || !map->n) {
		sigma_parser_error(p, map->pos, "the alias '%s' must be a map of rule: field",
				   ret->name);
		return -EINVAL;
	}
	ret->field = arena_array(p->rules->arena, map->n, sizeof(*ret->field));
	if (!ret->field)
		return -ENOMEM;
	for (ret->n = 0; ret->n < map->n; ret->n++) {
		const struct sigma_pair *pair = &map->pair[ret->n];
		struct sigma_alias_field *field = &ret->field[ret->n];
		if (pair->value->kind != SIGMA_SCALAR || !pair->value->scalar.len) {
			sigma_parser_error(p, pair->value->pos, "the name of a field is expected");
			return -EINVAL;
		}
		field->rule = sigma_parser_copy(p, &pair->key->scalar);
		field->field = sigma_parser_copy(p, &pair->value->scalar);
		if (!field->rule || !field->field)
			return -ENOMEM;
	}
	return 0;
}

static int parse_aliases(struct sigma_parser *p, const struct sigma_node *map,
			 struct sigma_correlation *c)
{
	const struct sigma_node *aliases = sigma_node_get(map, "aliases");

	if (!aliases || (aliases->kind == SIGMA_SCALAR && aliases->scalar.type == SIGMA_null))
		return 0;
	if (aliases->kind != SIGMA_MAP) {
		sigma_parser_error(p, aliases->pos, "aliases must be a map");
		return -EINVAL;
	}
	c->alias = arena_array(p->rules->arena, aliases->n, sizeof(*c->alias));
	if (!c->alias)
		return -ENOMEM;
	for (; c->naliases < aliases->n; c->naliases++) {
		int rc = parse_alias(p, &aliases->pair[c->naliases], &c->alias[c->naliases]);
		if (rc)
			return rc;
	}
	return 0;
}

/* --- condition --- */

static int parse_number(struct sigma_parser *p, const struct sigma_pair *pair, double *ret)
{
	struct sigma_scalar s = pair->value->scalar;

	if (pair->value->kind == SIGMA_SCALAR) {
		sigma_scalar_type(&s); /* '10' will do */
		if ((s.type == SIGMA_int || s.type == SIGMA_float) && isfinite(s.f)) {
			*ret = s.f;
			return 0;
		}
	}
	sigma_parser_error(p, pair->value->pos, "%s wants a number", pair->key->scalar.text);
	return -EINVAL;
}

static int parse_bound(struct sigma_parser *p, const struct sigma_pair *pair,
		       struct sigma_correlation *c)
{
	static const char *const keys[] = { "eq", "neq", "gt",	  "gte",
					    "lt", "lte", "field", "percentile" };
	const char *key = pair->key->scalar.text;
	double value;

	for (int op = SIGMA_eq; op <= SIGMA_lte; op++) {
		if (strcmp(key, sigma_compare_name((enum sigma_compare)op)))
			continue;
		if (c->nbounds == SIGMA_BOUNDS_MAX) {
			sigma_parser_error(p, pair->key->pos, "more than %d bounds in a condition",
					   SIGMA_BOUNDS_MAX);
			return -EINVAL;
		}
		int rc = parse_number(p, pair, &value);
		if (!rc)
			c->bound[c->nbounds++] =
				(struct sigma_bound){ (enum sigma_compare)op, value };
		return rc;
	}
	if (!strcmp(key, "field") || !strcmp(key, "fields"))
		return sigma_parser_texts(p, pair->value, "field", &c->fields);
	if (!strcmp(key, "percentile")) {
		int rc = parse_number(p, pair, &c->percentile);
		if (!rc && (c->percentile < 0 || c->percentile > 100)) {
			sigma_parser_error(p, pair->value->pos, "a percentile is from 0 to 100");
			rc = -EINVAL;
		}
		return rc;
	}
	const char *meant = sigma_nearest(key, keys, COUNT(keys));
	sigma_parser_error(p, pair->key->pos, "unknown key '%s' in the condition%s%s%s", key,
			   meant ? ": did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
	return -EINVAL;
}

static int parse_bounds(struct sigma_parser *p, const struct sigma_node *node,
			struct sigma_correlation *c)
{
	c->percentile = -1;
	for (unsigned i = 0; i < node->n; i++) {
		int rc = parse_bound(p, &node->pair[i], c);
		if (rc)
			return rc;
	}
	const char *type = sigma_correlation_type_name(c->type);
	if (!c->nbounds) {
		sigma_parser_error(p, node->pos, "a condition without gt, gte, lt, lte, eq or neq");
		return -EINVAL;
	}
	if (is_value(c) && (!c->fields.n || (c->fields.n > 1 && c->type != SIGMA_value_count))) {
		sigma_parser_error(p, node->pos, "%s wants %s in its condition", type,
				   c->fields.n ? "one field" : "a field");
		return -EINVAL;
	}
	if (!is_value(c) && c->fields.n) {
		sigma_parser_warn(p, node->pos, "%s has no use for a field", type);
		c->fields.n = 0;
	}
	if (c->type == SIGMA_value_percentile && c->percentile < 0)
		sigma_parser_warn(p, node->pos,
				  "no percentile in the condition: 50, the median, is taken");
	if (c->type != SIGMA_value_percentile && c->percentile >= 0)
		sigma_parser_warn(p, node->pos, "%s has no use for a percentile", type);
	if (c->percentile < 0)
		c->percentile = 50;
	return 0;
}

static bool holds_of_nothing(const struct sigma_expr *e)
{
	if (e->op == SIGMA_ref)
		return false;
	if (e->op == SIGMA_not)
		return !holds_of_nothing(e->kid[0]);
	for (unsigned i = 0; i < e->n; i++)
		if (holds_of_nothing(e->kid[i]) == (e->op == SIGMA_or))
			return e->op == SIGMA_or;
	return e->op == SIGMA_and;
}

/* "a and not b": pySigma's extended temporal conditions, over the names of the rules. */
static int parse_extended(struct sigma_parser *p, const struct sigma_node *node,
			  struct sigma_correlation *c)
{
	struct sigma_idents refs = { .n = c->refs.n };
	struct sigma_expr *expr = arena_array(p->rules->arena, refs.n, sizeof(*expr));

	refs.ident = arena_array(p->nodes, refs.n, sizeof(*refs.ident));
	if (!expr || !refs.ident)
		return -ENOMEM;
	for (unsigned i = 0; i < refs.n; i++) {
		expr[i].op = SIGMA_ref;
		expr[i].name = c->refs.s[i];
		expr[i].ref = i;
		refs.ident[i] =
			(struct sigma_ident){ .name = c->refs.s[i], .expr = &expr[i], .depth = 1 };
	}
	int rc = sigma_parse_condition(p, node, &refs, &c->expr);
	if (rc)
		return rc;
	for (unsigned i = 0; i < refs.n; i++)
		if (!refs.ident[i].used) {
			sigma_parser_error(p, node->pos, "the condition does not name '%s'",
					   refs.ident[i].name);
			return -EINVAL;
		}
	if (holds_of_nothing(c->expr)) {
		sigma_parser_error(p, node->pos,
				   "the condition holds before any event has come: it must want "
				   "one of the rules to match");
		return -EINVAL;
	}
	return 0;
}

static int parse_condition(struct sigma_parser *p, const struct sigma_node *map,
			   struct sigma_correlation *c)
{
	const struct sigma_node *node = sigma_node_get(map, "condition");

	if (is_temporal(c)) {
		if (!node) {
			c->nbounds = 1;
			c->bound[0] = (struct sigma_bound){ SIGMA_gte, c->refs.n };
			return 0;
		}
		if (node->kind == SIGMA_SCALAR)
			return parse_extended(p, node, c);
	}
	int rc = required(p, map, "condition", &node);
	if (rc)
		return rc;
	if (node->kind == SIGMA_MAP)
		return parse_bounds(p, node, c);
	sigma_parser_error(p, node->pos, "the condition of %s must be a map such as gte: 10",
			   sigma_correlation_type_name(c->type));
	return -EINVAL;
}

static int parse_generate(struct sigma_parser *p, const struct sigma_node *map,
			  struct sigma_correlation *c)
{
	const struct sigma_node *node = sigma_node_get(map, "generate");

	if (!node || (node->kind == SIGMA_SCALAR && node->scalar.type == SIGMA_null))
		return 0;
	if (node->kind != SIGMA_SCALAR || node->scalar.type != SIGMA_bool) {
		sigma_parser_error(p, node->pos, "generate must be true or false");
		return -EINVAL;
	}
	c->generate = node->scalar.i;
	return 0;
}

static int parse_section(struct sigma_parser *p, const struct sigma_node *doc,
			 const struct sigma_node *map, struct sigma_correlation *c)
{
	static const char *const known[] = { "type",	"rules",     "group-by", "timespan",
					     "aliases", "condition", "generate" };
	const struct sigma_node *group_by = sigma_node_get(map, "group-by");
	int rc;

	sigma_parser_unknown(p, map, known, COUNT(known), false);
	if ((rc = parse_type(p, map, c)) || (rc = parse_refs(p, map, c)) ||
	    (rc = parse_timespan(p, map, c)) || (rc = parse_aliases(p, map, c)) ||
	    (rc = parse_condition(p, map, c)) ||
	    /* pySigma wants it in the section, the specification beside it. */
	    (rc = parse_generate(p, doc, c)) || (rc = parse_generate(p, map, c)))
		return rc;
	return group_by ? sigma_parser_texts(p, group_by, "group-by", &c->group_by) : 0;
}

int sigma_parse_correlation(struct sigma_parser *p, const struct sigma_node *doc,
			    struct sigma_rule *r)
{
	const struct sigma_node *map = sigma_node_get(doc, "correlation");
	int common, rc = -EINVAL;

	r->kind = SIGMA_CORRELATION;
	r->correlation = arena_alloc(p->rules->arena, sizeof(*r->correlation));
	if (!r->correlation)
		return -ENOMEM;
	common = sigma_parse_common(p, doc, r);
	if (map->kind != SIGMA_MAP)
		sigma_parser_error(p, map->pos, "correlation must be a map");
	else if (sigma_node_get(doc, "detection"))
		sigma_parser_error(p, doc->pos,
				   "both a detection and a correlation: write two "
				   "documents");
	else
		rc = parse_section(p, doc, map, r->correlation);
	if (common == -ENOMEM)
		return common;
	return rc ? rc : common;
}
