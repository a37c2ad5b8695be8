/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the store may be. A root daemon writes it and root reads it, so no other user may be able
 * to choose the file (symbolic links, planted files) or swap a directory above it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sink/store_db.h"

#define SUFFIX_MAX 48 /* ".corrupt-<time>.<n>-wal" */

static int trusted_owner(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

static int check_dir(const char *dir, int is_last, struct err *e)
{
	struct stat st;

	if (lstat(dir, &st))
		return err_set(e, -errno, "can't look at directory %s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "%s is not a directory", dir);
	if (!trusted_owner(&st))
		return err_set(e, -EPERM,
			       "directory %s belongs to uid %u, who could replace the alert store: "
			       "choose another with --store, or chown it",
			       dir, st.st_uid);
	/* In a sticky directory such as /tmp nobody can rename what is ours. */
	mode_t bad = is_last ? S_IWGRP | S_IWOTH : st.st_mode & S_ISVTX ? 0 : S_IWOTH;
	if (st.st_mode & bad)
		return err_set(e, -EPERM,
			       "directory %s can be written to by others (mode %04o): "
			       "chmod go-w it, or choose another with --store",
			       dir, st.st_mode & 07777);
	return 0;
}

/* Each directory from / down to dir, which is absolute and free of links. */
static int check_dirs(char *dir, struct err *e)
{
	int rc = check_dir("/", !dir[1], e);

	for (char *p = dir + 1; !rc && *p;) {
		p += strcspn(p, "/");
		char c = *p;
		*p = '\0';
		rc = check_dir(dir, !c, e);
		*p = c;
		p += c == '/';
	}
	return rc;
}

static int check_file(const char *path, int writable, struct err *e)
{
	struct stat st;

	if (lstat(path, &st)) {
		if (errno != ENOENT)
			return err_set(e, -errno, "can't look at %s: %s%s", path, strerror(errno),
				       errno == EACCES ? " (are you root?)" : "");
		if (!writable)
			return err_set(e, -ENOENT,
				       "no alert store at %s: `redshank run` (as root) makes it, "
				       "--store names another",
				       path);
		int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return err_set(e, -errno, "can't create %s: %s", path, strerror(errno));
		close(fd);
		return 0;
	}
	if (S_ISLNK(st.st_mode))
		return err_set(e, -ELOOP, "%s is a symbolic link: name the alert store itself",
			       path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s is not a regular file", path);
	if (!trusted_owner(&st))
		return err_set(e, -EPERM, "%s belongs to uid %u: not taken as an alert store", path,
			       st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(
			e, -EPERM,
			"%s can be written to by others (mode %04o): remove it or chmod go-w it",
			path, st.st_mode & 07777);
	if (access(path, writable ? R_OK | W_OK : R_OK))
		return err_set(e, -errno, "can't %s %s: %s%s", writable ? "write" : "read", path,
			       strerror(errno), errno == EACCES ? " (are you root?)" : "");
	return 0;
}

int store_path_check(const char *path, int writable, char ret[PATH_MAX], struct err *e)
{
	char dir[PATH_MAX], real[PATH_MAX];
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	struct stat st;

	if (!*base || !strcmp(base, ".") || !strcmp(base, ".."))
		return err_set(e, -EINVAL, "\"%s\" is not the name of an alert store's file", path);
	size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
	if (strlen(path) >= sizeof(dir) - SUFFIX_MAX)
		return err_set(e, -ENAMETOOLONG, "the path of the alert store is too long");
	memcpy(dir, n ? path : ".", n ? n : 1);
	dir[n ? n : 1] = '\0';

	if (writable && mkdir(dir, 0700) && errno != EEXIST)
		return err_set(e, -errno, "can't create directory %s: %s%s", dir, strerror(errno),
			       errno == EACCES ? " (are you root?)" : "");
	if (!lstat(dir, &st) && S_ISLNK(st.st_mode) && !trusted_owner(&st))
		return err_set(e, -EPERM, "%s is a symbolic link of uid %u", dir, st.st_uid);
	if (!realpath(dir, real)) {
		if (errno == ENOENT && !writable)
			return err_set(e, -ENOENT,
				       "no alert store at %s: `redshank run` (as root) makes it, "
				       "--store names another",
				       path);
		return err_set(e, -errno, "can't look at directory %s: %s", dir, strerror(errno));
	}
	if (strlen(real) + strlen(base) >= PATH_MAX - SUFFIX_MAX)
		return err_set(e, -ENAMETOOLONG, "the path of the alert store is too long");
	int rc = check_dirs(real, e);
	if (rc)
		return rc;

	char full[2 * PATH_MAX];
	snprintf(full, sizeof(full), "%s/%s", real[1] ? real : "", base);
	rc = check_file(full, writable, e);
	if (rc)
		return rc;
	memcpy(ret, full, strlen(full) + 1);
	return 0;
}

int store_path_set_aside(const char *path, char ret[PATH_MAX], struct err *e)
{
	char to[2 * PATH_MAX], wal[2 * PATH_MAX], wal_to[3 * PATH_MAX], when[24];
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm) || !strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm))
		return err_set(e, -ERANGE, "the clock is out of range");
	snprintf(to, sizeof(to), "%s.corrupt-%s", path, when);
	for (unsigned n = 1; !access(to, F_OK) && n < 1000; n++)
		snprintf(to, sizeof(to), "%s.corrupt-%s.%u", path, when, n);

	if (rename(path, to))
		return err_set(e, -errno, "can't rename the corrupt %s: %s", path, strerror(errno));
	/* What it had not yet merged stays with it; the fresh one must not find it. */
	snprintf(wal, sizeof(wal), "%s-wal", path);
	snprintf(wal_to, sizeof(wal_to), "%s-wal", to);
	if (rename(wal, wal_to) && errno != ENOENT)
		return err_set(e, -errno, "can't rename %s: %s", wal, strerror(errno));
	snprintf(wal, sizeof(wal), "%s-shm", path);
	if (unlink(wal) && errno != ENOENT)
		return err_set(e, -errno, "can't remove %s: %s", wal, strerror(errno));
	memcpy(ret, to, strlen(to) + 1); /* SUFFIX_MAX left room for it */
	return 0;
}
