// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * System calls whose instruction is in memory that no file is behind: code that was put there at
 * work. Compilers at run time put code there as well, but call into libraries for system calls.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "anon.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

/* --- exec, before the old memory is gone --- */

/* Called for each file of an exec; once is enough. */
static __always_inline int on_exec_of(struct linux_binprm *bprm)
{
	count_fact(FACT_anon_prog);
	if (BPF_CORE_READ(bprm, interp) != BPF_CORE_READ(bprm, filename))
		return 0;
	return on_call(ANON_CALL_exec, current_regs());
}

SEC("lsm/bprm_check_security")
int BPF_PROG(anon_prog__lsm, struct linux_binprm *bprm)
{
	on_exec_of(bprm);
	return 0;
}

SEC("fentry/security_bprm_check")
int BPF_PROG(anon_prog__fentry, struct linux_binprm *bprm)
{
	return on_exec_of(bprm);
}

SEC("kprobe/security_bprm_check")
int BPF_KPROBE(anon_prog__kprobe, struct linux_binprm *bprm)
{
	return on_exec_of(bprm);
}

/* Since 6.10; at the point of no return, so once for a script. No tp_btf: that would not load where
 * there is no such tracepoint; raw_tp does not attach. */
SEC("raw_tp/sched_prepare_exec")
int anon_prog__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	count_fact(FACT_anon_prog);
	return on_call(ANON_CALL_exec, current_regs());
}

/* --- fork, clone --- */

static __always_inline int on_clone(struct task_struct *parent, struct task_struct *child)
{
	count_fact(FACT_anon_fork);
	mem_inherit(parent, child);
	return on_call(ANON_CALL_fork, current_regs());
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(anon_fork__tp_btf, struct task_struct *parent, struct task_struct *child)
{
	return on_clone(parent, child);
}

SEC("raw_tp/sched_process_fork")
int anon_fork__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	return on_clone((void *)ctx->args[0], (void *)ctx->args[1]);
}

/* --- sockets --- */

static __always_inline int on_socket(int kern)
{
	count_fact(FACT_anon_net);
	return kern ? 0 : on_call(ANON_CALL_socket, current_regs());
}

SEC("lsm/socket_create")
int BPF_PROG(anon_net__lsm, int family, int type, int protocol, int kern)
{
	on_socket(kern);
	return 0;
}

SEC("fentry/security_socket_create")
int BPF_PROG(anon_net__fentry, int family, int type, int protocol, int kern)
{
	return on_socket(kern);
}

SEC("kprobe/security_socket_create")
int BPF_KPROBE(anon_net__kprobe, int family, int type, int protocol, int kern)
{
	return on_socket(kern);
}

/* --- a program begins: libc's set_tid_address(2) --- */

#if defined(__TARGET_ARCH_x86)
#define SET_TID_ADDRESS "__x64_sys_set_tid_address"
#elif defined(__TARGET_ARCH_arm64)
#define SET_TID_ADDRESS "__arm64_sys_set_tid_address"
#endif

SEC("kprobe/" SET_TID_ADDRESS)
int anon_start__kprobe(struct pt_regs *regs)
{
	count_fact(FACT_anon_start);
	return on_call(ANON_CALL_start, current_regs());
}
