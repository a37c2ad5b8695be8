/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the OTLP/HTTP sender: otlp_http.c runs it, otlp_request.c makes and judges one
 * request.
 */
#ifndef REDSHANK_SINK_OTLP_PRIVATE_H
#define REDSHANK_SINK_OTLP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "sink/http_post.h"
#include "sink/log_limit.h"
#include "sink/otlp_batch.h"
#include "sink/otlp_http.h"
#include "sink/otlp_shared.h"
#include "sink/otlp_url.h"

/* requests: answered or not. http_errors: those without a 2xx. lag: alerts that wait now. */
#define COUNTERS(C)    \
	C(sent)        \
	C(rejected)    \
	C(dropped)     \
	C(missed)      \
	C(requests)    \
	C(retries)     \
	C(http_errors) \
	C(lag)         \
	C(heartbeats)  \
	C(heartbeats_lost)

enum counter {
#define C(name_) COUNT_##name_,
	COUNTERS(C)
#undef C
		COUNT_MAX,
};

enum outcome { SENT, SPLIT, RETRY, STOPPED };

/* What a line is about, beside HTTP status codes. */
enum topic {
	ABOUT_store = 1,
	ABOUT_network,
	ABOUT_answer,
	ABOUT_memory,
	ABOUT_recovery,
	ABOUT_loss
};

struct otlp {
	struct sink sink;
	pthread_t thread;
	int wake_fd, done_fd; /* close() wakes the thread; the thread says that it ended */
	_Atomic uint64_t stop_at; /* CLOCK_MONOTONIC ns; 0: run */
	_Atomic uint64_t count[COUNT_MAX];
	struct otlp_shared shared;
	/* The pipeline's own: */
	bool heartbeat;
	int tell_fd;
	/* The thread's own: */
	int notify_fd;
	struct log_limit log;
	struct store *store;
	struct http_client *http;
	char cursor[OTLP_CURSOR_MAX];
	int64_t row, newest; /* the last one that was dealt with, and of the store */
	bool unsaved; /* the store could not take the cursor */
	unsigned failures; /* in a row */
	struct otlp_batch batch;
	struct pb_arena arena;
	struct buf body;
	struct http_reply reply;
};

static inline void add(struct otlp *o, enum counter c, uint64_t n)
{
	atomic_fetch_add_explicit(&o->count[c], n, memory_order_relaxed);
}

static inline bool stopping(const struct otlp *o)
{
	return atomic_load(&o->stop_at) != 0;
}

#define say(o_, topic_, ...) log_limit_say(&(o_)->log, topic_, __VA_ARGS__)

/* Sends n alerts of the batch from lo. */
enum outcome otlp_attempt(struct otlp *o, size_t lo, size_t n);
/* Sends the heartbeat that waits. One attempt: the next one tells more. */
void otlp_heartbeat(struct otlp *o);
/* Counts and tells that n alerts will not be sent. */
void otlp_drop(struct otlp *o, size_t n, unsigned topic, const char *why, const char *message);

#endif
