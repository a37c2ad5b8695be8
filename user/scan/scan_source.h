/* SPDX-License-Identifier: Apache-2.0 */
/* A scan on demand, as a source of records: host, the processes that run, what is found; then it
 * ends. */
#ifndef REDSHANK_SCAN_SCAN_SOURCE_H
#define REDSHANK_SCAN_SCAN_SOURCE_H

#include <sys/types.h>

#include "scan/scan.h"

/*
 * pids: to be scanned; npids 0: all. The scanner stays the caller's and has to live as long.
 * -ENOENT: there is no such process.
 */
int scan_source_open(struct scanner *s, const pid_t *pids, unsigned npids, struct source **ret,
		     struct err *e);

#endif
