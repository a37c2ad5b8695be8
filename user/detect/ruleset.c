/* SPDX-License-Identifier: Apache-2.0 */
/* Sigma rules on our events. */
#include "detect/ruleset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detect/attack.h"
#include "sigma/parse.h"

/* One source's records: how each field of its view is filled. */
struct plan {
	const struct sigma_source *source;
	struct sigma_view *view;
	unsigned n;
	struct sigma_feeder **feeder; /* NULL: a field that this source has not */
	struct sigma_values *value;
	struct sigma_keywords keywords;
	bool wants_all;
};

/* A filter that names detectors, on the events that they judge. */
struct exception {
	const struct sigma_strings *detectors;
	struct sigma_view *view;
	unsigned nplans;
	struct plan plan[SIGMA_JUDGED_MAX];
};

/* What is known of a rule beyond its text. */
struct use {
	struct rule_info info;
	enum severity severity; /* SEVERITY_none: not to alert */
};

struct ruleset {
	struct sigma_engine *engine;
	const struct sigma_rules *rules;
	struct arena *arena; /* plans and infos */
	struct use *use; /* by rule index */
	unsigned nplans;
	struct plan *plan;
	unsigned nexceptions;
	struct exception *exception;
	uint64_t wants, expires;
	uint64_t event; /* number of the present one */
	struct sigma_fill *fill;
	struct ruleset_stats st;
	/* Of the call at work: */
	struct plan *now;
	const struct sigma_record *record;
	rule_match_fn *fn;
	void *ctx;
};

/* --- loading --- */

static int load_packs(struct sigma_rules *rules, const struct ruleset_config *c, unsigned *first,
		      struct err *e)
{
	for (unsigned i = 0; i < c->npacks; i++) {
		first[i] = rules->n;
		if (access(c->pack[i].path, R_OK))
			return err_set(e, -errno, "rules %s: %s", c->pack[i].path, strerror(errno));
		int rc = sigma_load(rules, c->pack[i].path);
		if (rc)
			return err_set(e, rc, "rules %s: %s", c->pack[i].path, strerror(-rc));
	}
	return 0;
}

static const char *join(struct arena *a, const struct sigma_strings *s)
{
	size_t len = 0;
	for (unsigned i = 0; i < s->n; i++)
		len += strlen(s->s[i]) + 2;
	char *text = arena_alloc(a, len + 1), *at = text;
	if (!text)
		return NULL;
	for (unsigned i = 0; i < s->n; i++)
		at = stpcpy(stpcpy(at, i ? "; " : ""), s->s[i]);
	return text;
}

static int make_use(struct ruleset *r, const struct sigma_rule *rule,
		    const struct ruleset_config *c, enum severity level_max)
{
	struct use *u = &r->use[rule->index];

	u->info.id = rule->id;
	u->info.name = rule->title;
	u->info.doc = rule->description ? rule->description : "";
	u->info.false_positives = join(r->arena, &rule->falsepositives);
	u->info.techniques = attack_techniques(r->arena, &rule->tags);
	if (!u->info.false_positives || !u->info.techniques)
		return -ENOMEM;
	/* The levels have the same numbers; a rule that gives none is no more than a note. */
	u->severity = rule->level == SIGMA_LEVEL_none ? SEVERITY_informational
						      : (enum severity)rule->level;
	if (level_max != SEVERITY_none && u->severity > level_max)
		u->severity = level_max;
	if (u->severity < c->level_min)
		u->severity = SEVERITY_none;
	if (rule->kind == SIGMA_CORRELATION)
		r->st.correlations += !rule->broken;
	else if (rule->kind == SIGMA_RULE)
		r->st.rules += !rule->broken;
	return 0;
}

static int make_uses(struct ruleset *r, const struct ruleset_config *c, const unsigned *first)
{
	r->use = arena_array(r->arena, r->rules->n, sizeof(*r->use));
	if (!r->use)
		return -ENOMEM;
	for (unsigned i = 0, pack = 0; i < r->rules->n; i++) {
		while (pack + 1 < c->npacks && i >= first[pack + 1])
			pack++;
		int rc = make_use(r, r->rules->rule[i], c, c->pack[pack].level_max);
		if (rc)
			return rc;
	}
	return 0;
}

static int make_plan(struct ruleset *r, const struct sigma_source *s, struct sigma_view *view,
		     struct plan *p)
{
	if (!view)
		return -ENOMEM;
	p->source = s;
	p->view = view;
	p->n = sigma_view_nfields(p->view);
	p->wants_all = sigma_view_wants_all(p->view);
	p->feeder = arena_array(r->arena, p->n, sizeof(*p->feeder));
	p->value = arena_array(r->arena, p->n, sizeof(*p->value));
	if (!p->feeder || !p->value)
		return -ENOMEM;
	for (unsigned i = 0; i < p->n; i++) {
		struct sigma_feeder f;
		if (!sigma_feeder_find(s, sigma_view_field(p->view, i), &f))
			continue;
		p->feeder[i] = arena_alloc(r->arena, sizeof(f));
		if (!p->feeder[i])
			return -ENOMEM;
		*p->feeder[i] = f;
	}
	sigma_keywords_find(s, &p->keywords);
	return 0;
}

