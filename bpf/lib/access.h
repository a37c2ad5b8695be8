/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A process reaches into another: what it is called, whom it meets, and telling it once. */
#ifndef REDSHANK_LIB_ACCESS_H
#define REDSHANK_LIB_ACCESS_H

#include "access_told.h"
#include "target.h"

#define ANCESTRY_STEPS 16 /* ancestors of the target among which the caller is looked for */
#define VDSO_SIZE      0x4000 /* the largest image of a vDSO and what follows it */

/* include/uapi/linux/ptrace.h, arch/x86/include/uapi/asm/ptrace-abi.h */
#define PTRACE_TRACEME	  0
#define PTRACE_POKETEXT	  4
#define PTRACE_POKEDATA	  5
#define PTRACE_POKEUSR	  6
#define PTRACE_SETREGS	  13
#define PTRACE_SETFPREGS  15
#define PTRACE_ATTACH	  16
#define PTRACE_SETFPXREGS 19
#define PTRACE_SETREGSET  0x4205
#define PTRACE_SEIZE	  0x4206

/* include/linux/ptrace.h */
#define PTRACE_MODE_ATTACH 0x02

#define VECTORS_MAX 16 /* of process_vm_writev that are looked at */

/* What was done, as far as the caller said it; error: errno, if it was refused. */
struct reach {
	u64 request, addr, size;
	u32 error;
};

/* ACCESS_none: it does not change anything in the other process. */
static __always_inline u32 access_of_request(u64 request)
{
	switch (request) {
	case PTRACE_TRACEME:
		return ACCESS_ptrace_traceme;
	case PTRACE_POKETEXT:
		return ACCESS_ptrace_poke_text;
	case PTRACE_POKEDATA:
		return ACCESS_ptrace_poke_data;
	case PTRACE_POKEUSR:
		return ACCESS_ptrace_poke_user;
#if defined(__TARGET_ARCH_x86)
	case PTRACE_SETREGS:
	case PTRACE_SETFPREGS:
	case PTRACE_SETFPXREGS:
#endif
	case PTRACE_SETREGSET:
		return ACCESS_ptrace_set_regs;
	case PTRACE_ATTACH:
		return ACCESS_ptrace_attach;
	case PTRACE_SEIZE:
		return ACCESS_ptrace_seize;
	}
	return ACCESS_none;
}

static __always_inline bool in_vdso(u64 vdso, u64 addr, u64 size)
{
	return vdso && addr < vdso + VDSO_SIZE && addr + size >= vdso;
}

/* Of two struct task_struct. Returns bits of ACCESS_F_*. A global function: the verifier looks at
 * its many branches once. */
__weak __noinline u32 relation(u64 task, u64 other)
{
	struct task_struct *t = (void *)task, *target = (void *)other;
	struct task_struct *own = BPF_CORE_READ(t, group_leader);
	struct task_struct *at = BPF_CORE_READ(target, group_leader);
	u32 flags = 0;

	if (!target)
		return 1U << ACCESS_F_unresolved;
	if (own == at)
		flags |= 1U << ACCESS_F_self;
	if (BPF_CORE_READ(target, ptrace) && BPF_CORE_READ(target, parent, group_leader) == own)
		flags |= 1U << ACCESS_F_traced;
#pragma unroll
	for (int i = 0; i < ANCESTRY_STEPS; i++) {
		struct task_struct *up = BPF_CORE_READ(at, real_parent, group_leader);
		if (up == at)
			break;
		at = up;
		if (at == own) {
			flags |= 1U << ACCESS_F_descendant;
			if (!i)
				flags |= 1U << ACCESS_F_child;
			break;
		}
	}
	if (BPF_CORE_READ(t, real_cred, uid.val) == BPF_CORE_READ(target, real_cred, uid.val) &&
	    BPF_CORE_READ(t, real_cred, euid.val) == BPF_CORE_READ(target, real_cred, euid.val))
		flags |= 1U << ACCESS_F_same_user;
	if (BPF_CORE_READ(t, nsproxy, pid_ns_for_children) ==
		    BPF_CORE_READ(target, nsproxy, pid_ns_for_children) &&
	    BPF_CORE_READ(t, nsproxy, cgroup_ns) == BPF_CORE_READ(target, nsproxy, cgroup_ns))
		flags |= 1U << ACCESS_F_same_container;
	return flags;
}

/*
 * target NULL: the process is not there any more, or what led to it. Many hundreds of instructions:
 * looked at by the verifier once for each caller.
 */
