/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and filters: a logsource, search identifiers and a condition (spec: Detection, filters). */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sigma/parser.h"

static int parse_detection(struct sigma_parser *p, const struct sigma_node *map,
			   const char *const *skip, unsigned nskip, const struct sigma_expr **ret)
{
	const struct sigma_node *condition = sigma_node_get(map, "condition");
	struct sigma_idents idents;

	int rc = sigma_parse_idents(p, map, skip, nskip, &idents);
	if (rc)
		return rc;
	if (!condition) {
		sigma_parser_error(p, map->pos, "the condition is missing");
		return -EINVAL;
	}
	rc = sigma_parse_condition(p, condition, &idents, ret);
	if (rc)
		return rc;
	for (unsigned i = 0; i < idents.n; i++)
		if (!idents.ident[i].used)
			sigma_parser_warn(p, idents.ident[i].pos,
					  "no condition uses the search identifier '%s'",
					  idents.ident[i].name);
	return 0;
}

static const struct sigma_node *section(struct sigma_parser *p, const struct sigma_node *doc,
					const char *key)
{
	const struct sigma_node *map = sigma_node_get(doc, key);

	if (map && map->kind == SIGMA_MAP)
		return map;
	if (map)
		sigma_parser_error(p, map->pos,
				   "%s must be a map of search identifiers and a condition", key);
	else
		sigma_parser_error(p, doc->pos, "the %s is missing", key);
	return NULL;
}

int sigma_parse_rule(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r)
{
	static const char *const skip[] = { "condition" };
	int common, logsource, rc = -EINVAL;

	/* All of it, so that one run tells all that is wrong. */
	r->kind = SIGMA_RULE;
	common = sigma_parse_common(p, doc, r);
	logsource = sigma_parse_logsource(p, doc, &r->logsource);
	const struct sigma_node *map = section(p, doc, "detection");
	if (map)
		rc = parse_detection(p, map, skip, 1, &r->expr);
	if (common == -ENOMEM || logsource == -ENOMEM || rc == -ENOMEM)
		return -ENOMEM;
	return rc ? rc : common ? common : logsource;
}

/* --- filters --- */

static int parse_filtered(struct sigma_parser *p, const struct sigma_node *map,
			  struct sigma_strings *ret)
{
	const struct sigma_node *rules = sigma_node_get(map, "rules");

	if (!rules) {
		sigma_parser_error(
			p, map->pos,
			"the filter's rules are missing: a list of ids or names, or any");
		return -EINVAL;
	}
	int rc = sigma_parser_texts(p, rules, "rules", ret);
	if (rc)
		return rc;
	if (!ret->n) {
		sigma_parser_error(p, rules->pos, "no rules to filter: for all of them, write any");
		return -EINVAL;
	}
	if (ret->n == 1 && !strcasecmp(ret->s[0], "any"))
		*ret = (struct sigma_strings){ 0 };
	return 0;
}

/*
 * What a filter leaves out. By the specification its condition tells just that, "selection". In
 * pySigma, and so in most filters that there are, it tells what stays: "not selection", or several
 * such nots joined by "and". As no filter leaves out all but what it selects, negations are always
 * read in the latter way.
 */
static const struct sigma_expr *leaves_out(struct sigma_parser *p, const struct sigma_expr *e)
{
	if (e->op == SIGMA_not)
		return e->kid[0];
	if (e->op != SIGMA_and || e->name)
		return e;
	for (unsigned i = 0; i < e->n; i++)
		if (e->kid[i]->op != SIGMA_not)
			return e;
	struct sigma_expr *any = arena_alloc(p->rules->arena, sizeof(*any));
	if (!any)
		return NULL;
	any->op = SIGMA_or;
	any->n = e->n;
	any->kid = arena_array(p->rules->arena, e->n, sizeof(const struct sigma_expr *));
	if (!any->kid)
		return NULL;
	for (unsigned i = 0; i < e->n; i++)
		any->kid[i] = e->kid[i]->kid[0];
	return any;
}

int sigma_parse_filter(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r)
{
	static const char *const skip[] = { "condition", "rules" };
	int common, logsource, filtered = 0, rc = -EINVAL;

	r->kind = SIGMA_FILTER;
	common = sigma_parse_common(p, doc, r);
	logsource = sigma_parse_logsource(p, doc, &r->logsource);
	const struct sigma_node *map = section(p, doc, "filter");
	if (map) {
		filtered = parse_filtered(p, map, &r->filtered);
		if (!filtered)
			filtered = sigma_parse_expires(p, doc, &r->expires);
		rc = parse_detection(p, map, skip, 2, &r->expr);
	}
	if (!rc) {
		r->expr = leaves_out(p, r->expr);
		if (!r->expr)
			rc = -ENOMEM;
	}
	if (common == -ENOMEM || logsource == -ENOMEM || filtered == -ENOMEM || rc == -ENOMEM)
		return -ENOMEM;
	return rc ? rc : common ? common : logsource ? logsource : filtered;
}
