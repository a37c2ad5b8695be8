/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls whose instruction is in memory that no file is behind: the record. */
#ifndef REDSHANK_LIB_ANON_H
#define REDSHANK_LIB_ANON_H

#include "mem.h"

#define CALLS_TOLD 16 /* of a program, before only doublings are told */

/* Where the function that made the system call returns to, if it is one without a frame, as libc's
 * are. User space says so: it may lie, and then this tells nothing. */
static __always_inline u64 caller_of(struct task_struct *t, struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	u64 at = 0;
	u32 at_compat = 0;
	void *sp = (void *)PT_REGS_SP_CORE(regs);
	if (call_is_compat(t)) {
		bpf_probe_read_user(&at_compat, sizeof(at_compat), sp);
		return at_compat;
	}
	bpf_probe_read_user(&at, sizeof(at), sp);
	return at;
#else
	return PT_REGS_RET_CORE(regs);
#endif
}

static __always_inline int on_call(u32 call, struct pt_regs *regs)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(t, mm);
	u64 ip = PT_REGS_IP_CORE(regs);
	u32 facts = 0;

	if (!mm || BPF_CORE_READ(t, flags) & PF_KTHREAD)
		return 0;
	struct vm_area_struct *v = (void *)code_in_memory((u64)mm, ip);
	if (!v) {
		facts = MAP_F_CALLER;
		v = (void *)code_in_memory((u64)mm, caller_of(t, regs));
	}
	if (!v)
		return 0;
	struct mem_state *st = mem_state_of(mm);
	if (!st)
		return 0;
	u32 count = mem_count(st, facts ? MEM_CALLER : MEM_CALL, CALLS_TOLD);
	if (!count)
		return 0;

	u32 slot = 0;
	struct scratch *s = rec_begin_cpu(&slot, EV_anon_exec, sizeof(struct ev_anon_exec));
	if (!s)
		return 0;
	struct ev_anon_exec *e = (void *)s->rec;
	struct file *file = vma_file(v);
	u64 end = BPF_CORE_READ(v, vm_end), flags = BPF_CORE_READ(v, vm_flags);
	hdr_fill(&e->hdr, t);
	e->address = BPF_CORE_READ(v, vm_start);
	e->length = end - e->address;
	e->ip = ip;
	e->call = call;
	e->prot = flags & (VM_READ | VM_WRITE | VM_EXEC);
	e->facts = facts;
	if (flags & VM_SHARED)
		e->facts |= MAP_F_SHARED;
	else if (file)
		e->facts |= MAP_F_WRITTEN;
	if (call_is_compat(t))
		e->facts |= MAP_F_COMPAT;
	if (!loader_base((u64)mm))
		e->facts |= MAP_F_NO_LOADER;
	e->count = count;
	e->regions = st->n[MEM_ANON];
	if (file)
		e->kind = file_kind(file);
	else if (vma_is_special(v))
		e->kind = MAP_KIND_vdso;
	else
		e->kind = anon_kind(mm, e->address, end, flags, PT_REGS_SP_CORE(regs));
	MAP_FILE_FILL(s, slot, e, t, file, anon_exec);
	rec_submit(s, &ring_main, EV_anon_exec);
	return 0;
}

#endif
