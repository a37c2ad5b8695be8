/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items to tests: modifiers applied, escapes and wildcards read, regular expressions compiled. Here
 * it is decided whether a rule can be used at all.
 */
#ifndef REDSHANK_SIGMA_COMPILE_H
#define REDSHANK_SIGMA_COMPILE_H

#include "sigma/rule.h"

/* What %name% stands for in values under the modifier expand. */
struct sigma_placeholder {
	const char *name;
	struct sigma_strings values;
};

struct sigma_compile_options {
	unsigned nplaceholders;
	const struct sigma_placeholder *placeholder;
};

/*
 * Sets item->test of every item of every rule; a rule with an item that is wrong is marked broken
 * and has its problem. After sigma_link(). o may be NULL. 0 or -ENOMEM.
 */
int sigma_compile(struct sigma_rules *r, const struct sigma_compile_options *o);
/* For an expression from sigma_parse_map(). -EINVAL when it has a problem. */
int sigma_compile_expr(struct sigma_rules *r, const struct sigma_expr *e,
		       const struct sigma_compile_options *o);
void sigma_compiled_free(struct sigma_compiled *c);

struct buf;
/* One item as compiled, for `redshank rules explain`: "CommandLine contains 'x' or 'y' (folded)".
 */
void sigma_test_describe(const struct sigma_item *item, struct buf *out);

#endif
