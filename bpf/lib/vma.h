/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The mapping that an address is in. bpf_find_vma() comes with 5.17, gives nothing while another
 * thread holds the lock, and its callback keeps a program from loading before; so the tree is
 * walked here. Of a task's own mappings, in its own context: what other threads change meanwhile
 * may be missed, and no walk is longer than its bound.
 */
#ifndef REDSHANK_LIB_VMA_H
#define REDSHANK_LIB_VMA_H

#include "compat.h"
#include "emit.h"

/* include/linux/mm.h */
#define VM_READ	     0x1
#define VM_WRITE     0x2
#define VM_EXEC	     0x4
#define VM_SHARED    0x8
#define VM_GROWSDOWN 0x100

#define RB_STEPS 64 /* twice the logarithm of 2^32 mappings */

/* lib/maple_tree.c: an entry of a node leads to a node or, in a leaf, to what was stored. Its low
 * byte says of which type the node is. */
#define MAPLE_LEVELS	 10
#define MAPLE_NODE_MASK	 0xffULL
#define MAPLE_TYPE_SHIFT 3
#define MAPLE_TYPE_MASK	 0xf
#define MAPLE_PIVOTS	 15 /* of the widest type of node */
#define XA_NODE_MIN	 4096 /* include/linux/xarray.h: xa_is_node() */

static __always_inline bool vma_covers(struct vm_area_struct *v, u64 addr)
{
	return v && addr >= BPF_CORE_READ(v, vm_start) && addr < BPF_CORE_READ(v, vm_end);
}

/* Up to 6.0. */
static __always_inline struct vm_area_struct *vma_in_rb(struct mm_struct *mm, u64 addr)
{
	struct mm_struct___v60 *old = (void *)mm;
	struct rb_node *n = BPF_CORE_READ(old, mm_rb.rb_node);

	for (int i = 0; i < RB_STEPS && n; i++) {
		struct vm_area_struct *v =
			(void *)n - bpf_core_field_offset(struct vm_area_struct___v60, vm_rb);
		if (addr < BPF_CORE_READ(v, vm_start))
			n = BPF_CORE_READ(n, rb_left);
		else if (addr >= BPF_CORE_READ(v, vm_end))
			n = BPF_CORE_READ(n, rb_right);
		else
			return v;
	}
	return NULL;
}

/* The entry of a node whose range has addr in it: as mas_walk() does it. */
static __always_inline u64 maple_slot(u64 node, u32 type, u64 addr)
{
	struct maple_arange_64 *wide = (void *)node;
	struct maple_range_64 *plain = (void *)node;
	u64 pivot[MAPLE_PIVOTS] = {}, slot = 0;
	u32 i, max = MAPLE_PIVOTS;

	if (type == maple_arange_64) {
		max = sizeof(wide->pivot) / sizeof(wide->pivot[0]);
		bpf_core_read(pivot, sizeof(wide->pivot), &wide->pivot);
	} else {
		bpf_core_read(pivot, sizeof(plain->pivot), &plain->pivot);
	}
	for (i = 0; i < MAPLE_PIVOTS; i++)
		if (i >= max || pivot[i] >= addr || (i && !pivot[i]))
			break;
	u64 base = type == maple_arange_64 ? bpf_core_field_offset(wide->slot)
					   : bpf_core_field_offset(plain->slot);
	bpf_probe_read_kernel(&slot, sizeof(slot), (void *)(node + base + i * sizeof(slot)));
	return slot;
}

static __always_inline struct vm_area_struct *vma_in_maple(struct mm_struct *mm, u64 addr)
{
	u64 entry = (u64)BPF_CORE_READ(mm, mm_mt.ma_root);

	if ((entry & 3) != 2 || entry <= XA_NODE_MIN)
		return (void *)entry; /* a tree of one mapping */
	for (int i = 0; i < MAPLE_LEVELS; i++) {
		u32 type = entry >> MAPLE_TYPE_SHIFT & MAPLE_TYPE_MASK;
		u64 node = entry & ~MAPLE_NODE_MASK;
		if (type == maple_dense || type > maple_arange_64)
			return NULL;
		entry = maple_slot(node, type, addr);
		if (type == maple_leaf_64)
			return (void *)entry;
		if (!entry)
			return NULL;
	}
	return NULL;
}

/*
 * The struct vm_area_struct of an mm that covers addr; 0: none does. A global function, so that the
 * verifier looks at the loops once; before 5.12 those take scalars only.
 */
__weak __noinline u64 vma_at(u64 mm, u64 addr)
{
	struct mm_struct *m = (void *)mm;
	struct mm_struct___v60 *old = (void *)mm;
	struct vm_area_struct *v;

	if (!mm)
		return 0;
	if (bpf_core_field_exists(old->mm_rb))
		v = vma_in_rb(m, addr);
	else
		v = vma_in_maple(m, addr);
	return vma_covers(v, addr) ? (u64)v : 0;
}

#define AUXV_LOOKED_AT 12 /* entries; AT_BASE is the 8th or 9th */
#define AT_BASE	       7 /* include/uapi/linux/auxvec.h */

/*
 * Where the kernel mapped the program interpreter when the process was started; 0 without one. Two
 * words at a time: before 6.13 all of a chain of calls has 512 bytes of stack.
 */
__weak __noinline u64 loader_base(u64 mm)
{
	struct mm_struct *m = (void *)mm;
	bool compat = false;

	if (!mm)
		return 0;
	for (int i = 0; i < AUXV_LOOKED_AT; i++) {
		u64 pair[2] = {};
		bpf_core_read(pair, sizeof(pair), &m->saved_auxv[i * 2]);
		if (!i)
			compat = pair[0] >> 32; /* a 32-bit program's: pairs of u32 */
		if (!compat && pair[0] == AT_BASE)
			return pair[1];
		if (compat && (u32)pair[0] == AT_BASE)
			return pair[0] >> 32;
		if (compat && (u32)pair[1] == AT_BASE)
			return pair[1] >> 32;
	}
	return 0;
}

#endif
