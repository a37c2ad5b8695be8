/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that rules, correlations and filters share (spec: Components). */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "sigma/parser.h"

#define TITLE_MAX     256 /* characters; spec: Title */
#define COUNT(table_) (unsigned)(sizeof(table_) / sizeof((table_)[0]))

const char *sigma_derived_id(struct arena *a, const char *text, unsigned n)
{
	uint64_t high = hash_bytes(HASH_INIT, text, strlen(text));
	uint64_t low;
	char id[40];

	if (n)
		high = hash_bytes(high, &n, sizeof(n));
	low = hash_bytes(high, text, strlen(text));
	/* RFC 9562, section 5.8: version 8, variant 10. */
	snprintf(id, sizeof(id), "%08x-%04x-8%03x-%04x-%012llx", (unsigned)(high >> 32),
		 (unsigned)(high >> 16 & 0xFFFF), (unsigned)(high & 0xFFF),
		 (unsigned)(0x8000 | (low >> 48 & 0x3FFF)),
		 (unsigned long long)(low & 0xFFFFFFFFFFFFULL));
	return arena_str(a, id);
}

/* --- texts --- */

int sigma_parser_texts(struct sigma_parser *p, const struct sigma_node *node, const char *what,
		       struct sigma_strings *ret)
{
	unsigned n = node->kind == SIGMA_LIST ? node->n : 1;
	const char **s;

	if (node->kind == SIGMA_MAP) {
		sigma_parser_error(p, node->pos, "%s must be a list of texts, not a map", what);
		return -EINVAL;
	}
	s = arena_array(p->rules->arena, n, sizeof(*s));
	if (!s)
		return -ENOMEM;
	ret->n = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct sigma_node *from = node->kind == SIGMA_LIST ? node->item[i] : node;
		if (from->kind != SIGMA_SCALAR) {
			sigma_parser_error(p, from->pos, "%s must be a list of texts", what);
			return -EINVAL;
		}
		if (from->scalar.type == SIGMA_null)
			continue;
		s[ret->n] = sigma_parser_copy(p, &from->scalar);
		if (!s[ret->n++])
			return -ENOMEM;
	}
	ret->s = s;
	return 0;
}

static int texts_of(struct sigma_parser *p, const struct sigma_node *map, const char *key,
		    struct sigma_strings *ret)
{
	const struct sigma_node *node = sigma_node_get(map, key);
	return node ? sigma_parser_texts(p, node, key, ret) : 0;
}

static const char *join_texts(struct sigma_parser *p, const struct sigma_strings *texts)
{
	size_t len = 0;
	char *joined, *to;

	for (unsigned i = 0; i < texts->n; i++)
		len += strlen(texts->s[i]) + 2;
	joined = to = arena_alloc(p->rules->arena, len + 1);
	for (unsigned i = 0; joined && i < texts->n; i++)
		to += sprintf(to, "%s%s", i ? ", " : "", texts->s[i]);
	return joined;
}

int sigma_parser_text(struct sigma_parser *p, const struct sigma_node *map, const char *key,
		      const char **ret)
{
	const struct sigma_node *node = sigma_node_get(map, key);
	struct sigma_strings all;

	if (!node || (node->kind == SIGMA_SCALAR && node->scalar.type == SIGMA_null))
		return 0;
	if (node->kind == SIGMA_MAP) {
		sigma_parser_error(p, node->pos, "%s must be a text, not a map", key);
		return -EINVAL;
	}
	int rc = sigma_parser_texts(p, node, key, &all);
	if (rc || !all.n)
		return rc;
	const char *text = all.n == 1 ? all.s[0] : join_texts(p, &all);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

void sigma_parser_unknown(struct sigma_parser *p, const struct sigma_node *map,
			  const char *const *known, unsigned n, bool own)
{
	for (unsigned i = 0; i < map->n; i++) {
		const struct sigma_node *key = map->pair[i].key;
		const char *meant = NULL;
		unsigned k = 0;
		while (k < n && strcmp(key->scalar.text, known[k]))
			k++;
		if (k == n)
			meant = sigma_nearest(key->scalar.text, known, n);
		/* A custom attribute beside the one that it looks like is meant as it is. */
		if (k < n || (own && (!meant || sigma_node_get(map, meant))))
			continue;
		sigma_parser_warn(p, key->pos, "unknown key '%s'%s%s%s", key->scalar.text,
				  meant ? ": did you mean '" : "", meant ? meant : "",
				  meant ? "'?" : "");
	}
}

/* --- attributes one by one --- */

static struct sigma_pos pos_of(const struct sigma_node *doc, const char *key)
{
	const struct sigma_node *node = sigma_node_get(doc, key);
	return node ? node->pos : doc->pos;
}

static bool is_uuid(const char *s)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i = 0;

	for (; shape[i]; i++)
		if (shape[i] == 'x' ? !isxdigit((unsigned char)s[i]) : s[i] != '-')
			return false;
	return !s[i];
}

