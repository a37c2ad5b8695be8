/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where an executable comes from, judged by what its inode, superblock and mount are. A path is the
 * attacker's to choose; these are not.
 */
#ifndef REDSHANK_LIB_EXE_H
#define REDSHANK_LIB_EXE_H

#include "task.h"

/* include/uapi/linux/magic.h */
#define TMPFS_MAGIC	      0x01021994
#define RAMFS_MAGIC	      0x858458f6
#define HUGETLBFS_MAGIC	      0x958458f6
#define OVERLAYFS_SUPER_MAGIC 0x794c7630

/*
 * Memfds live on the kernel's own shmem (or hugetlbfs) mount, which is in no namespace: no file
 * that somebody created by a path can be there. What else is there (SysV shared memory, shared
 * anonymous mappings) is memory without a file just as well. A deleted file on a tmpfs has a
 * namespace. An overlay's private clone of a tmpfs (clone_private_mount()) has none, but was not
 * mounted by the kernel itself.
 */

static __always_inline bool is_memfd(struct mount *mnt, u64 magic)
{
	return BPF_CORE_READ(mnt, mnt_ns) == MNT_NS_INTERNAL && !mount_is_layer(mnt) &&
	       (magic == TMPFS_MAGIC || magic == HUGETLBFS_MAGIC);
}

static __always_inline bool file_is_memfd(struct file *f)
{
	const struct path *p = shown_path(f);
	return is_memfd(real_mount(BPF_CORE_READ(p, mnt)),
			BPF_CORE_READ(shown_inode(f), i_sb, s_magic));
}

/* fs/overlayfs/ovl_entry.h: struct ovl_inode is a struct inode and then __upperdentry; the module
 * has no BTF on older kernels, and the layout has been so since 4.13 (09d8b586731b). */
static __always_inline bool overlay_has_upper(struct inode *inode)
{
	void *upper = NULL;
	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)inode + bpf_core_type_size(struct inode));
	return upper != NULL;
}

static __always_inline u32 shmem_seals(struct inode *inode)
{
	struct shmem_inode_info *info =
		(void *)inode - bpf_core_field_offset(struct shmem_inode_info, vfs_inode);
	return BPF_CORE_READ(info, seals);
}

static __always_inline bool dentry_unhashed(struct dentry *d)
{
	return !BPF_CORE_READ(d, d_hash.pprev) && d != BPF_CORE_READ(d, d_parent);
}

static __always_inline bool dentry_named_memfd(struct dentry *d)
{
	char name[8] = {};
	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(d, d_name.name));
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' &&
	       name[4] == 'd' && name[5] == ':';
}

static __always_inline u32 exe_origin(u64 magic, u32 nlink, u32 flags, bool memfd)
{
	if (memfd)
		return EXE_ORIGIN_memfd;
	if (!nlink)
		return EXE_ORIGIN_unlinked;
	if (magic == TMPFS_MAGIC || magic == RAMFS_MAGIC)
		return EXE_ORIGIN_tmpfs;
	if (flags & EXE_F_OVERLAY_UPPER)
		return EXE_ORIGIN_overlay_upper;
	return EXE_ORIGIN_regular;
}

/* The judgement of a file alone. */
static __always_inline u32 file_origin(struct file *f)
{
	struct inode *i = shown_inode(f);
	u64 magic = BPF_CORE_READ(i, i_sb, s_magic);
	u32 flags =
		magic == OVERLAYFS_SUPER_MAGIC && overlay_has_upper(i) ? EXE_F_OVERLAY_UPPER : 0;
	return exe_origin(magic, BPF_CORE_READ(i, i_nlink), flags, file_is_memfd(f));
}

/* EXE_FIELDS of events.def from a struct file; flags are or'ed to those found here. */
#define EXE_FILL(s_, slot_, e_, t_, file_, flags_, key_)                                      \
	do {                                                                                  \
		struct file *f_ = (file_);                                                    \
		const struct path *p_ = shown_path(f_);                                       \
		struct inode *i_ = shown_inode(f_);                                           \
		struct dentry *d_ = BPF_CORE_READ(p_, dentry);                                \
		struct mount *m_ = real_mount(BPF_CORE_READ(p_, mnt));                        \
		struct fs_struct *fs__ = BPF_CORE_READ(t_, fs);                               \
		u32 x_ = (flags_);                                                            \
		(e_)->exe_ino = BPF_CORE_READ(i_, i_ino);                                     \
		(e_)->exe_size = BPF_CORE_READ(i_, i_size);                                   \
		(e_)->exe_magic = BPF_CORE_READ(i_, i_sb, s_magic);                           \
		(e_)->exe_dev = BPF_CORE_READ(i_, i_sb, s_dev);                               \
		(e_)->exe_nlink = BPF_CORE_READ(i_, i_nlink);                                 \
		(e_)->exe_mode = BPF_CORE_READ(i_, i_mode);                                   \
		(e_)->exe_uid = BPF_CORE_READ(i_, i_uid.val);                                 \
		(e_)->exe_gid = BPF_CORE_READ(i_, i_gid.val);                                 \
		bool memfd_ = is_memfd(m_, (e_)->exe_magic);                                  \
		if (memfd_ && (e_)->exe_magic == TMPFS_MAGIC)                                 \
			(e_)->exe_seals = shmem_seals(i_);                                    \
		if (BPF_CORE_READ(m_, mnt_ns) == MNT_NS_INTERNAL)                             \
			x_ |= EXE_F_INTERNAL_MOUNT;                                           \
		if (dentry_unhashed(d_))                                                      \
			x_ |= EXE_F_UNHASHED;                                                 \
		if (memfd_ && dentry_named_memfd(d_))                                         \
			x_ |= EXE_F_MEMFD_NAME;                                               \
		if ((e_)->exe_magic == OVERLAYFS_SUPER_MAGIC && overlay_has_upper(i_))        \
			x_ |= EXE_F_OVERLAY_UPPER;                                            \
		if (fs__ &&                                                                   \
		    (rec_put_path(s_, slot_, &(e_)->exe, EVF_##key_##_exe, p_, &fs__->root) & \
		     WALK_UNREACHABLE) &&                                                     \
		    !(x_ & EXE_F_INTERNAL_MOUNT))                                             \
			x_ |= EXE_F_DETACHED;                                                 \
		rec_put_cstr(s_, &(e_)->exe_fs, EVF_##key_##_exe_fs,                          \
			     BPF_CORE_READ(i_, i_sb, s_type, name), 32);                      \
		(e_)->exe_flags = x_;                                                         \
		(e_)->exe_origin = exe_origin((e_)->exe_magic, (e_)->exe_nlink, x_, memfd_);  \
	} while (0)

#endif
