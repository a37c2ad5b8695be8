/* SPDX-License-Identifier: Apache-2.0 */
/* One request of the OTLP/HTTP sender: making it, and what its answer means (otlp_http.c). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "encode/otlp.h"
#include "sink/http_retry.h"
#include "sink/otlp_private.h"

#define REQUEST_MAX (4 << 20) /* bytes of a request before compression; one alert may be longer */
#define MESSAGE_LEN 256 /* bytes of a server's message */

void otlp_drop(struct otlp *o, size_t n, unsigned topic, const char *why, const char *message)
{
	add(o, COUNT_dropped, n);
	say(o, topic, "%zu alert%s dropped (still in the store): %s%s%s", n, n == 1 ? "" : "s", why,
	    *message ? ": " : "", message);
}

static enum outcome delivered(struct otlp *o, size_t n)
{
	char message[MESSAGE_LEN];
	int64_t rejected;

	if (otlp_response(o->reply.body.data, o->reply.body.len, &rejected, message,
			  sizeof(message)) < 0) {
		add(o, COUNT_sent, n);
		say(o, ABOUT_answer, "the server took %zu alerts, but its answer is not OTLP", n);
		return SENT;
	}
	size_t lost = rejected <= 0 ? 0 : (uint64_t)rejected > n ? n : (size_t)rejected;
	add(o, COUNT_sent, n - lost);
	add(o, COUNT_rejected, lost);
	if (lost)
		say(o, ABOUT_answer, "the server rejected %zu of %zu alerts: %s", lost, n, message);
	else if (*message)
		say(o, ABOUT_answer, "the server warns: %s", message);
	if (o->failures)
		say(o, ABOUT_recovery, "the server takes alerts again after %u failed attempts",
		    o->failures);
	otlp_shared_trouble(&o->shared, "%s", "");
	return SENT;
}

static enum outcome refused(struct otlp *o, size_t n)
{
	long status = o->reply.status;
	char why[64], message[MESSAGE_LEN];

	add(o, COUNT_http_errors, 1);
	snprintf(why, sizeof(why), "HTTP status %ld", status);
	otlp_status(o->reply.body.data, o->reply.body.len, message, sizeof(message));
	otlp_shared_trouble(&o->shared, "%s%s%s", why, *message ? ": " : "", message);
	if (retry_status(status)) {
		say(o, (unsigned)status, "%s%s%s; trying again", why, *message ? ": " : "",
		    message);
		return RETRY;
	}
	if (n > 1 && status == 413)
		return SPLIT;
	otlp_drop(o, n, (unsigned)status, why, message);
	return SENT;
}

static enum outcome judge(struct otlp *o, int r, size_t n)
{
	switch (r) {
	case 0:
		return o->reply.status / 100 == 2 ? delivered(o, n) : refused(o, n);
	case -ECANCELED:
		return STOPPED;
	case -EMSGSIZE: /* not retryable, by the specification */
		add(o, COUNT_http_errors, 1);
		otlp_drop(o, n, ABOUT_answer, "the server's answer is longer than 4 MiB", "");
		return SENT;
	case -ENOMEM:
		say(o, ABOUT_memory, "out of memory; trying again");
		return RETRY;
	default:
		add(o, COUNT_http_errors, 1);
		otlp_shared_trouble(&o->shared, "%s", o->reply.error);
		say(o, ABOUT_network, "%s; trying again", o->reply.error);
		return RETRY;
	}
}

enum outcome otlp_attempt(struct otlp *o, size_t lo, size_t n)
{
	pb_arena_reset(&o->arena);
	buf_reset(&o->body);
	o->reply.retry_after_s = 0;
	if (otlp_pack(&o->body, &o->arena, o->batch.alert + lo, n, clock_unix()) < 0)
		return judge(o, -ENOMEM, n);
	if (o->body.len > REQUEST_MAX && n > 1)
		return SPLIT;
	add(o, COUNT_requests, 1);
	return judge(o, http_post(o->http, o->body.data, o->body.len, &o->stop_at, &o->reply), n);
}

void otlp_heartbeat(struct otlp *o)
{
	if (!otlp_shared_take(&o->shared, &o->body))
		return;
	add(o, COUNT_requests, 1);
	int r = http_post(o->http, o->body.data, o->body.len, &o->stop_at, &o->reply);
	bool sent = !r && o->reply.status / 100 == 2;
	add(o, sent ? COUNT_heartbeats : COUNT_heartbeats_lost, 1);
	if (sent)
		otlp_shared_trouble(&o->shared, "%s", "");
	else if (r)
		otlp_shared_trouble(&o->shared, "%s", o->reply.error);
	else
		otlp_shared_trouble(&o->shared, "HTTP status %ld", o->reply.status);
}
