/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as one line: columns that all events share, then the event's own text of events.def. A
 * new event needs nothing here. Its text is compiled to literals and fields once, at its first
 * event; like the fields it reads, this belongs to one thread.
 */
#include <string.h>

#include "encode/text.h"
#include "encode/text_put.h"
#include "enrich/fields.h"

#define PARTS_MAX 16
#define VALUE_CUT 1024 /* bytes of one value: a 20 KiB argv is for -o json */

/* A literal when it has a length, else a field. */
struct part {
	const char *literal;
	size_t len;
	struct any_field field;
};

struct line_format {
	bool compiled;
	const char *style; /* of the event's name */
	/* Columns; zeroed: the event has none such. */
	struct any_field pid, user_name, user_id, name, parent_name;
	unsigned nparts;
	struct part part[PARTS_MAX];
};

static const char *style_of(const struct ev_desc *d)
{
	static const struct {
		const char *category, *style;
	} styles[] = {
		{ "process", STYLE_GREEN },  { "authentication", STYLE_YELLOW },
		{ "file", STYLE_BLUE },	     { "host", STYLE_MAGENTA },
		{ "session", STYLE_YELLOW }, { "iam", STYLE_YELLOW },
		{ "driver", STYLE_RED },     { "configuration", STYLE_RED },
	};

	if (d->id == EV_gap)
		return STYLE_ALARM;
	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++)
		if (!strcmp(styles[i].category, d->category))
			return styles[i].style;
	return STYLE_CYAN;
}

static void add_literal(struct line_format *t, const char *p, size_t len)
{
	if (len && t->nparts < PARTS_MAX)
		t->part[t->nparts++] = (struct part){ .literal = p, .len = len };
}

/* A name that the event has no field for stays as it is, braces and all, for somebody to see. */
static void add_field(struct line_format *t, const struct ev_desc *d, const char *p, size_t len)
{
	char name[128];
	struct part part = { 0 };

	if (len - 2 >= sizeof(name) || t->nparts == PARTS_MAX) {
		add_literal(t, p, len);
		return;
	}
	memcpy(name, p + 1, len - 2);
	name[len - 2] = '\0';
	if (any_field_find(d, name, &part.field))
		t->part[t->nparts++] = part;
	else
		add_literal(t, p, len);
}

static void compile(struct line_format *t, const struct ev_desc *d)
{
	any_field_find(d, "process.pid", &t->pid);
	any_field_find(d, "user.name", &t->user_name);
	any_field_find(d, "user.id", &t->user_id);
	any_field_find(d, "process.name", &t->name);
	any_field_find(d, "process.parent.name", &t->parent_name);
	t->style = style_of(d);
	for (const char *p = d->text; *p;) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		size_t len = end ? (size_t)(end - p + 1) : 1 + strcspn(p + 1, "{");
		if (end)
			add_field(t, d, p, len);
		else
			add_literal(t, p, len);
		p += len;
	}
	t->compiled = true;
}

static const struct line_format *format_of(const struct ev_desc *d)
{
	static struct line_format formats[EV_TYPE_MAX];
	struct line_format *t = &formats[d->id];

	if (!t->compiled)
		compile(t, d);
	return t;
}

static void put_list(struct buf *out, const struct value *v)
{
	size_t pos = 0, len, left = VALUE_CUT;
	const char *p;

	while (value_next(v, &pos, &p, &len)) {
		if (p != v->p)
			buf_putc(out, ' ');
		text_put(out, p, len, v->truncated && pos > v->len, left);
		if (len > left) /* the ellipsis is there */
			return;
		left -= len;
	}
}

/* False, and nothing is put, when there is no value. */
static bool put_field(struct buf *out, const struct any_field *f, const struct event *ev)
{
	struct value v;

	if (!f->rec && !f->derived)
		return false;
	any_field_get(f, ev, &v);
	switch (v.kind) {
	case VALUE_none:
		return false;
	case VALUE_bool:
		buf_puts(out, v.num ? "true" : "false");
		break;
	case VALUE_num:
		buf_u64(out, v.num);
		break;
	case VALUE_time:
		text_time(out, v.num, "%F %T", "");
		break;
	case VALUE_str:
		text_put(out, v.p, v.len, v.truncated, VALUE_CUT);
		break;
	case VALUE_list:
		put_list(out, &v);
		break;
	}
	return true;
}

static void put_columns(struct buf *out, const struct line_format *t, const struct event *ev,
			bool colour)
{
	text_style(out, colour, STYLE_DIM);
	text_time(out, ev->rec->time + (uint64_t)ev->host->unix_offset, "%T", "");
	text_style(out, colour, STYLE_OFF);
	buf_puts(out, "  ");

	text_style(out, colour, t->style);
	size_t at = out->len;
	buf_puts(out, ev->desc->key);
	text_pad(out, at, 8);
	text_style(out, colour, STYLE_OFF);

	text_style(out, colour, STYLE_DIM);
	if (t->pid.rec)
		buf_printf(out, "%7u  ", ev->rec->pid);
	else
		buf_puts(out, "      -  ");
	at = out->len;
	if (!put_field(out, &t->user_name, ev) && !put_field(out, &t->user_id, ev))
		buf_putc(out, '-');
	text_pad(out, at, 9);
	at = out->len;
	if (put_field(out, &t->parent_name, ev))
		buf_puts(out, " > ");
	if (!put_field(out, &t->name, ev))
		buf_putc(out, '-');
	text_pad(out, at, 20);
	text_style(out, colour, STYLE_OFF);
}

void text_event_words(struct buf *out, const struct event *ev)
{
	const struct line_format *t = format_of(ev->desc);

	for (unsigned i = 0; i < t->nparts; i++) {
		const struct part *p = &t->part[i];
		if (p->len)
			buf_put(out, p->literal, p->len);
		else if (!put_field(out, &p->field, ev))
			buf_putc(out, '-');
	}
}

void text_event(struct buf *out, const struct event *ev, bool colour)
{
	put_columns(out, format_of(ev->desc), ev, colour);
	text_event_words(out, ev);
}
