/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process whose memory is looked at. Everything of it is opened below one descriptor of its
 * directory in /proc, which stays that process's when its number is used again. It is not stopped:
 * it may change, execute or end at any time, and every answer here may be an error for that reason.
 */
#ifndef REDSHANK_SCAN_TARGET_H
#define REDSHANK_SCAN_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "scan/maps.h"

/* Documentation/admin-guide/mm/pagemap.rst; PAGE_FILE: of a file, or shared. */
#define PAGE_PRESENT (1ULL << 63)
#define PAGE_SWAPPED (1ULL << 62)
#define PAGE_FILE    (1ULL << 61)

#define TARGET_THREADS_MAX 256 /* looked at for where they are */

struct target {
	pid_t pid;
	int dir, mem, pagemap;
	uint32_t tracer; /* 0: none */
	bool traps_caught; /* it has a handler for SIGTRAP */
	bool all_executable; /* READ_IMPLIES_EXEC */
	struct maps maps;
	char exe[4096 + 16]; /* as /proc says it, " (deleted)" included */
	uint64_t exe_inode;
	uint32_t exe_dev, exe_nlink;
	bool threads_known;
	unsigned nthreads; /* of these, in a system call */
	struct {
		uint64_t pc; /* behind the instruction that made the call */
		uint32_t tid;
	} thread[TARGET_THREADS_MAX];
};

/*
 * Opens it and reads map and facts; to be zeroed before the first use, and may be used again after
 * target_close(). 0; -ENODATA: it has no memory of its own (kernel thread, ended); -ESRCH, -EACCES…
 */
int target_open(struct target *t, pid_t pid);
void target_close(struct target *t); /* maps keeps its room */
void target_free(struct target *t);

/* Looks where its threads are, once. */
void target_threads(struct target *t);

/* Reads memory; how many bytes, less than len if what follows can't be read. Never waits for
 * another process: see docs/scan.md. */
size_t target_read(const struct target *t, uint64_t addr, void *buf, size_t len);

/* Flags of n pages from addr; how many could be told. */
size_t target_pages(const struct target *t, uint64_t addr, uint64_t *ret, size_t n);

/* "map_files/START-END": opens the very file that is mapped, whatever its path leads to now. */
int target_map_file(const struct target *t, const struct map *v, int flags);

/* Bytes of a page. */
size_t page_size(void);

#endif
