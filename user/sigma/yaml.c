/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events made into trees. Each part of the text from one "---" to the next is read by
 * itself, so that what is wrong with one document does not take those behind it along: such a line
 * begins a document wherever it stands (YAML 1.2.2, section 9.1.2).
 */
#include "sigma/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/utf8.h"
#include "sigma/parser.h"

#define ANCHORS_MAX 1000

struct anchor {
	const char *name;
	const struct sigma_node *node; /* NULL while it is being read */
};

struct reader {
	struct sigma_parser *p;
	struct sigma_pos pos; /* of the part */
	yaml_parser_t yaml;
	unsigned nanchors;
	struct anchor *anchor;
};

static struct sigma_pos at(const struct reader *r, const yaml_mark_t *m)
{
	return (struct sigma_pos){ r->pos.file, r->pos.line + (unsigned)m->line,
				   (unsigned)m->column + (m->line ? 1 : r->pos.col) };
}

static int next_event(struct reader *r, yaml_event_t *ev)
{
	if (yaml_parser_parse(&r->yaml, ev))
		return 0;
	if (r->yaml.error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	sigma_parser_error(r->p, at(r, &r->yaml.problem_mark), "not YAML: %s%s%s",
			   r->yaml.problem ? r->yaml.problem : "can't be read",
			   r->yaml.context ? " " : "", r->yaml.context ? r->yaml.context : "");
	return -EINVAL;
}

const struct sigma_node *sigma_node_get(const struct sigma_node *map, const char *key)
{
	if (!map || map->kind != SIGMA_MAP)
		return NULL;
	for (unsigned i = 0; i < map->n; i++)
		if (!strcmp(map->pair[i].key->scalar.text, key))
			return map->pair[i].value;
	return NULL;
}

/* --- anchors --- */

static struct anchor *find_anchor(struct reader *r, const char *name)
{
	for (unsigned i = r->nanchors; i--;)
		if (!strcmp(r->anchor[i].name, name))
			return &r->anchor[i];
	return NULL;
}

/* *ret: where to put the node when it is complete; NULL for none. */
static int add_anchor(struct reader *r, const char *name, struct sigma_pos pos, unsigned *ret)
{
	*ret = ANCHORS_MAX;
	if (!name)
		return 0;
	if (!r->anchor)
		r->anchor = arena_array(r->p->nodes, ANCHORS_MAX, sizeof(*r->anchor));
	if (!r->anchor)
		return -ENOMEM;
	if (r->nanchors == ANCHORS_MAX) {
		sigma_parser_error(r->p, pos, "more than %d anchors", ANCHORS_MAX);
		return -EINVAL;
	}
	struct anchor *a = &r->anchor[r->nanchors];
	a->name = arena_str(r->p->nodes, name);
	if (!a->name)
		return -ENOMEM;
	*ret = r->nanchors++;
	return 0;
}

/* --- scalars --- */

/* Tags that do not change what the core schema makes of a value; !!str, which does. */
static int check_tag(struct reader *r, const char *tag, struct sigma_pos pos, bool *ret_str)
{
	static const char core[] = "tag:yaml.org,2002:";
	static const char *const known[] = { "null", "bool",	  "int", "float",
					     "map",  "timestamp", "seq", "merge" };

	*ret_str = false;
	if (!tag)
		return 0;
	if (!strcmp(tag, "!")) {
		*ret_str = true;
		return 0;
	}
	if (!strncmp(tag, core, sizeof(core) - 1)) {
		const char *name = tag + sizeof(core) - 1;
		*ret_str = !strcmp(name, "str");
		if (*ret_str)
			return 0;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (!strcmp(name, known[i]))
				return 0;
	}
	sigma_parser_error(r->p, pos, "the YAML tag %s is not supported", tag);
	return -EINVAL;
}

static unsigned text_col(const yaml_event_t *ev, struct sigma_pos pos)
{
	size_t len = ev->data.scalar.length;
	size_t width = ev->end_mark.column - ev->start_mark.column;

	if (ev->start_mark.line != ev->end_mark.line)
		return 0;
	if (ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return width == len ? pos.col : 0;
	return width == len + 2 ? pos.col + 1 : 0;
}

static int read_scalar(struct reader *r, const yaml_event_t *ev, struct sigma_node *node)
{
	const char *text = (const char *)ev->data.scalar.value;
	bool str;

	int rc = check_tag(r, (const char *)ev->data.scalar.tag, node->pos, &str);
	if (rc)
		return rc;
	node->scalar.len = ev->data.scalar.length;
	node->scalar.text = arena_copy(r->p->nodes, text, node->scalar.len);
	if (!node->scalar.text)
		return -ENOMEM;
	node->scalar.type = SIGMA_str;
	node->text_col = text_col(ev, node->pos);
	if (str || ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return 0;
	node->merge = !strcmp(node->scalar.text, "<<");
	sigma_scalar_type(&node->scalar);
	return 0;
}

/* --- lists and maps --- */

struct children {
	const struct sigma_node **node;
	unsigned n, cap;
};

static int add_child(struct reader *r, struct children *c, struct sigma_node *of,
		     const struct sigma_node *node)
{
	if (c->n == c->cap) {
		unsigned cap = c->cap ? c->cap * 2 : 8;
		const struct sigma_node **grown =
			arena_array(r->p->nodes, cap, sizeof(const struct sigma_node *));
		if (!grown)
			return -ENOMEM;
		if (c->n)
			memcpy(grown, c->node, c->n * sizeof(c->node[0]));
		c->node = grown;
		c->cap = cap;
	}
	c->node[c->n++] = node;
	of->size += node->size;
	if (node->depth >= of->depth)
		of->depth = node->depth + 1;
	if (of->size > SIGMA_YAML_NODES_MAX) {
		sigma_parser_error(r->p, node->pos, "more than %d values in one document",
				   SIGMA_YAML_NODES_MAX);
		return -EINVAL;
	}
	if (of->depth > SIGMA_YAML_DEPTH_MAX) {
		sigma_parser_error(r->p, node->pos, "nested deeper than %d levels",
				   SIGMA_YAML_DEPTH_MAX);
		return -EINVAL;
	}
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct sigma_node *x = (*(const struct sigma_pair *const *)a)->key;
	const struct sigma_node *y = (*(const struct sigma_pair *const *)b)->key;
	int order = strcmp(x->scalar.text, y->scalar.text);

	if (order)
		return order;
	return *(const struct sigma_pair *const *)a < *(const struct sigma_pair *const *)b ? -1 : 1;
}

static int check_keys(struct reader *r, const struct sigma_node *map)
{
	const struct sigma_pair **sorted =
		arena_array(r->p->nodes, map->n, sizeof(const struct sigma_pair *));
	int rc = 0;

	if (!sorted)
		return -ENOMEM;
	for (unsigned i = 0; i < map->n; i++)
		sorted[i] = &map->pair[i];
	qsort(sorted, map->n, sizeof(sorted[0]), by_key);
	for (unsigned i = 1; i < map->n; i++) {
		const struct sigma_node *first = sorted[i - 1]->key, *key = sorted[i]->key;
		if (strcmp(first->scalar.text, key->scalar.text))
			continue;
		sigma_parser_error(r->p, key->pos,
				   "the key '%s' stands already in line %u, column %u",
				   key->scalar.text, first->pos.line, first->pos.col);
		rc = -EINVAL;
	}
	return rc;
}

/* The pairs of a map that is merged (https://yaml.org/type/merge.html) which are not there yet. */
static int merge_map(struct reader *r, struct sigma_node *map, const struct sigma_node *from)
{
	if (from->kind == SIGMA_LIST) {
		for (unsigned i = 0; i < from->n; i++) {
			int rc = merge_map(r, map, from->item[i]);
			if (rc)
				return rc;
		}
		return 0;
	}
	if (from->kind != SIGMA_MAP) {
		sigma_parser_error(r->p, from->pos, "only maps can be merged by <<");
		return -EINVAL;
	}
	struct sigma_pair *all = arena_array(r->p->nodes, map->n + from->n, sizeof(*all));
	if (!all)
		return -ENOMEM;
	if (map->n)
		memcpy(all, map->pair, map->n * sizeof(*all));
	int rc = sigma_parser_work(r->p, from->pos, (size_t)map->n * from->n);
	if (rc)
		return rc;
	unsigned n = map->n;
	for (unsigned i = 0; i < from->n; i++)
		if (!sigma_node_get(map, from->pair[i].key->scalar.text))
			all[n++] = from->pair[i];
	map->pair = all;
	map->n = n;
	return 0;
}

static int make_map(struct reader *r, struct sigma_node *map, const struct children *c)
{
	unsigned nmerge = 0;

	map->pair = arena_array(r->p->nodes, c->n / 2, sizeof(*map->pair));
	if (!map->pair)
		return -ENOMEM;
	for (unsigned i = 0; i < c->n; i += 2) {
		const struct sigma_node *key = c->node[i];
		if (key->kind != SIGMA_SCALAR) {
			sigma_parser_error(r->p, key->pos, "a key must be a text");
			return -EINVAL;
		}
		if (strlen(key->scalar.text) != key->scalar.len) {
			sigma_parser_error(r->p, key->pos, "a key with a NUL byte in it");
			return -EINVAL;
		}
		if (key->merge)
			nmerge++;
		else
			map->pair[map->n++] =
				(struct sigma_pair){ .key = key, .value = c->node[i + 1] };
	}
	int rc = check_keys(r, map);
	for (unsigned i = 0; !rc && nmerge && i < c->n; i += 2)
		if (c->node[i]->merge)
			rc = merge_map(r, map, c->node[i + 1]);
	return rc;
}

static int read_node(struct reader *r, const yaml_event_t *ev, unsigned level,
		     const struct sigma_node **ret);

static int read_children(struct reader *r, struct sigma_node *node, yaml_event_type_t end,
			 unsigned level)
{
	struct children c = { 0 };
	yaml_event_t ev;
	int rc;

	if (level > SIGMA_YAML_DEPTH_MAX) {
		sigma_parser_error(r->p, node->pos, "nested deeper than %d levels",
				   SIGMA_YAML_DEPTH_MAX);
		return -EINVAL;
	}
	while (!(rc = next_event(r, &ev))) {
		const struct sigma_node *child;
		bool done = ev.type == end;
		if (!done)
			rc = read_node(r, &ev, level + 1, &child);
		yaml_event_delete(&ev);
		if (done)
			break;
		if (!rc)
			rc = add_child(r, &c, node, child);
		if (rc)
			return rc;
	}
	if (rc)
		return rc;
	if (end == YAML_MAPPING_END_EVENT)
		return make_map(r, node, &c);
	node->item = c.node;
	node->n = c.n;
	return 0;
}

static int read_alias(struct reader *r, const yaml_event_t *ev, const struct sigma_node **ret)
{
	const char *name = (const char *)ev->data.alias.anchor;
	const struct anchor *a = find_anchor(r, name);

	if (a && a->node) {
		*ret = a->node;
		return 0;
	}
	sigma_parser_error(r->p, at(r, &ev->start_mark),
			   a ? "the alias *%s contains itself" : "no anchor &%s before this alias",
			   name);
	return -EINVAL;
}

static int read_node(struct reader *r, const yaml_event_t *ev, unsigned level,
		     const struct sigma_node **ret)
{
	struct sigma_node *node;
	unsigned anchor;
	bool str;
	int rc;

	if (ev->type == YAML_ALIAS_EVENT)
		return read_alias(r, ev, ret);
	node = arena_alloc(r->p->nodes, sizeof(*node));
	if (!node)
		return -ENOMEM;
	node->pos = at(r, &ev->start_mark);
	node->size = node->depth = 1;
	if (ev->type == YAML_SCALAR_EVENT) {
		rc = add_anchor(r, (const char *)ev->data.scalar.anchor, node->pos, &anchor);
		if (!rc)
			rc = read_scalar(r, ev, node);
	} else if (ev->type == YAML_SEQUENCE_START_EVENT) {
		node->kind = SIGMA_LIST;
		rc = add_anchor(r, (const char *)ev->data.sequence_start.anchor, node->pos,
				&anchor);
		if (!rc)
			rc = check_tag(r, (const char *)ev->data.sequence_start.tag, node->pos,
				       &str);
		if (!rc)
			rc = read_children(r, node, YAML_SEQUENCE_END_EVENT, level);
	} else {
		node->kind = SIGMA_MAP;
		rc = add_anchor(r, (const char *)ev->data.mapping_start.anchor, node->pos, &anchor);
		if (!rc)
			rc = check_tag(r, (const char *)ev->data.mapping_start.tag, node->pos,
				       &str);
		if (!rc)
			rc = read_children(r, node, YAML_MAPPING_END_EVENT, level);
	}
	if (rc)
		return rc;
	if (anchor < ANCHORS_MAX)
		r->anchor[anchor].node = node;
	*ret = node;
	return 0;
}

/* --- documents --- */

static int read_part(struct sigma_parser *p, struct sigma_pos pos, const char *text, size_t len,
		     sigma_document_fn *fn)
{
	struct reader r = { .p = p, .pos = pos };
	yaml_event_t ev;
	int rc;

	if (!yaml_parser_initialize(&r.yaml))
		return -ENOMEM;
	yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text, len);
	while (!(rc = next_event(&r, &ev))) {
		const struct sigma_node *doc = NULL;
		yaml_event_type_t type = ev.type;
		if (type == YAML_DOCUMENT_START_EVENT)
			r.nanchors = 0;
		else if (type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
			 type != YAML_DOCUMENT_END_EVENT)
			rc = read_node(&r, &ev, 1, &doc);
		yaml_event_delete(&ev);
		if (!rc && doc && !(doc->kind == SIGMA_SCALAR && doc->scalar.type == SIGMA_null))
			rc = fn(p, doc);
		if (rc || type == YAML_STREAM_END_EVENT)
			break;
	}
	yaml_parser_delete(&r.yaml);
	return rc == -EINVAL ? 0 : rc;
}

static bool is_marker(const char *p, const char *end)
{
	return end - p >= 3 && !memcmp(p, "---", 3) &&
	       (end - p == 3 || p[3] == ' ' || p[3] == '\t' || p[3] == '\n' || p[3] == '\r');
}

static const char *next_line(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));
	return nl ? nl + 1 : end;
}

