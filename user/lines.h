/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a file or a pipe: of any bytes, long, but bounded. */
#ifndef REDSHANK_LINES_H
#define REDSHANK_LINES_H

#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

#define LINE_MAX_BYTES ((size_t)32 << 20)

/* Starts as { .fd = …, .flush = … }. */
struct lines {
	int fd;
	FILE *flush; /* flushed before more is waited for; may be NULL */
	uint64_t n; /* number of the present line, from 1 */
	struct buf buf;
	size_t next, scanned; /* of buf: the next line's start; no newline before this */
	bool end, too_long;
};

/*
 * 1 with the next line, without its newline, valid until the next call; 0 at the end; -EMSGSIZE for
 * a line that is longer than LINE_MAX_BYTES and was passed over; another negative errno.
 */
int lines_next(struct lines *l, const char **ret, size_t *ret_len);
/* Not the fd. */
void lines_free(struct lines *l);

/* "-" is standard input. A descriptor or negative errno. */
int lines_open(const char *path);

#endif
