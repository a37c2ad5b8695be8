/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory that became executable: what of it is worth a record, and the record. */
#ifndef REDSHANK_LIB_MAP_H
#define REDSHANK_LIB_MAP_H

#include "libpam.h"
#include "mem.h"

/* include/uapi/linux/mman.h, asm-generic/mman-common.h */
#define MAP_SHARED     0x01
#define PROT_GROWSDOWN 0x01000000

#define ANON_TOLD 4 /* of a program, before only doublings are told */
#define FEW_TOLD  16
#define ODD_TOLD  32

#define DIRS_LOOKED_AT	  12
#define MODE_OTHERS_WRITE 0002 /* include/uapi/linux/stat.h */
#define MODE_STICKY	  01000

/* What a hook has seen. */
struct mapping {
	struct pt_regs *regs;
	struct file *file;
	u64 address, length;
	u32 op, vm_flags, before, mflags, facts, error;
	bool special; /* the vDSO and the like */
};

static __always_inline bool read_implies_exec(void)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	return BPF_CORE_READ(t, personality) & PERSONA_READ_EXEC;
}

/* Which code asks? MAP_F_BY_… */
static __always_inline u32 asked_by(struct mm_struct *mm, u64 base, u64 ip)
{
	if (base && ip - base < LOADER_SPAN)
		return MAP_F_BY_LOADER;
	return code_in_memory((u64)mm, ip) ? MAP_F_BY_MEMORY : 0;
}

/* Whole systems and home directories are on FUSE and NFS; libraries from there are told by exec's
 * origin, not one by one. */
static __always_inline bool origin_is_odd(u32 origin)
{
	return origin == EXE_ORIGIN_memfd || origin == EXE_ORIGIN_unlinked ||
	       origin == EXE_ORIGIN_tmpfs || origin == EXE_ORIGIN_overlay_upper;
}

/* Is there something about where a file is? A global function, as those of exe.h. */
__weak __noinline u32 place_is_odd(u64 mm, u64 file)
{
	struct file *f = (void *)file;

	if (is_own_exe((void *)mm, f))
		return false; /* its exec event tells */
	if (origin_is_odd(file_origin(f)))
		return true;
	/* Detached, or of another mount namespace: both are out of sight. */
	struct task_struct *t = (void *)bpf_get_current_task();
	const struct path *p = shown_path(f);
	struct mount *mnt = real_mount(BPF_CORE_READ(p, mnt));
	return BPF_CORE_READ(mnt, mnt_ns) != BPF_CORE_READ(t, nsproxy, mnt_ns);
}

/* Is there something about a file, beyond that it is mapped? */
static __always_inline bool file_is_odd(struct mm_struct *mm, const struct mapping *m)
{
	if (m->vm_flags & VM_WRITE || (m->op != MAP_OP_mmap && m->facts & MAP_F_WRITTEN))
		return true;
	return place_is_odd((u64)mm, (u64)m->file);
}

/*
 * Can others than root change the file, or put another one in its place? Of its directories those
 * of its own file system. Groups are not looked at: who is in them is not known here.
 */
__weak __noinline u64 others_can_change(u64 file)
{
	struct file *f = (void *)file;
	const struct path *p = shown_path(f);
	struct dentry *d = BPF_CORE_READ(p, dentry);

	for (int i = 0; i < DIRS_LOOKED_AT && d; i++) {
		struct inode *inode = BPF_CORE_READ(d, d_inode);
		u32 mode = BPF_CORE_READ(inode, i_mode);
		if (BPF_CORE_READ(inode, i_uid.val) ||
		    (mode & MODE_OTHERS_WRITE && !(i && mode & MODE_STICKY)))
			return 1;
		struct dentry *up = BPF_CORE_READ(d, d_parent);
		d = up == d ? NULL : up;
	}
	return 0;
}

static __always_inline bool is_root(void)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	return !BPF_CORE_READ(t, cred, euid.val);
}

static __always_inline u32 class_of(struct mm_struct *mm, struct mapping *m, u32 kind, u64 base)
{
	struct file *f = m->file;

	if (m->facts & MAP_F_BY_MEMORY)
		return MEM_BY_MEMORY;
	switch (kind) {
	case MAP_KIND_anon:
		return MEM_ANON;
	case MAP_KIND_shm:
	case MAP_KIND_memfd: /* two mappings of one memfd: how compilers keep W and X apart */
		return m->facts & MAP_F_SHARED ? MEM_ANON : MEM_GONE;
	case MAP_KIND_file:
		break;
	default:
		return MEM_ODD;
	}
	if (!inode_is_regular(BPF_CORE_READ(f, f_inode)))
		return MEM_ODD;
	if (file_is_odd(mm, m))
		return BPF_CORE_READ(f, f_inode, i_nlink) ? MEM_ODD : MEM_GONE;
	if (is_own_exe(mm, f) || m->op != MAP_OP_mmap)
		return MEM_CLASSES;
	if (is_root() && others_can_change((u64)f)) {
		m->facts |= MAP_F_OTHERS;
		return base ? MEM_OTHERS : MEM_LAUNCHED;
	}
	return base ? MEM_CLASSES : MEM_LAUNCHED;
}

