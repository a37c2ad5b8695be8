// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What steers the kernel or becomes part of it. Without these hooks: syscalls.bpf.c.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "loads.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

SEC("lsm/file_open")
int BPF_PROG(kernel_write__lsm, struct file *f)
{
	return on_open(untyped(f));
}

SEC("fentry/security_file_open")
int BPF_PROG(kernel_write__fentry, struct file *f)
{
	return on_open(untyped(f));
}

SEC("kprobe/security_file_open")
int BPF_KPROBE(kernel_write__kprobe, struct file *f)
{
	return on_open(f);
}

SEC("lsm/file_open")
int BPF_PROG(written__lsm, struct file *f)
{
	return on_written(untyped(f));
}

SEC("fentry/security_file_open")
int BPF_PROG(written__fentry, struct file *f)
{
	return on_written(untyped(f));
}

SEC("kprobe/security_file_open")
int BPF_KPROBE(written__kprobe, struct file *f)
{
	return on_written(f);
}

SEC("lsm/kernel_read_file")
int BPF_PROG(module__lsm, struct file *f, enum kernel_read_file_id id)
{
	return on_read_file(untyped(f), id);
}

SEC("fentry/security_kernel_read_file")
int BPF_PROG(module__fentry, struct file *f, enum kernel_read_file_id id)
{
	return on_read_file(untyped(f), id);
}

SEC("kprobe/security_kernel_read_file")
int BPF_KPROBE(module__kprobe, struct file *f, enum kernel_read_file_id id)
{
	return on_read_file(f, id);
}

SEC("lsm/kernel_load_data")
int BPF_PROG(load_data__lsm, enum kernel_load_data_id id)
{
	return on_load_data(id);
}

SEC("fentry/security_kernel_load_data")
int BPF_PROG(load_data__fentry, enum kernel_load_data_id id)
{
	return on_load_data(id);
}

SEC("kprobe/security_kernel_load_data")
int BPF_KPROBE(load_data__kprobe, enum kernel_load_data_id id)
{
	return on_load_data(id);
}

SEC("lsm/bpf_prog")
int BPF_PROG(bpf_load__lsm, struct bpf_prog *p)
{
	return on_bpf_check(p);
}

SEC("fentry/security_bpf_prog")
int BPF_PROG(bpf_load__fentry, struct bpf_prog *p)
{
	return on_bpf_check(p);
}

SEC("kprobe/security_bpf_prog")
int BPF_KPROBE(bpf_load__kprobe, struct bpf_prog *p)
{
	return on_bpf_check(p);
}

/* The system call itself: the kernel makes no check of its own in it on older kernels. No
 * fentry: 5.10 does not let it read the registers that are the argument. */
#if defined(__TARGET_ARCH_x86)
#define USERFAULTFD "__x64_sys_userfaultfd"
#elif defined(__TARGET_ARCH_arm64)
#define USERFAULTFD "__arm64_sys_userfaultfd"
#endif

SEC("kprobe/" USERFAULTFD)
int BPF_KPROBE(userfault__kprobe, struct pt_regs *regs)
{
	return on_userfault(call_arg(regs, false, 0));
}
