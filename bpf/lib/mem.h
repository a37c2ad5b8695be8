/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What memory an address is in, and what is told of it. */
#ifndef REDSHANK_LIB_MEM_H
#define REDSHANK_LIB_MEM_H

#include "call.h"
#include "exe.h"
#include "vma.h"

#define SECRETMEM_MAGIC	  0x5345434d /* include/uapi/linux/magic.h */
#define PERSONA_READ_EXEC 0x0400000 /* READ_IMPLIES_EXEC, include/uapi/linux/personality.h */
#define DEVICE_ZERO	  (1 << 20 | 5) /* /dev/zero, include/linux/kdev_t.h */
#define LOADER_SPAN	  (2 << 20) /* no program interpreter is larger */
#define FILE_TYPE_MASK	  0170000
#define FILE_TYPE_REGULAR 0100000
#define FILE_TYPE_CHAR	  0020000

/* A private mapping of /dev/zero is anonymous memory. */
static __always_inline bool file_is_zero(struct file *f)
{
	struct inode *i = BPF_CORE_READ(f, f_inode);
	return (BPF_CORE_READ(i, i_mode) & FILE_TYPE_MASK) == FILE_TYPE_CHAR &&
	       BPF_CORE_READ(i, i_rdev) == DEVICE_ZERO;
}

/* MAP_KIND_* of a struct file. A global function, as those of exe.h. */
__weak __noinline u32 kind_at(u64 file)
{
	struct file *f = (void *)file;
	const struct path *p = shown_path(f);

	if (BPF_CORE_READ(shown_inode(f), i_sb, s_magic) == SECRETMEM_MAGIC)
		return MAP_KIND_secret;
	if (!file_is_memfd(f))
		return MAP_KIND_file;
	return dentry_named_memfd(BPF_CORE_READ(p, dentry)) ? MAP_KIND_memfd : MAP_KIND_shm;
}

static __always_inline u32 file_kind(struct file *f)
{
	return kind_at((u64)f);
}

/* Of memory without a file. sp: the user's stack pointer. A part of the first thread's stack grows
 * down as the whole does. */
static __always_inline u32 anon_kind(struct mm_struct *mm, u64 start, u64 end, u64 vm_flags, u64 sp)
{
	if (vm_flags & VM_GROWSDOWN || (sp >= start && sp < end))
		return MAP_KIND_stack;
	if (start < BPF_CORE_READ(mm, brk) && end > BPF_CORE_READ(mm, start_brk))
		return MAP_KIND_heap;
	return MAP_KIND_anon;
}

/* The file that a mapping shows; NULL for anonymous memory. */
static __always_inline struct file *vma_file(struct vm_area_struct *v)
{
	struct file *f = BPF_CORE_READ(v, vm_file);
	return f && !(BPF_CORE_READ(v, vm_flags) & VM_SHARED) && file_is_zero(f) ? NULL : f;
}

/* vDSO and the like: the kernel's own pages, without a file, but with operations. */
static __always_inline bool vma_is_special(struct vm_area_struct *v)
{
	return !BPF_CORE_READ(v, vm_file) && BPF_CORE_READ(v, vm_ops);
}

static __always_inline bool is_own_exe(struct mm_struct *mm, struct file *f)
{
	return shown_inode(BPF_CORE_READ(mm, exe_file)) == shown_inode(f);
}

static __always_inline bool inode_is_regular(struct inode *i)
{
	return (BPF_CORE_READ(i, i_mode) & FILE_TYPE_MASK) == FILE_TYPE_REGULAR;
}

/*
 * Is the code in the mapping in no file? A program that was executed from a memfd is in its exec
 * event; its own text does not count. A library that was deleted since is a file's, mapped
 * privately; a deleted file that is mapped shared is a buffer. Pages of a file that can still be
 * written are not the file's once one was. So it is with the vDSO, which is mapped privately, too.
 */
