/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ends of system calls: memory that became executable, and code at work in it. What is judged is
 * what the kernel did, not what was asked for.
 */
#ifndef REDSHANK_LIB_CALLS_MEMORY_H
#define REDSHANK_LIB_CALLS_MEMORY_H

#include "anon.h"
#include "map.h"

/* include/uapi/linux/mman.h, shm.h, errno-base.h */
#define MAP_ANONYMOUS 0x20
#define SHM_EXEC      0100000
#define EPERM	      1
#define EACCES	      13
#define ERROR_MIN     ((u64)-4095)

#define VMAS_LOOKED_AT 8 /* of a range that spans several */

/* --- mmap, shmat --- */

/* A file that the kernel refused to map: no mapping tells which, only the descriptor. */
static __always_inline bool take_refused(struct mapping *m, u64 ret, u64 fd)
{
	m->error = -(s64)ret;
	if ((m->error != EPERM && m->error != EACCES) || m->mflags & MAP_ANONYMOUS)
		return false;
	m->file = current_file(fd);
	return m->file;
}

/* What is there now. */
static __always_inline bool take_mapped(struct mapping *m, u64 addr, u64 prot)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct vm_area_struct *v = (void *)vma_at((u64)BPF_CORE_READ(t, mm), addr);

	if (!v || !take_vma(v, m))
		return false;
	if (!(prot & VM_EXEC) && m->vm_flags & VM_EXEC)
		m->facts |= MAP_F_READ_IMPLIES_EXEC;
	return !(prot & VM_EXEC) || m->vm_flags & VM_EXEC;
}

static __noinline int after_mmap(struct pt_regs *regs, u32 call, bool compat, u64 ret)
{
	count_fact(FACT_map_mmap);
	struct mapping m = { .regs = regs,
			     .op = MAP_OP_mmap,
			     .before = MAP_PROT_UNSEEN,
			     .facts = compat ? MAP_F_COMPAT : 0 };
	u64 prot = call_arg(regs, compat, 2);

	if (compat)
		ret = (s64)(s32)ret < 0 && (s32)ret >= -4095 ? (u64)(s64)(s32)ret : (u32)ret;
	if (call == CALL_shmat) {
		m.op = MAP_OP_shmat;
		m.mflags = prot;
		prot = prot & SHM_EXEC ? VM_EXEC : VM_READ;
	} else if (call == CALL_old_mmap) {
		prot = VM_EXEC; /* may be: the mapping itself will tell */
	} else {
		m.mflags = call_arg(regs, compat, 3);
		m.length = call_arg(regs, compat, 1);
		m.vm_flags = prot & (VM_READ | VM_WRITE | VM_EXEC);
	}
	bool may = prot & VM_EXEC || (read_implies_exec() && prot & VM_READ);
	if (!may && m.op == MAP_OP_mmap &&
	    (m.mflags & (MAP_SHARED | MAP_ANONYMOUS)) == MAP_SHARED) {
		struct file *f = current_file(call_arg(regs, compat, 4));
		may = f && file_kind(f) == MAP_KIND_secret;
	}
	if (!may)
		return 0;
	if (ret >= ERROR_MIN ? !take_refused(&m, ret, call_arg(regs, compat, 4))
			     : !take_mapped(&m, ret, prot))
		return 0;
	return on_map(&m);
}

/* --- mprotect, pkey_mprotect --- */

/* Of the mappings in a range the first without an untouched file behind it, else the first. */
static __always_inline struct vm_area_struct *vma_chosen(struct mm_struct *mm, u64 at, u64 len)
{
	struct vm_area_struct *first = NULL;
	u64 end = at + len;

	for (int i = 0; i < VMAS_LOOKED_AT && at < end; i++) {
		struct vm_area_struct *v = (void *)vma_at((u64)mm, at);
		if (!v)
			break;
		if (BPF_CORE_READ(v, vm_flags) & VM_EXEC &&
		    (!vma_file(v) || vma_facts(v) || file_kind(vma_file(v)) != MAP_KIND_file))
			return v;
		if (!first)
			first = v;
		at = BPF_CORE_READ(v, vm_end);
	}
	return first;
}

static __noinline int after_mprotect(struct pt_regs *regs, u32 call, bool compat, u64 ret)
{
	count_fact(FACT_map_prot);
	u64 prot = call_arg(regs, compat, 2);
	if ((u32)ret || !(prot & VM_EXEC || (prot & VM_READ && read_implies_exec())))
		return 0;
	struct task_struct *t = (void *)bpf_get_current_task();
	struct vm_area_struct *v = vma_chosen(BPF_CORE_READ(t, mm), call_arg(regs, compat, 0),
					      call_arg(regs, compat, 1));
	if (!v || !(BPF_CORE_READ(v, vm_flags) & VM_EXEC))
		return 0;
	if (BPF_CORE_READ(v, vm_end) - call_arg(regs, compat, 0) < call_arg(regs, compat, 1)) {
		/* Behind what is told there may be more that was written. */
		struct mem_state *st = mem_state_of(BPF_CORE_READ(t, mm));
		if (st)
			mem_written(st, call_arg(regs, compat, 0),
				    call_arg(regs, compat, 0) + call_arg(regs, compat, 1));
	}
	struct mapping m = {
		.regs = regs,
		.op = call == CALL_mprotect ? MAP_OP_mprotect : MAP_OP_pkey_mprotect,
		.before = MAP_PROT_UNSEEN,
		.facts = (compat ? MAP_F_COMPAT : 0) |
			 (prot & PROT_GROWSDOWN ? MAP_F_GROWSDOWN : 0) |
			 (prot & VM_EXEC ? 0 : MAP_F_READ_IMPLIES_EXEC),
	};
	return on_vma(v, &m);
}

/* --- calls by code that is in no file --- */

static __always_inline u32 anon_call_of(u32 call)
{
	switch (call) {
	case CALL_socket:
		return ANON_CALL_socket;
	case CALL_connect:
		return ANON_CALL_connect;
	case CALL_bind:
		return ANON_CALL_bind;
	case CALL_ptrace:
		return ANON_CALL_ptrace;
	case CALL_vm_writev:
		return ANON_CALL_process_vm_writev;
	case CALL_memfd_create:
		return ANON_CALL_memfd_create;
	case CALL_io_uring_setup:
		return ANON_CALL_io_uring_setup;
	case CALL_start:
		return ANON_CALL_start;
	case CALL_vm_readv:
		return ANON_CALL_process_vm_readv;
	case CALL_pidfd_getfd:
		return ANON_CALL_pidfd_getfd;
	case CALL_init_module:
	case CALL_finit_module:
	case CALL_kexec_load:
	case CALL_kexec_file_load:
		return ANON_CALL_module;
	case CALL_bpf:
		return ANON_CALL_bpf;
	case CALL_userfaultfd:
		return ANON_CALL_userfaultfd;
	case CALL_setuid:
	case CALL_setreuid:
	case CALL_setresuid:
		return ANON_CALL_setuid;
	case CALL_open:
	case CALL_openat:
	case CALL_open_other:
		return ANON_CALL_open;
	}
	return ANON_CALL_namespace; /* all that are left */
}

static __noinline int after_anon(struct pt_regs *regs, u32 call)
{
	count_fact(call == CALL_start ? FACT_anon_start : FACT_anon_net);
	return on_call(anon_call_of(call), regs);
}

#endif
