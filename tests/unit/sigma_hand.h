/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules and events made by hand, for tests of the compiler and the matcher that must not depend on
 * the parser: one item, one value of an event, does it match?
 */
#ifndef REDSHANK_TESTS_SIGMA_HAND_H
#define REDSHANK_TESTS_SIGMA_HAND_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sigma/compile.h"
#include "sigma/parse.h"
#include "sigma/view.h"

#define HAND_VALUES 8

static inline struct sigma_scalar hand_bytes(const char *s, size_t n)
{
	return (struct sigma_scalar){ .type = SIGMA_str, .text = s, .len = n };
}

static inline struct sigma_scalar S(const char *s) {
	return hand_bytes(s, strlen(s));
}

static inline struct sigma_scalar
cut(const char *s)
{
	struct sigma_scalar v = S(s);
	v.cut = true;
	return v;
}

/* Written as text, so that its spelling is known: I("0x10", 16). */
static inline struct sigma_scalar I(const char *text, int64_t i) {
	return (struct sigma_scalar){
		.type = SIGMA_int, .text = text, .len = strlen(text), .i = i, .f = (double)i
	};
}

static inline struct sigma_scalar
F(const char *text, double f) {
	return (struct sigma_scalar){
		.type = SIGMA_float, .text = text, .len = strlen(text), .f = f
	};
}

static inline struct sigma_scalar
B(bool b) {
	const char *text = b ? "true" : "false";
	return (struct sigma_scalar){
		.type = SIGMA_bool, .text = text, .len = strlen(text), .i = b
	};
}

static inline struct sigma_scalar
null(void)
{
	return (struct sigma_scalar){ .type = SIGMA_null, .text = "" };
}

static inline struct sigma_rules *hand_rules(void)
{
	struct sigma_rules *r;
	assert_int_equal(sigma_rules_new(&r), 0);
	return r;
}

static inline const struct sigma_expr *hand_node(struct sigma_rules *r, enum sigma_op op,
						 unsigned n, const struct sigma_expr *const *kid)
{
	struct sigma_expr *e = arena_alloc(r->arena, sizeof(*e));
	assert_non_null(e);
	e->op = op;
	e->n = n;
	e->kid = arena_array(r->arena, n, sizeof(*e->kid));
	for (unsigned i = 0; i < n; i++)
		e->kid[i] = kid[i];
	return e;
}

/* key: FIELD|modifier|…, or |modifier, or "" for keywords. */
static inline const struct sigma_expr *hand_leaf(struct sigma_rules *r, const char *key, unsigned n,
						 const struct sigma_scalar *value)
{
	struct sigma_expr *e = arena_alloc(r->arena, sizeof(*e));
	struct sigma_item *item = arena_alloc(r->arena, sizeof(*item));
	struct sigma_value *v = arena_array(r->arena, n, sizeof(*v));
	char *word = arena_str(r->arena, key), *save = NULL, *rest = strchr(word, '|');

	if (rest)
		*rest++ = 0;
	item->pos = (struct sigma_pos){ .file = "hand.yml", .line = 1, .col = 1 };
	item->field = *word ? word : NULL;
	for (char *m = rest ? strtok_r(rest, "|", &save) : NULL; m;
	     m = strtok_r(NULL, "|", &save)) {
		int mod = sigma_modifier_by_name(m);
		assert_in_range(mod, 0, SIGMA_MOD_year);
		item->modifier[item->nmodifiers++] = (enum sigma_modifier)mod;
	}
	for (unsigned i = 0; i < n; i++) {
		v[i].scalar = value[i];
		v[i].scalar.text = arena_copy(r->arena, value[i].text, value[i].len);
		v[i].pos = (struct sigma_pos){ .file = "hand.yml", .line = 2 + i, .col = 3 };
	}
	item->value = v;
	item->nvalues = n;
	e->op = SIGMA_leaf;
	e->item = item;
	return e;
}

/* A field of an event: n values; n 0: an empty list. */
struct hand_field {
	const char *name;
	unsigned n;
	struct sigma_scalar v[HAND_VALUES];
};

struct hand_event {
	struct sigma_values field[64];
	struct sigma_scalar all[64];
	struct sigma_record record;
};

/* Every value is also one of record.all. */
static inline const struct sigma_record *hand_record(const struct sigma_view *v,
						     struct hand_event *ev,
						     const struct hand_field *f, unsigned n)
{
	unsigned nall = 0;

	memset(ev, 0, sizeof(*ev));
	for (unsigned i = 0; i < n; i++) {
		int at = sigma_view_find(v, f[i].name);
		if (at >= 0)
			ev->field[at] = (struct sigma_values){ true, f[i].n, f[i].v };
		for (unsigned k = 0; k < f[i].n; k++)
			ev->all[nall++] = f[i].v[k];
	}
	ev->record.field = ev->field;
	ev->record.all = (struct sigma_values){ true, nall, ev->all };
	return &ev->record;
}

/* 1: matches, 0: not, -1: the item has a problem, whose text is printed. */
static inline int hand_match(const char *key, unsigned n, const struct sigma_scalar *value,
			     const struct hand_field *f, unsigned nfields, bool *uncertain)
{
	struct sigma_rules *r = hand_rules();
	const struct sigma_expr *e = hand_leaf(r, key, n, value);
	const struct sigma_match *m;
	struct sigma_view *v = NULL;
	struct hand_event ev;
	int result = -1;

	int rc = sigma_compile_expr(r, e, NULL);
	if (rc == -EINVAL) {
		assert_int_not_equal(r->problems.errors, 0);
		assert_string_equal(r->problems.problem[0].pos.file, "hand.yml");
		assert_in_range(r->problems.problem[0].pos.line, 2, 1 + n);
		printf("         %s: %s\n", key, r->problems.problem[0].text);
		goto out;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(r->problems.errors, 0);
	assert_int_equal(sigma_view_new_expr(r, e, &v), 0);
	const struct sigma_record *rec = hand_record(v, &ev, f, nfields);
	result = (int)sigma_view_eval(v, rec, &m);
	if (uncertain)
		*uncertain = result && m[0].uncertain;
	/* The same event again gives the same: nothing is left over. */
	assert_int_equal(sigma_view_eval(v, rec, &m), result);
out:
	sigma_view_free(v);
	sigma_rules_free(r);
	return result;
}

/* One rule value against one event value, of the field that key names or "x" for keywords. */
static inline int hand_one(const char *key, struct sigma_scalar rule, struct sigma_scalar event)
{
	char name[64];
	struct hand_field f = { .name = name, .n = 1, .v = { event } };

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(key, "|"), key);
	if (!name[0])
		strcpy(name, "x");
	return hand_match(key, 1, &rule, &f, 1, NULL);
}

#define yes(key, rule, event) assert_int_equal(hand_one(key, rule, event), 1)
#define no(key, rule, event)  assert_int_equal(hand_one(key, rule, event), 0)
#define bad(key, rule)	      assert_int_equal(hand_one(key, rule, S("x")), -1)

#endif
