/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alert store's handle: opening, schema, what to do with a corrupt file. The file is treated as
 * hostile where that costs nothing: no triggers, no views, no extensions, defensive mode, checked
 * cell sizes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "sink/store_db.h"

#define APPLICATION_ID 0x5253484b /* "RSHK" */
#define SCHEMA_VERSION 1
#define BUSY_MS	       5000
#define VALUE_MAX      (64 << 20) /* bytes of one column; an alert takes less than 2 MiB */

#define STRING(x_)  STRING_(x_)
#define STRING_(x_) #x_

/*
 * The id is not unique: a recording that is replayed into the store again has the same ones. Rows
 * are contiguous: they are added above and deleted below (store_trim()).
 */
static const char schema_sql[] =
	"CREATE TABLE alert("
	" row INTEGER PRIMARY KEY AUTOINCREMENT,"
	" id TEXT NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, severity INTEGER NOT NULL,"
	" rule_id TEXT NOT NULL, rule_name TEXT NOT NULL, message TEXT NOT NULL,"
	" json TEXT NOT NULL, pb BLOB NOT NULL);"
	"CREATE INDEX alert_id ON alert(id);"
	"CREATE TABLE cursor("
	" name TEXT PRIMARY KEY, row INTEGER NOT NULL, missed INTEGER NOT NULL) WITHOUT ROWID;"
	"PRAGMA application_id = " STRING(APPLICATION_ID) ";"
							  "PRAGMA user_version = " STRING(
								  SCHEMA_VERSION) ";";

static int errno_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_TOOBIG:
		return -EMSGSIZE;
	default:
		return -EIO;
	}
}

int store_error(struct store *s, int rc, const char *what, struct err *e)
{
	const char *why = s->db && sqlite3_extended_errcode(s->db) == rc ? sqlite3_errmsg(s->db)
									 : sqlite3_errstr(rc);
	return err_set(e, errno_of(rc), "can't %s alert store %s: %s", what, s->path, why);
}

int store_number(struct store *s, const char *sql, int64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW)
			*ret = sqlite3_column_int64(st, 0);
		rc = rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
	}
	sqlite3_finalize(st);
	return rc;
}

/* "file:" URI (RFC 3986) of a path for a medium on which nothing can change. */
static void immutable_uri(struct buf *b, const char *path)
{
	buf_puts(b, "file:");
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    strchr("/._-0123456789", *p))
			buf_putc(b, (char)*p);
		else
			buf_printf(b, "%%%02X", *p);
	}
	buf_puts(b, "?immutable=1");
}

