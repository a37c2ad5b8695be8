/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that fills the store. Alerts are encoded at once, as they are only borrowed, and wait in
 * one buffer for the flush: one transaction per batch of the pipeline, no allocation per alert.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "encode/alert_pb.h"
#include "encode/json.h"
#include "sink/store_db.h"

#define PENDING_ALERTS 1024
#define PENDING_BYTES  (8 << 20)
#define BUSY_MS	       200 /* the pipeline must not wait long for another writer */

enum { PART_id, PART_rule_id, PART_rule_name, PART_message, PART_json, PART_pb, PARTS };

/* An encoded alert: its parts stand one after the other in bytes, from off. */
struct pending {
	uint64_t seq, time;
	unsigned severity;
	size_t off, len[PARTS];
};

struct store_sink {
	struct sink base;
	struct store *store;
	unsigned alerts_max;
	int notify_fd;
	struct pb_arena arena;
	struct buf bytes;
	unsigned npending;
	struct pending pending[PENDING_ALERTS];
	int64_t last_row; /* last one written: rows ascend even if the file is replaced */
	uint64_t retry_at; /* CLOCK_MONOTONIC ns; 0: the last flush succeeded */
	char error[600]; /* why it did not */
	int recreated; /* only once: a broken disk must not fill up with corrupt files */
	uint64_t stored, trimmed, errors, dropped, rows;
};

/* --- trimming --- */

/* Bytes of the pages in use. Freed ones are counted out: they are used again. */
static int bytes_used(struct store *s, uint64_t *ret)
{
	int64_t pages = 0, unused = 0, size = 0;
	int rc = store_number(s, "PRAGMA page_count", &pages);

	if (rc == SQLITE_OK)
		rc = store_number(s, "PRAGMA freelist_count", &unused);
	if (rc == SQLITE_OK)
		rc = store_number(s, "PRAGMA page_size", &size);
	*ret = (uint64_t)(pages - unused) * (uint64_t)size;
	return rc;
}

static int run(struct store *s, const char *sql, int64_t a, int64_t b)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, a);
		if (sqlite3_bind_parameter_count(st) > 1)
			sqlite3_bind_int64(st, 2, b);
		rc = sqlite3_step(st);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Rows are contiguous: they are only added above and deleted below. */
static int delete_through(struct store *s, int64_t first, int64_t cut)
{
	int rc = run(s,
		     "UPDATE cursor SET missed = missed + ?1 - max(row, ?2 - 1), row = ?1 "
		     "WHERE row < ?1",
		     cut, first);
	return rc == SQLITE_OK ? run(s, "DELETE FROM alert WHERE row <= ?1", cut, 0) : rc;
}

int store_trim(struct store *s, unsigned alerts_max, uint64_t bytes_max, struct store_extent *ret)
{
	int64_t first = 0, last = 0, from;
	uint64_t used;
	int rc = store_number(s, "SELECT min(row) FROM alert", &first);

	if (rc == SQLITE_OK)
		rc = store_number(s, "SELECT max(row) FROM alert", &last);
	if (rc != SQLITE_OK)
		return rc;
	from = first;
	if (last && last - first >= alerts_max) {
		rc = delete_through(s, first, last - alerts_max);
		first = last - alerts_max + 1;
	}
	/* In steps of 1/32, so that this is not done anew at every flush. */
	while (rc == SQLITE_OK && (rc = bytes_used(s, &used)) == SQLITE_OK && used > bytes_max &&
	       first < last) {
		int64_t cut = first + (last - first) / 32;
		rc = delete_through(s, first, cut);
		first = cut + 1;
	}
	if (rc != SQLITE_OK)
		return rc;
	ret->rows = last ? (uint64_t)(last - first + 1) : 0;
	ret->trimmed = (uint64_t)(first - from);
	return SQLITE_OK;
}

/* --- writing --- */

static int insert_pending(struct store_sink *k, int64_t *ret_last)
{
	static const char sql[] = "INSERT INTO alert(row, seq, time, severity, id, rule_id, "
				  "rule_name, message, json, pb) "
				  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
	int64_t row = 0;
	sqlite3_stmt *st = NULL;
	int rc = store_number(k->store, "SELECT seq FROM sqlite_sequence WHERE name = 'alert'",
			      &row);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(k->store->db, sql, -1, &st, NULL);
	if (row < k->last_row)
		row = k->last_row;
	for (unsigned i = 0; i < k->npending && rc == SQLITE_OK; i++) {
		const struct pending *p = &k->pending[i];
		const char *at = k->bytes.data + p->off;

		sqlite3_bind_int64(st, 1, ++row);
		sqlite3_bind_int64(st, 2, (int64_t)p->seq);
		sqlite3_bind_int64(st, 3, (int64_t)p->time);
		sqlite3_bind_int64(st, 4, p->severity);
		for (int j = 0; j < PARTS; at += p->len[j++]) {
			if (j == PART_pb)
				sqlite3_bind_blob64(st, 5 + j, at, p->len[j], SQLITE_STATIC);
			else
				sqlite3_bind_text64(st, 5 + j, at, p->len[j], SQLITE_STATIC,
						    SQLITE_UTF8);
		}
		rc = sqlite3_step(st);
		int reset = sqlite3_reset(st);
		rc = rc == SQLITE_DONE ? SQLITE_OK : reset;
	}
	sqlite3_finalize(st);
	*ret_last = row;
	return rc;
}

static int write_pending(struct store_sink *k)
{
	struct store_extent ext;
	int64_t last = 0;
	sqlite3 *db = k->store->db;
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = insert_pending(k, &last);
	if (rc == SQLITE_OK)
		rc = store_trim(k->store, k->alerts_max, STORE_BYTES_MAX, &ext);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		if (!sqlite3_get_autocommit(db))
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		return rc;
	}
	k->last_row = last;
	k->stored += k->npending;
	k->trimmed += ext.trimmed;
	k->rows = ext.rows;
	return SQLITE_OK;
}