/*
 * Control characters and broken UTF-8 stand in no YAML (section 5.1). Said here, as libyaml does
 * not tell the line.
 */
static int check_text(struct sigma_parser *p, struct sigma_pos pos, const char *text, size_t len)
{
	const unsigned char *u = (const unsigned char *)text;

	for (size_t i = 0, k; i < len; i += k) {
		k = utf8_seq(u + i, len - i);
		bool control = (u[i] < 0x20 && !strchr("\t\n\r", u[i])) || u[i] == 0x7F ||
			       (k == 2 && u[i] == 0xC2 && u[i + 1] < 0xA0 && u[i + 1] != 0x85) ||
			       (k == 3 && u[i] == 0xEF && u[i + 1] == 0xBF && u[i + 2] > 0xBD);
		if (!k || !u[i] || control) {
			sigma_parser_error(p, pos, "not text in UTF-8: byte 0x%02x", u[i]);
			return -EINVAL;
		}
		if (u[i] == '\n') {
			pos.line++;
			pos.col = 0;
		}
		pos.col++;
	}
	return 0;
}

int sigma_yaml_read(struct sigma_parser *p, struct sigma_pos pos, const char *text, size_t len,
		    sigma_document_fn *fn)
{
	const char *end = text + len, *part;
	struct sigma_pos part_pos = pos;
	bool directives = false;

	if (check_text(p, pos, text, len))
		return 0;
	/* libyaml would count a byte order mark as a column of the first line. */
	if (len >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3))
		text += 3;
	part = text;
	for (const char *line = text; line < end; line = next_line(line, end), pos.line++) {
		bool marker = is_marker(line, end);
		if (line != text)
			pos.col = 1;
		if ((marker && !directives) || (*line == '%' && !directives)) {
			int rc = read_part(p, part_pos, part, (size_t)(line - part), fn);
			if (rc)
				return rc;
			part = line;
			part_pos = pos;
		}
		if (*line == '%')
			directives = true;
		else if (marker)
			directives = false;
	}
	return read_part(p, part_pos, part, (size_t)(end - part), fn);
}
