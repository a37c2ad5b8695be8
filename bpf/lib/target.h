/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The process that a system call names: by number, by descriptor, by a file of /proc. */
#ifndef REDSHANK_LIB_TARGET_H
#define REDSHANK_LIB_TARGET_H

#include "call.h"

#define XA_NODE_DEPTH 6 /* 6 bits of a pid per level; PID_MAX_LIMIT takes 4 */

static __always_inline struct task_struct *task_of_pid(struct pid *pid)
{
	struct hlist_node *node = BPF_CORE_READ(pid, tasks[PIDTYPE_PID].first);
	if (!node)
		return NULL;
	return (void *)node - bpf_core_field_offset(struct task_struct, pid_links);
}

/* As find_task_by_vpid(): the number is one of the current task's pid namespace. */
static __always_inline struct task_struct *task_of_nr(u32 nr)
{
	struct pid *own = BPF_CORE_READ(current_task(), thread_pid);
	u32 level = BPF_CORE_READ(own, level);
	struct upid upid;
	bpf_core_read(&upid, sizeof(upid), &own->numbers[level]);
	struct pid_namespace *ns = upid.ns;
	/* A radix tree: include/linux/xarray.h, xa_is_node(). */
	u64 entry = (u64)BPF_CORE_READ(ns, idr.idr_rt.xa_head);
#pragma unroll
	for (int i = 0; i < XA_NODE_DEPTH; i++) {
		if ((entry & 3) != 2 || entry < 4096)
			break;
		struct xa_node *node = (void *)(entry - 2);
		u32 slot = nr >> BPF_CORE_READ(node, shift) & 63;
		void *next = NULL;
		bpf_core_read(&next, sizeof(next), &node->slots[slot]);
		entry = (u64)next;
	}
	if (!entry || entry & 3)
		return NULL;
	struct task_struct *t = task_of_pid((void *)entry);
	if (!t)
		return NULL;
	struct pid *pid = BPF_CORE_READ(t, thread_pid); /* the tree ends above a number too large */
	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
	return (u32)upid.nr == nr ? t : NULL;
}

/* The process of a /proc/PID/… inode. */
static __always_inline struct task_struct *task_of_proc_inode(struct inode *i)
{
	struct proc_inode *pi = (void *)i - bpf_core_field_offset(struct proc_inode, vfs_inode);
	struct pid *pid = BPF_CORE_READ(pi, pid);
	return pid ? task_of_pid(pid) : NULL;
}

/* The process of a pidfd. Since cb12fd8e0dab ("pidfd: add pidfs", v6.9) its inode has the pid. */
static __always_inline struct task_struct *task_of_pidfd(u32 fd)
{
	struct file *f = current_file(fd);
	if (!f)
		return NULL;
	struct pid *pid = BPF_CORE_READ(f, f_inode, i_private);
	if (!pid)
		pid = BPF_CORE_READ(f, private_data);
	return pid ? task_of_pid(pid) : NULL;
}

/* pid 1 of the initial pid namespace. */
static __always_inline struct task_struct *task_init(void)
{
	struct pid_namespace *ns = BPF_CORE_READ(current_task(), thread_pid, numbers[0].ns);
	return BPF_CORE_READ(ns, child_reaper);
}

#endif
