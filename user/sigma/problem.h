/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with rules, and where: collected, not printed, so that one run tells all of it. */
#ifndef REDSHANK_SIGMA_PROBLEM_H
#define REDSHANK_SIGMA_PROBLEM_H

#include <stdbool.h>

struct sigma_pos {
	const char *file; /* path as given; NULL: none */
	unsigned line, col; /* from 1; 0: the whole file */
};

enum sigma_problem_kind {
	SIGMA_ERROR, /* the rule (or the file) is not used */
	SIGMA_WARNING, /* it is used, but not as its author may think */
};

struct sigma_problem {
	enum sigma_problem_kind kind;
	struct sigma_pos pos; /* file is owned by the arena of the rules */
	char text[320]; /* one line; hostile bytes already made printable */
};

#define SIGMA_PROBLEMS_MAX 10000 /* kept; more are counted */

struct sigma_problems {
	unsigned n, errors, dropped;
	struct sigma_problem *problem;
	unsigned cap;
};

/* Adds one. */
void sigma_problem_add(struct sigma_problems *p, enum sigma_problem_kind kind, struct sigma_pos pos,
		       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void sigma_problems_free(struct sigma_problems *p);

#endif
