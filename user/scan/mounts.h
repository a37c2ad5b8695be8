/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files may be read without another process or machine having to answer: one that never does
 * (FUSE, a dead server) must not hold the scan.
 */
#ifndef REDSHANK_SCAN_MOUNTS_H
#define REDSHANK_SCAN_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#define MOUNTS_MAX 2048

struct mounts {
	bool known; /* it was read */
	bool remote; /* there are file systems that others serve, or more than fit */
	unsigned n;
	struct {
		uint32_t dev;
		bool local;
	} mount[MOUNTS_MAX];
};

/* Reads dir/mountinfo (proc_pid_mountinfo(5)). */
void mounts_read(struct mounts *m, int dir);

/* May files of this device be read? */
bool mounts_local(const struct mounts *m, uint32_t dev);

/*
 * Opens a path (O_PATH) below root, a process's root directory, without leaving it. Where something
 * remote is mounted, only what the kernel has in its cache is found, else -EAGAIN. fd or negative
 * errno.
 */
int mounts_open(const struct mounts *m, int root, const char *path, int flags);

#endif
