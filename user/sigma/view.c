/* SPDX-License-Identifier: Apache-2.0 */
/* Views: made once per logsource, then run for every event. */
#include "sigma/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigma/view_private.h"

#define NOW_MAX (UINT32_MAX / 2)

static int add_rule(struct view_builder *b, const struct sigma_rule *rule,
		    const struct sigma_expr *e)
{
	struct sigma_view *v = b->v;
	uint32_t field;
	int rc = view_expr(b, e, &v->root[v->nrules]);

	for (unsigned i = 0; rule && i < rule->wanted.n && !rc; i++)
		rc = view_field(b, rule->wanted.s[i], &field);
	v->rule[v->nrules++] = rule;
	return rc;
}

/* Keywords got a column before it was known how many fields there are. */
static void place_keywords(struct sigma_view *v)
{
	for (size_t i = 0; i < v->natoms; i++)
		if (v->atom[i].column == VIEW_NONE)
			v->atom[i].column = v->nfields;
}

static int allocate(struct sigma_view *v, struct view_builder *b)
{
	v->column = calloc((size_t)v->nfields + 1, sizeof(*v->column));
	v->atom_result = calloc(v->natoms + 1, sizeof(*v->atom_result));
	v->node_result = calloc(v->nnodes + 1, sizeof(*v->node_result));
	v->hit = calloc(v->natoms + 1, sizeof(*v->hit));
	v->match = calloc((size_t)v->nrules + 1, sizeof(*v->match));
	if (!v->column || !v->atom_result || !v->node_result || !v->hit || !v->match)
		return -ENOMEM;
	for (uint32_t i = 0; i <= v->nfields; i++)
		v->column[i].present = VIEW_NONE;
	v->kid = b->kids.v;
	v->nkids = b->kids.n;
	b->kids.v = NULL;
	return 0;
}

static void count_bytes(struct sigma_view *v)
{
	v->stats.bytes += sizeof(*v) +
			  v->nrules * (sizeof(*v->rule) + sizeof(*v->root) + sizeof(*v->match)) +
			  v->nfields * (sizeof(*v->field) + sizeof(*v->column)) +
			  v->natoms * (sizeof(*v->atom) + sizeof(*v->atom_result) +
				       sizeof(*v->hit) + sizeof(*v->rules_at)) +
			  v->rules_at[v->natoms] * sizeof(*v->rule_of) +
			  v->nnodes * (sizeof(*v->node) + sizeof(*v->node_result)) +
			  v->nkids * sizeof(*v->kid) + 2 * (v->nwords + v->ntops) * 8;
}

/* From rules added to a view that can run. */
static int finish(struct view_builder *b)
{
	struct sigma_view *v = b->v;
	int rc = view_cover(b);

	if (rc)
		return rc;
	place_keywords(v);
	rc = allocate(v, b);
	if (!rc)
		rc = view_scan_new(v);
	if (!rc)
		rc = regex_scratch_new(&v->scratch);
	if (!rc)
		count_bytes(v);
	return rc;
}

static void builder_free(struct view_builder *b)
{
	for (size_t i = 0; b->cover && i < b->v->nnodes; i++)
		ids_free(&b->cover[i]);
	free(b->cover);
	free(b->cost);
	idmap_free(&b->fields);
	idmap_free(&b->exprs);
	idmap_free(&b->atoms);
	ids_free(&b->kids);
}

static struct sigma_view *view_new(const struct sigma_rules *r, size_t nrules)
{
	struct sigma_view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->rules = r;
	v->rule = calloc(nrules + 1, sizeof(*v->rule));
	v->root = calloc(nrules + 1, sizeof(*v->root));
	if (v->rule && v->root)
		return v;
	sigma_view_free(v);
	return NULL;
}

int sigma_view_new(const struct sigma_rules *r, const struct sigma_logsource *ls,
		   struct sigma_view **ret)
{
	struct view_builder b = { .v = view_new(r, r->n) };
	int rc = b.v ? 0 : -ENOMEM;

