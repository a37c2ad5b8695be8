// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One small program of each kind, to find out what this kernel loads, attaches and really fires.
 * All of them fire when a file is opened; none stays loaded (user/source/features.c).
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

u64 probe_hits = 0;

SEC("lsm/file_open")
int BPF_PROG(probe__lsm, struct file *file)
{
	probe_hits++;
	return 0;
}

SEC("fentry/security_file_open")
int BPF_PROG(probe__fentry, struct file *file)
{
	probe_hits++;
	return 0;
}

SEC("kprobe/security_file_open")
int probe__kprobe(struct pt_regs *ctx)
{
	probe_hits++;
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(probe__tp_btf, struct pt_regs *regs, long id)
{
	probe_hits++;
	return 0;
}

SEC("raw_tp/sys_enter")
int probe__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	probe_hits++;
	return 0;
}

SEC("tp/syscalls/sys_enter_openat")
int probe__tp(void *ctx)
{
	probe_hits++;
	return 0;
}
