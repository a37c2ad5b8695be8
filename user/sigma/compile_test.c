/* SPDX-License-Identifier: Apache-2.0 */
/* One item of a rule made a test: its values modified, then told to predicates. */
#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "sigma/modify.h"

struct maker {
	struct sigma_rules *r;
	const struct sigma_item *item;
	const struct sigma_compile_options *o;
};

static const struct sigma_pred *number(struct maker *mk, const struct sigma_scalar *s, int *rc)
{
	char canonical[NUMBER_TEXT_MAX];
	struct buf key = { 0 };
	const struct sigma_pred *p = NULL;
	size_t n;

	if (!number_canonical(s, canonical, &n)) {
		*rc = -EINVAL;
		return NULL;
	}
	buf_put(&key, s->text, s->len);
	buf_putc(&key, 0);
	buf_put(&key, canonical, n);
	if (key.failed)
		*rc = -ENOMEM;
	else
		p = sigma_pred_get(mk->r, SIGMA_PRED_number, 0, key.data, key.len, rc, NULL);
	buf_free(&key);
	return p;
}

static const struct sigma_pred *compare(struct maker *mk, const struct modified *m, int *rc)
{
	char key[2 + NUMBER_TEXT_MAX];
	size_t n;

	if (!number_canonical(m->scalar, key + 2, &n)) {
		*rc = -EINVAL;
		return NULL;
	}
	key[0] = (char)m->op;
	key[1] = (char)(m->kind == MODIFY_time || m->timed ? SIGMA_PART_first + (int)m->part
							   : SIGMA_PART_none);
	return sigma_pred_get(mk->r, SIGMA_PRED_compare, 0, key, 2 + n, rc, NULL);
}

/* Text i of those that are bytes only. */
static const struct sigma_pred *plain(struct maker *mk, const struct modified *m, unsigned i,
				      enum sigma_pred_kind kind, unsigned flags, int *rc,
				      struct err *e)
{
	struct buf text = { 0 };
	const struct sigma_pred *p = NULL;

	pattern_text(&m->text[i], &text);
	if (text.failed)
		*rc = -ENOMEM;
	else
		p = sigma_pred_get(mk->r, kind, flags, text.data, text.len, rc, e);
	buf_free(&text);
	return p;
}

/* Keywords are looked for anywhere in a value; a number or a bool only as a whole word, or 6 would
 * be found in every process id. */
static const struct sigma_pred *keyword(struct maker *mk, const struct modified *m, unsigned i,
					int *rc, struct err *e)
{
	struct pattern *p = &m->text[i];

	if (m->kind == MODIFY_text) {
		if (!m->anchored) {
			pattern_open_head(p);
			pattern_open_tail(p);
		}
		return sigma_pred_pattern(mk->r, p, m->cased, rc, e);
	}
	if (m->kind == MODIFY_number || m->kind == MODIFY_bool) {
		pattern_bytes(p, m->scalar->text, m->scalar->len);
		pattern_normalize(p, true);
		return plain(mk, m, i, SIGMA_PRED_word, 0, rc, e);
	}
	if (m->kind == MODIFY_regex)
		return plain(mk, m, i, SIGMA_PRED_regex,
			     m->regex | (m->starts ? REGEX_HEAD : 0) | (m->ends ? REGEX_TAIL : 0),
			     rc, e);
	if (m->kind == MODIFY_cidr)
		return plain(mk, m, i, SIGMA_PRED_cidr, 0, rc, e);
	*rc = err_set(e, -EINVAL, "%s needs a field",
		      m->kind == MODIFY_null ? "null" : "a comparison");
	return NULL;
}

