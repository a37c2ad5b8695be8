/* SPDX-License-Identifier: Apache-2.0 */
/* Reading alerts from the store, and the cursors of the sinks that send them on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sink/store_db.h"

#define CURSOR_NAME_MAX 64 /* bytes of a cursor's name */

/* Row numbers that matched; at most as many as the store holds. */
struct rows {
	int64_t *row;
	size_t n, cap;
};

static int rows_add(struct rows *r, int64_t row)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		int64_t *p = realloc(r->row, cap * sizeof(*p));
		if (!p)
			return SQLITE_NOMEM;
		r->row = p;
		r->cap = cap;
	}
	r->row[r->n++] = row;
	return SQLITE_OK;
}

/* Of an alert that was updated only the newest row counts. */
#define WHERE_SQL                                                                 \
	"SELECT row FROM alert WHERE row > ?1 AND time >= ?2 AND severity >= ?3 " \
	"AND (?4 IS NULL OR rule_id = ?4) "                                       \
	"AND NOT EXISTS (SELECT 1 FROM alert u WHERE u.id = alert.id AND u.row > alert.row) "
/* All that begins with ?5: ids are hex digits and dashes, which sort before '~'. */
#define ID_SQL "AND id >= ?5 AND id < ?5 || '~' "

static int find_rows(struct store *s, const struct store_query *q, struct rows *ret)
{
	static const char *const sql[2][2] = {
		{ WHERE_SQL "ORDER BY row LIMIT ?6", WHERE_SQL "ORDER BY row DESC LIMIT ?6" },
		{ WHERE_SQL ID_SQL "ORDER BY row LIMIT ?6",
		  WHERE_SQL ID_SQL "ORDER BY row DESC LIMIT ?6" },
	};
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql[!!q->id][!!q->newest_first], -1, &st, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(st, 1, q->after_row);
	sqlite3_bind_int64(st, 2, q->since > INT64_MAX ? INT64_MAX : (int64_t)q->since);
	sqlite3_bind_int64(st, 3, q->severity_min);
	if (q->rule_id)
		sqlite3_bind_text(st, 4, q->rule_id, -1, SQLITE_STATIC);
	if (q->id)
		sqlite3_bind_text(st, 5, q->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 6, q->limit ? (int64_t)q->limit : -1);
	do {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW && rows_add(ret, sqlite3_column_int64(st, 0)) != SQLITE_OK)
			rc = SQLITE_NOMEM;
	} while (rc == SQLITE_ROW);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

enum {
	COL_row,
	COL_seq,
	COL_time,
	COL_severity,
	COL_id,
	COL_rule_id,
	COL_rule_name,
	COL_message,
	COL_json,
	COL_pb
};
#define ROW_SQL                                                                                  \
	"SELECT row, seq, time, severity, id, rule_id, rule_name, message, json, pb FROM alert " \
	"WHERE row = ?1"

/* Appends a column and a NUL; returns where it begins. */
static size_t copy_column(struct buf *b, sqlite3_stmt *st, int col, size_t *ret_len)
{
	size_t at = b->len;
	const void *p = sqlite3_column_blob(st, col);

	*ret_len = (size_t)sqlite3_column_bytes(st, col);
	if (p)
		buf_put(b, p, *ret_len);
	buf_putc(b, '\0');
	return at;
}

/* Copies a row into b. SQLITE_ROW, or SQLITE_DONE when it has been trimmed away. */
static int read_row(sqlite3_stmt *st, int64_t row, struct buf *b, struct store_alert *ret)
{
	size_t at[COL_pb + 1], len[COL_pb + 1];

	buf_reset(b);
	sqlite3_bind_int64(st, 1, row);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		for (int c = COL_id; c <= COL_pb; c++)
			at[c] = copy_column(b, st, c, &len[c]);
		*ret = (struct store_alert){
			.row = row,
			.seq = (uint64_t)sqlite3_column_int64(st, COL_seq),
			.time = (uint64_t)sqlite3_column_int64(st, COL_time),
			.severity = (unsigned)sqlite3_column_int(st, COL_severity),
			.json_len = len[COL_json],
			.pb_len = len[COL_pb],
		};
	}
	int reset = sqlite3_reset(st);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? rc : reset;
	if (b->failed)
		return SQLITE_NOMEM;
	ret->id = b->data + at[COL_id];
	ret->rule_id = b->data + at[COL_rule_id];
	ret->rule_name = b->data + at[COL_rule_name];
	ret->message = b->data + at[COL_message];
	ret->json = b->data + at[COL_json];
	ret->pb = b->data + at[COL_pb];
	return SQLITE_ROW;
}

