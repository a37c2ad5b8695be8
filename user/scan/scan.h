/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory scan: looks at what running processes have in memory that can be executed, and makes
 * scan records of what no file on disk holds. What a finding is worth is not judged here but by a
 * detector (detect/d_memory.c), from the record alone.
 *
 * One scanner belongs to one thread; scanner_stop() may be called by another.
 */
#ifndef REDSHANK_SCAN_SCAN_H
#define REDSHANK_SCAN_SCAN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "source/source.h"

struct scan_config {
	unsigned cpu_percent; /* of one CPU, 1 to 100 */
	unsigned process_seconds; /* CPU time for one process, at most */
	const char *const *yara; /* files and directories of rules */
	unsigned nyara;
};

struct scan_stats {
	uint64_t processes; /* looked at */
	uint64_t gone; /* ended while they were */
	uint64_t refused; /* could not be read */
	uint64_t incomplete; /* took too long, or were too large */
	uint64_t mappings;
	uint64_t pages; /* compared with their file */
	uint64_t not_comparable; /* mappings with changed pages whose file can't be read safely */
	uint64_t bytes; /* of memory read */
	uint64_t findings;
	uint64_t cpu_ns;
};

struct scanner;

/* *e says what is wrong with YARA rules. -ENOTSUP: they are asked for and libyara is not built in.
 */
int scanner_new(const struct scan_config *c, struct scanner **ret, struct err *e);
void scanner_free(struct scanner *s);

/* Ends what is under way, soon. */
void scanner_stop(struct scanner *s);

/* Begins a round: the share of the CPU is counted from here. */
void scanner_begin(struct scanner *s);

/*
 * Looks at one process. If something is found, fn gets a proc record of the process, then the scan
 * records. 0, also when there was nothing to look at or the process ended; -ESRCH: there is no such
 * process; -EACCES, -EPERM: it may not be read; -ECANCELED; or what fn returned, if not 0.
 */
int scanner_process(struct scanner *s, pid_t pid, record_fn *fn, void *ctx);

/* Numbers of all processes, in *ret, to be freed. 0 or negative errno. */
int scan_pids(pid_t **ret, unsigned *ret_n);

void scanner_get_stats(const struct scanner *s, struct scan_stats *ret);

/* Is libyara built in? */
bool scan_has_yara(void);
/* Rules that are compiled. */
unsigned scanner_yara_rules(const struct scanner *s);

#endif
