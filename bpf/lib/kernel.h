/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files that steer the kernel. One is known by its file system and its dentry, so that another
 * mount, a symbolic link or a chroot does not hide it.
 */
#ifndef REDSHANK_LIB_KERNEL_H
#define REDSHANK_LIB_KERNEL_H

#include "access.h"
#include "fresh.h"

/* include/linux/fs.h */
#define FMODE_READ 0x1
/* O_WRONLY, O_RDWR: include/uapi/asm-generic/fcntl.h */
#define O_ACCESS 3
/* include/uapi/linux/magic.h */
#define PROC_MAGIC    0x9fa0
#define SYSFS_MAGIC   0x62656572
#define BINFMT_MAGIC  0x42494e4d
#define CGROUP_MAGIC  0x27e0eb
#define TRACEFS_MAGIC 0x74726163
#define DEBUGFS_MAGIC 0x64626720

#define LEAF_LEN EV_COMM_LEN

struct leaf {
	char s[LEAF_LEN];
};

static __always_inline struct leaf leaf_of(struct dentry *d)
{
	struct leaf l = {};
	bpf_probe_read_kernel_str(l.s, sizeof(l.s), BPF_CORE_READ(d, d_name.name));
	return l;
}

/* Compares with a literal of at most 15 characters, its NUL included. */
#define leaf_is(leaf_, text_) leaf_equal(leaf_, text_, sizeof(text_))

static __always_inline bool leaf_equal(const struct leaf *l, const char *text, u32 n)
{
#pragma unroll
	for (u32 i = 0; i < LEAF_LEN; i++) {
		if (i >= n)
			break;
		if (l->s[i] != text[i])
			return false;
	}
	return true;
}

/* /proc/sys/DIR/NAME: sysctls of these directories only, by the names that they have on procfs. */
static __always_inline u32 sysctl_file(struct dentry *d, const struct leaf *l)
{
	struct dentry *up = BPF_CORE_READ(d, d_parent);
	struct leaf dir = leaf_of(up), top = leaf_of(BPF_CORE_READ(up, d_parent));

	if (!leaf_is(&top, "sys"))
		return KERNEL_FILE_none;
	if (leaf_is(&dir, "vm"))
		return KERNEL_FILE_sysctl_vm;
	if (leaf_is(&dir, "fs"))
		return KERNEL_FILE_sysctl_fs;
	if (leaf_is(&dir, "usermodehelper"))
		return KERNEL_FILE_usermodehelper;
	if (!leaf_is(&dir, "kernel"))
		return KERNEL_FILE_none;
	if (leaf_is(l, "core_pattern"))
		return KERNEL_FILE_core_pattern;
	if (leaf_is(l, "modprobe"))
		return KERNEL_FILE_modprobe;
	if (leaf_is(l, "hotplug"))
		return KERNEL_FILE_uevent_helper;
	if (leaf_is(l, "poweroff_cmd"))
		return KERNEL_FILE_usermodehelper;
	/* Every program may write its own: 0 for the last pid, and the like, stay with
	 * sysctl_kernel. */
	return KERNEL_FILE_sysctl_kernel;
}

static __always_inline u32 kernel_file(struct file *f, u64 magic)
{
	struct dentry *d = BPF_CORE_READ(f, f_path.dentry);
	struct leaf l = leaf_of(d);
	u32 rdev;

	switch (magic) {
	case PROC_MAGIC:
		if (leaf_is(&l, "sysrq-trigger"))
			return KERNEL_FILE_sysrq;
		return sysctl_file(d, &l);
	case SYSFS_MAGIC:
		return leaf_is(&l, "uevent_helper") ? KERNEL_FILE_uevent_helper : KERNEL_FILE_none;
	case BINFMT_MAGIC:
		return KERNEL_FILE_binfmt_misc;
	case CGROUP_MAGIC:
		return leaf_is(&l, "release_agent") ? KERNEL_FILE_release_agent : KERNEL_FILE_none;
	case TRACEFS_MAGIC:
		return leaf_is(&l, "kprobe_events") || leaf_is(&l, "uprobe_events") ||
				       leaf_is(&l, "dynamic_events")
			       ? KERNEL_FILE_tracing_events
			       : KERNEL_FILE_none;
	}
	if ((BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFCHR)
		return KERNEL_FILE_none;
	rdev = BPF_CORE_READ(f, f_inode, i_rdev);
	if (rdev == (MEM_MAJOR << 20 | 1) || rdev == (MEM_MAJOR << 20 | 2) ||
	    rdev == (MEM_MAJOR << 20 | 4)) /* mem, kmem, port */
		return KERNEL_FILE_dev_mem;
	return KERNEL_FILE_none;
}

/* f: NULL if it is not there any more. */
static __always_inline int tell_kernel_write(struct file *f, u64 magic, u32 which)
{
	u32 slot = 0;
	struct task_struct *t = current_task();
	struct fs_struct *fs = BPF_CORE_READ(t, fs);
	struct scratch *s = rec_begin_cpu(&slot, EV_kernel_write, sizeof(struct ev_kernel_write));
	if (!s)
		return 0;
	struct ev_kernel_write *e = (void *)s->rec;
	struct leaf l = leaf_of(BPF_CORE_READ(f, f_path.dentry));

	hdr_fill(&e->hdr, t);
	e->magic = magic;
	e->file = which;
	e->flags = BPF_CORE_READ(f, f_flags);
	__builtin_memcpy(e->leaf, l.s, sizeof(e->leaf));
	if (f && fs)
		rec_put_path(s, slot, &e->path, EVF_kernel_write_path, &f->f_path, &fs->root);
	rec_submit(s, &ring_main, EV_kernel_write);
	return 0;
}

/* /proc/PID/mem: to write is to write into the process, whatever is protected there. */
static __always_inline int on_proc_mem(struct file *f, u32 mode)
{
	struct task_struct *target = task_of_proc_inode(BPF_CORE_READ(f, f_inode));
	return on_access(mode & FMODE_WRITE ? ACCESS_mem_write : ACCESS_mem_read, target, 0, 0);
}

static __always_inline bool is_proc_mem(struct file *f)
{
	struct dentry *d = BPF_CORE_READ(f, f_path.dentry);
	struct leaf l = leaf_of(d);
	return leaf_is(&l, "mem") && task_of_proc_inode(BPF_CORE_READ(f, f_inode)) != NULL;
}

static __always_inline int on_open(struct file *f)
{
	u32 mode = BPF_CORE_READ(f, f_mode);
	u64 magic = BPF_CORE_READ(f, f_inode, i_sb, s_magic);

	if (magic == PROC_MAGIC && is_proc_mem(f))
		return on_proc_mem(f, mode);
	if (!(mode & FMODE_WRITE))
		return 0;
	u32 which = kernel_file(f, magic);
	return which ? tell_kernel_write(f, magic, which) : 0;
}

#endif
