/* SPDX-License-Identifier: Apache-2.0 */
/* Opening executables of other processes without being held up or led astray by them. */
#ifndef REDSHANK_ENRICH_EXE_OPEN_H
#define REDSHANK_ENRICH_EXE_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file as the kernel's records have it. */
struct exe_id {
	uint32_t dev; /* MKDEV: major << 20 | minor */
	uint64_t ino;
	bool any_dev; /* stat(2) has another device for it */
};

/* What the process runs, for reading, if it is that file; -1 if not. Other servers are not asked.
 */
int exe_open(uint32_t pid, const struct exe_id *id);

/*
 * The file of a path below our root directory, or the host's: only if none but root (or whoever we
 * run as) can have made it or anything on the way. -1 if not.
 */
int exe_open_trusted(bool host, const char *path, size_t len);

/* Can only root (or whoever we run as) have made this, and put something else in its place? */
bool exe_trusted(int fd, bool dir);

/* Our root directory or the host's, as an O_PATH descriptor; -1 where it can't be had. */
int exe_open_root(bool host);

#endif
