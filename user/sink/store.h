/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local alert store: one SQLite file, bounded, that needs no backend. It is also the durable
 * queue of the remote sinks: each keeps a cursor here and sends what lies behind it, so alerts
 * survive a restart and a backend that is down.
 */
#ifndef REDSHANK_SINK_STORE_H
#define REDSHANK_SINK_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sink/sink.h"

#define STORE_ALERTS_MAX 100000 /* default bound; the oldest go first */

struct store;

/* A stored alert. Pointers are valid until the callback returns. */
struct store_alert {
	int64_t row; /* ascending in order of arrival, never reused */
	uint64_t seq, time; /* as in struct alert */
	unsigned severity;
	const char *id, *rule_id, *rule_name, *message; /* valid UTF-8 */
	const char *json; /* the alert as `tail -o json` shows it, without newline */
	size_t json_len;
	const void *pb; /* redshank.v1.Alert, packed */
	size_t pb_len;
};

struct store_query {
	int64_t after_row; /* only rows above it; 0: from the first */
	const char *id; /* exactly this id, or the alerts whose id starts so; NULL: any */
	const char *rule_id; /* NULL: any */
	unsigned severity_min; /* 0: any */
	uint64_t since; /* Unix ns; 0: any */
	unsigned limit; /* 0: all */
	int newest_first;
};

/* Non-zero stops. */
typedef int store_fn(void *ctx, const struct store_alert *al);

/*
 * Opens (for writing: creates, mode 0600, with its directory 0700) the store at path. Each thread
 * needs its own. 0, or negative errno with *e saying what to do.
 */
int store_open(const char *path, int writable, struct store **ret, struct err *e);
void store_close(struct store *s);

/* 0, the callback's value, or negative errno. */
int store_each(struct store *s, const struct store_query *q, store_fn *fn, void *ctx, struct err *e);

/* The last row that the named sink has delivered; 0 at first. */
int store_cursor_get(struct store *s, const char *name, int64_t *ret_row, struct err *e);
int store_cursor_set(struct store *s, const char *name, int64_t row, struct err *e);
/* Rows that were trimmed away before the named sink's cursor reached them. */
int store_missed(struct store *s, const char *name, uint64_t *ret_missed, struct err *e);

/*
 * The sink that fills a store, keeping at most alerts_max. Alerts are written in one transaction
 * per flush; notify_fd (an eventfd, or -1) is written to after each transaction.
 */
int store_sink_open(const char *path, unsigned alerts_max, int notify_fd, struct sink **ret,
		    struct err *e);

#endif
