/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls whose instruction is in memory that no file is behind: the record. */
#ifndef REDSHANK_LIB_ANON_H
#define REDSHANK_LIB_ANON_H

#include "mem.h"

#define CALLS_TOLD 16 /* of a program, before only doublings are told */

static __always_inline int on_call(u32 call, struct pt_regs *regs)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(t, mm);
	u64 ip = PT_REGS_IP_CORE(regs);
	struct vm_area_struct *v;

	if (!mm || BPF_CORE_READ(t, flags) & PF_KTHREAD)
		return 0;
	v = (void *)code_in_memory((u64)mm, ip);
	if (!v)
		return 0;
	struct mem_state *st = mem_state_of(mm);
	if (!st)
		return 0;
	u32 count = mem_count(st, MEM_CALL, CALLS_TOLD);
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
	e->kind = file ? file_kind(file)
		       : anon_kind(mm, e->address, end, flags, PT_REGS_SP_CORE(regs));
	MAP_FILE_FILL(s, slot, e, t, file, anon_exec);
	rec_submit(s, &ring_main, EV_anon_exec);
	return 0;
}

#endif
