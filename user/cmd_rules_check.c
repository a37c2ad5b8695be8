/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank rules check`: what is wrong with rules, and which of them this sensor can feed. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd.h"
#include "cmd_rules.h"
#include "cmd_rules_feed.h"
#include "encode/json_writer.h"

static const char usage[] =
	"usage: redshank rules check [OPTION...] [PATH...]\n\n"
	"Parse, link and compile the rules: say what is wrong with them and where; which rules "
	"and\n"
	"fields this sensor has no source for; and count by logsource. The exit status is 65 when\n"
	"there is an error.\n\n"
	"  -o, --output FORMAT  text (default) or json (one object)\n"
	"  -h, --help\n";

/* A rule that is not fed, or a field of it (field not NULL) that is not. */
struct unfed {
	const struct sigma_rule *rule;
	const char *field;
	char why[160];
};

struct source_count {
	struct sigma_logsource logsource;
	unsigned rules;
	bool fed;
	char why[160];
};

struct report {
	unsigned rules, correlations, filters, broken, nfed;
	unsigned nunfed, unfed_cap;
	struct unfed *unfed;
	unsigned nsources;
	struct source_count *source; /* sorted */
};

static int order(const char *a, const char *b)
{
	return strcasecmp(a ? a : "", b ? b : "");
}

static int compare_logsources(const void *a, const void *b)
{
	const struct sigma_logsource *x = a, *y = b;
	int product = order(x->product, y->product), category = order(x->category, y->category);

	return product ? product : category ? category : order(x->service, y->service);
}

/* Rules by logsource: sorted, then those that are the same counted together. */
static int count_sources(struct report *p, const struct sigma_rules *r)
{
	struct sigma_logsource *all = calloc(r->n + 1, sizeof(*all));
	unsigned n = 0;

	p->source = calloc(r->n + 1, sizeof(*p->source));
	if (!all || !p->source) {
		free(all);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < r->n; i++)
		if (r->rule[i]->kind == SIGMA_RULE && !r->rule[i]->broken)
			all[n++] = r->rule[i]->logsource;
	qsort(all, n, sizeof(*all), compare_logsources);
	for (unsigned i = 0; i < n; i++) {
		if (!i || compare_logsources(&all[i - 1], &all[i])) {
			struct source_count *s = &p->source[p->nsources++];
			s->logsource = all[i];
			s->fed = feed_has_logsource(&all[i], s->why, sizeof(s->why));
		}
		p->source[p->nsources - 1].rules++;
	}
	free(all);
	return 0;
}

static struct unfed *add_unfed(struct report *p, const struct sigma_rule *rule, const char *field)
{
	if (p->nunfed == p->unfed_cap) {
		unsigned cap = p->unfed_cap ? 2 * p->unfed_cap : 64;
		struct unfed *u = realloc(p->unfed, cap * sizeof(*u));
		if (!u)
			return NULL;
		p->unfed = u;
		p->unfed_cap = cap;
	}
	struct unfed *u = &p->unfed[p->nunfed++];
	*u = (struct unfed){ .rule = rule, .field = field };
	return u;
}

/* The name of a field lives as long as the rules: a view's does not. */
static const char *keep(const struct sigma_rules *r, const char *name)
{
	return arena_str(r->arena, name);
}

/* A field that no source has: the test on it sees it as absent. */
static int check_fields(struct report *p, const struct sigma_rules *r,
			const struct sigma_rule *rule)
{
	struct sigma_view *v;
	int rc = sigma_view_new_expr(r, rule->expr, &v);

	if (rc)
		return rc;
	for (unsigned i = 0; i < sigma_view_nfields(v) && !rc; i++) {
		const char *field = sigma_view_field(v, i);
		struct unfed *u;
		if (feed_has_field(&rule->logsource, field))
			continue;
		field = keep(r, field);
		u = field ? add_unfed(p, rule, field) : NULL;
		rc = u ? 0 : -ENOMEM;
	}
	sigma_view_free(v);
	return rc;
}

static int make_report(struct report *p, const struct sigma_rules *r)
{
	char why[160];
	int rc = count_sources(p, r);

	for (unsigned i = 0; i < r->n && !rc; i++) {
		const struct sigma_rule *rule = r->rule[i];
		p->broken += rule->broken;
		if (rule->broken)
			continue;
		p->rules += rule->kind == SIGMA_RULE;
		p->correlations += rule->kind == SIGMA_CORRELATION;
		p->filters += rule->kind == SIGMA_FILTER;
		if (rule->kind == SIGMA_FILTER)
			continue;
		if (feed_has_rule(rule, why, sizeof(why))) {
			p->nfed++;
			if (rule->expr)
				rc = check_fields(p, r, rule);
			continue;
		}
		struct unfed *u = add_unfed(p, rule, NULL);
		if (u)
			memcpy(u->why, why, sizeof(why));
		rc = u ? 0 : -ENOMEM;
	}
	return rc;
}

static void text_report(struct buf *b, const struct report *p, const struct sigma_problems *m)
{
	for (unsigned i = 0; i < p->nunfed; i++) {
		const struct unfed *u = &p->unfed[i];
		cmd_rules_put(b, u->rule->pos.file);
		buf_printf(b, ":%u:%u: ", u->rule->pos.line, u->rule->pos.col);
		if (u->field) {
			buf_puts(b, "cannot feed the field ");
			cmd_rules_put(b, u->field);
			buf_puts(b, ": no source for ");
			cmd_rules_put_logsource(b, &u->rule->logsource);
			buf_puts(b, " has it (");
		} else {
			buf_puts(b, "cannot be fed: ");
			cmd_rules_put(b, u->why);
			buf_puts(b, " (");
		}
		cmd_rules_put(b, u->rule->title);
		buf_puts(b, ")\n");
	}
	for (unsigned i = 0; i < p->nsources; i++) {
		const struct source_count *s = &p->source[i];
		buf_printf(b, "%6u rules  ", s->rules);
		cmd_rules_put_logsource(b, &s->logsource);
		if (!s->fed) {
			buf_puts(b, ": ");
			cmd_rules_put(b, s->why);
		}
		buf_putc(b, '\n');
	}
	buf_printf(b, "%u rules, %u correlations, %u filters loaded; %u can be fed, %u cannot; ",
		   p->rules, p->correlations, p->filters, p->nfed,
		   p->rules + p->correlations - p->nfed);
	buf_printf(b, "%u errors, %u warnings\n", m->errors, m->n + m->dropped - m->errors);
}

static void json_place(struct jw *j, const struct sigma_pos *pos)
{
	if (pos->file) {
		jw_key(j, "file");
		jw_text(j, pos->file);
	}
	if (pos->line) {
		jw_key(j, "line");
		jw_num(j, pos->line);
		jw_key(j, "column");
		jw_num(j, pos->col);
	}
}

static void json_text(struct jw *j, const char *key, const char *value)
{
	if (!value)
		return;
	jw_key(j, key);
	jw_text(j, value);
}

static void json_num(struct jw *j, const char *key, uint64_t n)
{
	jw_key(j, key);
	jw_num(j, n);
}

static void json_report(struct buf *b, const struct report *p, const struct sigma_problems *m)
{
	struct jw j = { .out = b };

	jw_open(&j, '{');
	jw_key(&j, "problems");
	jw_open(&j, '[');
	for (unsigned i = 0; i < m->n; i++) {
		jw_open(&j, '{');
		json_text(&j, "kind", m->problem[i].kind == SIGMA_ERROR ? "error" : "warning");
		json_place(&j, &m->problem[i].pos);
		json_text(&j, "text", m->problem[i].text);
		jw_close(&j, '}');
	}
	jw_close(&j, ']');
	jw_key(&j, "unfed");
	jw_open(&j, '[');
	for (unsigned i = 0; i < p->nunfed; i++) {
		const struct unfed *u = &p->unfed[i];
		jw_open(&j, '{');
		json_text(&j, "id", u->rule->id);
		json_text(&j, "title", u->rule->title);
		json_place(&j, &u->rule->pos);
		json_text(&j, "field", u->field);
		json_text(&j, "reason", u->field ? "no source has this field" : u->why);
		jw_close(&j, '}');
	}
	jw_close(&j, ']');
	jw_key(&j, "logsources");
	jw_open(&j, '[');
	for (unsigned i = 0; i < p->nsources; i++) {
		const struct source_count *s = &p->source[i];
		jw_open(&j, '{');
		json_text(&j, "product", s->logsource.product);
		json_text(&j, "category", s->logsource.category);
		json_text(&j, "service", s->logsource.service);
		json_num(&j, "rules", s->rules);
		jw_key(&j, "fed");
		jw_bool(&j, s->fed);
		json_text(&j, "reason", s->fed ? NULL : s->why);
		jw_close(&j, '}');
	}
	jw_close(&j, ']');
	json_num(&j, "rules", p->rules);
	json_num(&j, "correlations", p->correlations);
	json_num(&j, "filters", p->filters);
	json_num(&j, "broken", p->broken);
	json_num(&j, "fed", p->nfed);
	json_num(&j, "errors", m->errors);
	json_num(&j, "warnings", m->n + m->dropped - m->errors);
	jw_close(&j, '}');
	buf_putc(b, '\n');
}

static int check(char *const *paths, bool json)
{
	struct report p = { 0 };
	struct sigma_engine *g;
	struct buf b = { 0 };
	struct err e;
	int rc = cmd_rules_load(paths, &g);

	if (rc)
		return rc;
	const struct sigma_rules *r = sigma_engine_rules(g);
	unsigned errors = r->problems.errors;
	rc = make_report(&p, r);
	if (rc) {
		err_set(&e, rc, "out of memory");
		goto out;
	}
	if (json) {
		json_report(&b, &p, &r->problems);
	} else {
		cmd_rules_problems(&r->problems, stdout);
		text_report(&b, &p, &r->problems);
	}
	rc = cmd_rules_write(&b, true, &e);
	if (!rc && !r->n && !errors) {
		log_error("no rules found");
		errors = 1;
	}
out:
	free(p.unfed);
	free(p.source);
	buf_free(&b);
	sigma_engine_free(g);
	return rc ? cmd_fail(rc, &e) : errors ? EX_DATAERR : 0;
}

int cmd_rules_check(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, ":o:h", longs, NULL)) != -1) {
		switch (opt) {
		case 'o':
			if (cmd_output(optarg, &json))
				return EX_USAGE;
			break;
		case 'h':
			return cmd_usage(usage);
		default:
			return cmd_bad_option(usage, opt, argv);
		}
	}
	return check(argv + optind, json);
}
