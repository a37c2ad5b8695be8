/* SPDX-License-Identifier: Apache-2.0 */
/* Modifiers, one by one. What can't work is said with what to write instead. */
#include "sigma/modify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigma/modify_text.h"

static const char *kind_name(enum modify_kind kind)
{
	static const char *const names[] = {
#define X(name, text) [MODIFY_##name] = text,
		MODIFY_KINDS(X)
#undef X
	};
	return names[kind];
}

/* What helps most often, by what the value is. */
static const char *hint(enum modify_kind kind)
{
	switch (kind) {
	case MODIFY_number:
	case MODIFY_bool:
		return "; put the value in quotes";
	case MODIFY_null:
		return "; null stands for a field without a value: test it without modifiers";
	case MODIFY_regex:
		return "; write it into the expression";
	case MODIFY_compare:
		return "; write the other one as an item of its own: FIELD|gte and FIELD|lt may "
		       "stand in one map";
	case MODIFY_text:
	case MODIFY_cidr:
	case MODIFY_fieldref:
	case MODIFY_exists:
	case MODIFY_time:
		break;
	}
	return "";
}

static int unfit(const struct modified *m, enum sigma_modifier mod, const char *needs,
		 struct err *e)
{
	bool advise = m->kind == MODIFY_compare || !strcmp(needs, "text");

	return err_set(e, -EINVAL, "%s is for %s, not for %s%s", sigma_modifier_name(mod), needs,
		       kind_name(m->kind), advise ? hint(m->kind) : "");
}

/* Modifiers that change what a value is want it as written; those on the list do not matter. */
static bool is_first(const struct sigma_item *item, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (item->modifier[i] != SIGMA_MOD_all && item->modifier[i] != SIGMA_MOD_neq)
			return false;
	return true;
}

static int must_be_first(const struct sigma_item *item, unsigned at, struct err *e)
{
	enum sigma_modifier mod = item->modifier[at];

	if (is_first(item, at))
		return 0;
	return err_set(e, -EINVAL, "%s takes the value as written: put it first, without %s",
		       sigma_modifier_name(mod), sigma_modifier_name(item->modifier[at - 1]));
}

static int apply_anchor(struct modified *m, enum sigma_modifier mod, struct err *e)
{
	bool head = mod != SIGMA_MOD_startswith, tail = mod != SIGMA_MOD_endswith;

	m->anchored |= !head || !tail;
	m->open |= head && tail;
	if (m->kind == MODIFY_fieldref) {
		m->starts |= mod != SIGMA_MOD_endswith;
		m->ends |= mod != SIGMA_MOD_startswith;
		return 0;
	}
	if (m->kind == MODIFY_regex) {
		m->starts |= mod == SIGMA_MOD_startswith;
		m->ends |= mod == SIGMA_MOD_endswith;
		return 0;
	}
	if (m->kind != MODIFY_text)
		return unfit(m, mod, "text", e);
	for (unsigned i = 0; i < m->n; i++) {
		if (head)
			pattern_open_head(&m->text[i]);
		if (tail)
			pattern_open_tail(&m->text[i]);
	}
	return 0;
}

static int apply_regex_flag(struct modified *m, enum sigma_modifier mod, struct err *e)
{
	if (m->kind != MODIFY_regex)
		return err_set(e, -EINVAL, "%s is an option of re: write |re|%s",
			       sigma_modifier_name(mod), sigma_modifier_name(mod));
	m->regex |= mod == SIGMA_MOD_i ? REGEX_I : mod == SIGMA_MOD_m ? REGEX_M : REGEX_S;
	return 0;
}

