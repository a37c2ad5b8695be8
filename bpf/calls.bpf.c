// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What other hooks see at the kernel's own checks, seen at the end of system calls: for kernels
 * that let no program be put there. One program for all of these events, for each one at a system
 * call costs every system call of the machine.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "calls_auth.h"
#include "calls_memory.h"
#include "calls_reach.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

/* Attempts that were refused are told of what nobody tries by accident. */
static __noinline int after_reach(struct pt_regs *regs, u32 call, bool compat, long ret)
{
	u32 error = ret < 0 ? -ret : 0;

	switch (call) {
	case CALL_ptrace:
		return !error || denied(error) ? after_ptrace(regs, compat, error) : 0;
	case CALL_vm_readv:
	case CALL_vm_writev:
	case CALL_pidfd_getfd:
		return !error || denied(error) ? after_access(call, regs, compat, error) : 0;
	case CALL_init_module:
	case CALL_finit_module:
	case CALL_kexec_load:
	case CALL_kexec_file_load:
		return after_module(call, regs, compat, error);
	}
	if (error)
		return 0;
	switch (call) {
	case CALL_bpf:
		return sees_event(EV_bpf_load) ? after_bpf(regs, compat, ret) : 0;
	case CALL_userfaultfd:
		return sees_event(EV_userfault) ? on_userfault(call_arg(regs, compat, 0)) : 0;
	case CALL_setuid:
	case CALL_setreuid:
	case CALL_setresuid:
		return sees_event(EV_creds) ? after_setuid(call) : 0;
	}
	return after_ns(call, regs, compat, ret);
}

/* Writes and sends are many: where the registers can be read directly, that is what is done. */
static __always_inline u64 arg_of(struct pt_regs *regs, bool direct, bool compat, int n)
{
	return direct ? call_arg_direct(regs, compat, n) : call_arg(regs, compat, n);
}

static __always_inline int after_call(struct pt_regs *regs, bool direct, u32 nr, long ret)
{
	bool compat;
	u32 call = call_of(nr, &compat);

	if (call == CALL_other)
		return 0;
	switch (call) {
	case CALL_socketcall:
		if (sees_fact(FACT_anon_net))
			after_anon(regs, CALL_socket);
		/* fallthrough */
	case CALL_write:
	case CALL_writev:
	case CALL_sendto:
	case CALL_sendmsg:
		if (!sees_said() || !was_said(ret))
			return 0;
		return after_said(call, compat, arg_of(regs, direct, compat, 0),
				  arg_of(regs, direct, compat, 1), arg_of(regs, direct, compat, 2));
	case CALL_sendmmsg:
		if (!sees_event(EV_auth_text) || !was_said(ret))
			return 0;
		return after_messages(call_arg(regs, compat, 0), compat, call_arg(regs, compat, 1),
				      ret);
	case CALL_mmap:
	case CALL_old_mmap:
	case CALL_shmat:
		return sees_fact(FACT_map_mmap) ? after_mmap(regs, call, compat, ret) : 0;
	case CALL_mprotect:
	case CALL_pkey_mprotect:
		return sees_fact(FACT_map_prot) ? after_mprotect(regs, call, compat, ret) : 0;
	case CALL_start:
		return sees_fact(FACT_anon_start) ? after_anon(regs, call) : 0;
	case CALL_open:
	case CALL_openat:
	case CALL_open_other:
		if (sees_fact(FACT_anon_net) && mem_has())
			after_anon(regs, call);
		return ret < 0 ? 0 : after_open(call, regs, compat, ret);
	case CALL_socket:
	case CALL_connect:
	case CALL_bind:
	case CALL_memfd_create:
	case CALL_io_uring_setup:
		return sees_fact(FACT_anon_net) ? after_anon(regs, call) : 0;
	}
	if (sees_fact(FACT_anon_net))
		after_anon(regs, call);
	return after_reach(regs, call, compat, ret);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(calls__tp_btf, struct pt_regs *regs, long ret)
{
	return after_call(regs, true, call_nr_direct(regs), ret);
}

SEC("raw_tp/sys_exit")
int calls__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (void *)ctx->args[0];
	return after_call(regs, false, call_nr(regs), ctx->args[1]);
}
