/* SPDX-License-Identifier: Apache-2.0 */
/* User-supplied YARA rules, compiled once. The only file that knows libyara is yara.c. */
#ifndef REDSHANK_SCAN_YARA_H
#define REDSHANK_SCAN_YARA_H

#include "base/err.h"

struct yara;
struct scanner;

/*
 * Compiles rules of files, and of the files *.yar and *.yara in directories. -ENOTSUP where libyara
 * is not built in; else *e has file, line and problem.
 */
int yara_new(const char *const *paths, unsigned n, struct yara **ret, struct err *e);
void yara_free(struct yara *y);
unsigned yara_rules(const struct yara *y);

/* Runs them over the memory of the scanner's process. 0, -ETIME, -ECANCELED. */
int yara_scan(struct yara *y, struct scanner *s);

#endif