static int make_plans(struct ruleset *r)
{
	r->plan = arena_array(r->arena, sigma_nsources, sizeof(*r->plan));
	if (!r->plan)
		return -ENOMEM;
	for (unsigned i = 0; i < sigma_nsources; i++) {
		struct plan *p = &r->plan[r->nplans];
		const struct sigma_source *s = &sigma_sources[i];
		int rc = make_plan(r, s, sigma_engine_view(r->engine, &s->logsource), p);
		if (rc)
			return rc;
		if (!sigma_view_nrules(p->view))
			continue;
		r->nplans++;
		r->wants |= 1ULL << sigma_sources[i].event;
	}
	return 0;
}

static bool names_detector(const struct sigma_rule *filter)
{
	for (unsigned i = 0; i < filter->filtered.n; i++)
		if (!strncmp(filter->filtered.s[i], DETECTOR_PREFIX, strlen(DETECTOR_PREFIX)))
			return true;
	return false;
}

static int make_exception(struct ruleset *r, const struct sigma_rule *filter)
{
	struct exception *x = &r->exception[r->nexceptions];
	int rc = sigma_view_new_expr(r->rules, filter->expr, &x->view);

	if (rc)
		return rc;
	r->nexceptions++;
	x->detectors = &filter->filtered;
	for (unsigned i = 0; !rc && i < sigma_njudged; i++)
		rc = make_plan(r, &sigma_judged[i], x->view, &x->plan[x->nplans++]);
	return rc;
}

static int make_exceptions(struct ruleset *r)
{
	unsigned n = 0;
	int rc = 0;

	for (unsigned i = 0; i < r->rules->n; i++)
		n += r->rules->rule[i]->kind == SIGMA_FILTER;
	r->exception = arena_array(r->arena, n, sizeof(*r->exception));
	if (!r->exception)
		return -ENOMEM;
	for (unsigned i = 0; !rc && i < r->rules->n; i++) {
		const struct sigma_rule *f = r->rules->rule[i];
		bool expired = f->expires && f->expires <= r->rules->now;
		if (f->kind != SIGMA_FILTER || f->broken || expired)
			continue;
		if (f->expires && (!r->expires || f->expires < r->expires))
			r->expires = f->expires;
		if (names_detector(f))
			rc = make_exception(r, f);
	}
	r->st.exceptions = r->nexceptions;
	return rc;
}

static bool is_fed(const struct sigma_rule *rule)
{
	for (unsigned i = 0; i < sigma_nsources; i++)
		if (sigma_logsource_fits(&rule->logsource, &sigma_sources[i].logsource))
			return true;
	return false;
}

static void tell(struct ruleset *r, ruleset_problem_fn *fn, void *ctx)
{
	const struct sigma_problems *p = &r->rules->problems;

	for (unsigned i = 0; i < p->n; i++) {
		r->st.warnings += p->problem[i].kind == SIGMA_WARNING;
		if (fn)
			fn(ctx, &p->problem[i]);
	}
	r->st.errors = p->errors;
	for (unsigned i = 0; i < r->rules->n; i++)
		r->st.unfed += r->rules->rule[i]->kind == SIGMA_RULE &&
			       !r->rules->rule[i]->broken && !is_fed(r->rules->rule[i]);
}

int ruleset_new(const struct ruleset_config *c, ruleset_problem_fn *fn, void *ctx,
		struct ruleset **ret, struct err *e)
{
	struct sigma_rules *rules = NULL;
	unsigned *first = NULL;
	int rc = -ENOMEM;

	struct ruleset *r = calloc(1, sizeof(*r));
	if (!r)
		return err_set(e, rc, "rules: out of memory");
	r->fill = calloc(1, sizeof(*r->fill));
	first = calloc(c->npacks + 1, sizeof(*first));
	if (!r->fill || !first || arena_new(SIGMA_MEMORY_MAX, &r->arena) || sigma_rules_new(&rules))
		goto memory;
	rules->foreign = DETECTOR_PREFIX;
	rc = load_packs(rules, c, first, e);
	if (rc) {
		sigma_rules_free(rules);
		goto out;
	}
	rc = sigma_engine_new(rules, &c->engine, &r->engine, e);
	if (rc)
		goto out;
	r->rules = sigma_engine_rules(r->engine);
	rc = make_uses(r, c, first);
	if (!rc)
		rc = make_plans(r);
	if (!rc)
		rc = make_exceptions(r);
memory:
	if (rc)
		err_set(e, rc, "rules: out of memory");
	else
		tell(r, fn, ctx);
out:
	free(first);
	if (rc) {
		ruleset_free(r);
		return rc;
	}
	*ret = r;
	return 0;
}

