/* SPDX-License-Identifier: Apache-2.0 */
/* struct alert: a judgement with all that an analyst needs to follow it. Borrowed, as events are.
 */
#ifndef REDSHANK_DETECT_ALERT_H
#define REDSHANK_DETECT_ALERT_H

#include "detect/detector.h"
#include "enrich/proctree.h"

#define ALERT_ID_LEN 37 /* a UUID as text */

struct alert {
	char id[ALERT_ID_LEN]; /* UUIDv8 of what was found: a replay gives the same id */
	uint64_t seq; /* number of the alert at this sensor, from 1, without holes */
	uint64_t time; /* Unix ns */
	const struct detector *rule;
	const struct verdict *verdict;
	const struct event *event; /* the one that was judged */
	unsigned nancestors;
	const struct proc *ancestors[PROC_ANCESTORS_MAX]; /* nearest first */
};

typedef void alert_fn(void *ctx, const struct alert *al);

struct engine_stats {
	uint64_t events, alerts;
	uint64_t detector_errors;
};

/* The engine runs every detector that wants an event and turns verdicts into alerts. */
struct engine;

int engine_new(struct engine **ret, struct err *err);
void engine_free(struct engine *e);
/* Judges ev; calls fn once per alert. */
void engine_event(struct engine *e, const struct event *ev, alert_fn *fn, void *ctx);
void engine_get_stats(const struct engine *e, struct engine_stats *ret);

#endif
