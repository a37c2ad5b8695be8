// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory that becomes executable without an ordinary file behind it. Ordinary libraries, which are
 * nearly all of it, make no record. Where programs like these can't run, bpf/calls.bpf.c does it.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "map.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

/* --- mmap, shmat --- */

/* Before the kernel does it: where to is not known, but which file is. */
static __always_inline int on_mmap_file(struct file *file, u64 prot, u64 flags)
{
	struct mapping m = { .regs = current_regs(),
			     .file = file,
			     .op = MAP_OP_mmap,
			     .before = MAP_PROT_UNSEEN,
			     .mflags = flags };
	bool compat;

	count_fact(FACT_map_mmap);
	bool secret = file && file_kind(file) == MAP_KIND_secret;
	if (read_implies_exec() && prot & VM_READ && !(prot & VM_EXEC)) {
		prot |= VM_EXEC;
		m.facts |= MAP_F_READ_IMPLIES_EXEC;
	}
	if (!(prot & VM_EXEC) && !secret)
		return 0;
	u32 call = call_of(call_nr(m.regs), &compat);
	if (call == CALL_shmat) {
		m.op = MAP_OP_shmat;
		m.mflags = call_arg(m.regs, compat, 2);
	} else if (call == CALL_mmap) {
		m.address = call_arg(m.regs, compat, 0);
		m.length = call_arg(m.regs, compat, 1);
	} else if (call != CALL_old_mmap) {
		return 0; /* execve(2) itself */
	}
	m.vm_flags = prot & (VM_READ | VM_WRITE | VM_EXEC);
	if (flags & MAP_SHARED)
		m.facts |= MAP_F_SHARED;
	else if (file && file_is_zero(file))
		m.file = NULL;
	if (compat)
		m.facts |= MAP_F_COMPAT;
	return on_map(&m);
}

SEC("lsm/mmap_file")
int BPF_PROG(map_mmap__lsm, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags)
{
	on_mmap_file(untyped(file), reqprot, flags);
	return 0;
}

SEC("fentry/security_mmap_file")
int BPF_PROG(map_mmap__fentry, struct file *file, unsigned long prot, unsigned long flags)
{
	return on_mmap_file(untyped(file), prot, flags);
}

SEC("kprobe/security_mmap_file")
int BPF_KPROBE(map_mmap__kprobe, struct file *file, unsigned long prot, unsigned long flags)
{
	return on_mmap_file(file, prot, flags);
}

/* --- mprotect, pkey_mprotect --- */

static __always_inline int on_mprotect(struct vm_area_struct *v, u64 prot)
{
	struct mapping m = { .regs = current_regs(), .op = MAP_OP_mprotect };
	bool compat;

	count_fact(FACT_map_prot);
	m.before = BPF_CORE_READ(v, vm_flags) & (VM_READ | VM_WRITE | VM_EXEC);
	if (read_implies_exec() && prot & VM_READ && !(prot & VM_EXEC)) {
		prot |= VM_EXEC;
		m.facts |= MAP_F_READ_IMPLIES_EXEC;
	}
	prot &= VM_READ | VM_WRITE | VM_EXEC;
	if (!(prot & VM_EXEC) || (m.before & VM_EXEC && m.before & VM_WRITE) || prot == m.before)
		return 0;
	u32 call = call_of(call_nr(m.regs), &compat);
	if (call == CALL_pkey_mprotect)
		m.op = MAP_OP_pkey_mprotect;
	else if (call != CALL_mprotect)
		return 0;
	if (compat)
		m.facts |= MAP_F_COMPAT;
	if (call_arg(m.regs, compat, 2) & PROT_GROWSDOWN)
		m.facts |= MAP_F_GROWSDOWN;
	m.special = vma_is_special(v);
	if (m.special && !(prot & VM_WRITE) && !BPF_CORE_READ(v, anon_vma))
		return 0;
	m.vm_flags = prot | (BPF_CORE_READ(v, vm_flags) & VM_GROWSDOWN);
	m.file = vma_file(v);
	m.address = BPF_CORE_READ(v, vm_start);
	m.length = BPF_CORE_READ(v, vm_end) - m.address;
	m.facts |= vma_facts(v);
	return on_map(&m);
}

SEC("lsm/file_mprotect")
int BPF_PROG(map_prot__lsm, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)
{
	on_mprotect(vma, reqprot);
	return 0;
}

SEC("fentry/security_file_mprotect")
int BPF_PROG(map_prot__fentry, struct vm_area_struct *vma, unsigned long reqprot,
	     unsigned long prot)
{
	return on_mprotect(vma, reqprot);
}

SEC("kprobe/security_file_mprotect")
int BPF_KPROBE(map_prot__kprobe, struct vm_area_struct *vma, unsigned long reqprot,
	       unsigned long prot)
{
	return on_mprotect(vma, reqprot);
}
