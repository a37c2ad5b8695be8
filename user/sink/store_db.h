/* SPDX-License-Identifier: Apache-2.0 */
/* What the store's own files share: the handle, the checks of its path, error texts. */
#ifndef REDSHANK_SINK_STORE_DB_H
#define REDSHANK_SINK_STORE_DB_H

#include <limits.h>
#include <sqlite3.h>
#include <stdint.h>

#include "base/err.h"
#include "sink/store.h"

struct store {
	sqlite3 *db;
	int writable;
	char path[PATH_MAX]; /* as store_path_check() resolved it */
};

/*
 * Makes sure that nobody but us and root can have put the store there or can change it, and that it
 * exists: for writing, a missing file and its directory are created. The resolved path goes to ret.
 */
int store_path_check(const char *path, int writable, char ret[PATH_MAX], struct err *e);

/* Renames a corrupt store and its -wal; the new name goes to ret. */
int store_path_set_aside(const char *path, char ret[PATH_MAX], struct err *e);

/* Fills e from SQLite's result code rc and returns the negative errno for it. */
int store_error(struct store *s, int rc, const char *what, struct err *e);

static inline int store_rc_corrupt(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

/* The first column of the first row of a query without parameters. Returns SQLite's code. */
int store_number(struct store *s, const char *sql, int64_t *ret);

/*
 * Sets the database aside as corrupt and makes a fresh one. 0 with *e telling the corrupt one's
 * name, or negative errno: then s has no database until store_follow() succeeds.
 */
int store_recreate(struct store *s, struct err *e);

/*
 * To be called before each use: the file may have been set aside by another handle, or removed.
 * Goes on with the one that is there now.
 */
int store_follow(struct store *s, struct err *e);

struct store_extent {
	uint64_t rows; /* that are left */
	uint64_t trimmed;
};

/*
 * Within a transaction: deletes the oldest alerts until at most alerts_max are left that use at
 * most bytes_max, and tells what is left. Returns SQLite's code.
 */
int store_trim(struct store *s, unsigned alerts_max, uint64_t bytes_max, struct store_extent *ret);

#endif
