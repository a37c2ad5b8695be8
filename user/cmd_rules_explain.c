/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank rules explain`: a rule as the engine has it. */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd.h"
#include "cmd_rules.h"
#include "detect/detector.h"

static const char usage[] =
	"usage: redshank rules explain RULE [PATH...]\n\n"
	"What the engine made of a rule: its tests as compiled, filters applied, and of a\n"
	"correlation what it counts. RULE is an id, a name, a title or a file.\n\n"
	"  -h, --help\n";

#define LINES_MAX 20000 /* of one rule's expression, which may name the same part often */

struct explaining {
	struct buf out;
	const struct sigma_rules *rules;
	unsigned lines;
};

static void indent(struct buf *b, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_puts(b, "  ");
}

static void put_field(struct buf *b, const char *name, const char *text)
{
	if (!text)
		return;
	buf_printf(b, "  %-12s ", name);
	cmd_rules_put(b, text);
	buf_putc(b, '\n');
}

static void put_strings(struct buf *b, const char *name, const struct sigma_strings *s)
{
	if (!s->n)
		return;
	buf_printf(b, "  %-12s ", name);
	for (unsigned i = 0; i < s->n; i++) {
		buf_puts(b, i ? ", " : "");
		cmd_rules_put(b, s->s[i]);
	}
	buf_putc(b, '\n');
}

/* refs: what SIGMA_ref stands for. */
static void put_expr(struct explaining *x, const struct sigma_expr *e, unsigned depth,
		     const struct sigma_strings *refs)
{
	static const char *const ops[] = {
		[SIGMA_and] = "all of:", [SIGMA_or] = "one of:", [SIGMA_not] = "not:"
	};
	struct buf *b = &x->out;

	if (x->lines == LINES_MAX) {
		buf_puts(b, "  (more is not shown)\n");
		x->lines++;
	}
	if (x->lines > LINES_MAX)
		return;
	x->lines++;
	indent(b, depth);
	if (e->name) {
		cmd_rules_put(b, e->name);
		buf_puts(b, ": ");
	}
	switch (e->op) {
	case SIGMA_leaf:
		sigma_test_describe(e->item, b);
		break;
	case SIGMA_ref:
		cmd_rules_put(b, refs && e->ref < refs->n ? refs->s[e->ref] : "?");
		break;
	case SIGMA_and:
	case SIGMA_or:
	case SIGMA_not:
		buf_puts(b, ops[e->op]);
		break;
	}
	buf_putc(b, '\n');
	for (unsigned i = 0; i < e->n; i++)
		put_expr(x, e->kid[i], depth + 1, refs);
}

static void put_span(struct buf *b, uint64_t ns)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	uint64_t s = ns / NSEC_PER_SEC;
	unsigned i = 0;

	while (i < 3 && s % units[i].seconds)
		i++;
	buf_u64(b, s / units[i].seconds);
	buf_putc(b, units[i].unit);
}

static void put_correlation(struct explaining *x, const struct sigma_correlation *c)
{
	struct buf *b = &x->out;

	buf_printf(b, "  %-12s %s within ", "correlation", sigma_correlation_type_name(c->type));
	put_span(b, c->timespan);
	buf_putc(b, '\n');
	put_strings(b, "group by", &c->group_by);
	for (unsigned i = 0; i < c->naliases; i++) {
		for (unsigned k = 0; k < c->alias[i].n; k++) {
			const struct sigma_alias_field *f = &c->alias[i].field[k];
			buf_printf(b, "  %-12s ", "alias");
			cmd_rules_put(b, c->alias[i].name);
			buf_puts(b, ": ");
			cmd_rules_put(b, f->field);
			buf_puts(b, " of ");
			cmd_rules_put(b, c->refs.s[f->ref]);
			buf_putc(b, '\n');
		}
	}
	put_strings(b, "values of", &c->fields);
	if (c->type == SIGMA_value_percentile)
		buf_printf(b, "  %-12s %g\n", "percentile", c->percentile);
	for (unsigned i = 0; i < c->nbounds; i++)
		buf_printf(b, "  %-12s %s %.15g\n", i ? "and" : "condition",
			   sigma_compare_name(c->bound[i].op), c->bound[i].value);
	if (c->expr) {
		buf_puts(b, "  condition\n");
		put_expr(x, c->expr, 2, &c->refs);
	}
	for (unsigned i = 0; i < c->refs.n; i++) {
		buf_printf(b, "  %-12s ", "counts");
		cmd_rules_put(b, c->rules[i]->title);
		buf_puts(b, " (");
		cmd_rules_put(b, c->rules[i]->id);
		buf_puts(b, ")\n");
	}
	buf_printf(b, "  %-12s %s\n", "these alert",
		   c->generate ? "too" : "not by themselves, because of this rule");
}

static bool strings_have(const struct sigma_strings *s, const char *text)
{
	for (unsigned i = 0; text && i < s->n; i++)
		if (!strcasecmp(s->s[i], text))
			return true;
	return false;
}

static void put_filters(struct explaining *x, const struct sigma_rule *rule)
{
	for (unsigned i = 0; i < x->rules->n; i++) {
		const struct sigma_rule *f = x->rules->rule[i];
		if (f->kind == SIGMA_FILTER && !f->broken &&
		    (!f->filtered.n || strings_have(&f->filtered, rule->id) ||
		     strings_have(&f->filtered, rule->name)) &&
		    sigma_logsource_fits(&f->logsource, &rule->logsource))
			put_field(&x->out, "filter", f->title);
	}
}

static int put_compiled(struct explaining *x, const struct sigma_rule *rule)
{
	struct sigma_view_stats stats;
	struct sigma_view *v;
	struct buf *b = &x->out;
	int rc = sigma_view_new_expr(x->rules, rule->expr, &v);

	if (rc)
		return rc;
	sigma_view_get_stats(v, &stats);
	buf_printf(b, "  %-12s", "reads");
	for (unsigned i = 0; i < sigma_view_nfields(v); i++) {
		buf_putc(b, ' ');
		cmd_rules_put(b, sigma_view_field(v, i));
	}
	buf_puts(b, sigma_view_wants_all(v) ? " (the whole event)\n" : "\n");
	buf_printf(b, "  %-12s %s\n", "evaluated",
		   stats.always ? "for every event of its logsource"
				: "only for events with one of its strings");
	buf_puts(b, "  matches\n");
	x->lines = 0;
	put_expr(x, rule->expr, 2, NULL);
	sigma_view_free(v);
	return 0;
}

static int put_rule(struct explaining *x, const struct sigma_rule *rule)
{
	struct buf *b = &x->out;
	int rc = 0;

	buf_puts(b, b->len ? "\n" : "");
	cmd_rules_put(b, rule->title);
	buf_putc(b, '\n');
	put_field(b, "id", rule->id);
	put_field(b, "name", rule->name);
	put_field(b, "level", rule->level ? sigma_level_name(rule->level) : NULL);
	put_field(b, "status", rule->status);
	put_strings(b, "tags", &rule->tags);
	buf_printf(b, "  %-12s ", "file");
	cmd_rules_put(b, rule->pos.file);
	buf_printf(b, ":%u\n", rule->pos.line);
	if (rule->broken) {
		put_field(b, "not used", "it has an error");
		return 0;
	}
	if (rule->silent)
		put_field(b, "alerts", "no: only correlations use it");
	if (rule->correlation) {
		x->lines = 0;
		put_correlation(x, rule->correlation);
		return 0;
	}
	buf_printf(b, "  %-12s ", "logsource");
	cmd_rules_put_logsource(b, &rule->logsource);
	buf_putc(b, '\n');
	put_filters(x, rule);
	if (rule->expr)
		rc = put_compiled(x, rule);
	return rc;
}

/* The file by its path as loaded, or the end of that. */
static bool is_file(const char *path, const char *name)
{
	size_t len = strlen(path), n = strlen(name);

	return n && len >= n && !strcmp(path + len - n, name) &&
	       (len == n || path[len - n - 1] == '/');
}

static bool is_called(const struct sigma_rule *rule, const char *what)
{
	return !strcasecmp(rule->id, what) || !strcasecmp(rule->title, what) ||
	       (rule->name && !strcmp(rule->name, what)) || is_file(rule->pos.file, what);
}

/* A detector is no rule, but it alerts as one. */
static bool put_detector(struct buf *b, const char *what)
{
	for (const struct detector *const *d = detectors; *d; d++) {
		const struct rule_info *i = &(*d)->info;
		if (strcasecmp(i->id, what) && strcasecmp(i->name, what))
			continue;
		cmd_rules_put(b, i->name);
		buf_putc(b, '\n');
		put_field(b, "id", i->id);
		for (const struct technique *t = i->techniques; t->id; t++)
			put_field(b, "technique", t->id);
		put_field(b, "description", i->doc);
		put_field(b, "benign", i->false_positives);
		return true;
	}
	return false;
}

static int explain(char *what, char *const *paths)
{
	char *const alone[] = { what, NULL };
	struct explaining x = { 0 };
	struct sigma_engine *g;
	unsigned found = 0;
	struct stat st;
	struct err e;
	int rc;

	if (put_detector(&x.out, what)) {
		rc = cmd_rules_write(&x.out, true, &e);
		buf_free(&x.out);
		return rc ? cmd_fail(rc, &e) : 0;
	}
	if (!*paths && !stat(what, &st) && S_ISREG(st.st_mode))
		paths = alone;
	rc = cmd_rules_load_usable(paths, &g);
	if (rc)
		return rc;
	x.rules = sigma_engine_rules(g);
	for (unsigned i = 0; i < x.rules->n && !rc; i++) {
		if (!is_called(x.rules->rule[i], what))
			continue;
		found++;
		rc = put_rule(&x, x.rules->rule[i]);
		if (rc)
			err_set(&e, rc, "out of memory");
	}
	if (!rc)
		rc = cmd_rules_write(&x.out, true, &e);
	buf_free(&x.out);
	sigma_engine_free(g);
	if (rc)
		return cmd_fail(rc, &e);
	if (found)
		return 0;
	log_error("no rule has the id, name, title or file \"%s\"", what);
	return EX_DATAERR;
}

int cmd_rules_explain(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		if (opt == 'h')
			return cmd_usage(usage);
		return cmd_bad_option(usage, opt, argv);
	}
	if (optind == argc) {
		log_error("rules explain takes the id, name, title or file of a rule");
		return EX_USAGE;
	}
	return explain(argv[optind], argv + optind + 1);
}