static int apply_compare(struct modified *m, enum sigma_modifier mod, struct err *e)
{
	if (m->kind == MODIFY_text)
		return err_set(e, -EINVAL, "%s compares numbers: write the number without quotes",
			       sigma_modifier_name(mod));
	if (m->kind != MODIFY_number && m->kind != MODIFY_time)
		return unfit(m, mod, "numbers", e);
	m->timed = m->kind == MODIFY_time;
	m->kind = MODIFY_compare;
	m->op = mod == SIGMA_MOD_gt    ? SIGMA_gt
		: mod == SIGMA_MOD_gte ? SIGMA_gte
		: mod == SIGMA_MOD_lt  ? SIGMA_lt
				       : SIGMA_lte;
	return 0;
}

static int apply_time(struct modified *m, enum sigma_modifier mod, struct err *e)
{
	if (m->kind != MODIFY_number || m->scalar->type != SIGMA_int)
		return err_set(e, -EINVAL, "%s%s", sigma_modifier_name(mod),
			       m->kind == MODIFY_compare
				       ? " stands before the comparison: write |hour|gte"
				       : " wants a whole number, without quotes");
	m->kind = MODIFY_time;
	m->part = (enum when_part)(mod - SIGMA_MOD_minute);
	m->op = SIGMA_eq;
	return 0;
}

static int apply_exists(const struct sigma_item *item, unsigned at, struct modified *m,
			struct err *e)
{
	int rc = must_be_first(item, at, e);

	if (rc)
		return rc;
	if (!item->field)
		return err_set(e, -EINVAL, "exists needs a field: FIELD|exists: true");
	if (m->kind != MODIFY_bool)
		return err_set(e, -EINVAL, "exists wants true or false, without quotes");
	m->kind = MODIFY_exists;
	return 0;
}

static int apply_fieldref(const struct sigma_item *item, struct modified *m, struct err *e)
{
	if (!item->field)
		return err_set(e, -EINVAL, "fieldref needs a field: FIELD|fieldref: OTHER");
	if (m->kind != MODIFY_text)
		return unfit(m, SIGMA_MOD_fieldref, "names of fields", e);
	for (unsigned i = 0; i < m->n; i++) {
		if (m->anchored || m->open)
			return err_set(e, -EINVAL,
				       "contains, startswith and endswith go behind fieldref");
		if (pattern_has_wildcard(&m->text[i]))
			return err_set(e, -EINVAL, "fieldref names one field: no wildcards in it");
		if (!m->text[i].n)
			return err_set(e, -EINVAL, "fieldref wants the name of a field");
	}
	m->kind = MODIFY_fieldref;
	return 0;
}

/* Regular expressions are taken as text without escapes from the beginning (take_value()). */
static int apply_kind(const struct sigma_item *item, unsigned at, struct modified *m, struct err *e)
{
	enum sigma_modifier mod = item->modifier[at];

	if (m->kind != MODIFY_text)
		return unfit(m, mod, "text", e);
	int rc = must_be_first(item, at, e);
	if (rc)
		return rc;
	m->kind = mod == SIGMA_MOD_re ? MODIFY_regex : MODIFY_cidr;
	return 0;
}

static int apply_cased(struct modified *m, struct err *e)
{
	if (m->kind == MODIFY_regex)
		return err_set(
			e, -EINVAL,
			"regular expressions are case-sensitive without |i: leave out cased");
	if (m->kind != MODIFY_text && m->kind != MODIFY_fieldref)
		return unfit(m, SIGMA_MOD_cased, "text", e);
	m->cased = true;
	return 0;
}