static int write_once(struct store_sink *k, struct err *e)
{
	int rc = store_follow(k->store, e);

	if (rc)
		return rc;
	sqlite3_busy_timeout(k->store->db, BUSY_MS);
	rc = write_pending(k);
	if (store_rc_corrupt(rc) && !k->recreated) {
		k->recreated = 1;
		rc = store_recreate(k->store, e);
		if (rc)
			return rc;
		rc = write_pending(k);
	}
	return rc == SQLITE_OK ? 0 : store_error(k->store, rc, "write", e);
}

static int flush(struct store_sink *k)
{
	struct err e = { "" };

	if (!k->npending)
		return 0;
	int rc = write_once(k, &e);
	if (rc) {
		snprintf(k->error, sizeof(k->error), "%s; %u alerts wait", e.text, k->npending);
		k->errors++;
		k->retry_at = clock_monotonic() + NSEC_PER_SEC;
		return rc;
	}
	k->retry_at = 0;
	k->npending = 0;
	buf_reset(&k->bytes);
	if (k->notify_fd >= 0)
		eventfd_write(k->notify_fd, 1); /* full: the reader has not woken yet, but will */
	return 0;
}

static int store_sink_flush(struct sink *sink)
{
	struct store_sink *k = (struct store_sink *)sink;

	return k->retry_at && clock_monotonic() < k->retry_at ? 0 : flush(k);
}

static void put_text(struct store_sink *k, struct pending *p, int part, const char *s)
{
	p->len[part] = strlen(s);
	buf_put(&k->bytes, s, p->len[part]);
}

static int encode(struct store_sink *k, const struct alert *al, struct pending *p)
{
	pb_arena_reset(&k->arena);
	Redshank__V1__Alert *pb = alert_to_pb(&k->arena, al);
	if (!pb)
		return -ENOMEM;

	*p = (struct pending){ .seq = pb->sequence,
			       .time = pb->time_unix_nano,
			       .severity = (unsigned)pb->severity,
			       .off = k->bytes.len };
	put_text(k, p, PART_id, pb->id);
	put_text(k, p, PART_rule_id, pb->rule ? pb->rule->id : "");
	put_text(k, p, PART_rule_name, pb->rule ? pb->rule->name : "");
	put_text(k, p, PART_message, pb->message);
	size_t json = k->bytes.len;
	json_alert(&k->bytes, al, 0);
	size_t packed = k->bytes.len;
	alert_pack(&k->bytes, pb);
	p->len[PART_json] = packed - json;
	p->len[PART_pb] = k->bytes.len - packed;
	if (!k->bytes.failed)
		return 0;
	k->bytes.len = p->off;
	k->bytes.failed = false;
	return -ENOMEM;
}

static int store_sink_alert(struct sink *sink, const struct alert *al)
{
	struct store_sink *k = (struct store_sink *)sink;

	if (k->npending == PENDING_ALERTS || k->bytes.len >= PENDING_BYTES)
		store_sink_flush(sink);
	if (k->npending == PENDING_ALERTS || k->bytes.len >= PENDING_BYTES) {
		k->dropped++;
		return -ENOBUFS;
	}
	int rc = encode(k, al, &k->pending[k->npending]);
	if (rc)
		k->dropped++;
	else
		k->npending++;
	return rc;
}

static void store_sink_stats(const struct sink *sink,
			     void (*put)(void *ctx, const char *key, uint64_t value), void *ctx)
{
	const struct store_sink *k = (const struct store_sink *)sink;

	put(ctx, "stored", k->stored);
	put(ctx, "trimmed", k->trimmed);
	put(ctx, "errors", k->errors); /* transactions that failed */
	put(ctx, "dropped", k->dropped); /* alerts that were lost so, or for lack of memory */
	put(ctx, "pending", k->npending);
	put(ctx, "rows", k->rows);
}

static void store_sink_trouble(const struct sink *sink, char *line, size_t cap)
{
	const struct store_sink *k = (const struct store_sink *)sink;

	snprintf(line, cap, "%s", k->retry_at ? k->error : "");
}

static void store_sink_close(struct sink *sink, uint64_t deadline)
{
	struct store_sink *k = (struct store_sink *)sink;

	(void)deadline; /* one transaction, which waits BUSY_MS for another writer at most */
	if (!k)
		return;
	if (k->store)
		flush(k);
	store_close(k->store);
	pb_arena_free(&k->arena);
	buf_free(&k->bytes);
	free(k);
}

static const struct sink_ops store_ops = {
	.name = "store",
	.alert = store_sink_alert,
	.flush = store_sink_flush,
	.stats = store_sink_stats,
	.trouble = store_sink_trouble,
	.close = store_sink_close,
};

int store_sink_open(const char *path, unsigned alerts_max, int notify_fd, struct sink **ret,
		    struct err *e)
{
	struct store_sink *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(e, -ENOMEM, "out of memory");
	k->base.ops = &store_ops;
	k->alerts_max = alerts_max ? alerts_max : STORE_ALERTS_MAX;
	k->notify_fd = notify_fd;
	int rc = store_open(path, 1, &k->store, e);
	if (rc) {
		store_sink_close(&k->base, 0);
		return rc;
	}
	int64_t rows = 0;
	if (store_number(k->store,
			 "SELECT (SELECT max(row) FROM alert) - (SELECT min(row) FROM alert) + 1",
			 &rows) == SQLITE_OK)
		k->rows = (uint64_t)rows;
	*ret = &k->base;
	return 0;
}
