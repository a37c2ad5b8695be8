/* SPDX-License-Identifier: Apache-2.0 */
/* One predicate against one value. */
#include <string.h>

#include "base/utf8.h"
#include "sigma/compile.h"
#include "sigma/test.h"

/* What stands around a number that is a keyword: white space and the marks that logs and command
 * lines put between words. */
static bool separates(char c)
{
	return !c || strchr(" \t\r\n\v\f\"'`=,;:()[]{}<>|&", c);
}

static bool has_word(const char *s, size_t n, const char *word, size_t len)
{
	for (const char *end = s + n, *at = s;; at++) {
		at = memmem(at, (size_t)(end - at), word, len);
		if (!at)
			return false;
		if ((at == s || separates(at[-1])) && (at + len == end || separates(at[len])))
			return true;
	}
}

static bool text_matches(enum sigma_pred_kind kind, const char *s, size_t n, const char *text,
			 size_t len)
{
	switch (kind) {
	case SIGMA_PRED_equals:
		return n == len && !memcmp(s, text, len);
	case SIGMA_PRED_startswith:
		return n >= len && !memcmp(s, text, len);
	case SIGMA_PRED_endswith:
		return n >= len && !memcmp(s + n - len, text, len);
	default:
		return memmem(s, n, text, len);
	}
}

static bool matches_glob(const struct sigma_pred *p, const struct sigma_look *v)
{
	if (!(p->flags & SIGMA_CASED))
		return glob_match(p->glob, v->f, v->off, v->len);
	/* glob_match() only reads. */
	const struct fold raw = { .s = (char *)v->scalar->text, .len = v->scalar->len };
	return glob_match(p->glob, &raw, 0, raw.len);
}

static bool matches_number(const struct sigma_pred *p, const struct sigma_look *v)
{
	char text[NUMBER_TEXT_MAX];
	size_t len;

	if (text_matches(SIGMA_PRED_equals, v->scalar->text, v->scalar->len, p->text, p->len) ||
	    text_matches(SIGMA_PRED_equals, v->scalar->text, v->scalar->len, p->number.canonical,
			 p->number.ncanonical))
		return true;
	return number_canonical(v->scalar, text, &len) &&
	       text_matches(SIGMA_PRED_equals, text, len, p->number.canonical,
			    p->number.ncanonical);
}

static bool matches_compare(const struct sigma_pred *p, const struct sigma_look *v)
{
	long double value;
	int part;

	if (p->compare.part == SIGMA_PART_none) {
		if (!number_of(v->scalar, &value))
			return false;
	} else if (when_part(v->scalar, (enum when_part)(p->compare.part - SIGMA_PART_first),
			     &part)) {
		value = part;
	} else {
		return false;
	}
	return number_compare(p->compare.op, value, p->compare.value);
}

int sigma_pred_match(const struct sigma_pred *p, const struct sigma_look *v,
		     struct regex_scratch *scratch)
{
	const struct sigma_scalar *s = v->scalar;

	if (s->type == SIGMA_null)
		return false;
	switch (p->kind) {
	case SIGMA_PRED_equals:
	case SIGMA_PRED_startswith:
	case SIGMA_PRED_endswith:
	case SIGMA_PRED_contains:
		if (p->flags & SIGMA_CASED)
			return text_matches(p->kind, s->text, s->len, p->text, p->len);
		return text_matches(p->kind, v->f->s + v->off, v->len, p->text, p->len);
	case SIGMA_PRED_any:
		return true;
	case SIGMA_PRED_glob:
		return matches_glob(p, v);
	case SIGMA_PRED_word:
		return has_word(v->f->s + v->off, v->len, p->text, p->len);
	case SIGMA_PRED_number:
		return matches_number(p, v);
	case SIGMA_PRED_regex:
		return regex_match(p->regex, scratch, s->text, s->len);
	case SIGMA_PRED_cidr:
		return cidr_match(&p->cidr, s->text, s->len);
	case SIGMA_PRED_compare:
		return matches_compare(p, v);
	case SIGMA_PRED_fieldref:
	case SIGMA_PRED_exists:
	case SIGMA_PRED_null:
		break;
	}
	return false;
}

bool sigma_pred_refers(const struct sigma_pred *p, const struct sigma_look *v,
		       const struct sigma_look *other)
{
	static const enum sigma_pred_kind kinds[] = {
		SIGMA_PRED_equals,
		SIGMA_PRED_startswith,
		SIGMA_PRED_endswith,
		SIGMA_PRED_contains,
	};
	const struct sigma_scalar *a = v->scalar, *b = other->scalar;
	unsigned how = p->flags / SIGMA_FIELDREF_STARTS % 4;
	long double x, y;

	if (a->type == SIGMA_null || b->type == SIGMA_null)
		return false;
	if (!how && a->type != SIGMA_str && b->type != SIGMA_str && number_of(a, &x) &&
	    number_of(b, &y))
		return x == y;
	if (p->flags & SIGMA_CASED)
		return text_matches(kinds[how], a->text, a->len, b->text, b->len);
	return text_matches(kinds[how], v->f->s + v->off, v->len, other->f->s + other->off,
			    other->len);
}

bool sigma_pred_open(const struct sigma_pred *p, const struct sigma_look *v)
{
	const char *s = v->f->s + v->off;
	size_t n = v->len;

	if (!v->scalar->cut || p->kind == SIGMA_PRED_exists || p->kind == SIGMA_PRED_null)
		return false;
	if (p->kind != SIGMA_PRED_equals && p->kind != SIGMA_PRED_startswith)
		return true;
	if (p->flags & SIGMA_CASED) {
		s = v->scalar->text;
		n = v->scalar->len;
	}
	return n < p->len && !memcmp(s, p->text, n);
}