/* The number to tell, or 0. */
static __always_inline u32 map_counted(struct mem_state *st, u32 class)
{
	switch (class) {
	case MEM_ANON:
		return mem_count(st, class, ANON_TOLD);
	case MEM_LAUNCHED:
	case MEM_OTHERS:
		return mem_count(st, class, FEW_TOLD);
	}
	return mem_count(st, class, ODD_TOLD);
}

static __always_inline int on_map(struct mapping *m)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(t, mm);
	struct pt_regs *regs = m->regs; /* CO-RE would relocate m->regs, too */
	u64 ip = PT_REGS_IP_CORE(regs), end = m->address + m->length;
	struct mem_state *st;
	u32 kind;

	if (!mm)
		return 0;
	if (m->file && m->op == MAP_OP_mmap && knob_pam)
		note_libpam((u64)m->file);
	if (m->file) {
		kind = file_kind(m->file);
	} else if (m->special) {
		kind = MAP_KIND_vdso;
	} else if (m->facts & MAP_F_SHARED) {
		kind = MAP_KIND_shm; /* its file is made later */
	} else {
		kind = anon_kind(mm, m->address, end, m->vm_flags, PT_REGS_SP_CORE(regs));
	}
	u64 base = loader_base((u64)mm);
	m->facts |= asked_by(mm, base, ip) | (base ? 0 : MAP_F_NO_LOADER);
	u32 class = class_of(mm, m, kind, base);
	if (class == MEM_CLASSES)
		return 0;
	st = mem_state_of(mm);
	if (!st)
		return 0;
	if (kind != MAP_KIND_file || m->facts & MAP_F_WRITTEN || m->vm_flags & VM_WRITE)
		st->has = 1;
	if (kind == MAP_KIND_file && m->op != MAP_OP_mmap &&
	    (m->facts & MAP_F_WRITTEN || m->vm_flags & VM_WRITE))
		mem_written(st, m->address, end);
	if (!base && m->file && (class == MEM_ODD || class == MEM_GONE))
		st->n[MEM_LAUNCHED]++; /* what comes after it is not the first */
	u32 count = map_counted(st, class);
	if (!count)
		return 0;

	u32 slot = 0;
	struct scratch *s = rec_begin_cpu(&slot, EV_map, sizeof(struct ev_map));
	if (!s)
		return 0;
	struct ev_map *e = (void *)s->rec;
	hdr_fill(&e->hdr, t);
	e->address = m->address;
	e->length = m->length;
	e->ip = ip;
	e->op = m->op;
	e->kind = kind;
	e->prot = m->vm_flags & (VM_READ | VM_WRITE | VM_EXEC);
	e->before = m->before;
	e->mflags = m->mflags;
	e->facts = m->facts;
	e->count = count;
	e->error = m->error;
	MAP_FILE_FILL(s, slot, e, t, m->file, map);
	rec_submit(s, &ring_bulk, EV_map);
	return 0;
}

static __always_inline u32 vma_facts(struct vm_area_struct *v)
{
	if (BPF_CORE_READ(v, vm_flags) & VM_SHARED)
		return MAP_F_SHARED;
	return BPF_CORE_READ(v, vm_file) && BPF_CORE_READ(v, anon_vma) ? MAP_F_WRITTEN : 0;
}

/* Takes the mapping as the kernel has it now. False if it is none of the process's. */
static __always_inline bool take_vma(struct vm_area_struct *v, struct mapping *m)
{
	m->vm_flags = BPF_CORE_READ(v, vm_flags);
	m->special = vma_is_special(v);
	if (m->special && !(m->vm_flags & VM_WRITE) && !BPF_CORE_READ(v, anon_vma))
		return false;
	m->file = vma_file(v);
	m->address = BPF_CORE_READ(v, vm_start);
	m->length = BPF_CORE_READ(v, vm_end) - m->address;
	m->facts |= vma_facts(v);
	return true;
}

static __always_inline int on_vma(struct vm_area_struct *v, struct mapping *m)
{
	return take_vma(v, m) ? on_map(m) : 0;
}

#endif
