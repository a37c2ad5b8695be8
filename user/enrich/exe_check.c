/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing an executed memfd with the program before it. */
#include "enrich/exe_check.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/budget.h"
#include "enrich/exe_open.h"
#include "enrich/proctree.h"

#define CHUNK 65536

int exe_check_wanted(const struct event *ev)
{
	return ev->rec->type == EV_exec && EVENT_AS(exec, ev)->exe_origin == EXE_ORIGIN_memfd;
}

/* The file that the process ran before, if only root can have put it there; else -1. */
static int open_previous(const struct image *prev)
{
	for (int host = 0; host <= 1; host++) {
		struct stat st;
		int fd = exe_open_trusted(host, prev->exe, prev->exe_len);
		if (fd < 0)
			continue;
		if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_nlink &&
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
static struct budget budget = { .per_s = EXE_CHECK_PER_S };

enum same_content exe_check(const struct event *ev)
{
	const struct ev_exec *x = EVENT_AS(exec, ev);
	const struct image *prev = ev->proc ? ev->proc->prev_image : NULL;

	if (!prev)
		return SAME_CONTENT_unknown;
	if (!image_is_linked(prev) || prev->exe_size != x->exe_size)
		return SAME_CONTENT_no;
	if (x->exe_size > EXE_CHECK_MAX || !budget_take(&budget, x->exe_size))
		return SAME_CONTENT_unknown;

	enum same_content same = SAME_CONTENT_unknown;
	struct exe_id id = { .dev = x->exe_dev, .ino = x->exe_ino };
	int memfd = exe_open(ev->rec->pid, &id);
	int file = memfd < 0 ? -1 : open_previous(prev);
	if (file >= 0) {
		same = compare(memfd, file, x->exe_size);
		close(file);
	}
	if (memfd >= 0)
		close(memfd);
	return same;
}
