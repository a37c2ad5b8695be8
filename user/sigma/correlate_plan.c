/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From rules to what is done at an event: which correlations a rule leads to, in the order of
 * evaluation, under which names it has their fields.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "sigma/correlate_private.h"

#define PLAN_MAX ((size_t)256 << 20)

/* --- what can't be done --- */

/* What a condition may ask for: up to here, all are held. */
static double count_limit(enum sigma_correlation_type type)
{
	return type == SIGMA_event_count   ? ENTRIES_MAX
	       : type == SIGMA_value_count ? VALUES_HELD_MAX
					   : INFINITY;
}

int sigma_correlation_check(const struct sigma_correlation *co, struct err *e)
{
	const char *type = sigma_correlation_type_name(co->type);
	unsigned most = co->type == SIGMA_temporal	     ? TEMPORAL_MAX
			: co->type == SIGMA_temporal_ordered ? ORDERED_MAX
							     : UINT32_MAX;
	bool values = co->type != SIGMA_event_count && co->type != SIGMA_temporal &&
		      co->type != SIGMA_temporal_ordered;

	if (!co->refs.n || co->refs.n > most)
		return err_set(e, -E2BIG, "%s: %u rules, at most %u are possible", type, co->refs.n,
			       most);
	if (co->group_by.n > GROUP_BY_MAX)
		return err_set(e, -E2BIG, "group-by: %u fields, at most %u are possible",
			       co->group_by.n, GROUP_BY_MAX);
	if (values && (!co->fields.n || co->fields.n > VALUES_MAX))
		return err_set(e, -E2BIG, "%s: %u fields, 1 to %u are possible", type, co->fields.n,
			       VALUES_MAX);
	if (!co->timespan)
		return err_set(e, -EINVAL, "timespan: must not be 0");
	for (unsigned i = 0; i < co->nbounds; i++)
		if (co->bound[i].value >= count_limit(co->type))
			return err_set(e, -E2BIG,
				       "%s: %.0f can't be counted to, a window holds %.0f", type,
				       co->bound[i].value, count_limit(co->type));
	return 0;
}

/* --- hash of the definition: state that was counted otherwise must not be taken up --- */

static uint64_t hash_text(uint64_t h, const char *s)
{
	return hash_bytes(h, s ? s : "", s ? strlen(s) + 1 : 1);
}

static uint64_t hash_strings(uint64_t h, const struct sigma_strings *s)
{
	h = hash_bytes(h, &s->n, sizeof(s->n));
	for (unsigned i = 0; i < s->n; i++)
		h = hash_text(h, s->s[i]);
	return h;
}

static uint64_t hash_expr(uint64_t h, const struct sigma_expr *e)
{
	h = hash_bytes(h, &e->op, sizeof(e->op));
	h = hash_bytes(h, &e->ref, sizeof(e->ref));
	h = hash_bytes(h, &e->n, sizeof(e->n));
	for (unsigned i = 0; i < e->n; i++)
		h = hash_expr(h, e->kid[i]);
	return h;
}

/* Not the title or the level. Of plain rules only the id: a filter more need not lose windows. */
static uint64_t definition(const struct corr *corr, struct corr *const *by_rule)
{
	const struct sigma_correlation *co = corr->co;
	uint64_t h = hash_text(HASH_INIT, corr->rule->id);

	h = hash_bytes(h, &co->type, sizeof(co->type));
	for (unsigned i = 0; i < co->refs.n; i++) {
		const struct corr *inner = by_rule[co->rules[i]->index];
		h = hash_text(h, co->rules[i]->id);
		if (inner)
			h = hash_bytes(h, &inner->definition, sizeof(inner->definition));
	}
	h = hash_strings(h, &co->group_by);
	for (unsigned i = 0; i < co->naliases; i++) {
		h = hash_text(h, co->alias[i].name);
		for (unsigned k = 0; k < co->alias[i].n; k++) {
			h = hash_bytes(h, &co->alias[i].field[k].ref, sizeof(unsigned));
			h = hash_text(h, co->alias[i].field[k].field);
		}
	}
	h = hash_bytes(h, &co->timespan, sizeof(co->timespan));
	for (unsigned i = 0; i < co->nbounds; i++) {
		h = hash_bytes(h, &co->bound[i].op, sizeof(co->bound[i].op));
		h = hash_bytes(h, &co->bound[i].value, sizeof(co->bound[i].value));
	}
	h = hash_strings(h, &co->fields);
	h = hash_bytes(h, &co->percentile, sizeof(co->percentile));
	return co->expr ? hash_expr(h, co->expr) : h;
}

