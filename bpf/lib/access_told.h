/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The same access is told once in a while. The same: by the same program to the same program, with
 * all that rules can ask for, so that nothing harmless can stand before what is not.
 */
#ifndef REDSHANK_LIB_ACCESS_TOLD_H
#define REDSHANK_LIB_ACCESS_TOLD_H

#include "call.h"

#define REPEAT_NS 10000000000ULL /* the same within this is told once */

/* A program in a process: another one, if it executes another or if the pid comes again. */
struct program_id {
	u64 start;
	u32 pid, execs;
};

struct access_key {
	struct program_id by, of;
	u32 op, flags, error, unused;
};

struct access_told {
	u64 time, untold;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct access_key);
	__type(value, struct access_told);
} accesses SEC(".maps") __weak;

static __always_inline struct program_id program_id(struct task_struct *t)
{
	struct program_id id = {
		.start = BPF_CORE_READ(t, group_leader, start_boottime),
		.pid = BPF_CORE_READ(t, tgid),
		.execs = BPF_CORE_READ(t, self_exec_id),
	};
	return id;
}

/* Has the same just been told? If not, *ret_untold is how often it happened since. */
static __always_inline bool access_told(struct access_key *key, u64 *ret_untold)
{
	struct access_told *told = bpf_map_lookup_elem(&accesses, key), now = {};
	now.time = bpf_ktime_get_boot_ns();
	if (told && now.time - told->time < REPEAT_NS) {
		told->untold++;
		return true;
	}
	*ret_untold = told ? told->untold : 0;
	bpf_map_update_elem(&accesses, key, &now, BPF_ANY);
	return false;
}

#endif
