/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions of the configuration: findings that do not alert, by what ran, not by what it said.
 * The same for detectors, rules and correlations. (In directories of rules, Sigma filters do it
 * too.)
 */
#ifndef REDSHANK_DETECT_EXCEPTION_H
#define REDSHANK_DETECT_EXCEPTION_H

#include <stdbool.h>

#include "detect/rule_info.h"
#include "schema/event.h"

#define EXCEPTIONS_MAX	    64
#define EXCEPTION_RULES_MAX 8 /* of one exception */
#define EXCEPTION_TEXT	    256 /* bytes of a pattern, with its NUL */

/* What a process must be; all that are given must hold. `*`: any text, `/` too; `?`: one byte. */
enum exception_key {
	EXCEPTION_image, /* path of the executable, as the kernel resolved it */
	EXCEPTION_sha256, /* of the executable */
	EXCEPTION_container_image, /* NAME, NAME:TAG or the image's id */
	EXCEPTION_user, /* name or number; the real and the effective user */
	EXCEPTION_parent, /* executable of the creator */
	EXCEPTION_ancestor, /* executable of any ancestor */
	EXCEPTION_KEYS,
};

extern const char *const exception_keys[EXCEPTION_KEYS]; /* "image", … as in the configuration */

struct exception {
	unsigned nrules;
	char rule[EXCEPTION_RULES_MAX][EXCEPTION_TEXT]; /* ids or titles, in any case; patterns */
	char key[EXCEPTION_KEYS][EXCEPTION_TEXT]; /* "": any */
	char reason[EXCEPTION_TEXT];
	uint64_t expires; /* Unix ns from when on it does not count; 0: never */
};

/* Does one of them except what this rule or detector found in the event? */
bool exception_holds(const struct exception *x, unsigned n, const struct rule_info *rule,
		     const struct event *ev);

/* The last day as YYYY-MM-DD, UTC, as the moment it ends. 0 or -EINVAL. */
int exception_expires(const char *text, uint64_t *ret);

#endif