	for (unsigned i = 0; i < r->n && !rc; i++) {
		const struct sigma_rule *rule = r->rule[i];
		if (rule->kind == SIGMA_RULE && !rule->broken && rule->expr &&
		    (!ls || sigma_logsource_fits(&rule->logsource, ls)))
			rc = add_rule(&b, rule, rule->expr);
	}
	if (!rc)
		rc = finish(&b);
	if (b.v)
		builder_free(&b);
	if (rc)
		sigma_view_free(b.v);
	else
		*ret = b.v;
	return rc;
}

int sigma_view_new_expr(const struct sigma_rules *r, const struct sigma_expr *e,
			struct sigma_view **ret)
{
	struct view_builder b = { .v = view_new(r, 1) };
	int rc = b.v ? add_rule(&b, NULL, e) : -ENOMEM;

	if (!rc)
		rc = finish(&b);
	if (b.v)
		builder_free(&b);
	if (rc)
		sigma_view_free(b.v);
	else
		*ret = b.v;
	return rc;
}

void sigma_view_free(struct sigma_view *v)
{
	if (!v)
		return;
	for (uint32_t i = 0; v->column && i <= v->nfields; i++) {
		grams_free(v->column[i].grams);
		trie_free(v->column[i].head);
		trie_free(v->column[i].tail);
		fold_free(&v->column[i].fold);
		free(v->column[i].look);
	}
	free(v->column);
	free(v->rule);
	free(v->root);
	free(v->field);
	free(v->atom);
	free(v->node);
	free(v->kid);
	free(v->rules_at);
	free(v->rule_of);
	free(v->atom_result);
	free(v->node_result);
	free(v->hit);
	free(v->candidate);
	free(v->top);
	free(v->always);
	free(v->always_top);
	free(v->match);
	regex_scratch_free(v->scratch);
	free(v);
}

unsigned sigma_view_nrules(const struct sigma_view *v)
{
	return v->nrules;
}

unsigned sigma_view_nfields(const struct sigma_view *v)
{
	return v->nfields;
}

const char *sigma_view_field(const struct sigma_view *v, unsigned i)
{
	return v->field[i];
}

int sigma_view_find(const struct sigma_view *v, const char *name)
{
	for (unsigned i = 0; i < v->nfields; i++)
		if (!strcmp(v->field[i], name))
			return (int)i;
	return -1;
}

bool sigma_view_wants_all(const struct sigma_view *v)
{
	return v->wants_all;
}

static void next_event(struct sigma_view *v, const struct sigma_record *rec)
{
	v->record = rec;
	v->nhits = 0;
	v->stats.records++;
	if (++v->now < NOW_MAX)
		return;
	v->now = 1;
	memset(v->atom_result, 0, v->natoms * sizeof(*v->atom_result));
	memset(v->node_result, 0, v->nnodes * sizeof(*v->node_result));
	for (uint32_t i = 0; i <= v->nfields; i++)
		v->column[i].folded_at = 0;
}

/* The rules of one word of candidates. */
static unsigned evaluate(struct sigma_view *v, size_t word, unsigned n)
{
	uint64_t bits = v->candidate[word] | v->always[word];

	v->candidate[word] = 0;
	for (; bits; bits &= bits - 1) {
		size_t r = word * 64 + (size_t)__builtin_ctzll(bits);
		v->stats.evaluated++;
		if (!view_node_holds(v, v->root[r]))
			continue;
		v->match[n++] = (struct sigma_match){
			.rule = v->rule[r],
			.uncertain = view_uncertain(v, v->root[r]),
		};
	}
	return n;
}

unsigned sigma_view_eval(struct sigma_view *v, const struct sigma_record *rec,
			 const struct sigma_match **ret)
{
	unsigned n = 0;

	next_event(v, rec);
	view_scan(v);
	for (size_t t = 0; t < v->ntops; t++) {
		uint64_t words = v->top[t] | v->always_top[t];
		v->top[t] = 0;
		for (; words; words &= words - 1)
			n = evaluate(v, t * 64 + (size_t)__builtin_ctzll(words), n);
	}
	*ret = v->match;
	return n;
}

void sigma_view_get_stats(const struct sigma_view *v, struct sigma_view_stats *ret)
{
	*ret = v->stats;
}
