/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a process mounts. */
#ifndef REDSHANK_LIB_MOUNT_H
#define REDSHANK_LIB_MOUNT_H

#include "call.h"

/* include/uapi/linux/mount.h */
#define MS_REMOUNT     32
#define MS_BIND	       4096
#define MS_MOVE	       8192
#define MS_PROPAGATION (1 << 17 | 1 << 18 | 1 << 19 | 1 << 20) /* unbindable to shared */

/* Strings are the kernel's copies, or (from: REC_USER) the caller's own. */
static __always_inline void put_word(struct scratch *s, struct ev_str *out, u32 bit,
				     const char *src, enum rec_from from)
{
	struct ev_hdr *h = (void *)s->rec;
	u64 off = s->off;

	if (!src || off > REC_OFF_MASK)
		return;
	off &= REC_OFF_MASK;
	long n = from == REC_USER ? bpf_probe_read_user_str(&s->rec[off], EV_PATH_MAX, src)
				  : bpf_probe_read_kernel_str(&s->rec[off], EV_PATH_MAX, src);
	if (n == EV_PATH_MAX || n < 0)
		h->truncated |= 1ULL << bit;
	if (n <= 1)
		return;
	out->off = off;
	out->len = n - 1;
	s->off = off + n - 1;
}

/* A new file system; binds, remounts and changes of propagation only rearrange what is there. */
static __always_inline bool mount_is_new(u64 flags)
{
	return !(flags & (MS_REMOUNT | MS_BIND | MS_MOVE | MS_PROPAGATION));
}

#define MOUNTS_DEPTH 32 /* of a tree of mounts, which is balanced */

/* Since 2eea9ce4310d ("mounts: keep list of mounts in an rbtree", v6.8) by mnt_id_unique; before,
 * a list. */
struct mnt_namespace___v67 {
	struct list_head list;
} __attribute__((preserve_access_index));
struct mount___v67 {
	struct list_head mnt_list;
} __attribute__((preserve_access_index));

/* The latest of a namespace's mounts. NULL: none, or none of that namespace's. */
static __always_inline struct mount *mount_newest(struct mnt_namespace *ns)
{
	struct mnt_namespace___v67 *old = (void *)ns;

	if (bpf_core_field_exists(old->list))
		return (void *)BPF_CORE_READ(old, list.prev) -
		       bpf_core_field_offset(struct mount___v67, mnt_list);
	struct rb_node *at = BPF_CORE_READ(ns, mounts.rb_node), *last = NULL;
	for (int i = 0; i < MOUNTS_DEPTH && at; i++) {
		last = at;
		at = BPF_CORE_READ(at, rb_right);
	}
	return last ? (void *)last - bpf_core_field_offset(struct mount, mnt_node) : NULL;
}

/*
 * m: the mount, where there is one already; the rest is what was asked for. Where: at target, else
 * where m is, else (in user memory) at where.
 */
static __always_inline int on_mount(u32 op, struct mount *m, const char *dev,
				    const struct path *target, const char *where, const char *type,
				    u64 flags, enum rec_from from)
{
	u32 slot = 0;
	struct task_struct *t = current_task();
	struct fs_struct *fs = BPF_CORE_READ(t, fs);
	struct scratch *s = rec_begin_cpu(&slot, EV_ns, sizeof(struct ev_ns));
	if (!s)
		return 0;
	struct ev_ns *e = (void *)s->rec;
	struct path at = { .mnt = &m->mnt, .dentry = BPF_CORE_READ(m, mnt.mnt_root) };

	hdr_fill(&e->hdr, t);
	e->op = op;
	e->mount_flags = flags;
	if (m) {
		struct super_block *sb = BPF_CORE_READ(m, mnt.mnt_sb);
		if (BPF_CORE_READ(sb, s_bdev))
			e->dev = BPF_CORE_READ(sb, s_dev);
		dev = BPF_CORE_READ(m, mnt_devname);
		type = BPF_CORE_READ(sb, s_type, name);
		target = target ?: &at;
		from = REC_KERNEL;
	}
	put_word(s, &e->source, EVF_ns_source, dev, from);
	put_word(s, &e->fs_type, EVF_ns_fs_type, type, from);
	if (target && fs)
		rec_put_path(s, slot, &e->target, EVF_ns_target, target, &fs->root);
	else
		put_word(s, &e->target, EVF_ns_target, where, REC_USER);
	if (!target)
		e->hdr.unseen |= UNSEEN_path;
	rec_submit(s, &ring_bulk, EV_ns);
	return 0;
}

static __always_inline int on_sb_mount(const char *dev, const struct path *target, const char *type,
				       u64 flags)
{
	count_fact(FACT_mount);
	return mount_is_new(flags)
		       ? on_mount(NS_mount, NULL, dev, target, NULL, type, flags, REC_KERNEL)
		       : 0;
}

/* A mount made by fsmount(2) that gets its place; others only move. */
static __always_inline int on_move_mount(const struct path *from, const struct path *to)
{
	struct path at;

	count_fact(FACT_move_mount);
	bpf_core_read(&at, sizeof(at), from);
	struct mount *m = real_mount(at.mnt);
	return on_mount(NS_move_mount, m, NULL, to, NULL, NULL, 0, REC_KERNEL);
}

#endif
