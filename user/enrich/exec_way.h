/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a program was named when it was executed: by a descriptor, by another name that /proc has for
 * a file, or by a path. This is for the analyst and for rules; where the code comes from is the
 * kernel's verdict and does not depend on it.
 */
#ifndef REDSHANK_ENRICH_EXEC_WAY_H
#define REDSHANK_ENRICH_EXEC_WAY_H

#include <stddef.h>

/*
 * name: as it was given to execve(2), cwd: the working directory; neither NUL-terminated. Spellings
 * are brought to one: //, /./, /../, /proc/PID/root. Symbolic links can't be seen here. NULL: a
 * path like any other.
 */
const char *exec_way(const char *name, size_t name_len, const char *cwd, size_t cwd_len);

#endif
