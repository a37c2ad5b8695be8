/* SPDX-License-Identifier: Apache-2.0 */
/* Names of user ids: a sorted copy of the host's passwd file. */
#include "enrich/users.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define FILE_MAX (64 << 20) /* a larger passwd file is not read */
#define NAME_CAP 256 /* LOGIN_NAME_MAX, with its NUL; entries with longer names are skipped */

struct entry {
	uint32_t uid, name; /* offset in names */
};

/* The one table; see users.h for who may use it. */
static struct {
	bool ready, disabled;
	const char *path;
	uint32_t mntns; /* 0: not known, so that nothing is of the host */
	struct stat seen; /* all zero: there is no file */
	uint64_t next_check; /* CLOCK_MONOTONIC ns */
	struct entry *entries; /* by uid; the file's first entry of a uid comes first */
	size_t count, cap;
	struct buf names;
} users;

static uint32_t ns_inode(const char *path)
{
	char link[64];
	unsigned ino;
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	if (n <= 0)
		return 0;
	link[n] = '\0';
	return sscanf(link, "mnt:[%u]", &ino) == 1 ? ino : 0;
}

/* In a container that shares the host's pid namespace, the host's file is seen through pid 1. */
static void find_host(void)
{
	uint32_t own = ns_inode("/proc/self/ns/mnt");
	uint32_t host = ns_inode("/proc/1/ns/mnt");

	if (!host || host == own)
		users_use("/etc/passwd", own);
	else
		users_use("/proc/1/root/etc/passwd", host);
}

static void forget(void)
{
	users.count = 0;
	buf_reset(&users.names);
}

/* False when there is no room for more. */
static bool add(uint32_t uid, const char *name)
{
	if (users.count == users.cap) {
		size_t cap = users.cap ? users.cap * 2 : 64;
		struct entry *e = realloc(users.entries, cap * sizeof(*e));
		if (!e)
			return false;
		users.entries = e;
		users.cap = cap;
	}
	users.entries[users.count++] = (struct entry){ uid, (uint32_t)users.names.len };
	buf_put(&users.names, name, strlen(name) + 1);
	return !users.names.failed && users.count < USERS_MAX;
}

static int by_uid(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static void load(FILE *f)
{
	bool more = true;

	/* "+" and "-" lines refer to NIS (nsswitch.conf(5), compat); they have no uid of their own.
	 */
	for (struct passwd *pw; more && (pw = fgetpwent(f));)
		if (pw->pw_name[0] != '+' && pw->pw_name[0] != '-' &&
		    strlen(pw->pw_name) < NAME_CAP)
			more = add(pw->pw_uid, pw->pw_name);
	if (users.names.failed)
		forget();
	if (users.count)
		qsort(users.entries, users.count, sizeof(*users.entries), by_uid);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       !memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) &&
	       !memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim));
}

static void refresh(void)
{
	struct stat st = { 0 };
	uint64_t now = clock_monotonic();

	if (now < users.next_check)
		return;
	users.next_check = now + NSEC_PER_SEC;
	if (stat(users.path, &st) < 0)
		memset(&st, 0, sizeof(st));
	if (same_file(&st, &users.seen))
		return;

	forget();
	users.seen = st;
	/* Looked at before it is opened: opening what is not a regular file could block. */
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return;
	FILE *f = fopen(users.path, "re");
	if (!f)
		return;
	load(f);
	fclose(f);
}

const char *user_name(uint32_t uid, uint32_t mntns)
{
	if (users.disabled)
		return "";
	if (!users.ready)
		find_host();
	if (mntns != USERS_HOST && (!mntns || mntns != users.mntns))
		return "";
	refresh();

	size_t lo = 0, hi = users.count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (users.entries[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < users.count && users.entries[lo].uid == uid
		       ? users.names.data + users.entries[lo].name
		       : "";
}

void users_disable(void)
{
	users_use("", 0);
	users.disabled = true;
	free(users.entries);
	users.entries = NULL;
	users.cap = 0;
	buf_free(&users.names);
}

void users_use(const char *path, uint32_t mntns)
{
	forget();
	users.ready = true;
	users.disabled = false;
	users.path = path;
	users.mntns = mntns;
	users.next_check = 0;
	memset(&users.seen, 0, sizeof(users.seen));
}
