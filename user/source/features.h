/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel, and our privileges, allow: asked of the kernel, never guessed from a version.
 */
#ifndef REDSHANK_SOURCE_FEATURES_H
#define REDSHANK_SOURCE_FEATURES_H

#include <stddef.h>

#include "base/err.h"

enum feature_state { FEATURE_no, FEATURE_yes, FEATURE_unknown };

#define FEATURES_MAX 16

struct feature {
	const char *name;
	enum feature_state state;
	char detail[160]; /* what was found; for a no, what to change */
};

/*
 * Where this kernel's BTF is: "" when the kernel itself has it; else a file named by want (NULL:
 * the usual places are searched, docs/coverage.md). 0, or -ENOENT with what to do.
 */
int features_btf(const char *want, char *ret_path, size_t cap, struct err *e);

/* Can a sensor run at all? 0, or negative errno with what to change in *e. */
int features_require(struct err *e);

/* Everything worth telling: privileges, BTF, ring buffer, lockdown, LSMs, tracefs, … Returns how
 * many. */
unsigned features_list(struct feature ret[FEATURES_MAX]);

#endif
