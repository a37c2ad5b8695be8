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
#define FUSE_SUPER_MAGIC      0x65735546
/* Of file systems that other machines serve, or the host of a virtual one; those that are in no
 * header of the kernel are from coreutils, src/fs.h. */
#define NFS_SUPER_MAGIC	   0x6969
#define SMB_SUPER_MAGIC	   0x517b
#define SMB2_SUPER_MAGIC   0xfe534d42
#define CIFS_SUPER_MAGIC   0xff534d42
#define V9FS_MAGIC	   0x01021997
#define AFS_SUPER_MAGIC	   0x5346414f
#define AFS_FS_MAGIC	   0x6b414653
#define CODA_SUPER_MAGIC   0x73757245
#define CEPH_SUPER_MAGIC   0x00c36400
#define OCFS2_SUPER_MAGIC  0x7461636f
#define GFS2_MAGIC	   0x01161970
#define LUSTRE_SUPER_MAGIC 0x0bd00bd0
#define ORANGEFS_MAGIC	   0x20030528
#define GPFS_SUPER_MAGIC   0x47504653
#define BEEGFS_MAGIC	   0x19830326
#define PANFS_SUPER_MAGIC  0xaad7aaea
#define VBOXSF_SUPER_MAGIC 0x786f4256
#define VMHGFS_SUPER_MAGIC 0xbacbacbc

#define GENHD_FL_REMOVABLE 1 /* include/linux/blkdev.h; include/linux/genhd.h up to 5.17 */
#define SB_KERNMOUNT	   (1 << 22) /* include/linux/fs.h: vfs_kern_mount() by the kernel */
#define INO_DIGITS	   20

/*
 * Memfds are on superblocks that the kernel mounts for itself alone: no file that somebody created
 * by a path can be there. What else is there (SysV shared memory, shared anonymous mappings) is
 * memory without a file just as well. The mount does not tell: overlayfs has such mounts of the
 * tmpfs that its layers are on.
 */
static __always_inline bool is_memfd(struct super_block *sb)
{
	u64 magic = BPF_CORE_READ(sb, s_magic);
	return BPF_CORE_READ(sb, s_flags) & SB_KERNMOUNT &&
	       (magic == TMPFS_MAGIC || magic == HUGETLBFS_MAGIC);
}

/*
 * What follows takes addresses as numbers, and is global: the verifier looks at the many branches
 * once, not once for each of a caller's paths.
 */
__weak __noinline u32 memfd_at(u64 file)
{
	return is_memfd(BPF_CORE_READ(shown_inode((void *)file), i_sb));
}

