/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory of running processes. */
#include "source/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/pid_here.h"

/*
 * argv of another process: a BPF program can't read its memory on every kernel, /proc can. A
 * process can be gone, or have executed something else by now; its records then follow in the
 * stream.
 */
void inventory_args(union rec_buf *r)
{
	struct ev_proc *p = (struct ev_proc *)r;
	static _Thread_local char args[EV_ARGS_MAX];
	char path[64];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid_here(&p->hdr));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (n < sizeof(args)) {
		ssize_t k = read(fd, args + n, sizeof(args) - n);
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	close(fd);
	rec_append(r, &p->args, EVF_proc_args, args, n);
	if (n == sizeof(args) && p->args_size > n)
		p->hdr.truncated |= 1ULL << EVF_proc_args;
}

/* Reads exactly n bytes; 0 at the end of the iterator, else n or negative errno. */
static ssize_t read_full(int fd, void *buf, size_t n)
{
	size_t got = 0;
	while (got < n) {
		ssize_t k = read(fd, (char *)buf + got, n - got);
		if (k < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (k < 0)
			return -errno;
		if (!k)
			return got ? -EIO : 0;
		got += (size_t)k;
	}
	return (ssize_t)got;
}

int inventory(int fd, union rec_buf *scratch, record_fn *fn, void *ctx, uint64_t *count,
	      int *ret_stop, struct err *e)
{
	int rc = 0;
	for (;;) {
		ssize_t n = read_full(fd, scratch, sizeof(struct ev_hdr));
		if (n <= 0) {
			rc = (int)n;
			break;
		}
		u32 len = scratch->hdr.len;
		if (len < sizeof(struct ev_proc) || len > EV_LEN_MAX ||
		    scratch->hdr.type != EV_proc) {
			rc = -EBADMSG;
			break;
		}
		n = read_full(fd, scratch->bytes + sizeof(struct ev_hdr),
			      len - sizeof(struct ev_hdr));
		if (n <= 0) {
			rc = n ? (int)n : -EIO;
			break;
		}
		inventory_args(scratch);
		++*count;
		*ret_stop = fn(ctx, scratch, scratch->hdr.len);
		if (*ret_stop)
			break;
	}
	return rc ? err_set(e, rc, "process inventory: %s", strerror(-rc)) : 0;
}
