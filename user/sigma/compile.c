/* SPDX-License-Identifier: Apache-2.0 */
/* Rules through the compiler: every item once, however many rules share it. */
#include "sigma/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigma/test.h"

static int prepare(struct sigma_rules *r)
{
	int rc = 0;

	if (r->compiled)
		return 0;
	r->compiled = calloc(1, sizeof(*r->compiled));
	if (!r->compiled)
		return -ENOMEM;
	r->compiled->any = sigma_pred_get(r, SIGMA_PRED_any, 0, NULL, 0, &rc, NULL);
	return r->compiled->any ? 0 : rc;
}

/* *ret_bad: an item of it, or of what it shares with other rules, has a problem. */
static int compile_expr(struct sigma_rules *r, const struct sigma_expr *e,
			const struct sigma_compile_options *o, unsigned depth, bool *ret_bad)
{
	int rc = 0;

	if (depth > SIGMA_DEPTH_MAX)
		return -E2BIG;
	if (e->op == SIGMA_leaf) {
		if (!e->item->test)
			e->item->test = sigma_test_new(r, e->item, o);
		if (!e->item->test)
			return -ENOMEM;
		*ret_bad |= e->item->test->bad;
	}
	for (unsigned i = 0; i < e->n && !rc; i++)
		rc = compile_expr(r, e->kid[i], o, depth + 1, ret_bad);
	return rc;
}

int sigma_compile(struct sigma_rules *r, const struct sigma_compile_options *o)
{
	int rc = prepare(r);

	for (unsigned i = 0; i < r->n && !rc; i++) {
		struct sigma_rule *rule = r->rule[i];
		bool bad = false;
		if (!rule->expr)
			continue;
		rc = compile_expr(r, rule->expr, o, 0, &bad);
		if (rc == -E2BIG) {
			sigma_problem_add(&r->problems, SIGMA_ERROR, rule->pos,
					  "the condition is nested deeper than %d",
					  SIGMA_DEPTH_MAX);
			bad = true;
			rc = 0;
		}
		rule->broken |= bad;
	}
	return rc;
}

int sigma_compile_expr(struct sigma_rules *r, const struct sigma_expr *e,
		       const struct sigma_compile_options *o)
{
	bool bad = false;
	int rc = prepare(r);

	if (!rc)
		rc = compile_expr(r, e, o, 0, &bad);
	return rc ? rc : bad ? -EINVAL : 0;
}

void sigma_compiled_free(struct sigma_compiled *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nregex; i++)
		regex_free(c->regex[i]);
	free(c->regex);
	free(c->slot);
	buf_free(&c->key);
	free(c);
}
