/* SPDX-License-Identifier: Apache-2.0 */
/* proc records of the processes that were there before the sensor. */
#ifndef REDSHANK_SOURCE_INVENTORY_H
#define REDSHANK_SOURCE_INVENTORY_H

#include "source/rec.h"
#include "source/source.h"

/*
 * Reads the task iterator that fd is a reading of, adds each process's argv from /proc, and gives
 * the records to fn. *count is advanced; *ret_stop is what fn returned when it was not 0 (then the
 * rest is left out). scratch: a record's room. 0 or negative errno.
 */
int inventory(int fd, union rec_buf *scratch, record_fn *fn, void *ctx, uint64_t *count,
	      int *ret_stop, struct err *e);

/* Appends argv, as /proc has it, to a proc record whose other fields are filled. */
void inventory_args(union rec_buf *r);

#endif
