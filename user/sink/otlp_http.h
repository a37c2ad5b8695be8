/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwards alerts to an OTLP/HTTP endpoint (POST /v1/logs, protobuf, gzip): a thread that reads the
 * store behind its cursor, so nothing is lost while the backend is away.
 */
#ifndef REDSHANK_SINK_OTLP_HTTP_H
#define REDSHANK_SINK_OTLP_HTTP_H

#include <stdbool.h>

#include "base/err.h"
#include "sink/sink.h"

struct otlp_config {
	const char *url; /* http:// or https://; /v1/logs is appended if it has no path */
	const char *headers_file; /* lines "Name: value" (secrets never in argv); NULL: none */
	const char *ca_file; /* NULL: the system's */
	const char *store_path;
	int notify_fd; /* eventfd that the store sink writes to */
	unsigned timeout_ms; /* of one request; 0: 10000 */
	bool heartbeat; /* forwards heartbeats too */
	void (*log)(const char *line); /* called from the sender's thread; NULL: silent */
};

/* Is this a URL that otlp_open() takes? 0 or -EINVAL. */
int otlp_url_check(const char *url, struct err *e);

/*
 * Starts the sender. It takes alerts from the store, not by call, and of events only heartbeats:
 * each is tried once, after the alerts, and where it can't be sent the next one takes its place.
 */
int otlp_open(const struct otlp_config *c, struct sink **ret, struct err *e);

#endif
