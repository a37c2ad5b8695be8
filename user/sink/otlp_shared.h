/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the OTLP sender's thread and the pipeline share beside counters, under one lock that is
 * never held while anything waits: the latest heartbeat, and what is wrong with sending.
 */
#ifndef REDSHANK_SINK_OTLP_SHARED_H
#define REDSHANK_SINK_OTLP_SHARED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "encode/otlp.h"

struct otlp_shared {
	pthread_mutex_t lock;
	bool waiting; /* beat has not been taken */
	struct buf beat; /* a packed request; one alone: a later heartbeat tells more */
	char trouble[256]; /* "": none */
	/* The pipeline's own: */
	struct pb_arena arena;
	struct buf packed;
};

void otlp_shared_init(struct otlp_shared *s);
void otlp_shared_free(struct otlp_shared *s);

/* Packs the event, which takes the place of the one that waits, if one does. 0, 1: it did, or
 * -ENOMEM. */
int otlp_shared_put(struct otlp_shared *s, const struct event *ev);
/* Moves the one that waits to *out. False: there is none. */
bool otlp_shared_take(struct otlp_shared *s, struct buf *out);

void otlp_shared_trouble(struct otlp_shared *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void otlp_shared_get_trouble(struct otlp_shared *s, char *ret_line, size_t cap);

#endif
