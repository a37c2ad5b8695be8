/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the scanner: scan.c drives it, the others are what it looks for. */
#ifndef REDSHANK_SCAN_SCAN_PRIVATE_H
#define REDSHANK_SCAN_SCAN_PRIVATE_H

#include "abi/event.h"
#include "scan/mounts.h"
#include "scan/pace.h"
#include "scan/scan.h"
#include "scan/target.h"
#include "scan/yara.h"
#include "source/rec.h"

#define SCAN_CHUNK     (1U << 20) /* bytes of memory held at a time */
#define SCAN_CODE_MAX  (64U << 20) /* bytes of anonymous code looked at in one process */
#define SCAN_FOUND_MAX 64 /* findings of one process; more add nothing */
#define SCAN_BYTES     32 /* bytes of evidence shown */
#define SCAN_LIST_MAX  1024 /* bytes of a YARA rule's tags or metadata */

struct scan_finding {
	enum scan_kind kind;
	uint32_t flags, regions, thread;
	uint64_t size, at, offset, differing, breakpoints;
	const struct map *map; /* where; NULL: it is about the whole process */
	const char *path; /* NULL: the mapping's name */
	unsigned nbytes;
	uint8_t bytes[SCAN_BYTES], expected[SCAN_BYTES];
	bool has_expected;
	const char *rule; /* YARA's; else NULL */
	size_t tags_len, meta_len;
	char tags[SCAN_LIST_MAX], meta[SCAN_LIST_MAX];
};

struct scanner {
	struct pace pace;
	struct yara *yara; /* NULL: no rules */
	struct scan_stats st;
	const uint8_t *vdso; /* our own */
	size_t vdso_len;
	uint32_t shm_dev; /* device of files that only memory holds */
	struct target target;
	struct mounts mounts;
	record_fn *fn;
	void *ctx;
	unsigned found; /* in this process */
	bool cut; /* not all of this process was looked at */
	int stop; /* what fn returned */
	uint8_t chunk[SCAN_CHUNK];
	union rec_buf proc, rec;
};

/* What is looked for. 0, -ETIME or -ECANCELED. */
int scan_anon(struct scanner *s);
int scan_files(struct scanner *s);
int scan_text(struct scanner *s);

/* Executable memory without a file: shared by scan_anon() and scan_files(). */
struct scan_code {
	uint32_t flags;
	uint64_t at; /* of the sign found first */
	uint32_t thread;
	unsigned nbytes;
	uint8_t bytes[SCAN_BYTES];
};
/* Looks for signs in the pages of v that are there. *budget: bytes that may be read still. */
int scan_code(struct scanner *s, const struct map *v, size_t *budget, struct scan_code *ret);

/* Makes a record of it. */
void scan_found(struct scanner *s, const struct scan_finding *f);

/* The mounts of the process, read when they are first asked for. */
const struct mounts *scan_mounts(struct scanner *s);

/* Is it a file of the kernel's own mount: memfd, SysV shared memory, shared anonymous memory? */
bool scan_is_memory_file(const struct scanner *s, const struct map *v);

/* Next run of pages at or behind *at that are in memory (or swapped out, if that counts), until end
 * and at most max bytes. False if there is none. private_only: pages that are not the file's. */
bool scan_next_run(const struct scanner *s, uint64_t *at, uint64_t end, size_t max, bool swapped,
		   bool private_only, uint64_t *ret_start, size_t *ret_len);

#endif
