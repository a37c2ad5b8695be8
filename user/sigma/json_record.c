/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON to records. */
#include "sigma/json_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigma/event_time.h"

struct sigma_json {
	struct jn jn;
	/* As many as there are nodes: */
	size_t cap;
	int *field; /* of each node: its number in the view; -1: none */
	struct sigma_scalar *v, *all; /* the record's values by field, and all of them */
	/* As many as the view has fields: */
	size_t fields_cap;
	struct sigma_values *values;
	char logsource[256]; /* _logsource as a string, taken to pieces */
};

/* The name of the field that a node stands for, put together on the way down to it. */
struct path {
	char name[SIGMA_JSON_NAME_MAX + 1];
	struct {
		size_t len; /* of the name; more than SIGMA_JSON_NAME_MAX: too long to be one */
		int field;
	} level[JN_DEPTH_MAX + 1];
};

struct sigma_json *sigma_json_new(void)
{
	return calloc(1, sizeof(struct sigma_json));
}

void sigma_json_free(struct sigma_json *j)
{
	if (!j)
		return;
	jn_free(&j->jn);
	free(j->field);
	free(j->v);
	free(j->all);
	free(j->values);
	free(j);
}

int sigma_json_read(struct sigma_json *j, const char *line, size_t len, struct err *e)
{
	int rc = jn_parse(&j->jn, line, len, e);

	if (!rc && j->jn.node[0].kind != JN_object)
		rc = err_set(e, -EBADMSG, "not a JSON object");
	if (rc)
		j->jn.n = 0;
	return rc;
}

const struct jn_node *sigma_json_get(const struct sigma_json *j, const char *name,
				     const struct jn_node **ret_end)
{
	const struct jn_node *end = j->jn.node + j->jn.n, *found = NULL;

	for (const struct jn_node *n = j->jn.node; n < end; n++)
		if (n->depth == 1 && n->key[0] == '_' && !strcmp(n->key, name))
			found = n;
	if (found && ret_end) {
		const struct jn_node *last = found + 1;
		while (last < end && last->depth > 1)
			last++;
		*ret_end = last;
	}
	return found;
}

/* product/category/service; a part may be empty or missing. */
static int split_logsource(struct sigma_json *j, const struct sigma_scalar *s,
			   struct sigma_logsource *ret)
{
	char *part[3] = { NULL, NULL, NULL }, *p = j->logsource;
	size_t n = 0;

	if (s->len >= sizeof(j->logsource) || memchr(s->text, '\0', s->len))
		return -EBADMSG;
	memcpy(p, s->text, s->len);
	p[s->len] = '\0';
	while (p) {
		if (n == 3)
			return -EBADMSG;
		part[n++] = strsep(&p, "/");
	}
	/* Categories and services have no name in common: either may stand in the second place. */
	ret->product = part[0] && *part[0] ? part[0] : NULL;
	ret->category = part[1] && *part[1] ? part[1] : NULL;
	ret->service = n < 3 ? ret->category : part[2] && *part[2] ? part[2] : NULL;
	return 0;
}

static int object_logsource(const struct jn_node *n, const struct jn_node *end,
			    struct sigma_logsource *ret)
{
	for (n++; n < end; n++) {
		const char **to = NULL;
		if (n->depth != 2)
			continue;
		if (!strcmp(n->key, "product"))
			to = &ret->product;
		else if (!strcmp(n->key, "category"))
			to = &ret->category;
		else if (!strcmp(n->key, "service"))
			to = &ret->service;
		if (!to)
			continue; /* definition, as rules have it */
		if (n->kind != JN_scalar ||
		    (n->scalar.type != SIGMA_str && n->scalar.type != SIGMA_null))
			return -EBADMSG;
		*to = n->scalar.len ? n->scalar.text : NULL;
	}
	return 0;
}

int sigma_json_logsource(struct sigma_json *j, struct sigma_logsource *ret, struct err *e)
{
	struct sigma_logsource ls = { 0 };
	const struct jn_node *end, *n = sigma_json_get(j, "_logsource", &end);
	int rc = -EBADMSG;

	if (!n || (n->kind == JN_scalar && n->scalar.type == SIGMA_null))
		return 0;
	if (n->kind == JN_object)
		rc = object_logsource(n, end, &ls);
	else if (n->kind == JN_scalar && n->scalar.type == SIGMA_str)
		rc = split_logsource(j, &n->scalar, &ls);
	if (rc)
		return err_set(e, rc,
			       "_logsource: an object with product, category, service is "
			       "expected, or \"product/category\"");
	if (!ls.product)
		ls.product = "linux";
	*ret = ls;
	return 1;
}

