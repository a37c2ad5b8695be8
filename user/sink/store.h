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

#define STORE_PATH_DEFAULT "/var/lib/redshank/alerts.db"
#define STORE_ALERTS_MAX   100000 /* default bound; the oldest go first */
/*
 * Second bound: bytes in use. The file grows to this and one batch (8 MiB) and stays there, as
 * freed pages are used again; the -wal file beside it stays below 32 MiB. Worst case on disk: 552
 * MiB, and as much again for each *.corrupt-* file until somebody removes it.
 */
#define STORE_BYTES_MAX (512ull << 20)

struct store;

/* A stored alert. Pointers are valid until the callback returns. */
struct store_alert {
	int64_t row; /* ascending in order of arrival, never reused */
	uint64_t seq, time; /* as in struct alert */
	unsigned severity;
	const char *id, *rule_id, *rule_name, *message; /* UTF-8, as it was stored */
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
 * needs its own. 0, or negative errno with *e saying what to do: -ENOENT when there is none to
 * read, -EACCES, -EPERM (somebody else could change it), -ELOOP (a symbolic link), -EBADMSG
 * (corrupt or not a store), -ENOTSUP (of a newer version).
 *
 * A corrupt store that is opened for writing is renamed to <path>.corrupt-<time>, and a fresh one
 * is made: then 0 is returned with a warning in e->text, which is "" otherwise.
 */
int store_open(const char *path, int writable, struct store **ret, struct err *e);
void store_close(struct store *s);

/*
 * Calls fn for the alerts that match when the call begins. No lock is held while fn runs, so it may
 * be slow, and may use the store. 0, the callback's value, or negative errno.
 */
int store_each(struct store *s, const struct store_query *q, store_fn *fn, void *ctx,
	       struct err *e);

/*
 * The last row that the named sink has delivered; 0 at first. The first call on a writable store
 * registers the sink. A cursor never goes back; trimming moves it over the rows it takes away.
 */
int store_cursor_get(struct store *s, const char *name, int64_t *ret_row, struct err *e);
int store_cursor_set(struct store *s, const char *name, int64_t row, struct err *e);
/* Rows that were trimmed away before the named sink's cursor reached them. */
int store_missed(struct store *s, const char *name, uint64_t *ret_missed, struct err *e);

/*
 * The sink that fills a store, keeping at most alerts_max (0: STORE_ALERTS_MAX). Alerts are written
 * in one transaction per flush; notify_fd (an eventfd, or -1) is written to after each transaction.
 * When writing fails (disk full), up to 1024 alerts wait in memory and the next are dropped and
 * counted; it is tried again once a second. Returns as store_open() does.
 */
int store_sink_open(const char *path, unsigned alerts_max, int notify_fd, struct sink **ret,
		    struct err *e);

#endif
