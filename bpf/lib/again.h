/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A second program on a tracepoint, for what the first was not called for. The kernel leaves a
 * program out on a CPU where it is at work already; from 7.0 on, where programs on tracepoints can
 * be preempted, that happens to ordinary events. The first says that it is there, the second, which
 * comes next in the same task, looks: if nobody was, it does the work.
 */
#ifndef REDSHANK_LIB_AGAIN_H
#define REDSHANK_LIB_AGAIN_H

#include "emit.h"

volatile u32 again_on __weak = 0; /* the second programs are attached */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u64); /* bpf_get_current_pid_tgid() */
	__type(value, u32); /* enum ev_type that the first program is at */
} begun SEC(".maps") __weak;

static __always_inline void first_begins(u32 type)
{
	u64 task = bpf_get_current_pid_tgid();
	if (again_on)
		bpf_map_update_elem(&begun, &task, &type, BPF_ANY);
}

/* Did the first one see this event? If not, that is counted: it comes from here. */
static __always_inline bool first_was_here(u32 type)
{
	u64 task = bpf_get_current_pid_tgid();
	u32 *at = bpf_map_lookup_elem(&begun, &task);
	if (at && *at == type) {
		bpf_map_delete_elem(&begun, &task);
		return true;
	}
	struct cpu_stats *st = stats_get();
	if (st && type < EV_TYPE_MAX)
		__sync_fetch_and_add(&st->rescued[type], 1);
	return false;
}

#endif
