/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket, and one line a minute for a topic that does not change. */
#include "sink/log_limit.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define BURST	  10
#define REFILL_NS (6 * NSEC_PER_SEC)
#define SAME_NS	  (60 * NSEC_PER_SEC)
#define LINE_LEN  1024

void log_limit_init(struct log_limit *l, const char *prefix, void (*log)(const char *line))
{
	*l = (struct log_limit){
		.log = log, .prefix = prefix, .tokens = BURST, .refilled = clock_monotonic()
	};
}

static bool may_say(struct log_limit *l, unsigned topic, uint64_t now)
{
	uint64_t fresh = (now - l->refilled) / REFILL_NS;

	if (fresh) {
		l->refilled = now;
		l->tokens = fresh > BURST - l->tokens ? BURST : l->tokens + (unsigned)fresh;
	}
	return l->tokens && (topic != l->topic || now - l->time >= SAME_NS);
}

void log_limit_say(struct log_limit *l, unsigned topic, const char *fmt, ...)
{
	char line[LINE_LEN];
	uint64_t now = clock_monotonic();
	va_list ap;

	if (!l->log)
		return;
	if (!may_say(l, topic, now)) {
		l->hidden++;
		return;
	}
	snprintf(line, sizeof(line), "%s: ", l->prefix);
	size_t n = strlen(line);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	n = strlen(line);
	if (l->hidden)
		snprintf(line + n, sizeof(line) - n, " (%u messages left out before this)",
			 l->hidden);
	l->tokens--;
	l->hidden = 0;
	l->topic = topic;
	l->time = now;
	l->log(line);
}
