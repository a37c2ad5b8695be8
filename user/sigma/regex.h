/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions (PCRE2, JIT where the machine has it) over text that may be hostile: each
 * match is bounded, and one that runs into its bound counts as none.
 */
#ifndef REDSHANK_SIGMA_REGEX_H
#define REDSHANK_SIGMA_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define REGEX_MATCH_LIMIT 200000 /* steps of backtracking from one place; about a millisecond */
#define REGEX_TIME_NS	  50000000ULL /* for one text; it may take a window of places longer */
#define REGEX_HEAP_KIB	  16384 /* of one match, and of the JIT's stack */

struct regex;
struct regex_scratch;

enum {
	REGEX_I = 1, /* (?i) */
	REGEX_M = 2, /* (?m) */
	REGEX_S = 4, /* (?s) */
	REGEX_HEAD = 8, /* must begin where the text does */
	REGEX_TAIL = 16, /* must end where the text does */
};

/* -EINVAL with PCRE2's message and the offset, -ENOMEM. */
int regex_new(const char *pattern, size_t len, unsigned flags, struct regex **ret, struct err *e);
void regex_free(struct regex *r);
size_t regex_bytes(const struct regex *r);

/* What matching needs; one per thread. */
int regex_scratch_new(struct regex_scratch **ret);
void regex_scratch_free(struct regex_scratch *s);

/* 1: found, 0: not, -ELOOP: ran into a bound. */
int regex_match(const struct regex *r, struct regex_scratch *s, const char *text, size_t len);

#define REGEX_LITERALS_MAX 192
#define REGEX_LITERAL_LEN  48

struct regex_literals {
	unsigned n;
	struct regex_literal {
		enum regex_place {
			REGEX_ANYWHERE,
			REGEX_STARTS,
			REGEX_ENDS,
			REGEX_WHOLE,
		} place;
		unsigned char len;
		char s[REGEX_LITERAL_LEN + 1];
	} literal[REGEX_LITERALS_MAX];
};

/*
 * Texts (ASCII, lower case) of which every text that the expression is found in has at least one at
 * its place, without regard to case. n 0: none that are easy to tell.
 */
void regex_literals(const char *pattern, size_t len, unsigned flags, struct regex_literals *ret);

#endif
