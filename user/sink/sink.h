/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sink takes events and alerts away. The pipeline calls it from one thread; a sink that can be
 * slow has a thread of its own and never makes the pipeline wait.
 *
 * Events and alerts are borrowed: what a sink keeps, it copies or encodes before it returns.
 */
#ifndef REDSHANK_SINK_SINK_H
#define REDSHANK_SINK_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "detect/alert.h"
#include "schema/event.h"

struct sink;

struct sink_ops {
	const char *name;
	/* Either may be NULL: the sink does not take that kind. 0 or negative errno (counted). */
	int (*event)(struct sink *s, const struct event *ev);
	int (*alert)(struct sink *s, const struct alert *al);
	/* After each batch, and once a second: write out what is buffered. May be NULL. */
	int (*flush)(struct sink *s);
	/* Name and value of each counter, for `redshank stats`. May be NULL. */
	void (*stats)(const struct sink *s, void (*put)(void *ctx, const char *key, uint64_t value),
		      void *ctx);
	/*
	 * What is wrong now, as a line for people: "" when nothing is. May be NULL: then an error
	 * that a call above returned is all there is to know.
	 */
	void (*trouble)(const struct sink *s, char *ret_line, size_t cap);
	/*
	 * Finishes what can be finished until deadline (CLOCK_MONOTONIC ns), frees s. Accepts NULL.
	 */
	void (*close)(struct sink *s, uint64_t deadline);
};

/* First member of every sink's own struct. */
struct sink {
	const struct sink_ops *ops;
};

#endif
