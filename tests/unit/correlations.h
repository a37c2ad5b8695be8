/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of correlations: rules from text, events as one line, what came true as text. */
#ifndef REDSHANK_TESTS_CORRELATIONS_H
#define REDSHANK_TESTS_CORRELATIONS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sigma/compile.h"
#include "sigma/correlate.h"
#include "sigma/parse.h"

#define SECOND	   1000000000ULL
#define BEGIN	   (1700000000ULL * SECOND)
#define FIELDS_MAX 64

struct fixture {
	struct sigma_rules *rules;
	struct sigma_view *view;
	struct sigma_correlator *correlator;
	/* Of the last event. */
	unsigned fired;
	uint64_t record_event; /* for the next ones */
	char text[4096]; /* "title{User=x,Ip=y}value " for each, in order */
	double value;
	uint64_t first, last, count, episode;
};

/* A plain rule. */
#define RULE(name_)              \
	"title: " name_ "\n"     \
	"name: " name_ "\n"      \
	"logsource:\n"           \
	"  product: linux\n"     \
	"detection:\n"           \
	"  selection:\n"         \
	"    Kind: " name_ "\n"  \
	"  condition: selection" \
	"\n---\n"

/* Names of rules and fields: in brackets, or one. */
#define CORRELATION(name_, type_, rules_, group_by_, timespan_, more_) \
	"title: " name_ "\n"                                           \
	"name: " name_ "\n"                                            \
	"correlation:\n"                                               \
	"  type: " type_ "\n"                                          \
	"  rules: " rules_ "\n"                                        \
	"  group-by: " group_by_ "\n"                                  \
	"  timespan: " timespan_ "\n" more_ "\n---\n"

#define CONDITION(text_) "  condition: {" text_ "}\n"

static inline void rules_open(struct fixture *f, const char *yaml)
{
	*f = (struct fixture){ 0 };
	assert_int_equal(sigma_rules_new(&f->rules), 0);
	assert_int_equal(sigma_parse(f->rules, "test.yml", yaml, strlen(yaml)), 0);
	assert_int_equal(sigma_link(f->rules), 0);
	assert_int_equal(sigma_compile(f->rules, NULL), 0);
	for (unsigned i = 0; i < f->rules->problems.n; i++) {
		const struct sigma_problem *p = &f->rules->problems.problem[i];
		if (p->kind == SIGMA_ERROR)
			fail_msg("%u:%u: %s", p->pos.line, p->pos.col, p->text);
	}
	assert_int_equal(sigma_view_new(f->rules, NULL, &f->view), 0);
}

static inline void fixture_open(struct fixture *f, const char *yaml,
				const struct sigma_correlator_options *o)
{
	struct err e = { { 0 } };

	rules_open(f, yaml);
	if (sigma_correlator_new(f->rules, o, &f->correlator, &e))
		fail_msg("%s", e.text);
}

static inline void fixture_close(struct fixture *f)
{
	sigma_correlator_free(f->correlator);
	sigma_view_free(f->view);
	sigma_rules_free(f->rules);
}

static inline void on_fired(void *ctx, const struct sigma_correlated *m)
{
	struct fixture *f = ctx;
	size_t n = strlen(f->text);

	f->fired++;
	f->value = m->value;
	f->first = m->first;
	f->last = m->last;
	f->count = m->count;
	f->episode = m->episode;
	n += (size_t)snprintf(f->text + n, sizeof(f->text) - n, "%s{", m->rule->title);
	for (unsigned i = 0; i < m->ngroup && n < sizeof(f->text); i++)
		n += (size_t)snprintf(f->text + n, sizeof(f->text) - n, "%s%s=%.*s", i ? "," : "",
				      m->group[i].name, (int)m->group[i].len, m->group[i].text);
	if (n < sizeof(f->text))
		snprintf(f->text + n, sizeof(f->text) - n, "}%g ", m->value);
}

static inline const struct sigma_rule *rule_named(const struct fixture *f, const char *name)
{
	for (unsigned i = 0; i < f->rules->n; i++)
		if (f->rules->rule[i]->name && !strcmp(f->rules->rule[i]->name, name))
			return f->rules->rule[i];
	fail_msg("no rule %s", name);
	return NULL;
}

/*
 * An event at a time in ns that the rules (names, apart by blanks) match, with fields as
 * "User=a Ip=1". A value "NULL" is null; a field may come twice. Returns how many came true.
 */
static inline unsigned event_ns(struct fixture *f, uint64_t time, const char *rules,
				const char *fields)
{
	static struct sigma_values values[FIELDS_MAX];
	static struct sigma_scalar scalar[FIELDS_MAX][4];
	struct sigma_record rec = { .time = time, .event = f->record_event, .field = values };
	struct sigma_match match[8] = { 0 };
	char names[256], text[8192], *save = NULL;
	unsigned n = 0;

	snprintf(names, sizeof(names), "%s", rules);
	snprintf(text, sizeof(text), "%s", fields);
	memset(values, 0, sizeof(values));
	assert_true(sigma_view_nfields(f->view) <= FIELDS_MAX);
	for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		char *value = strchr(p, '=');
		assert_non_null(value);
		*value++ = '\0';
		int i = sigma_view_find(f->view, p);
		if (i < 0)
			continue;
		struct sigma_values *v = &values[i];
		assert_true(v->n < 4);
		v->present = true;
		v->v = scalar[i];
		scalar[i][v->n++] = (struct sigma_scalar){
			.type = strcmp(value, "NULL") ? SIGMA_str : SIGMA_null,
			.text = strcmp(value, "NULL") ? value : "",
			.len = strcmp(value, "NULL") ? strlen(value) : 0,
		};
	}
	for (char *p = strtok_r(names, " ", &save); p; p = strtok_r(NULL, " ", &save))
		match[n++].rule = rule_named(f, p);
	f->fired = 0;
	f->text[0] = '\0';
	f->value = 0;
	f->first = f->last = f->count = f->episode = 0;
	sigma_correlator_match(f->correlator, match, n, f->view, &rec, on_fired, f);
	return f->fired;
}

static inline unsigned event(struct fixture *f, double at, const char *rules, const char *fields)
{
	return event_ns(f, BEGIN + (uint64_t)(at * 1e9), rules, fields);
}

static inline struct sigma_correlator_stats stats_of(const struct fixture *f)
{
	struct sigma_correlator_stats s;

	sigma_correlator_get_stats(f->correlator, &s);
	return s;
}

#endif