static __always_inline bool vma_is_memory(struct mm_struct *mm, struct vm_area_struct *v)
{
	struct file *f = vma_file(v);
	u64 flags = BPF_CORE_READ(v, vm_flags);

	if (!f)
		return !vma_is_special(v) || BPF_CORE_READ(v, anon_vma);
	struct inode *i = BPF_CORE_READ(f, f_inode);
	if (is_own_exe(mm, f) && BPF_CORE_READ(v, vm_start) < BPF_CORE_READ(mm, end_data) &&
	    BPF_CORE_READ(v, vm_end) > BPF_CORE_READ(mm, start_code))
		return false; /* as execve(2) mapped it */
	if (file_kind(f) != MAP_KIND_file || !inode_is_regular(i))
		return true;
	if (flags & VM_SHARED)
		return !BPF_CORE_READ(i, i_nlink);
	return flags & VM_WRITE && BPF_CORE_READ(v, anon_vma);
}

static __always_inline struct mem_state *mem_state_of(struct mm_struct *mm)
{
	struct mem_state fresh = { .mm = (u64)mm }, *st;
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	st = bpf_map_lookup_elem(&mem_states, &tgid);
	if (st && st->mm == (u64)mm)
		return st;
	bpf_map_update_elem(&mem_states, &tgid, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&mem_states, &tgid);
}

/* A child has its creator's memory, though not its history. */
static __always_inline void mem_inherit(struct task_struct *parent, struct task_struct *child)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32, new = BPF_CORE_READ(child, tgid);
	struct mem_state *st = bpf_map_lookup_elem(&mem_states, &tgid);

	if (!st || !st->has || new == tgid || st->mm != (u64)BPF_CORE_READ(parent, mm))
		return;
	struct mem_state copy = { .mm = (u64)BPF_CORE_READ(child, mm),
				  .written_start = st->written_start,
				  .written_end = st->written_end,
				  .has = 1 };
	bpf_map_update_elem(&mem_states, &new, &copy, BPF_ANY);
}

/* Has the current process made executable memory, as far as known? */
static __always_inline bool mem_has(void)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct mem_state *st = bpf_map_lookup_elem(&mem_states, &tgid);
	return st && st->has;
}

static __always_inline void mem_written(struct mem_state *st, u64 start, u64 end)
{
	if (!st->written_end || start < st->written_start)
		st->written_start = start;
	if (end > st->written_end)
		st->written_end = end;
}

/* Counts one more. Its number if it is to be told, else 0: the first few of a program, then each
 * time that their number has doubled. */
static __always_inline u32 mem_count(struct mem_state *st, u32 class, u32 first)
{
	u32 n = ++st->n[class & (MEM_CLASSES - 1)];
	return n <= first || !(n & (n - 1)) ? n : 0;
}

/* Is this in a file's pages that were written before they became executable? */
static __always_inline bool in_written(struct mm_struct *mm, struct vm_area_struct *v, u64 ip)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (!BPF_CORE_READ(v, anon_vma))
		return false;
	struct mem_state *st = bpf_map_lookup_elem(&mem_states, &tgid);
	return st && st->mm == (u64)mm && ip >= st->written_start && ip < st->written_end;
}

/*
 * Is there memory at ip that no file is behind, or what was written into a file's pages? Not 0: the
 * struct vm_area_struct. A global function, so that the verifier looks at its many branches once
 * and not for each of the caller's paths.
 */
__weak __noinline u64 code_in_memory(u64 mm_at, u64 ip)
{
	struct mm_struct *mm = (void *)mm_at;
	u64 at = vma_at(mm_at, ip);
	struct vm_area_struct *v = (void *)at;

	if (!at || !(BPF_CORE_READ(v, vm_flags) & VM_EXEC))
		return 0;
	return vma_is_memory(mm, v) || in_written(mm, v, ip) ? at : 0;
}

/* MAP_FILE_FIELDS of events.def. */
#define MAP_FILE_FILL(s_, slot_, e_, t_, file_, key_)                \
	do {                                                         \
		if (file_) {                                         \
			EXE_FILL(s_, slot_, e_, t_, file_, 0, key_); \
		} else {                                             \
			(e_)->exe_nlink = (e_)->exe_mode = -1;       \
			(e_)->exe_uid = (e_)->exe_gid = -1;          \
		}                                                    \
	} while (0)

#endif
