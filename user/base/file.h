/* SPDX-License-Identifier: Apache-2.0 */
/* Reading small files. */
#ifndef REDSHANK_BASE_FILE_H
#define REDSHANK_BASE_FILE_H

#include <stddef.h>

/*
 * What a file below dir begins with, at most cap - 1 bytes, ended by a NUL. Returns how many; 0,
 * and
 * "", if it can't be read.
 */
size_t file_slurp(int dir, const char *name, char *buf, size_t cap);

#endif
