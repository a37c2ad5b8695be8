/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths as the kernel has them: from a dentry and its mount up to a root, across mount points.
 * bpf_d_path() is missing in most of the programs and on most of the kernels that we run on.
 */
#ifndef REDSHANK_LIB_PATH_H
#define REDSHANK_LIB_PATH_H

#include "compat.h"
#include "emit.h"

#define WALK_UNREACHABLE (1 << 0) /* ended at a mount that is not below the given root */
#define WALK_TRUNCATED	 (1 << 1) /* longer than EV_PATH_MAX or deeper than WALK_STEPS */

#define WALK_STEPS 256 /* components and mount points */
#define WALK_ROUND 16 /* those of them that the verifier looks at */
#define NAME_LEN   255 /* NAME_MAX */

#define CGROUP_LEVELS 16 /* of a cgroup's path; those nearest to the process are kept */

static __always_inline struct mount *real_mount(struct vfsmount *m)
{
	return (void *)m - bpf_core_field_offset(struct mount, mnt);
}

#define MNT_INTERNAL 0x4000 /* include/linux/mount.h: mounted by the kernel for itself */

/* Is this a layer of an overlay, which has it as a mount of its own (clone_private_mount())? */
static __always_inline bool mount_is_layer(struct mount *m)
{
	return BPF_CORE_READ(m, mnt_ns) == MNT_NS_INTERNAL &&
	       !(BPF_CORE_READ(m, mnt.mnt_flags) & MNT_INTERNAL);
}

/*
 * The path of an open file as user space knows it. What is mapped of an overlay is the file of the
 * layer beneath. It bears the overlay's path until def3ae83da02 ("fs: store real path instead of
 * fake path in backing file f_path", v6.7); since then that is beside it. The flag that says so
 * (FMODE_BACKING) is not the same bit everywhere; where the file is says as much.
 */
__weak __noinline u64 shown_path_at(u64 file)
{
	struct file *f = (void *)file;
	struct backing_file *b = (void *)f;
	struct vfsmount *mnt = BPF_CORE_READ(f, f_path.mnt);
	if (bpf_core_field_exists(b->user_path) && mount_is_layer(real_mount(mnt)))
		return (u64)&b->user_path;
	return (u64)&f->f_path;
}

static __always_inline const struct path *shown_path(struct file *f)
{
	return (void *)shown_path_at((u64)f);
}

/* The inode there: of a mapped file of an overlay the overlay's. */
__weak __noinline u64 shown_inode_at(u64 file)
{
	struct file *f = (void *)file;
	const struct path *p = shown_path(f);
	struct inode *i = BPF_CORE_READ(p, dentry, d_inode);
	return (u64)(i ?: BPF_CORE_READ(f, f_inode));
}

static __always_inline struct inode *shown_inode(struct file *f)
{
	return (void *)shown_inode_at((u64)f);
}

static __always_inline bool dentry_is_dir(struct dentry *d)
{
	return (BPF_CORE_READ(d, d_inode, i_mode) & 0170000) == 0040000;
}

/* Puts a name and its slash before what is there already. False if there is no room. */
static __always_inline bool walk_prepend(struct scratch *s, struct dentry *d)
{
	struct qstr name;
	bpf_core_read(&name, sizeof(name), &d->d_name);
	u64 len = name.len;
	if (len > NAME_LEN)
		len = NAME_LEN;
	u64 off = s->walk.off;
	if (!len || off < len + 1) {
		s->walk.flags |= WALK_TRUNCATED;
		return false;
	}
	off -= len + 1;
	s->walk.off = off;
	off &= EV_PATH_MAX - 1;
	s->path[off] = '/';
	bpf_probe_read_kernel(&s->path[off + 1], len & NAME_LEN, name.name);
	return true;
}

