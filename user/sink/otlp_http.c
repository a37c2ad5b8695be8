/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OTLP/HTTP sender: a thread with its own handle of the store and a cursor in it. The cursor
 * moves when the server has answered, so after a crash a batch may be sent twice, but none is lost;
 * a backend tells copies by log.record.uid.
 *
 * What an answer means (opentelemetry-proto docs/specification.md, "OTLP/HTTP Response"):
 *   2xx                    delivered; records that a partial success rejects are counted
 *   429 502 503 504,       tried again until it works: 1 s doubling to 60 s, jittered, or as long
 *   no answer              as Retry-After says (http_retry.h)
 *   413                    the request is too large: its alerts go in two smaller ones
 *   anything else          never sent again ("the client MUST NOT retry the request when it
 *                          receives HTTP 400"), counted, logged; the alerts stay in the store
 */
#include "sink/otlp_http.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "sink/http_retry.h"
#include "sink/otlp_private.h"

#define TIMEOUT_MS 10000
#define IDLE_MS	   5000 /* look into the store this often without being told to */
#define CLOSE_MS   50 /* the thread gets this much less time than its closer */

/* --- waiting --- */

/* Until the time is over, close() is called or, if wanted, the store has new alerts. */
static void wait_for(struct otlp *o, unsigned ms, bool alerts)
{
	struct pollfd fds[] = {
		{ .fd = o->wake_fd, .events = POLLIN },
		{ .fd = alerts ? o->notify_fd : -1, .events = POLLIN },
	};
	uint64_t n;

	if (poll(fds, 2, (int)ms) <= 0)
		return;
	if (fds[1].revents & POLLIN) {
		if (read(o->notify_fd, &n, sizeof(n)) < 0)
			o->notify_fd = -1;
	} else if (fds[1].revents) { /* closed by its owner */
		o->notify_fd = -1;
	}
}

static void back_off(struct otlp *o)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)clock_monotonic() * 2654435761u;
	o->failures++;
	wait_for(o, retry_delay_ms(o->failures, o->reply.retry_after_s, random), false);
}

/* --- the cursor --- */

static void set_lag(struct otlp *o)
{
	uint64_t lag = o->newest > o->row ? (uint64_t)(o->newest - o->row) : 0;
	atomic_store(&o->count[COUNT_lag], lag);
}

static void advance(struct otlp *o, int64_t row)
{
	struct err e;

	o->row = row;
	set_lag(o);
	o->unsaved = store_cursor_set(o->store, o->cursor, row, &e) < 0;
	if (o->unsaved)
		say(o, ABOUT_store, "%s", e.text);
}

static int last_row(void *ctx, const struct store_alert *al)
{
	*(int64_t *)ctx = al->row;
	return 1;
}

/* Finds out where to go on, and how much is waiting. */
static int position(struct otlp *o, struct err *e)
{
	const struct store_query newest = { .limit = 1, .newest_first = 1 };
	int64_t row = 0;
	uint64_t missed = 0;
	int r;

	if (o->unsaved)
		advance(o, o->row);
	r = store_cursor_get(o->store, o->cursor, &row, e);
	if (r < 0)
		return r;
	if (!o->unsaved)
		o->row = row;
	o->newest = 0;
	r = store_each(o->store, &newest, last_row, &o->newest, e);
	if (r < 0)
		return r;
	set_lag(o);
	r = store_missed(o->store, o->cursor, &missed, e);
	if (r < 0)
		return r;
	uint64_t before = atomic_exchange(&o->count[COUNT_missed], missed);
	if (missed > before)
		say(o, ABOUT_loss, "%llu alerts left the store before they could be sent",
		    (unsigned long long)(missed - before));
	return 0;
}

/* --- batches --- */

/* Sends n alerts of the batch from lo, whatever it takes. 0, or -ECANCELED: time to stop. */
static int deliver(struct otlp *o, size_t lo, size_t n)
{
	struct err e;
	int r;

	for (;;) {
		bool last = stopping(o);
		switch (otlp_attempt(o, lo, n)) {
		case SENT:
			o->failures = 0;
			advance(o, o->batch.row[lo + n - 1]);
			return 0;
		case SPLIT:
			r = deliver(o, lo, n / 2);
			return r < 0 ? r : deliver(o, lo + n / 2, n - n / 2);
		case RETRY:
			if (!last)
				break;
			return -ECANCELED;
		case STOPPED:
			return -ECANCELED;
		}
		add(o, COUNT_retries, 1);
		back_off(o);
		position(o, &e); /* the lag goes on */
	}
}

/* Sends what is in the store. 0, -ECANCELED, or the store's error. */
static int drain(struct otlp *o)
{
	struct err e;
	int r;

	for (;;) {
		uint64_t stop = atomic_load(&o->stop_at);
		if (stop && clock_monotonic() >= stop)
			return -ECANCELED;
		r = position(o, &e);
		if (r == 0)
			r = otlp_batch_read(&o->batch, o->store, o->row, &e);
		if (r < 0) {
			say(o, ABOUT_store, "%s", e.text);
			return r;
		}
		int64_t last = o->batch.last_row;
		if (!last) {
			otlp_heartbeat(o);
			return 0;
		}
		if (o->batch.unreadable)
			otlp_drop(o, o->batch.unreadable, ABOUT_loss, "not readable", "");
		r = o->batch.n ? deliver(o, 0, o->batch.n) : 0;
		otlp_batch_clear(&o->batch);
		if (r < 0)
			return r;
		if (last > o->row)
			advance(o, last);
	}
}

