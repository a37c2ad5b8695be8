/* SPDX-License-Identifier: Apache-2.0 */
/* Finding rules by what others call them. */
#ifndef REDSHANK_SIGMA_LINK_H
#define REDSHANK_SIGMA_LINK_H

#include "sigma/rule.h"

/* Rules and correlations by one of their names, sorted. */
struct sigma_names {
	unsigned n;
	struct sigma_named {
		const char *name;
		struct sigma_rule *rule;
	} * named;
};

struct sigma_index {
	struct sigma_names ids, names;
};

/* Also settles whose ids are whose: of two rules with one id, the first keeps it. -ENOMEM. */
int sigma_index_make(struct sigma_rules *r, struct arena *a, struct sigma_index *ret);

/*
 * What ref, an id or a name, in file means: NULL if there is no such rule; of several with the
 * name, the one in the same file. *ret_second: another that it could be as well, else NULL.
 */
struct sigma_rule *sigma_index_find(const struct sigma_index *x, const char *ref, const char *file,
				    const struct sigma_rule **ret_second);

int sigma_link_correlations(struct sigma_rules *r, const struct sigma_index *x, struct arena *a);
int sigma_link_filters(struct sigma_rules *r, const struct sigma_index *x, struct arena *a);

#endif
