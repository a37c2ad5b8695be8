/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules for tests of the parser: from a text, and their expressions as text again, so that a test
 * says in one line what a rule means:
 *
 *   and(Image|endswith[/sh], not(filter:User[root,null~]))
 *
 * A search identifier's name and a colon stand before what it is the whole of; behind a value, the
 * mark of its type if that is not a string: # int, % float, ! bool, ~ null. Keywords have no field.
 */
#ifndef REDSHANK_TESTS_SIGMA_TEXT_H
#define REDSHANK_TESTS_SIGMA_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sigma/parse.h"

#define HEAD "title: t\nlogsource: {product: linux}\n"

static inline struct sigma_rules *sigma_of(const char *text)
{
	struct sigma_rules *r;

	assert_int_equal(sigma_rules_new(&r), 0);
	assert_int_equal(sigma_parse(r, "t.yml", text, strlen(text)), 0);
	return r;
}

static inline void sigma_item_text(struct buf *b, const struct sigma_item *item)
{
	static const char marks[] = {
		[SIGMA_null] = '~', [SIGMA_bool] = '!', [SIGMA_int] = '#', [SIGMA_float] = '%'
	};

	if (item->field)
		buf_puts(b, item->field);
	for (unsigned i = 0; i < item->nmodifiers; i++)
		buf_printf(b, "|%s", sigma_modifier_name(item->modifier[i]));
	for (unsigned i = 0; i < item->nvalues; i++) {
		const struct sigma_scalar *s = &item->value[i].scalar;
		buf_putc(b, i ? ',' : '[');
		buf_put(b, s->text, s->len);
		if (s->type != SIGMA_str)
			buf_putc(b, marks[s->type]);
	}
	buf_putc(b, ']');
}

static inline void sigma_expr_text(struct buf *b, const struct sigma_expr *e)
{
	static const char *const ops[] = {
		[SIGMA_and] = "and", [SIGMA_or] = "or", [SIGMA_not] = "not"
	};

	if (e->op == SIGMA_ref) {
		buf_printf(b, "@%u", e->ref);
		return;
	}
	if (e->name)
		buf_printf(b, "%s:", e->name);
	if (e->op == SIGMA_leaf) {
		sigma_item_text(b, e->item);
		return;
	}
	buf_puts(b, ops[e->op]);
	for (unsigned i = 0; i < e->n; i++) {
		buf_puts(b, i ? ", " : "(");
		sigma_expr_text(b, e->kid[i]);
	}
	buf_putc(b, ')');
}

/* Of the only rule, or the last. */
static inline const struct sigma_rule *sigma_last(const struct sigma_rules *r)
{
	assert_true(r->n > 0);
	return r->rule[r->n - 1];
}

static inline void assert_expr(const struct sigma_expr *e, const char *want)
{
	struct buf b = { 0 };

	assert_non_null(e);
	sigma_expr_text(&b, e);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

/* "LINE:COL kind: text" of a problem. */
static inline void assert_problem(const struct sigma_rules *r, unsigned i, const char *want)
{
	char got[400];

	assert_true(i < r->problems.n);
	const struct sigma_problem *p = &r->problems.problem[i];
	snprintf(got, sizeof(got), "%u:%u %s: %s", p->pos.line, p->pos.col,
		 p->kind == SIGMA_ERROR ? "error" : "warning", p->text);
	assert_string_equal(got, want);
}

static inline void assert_no_problems(const struct sigma_rules *r)
{
	if (r->problems.n)
		fail_msg("%u:%u: %s", r->problems.problem[0].pos.line,
			 r->problems.problem[0].pos.col, r->problems.problem[0].text);
}

/* A rule with this detection has this expression, and there is nothing to say about it. */
static inline void assert_detection(const char *detection, const char *want)
{
	char text[8192];

	snprintf(text, sizeof(text), HEAD "detection:\n%s", detection);
	struct sigma_rules *r = sigma_of(text);
	assert_no_problems(r);
	assert_int_equal(r->n, 1);
	assert_expr(r->rule[0]->expr, want);
	sigma_rules_free(r);
}

/* A rule with this detection is an error, which is the first problem. */
static inline void assert_detection_fails(const char *detection, const char *want)
{
	char text[8192];

	snprintf(text, sizeof(text), HEAD "detection:\n%s", detection);
	struct sigma_rules *r = sigma_of(text);
	assert_int_equal(r->n, 0);
	assert_true(r->problems.errors > 0);
	assert_problem(r, 0, want);
	sigma_rules_free(r);
}

#endif