/* One component, or one step out of a mount. Returns 1 at the end. */
static __always_inline int walk_step(struct scratch *s)
{
	struct dentry *d = s->walk.dentry;
	struct vfsmount *m = s->walk.vfsmnt;
	struct mount *mt = s->walk.mnt;

	if (d == s->walk.root_dentry && m == s->walk.root_vfsmnt)
		return 1;
	struct dentry *parent = BPF_CORE_READ(d, d_parent);
	if (d == parent || d == BPF_CORE_READ(m, mnt_root)) {
		struct mount *up = BPF_CORE_READ(mt, mnt_parent);
		if (up == mt) {
			s->walk.flags |= WALK_UNREACHABLE;
			/* A file that is its own root, a memfd or a detached bind mount: its name
			 * is all the path there is. */
			if (s->walk.off == EV_PATH_MAX && !dentry_is_dir(d))
				walk_prepend(s, d);
			return 1;
		}
		s->walk.dentry = BPF_CORE_READ(mt, mnt_mountpoint);
		s->walk.mnt = up;
		s->walk.vfsmnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	if (!walk_prepend(s, d))
		return 1;
	s->walk.dentry = parent;
	return 0;
}

/*
 * Some steps of the walk that is set up in the scratch of a slot. Not 0: it has ended. A global
 * function, for which the verifier looks at the loop once per object and not once per path and
 * round; kernels before 5.12 let those take scalars only.
 */
__weak __noinline int path_walk_round(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &slot);
	if (!s)
		return 1;
	for (int i = 0; i < WALK_ROUND; i++)
		if (walk_step(s))
			return 1;
	return 0;
}

/* All of it. */
__weak __noinline int path_walk(u32 slot)
{
	for (int i = 0; i < WALK_STEPS / WALK_ROUND; i++)
		if (path_walk_round(slot))
			return 0;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &slot);
	if (s)
		s->walk.flags |= WALK_TRUNCATED;
	return 0;
}

/*
 * Appends the path of (dentry, vfsmnt) as a task with this root sees it and points *out at it.
 * Returns WALK_* flags. "/" is the root itself; a deleted name is given without any suffix.
 */
static __always_inline u64 rec_put_path(struct scratch *s, u32 slot, struct ev_str *out, u32 bit,
					const struct path *p, const struct path *root)
{
	struct path at, top;

	bpf_core_read(&at, sizeof(at), p);
	bpf_core_read(&top, sizeof(top), root);
	s->walk.dentry = at.dentry;
	s->walk.vfsmnt = at.mnt;
	s->walk.mnt = real_mount(at.mnt);
	s->walk.root_dentry = top.dentry;
	s->walk.root_vfsmnt = top.mnt;
	s->walk.off = EV_PATH_MAX;
	s->walk.flags = 0;
	if (at.dentry)
		path_walk(slot);
	u64 off = s->walk.off;
	if (off >= EV_PATH_MAX) { /* no component: the root itself */
		off = EV_PATH_MAX - 1;
		s->path[EV_PATH_MAX - 1] = '/';
	}
	off &= EV_PATH_MAX - 1;
	rec_put(s, out, bit, &s->path[off], EV_PATH_MAX - off, EV_PATH_MAX, REC_KERNEL);
	if (s->walk.flags & WALK_TRUNCATED)
		((struct ev_hdr *)s->rec)->truncated |= 1ULL << bit;
	return s->walk.flags;
}

/* Appends the path of a cgroup, from its hierarchy's root. */
static __always_inline void rec_put_cgroup(struct scratch *s, struct ev_str *out, u32 bit,
					   struct kernfs_node *kn)
{
	u64 at = EV_PATH_MAX;
	int i;

	for (i = 0; i < CGROUP_LEVELS && kn; i++) {
		struct kernfs_node *parent = kernfs_parent(kn);
		if (!parent) /* the root's name is empty */
			break;
		/* Names have no length field: read into the slack, then move next to what follows.
		 */
		char *tmp = &s->path[EV_PATH_MAX];
		long n = bpf_probe_read_kernel_str(tmp, NAME_LEN + 1, BPF_CORE_READ(kn, name));
		if (n <= 1)
			break;
		u64 len = n - 1;
		barrier_var(at);
		if (at < len + 1 || at > EV_PATH_MAX) {
			((struct ev_hdr *)s->rec)->truncated |= 1ULL << bit;
			break;
		}
		at -= len + 1;
		u64 off = at & (EV_PATH_MAX - 1);
		s->path[off] = '/';
		bpf_probe_read_kernel(&s->path[off + 1], len & NAME_LEN, tmp);
		kn = parent;
	}
	if (i == CGROUP_LEVELS && kernfs_parent(kn))
		((struct ev_hdr *)s->rec)->truncated |= 1ULL << bit;
	if (at >= EV_PATH_MAX) {
		at = EV_PATH_MAX - 1;
		s->path[EV_PATH_MAX - 1] = '/';
	}
	at &= EV_PATH_MAX - 1;
	rec_put(s, out, bit, &s->path[at], EV_PATH_MAX - at, EV_PATH_MAX, REC_KERNEL);
}

#endif