static const struct sigma_pred *predicate(struct maker *mk, const struct modified *m, unsigned i,
					  int *rc, struct err *e)
{
	const struct sigma_scalar *s = m->scalar;
	unsigned flags = (m->cased ? SIGMA_CASED : 0) | (m->starts ? SIGMA_FIELDREF_STARTS : 0) |
			 (m->ends ? SIGMA_FIELDREF_ENDS : 0);

	if (!mk->item->field)
		return keyword(mk, m, i, rc, e);
	switch (m->kind) {
	case MODIFY_text:
		return sigma_pred_pattern(mk->r, &m->text[i], m->cased, rc, e);
	case MODIFY_bool:
		pattern_bytes(&m->text[i], s->text, s->len);
		return sigma_pred_pattern(mk->r, &m->text[i], false, rc, e);
	case MODIFY_number:
		return number(mk, s, rc);
	case MODIFY_null:
		return sigma_pred_get(mk->r, SIGMA_PRED_null, 0, NULL, 0, rc, e);
	case MODIFY_exists:
		return sigma_pred_get(mk->r, SIGMA_PRED_exists, s->i ? SIGMA_EXISTS : 0, NULL, 0,
				      rc, e);
	case MODIFY_time:
	case MODIFY_compare:
		return compare(mk, m, rc);
	case MODIFY_fieldref:
		return plain(mk, m, i, SIGMA_PRED_fieldref, flags, rc, e);
	case MODIFY_regex:
	case MODIFY_cidr:
		return keyword(mk, m, i, rc, e);
	}
	return NULL;
}

static int make_value(struct maker *mk, const struct sigma_scalar *s, struct sigma_test_value *ret,
		      struct modified *m, struct err *e)
{
	int rc = modify_value(mk->item, s, mk->o, m, e);

	if (rc)
		return rc;
	ret->pred = arena_array(mk->r->arena, m->n, sizeof(*ret->pred));
	if (!ret->pred)
		rc = -ENOMEM;
	for (unsigned i = 0; i < m->n && !rc; i++) {
		int why = 0;
		ret->pred[i] = predicate(mk, m, i, &why, e);
		if (ret->pred[i])
			ret->n++;
		else
			rc = why;
	}
	return rc;
}

/* Names of things in messages are a rule's own text, which may be anything. */
static void problem(struct maker *mk, enum sigma_problem_kind kind, struct sigma_pos pos,
		    const char *text)
{
	struct buf field = { 0 };

	if (mk->item->field)
		utf8_printable(&field, mk->item->field, strlen(mk->item->field));
	for (unsigned i = 0; i < mk->item->nmodifiers; i++)
		buf_printf(&field, "|%s", sigma_modifier_name(mk->item->modifier[i]));
	sigma_problem_add(&mk->r->problems, kind, pos, "%.80s%s%s",
			  field.len ? buf_str(&field) : "keywords", ": ", text);
	buf_free(&field);
}

/* What loads, but may not mean what it seems to. */
static void advise(struct maker *mk, const struct sigma_value *v, const struct modified *m,
		   const struct sigma_test_value *made)
{
	if (m->fragment && !m->open && mk->item->field)
		problem(mk, SIGMA_WARNING, v->pos,
			"base64offset makes parts of a text: without contains behind it they must "
			"be "
			"the whole value");
	if (!mk->item->field && made->n == 1 && made->pred[0]->kind == SIGMA_PRED_any)
		problem(mk, SIGMA_WARNING, v->pos, "this keyword is in every event");
}

struct sigma_test *sigma_test_new(struct sigma_rules *r, const struct sigma_item *item,
				  const struct sigma_compile_options *o)
{
	struct maker mk = { .r = r, .item = item, .o = o };
	struct sigma_test *t = arena_alloc(r->arena, sizeof(*t));

	if (!t)
		return NULL;
	for (unsigned i = 0; i < item->nmodifiers; i++) {
		t->all |= item->modifier[i] == SIGMA_MOD_all;
		t->negated |= item->modifier[i] == SIGMA_MOD_neq;
	}
	t->value = arena_array(r->arena, item->nvalues, sizeof(*t->value));
	if (!t->value)
		return NULL;
	for (; t->n < item->nvalues; t->n++) {
		const struct sigma_value *v = &item->value[t->n];
		struct modified m = { 0 };
		struct err e = { .text = "not a value that can be tested" };
		int rc = make_value(&mk, &v->scalar, &t->value[t->n], &m, &e);
		if (!rc)
			advise(&mk, v, &m, &t->value[t->n]);
		modified_free(&m);
		if (rc == -ENOMEM)
			return NULL;
		if (rc) {
			problem(&mk, SIGMA_ERROR, v->pos, e.text);
			t->bad = true;
		}
	}
	return t;
}
