/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user space sets before load (rodata) and reads afterwards (statistics). */
#ifndef REDSHANK_ABI_KNOBS_H
#define REDSHANK_ABI_KNOBS_H

#include "event.h"

#define SCRATCHES_PER_CPU 3 /* programs on one CPU that put a record together at a time */
#define ENV_NAMES_MAX	  16 /* environment variables that can be chosen */
#define ENV_NAME_LEN	  16 /* bytes of NAME= compared: names of up to 15 characters are exact */

#define FRESH_SECONDS 600 /* since a file was opened for writing: longer ago is not fresh */

/* One chosen environment variable: the first bytes of "NAME=", and which of them count. */
struct env_name {
	u64 word[2];
	u64 mask[2];
};

#define FACT(id_, name_, ...) FACT_##name_ = id_,
enum fact {
	FACT_none = 0,
#include "facts.def"
	FACT_MAX = 16,
};
#undef FACT

/* A copy of libpam, by its inode. */
struct pam_lib {
	u64 ino;
	u32 dev, pad;
};

/* A process has mapped one that user space was not told of. */
struct pam_mapped {
	struct pam_lib lib;
	u32 pid, pad; /* tgid in the initial pid namespace */
};

/* Hooks of events (bit per enum ev_type) and facts (bit per enum fact) that the system calls'
 * programs, calls__<kind>, can stand for where no better one works. */
#define CALL_EVENTS                                                                           \
	(1ULL << EV_access | 1ULL << EV_module | 1ULL << EV_bpf_load | 1ULL << EV_userfault | \
	 1ULL << EV_kernel_write | 1ULL << EV_creds | 1ULL << EV_ns | 1ULL << EV_auth_text)
#define CALL_FACTS                                                                                 \
	(1U << FACT_traceme | 1U << FACT_poke | 1U << FACT_load_data | 1U << FACT_mount |          \
	 1U << FACT_move_mount | 1U << FACT_map_mmap | 1U << FACT_map_prot | 1U << FACT_anon_net | \
	 1U << FACT_written | 1U << FACT_anon_start | 1U << FACT_auth_stderr)

/* Written by the programs of one CPU each, read by user space through mmap: no locks. */
struct cpu_stats {
	u64 emitted[EV_TYPE_MAX];
	u64 ring_full[EV_TYPE_MAX]; /* reserve failed: GAP_ring_full */
	u64 scratch_busy[EV_TYPE_MAX]; /* GAP_scratch_busy */
	u64 rescued[EV_TYPE_MAX]; /* the first program was not called, the second did it
				     (lib/again.h) */
	u64 facts[FACT_MAX]; /* times that the hook of a fact fired */
	u64 read_errors; /* a kernel or user address could not be read; the field stays empty */
} __attribute__((aligned(64)));

#endif
