/* SPDX-License-Identifier: Apache-2.0 */
/* Tests in words, for people who ask what a rule became. */
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "sigma/compile.h"
#include "sigma/test.h"

#define VALUES_MAX 20 /* told one by one; more are counted */

static void put_text(struct buf *out, const char *s, size_t n)
{
	buf_putc(out, '\'');
	utf8_printable(out, s, n);
	buf_putc(out, '\'');
}

/* Wildcards as in rules: what is meant literally is escaped. */
static void put_glob(struct buf *out, const struct sigma_pred *p)
{
	const uint16_t *e = (const uint16_t *)p->text;
	struct buf text = { 0 };

	for (size_t i = 0; i < p->len / sizeof(*e); i++) {
		if (e[i] == PATTERN_ANY)
			buf_putc(&text, '*');
		else if (e[i] == PATTERN_ONE)
			buf_putc(&text, '?');
		else if (e[i] == PATTERN_DASH)
			buf_puts(&text, "[-/\u2013\u2014\u2015]");
		else if (strchr("*?\\", e[i]) && e[i])
			buf_printf(&text, "\\%c", e[i]);
		else
			buf_putc(&text, (char)e[i]);
	}
	put_text(out, text.data, text.len);
	buf_free(&text);
}

static void put_compare(struct buf *out, const struct sigma_pred *p)
{
	static const char *const ops[] = {
		[SIGMA_eq] = "=",   [SIGMA_neq] = "!=", [SIGMA_gt] = ">",
		[SIGMA_gte] = ">=", [SIGMA_lt] = "<",	[SIGMA_lte] = "<=",
	};
	static const char *const parts[] = {
		[WHEN_minute] = "minute", [WHEN_hour] = "hour",	  [WHEN_day] = "day",
		[WHEN_week] = "week",	  [WHEN_month] = "month", [WHEN_year] = "year",
	};

	if (p->compare.part != SIGMA_PART_none)
		buf_printf(out, "%s ", parts[p->compare.part - SIGMA_PART_first]);
	buf_printf(out, "%s %.*s", ops[p->compare.op], (int)p->len - 2, p->text + 2);
}

static void put_regex(struct buf *out, const struct sigma_pred *p)
{
	buf_putc(out, '/');
	utf8_printable(out, p->text, p->len);
	buf_printf(out, "/%s%s%s", p->flags & REGEX_I ? "i" : "", p->flags & REGEX_M ? "m" : "",
		   p->flags & REGEX_S ? "s" : "");
	if (p->flags & (REGEX_HEAD | REGEX_TAIL))
		buf_printf(out, " at the %s", p->flags & REGEX_HEAD ? "beginning" : "end");
}

static void put_fieldref(struct buf *out, const struct sigma_pred *p)
{
	static const char *const how[] = { "equals", "starts with", "ends with", "contains" };

	buf_printf(out, "%s field ", how[p->flags / SIGMA_FIELDREF_STARTS % 4]);
	utf8_printable(out, p->text, p->len);
}

static void put_pred(struct buf *out, const struct sigma_pred *p)
{
	static const char *const verbs[] = {
		[SIGMA_PRED_equals] = "equals ",
		[SIGMA_PRED_startswith] = "starts with ",
		[SIGMA_PRED_endswith] = "ends with ",
		[SIGMA_PRED_contains] = "contains ",
		[SIGMA_PRED_any] = "has a value",
		[SIGMA_PRED_glob] = "is like ",
		[SIGMA_PRED_word] = "has the word ",
		[SIGMA_PRED_number] = "is the number ",
		[SIGMA_PRED_regex] = "matches ",
		[SIGMA_PRED_cidr] = "is in ",
		[SIGMA_PRED_compare] = "",
		[SIGMA_PRED_fieldref] = "",
		[SIGMA_PRED_exists] = "",
		[SIGMA_PRED_null] = "is null or absent",
	};

	buf_puts(out, verbs[p->kind]);
	switch (p->kind) {
	case SIGMA_PRED_glob:
		put_glob(out, p);
		break;
	case SIGMA_PRED_number:
	case SIGMA_PRED_cidr:
		utf8_printable(out, p->text, p->len);
		break;
	case SIGMA_PRED_regex:
		put_regex(out, p);
		break;
	case SIGMA_PRED_compare:
		put_compare(out, p);
		break;
	case SIGMA_PRED_fieldref:
		put_fieldref(out, p);
		break;
	case SIGMA_PRED_exists:
		buf_puts(out, p->flags & SIGMA_EXISTS ? "exists" : "does not exist");
		break;
	case SIGMA_PRED_any:
	case SIGMA_PRED_null:
		break;
	default:
		put_text(out, p->text, p->len);
	}
	if (p->kind <= SIGMA_PRED_glob && p->kind != SIGMA_PRED_any)
		buf_puts(out, p->flags & SIGMA_CASED ? " (cased)" : " (folded)");
}

void sigma_test_describe(const struct sigma_item *item, struct buf *out)
{
	const struct sigma_test *t = item->test;
	unsigned told = 0, left = 0;

	if (item->field)
		utf8_printable(out, item->field, strlen(item->field));
	else
		buf_puts(out, "any field");
	buf_puts(out, t->negated ? " not: " : " ");
	for (unsigned i = 0; i < t->n; i++) {
		for (unsigned j = 0; j < t->value[i].n; j++) {
			if (told == VALUES_MAX) {
				left++;
				continue;
			}
			if (told++)
				buf_puts(out, t->all && !j ? " and " : " or ");
			put_pred(out, t->value[i].pred[j]);
		}
	}
	if (left)
		buf_printf(out, " and %u more", left);
}
