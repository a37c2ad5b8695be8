/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events and alerts as JSON. What a line of some event type can hold is put in order once: all the
 * fields such events can have, and the parts that no field has (json_parts.c), by path, so that a
 * nested object is opened when its first present member comes and closed after its last.
 */
#include "encode/json.h"

#include <stdlib.h>
#include <string.h>

#include "encode/json_parts.h"

#define ITEMS_MAX (ANY_FIELDS_MAX + JSON_PARTS_MAX)

/* A possible member of a line. */
struct item {
	const char *name;
	struct any_field field;
	const struct json_part *part; /* NULL: it is the field; where the part is absent, too */
	uint8_t depth; /* objects around it */
	uint8_t node[JSON_DEPTH_MAX]; /* the object at each depth, as a number */
	uint8_t at[JSON_DEPTH_MAX + 1]; /* where each component of the name begins */
};

struct plan {
	unsigned n;
	struct item items[ITEMS_MAX];
};

/* What tells about all the other fields comes last, and with it the object it stands in. */
static int rank(const char *name)
{
	if (strncmp(name, "redshank.", 9) != 0)
		return 0;
	return !strcmp(name, "redshank.raw") || !strcmp(name, "redshank.truncated") ? 2 : 1;
}

static int by_place(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int rx = rank(x->name), ry = rank(y->name);

	return rx != ry ? rx - ry : field_name_cmp(x->name, y->name);
}

/* Finds the components of the name, and gives each object a number of its own. */
static void locate(struct item *it, const struct item *before, uint8_t *nodes)
{
	for (const char *dot = strchr(it->name, '.'); dot && it->depth < JSON_DEPTH_MAX;
	     dot = strchr(dot + 1, '.')) {
		size_t end = (size_t)(dot - it->name) + 1;
		unsigned i = it->depth++;
		bool same = before && i < before->depth && before->at[i + 1] == end &&
			    !memcmp(before->name, it->name, end);
		it->node[i] = same ? before->node[i] : (*nodes)++;
		it->at[i + 1] = (uint8_t)end;
	}
}

static const struct plan *plan_of(const struct ev_desc *d)
{
	/* Of types that never come, the pages are never touched. */
	static struct plan plans[EV_TYPE_MAX];
	struct plan *p = &plans[d->id];
	struct any_field fields[ANY_FIELDS_MAX];
	uint8_t nodes = 0;

	if (p->n)
		return p;
	for (unsigned i = 0; i < json_nparts; i++)
		p->items[p->n++] =
			(struct item){ .name = json_parts[i].name, .part = &json_parts[i] };
	unsigned n = any_fields(d, fields);
	for (unsigned i = 0; i < n; i++) {
		const char *name = any_field_name(&fields[i]);
		struct item *part = NULL;
		for (unsigned k = 0; k < json_nparts; k++)
			part = strcmp(p->items[k].name, name) ? part : &p->items[k];
		if (part)
			part->field = fields[i];
		else
			p->items[p->n++] = (struct item){ .name = name, .field = fields[i] };
	}
	qsort(p->items, p->n, sizeof(p->items[0]), by_place);
	for (unsigned i = 0; i < p->n; i++)
		locate(&p->items[i], i ? &p->items[i - 1] : NULL, &nodes);
	return p;
}

/* Closes and opens objects until the item's own is open, and writes its key. */
static void enter(struct json_line *l, const struct item *it)
{
	unsigned same = 0;

	while (same < l->depth && same < it->depth && l->open[same] == it->node[same])
		same++;
	for (; l->depth > same; l->depth--)
		jw_close(&l->j, '}');
	for (; l->depth < it->depth; l->depth++) {
		unsigned i = l->depth;
		jw_key_n(&l->j, it->name + it->at[i], (size_t)(it->at[i + 1] - it->at[i] - 1));
		jw_open(&l->j, '{');
		l->open[i] = it->node[i];
	}
	jw_key(&l->j, it->name + it->at[it->depth]);
}

/* Returns whether it was valid UTF-8. */
static bool put_value(struct jw *j, const struct value *v)
{
	const char *p;
	size_t len, pos = 0;
	bool valid = true;

	switch (v->kind) {
	case VALUE_none:
		break;
	case VALUE_bool:
		jw_bool(j, v->num);
		break;
	case VALUE_num:
		jw_num(j, v->num);
		break;
	case VALUE_time:
		jw_time(j, v->num);
		break;
	case VALUE_str:
		return jw_str(j, v->p, v->len);
	case VALUE_list:
		if (v->joined)
			return jw_joined(j, v->p, v->len);
		jw_open(j, '[');
		while (value_next(v, &pos, &p, &len))
			valid = jw_str(j, p, len) && valid;
		jw_close(j, ']');
		break;
	}
	return valid;
}

static void put_field(struct json_line *l, const struct item *it)
{
	struct value v;

	any_field_get(&it->field, l->ev, &v);
	if (v.kind != VALUE_none) {
		enter(l, it);
		/* Of a joined list the raw bytes stand in the list itself. */
		if (!put_value(&l->j, &v) && !v.joined)
			json_add_odd(l, (struct json_odd){ "", it->name, &it->field, NULL, 0 });
	}
	if (v.truncated && l->ncut < ANY_FIELDS_MAX)
		l->cut[l->ncut++] = it->name;
}

static void put_line(struct json_line *l)
{
	const struct plan *p = plan_of(l->ev->desc);

	jw_open(&l->j, '{');
	for (unsigned i = 0; i < p->n; i++) {
		const struct item *it = &p->items[i];
		if (it->part && (!it->part->has || it->part->has(l))) {
			enter(l, it);
			it->part->put(l);
		} else if (it->field.rec || it->field.derived) {
			put_field(l, it);
		}
	}
	for (; l->depth; l->depth--)
		jw_close(&l->j, '}');
	jw_close(&l->j, '}');
}

void json_event(struct buf *out, const struct event *ev, uint64_t line_seq)
{
	struct json_line l;

	l.j = (struct jw){ .out = out };
	l.ev = ev;
	l.al = NULL;
	l.seq = line_seq;
	l.depth = l.nodd = l.ncut = 0;
	put_line(&l);
}

void json_alert(struct buf *out, const struct alert *al, uint64_t line_seq)
{
	struct json_line l;

	l.j = (struct jw){ .out = out };
	l.ev = al->event;
	l.al = al;
	l.seq = line_seq;
	l.depth = l.nodd = l.ncut = 0;
	put_line(&l);
}