int sigma_json_time(const struct sigma_json *j, uint64_t *ret, struct err *e)
{
	const struct jn_node *n = sigma_json_get(j, "_time", NULL);

	*ret = 0;
	if (!n || (n->kind == JN_scalar && n->scalar.type == SIGMA_null))
		return 0;
	if (n->kind != JN_scalar || !event_time_parse(&n->scalar, ret))
		return err_set(e, -EBADMSG,
			       "_time: a time such as 2026-08-01T18:14:03Z or a Unix time is "
			       "expected");
	return 0;
}

static int grow(struct sigma_json *j, size_t nodes, size_t fields)
{
	if (j->cap < nodes) {
		size_t cap = nodes + nodes / 2;
		free(j->field);
		free(j->v);
		free(j->all);
		j->cap = 0;
		j->field = calloc(cap, sizeof(*j->field));
		j->v = calloc(cap, sizeof(*j->v));
		j->all = calloc(cap, sizeof(*j->all));
		if (!j->field || !j->v || !j->all)
			return -ENOMEM;
		j->cap = cap;
	}
	if (j->fields_cap < fields || !j->values) {
		free(j->values);
		j->fields_cap = 0;
		j->values = calloc(fields + 1, sizeof(*j->values));
		if (!j->values)
			return -ENOMEM;
		j->fields_cap = fields;
	}
	return 0;
}

/* Goes on to a node that is not the outermost; its field, -1 if the view has none of its name. */
static int path_enter(struct path *p, const struct jn_node *n, const struct sigma_view *v)
{
	size_t len = p->level[n->depth - 1].len;
	int field = p->level[n->depth - 1].field;

	if (n->key) {
		field = -1;
		size_t dot = n->depth > 1;
		if (len + dot + n->keylen > SIGMA_JSON_NAME_MAX ||
		    memchr(n->key, '\0', n->keylen)) {
			len = SIGMA_JSON_NAME_MAX + 1;
		} else {
			if (dot)
				p->name[len++] = '.';
			memcpy(p->name + len, n->key, n->keylen + 1);
			len += n->keylen;
			field = sigma_view_find(v, p->name);
		}
	}
	p->level[n->depth].len = len;
	p->level[n->depth].field = field;
	return field;
}

/* Counts each field's values; the number of those for keywords. */
static unsigned count_values(struct sigma_json *j, const struct sigma_view *v)
{
	struct path path;
	bool meta = false;
	unsigned nall = 0;

	path.level[0].len = 0;
	path.level[0].field = -1;
	for (size_t i = 1; i < j->jn.n; i++) {
		const struct jn_node *n = &j->jn.node[i];
		if (n->depth == 1)
			meta = n->key[0] == '_';
		j->field[i] = meta ? -1 : path_enter(&path, n, v);
		if (j->field[i] >= 0) {
			j->values[j->field[i]].present |= n->kind != JN_object;
			j->values[j->field[i]].n += n->kind == JN_scalar;
		}
		if (!meta && n->kind == JN_scalar && n->scalar.type != SIGMA_null)
			j->all[nall++] = n->scalar;
	}
	return nall;
}

int sigma_json_record(struct sigma_json *j, const struct sigma_view *v, uint64_t time,
		      struct sigma_record *ret)
{
	unsigned nfields = sigma_view_nfields(v);

	if (grow(j, j->jn.n, nfields))
		return -ENOMEM;
	memset(j->values, 0, nfields * sizeof(*j->values));
	unsigned nall = count_values(j, v);

	/* Each field gets a stretch of v as long as it has values, and fills it. */
	struct sigma_scalar *to = j->v;
	for (unsigned f = 0; f < nfields; f++) {
		j->values[f].v = to;
		to += j->values[f].n;
		j->values[f].n = 0;
	}
	for (size_t i = 1; i < j->jn.n; i++) {
		if (j->field[i] < 0 || j->jn.node[i].kind != JN_scalar)
			continue;
		struct sigma_values *values = &j->values[j->field[i]];
		j->v[values->v - j->v + values->n++] = j->jn.node[i].scalar;
	}
	*ret = (struct sigma_record){
		.time = time,
		.field = j->values,
		.all = { .present = nall > 0, .n = nall, .v = j->all },
	};
	return 0;
}