/* --- building --- */

/* Spec: aliases. A rule that an alias does not name has the field under the alias' own name. */
static const char *field_name(const struct sigma_correlation *co, unsigned slot, const char *name)
{
	for (unsigned i = 0; i < co->naliases; i++) {
		const struct sigma_alias *a = &co->alias[i];
		for (unsigned k = 0; k < a->n && strcmp(a->name, name) == 0; k++)
			if (co->rules[a->field[k].ref] == co->rules[slot])
				return a->field[k].field;
	}
	return name;
}

static struct corr_field *make_fields(struct arena *a, const struct sigma_correlation *co,
				      unsigned slot, const struct sigma_strings *names)
{
	struct corr_field *f = arena_array(a, names->n, sizeof(*f));

	for (unsigned i = 0; f && i < names->n; i++)
		f[i].name = field_name(co, slot, names->s[i]);
	return f;
}

static bool usable(const struct sigma_rule *rule)
{
	if (rule->kind != SIGMA_CORRELATION || rule->broken || !rule->correlation ||
	    !rule->correlation->rules)
		return false;
	for (unsigned i = 0; i < rule->correlation->refs.n; i++)
		if (!rule->correlation->rules[i])
			return false;
	return true;
}

/* 1 more than the highest of the correlations that it refers to. ranks: of all rules. */
static int rank_rules(const struct sigma_rules *r, unsigned *ranks, unsigned *ret_n, struct err *e)
{
	bool again = true;

	*ret_n = 0;
	while (again) {
		again = false;
		for (unsigned i = 0; i < r->n; i++) {
			const struct sigma_rule *rule = r->rule[i];
			unsigned rank = 0;
			if (!usable(rule))
				continue;
			for (unsigned k = 0; k < rule->correlation->refs.n; k++) {
				unsigned below = ranks[rule->correlation->rules[k]->index];
				rank = below > rank ? below : rank;
			}
			if (++rank > CHAIN_MAX)
				return err_set(e, -ELOOP,
					       "correlation \"%s\": it refers to itself, or by "
					       "more than %u others",
					       rule->title, CHAIN_MAX);
			*ret_n += !ranks[i];
			again |= rank != ranks[i];
			ranks[i] = rank;
		}
	}
	return 0;
}

static unsigned entries_max(const struct sigma_correlation *co)
{
	unsigned n = ENTRIES_DEFAULT;

	if (co->type == SIGMA_value_percentile || co->type == SIGMA_value_median)
		return NUMBERS_RANKED;
	if (co->type == SIGMA_event_count || co->type == SIGMA_value_count)
		for (unsigned i = 0; i < co->nbounds; i++)
			while (n <= co->bound[i].value)
				n *= 2;
	return n;
}

static int corr_init(struct sigma_correlator *c, struct corr *corr, const struct sigma_rule *rule,
		     struct err *e)
{
	const struct sigma_correlation *co = rule->correlation;
	int rc = sigma_correlation_check(co, e);

	if (rc)
		return err_prefix(e, rc, "correlation \"%s\"", rule->title);
	corr->rule = rule;
	corr->co = co;
	corr->index = (unsigned)(corr - c->corr);
	corr->entries_max = entries_max(co);
	corr->kind = co->type == SIGMA_value_count ? &window_values
		     : co->type == SIGMA_temporal || co->type == SIGMA_temporal_ordered
			     ? &window_order
			     : &window_series;
	corr->slot = arena_array(c->plan, co->refs.n, sizeof(*corr->slot));
	if (!corr->slot)
		return -ENOMEM;
	for (unsigned i = 0; i < co->refs.n; i++) {
		unsigned first = 0;
		while (co->rules[first] != co->rules[i])
			first++;
		corr->slot[i] = first;
	}
	if (corr->entries_max == NUMBERS_RANKED && !c->ranked)
		c->ranked = arena_array(c->plan, NUMBERS_RANKED, sizeof(*c->ranked));
	return corr->entries_max == NUMBERS_RANKED && !c->ranked ? -ENOMEM : 0;
}

