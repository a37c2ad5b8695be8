/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 client that POSTs gzip bodies to one URL over a connection that it keeps. It can be
 * stopped from another thread at a given moment, in whatever it waits for.
 */
#ifndef REDSHANK_SINK_HTTP_POST_H
#define REDSHANK_SINK_HTTP_POST_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define HTTP_REPLY_MAX 4194304 /* bytes of a response's body */

struct http_config {
	const char *url; /* checked by the caller */
	const char *content_type;
	const char *user_agent;
	const char *headers_file; /* NULL: none; see http_headers.h */
	const char *ca_file; /* NULL: the system's */
	unsigned timeout_ms; /* of one request */
};

struct http_reply {
	long status; /* 0: there was none */
	int64_t retry_after_s; /* Retry-After, as seconds or as a date; 0: none */
	struct buf body;
	char error[256]; /* what went wrong, when http_post() failed */
};

struct http_client;

int http_open(const struct http_config *c, struct http_client **ret, struct err *e);
void http_close(struct http_client *h);

/*
 * Sends the body and waits for the answer. stop_at: CLOCK_MONOTONIC ns at which to give up, 0 for
 * never; another thread may set it while this runs and then call http_wake().
 * 0 with ret->status, whatever it is; -EIO when the exchange failed; -EMSGSIZE when the response is
 * too long; -ECANCELED at stop_at; -ENOMEM. ret->body is reused: the caller frees it at the end.
 */
int http_post(struct http_client *h, const void *body, size_t len, const _Atomic uint64_t *stop_at,
	      struct http_reply *ret);

/* Makes a running http_post() look at *stop_at. For any thread. */
void http_wake(struct http_client *h);

#endif
