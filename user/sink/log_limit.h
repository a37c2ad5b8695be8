/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sender's log: a backend that is down, or refuses everything, must not fill the disk. At most
 * ten lines at once and then one each six seconds; about the same topic one a minute. What is left
 * out is counted in the next line. For one thread.
 */
#ifndef REDSHANK_SINK_LOG_LIMIT_H
#define REDSHANK_SINK_LOG_LIMIT_H

#include <stdint.h>

struct log_limit {
	void (*log)(const char *line); /* NULL: silent */
	const char *prefix;
	unsigned topic, tokens, hidden;
	uint64_t time, refilled; /* CLOCK_MONOTONIC ns */
};

void log_limit_init(struct log_limit *l, const char *prefix, void (*log)(const char *line));

/* topic: any number but 0; the same for lines that tell about the same thing. */
void log_limit_say(struct log_limit *l, unsigned topic, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