static int parse_title(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r)
{
	int rc = sigma_parser_text(p, doc, "title", &r->title);

	if (!rc)
		rc = sigma_parser_text(p, doc, "name", &r->name);
	if (rc)
		return rc;
	if (r->name && !*r->name) {
		sigma_parser_error(p, pos_of(doc, "name"), "an empty name");
		return -EINVAL;
	}
	if (!r->title && r->name) {
		sigma_parser_warn(p, doc->pos, "the title is missing: '%s', its name, is taken",
				  r->name);
		r->title = r->name;
	}
	if (!r->title || !*r->title) {
		sigma_parser_error(p, pos_of(doc, "title"), "the title is missing");
		return -EINVAL;
	}
	if (strlen(r->title) > TITLE_MAX)
		sigma_parser_warn(p, pos_of(doc, "title"), "a title of more than %d characters",
				  TITLE_MAX);
	return 0;
}

static int parse_id(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r)
{
	int rc = sigma_parser_text(p, doc, "id", &r->id);

	if (rc)
		return rc;
	if (!r->id || !*r->id) {
		r->id = sigma_derived_id(p->rules->arena, r->name ? r->name : r->title, 0);
		r->id_derived = true;
		return r->id ? 0 : -ENOMEM;
	}
	/* What a collection's global part, or the rule that is repeated, gives is not its own. */
	r->id_derived = pos_of(doc, "id").line < doc->pos.line;
	if (!is_uuid(r->id))
		sigma_parser_warn(p, pos_of(doc, "id"), "the id '%s' is no UUID", r->id);
	return 0;
}

static int parse_level(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r)
{
	static const char *const names[] = { "informational", "low", "medium", "high", "critical" };
	const char *text = NULL;
	int rc = sigma_parser_text(p, doc, "level", &text);

	if (rc || !text)
		return rc;
	int level = sigma_level_by_name(text);
	if (level < 0) {
		const char *meant = sigma_nearest(text, names, COUNT(names));
		sigma_parser_error(p, pos_of(doc, "level"),
				   "unknown level '%s': %s%s%s, of informational, low, medium, "
				   "high, critical",
				   text, meant ? "did you mean '" : "it must be one",
				   meant ? meant : "", meant ? "'" : "");
		return -EINVAL;
	}
	r->level = (enum sigma_level)level;
	return 0;
}

static int parse_status(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r)
{
	static const char *const names[] = { "stable", "test", "experimental", "deprecated",
					     "unsupported" };
	int rc = sigma_parser_text(p, doc, "status", &r->status);

	if (rc || !r->status)
		return rc;
	for (unsigned i = 0; i < COUNT(names); i++)
		if (!strcasecmp(names[i], r->status))
			return 0;
	sigma_parser_warn(p, pos_of(doc, "status"),
			  "unknown status '%s': stable, test, experimental, deprecated and "
			  "unsupported are known",
			  r->status);
	return 0;
}

/* YYYY-MM-DD, or with slashes as rules before 2.0 have it. */
static int parse_date(struct sigma_parser *p, const struct sigma_node *doc, const char *key,
		      const char **ret)
{
	unsigned year, month, day;
	char between[2];
	int n = 0, rc = sigma_parser_text(p, doc, key, ret);

	if (rc || !*ret)
		return rc;
	if (sscanf(*ret, "%4u%1[-/]%2u%*1[-/]%2u%n", &year, between, &month, &day, &n) != 4 ||
	    (*ret)[n] || year < 1000 || !month || month > 12 || !day || day > 31)
		sigma_parser_warn(p, pos_of(doc, key), "%s '%s' is no date of the form YYYY-MM-DD",
				  key, *ret);
	return 0;
}

/*
 * The last day of a filter, an attribute of our own. That a mistake in it is an error is the point
 * of it: the exception would last for ever, or not at all.
 */
int sigma_parse_expires(struct sigma_parser *p, const struct sigma_node *doc, uint64_t *ret)
{
	const char *text = NULL, *end;
	struct tm day = { 0 };
	int rc = sigma_parser_text(p, doc, "expires", &text);

	if (rc || !text)
		return rc;
	end = strptime(text, "%Y-%m-%d", &day);
	day.tm_mday++;
	time_t t = timegm(&day);
	if (!end || *end || strlen(text) != 10 || t <= 0) {
		sigma_parser_error(p, pos_of(doc, "expires"),
				   "expires '%s' is no date of the form YYYY-MM-DD", text);
		return -EINVAL;
	}
	*ret = (uint64_t)t * NSEC_PER_SEC;
	return 0;
}