void ruleset_free(struct ruleset *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->nexceptions; i++)
		sigma_view_free(r->exception[i].view);
	sigma_engine_free(r->engine);
	arena_free(r->arena);
	free(r->fill);
	free(r);
}

/* --- judging --- */

static void on_alert(void *ctx, const struct sigma_alert *a)
{
	struct ruleset *r = ctx;
	struct use *u = &r->use[a->rule->index];
	struct sigma_evidence evidence[RULE_EVIDENCE_MAX];

	if (u->severity == SEVERITY_none)
		return;
	r->st.matches++;
	struct rule_match m = {
		.info = &u->info,
		.severity = u->severity,
		.uncertain = a->uncertain,
		.correlated = a->correlated,
		.evidence = evidence,
	};
	if (!a->correlated)
		m.nevidence = sigma_view_evidence(r->now->view, a->rule, r->record, evidence,
						  RULE_EVIDENCE_MAX);
	r->fn(r->ctx, &m);
}

static struct sigma_record fill(struct ruleset *r, struct plan *p, const struct event *ev)
{
	struct sigma_record rec = {
		.time = ev->rec->time + (uint64_t)ev->host->unix_offset,
		.event = r->event,
		.field = p->value,
	};

	sigma_fill_reset(r->fill);
	for (unsigned i = 0; i < p->n; i++)
		p->value[i] = p->feeder[i] ? sigma_fill_field(r->fill, p->feeder[i], ev)
					   : (struct sigma_values){ 0 };
	if (p->wants_all)
		rec.all = sigma_fill_all(r->fill, &p->keywords, ev);
	return rec;
}

static void judge(struct ruleset *r, struct plan *p, const struct event *ev)
{
	struct sigma_record rec = fill(r, p, ev);

	r->now = p;
	r->record = &rec;
	r->st.records++;
	sigma_engine_judge(r->engine, p->view, &rec, on_alert, r);
}

void ruleset_event(struct ruleset *r, const struct event *ev, rule_match_fn *fn, void *ctx)
{
	if (!(r->wants >> ev->rec->type & 1))
		return;
	r->event++;
	r->fn = fn;
	r->ctx = ctx;
	for (unsigned i = 0; i < r->nplans; i++) {
		const struct sigma_source *s = r->plan[i].source;
		if (s->event == ev->desc->id && (!s->fits || s->fits(ev)))
			judge(r, &r->plan[i], ev);
	}
}

static bool excepts(struct ruleset *r, struct exception *x, const struct event *ev)
{
	const struct sigma_match *match;

	for (unsigned i = 0; i < x->nplans; i++) {
		if (x->plan[i].source->event != ev->desc->id)
			continue;
		struct sigma_record rec = fill(r, &x->plan[i], ev);
		if (sigma_view_eval(x->view, &rec, &match))
			return true;
	}
	return false;
}

bool ruleset_excepts(struct ruleset *r, const char *detector, const struct event *ev)
{
	for (unsigned i = 0; i < r->nexceptions; i++) {
		struct exception *x = &r->exception[i];
		for (unsigned k = 0; k < x->detectors->n; k++)
			if (!strcmp(x->detectors->s[k], detector) && excepts(r, x, ev)) {
				r->st.excepted++;
				return true;
			}
	}
	return false;
}

/* --- the rest --- */

uint64_t ruleset_expires(const struct ruleset *r)
{
	return r->expires;
}

uint64_t ruleset_wants(const struct ruleset *r)
{
	return r->wants;
}

void ruleset_save(const struct ruleset *r, struct buf *out)
{
	struct sigma_correlator_stats st;

	/* As bytes it is no larger than in memory: one allocation, not those of a buffer that
	 * grows. */
	sigma_correlator_get_stats(sigma_engine_correlator(r->engine), &st);
	buf_reserve(out, st.bytes);
	sigma_correlator_save(sigma_engine_correlator(r->engine), out);
}

int ruleset_restore(struct ruleset *r, const void *p, size_t len)
{
	return sigma_correlator_restore(sigma_engine_correlator(r->engine), p, len);
}

void ruleset_get_stats(const struct ruleset *r, struct ruleset_stats *ret)
{
	*ret = r->st;
	for (unsigned i = 0; i < r->nplans; i++) {
		struct sigma_view_stats v;
		/* Sources of one logsource share a view. */
		if (i && r->plan[i].view == r->plan[i - 1].view)
			continue;
		sigma_view_get_stats(r->plan[i].view, &v);
		ret->evaluated += v.evaluated;
		ret->regex_limits += v.regex_limits;
	}
	sigma_correlator_get_stats(sigma_engine_correlator(r->engine), &ret->correlator);
}
