/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of rules, and the documents of a file: which kind each is, and rule collections. */
#include "sigma/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "sigma/compile.h"
#include "sigma/parser.h"

#define NODES_MAX	((size_t)256 << 20) /* bytes of the trees of one file */
#define FILE_MEMORY_MAX ((size_t)128 << 20) /* bytes of the set's arena that one file fills */
#define DOCUMENTS_MAX	20000 /* of one file */

int sigma_rules_new(struct sigma_rules **ret)
{
	struct sigma_rules *r = calloc(1, sizeof(*r));
	int rc = r ? arena_new(SIGMA_MEMORY_MAX, &r->arena) : -ENOMEM;

	if (rc) {
		free(r);
		return rc;
	}
	r->now = clock_unix();
	*ret = r;
	return 0;
}

void sigma_rules_free(struct sigma_rules *r)
{
	if (!r)
		return;
	sigma_compiled_free(r->compiled);
	sigma_problems_free(&r->problems);
	free(r->rule);
	arena_free(r->arena);
	free(r);
}

void sigma_parser_error(struct sigma_parser *p, struct sigma_pos pos, const char *fmt, ...)
{
	char text[sizeof(p->rules->problems.problem->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sigma_problem_add(&p->rules->problems, SIGMA_ERROR, pos, "%s", text);
}

void sigma_parser_warn(struct sigma_parser *p, struct sigma_pos pos, const char *fmt, ...)
{
	char text[sizeof(p->rules->problems.problem->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sigma_problem_add(&p->rules->problems, SIGMA_WARNING, pos, "%s", text);
}

int sigma_parser_work(struct sigma_parser *p, struct sigma_pos pos, size_t n)
{
	if (n <= SIGMA_WORK_MAX - p->work) {
		p->work += (unsigned)n;
		return 0;
	}
	sigma_parser_error(p, pos, "the file asks for too much: the rest of it is left out");
	return -E2BIG;
}

char *sigma_parser_copy(struct sigma_parser *p, const struct sigma_scalar *s)
{
	return arena_copy(p->rules->arena, s->text, s->len);
}

/* --- rule collections --- */

/* over's pairs, and those of base that it does not have; maps in both are joined the same way. */
static int merge(struct sigma_parser *p, const struct sigma_node *base,
		 const struct sigma_node *over, const struct sigma_node **ret)
{
	struct sigma_node *made = arena_alloc(p->nodes, sizeof(*made));
	int rc = sigma_parser_work(p, over->pos, (size_t)base->n * over->n);

	if (rc)
		return rc;
	if (!made)
		return -ENOMEM;
	*made = *over;
	made->n = 0;
	made->size = base->size + over->size;
	made->pair = arena_array(p->nodes, (size_t)base->n + over->n, sizeof(*made->pair));
	if (!made->pair)
		return -ENOMEM;
	for (unsigned i = 0; i < over->n; i++) {
		struct sigma_pair *to = &made->pair[made->n++];
		*to = over->pair[i];
		const struct sigma_node *below = sigma_node_get(base, to->key->scalar.text);
		if (below && below->kind == SIGMA_MAP && to->value->kind == SIGMA_MAP)
			rc = merge(p, below, to->value, &to->value);
		if (rc)
			return rc;
	}
	for (unsigned i = 0; i < base->n; i++)
		if (!sigma_node_get(over, base->pair[i].key->scalar.text))
			made->pair[made->n++] = base->pair[i];
	*ret = made;
	return 0;
}

/*
 * spec 1.0, "Rule Collections", which pySigma still reads: *doc becomes the rule that the action
 * makes, or NULL where it makes none.
 */
static int apply_action(struct sigma_parser *p, const struct sigma_node *action,
			const struct sigma_node **doc)
{
	const char *name = action->kind == SIGMA_SCALAR ? action->scalar.text : "";

	if (!strcmp(name, "global")) {
		p->global = p->previous = *doc;
		*doc = NULL;
		return 0;
	}
	if (!strcmp(name, "reset")) {
		p->global = NULL;
		*doc = NULL;
		return 0;
	}
	if (!strcmp(name, "repeat")) {
		if (!p->previous) {
			sigma_parser_error(p, action->pos, "no rule before this one to repeat");
			return -EINVAL;
		}
		int rc = merge(p, p->previous, *doc, doc);
		if (!rc)
			p->previous = *doc;
		return rc;
	}
	sigma_parser_error(p, action->pos,
			   "unknown action '%s': global, reset and repeat are known", name);
	return -EINVAL;
}

/* --- documents --- */

static bool looks_like_sigma(const struct sigma_node *doc)
{
	static const char *const keys[] = { "title",	   "detection", "logsource",
					    "correlation", "filter",	"action" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (sigma_node_get(doc, keys[i]))
			return true;
	return false;
}

static int add_rule(struct sigma_parser *p, struct sigma_rule *rule)
{
	struct sigma_rules *r = p->rules;

	if (r->n == r->rules_cap) {
		size_t cap = r->rules_cap ? r->rules_cap * 2 : 64;
		struct sigma_rule **grown = realloc(r->rule, cap * sizeof(struct sigma_rule *));
		if (!grown)
			return -ENOMEM;
		r->rule = grown;
		r->rules_cap = cap;
	}
	rule->index = r->n;
	r->rule[r->n++] = rule;
	return 0;
}

static int parse_document(struct sigma_parser *p, const struct sigma_node *doc)
{
	struct sigma_rule *rule;
	int rc = sigma_parser_work(p, doc->pos, doc->size);

	if (rc)
		return rc;
	if (arena_used(p->rules->arena) - p->used_before > FILE_MEMORY_MAX) {
		sigma_parser_error(p, doc->pos,
				   "the file takes more than %zu MiB: the rest of it is left out",
				   FILE_MEMORY_MAX >> 20);
		return -E2BIG;
	}
	if (p->rules->n == SIGMA_RULES_MAX) {
		sigma_parser_error(p, doc->pos, "more than %d rules", SIGMA_RULES_MAX);
		return -E2BIG;
	}
	rule = arena_alloc(p->rules->arena, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	rule->pos = doc->pos;
	if (sigma_node_get(doc, "correlation"))
		rc = sigma_parse_correlation(p, doc, rule);
	else if (sigma_node_get(doc, "filter") && !sigma_node_get(doc, "detection"))
		rc = sigma_parse_filter(p, doc, rule);
	else
		rc = sigma_parse_rule(p, doc, rule);
	return rc ? rc : add_rule(p, rule);
}

static int take_document(struct sigma_parser *p, const struct sigma_node *doc)
{
	if (++p->documents > DOCUMENTS_MAX) {
		sigma_parser_error(p, doc->pos, "more than %d documents in a file", DOCUMENTS_MAX);
		return -E2BIG;
	}
	if (!looks_like_sigma(doc)) {
		if (p->directory) {
			sigma_parser_warn(p, doc->pos, "no Sigma rule: left out");
			return 0;
		}
		sigma_parser_error(p, doc->pos,
				   "no Sigma rule: a map with title, logsource and detection is");
		return -EINVAL;
	}
	const struct sigma_node *action = sigma_node_get(doc, "action");
	int rc = 0;
	if (action && action->kind == SIGMA_SCALAR && action->scalar.type == SIGMA_str) {
		rc = apply_action(p, action, &doc);
	} else if (!sigma_node_get(doc, "correlation") && !sigma_node_get(doc, "filter")) {
		if (p->global)
			rc = merge(p, p->global, doc, &doc);
		if (!rc)
			p->previous = doc;
	}
	if (rc || !doc)
		return rc;
	return parse_document(p, doc);
}

/* Of a document that is wrong, the next ones are read. */
static int each_document(struct sigma_parser *p, const struct sigma_node *doc)
{
	int rc = take_document(p, doc);
	return rc == -EINVAL ? 0 : rc;
}

static int read_file(struct sigma_rules *r, struct sigma_pos pos, bool directory, const char *text,
		     size_t len, sigma_document_fn *fn, struct sigma_parser *p)
{
	struct arena *nodes = NULL;
	int rc = arena_new(NODES_MAX, &nodes);

	if (rc)
		goto out;
	*p = (struct sigma_parser){ .rules = r,
				    .nodes = nodes,
				    .directory = directory,
				    .used_before = arena_used(r->arena) };
	p->file = pos.file ? arena_str(r->arena, pos.file) : NULL;
	if (pos.file && !p->file) {
		rc = -ENOMEM;
		goto out;
	}
	pos.file = p->file;
	if (len > SIGMA_FILE_MAX)
		sigma_parser_error(p, pos, "larger than %zu MiB", SIGMA_FILE_MAX >> 20);
	else
		rc = sigma_yaml_read(p, pos, text, len, fn);
	if (rc == -E2BIG)
		rc = 0;
out:
	if (rc == -ENOMEM)
		sigma_problem_add(&r->problems, SIGMA_ERROR, (struct sigma_pos){ .line = 0 },
				  "no room for more rules after %s",
				  pos.file ? pos.file : "the last one");
	arena_free(nodes);
	return rc;
}

static int parse_file(struct sigma_rules *r, const char *file, bool directory, const char *text,
		      size_t len)
{
	struct sigma_pos pos = { .file = file, .line = 1, .col = 1 };
	unsigned before = r->problems.n + r->problems.dropped;
	struct sigma_parser p;

	int rc = read_file(r, pos, directory, text, len, each_document, &p);
	if (!rc && !p.documents && r->problems.n + r->problems.dropped == before)
		sigma_parser_warn(&p, (struct sigma_pos){ .file = p.file }, "no rule in it");
	return rc;
}

int sigma_parse(struct sigma_rules *r, const char *file, const char *text, size_t len)
{
	return parse_file(r, file, false, text, len);
}

int sigma_parse_found(struct sigma_rules *r, const char *file, const char *text, size_t len)
{
	return parse_file(r, file, true, text, len);
}

/* --- exceptions --- */

static int take_map(struct sigma_parser *p, const struct sigma_node *doc)
{
	unsigned depth;

	if (p->documents++ || doc->kind != SIGMA_MAP) {
		sigma_parser_error(p, doc->pos, "one map of FIELD|modifier: value is expected");
		p->map = NULL;
		return -E2BIG;
	}
	return sigma_parse_items(p, doc, &p->map, &depth);
}

const struct sigma_expr *sigma_parse_map(struct sigma_rules *r, struct sigma_pos pos,
					 const char *text, size_t len)
{
	unsigned errors = r->problems.errors;
	struct sigma_parser p;

	pos.line += !pos.line;
	pos.col += !pos.col;
	if (read_file(r, pos, false, text, len, take_map, &p))
		return NULL;
	if (!p.documents && r->problems.errors == errors)
		sigma_parser_error(&p, pos, "one map of FIELD|modifier: value is expected");
	return r->problems.errors == errors ? p.map : NULL;
}
