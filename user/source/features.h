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
	int error; /* negative errno that a start fails with; of a no that a sensor can't do with */
	char detail[320]; /* what was found; for a no, what to change */
};

/*
 * Where this kernel's BTF is: "" when the kernel itself has it; else a file named by want (NULL:
 * the usual places are searched, docs/coverage.md). 0, or -ENOENT with what to do.
 */
int features_btf(const char *want, char *ret_path, size_t cap, struct err *e);

/* Lifts the limit of locked memory as far as may be: Linux before 5.11 counts BPF maps to it. */
void features_memlock(void);

/*
 * Why the kernel may have refused a program or map with this error, and what to change, each as
 * "; reason: remedy"; "" if nothing is known to.
 */
void features_why(int error, char *ret, size_t cap);

/* Can a sensor run at all? 0, or negative errno with what to change in *e. */
int features_require(struct err *e);

/* Everything worth telling: privileges, BTF, ring buffer, lockdown, LSMs, tracefs, … Returns how
 * many. */
unsigned features_list(struct feature ret[FEATURES_MAX]);

#endif
