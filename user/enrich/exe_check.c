/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing an executed memfd with the program before it. */
#include "enrich/exe_check.h"

#include <fcntl.h>
#include <limits.h>
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
 * The memfd that the process runs. It may run something else by now, on a file system whose server
 * is the attacker (FUSE) and never answers: so nothing is opened for reading, and no server is
 * asked, before device and inode are those of the record.
 */
static int open_memfd(const struct event *ev)
{
	const struct ev_exec *x = EVENT_AS(exec, ev);
	struct statx st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/exe", ev->rec->pid);
	int at = open(path, O_PATH | O_CLOEXEC);
	if (at < 0)
		return -1;
	int fd = -1;
	if (!statx(at, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) &&
	    st.stx_ino == x->exe_ino && st.stx_dev_major == x->exe_dev >> 20 &&
	    st.stx_dev_minor == (x->exe_dev & 0xfffff)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", at);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	close(at);
	return fd;
}

/*
 * Can only root (or whoever we run as) have made this, and put something else in its place? In a
 * sticky directory such as /tmp, what is root's stays root's.
 */
static bool trusted(int fd, bool dir)
{
	struct stat st;
	if (fstat(fd, &st) || (st.st_uid && st.st_uid != geteuid()))
		return false;
	return !(st.st_mode & S_IWOTH) || (dir && st.st_mode & S_ISVTX);
}

/*
 * A root directory that the process had no hand in: ours, then (we may be in a container) the
 * host's, which is that of pid 1 or, where that one is closed even to root, of kthreadd: pid 2 in
 * the initial pid namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h).
 */
static int open_root(bool host)
{
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	char ns[32] = "";

	if (!host)
		return open("/", flags);
	int fd = open("/proc/1/root", flags);
	if (fd < 0 && readlink("/proc/self/ns/pid", ns, sizeof(ns) - 1) > 0 &&
	    !strcmp(ns, "pid:[4026531836]"))
		fd = open("/proc/2/root", flags);
	return fd;
}

/*
 * Opens a path below a root (which it closes), one component after the other, each trusted: paths
 * and mounts in the process's own namespace are the process's to make up, and on the way through a
 * directory of its own a FUSE mount could hold us for ever.
 */
static int open_trusted(int fd, const char *path, size_t len)
{
	const char *end = path + len;

	while (fd >= 0 && path < end) {
		char name[NAME_MAX + 1];
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t n = (size_t)((slash ? slash : end) - path);
		int next = -1;

		memcpy(name, path, n < sizeof(name) ? n : 0);
		name[n < sizeof(name) ? n : 0] = '\0';
		path += n + 1;
		if (!n) /* the first, or two slashes */
			continue;
		if (trusted(fd, true))
			next = openat(fd, name,
				      (slash ? O_PATH | O_DIRECTORY
					     : O_RDONLY | O_NONBLOCK | O_NOCTTY) |
					      O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	return fd;
}

/* The file that the process ran before, if only root can have put it there; else -1. */
static int open_previous(const struct image *prev)
{
	for (int host = 0; host <= 1; host++) {
		struct stat st;
		int fd = open_trusted(open_root(host), prev->exe, prev->exe_len);
		if (fd < 0)
			continue;
		if (trusted(fd, false) && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_nlink &&
		    st.st_ino == prev->exe_ino && (u64)st.st_size == prev->exe_size)
			return fd;
		close(fd);
	}
	return -1;
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

	if (!prev)
		return SAME_CONTENT_unknown;
	if (!image_is_linked(prev) || prev->exe_size != x->exe_size)
		return SAME_CONTENT_no;
	if (x->exe_size > EXE_CHECK_MAX || !affordable(x->exe_size))
		return SAME_CONTENT_unknown;

	enum same_content same = SAME_CONTENT_unknown;
	int memfd = open_memfd(ev);
	int file = memfd < 0 ? -1 : open_previous(prev);
	if (file >= 0) {
		same = compare(memfd, file, x->exe_size);
		close(file);
	}
	if (memfd >= 0)
		close(memfd);
	return same;
}
