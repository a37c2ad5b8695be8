/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc records from /proc, where the kernel takes no task iterator. They say less: when a process
 * started is known to 10 ms, and of an overlay's layers nothing.
 */
#ifndef REDSHANK_SOURCE_PROCFS_H
#define REDSHANK_SOURCE_PROCFS_H

#include <sys/types.h>

#include "source/rec.h"
#include "source/source.h"

/* What stands in place of a program's name in coverage. */
#define PROCFS_VARIANT "proc__procfs"

/* Can /proc be read, with the numbers that the kernel's own records have? 0 or -ENOTSUP. */
int procfs_usable(struct err *e);

/* Gives fn a record of each process. Arguments and result are those of inventory(). */
int procfs_inventory(union rec_buf *scratch, record_fn *fn, void *ctx, uint64_t *count,
		     int *ret_stop, struct err *e);

/* Makes the record of one process. 0, or negative errno: it is gone, or may not be seen. */
int procfs_record(pid_t pid, union rec_buf *ret);

#endif
