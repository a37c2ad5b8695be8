/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a correlation reads in an event. A field with several values counts with its first one that
 * is not null: they are names of one thing (sigma/record.h). Values compare byte for byte, numbers
 * as their text: it is conditions of rules that fold case, not what they group.
 *
 * A key is, for each field of group-by: a 16 bit length (KEY_HASHED added if the value was longer
 * than its share of SIGMA_GROUP_KEY_MAX), the bytes, and of a longer one a keyed hash of all of it.
 */
#include <math.h>
#include <string.h>

#include "sigma/correlate_private.h"
#include "sigma/number.h"

#define KEY_HASHED 0x8000U

struct text {
	const char *p;
	size_t len;
	const struct sigma_scalar *scalar; /* NULL: from a group */
};

/* The values of a correlation that came true are those it groups by. */
static bool text_of_group(const struct group *g, const char *name, struct text *ret)
{
	struct sigma_group_value value[GROUP_BY_MAX];

	for (unsigned i = 0; i < g->of->co->group_by.n; i++) {
		if (strcmp(g->of->co->group_by.s[i], name) != 0)
			continue;
		key_parse(g->of, g->key, g->key_len, value);
		*ret = (struct text){ value[i].text, value[i].len, NULL };
		return true;
	}
	return false;
}

static bool text_of_record(const struct source *src, struct corr_field *f, struct text *ret)
{
	const struct sigma_values *values;
	int i = f->hint;

	if (!src->view)
		return false;
	/* Most events come from the view that the last one came from. */
	if ((unsigned)i >= sigma_view_nfields(src->view) ||
	    strcmp(sigma_view_field(src->view, (unsigned)i), f->name) != 0) {
		i = sigma_view_find(src->view, f->name);
		if (i < 0)
			return false;
		f->hint = i;
	}
	values = &src->rec->field[i];
	for (unsigned k = 0; values->present && k < values->n; k++)
		if (values->v[k].type != SIGMA_null) {
			*ret = (struct text){ values->v[k].text, values->v[k].len, &values->v[k] };
			return true;
		}
	return false;
}

/* Of an event that a correlation is: its group, or else the event by which it came true. */
static bool text_get(const struct source *src, struct corr_field *f, struct text *ret)
{
	for (const struct firing *at = src->firing; at; at = at->cause)
		if (text_of_group(at->g, f->name, ret))
			return true;
	return text_of_record(src, f, ret);
}

static void append(struct sigma_correlator *c, const void *p, size_t n)
{
	memcpy(c->key + c->key_len, p, n);
	c->key_len += n;
}

bool key_make(struct sigma_correlator *c, const struct source *src, const struct corr_use *use)
{
	unsigned n = use->corr->co->group_by.n;
	struct text t;

	c->key_len = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!text_get(src, &use->group[i], &t))
			return false;
		bool whole = t.len <= SIGMA_GROUP_KEY_MAX / n;
		size_t kept = whole ? t.len : SIGMA_GROUP_KEY_MAX / n;
		uint16_t len = (uint16_t)(kept | (whole ? 0 : KEY_HASHED));
		append(c, &len, sizeof(len));
		if (kept)
			append(c, t.p, kept);
		if (!whole) {
			uint64_t hash = siphash(&c->value_key, t.p, t.len);
			append(c, &hash, sizeof(hash));
		}
	}
	return true;
}

bool key_parse(const struct corr *corr, const char *key, size_t len, struct sigma_group_value *ret)
{
	struct reader r = { key, len };
	unsigned n = corr->co->group_by.n;
	uint16_t head;
	uint64_t hash;

	for (unsigned i = 0; i < n; i++) {
		if (!reader_take(&r, &head, sizeof(head)))
			return false;
		size_t kept = head & ~KEY_HASHED;
		if (kept > SIGMA_GROUP_KEY_MAX / n || kept > r.left)
			return false;
		ret[i] = (struct sigma_group_value){ corr->co->group_by.s[i], r.p, kept };
		reader_take(&r, NULL, kept);
		if ((head & KEY_HASHED) &&
		    (kept != SIGMA_GROUP_KEY_MAX / n || !reader_take(&r, &hash, sizeof(hash))))
			return false;
	}
	return !r.left;
}

static bool number(const struct text *t, double *ret)
{
	struct sigma_scalar text = { .type = SIGMA_str, .text = t->p, .len = t->len };
	long double d;

	if (!number_of(t->scalar ? t->scalar : &text, &d))
		return false;
	*ret = (double)d;
	return isfinite(*ret);
}

bool key_word(struct sigma_correlator *c, const struct source *src, const struct corr_use *use,
	      uint64_t *ret)
{
	const struct sigma_correlation *co = use->corr->co;
	uint64_t hash[VALUES_MAX];
	struct text t;
	double d;

	switch (co->type) {
	case SIGMA_event_count:
		*ret = 0;
		return true;
	case SIGMA_temporal:
	case SIGMA_temporal_ordered:
		*ret = use->slot;
		return true;
	case SIGMA_value_count:
		for (unsigned i = 0; i < co->fields.n; i++) {
			if (!text_get(src, &use->value[i], &t))
				return false;
			hash[i] = siphash(&c->value_key, t.p, t.len);
		}
		*ret = co->fields.n == 1
			       ? hash[0]
			       : siphash(&c->value_key, hash, co->fields.n * sizeof(*hash));
		return true;
	default:
		if (!text_get(src, &use->value[0], &t) || !number(&t, &d))
			return false;
		memcpy(ret, &d, sizeof(d));
		return true;
	}
}
