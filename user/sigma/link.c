/* SPDX-License-Identifier: Apache-2.0 */
/* What is done once all rules of a set are there: ids, and then what refers to rules. */
#include "sigma/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sigma/parser.h"

#define SCRATCH_MAX ((size_t)256 << 20)

static int by_name(const void *a, const void *b)
{
	const struct sigma_named *x = a, *y = b;
	int order = strcasecmp(x->name, y->name);

	if (order)
		return order;
	return x->rule->index < y->rule->index ? -1 : 1;
}

static void sort(struct sigma_names *names)
{
	if (names->n)
		qsort(names->named, names->n, sizeof(*names->named), by_name);
}

static unsigned lower_bound(const struct sigma_names *names, const char *name)
{
	unsigned from = 0, to = names->n;

	while (from < to) {
		unsigned mid = from + (to - from) / 2;
		if (strcasecmp(names->named[mid].name, name) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* x has the id of first already. nth: how many have had it. */
static int settle_id(struct sigma_rules *r, const struct sigma_rule *first, struct sigma_rule *x,
		     unsigned nth)
{
	if (!x->id_derived) {
		sigma_problem_add(&r->problems, SIGMA_ERROR, x->pos,
				  "the id %s is already that of %s:%u: this one is not used", x->id,
				  first->pos.file ? first->pos.file : "line", first->pos.line);
		x->broken = true;
		return 0;
	}
	x->id = sigma_derived_id(r->arena, x->id, nth);
	if (!x->id)
		return -ENOMEM;
	sigma_problem_add(&r->problems, SIGMA_WARNING, x->pos,
			  "no id of its own, and %s:%u has the same title or id: it gets the id %s",
			  first->pos.file ? first->pos.file : "line", first->pos.line, x->id);
	return 0;
}

static int settle_ids(struct sigma_rules *r, struct sigma_names *ids)
{
	unsigned first = 0;
	int rc = 0;

	for (unsigned i = 1; !rc && i < ids->n; i++) {
		if (strcasecmp(ids->named[first].name, ids->named[i].name))
			first = i;
		else
			rc = settle_id(r, ids->named[first].rule, ids->named[i].rule, i - first);
	}
	/* With the new ones. */
	unsigned n = 0;
	for (unsigned i = 0; i < ids->n; i++) {
		struct sigma_rule *rule = ids->named[i].rule;
		if (!rule->broken)
			ids->named[n++] = (struct sigma_named){ rule->id, rule };
	}
	ids->n = n;
	sort(ids);
	return rc;
}

int sigma_index_make(struct sigma_rules *r, struct arena *a, struct sigma_index *ret)
{
	struct sigma_index x = { 0 };

	x.ids.named = arena_array(a, r->n, sizeof(*x.ids.named));
	x.names.named = arena_array(a, r->n, sizeof(*x.names.named));
	if (!x.ids.named || !x.names.named)
		return -ENOMEM;
	for (unsigned i = 0; i < r->n; i++)
		if (r->rule[i]->kind != SIGMA_FILTER)
			x.ids.named[x.ids.n++] = (struct sigma_named){ r->rule[i]->id, r->rule[i] };
	sort(&x.ids);
	int rc = settle_ids(r, &x.ids);
	if (rc)
		return rc;
	for (unsigned i = 0; i < r->n; i++) {
		struct sigma_rule *rule = r->rule[i];
		if (rule->name && !rule->broken && rule->kind != SIGMA_FILTER)
			x.names.named[x.names.n++] = (struct sigma_named){ rule->name, rule };
	}
	sort(&x.names);
	*ret = x;
	return 0;
}

struct sigma_rule *sigma_index_find(const struct sigma_index *x, const char *ref, const char *file,
				    const struct sigma_rule **ret_second)
{
	struct sigma_rule *found = NULL, *near = NULL;
	unsigned i = lower_bound(&x->ids, ref), n = 0, nnear = 0;

	*ret_second = NULL;
	if (i < x->ids.n && !strcasecmp(x->ids.named[i].name, ref))
		return x->ids.named[i].rule;
	for (i = lower_bound(&x->names, ref);
	     i < x->names.n && !strcasecmp(x->names.named[i].name, ref); i++) {
		struct sigma_rule *rule = x->names.named[i].rule;
		if (strcmp(rule->name, ref))
			continue;
		if (!n++)
			found = rule;
		else if (n == 2)
			*ret_second = rule;
		if (file && rule->pos.file && !strcmp(rule->pos.file, file) && !nnear++)
			near = rule;
	}
	if (n > 1 && nnear == 1) {
		*ret_second = NULL;
		return near;
	}
	return found;
}

/* They stay, for correlations may use them. */
static void silence_obsolete(struct sigma_rules *r, const struct sigma_index *x)
{
	for (unsigned i = 0; i < r->n; i++) {
		const struct sigma_rule *by = r->rule[i];
		for (unsigned k = 0; !by->broken && k < by->obsoletes.n; k++) {
			unsigned at = lower_bound(&x->ids, by->obsoletes.s[k]);
			if (at < x->ids.n && x->ids.named[at].rule != by &&
			    !strcasecmp(x->ids.named[at].name, by->obsoletes.s[k]))
				x->ids.named[at].rule->silent = true;
		}
	}
}

int sigma_link(struct sigma_rules *r)
{
	struct sigma_index x;
	struct arena *scratch;

	int rc = arena_new(SCRATCH_MAX, &scratch);
	if (rc)
		return rc;
	rc = sigma_index_make(r, scratch, &x);
	if (!rc)
		rc = sigma_link_filters(r, &x, scratch);
	if (!rc)
		rc = sigma_link_correlations(r, &x, scratch);
	if (!rc)
		silence_obsolete(r, &x);
	if (rc)
		sigma_problem_add(&r->problems, SIGMA_ERROR, (struct sigma_pos){ .line = 0 },
				  "no room for what links the rules");
	arena_free(scratch);
	return rc;
}