static void *run(void *arg)
{
	struct otlp *o = arg;
	uint64_t one = 1;

	for (;;) {
		bool last = stopping(o);
		if (drain(o) == -ECANCELED || last)
			break;
		wait_for(o, IDLE_MS, true);
	}
	if (write(o->done_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd of ours that has room */
	return NULL;
}

/* --- sink --- */

static void otlp_free(struct otlp *o)
{
	if (!o)
		return;
	store_close(o->store);
	http_close(o->http);
	otlp_batch_clear(&o->batch);
	pb_arena_free(&o->arena);
	buf_free(&o->body);
	buf_free(&o->reply.body);
	otlp_shared_free(&o->shared);
	if (o->wake_fd >= 0)
		close(o->wake_fd);
	if (o->done_fd >= 0)
		close(o->done_fd);
	free(o);
}

static void otlp_stats(const struct sink *s,
		       void (*put)(void *ctx, const char *key, uint64_t value), void *ctx)
{
	const struct otlp *o = (const struct otlp *)s;
#define C(name_) put(ctx, #name_, atomic_load(&o->count[COUNT_##name_]));
	COUNTERS(C)
#undef C
}

/*
 * If the thread is stuck where nothing can wake it (a disk that does not answer), it is left behind
 * with its memory: the program is about to end, and it must end in time.
 */
static void otlp_close(struct sink *s, uint64_t deadline)
{
	struct otlp *o = (struct otlp *)s;
	uint64_t one = 1, now = clock_monotonic(), margin = CLOSE_MS * NSEC_PER_MSEC;

	if (!o)
		return;
	if (deadline < now + margin)
		deadline = now + margin;
	atomic_store(&o->stop_at, deadline - margin);
	if (write(o->wake_fd, &one, sizeof(one)) < 0)
		abort(); /* as above */
	http_wake(o->http);

	struct pollfd done = { .fd = o->done_fd, .events = POLLIN };
	uint64_t ms = (deadline - now) / NSEC_PER_MSEC;
	if (poll(&done, 1, ms > INT32_MAX ? INT32_MAX : (int)ms) != 1) {
		pthread_detach(o->thread);
		return;
	}
	pthread_join(o->thread, NULL);
	otlp_free(o);
}

static int otlp_event(struct sink *s, const struct event *ev)
{
	struct otlp *o = (struct otlp *)s;

	if (!o->heartbeat || ev->rec->type != EV_heartbeat)
		return 0;
	int r = otlp_shared_put(&o->shared, ev);
	if (r > 0)
		add(o, COUNT_heartbeats_lost, 1);
	if (o->tell_fd >= 0)
		eventfd_write(o->tell_fd, 1);
	return r < 0 ? r : 0;
}

static void otlp_trouble(const struct sink *s, char *ret_line, size_t cap)
{
	otlp_shared_get_trouble(&((struct otlp *)s)->shared, ret_line, cap);
}

static const struct sink_ops otlp_ops = {
	.name = "otlp",
	.event = otlp_event,
	.trouble = otlp_trouble,
	.stats = otlp_stats,
	.close = otlp_close,
};

/* Signals are the main thread's. */
static int start_thread(struct otlp *o)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&o->thread, NULL, run, o);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!r)
		pthread_setname_np(o->thread, "redshank-otlp");
	return -r;
}

int otlp_open(const struct otlp_config *c, struct sink **ret, struct err *e)
{
	char url[OTLP_URL_MAX + 16];
	const struct http_config http = {
		.url = url,
		.content_type = "application/x-protobuf",
		.user_agent = "redshank/" REDSHANK_VERSION,
		.headers_file = c->headers_file,
		.ca_file = c->ca_file,
		.timeout_ms = c->timeout_ms ? c->timeout_ms : TIMEOUT_MS,
	};
	struct err warning = { "" };

	int r = otlp_url_resolve(c->url, url, e);
	if (r < 0)
		return r;
	struct otlp *o = calloc(1, sizeof(*o));
	if (!o)
		return err_set(e, -ENOMEM, "out of memory");
	o->sink.ops = &otlp_ops;
	o->notify_fd = o->tell_fd = c->notify_fd;
	o->heartbeat = c->heartbeat;
	otlp_shared_init(&o->shared);
	log_limit_init(&o->log, "otlp", c->log);
	otlp_cursor_name(url, o->cursor);
	o->done_fd = -1;
	o->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (o->wake_fd >= 0)
		o->done_fd = eventfd(0, EFD_CLOEXEC);
	if (o->done_fd < 0) {
		r = err_set(e, -errno, "eventfd: %s", strerror(errno));
		goto out;
	}
	r = http_open(&http, &o->http, e);
	if (r < 0)
		goto out;
	r = store_open(c->store_path, 1, &o->store, &warning);
	if (r < 0) {
		err_set(e, r, "%s", warning.text);
		goto out;
	}
	if (*warning.text)
		say(o, ABOUT_store, "%s", warning.text);
	r = start_thread(o);
	if (r < 0) {
		err_set(e, r, "can't start a thread: %s", strerror(-r));
		goto out;
	}
	*ret = &o->sink;
	return 0;
out:
	otlp_free(o);
	return r;
}