static __noinline int tell_access(u32 op, struct task_struct *target, const struct reach *r)
{
	struct task_struct *t = current_task();
	struct access_key key = {};
	u64 untold = 0;

	if (!r)
		return 0;
	key.op = op;
	key.error = r->error;
	key.by = program_id(t);
	key.of = program_id(target);
	key.flags = relation((u64)t, (u64)target);
	if (op <= ACCESS_ptrace_traceme) /* which may be done already, or not yet */
		key.flags &= ~(1U << ACCESS_F_traced);
	if (r->addr && in_vdso((u64)BPF_CORE_READ(target, mm, context.vdso), r->addr, r->size))
		key.flags |= 1U << ACCESS_F_vdso;
	/* Its own memory a process can write without help, but for what is not writable. */
	if (key.flags & 1U << ACCESS_F_self && op != ACCESS_mem_write)
		return 0;
	if (access_told(&key, &untold))
		return 0;
	struct ev_access *e = ev_reserve(&ring_main, access);
	if (!e)
		return 0;
	hdr_fill(&e->hdr, t);
	e->target_start = BPF_CORE_READ(target, group_leader, start_boottime);
	e->addr = r->addr;
	e->size = r->size;
	e->repeated = untold;
	e->op = op;
	e->flags = key.flags;
	e->target_pid = key.of.pid;
	e->target_tid = BPF_CORE_READ(target, pid);
	e->target_uid = BPF_CORE_READ(target, real_cred, uid.val);
	e->target_euid = BPF_CORE_READ(target, real_cred, euid.val);
	e->target_pidns = BPF_CORE_READ(target, nsproxy, pid_ns_for_children, ns.inum);
	e->request = r->request;
	e->error = r->error;
	BPF_CORE_READ_STR_INTO(&e->target_name, target, comm);
	ev_submit(e, EV_access);
	return 0;
}

static __always_inline int on_access(u32 op, struct task_struct *target, u64 request, u64 addr)
{
	struct reach r = { .request = request, .addr = addr };
	return tell_access(op, target, &r);
}

static __always_inline void vector_at(u64 iov, u32 i, bool compat, struct reach *r)
{
	u64 vec[2] = {};
	u32 small[2] = {};

	if (compat) {
		bpf_probe_read_user(small, sizeof(small), (void *)(iov + i * sizeof(small)));
		vec[0] = small[0];
		vec[1] = small[1];
	} else {
		bpf_probe_read_user(vec, sizeof(vec), (void *)(iov + i * sizeof(vec)));
	}
	r->addr = vec[0];
	r->size = vec[1];
}

/*
 * process_vm_readv, process_vm_writev: of the vectors that they name in the other process the one
 * that leads into its vDSO, else the first.
 */
static __always_inline int on_vm_access(u32 op, struct task_struct *target, struct pt_regs *regs,
					bool compat, u32 error)
{
	u64 iov = call_arg(regs, compat, 3), n = call_arg(regs, compat, 4);
	u64 vdso = (u64)BPF_CORE_READ(target, mm, context.vdso);
	struct reach r = {}, other = {};

	vector_at(iov, 0, compat, &r);
	for (u32 i = 1; i < VECTORS_MAX && i < n && !in_vdso(vdso, r.addr, r.size); i++) {
		vector_at(iov, i, compat, &other);
		if (in_vdso(vdso, other.addr, other.size))
			r = other;
	}
	r.error = error;
	return tell_access(op, target, &r);
}

/*
 * The check that all of these calls make: which one it is say the registers. What a process opens
 * in /proc is left to the hook of open files, which knows for what.
 */
static __always_inline int on_access_check(struct task_struct *target, u32 mode)
{
	struct task_struct *t = current_task();

	if (!(mode & PTRACE_MODE_ATTACH) || BPF_CORE_READ(t, flags) & PF_KTHREAD)
		return 0;
	struct pt_regs *regs = current_regs();
	bool compat;
	switch (call_of(call_nr(regs), &compat)) {
	case CALL_ptrace: {
		u64 request = call_arg(regs, compat, 0);
		u32 op = access_of_request(request);
		return op ? on_access(op, target, request, 0) : 0;
	}
	case CALL_vm_readv:
		return on_vm_access(ACCESS_vm_read, target, regs, compat, 0);
	case CALL_vm_writev:
		return on_vm_access(ACCESS_vm_write, target, regs, compat, 0);
	case CALL_pidfd_getfd:
		return on_access(ACCESS_pidfd_getfd, target, 0, 0);
	default:
		return 0;
	}
}

/* The record's process is the one that lets itself be traced. */
static __always_inline int on_traceme(struct task_struct *parent)
{
	count_fact(FACT_traceme);
	return on_access(ACCESS_ptrace_traceme, parent, PTRACE_TRACEME, 0);
}

/* A request to a process that is being traced. */
static __always_inline int on_poke(struct task_struct *target, u64 request, u64 addr)
{
	u32 op = access_of_request(request);

	count_fact(FACT_poke);
	if (op < ACCESS_ptrace_poke_text)
		return 0;
	return on_access(op, target, request, op == ACCESS_ptrace_set_regs ? 0 : addr);
}

#endif