/*
 * Two steps, so that no read transaction is open while fn runs (it may wait for a pager or for a
 * backend): such a one would keep the -wal file from being used again, and it would grow.
 */
int store_each(struct store *s, const struct store_query *q, store_fn *fn, void *ctx, struct err *e)
{
	struct rows rows = { 0 };
	struct buf b = { 0 };
	struct store_alert al;
	sqlite3_stmt *st = NULL;
	int stop = store_follow(s, e), rc = SQLITE_OK;

	if (stop)
		return stop;
	rc = find_rows(s, q, &rows);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(s->db, ROW_SQL, -1, &st, NULL);
	for (size_t i = 0; i < rows.n && rc == SQLITE_OK && !stop; i++) {
		rc = read_row(st, rows.row[i], &b, &al);
		if (rc == SQLITE_ROW)
			stop = fn(ctx, &al);
		if (rc == SQLITE_ROW || rc == SQLITE_DONE)
			rc = SQLITE_OK;
	}
	if (rc != SQLITE_OK)
		stop = store_error(s, rc, "read", e);
	sqlite3_finalize(st);
	buf_free(&b);
	free(rows.row);
	return stop;
}

/*
 * Runs a statement with a sink's name as ?1 and a number as ?2. SQLITE_ROW with its first column in
 * *ret, SQLITE_DONE, or an error.
 */
static int cursor_sql(struct store *s, const char *sql, const char *name, int64_t n, int64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
		if (sqlite3_bind_parameter_count(st) > 1)
			sqlite3_bind_int64(st, 2, n);
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW)
			*ret = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return rc;
}

static int cursor_begin(struct store *s, const char *name, struct err *e)
{
	if (!*name || strlen(name) > CURSOR_NAME_MAX)
		return err_set(e, -EINVAL, "a cursor's name has 1 to %d bytes", CURSOR_NAME_MAX);
	return store_follow(s, e);
}

int store_cursor_get(struct store *s, const char *name, int64_t *ret_row, struct err *e)
{
	int64_t row = 0;
	int rc = cursor_begin(s, name, e);

	if (rc)
		return rc;
	rc = cursor_sql(s, "SELECT row FROM cursor WHERE name = ?1", name, 0, &row);
	if (rc == SQLITE_DONE && s->writable)
		rc = cursor_sql(s,
				"INSERT OR IGNORE INTO cursor(name, row, missed) VALUES(?1, 0, 0)",
				name, 0, &row);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return store_error(s, rc, "read a cursor of", e);
	*ret_row = row;
	return 0;
}

int store_cursor_set(struct store *s, const char *name, int64_t row, struct err *e)
{
	int64_t none;
	int rc = cursor_begin(s, name, e);

	if (rc)
		return rc;
	rc = cursor_sql(s,
			"INSERT INTO cursor(name, row, missed) VALUES(?1, ?2, 0) "
			"ON CONFLICT(name) DO UPDATE SET row = max(row, excluded.row)",
			name, row, &none);
	return rc == SQLITE_DONE ? 0 : store_error(s, rc, "move a cursor of", e);
}

int store_missed(struct store *s, const char *name, uint64_t *ret_missed, struct err *e)
{
	int64_t missed = 0;
	int rc = cursor_begin(s, name, e);

	if (rc)
		return rc;
	rc = cursor_sql(s, "SELECT missed FROM cursor WHERE name = ?1", name, 0, &missed);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return store_error(s, rc, "read a cursor of", e);
	*ret_missed = (uint64_t)missed;
	return 0;
}
