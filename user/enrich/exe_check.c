/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing an executed memfd with the program before it. */
#include "enrich/exe_check.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "enrich/proctree.h"

#define CHUNK 65536

int exe_check_wanted(const struct event *ev)
{
	return ev->rec->type == EV_exec && EVENT_AS(exec, ev)->exe_origin == EXE_ORIGIN_memfd;
}

/*
 * Opens a path of /proc and makes sure that it is the inode that the kernel told us of: paths are
 * the process's to change. Devices are not compared: stat(2) gives overlayfs and btrfs files other
 * ones than the superblock's; size is, and the content will be.
 */
static int open_checked(const char *path, u64 ino, u64 size, bool *ret_linked)
{
	struct stat st = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_ino == ino && (u64)st.st_size == size) {
		*ret_linked = st.st_nlink > 0;
		return fd;
	}
	close(fd);
	return -1;
}

/* The file that ran before: by its path in the process's root, or as its creator's executable. */
static int open_previous(const struct event *ev, const struct image *prev, bool *ret_linked)
{
	char path[EV_PATH_MAX + 64];

	snprintf(path, sizeof(path), "/proc/%u/root%.*s", ev->rec->pid, (int)prev->exe_len,
		 prev->exe);
	int fd = open_checked(path, prev->exe_ino, prev->exe_size, ret_linked);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/%u/exe", ev->proc->ppid);
	return open_checked(path, prev->exe_ino, prev->exe_size, ret_linked);
}

static bool read_exact(int fd, char *buf, size_t n, off_t at)
{
	for (size_t got = 0; got < n;) {
		ssize_t k = pread(fd, buf + got, n - got, at + (off_t)got);
		if (k <= 0)
			return false;
		got += (size_t)k;
	}
	return true;
}

static enum same_content compare(int a, int b, u64 size)
{
	static char x[CHUNK], y[CHUNK]; /* one pipeline thread */

	for (u64 at = 0; at < size; at += CHUNK) {
		size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		if (!read_exact(a, x, n, (off_t)at) || !read_exact(b, y, n, (off_t)at))
			return SAME_CONTENT_unknown;
		if (memcmp(x, y, n))
			return SAME_CONTENT_no;
	}
	return SAME_CONTENT_yes;
}

/*
 * Who executes large sealed memfds in a row must not keep the pipeline from reading events: beyond
 * a rate, the answer is that it is not known.
 */
static bool affordable(u64 size)
{
	static uint64_t left = 4 * EXE_CHECK_PER_S, last;
	uint64_t now = clock_monotonic();

	if (!last || now - last > 4 * NSEC_PER_SEC)
		left = 4 * EXE_CHECK_PER_S;
	else
		left += (now - last) / NSEC_PER_MSEC * (EXE_CHECK_PER_S / 1000);
	last = now;
	if (left > 4 * EXE_CHECK_PER_S)
		left = 4 * EXE_CHECK_PER_S;
	if (left < size)
		return false;
	left -= size;
	return true;
}

enum same_content exe_check(const struct event *ev)
{
	const struct ev_exec *x = EVENT_AS(exec, ev);
	const struct image *prev = ev->proc ? ev->proc->prev_image : NULL;
	bool linked;
	char path[64];

	if (!prev)
		return SAME_CONTENT_unknown;
	if (!image_is_linked(prev))
		return SAME_CONTENT_no;
	if (prev->exe_size != x->exe_size)
		return SAME_CONTENT_no;
	if (x->exe_size > EXE_CHECK_MAX || !affordable(x->exe_size))
		return SAME_CONTENT_unknown;

	snprintf(path, sizeof(path), "/proc/%u/exe", ev->rec->pid);
	int memfd = open_checked(path, x->exe_ino, x->exe_size, &linked);
	if (memfd < 0)
		return SAME_CONTENT_unknown;
	enum same_content same = SAME_CONTENT_unknown;
	int fd = open_previous(ev, prev, &linked);
	if (fd >= 0) {
		/* A file that was deleted in the meantime is none that others could find. */
		same = linked ? compare(memfd, fd, x->exe_size) : SAME_CONTENT_no;
		close(fd);
	}
	close(memfd);
	return same;
}