static int parse_tags(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
	int rc = texts_of(p, doc, "tags", &r->tags);

	for (unsigned i = 0; !rc && i < r->tags.n; i++) {
		const char *dot = strchr(r->tags.s[i], '.');
		if (!dot || dot == r->tags.s[i] || !dot[1] ||
		    r->tags.s[i][strspn(r->tags.s[i], set)])
			sigma_parser_warn(p, pos_of(doc, "tags"),
					  "the tag '%s' is not of the form namespace.name",
					  r->tags.s[i]);
	}
	return rc;
}

/* spec: related. Of the types, that one means something here: what is obsolete does not alert. */
static int parse_related(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r)
{
	static const char *const types[] = { "obsolete", "obsoletes", "derived",    "merged",
					     "renamed",	 "similar",   "correlation" };
	const struct sigma_node *list = sigma_node_get(doc, "related");
	unsigned n = list && list->kind == SIGMA_LIST ? list->n : 0;

	r->obsoletes.s = arena_array(p->rules->arena, n, sizeof(*r->obsoletes.s));
	if (!r->obsoletes.s)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		const struct sigma_node *type = sigma_node_get(list->item[i], "type");
		const char *id = NULL;
		unsigned k = 0;
		int rc = sigma_parser_text(p, list->item[i], "id", &id);
		if (rc)
			return rc;
		if (!id || !type || type->kind != SIGMA_SCALAR) {
			sigma_parser_warn(p, list->item[i]->pos, "related wants an id and a type");
			continue;
		}
		while (k < COUNT(types) && strcmp(types[k], type->scalar.text))
			k++;
		if (k == COUNT(types))
			sigma_parser_warn(p, type->pos, "unknown type of relation '%s'",
					  type->scalar.text);
		else if (k < 2)
			r->obsoletes.s[r->obsoletes.n++] = id;
	}
	return 0;
}

static int check_taxonomy(struct sigma_parser *p, const struct sigma_node *doc)
{
	const char *text = NULL;
	int rc = sigma_parser_text(p, doc, "taxonomy", &text);

	if (!rc && text && strcmp(text, "sigma"))
		sigma_parser_warn(p, pos_of(doc, "taxonomy"),
				  "the taxonomy '%s' is not known: names of fields are taken as "
				  "they are",
				  text);
	return rc;
}

int sigma_parse_common(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r)
{
	static const char *const known[] = {
		"title",      "id",	   "name",     "related",  "status",	     "description",
		"references", "author",	   "date",     "modified", "tags",	     "scope",
		"logsource",  "detection", "fields",   "level",	   "falsepositives", "license",
		"taxonomy",   "filter",	   "generate", "action",   "correlation",    "expires",
	};
	const char *modified = NULL;
	int rc;

	sigma_parser_unknown(p, doc, known, COUNT(known), true);
	if ((rc = parse_related(p, doc, r)) || (rc = parse_title(p, doc, r)) ||
	    (rc = parse_id(p, doc, r)) || (rc = parse_level(p, doc, r)) ||
	    (rc = parse_status(p, doc, r)) || (rc = parse_tags(p, doc, r)) ||
	    (rc = check_taxonomy(p, doc)) || (rc = parse_date(p, doc, "date", &r->date)) ||
	    (rc = parse_date(p, doc, "modified", &modified)) ||
	    (rc = sigma_parser_text(p, doc, "description", &r->description)) ||
	    (rc = sigma_parser_text(p, doc, "author", &r->author)) ||
	    (rc = sigma_parser_text(p, doc, "license", &r->license)) ||
	    (rc = texts_of(p, doc, "references", &r->references)) ||
	    (rc = texts_of(p, doc, "falsepositives", &r->falsepositives)) ||
	    (rc = texts_of(p, doc, "fields", &r->fields)))
		return rc;
	return 0;
}

int sigma_parse_logsource(struct sigma_parser *p, const struct sigma_node *doc,
			  struct sigma_logsource *ret)
{
	static const char *const known[] = { "category", "product", "service", "definition" };
	const struct sigma_node *map = sigma_node_get(doc, "logsource");
	int rc;

	if (!map || map->kind != SIGMA_MAP) {
		sigma_parser_error(p, map ? map->pos : doc->pos,
				   "%s: a map with category, product or service is expected",
				   map ? "a logsource that is no map" : "the logsource is missing");
		return -EINVAL;
	}
	sigma_parser_unknown(p, map, known, COUNT(known), true);
	if ((rc = sigma_parser_text(p, map, "category", &ret->category)) ||
	    (rc = sigma_parser_text(p, map, "product", &ret->product)) ||
	    (rc = sigma_parser_text(p, map, "service", &ret->service)))
		return rc;
	if (!ret->category && !ret->product && !ret->service) {
		sigma_parser_error(p, map->pos,
				   "an empty logsource: category, product or service is expected");
		return -EINVAL;
	}
	return 0;
}
