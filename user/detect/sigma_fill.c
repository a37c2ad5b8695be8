/* SPDX-License-Identifier: Apache-2.0 */
/* Events to the values that rules read. No allocation: everything is in struct sigma_fill. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "detect/sigma_source.h"

void sigma_fill_reset(struct sigma_fill *f)
{
	f->n = 0;
	f->used = 0;
}

static struct sigma_scalar *add(struct sigma_fill *f, enum sigma_type type)
{
	static struct sigma_scalar beyond;
	struct sigma_scalar *s = f->n < SIGMA_FILL_VALUES ? &f->v[f->n++] : &beyond;
	*s = (struct sigma_scalar){ .type = type, .text = "" };
	return s;
}

void sigma_fill_str(struct sigma_fill *f, const char *p, size_t len, bool cut)
{
	struct sigma_scalar *s = add(f, SIGMA_str);
	s->text = p;
	s->len = len;
	s->cut = cut;
}

/* A copy of the bytes, as far as there is room. */
static char *copy(struct sigma_fill *f, const char *p, size_t len, size_t *ret_len)
{
	size_t room = sizeof(f->text) - f->used;
	char *d = f->text + f->used;

	*ret_len = len < room ? len : room;
	memcpy(d, p, *ret_len);
	f->used += *ret_len;
	return d;
}

static char *add_copy(struct sigma_fill *f, struct sigma_scalar *s, const char *p, size_t len)
{
	char *d = copy(f, p, len, &s->len);

	s->text = d;
	s->cut |= s->len < len;
	return d;
}

/* A list as one text: its elements joined by spaces. */
static void add_joined(struct sigma_fill *f, const struct value *v)
{
	struct sigma_scalar *s = add(f, SIGMA_str);
	char *d = add_copy(f, s, v->p, v->len), *end = d + s->len;

	s->cut |= v->truncated;
	while ((d = memchr(d, '\0', (size_t)(end - d))))
		*d = ' ';
}

static void add_number(struct sigma_fill *f, uint64_t num)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRIu64, num);
	struct sigma_scalar *s = add(f, num <= INT64_MAX ? SIGMA_int : SIGMA_str);

	s->i = (int64_t)num;
	s->f = (double)num;
	add_copy(f, s, text, (size_t)n);
}

static void add_time(struct sigma_fill *f, uint64_t unix_ns)
{
	time_t t = (time_t)(unix_ns / NSEC_PER_SEC);
	char text[64];
	struct tm tm;
	size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&t, &tm));

	n += (size_t)snprintf(text + n, sizeof(text) - n, ".%09uZ",
			      (unsigned)(unix_ns % NSEC_PER_SEC));
	add_copy(f, add(f, SIGMA_str), text, n);
}

static void add_list(struct sigma_fill *f, const struct value *v)
{
	struct value kept = { .kind = VALUE_list, .p = v->p, .len = v->len };
	size_t pos = 0, len;
	const char *p;

	if (v->p == v->tmp) /* which is used again for the next value */
		kept.p = copy(f, v->p, v->len, &kept.len);
	while (value_next(&kept, &pos, &p, &len))
		sigma_fill_str(f, p, len, false);
	if (v->truncated && f->n)
		f->v[f->n - 1].cut = true;
}

void sigma_fill_value(struct sigma_fill *f, const struct value *v)
{
	struct sigma_scalar *s;

	switch (v->kind) {
	case VALUE_none:
		break;
	case VALUE_bool:
		s = add(f, SIGMA_bool);
		s->i = v->num != 0;
		s->text = v->num ? "true" : "false";
		s->len = strlen(s->text);
		break;
	case VALUE_num:
		add_number(f, v->num);
		break;
	case VALUE_time:
		add_time(f, v->num);
		break;
	case VALUE_str:
		if (v->p == v->tmp)
			add_copy(f, add(f, SIGMA_str), v->p, v->len);
		else
			sigma_fill_str(f, v->p, v->len, v->truncated);
		break;
	case VALUE_list:
		if (v->joined) {
			add_joined(f, v);
		} else {
			add_list(f, v);
		}
		break;
	}
}

static void fill_row(struct sigma_fill *f, const struct sigma_feed *row,
		     const struct any_field *field, const char *name, const struct event *ev)
{
	if (row && row->flags & SIGMA_FEED_constant) {
		sigma_fill_str(f, row->from, strlen(row->from), false);
	} else if (row && row->get) {
		row->get(ev, name, f);
	} else {
		any_field_get(field, ev, &f->value);
		sigma_fill_value(f, &f->value);
	}
}

static struct sigma_values values_since(struct sigma_fill *f, unsigned start)
{
	return (struct sigma_values){ .present = f->n > start,
				      .n = f->n - start,
				      .v = &f->v[start] };
}

/* Rows of one name often agree: an Image that was invoked by its own path. */
static void drop_repeat(struct sigma_fill *f, unsigned start)
{
	const struct sigma_scalar *last = &f->v[f->n - 1];

	for (unsigned i = start; i < f->n - 1; i++)
		if (f->v[i].len == last->len && !memcmp(f->v[i].text, last->text, last->len)) {
			f->n--;
			return;
		}
}

struct sigma_values sigma_fill_field(struct sigma_fill *f, const struct sigma_feeder *d,
				     const struct event *ev)
{
	unsigned start = f->n;

	for (unsigned i = 0; i < d->n; i++) {
		unsigned before = f->n;
		fill_row(f, d->row[i].feed, &d->row[i].field, d->name, ev);
		if (i && f->n == before + 1)
			drop_repeat(f, start);
	}
	return values_since(f, start);
}

struct sigma_values sigma_fill_all(struct sigma_fill *f, const struct sigma_keywords *k,
				   const struct event *ev)
{
	unsigned start = f->n;

	for (unsigned i = 0; i < k->n; i++)
		fill_row(f, k->row[i].feed, &k->row[i].field, k->row[i].feed->name, ev);
	return values_since(f, start);
}
