// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reaching into another process. The kernel checks each of the ways (ptrace, process_vm_*,
 * pidfd_getfd) at one place; what a debugger writes afterwards has no check, but one function.
 * /proc/PID/mem is a file: kernel.bpf.c. Without these hooks: syscalls.bpf.c.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "access.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

SEC("lsm/ptrace_access_check")
int BPF_PROG(access__lsm, struct task_struct *target, unsigned int mode)
{
	return on_access_check(untyped(target), mode);
}

SEC("fentry/security_ptrace_access_check")
int BPF_PROG(access__fentry, struct task_struct *target, unsigned int mode)
{
	return on_access_check(untyped(target), mode);
}

SEC("kprobe/security_ptrace_access_check")
int BPF_KPROBE(access__kprobe, struct task_struct *target, unsigned int mode)
{
	return on_access_check(target, mode);
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(traceme__lsm, struct task_struct *parent)
{
	return on_traceme(untyped(parent));
}

SEC("fentry/security_ptrace_traceme")
int BPF_PROG(traceme__fentry, struct task_struct *parent)
{
	return on_traceme(untyped(parent));
}

SEC("kprobe/security_ptrace_traceme")
int BPF_KPROBE(traceme__kprobe, struct task_struct *parent)
{
	return on_traceme(parent);
}

SEC("fentry/arch_ptrace")
int BPF_PROG(poke__fentry, struct task_struct *target, long request, unsigned long addr)
{
	return on_poke(untyped(target), request, addr);
}

SEC("kprobe/arch_ptrace")
int BPF_KPROBE(poke__kprobe, struct task_struct *target, long request, unsigned long addr)
{
	return on_poke(target, request, addr);
}
