/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source gives records, in the order in which they are to be judged: a host record first, then
 * proc records of what ran already, then events. Its bytes are not trusted: who takes them calls
 * schema_check().
 */
#ifndef REDSHANK_SOURCE_SOURCE_H
#define REDSHANK_SOURCE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct source;
struct hook_state; /* source/bpf.h */

/*
 * One record, borrowed until the function returns, 8-byte aligned. Non-zero ends the drain, which
 * returns that value; the record counts as taken.
 */
typedef int record_fn(void *ctx, const void *rec, size_t len);

/* Takes one counter; key is valid during the call only. */
typedef void source_counter_fn(void *ctx, const char *key, uint64_t value);

struct source_ops {
	const char *name;
	/* Becomes readable when drain() has something to do; -1: always has. */
	int (*fd)(struct source *s);
	/*
	 * Hands over what is there, at most about `budget` records. 0 when there is no more for
	 * now, 1 when the budget is used up, -ENODATA at the end of a recording, or an error with
	 * *e set.
	 */
	int (*drain)(struct source *s, record_fn *fn, void *ctx, unsigned budget, struct err *e);
	/* At least records (given to the record_fn) and lost (known to be lost before they got
	 * here). */
	void (*stats)(const struct source *s, source_counter_fn *put, void *ctx);
	/*
	 * What is covered by which hook: an array of *ret_n, valid while the source is open. NULL:
	 * the source has no hooks.
	 */
	const struct hook_state *(*hooks)(struct source *s, unsigned *ret_n);
	void (*close)(struct source *s); /* accepts NULL */
};

/* First member of every source's own struct. */
struct source {
	const struct source_ops *ops;
};

#endif
