/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the records from /proc: procfs.c has the process, procfs_exe.c its files. */
#ifndef REDSHANK_SOURCE_PROCFS_PRIVATE_H
#define REDSHANK_SOURCE_PROCFS_PRIVATE_H

#include "source/rec.h"

/* Fill these fields of a proc record; dir is the process's directory in /proc. */
void procfs_put_exe(union rec_buf *r, int dir);
void procfs_put_cwd(union rec_buf *r, int dir);

#endif