/*
 * Uses lie by rule, those of one rule in the order of evaluation. next: where the next one of each
 * rule goes.
 */
static int build_uses(struct sigma_correlator *c, unsigned *next, struct corr **by_rule)
{
	unsigned total = 0;

	for (unsigned i = 0; i < c->ncorrs; i++)
		for (unsigned k = 0; k < c->corr[i].co->refs.n; k++)
			if (c->corr[i].slot[k] == k)
				c->use_first[c->corr[i].co->rules[k]->index + 1]++;
	for (unsigned i = 0; i < c->nrules; i++) {
		next[i] = total;
		total += c->use_first[i + 1];
		c->use_first[i + 1] = total;
	}
	c->use = arena_array(c->plan, total, sizeof(*c->use));
	if (!c->use)
		return -ENOMEM;
	for (unsigned i = 0; i < c->ncorrs; i++) {
		const struct sigma_correlation *co = c->corr[i].co;
		for (unsigned k = 0; k < co->refs.n; k++) {
			if (c->corr[i].slot[k] != k)
				continue;
			struct corr_use *use = &c->use[next[co->rules[k]->index]++];
			use->corr = &c->corr[i];
			use->slot = k;
			use->group = make_fields(c->plan, co, k, &co->group_by);
			use->value = make_fields(c->plan, co, k, &co->fields);
			if (!use->group || !use->value)
				return -ENOMEM;
		}
	}
	for (unsigned i = 0; i < c->nrules; i++) {
		if (!by_rule[i])
			continue;
		by_rule[i]->use = c->use + c->use_first[i];
		by_rule[i]->nuses = c->use_first[i + 1] - c->use_first[i];
	}
	/* Diamonds of correlations may need more for one event: what has no room is dropped. */
	c->work_max = total * 2 + 64;
	c->queue = arena_array(c->plan, c->work_max, sizeof(*c->queue));
	c->firing = arena_array(c->plan, c->work_max, sizeof(*c->firing));
	c->touched = arena_array(c->plan, c->work_max, sizeof(*c->touched));
	return c->queue && c->firing && c->touched ? 0 : -ENOMEM;
}

int plan_build(struct sigma_correlator *c, const struct sigma_rules *r, struct err *e)
{
	struct corr **by_rule;
	unsigned *ranks, *next, n = 0;
	int rc;

	rc = arena_new(PLAN_MAX, &c->plan);
	if (rc)
		return rc;
	ranks = arena_array(c->plan, r->n, sizeof(*ranks));
	next = arena_array(c->plan, r->n, sizeof(*next));
	by_rule = arena_array(c->plan, r->n, sizeof(struct corr *));
	c->use_first = arena_array(c->plan, (size_t)r->n + 1, sizeof(*c->use_first));
	if (!ranks || !next || !by_rule || !c->use_first)
		return -ENOMEM;
	rc = rank_rules(r, ranks, &n, e);
	if (rc)
		return rc;
	if (!n) { /* nothing to keep */
		arena_free(c->plan);
		c->plan = NULL;
		return 0;
	}
	c->corr = arena_array(c->plan, n, sizeof(*c->corr));
	if (!c->corr)
		return -ENOMEM;
	for (unsigned rank = 1; c->ncorrs < n; rank++)
		for (unsigned i = 0; i < r->n; i++) {
			struct corr *corr = &c->corr[c->ncorrs];
			if (ranks[i] != rank)
				continue;
			rc = corr_init(c, corr, r->rule[i], e);
			if (rc)
				return rc;
			corr->definition = definition(corr, by_rule);
			by_rule[i] = corr;
			c->ncorrs++;
		}
	c->nrules = r->n;
	return build_uses(c, next, by_rule);
}
