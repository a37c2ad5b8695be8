// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Namespaces, mounts, becoming root by a system call. Without these hooks: syscalls.bpf.c.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "creds.h"
#include "mount.h"
#include "ns.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

SEC("fentry/switch_task_namespaces")
int BPF_PROG(ns__fentry, struct task_struct *t, struct nsproxy *next)
{
	return on_switch(t, next);
}

SEC("kprobe/switch_task_namespaces")
int BPF_KPROBE(ns__kprobe, struct task_struct *t, struct nsproxy *next)
{
	return on_switch(t, next);
}

SEC("lsm/sb_mount")
int BPF_PROG(mount__lsm, const char *dev, const struct path *target, const char *type,
	     unsigned long flags)
{
	return on_sb_mount(dev, target, type, flags);
}

SEC("fentry/security_sb_mount")
int BPF_PROG(mount__fentry, const char *dev, const struct path *target, const char *type,
	     unsigned long flags)
{
	return on_sb_mount(dev, target, type, flags);
}

SEC("kprobe/security_sb_mount")
int BPF_KPROBE(mount__kprobe, const char *dev, const struct path *target, const char *type,
	       unsigned long flags)
{
	return on_sb_mount(dev, target, type, flags);
}

SEC("lsm/move_mount")
int BPF_PROG(move_mount__lsm, const struct path *from, const struct path *to)
{
	return on_move_mount(from, to);
}

SEC("fentry/security_move_mount")
int BPF_PROG(move_mount__fentry, const struct path *from, const struct path *to)
{
	return on_move_mount(from, to);
}

SEC("kprobe/security_move_mount")
int BPF_KPROBE(move_mount__kprobe, const struct path *from, const struct path *to)
{
	return on_move_mount(from, to);
}

SEC("lsm/task_fix_setuid")
int BPF_PROG(creds__lsm, struct cred *new, const struct cred *old)
{
	return on_fix_setuid(new, old);
}

SEC("fentry/security_task_fix_setuid")
int BPF_PROG(creds__fentry, struct cred *new, const struct cred *old)
{
	return on_fix_setuid(new, old);
}

SEC("kprobe/security_task_fix_setuid")
int BPF_KPROBE(creds__kprobe, struct cred *new, const struct cred *old)
{
	return on_fix_setuid(new, old);
}