static __always_inline bool file_is_memfd(struct file *f)
{
	return memfd_at((u64)f);
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

/*
 * d_mark_tmpfile() names what O_TMPFILE makes "#INODE"; nothing else does before it has a link. Who
 * gives a file that name and then removes it is taken for it: no less a file without a name. A
 * global function, so that the verifier looks at the loop once.
 */
__weak __noinline int named_by_inode(u64 dentry, u64 ino)
{
	char name[INO_DIGITS + 2] = {};
	u64 number = 0;
	int i;

	bpf_probe_read_kernel_str(name, sizeof(name),
				  BPF_CORE_READ((struct dentry *)dentry, d_name.name));
	if (name[0] != '#')
		return 0;
	for (i = 1; i <= INO_DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9')
			break;
		number = number * 10 + (name[i] - '0');
	}
	return i > 1 && number == ino;
}

/* Virtiofs has FUSE's magic number, but the host of the virtual machine serves it. */
static __always_inline bool is_virtiofs(struct super_block *sb)
{
	char type[9] = {};
	bpf_probe_read_kernel_str(type, sizeof(type), BPF_CORE_READ(sb, s_type, name));
	return type[0] == 'v' && type[1] == 'i' && type[2] == 'r' && type[3] == 't' &&
	       type[4] == 'i' && type[5] == 'o' && type[6] == 'f' && type[7] == 's';
}

/* What the file system itself says of its files. */
static __always_inline u32 fs_origin(struct super_block *sb, u64 magic)
{
	switch (magic) {
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
		return EXE_ORIGIN_tmpfs;
	case FUSE_SUPER_MAGIC:
		return is_virtiofs(sb) ? EXE_ORIGIN_network : EXE_ORIGIN_fuse;
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case V9FS_MAGIC:
	case AFS_SUPER_MAGIC:
	case AFS_FS_MAGIC:
	case CODA_SUPER_MAGIC:
	case CEPH_SUPER_MAGIC:
	case OCFS2_SUPER_MAGIC:
	case GFS2_MAGIC:
	case LUSTRE_SUPER_MAGIC:
	case ORANGEFS_MAGIC:
	case GPFS_SUPER_MAGIC:
	case BEEGFS_MAGIC:
	case PANFS_SUPER_MAGIC:
	case VBOXSF_SUPER_MAGIC:
	case VMHGFS_SUPER_MAGIC:
		return EXE_ORIGIN_network;
	}
	return BPF_CORE_READ(sb, s_bdev, bd_disk, flags) & GENHD_FL_REMOVABLE ? EXE_ORIGIN_removable
									      : EXE_ORIGIN_regular;
}

/* Servers of FUSE often leave the link count 0: there the name must be gone, too. */
static __always_inline bool is_unlinked(struct inode *i, u64 magic, u32 flags)
{
	return !BPF_CORE_READ(i, i_nlink) && (magic != FUSE_SUPER_MAGIC || flags & EXE_F_UNHASHED);
}

/* Facts of a struct file that need no path. Returns EXE_F_*. */
__weak __noinline u32 file_flags(u64 file, u32 memfd)
{
	struct file *f = (void *)file;
	const struct path *p = shown_path(f);
	struct inode *i = shown_inode(f);
	struct dentry *d = BPF_CORE_READ(p, dentry);
	struct mount *m = real_mount(BPF_CORE_READ(p, mnt));
	u32 flags = 0;

	if (BPF_CORE_READ(m, mnt_ns) == MNT_NS_INTERNAL)
		flags |= EXE_F_INTERNAL_MOUNT;
	if (dentry_unhashed(d))
		flags |= EXE_F_UNHASHED;
	if (memfd)
		return dentry_named_memfd(d) ? flags | EXE_F_MEMFD_NAME : flags;
	if (BPF_CORE_READ(i, i_sb, s_magic) == OVERLAYFS_SUPER_MAGIC && overlay_has_upper(i))
		flags |= EXE_F_OVERLAY_UPPER;
	if (flags & EXE_F_UNHASHED && !BPF_CORE_READ(i, i_nlink) &&
	    named_by_inode((u64)d, BPF_CORE_READ(i, i_ino)))
		flags |= EXE_F_NEVER_LINKED;
	return flags;
}

/* Of a struct inode. Returns EXE_ORIGIN_*. */
__weak __noinline u32 exe_origin(u64 inode, u32 flags, u32 memfd)
{
	struct inode *i = (void *)inode;
	struct super_block *sb = BPF_CORE_READ(i, i_sb);
	u64 magic = BPF_CORE_READ(sb, s_magic);

	if (memfd)
		return EXE_ORIGIN_memfd;
	if (is_unlinked(i, magic, flags))
		return EXE_ORIGIN_unlinked;
	if (flags & EXE_F_OVERLAY_UPPER)
		return EXE_ORIGIN_overlay_upper;
	return fs_origin(sb, magic);
}

/* The judgement of a file alone. */
static __always_inline u32 file_origin(struct file *f)
{
	bool memfd = file_is_memfd(f);
	return exe_origin((u64)shown_inode(f), file_flags((u64)f, memfd), memfd);
}

/* EXE_FIELDS of events.def from a struct file; flags are or'ed to those found here. */
#define EXE_FILL(s_, slot_, e_, t_, file_, flags_, key_)                                      \
	do {                                                                                  \
		struct file *f_ = (file_);                                                    \
		const struct path *p_ = shown_path(f_);                                       \
		struct inode *i_ = shown_inode(f_);                                           \
		struct fs_struct *fs__ = BPF_CORE_READ(t_, fs);                               \
		bool memfd_ = file_is_memfd(f_);                                              \
		u32 x_ = (flags_) | file_flags((u64)f_, memfd_);                              \
		(e_)->exe_ino = BPF_CORE_READ(i_, i_ino);                                     \
		(e_)->exe_size = BPF_CORE_READ(i_, i_size);                                   \
		(e_)->exe_magic = BPF_CORE_READ(i_, i_sb, s_magic);                           \
		(e_)->exe_dev = BPF_CORE_READ(i_, i_sb, s_dev);                               \
		(e_)->exe_nlink = BPF_CORE_READ(i_, i_nlink);                                 \
		(e_)->exe_mode = BPF_CORE_READ(i_, i_mode);                                   \
		(e_)->exe_uid = BPF_CORE_READ(i_, i_uid.val);                                 \
		(e_)->exe_gid = BPF_CORE_READ(i_, i_gid.val);                                 \
		if (memfd_ && (e_)->exe_magic == TMPFS_MAGIC)                                 \
			(e_)->exe_seals = shmem_seals(i_);                                    \
		if (fs__ &&                                                                   \
		    (rec_put_path(s_, slot_, &(e_)->exe, EVF_##key_##_exe, p_, &fs__->root) & \
		     WALK_UNREACHABLE) &&                                                     \
		    !(x_ & EXE_F_INTERNAL_MOUNT))                                             \
			x_ |= EXE_F_DETACHED;                                                 \
		rec_put_cstr(s_, &(e_)->exe_fs, EVF_##key_##_exe_fs,                          \
			     BPF_CORE_READ(i_, i_sb, s_type, name), 32);                      \
		(e_)->exe_flags = x_;                                                         \
		(e_)->exe_origin = exe_origin((u64)i_, x_, memfd_);                           \
	} while (0)

#endif