static int apply(const struct sigma_item *item, unsigned at, struct modified *m,
		 const struct sigma_compile_options *o, struct err *e)
{
	enum sigma_modifier mod = item->modifier[at];

	switch (mod) {
	case SIGMA_MOD_all:
	case SIGMA_MOD_neq:
		return 0;
	case SIGMA_MOD_contains:
	case SIGMA_MOD_startswith:
	case SIGMA_MOD_endswith:
		return apply_anchor(m, mod, e);
	case SIGMA_MOD_cased:
		return apply_cased(m, e);
	case SIGMA_MOD_re:
	case SIGMA_MOD_cidr:
		return apply_kind(item, at, m, e);
	case SIGMA_MOD_i:
	case SIGMA_MOD_m:
	case SIGMA_MOD_s:
		return apply_regex_flag(m, mod, e);
	case SIGMA_MOD_exists:
		return apply_exists(item, at, m, e);
	case SIGMA_MOD_gt:
	case SIGMA_MOD_gte:
	case SIGMA_MOD_lt:
	case SIGMA_MOD_lte:
		return apply_compare(m, mod, e);
	case SIGMA_MOD_fieldref:
		return apply_fieldref(item, m, e);
	case SIGMA_MOD_minute:
	case SIGMA_MOD_hour:
	case SIGMA_MOD_day:
	case SIGMA_MOD_week:
	case SIGMA_MOD_month:
	case SIGMA_MOD_year:
		return apply_time(m, mod, e);
	case SIGMA_MOD_expand:
		if (m->kind != MODIFY_text && m->kind != MODIFY_regex)
			return unfit(m, mod, "text", e);
		return modify_expand(m, o, e);
	case SIGMA_MOD_windash:
	case SIGMA_MOD_base64:
	case SIGMA_MOD_base64offset:
	case SIGMA_MOD_wide:
	case SIGMA_MOD_utf16:
	case SIGMA_MOD_utf16le:
	case SIGMA_MOD_utf16be:
		if (m->kind != MODIFY_text)
			return unfit(m, mod, "text", e);
		return modify_encode(m, mod, e);
	}
	return -EINVAL;
}

static int take_value(const struct sigma_item *item, struct modified *m)
{
	static const enum modify_kind kinds[] = {
		[SIGMA_null] = MODIFY_null,  [SIGMA_bool] = MODIFY_bool,
		[SIGMA_int] = MODIFY_number, [SIGMA_float] = MODIFY_number,
		[SIGMA_str] = MODIFY_text,
	};
	bool plain = false;

	m->kind = kinds[m->scalar->type];
	m->n = 1;
	m->text = calloc(1, sizeof(*m->text));
	if (!m->text)
		return -ENOMEM;
	for (unsigned i = 0; i < item->nmodifiers; i++)
		plain |= item->modifier[i] == SIGMA_MOD_re || item->modifier[i] == SIGMA_MOD_cidr;
	if (m->kind != MODIFY_text)
		return 0;
	if (plain)
		pattern_bytes(m->text, m->scalar->text, m->scalar->len);
	else
		pattern_parse(m->text, m->scalar->text, m->scalar->len);
	return 0;
}

/* What only shows when all is applied. */
static int check(const struct modified *m, struct err *e)
{
	int min, max;

	if (m->kind == MODIFY_time) {
		when_range(m->part, &min, &max);
		if (m->scalar->i < min || m->scalar->i > max)
			return err_set(e, -EINVAL, "can never be: the values go from %d to %d", min,
				       max);
	}
	if (m->utf16)
		return err_set(
			e, -EINVAL,
			"UTF-16 of what is not ASCII is no text that an event could hold: put "
			"base64 or base64offset behind it");
	return 0;
}

int modify_value(const struct sigma_item *item, const struct sigma_scalar *value,
		 const struct sigma_compile_options *o, struct modified *ret, struct err *e)
{
	struct modified m = { .scalar = value };
	int rc = take_value(item, &m);

	for (unsigned i = 0; !rc && i < item->nmodifiers; i++)
		rc = apply(item, i, &m, o, e);
	for (unsigned i = 0; !rc && i < m.n; i++)
		if (m.text[i].failed)
			rc = -ENOMEM;
	if (!rc)
		rc = check(&m, e);
	if (rc)
		modified_free(&m);
	else
		*ret = m;
	return rc;
}

void modified_free(struct modified *m)
{
	for (unsigned i = 0; i < m->n && m->text; i++)
		pattern_free(&m->text[i]);
	free(m->text);
	m->text = NULL;
	m->n = 0;
}