static int connect_db(struct store *s, const char *name, int flags)
{
	static const char setup_sql[] = "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;";

	sqlite3_close(s->db);
	s->db = NULL;
	int rc = sqlite3_open_v2(name, &s->db,
				 flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
					 (s->writable ? SQLITE_OPEN_READWRITE
						      : SQLITE_OPEN_READONLY),
				 NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	rc = sqlite3_exec(s->db, setup_sql, NULL, NULL, NULL);
	int64_t tables; /* the file is not read before this */
	return rc == SQLITE_OK ? store_number(s, "SELECT count(*) FROM sqlite_master", &tables)
			       : rc;
}

/*
 * Where we may not make the -shm file that WAL wants (read-only medium, another's directory), we
 * can still read what nobody is writing now.
 */
static int connect_immutable(struct store *s)
{
	char wal[PATH_MAX + 8];
	struct buf uri = { 0 };

	snprintf(wal, sizeof(wal), "%s-wal", s->path);
	if (!access(wal, F_OK))
		return SQLITE_CANTOPEN;
	immutable_uri(&uri, s->path);
	int rc = connect_db(s, buf_str(&uri), SQLITE_OPEN_URI);
	buf_free(&uri);
	return rc;
}

/* Makes the tables in an empty file. Two processes may start at once: the first does it. */
static int create_schema(struct store *s)
{
	int64_t version = 0;
	int rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = store_number(s, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK && !version)
		rc = sqlite3_exec(s->db, schema_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* Returns SQLite's code; *ret_err is the negative errno of what SQLite has no code for. */
static int open_db(struct store *s, int *ret_err, struct err *e)
{
	/* Some distributions overwrite what is deleted: trimming would write it all again. */
	static const char wal_sql[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
				      "PRAGMA journal_size_limit = 16777216;"
				      "PRAGMA secure_delete = OFF;";
	int64_t version, app = 0, tables = 0, ends;

	int rc = connect_db(s, s->path, 0);
	if (((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY) && !s->writable)
		rc = connect_immutable(s);
	if (rc == SQLITE_OK)
		rc = store_number(s, "SELECT count(*) FROM sqlite_master", &tables);
	if (rc == SQLITE_OK && s->writable && !tables)
		rc = create_schema(s);
	if (rc == SQLITE_OK)
		rc = store_number(s, "PRAGMA application_id", &app);
	if (rc == SQLITE_OK)
		rc = store_number(s, "PRAGMA user_version", &version);
	if (rc != SQLITE_OK)
		return rc;

	if (app != APPLICATION_ID || version < 1)
		*ret_err =
			err_set(e, -EBADMSG,
				"%s is not an alert store: choose another with --store", s->path);
	else if (version > SCHEMA_VERSION)
		*ret_err = err_set(
			e, -ENOTSUP,
			"alert store %s is of a newer redshank (schema %lld, this one knows "
			"%d): upgrade, or choose another with --store",
			s->path, (long long)version, SCHEMA_VERSION);
	if (*ret_err)
		return SQLITE_OK;
	if (s->writable)
		rc = sqlite3_exec(s->db, wal_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK) /* both ends of the table: where damage would stop the sink */
		rc = store_number(s, "SELECT max(row) FROM alert", &ends);
	if (rc == SQLITE_OK)
		rc = store_number(s, "SELECT min(row) FROM alert", &ends);
	return rc;
}

/*
 * Might this file have been a store? A mistyped --store must not rename, say, /etc/passwd: it is
 * one if it begins as SQLite's files do, or at least is called *.db.
 */
static int was_store(struct store *s)
{
	static const char magic[16] = "SQLite format 3"; /* sqlite.org/fileformat.html */
	char head[sizeof(magic)];
	size_t n = strlen(s->path);
	sqlite3_file *f = NULL;

	if (n > 3 && !strcmp(s->path + n - 3, ".db"))
		return 1;
	/* By SQLite's own descriptor: closing another would drop all POSIX locks on the file. */
	return s->db &&
	       sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_FILE_POINTER, &f) == SQLITE_OK && f &&
	       f->pMethods && f->pMethods->xRead(f, head, sizeof(head), 0) == SQLITE_OK &&
	       !memcmp(head, magic, sizeof(magic));
}

int store_recreate(struct store *s, struct err *e)
{
	char aside[PATH_MAX];
	int err = 0;

	if (s->db) /* its -wal is left as it is */
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(s->db);
	s->db = NULL;
	int rc = store_path_set_aside(s->path, aside, e);
	if (rc)
		return rc;
	rc = store_path_check(s->path, 1, s->path, e);
	if (rc)
		return rc;
	rc = open_db(s, &err, e);
	if (rc != SQLITE_OK)
		return store_error(s, rc, "create", e);
	return err ? err
		   : err_set(e, 0,
			     "alert store %s was corrupt: it is now %s, and a fresh one was made",
			     s->path, aside);
}

static int open_or_recreate(struct store *s, struct err *e)
{
	int err = 0;
	int rc = open_db(s, &err, e);

	if (store_rc_corrupt(rc) && !was_store(s))
		err = err_set(e, -EBADMSG, "%s is not an alert store: choose another with --store",
			      s->path);
	else if (store_rc_corrupt(rc) && s->writable)
		err = store_recreate(s, e);
	else if (store_rc_corrupt(rc))
		err = err_set(e, -EBADMSG,
			      "alert store %s is corrupt (%s): the sensor sets it aside and makes "
			      "a fresh one when it starts",
			      s->path, sqlite3_errstr(rc));
	else if (rc != SQLITE_OK)
		err = store_error(s, rc, "open", e);
	if (err) { /* so that store_follow() does not take it for ours */
		sqlite3_close(s->db);
		s->db = NULL;
	}
	return err;
}

int store_open(const char *path, int writable, struct store **ret, struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	err_set(e, 0, "%s", "");
	s->writable = writable;
	int rc = store_path_check(path, writable, s->path, e);
	if (!rc)
		rc = open_or_recreate(s, e);
	if (rc) {
		store_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	free(s);
}

int store_follow(struct store *s, struct err *e)
{
	int moved = 0;

	if (s->db && (sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_HAS_MOVED, &moved) || !moved))
		return 0;
	int rc = store_path_check(s->path, s->writable, s->path, e);
	return rc ? rc : open_or_recreate(s, e);
}
