/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every drift of kernel structures that we meet, each with the commit that made it. */
#ifndef REDSHANK_LIB_COMPAT_H
#define REDSHANK_LIB_COMPAT_H

/* fs/mount.h: what mnt_ns holds for mounts that the kernel keeps for itself (shm_mnt, …). */
#define MNT_NS_INTERNAL ((struct mnt_namespace *)-22L) /* ERR_PTR(-EINVAL) */

/* Until 633488947ef6 ("kernfs: Use RCU to access kernfs_node::parent.", v6.15) it was `parent`. */
struct kernfs_node___v614 {
	struct kernfs_node *parent;
} __attribute__((preserve_access_index));

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	struct kernfs_node___v614 *old = (void *)kn;
	if (bpf_core_field_exists(old->parent))
		return BPF_CORE_READ(old, parent);
	return BPF_CORE_READ(kn, __parent);
}

/* A pointer whose type the verifier knows (arguments of LSM, fentry and tp_btf programs), as one
 * that it does not: global functions take addresses as numbers only. */
static __always_inline void *untyped(const void *p)
{
	void *q = NULL;
	bpf_probe_read_kernel(&q, sizeof(q), &p);
	return q;
}

/* Until 524e00b36e8c ("mm: remove rb tree.", v6.1) mappings were in a red-black tree. */
struct mm_struct___v60 {
	struct rb_root mm_rb;
} __attribute__((preserve_access_index));

struct vm_area_struct___v60 {
	struct rb_node vm_rb;
} __attribute__((preserve_access_index));

#endif
