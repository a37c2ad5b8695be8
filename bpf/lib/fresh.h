/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files that were opened for writing moments ago, by whom, and whether that was a process of the
 * same tree as the one that executes it. Files are known by device and inode, processes by number
 * and start: renames, links and names do not matter.
 */
#ifndef REDSHANK_LIB_FRESH_H
#define REDSHANK_LIB_FRESH_H

#include "fd.h"

#define FMODE_WRITE 0x2 /* include/linux/fs.h */
#define SB_I_NOEXEC 0x2 /* s_iflags: procfs, sysfs and the like hold no programs */
#define FRESH_DEPTH 16 /* ancestors of the executing process that are compared */

/* The machine's init is everybody's ancestor: that says nothing. That of a container often is what
 * the container is for. */
static __always_inline bool is_init(struct task_struct *t)
{
	return BPF_CORE_READ(t, tgid) <= 1;
}

/* The session, by the number of its first process; 0: init's, or the kernel's. */
static __always_inline u32 session_of(struct task_struct *t)
{
	u32 sid = pid_nr(BPF_CORE_READ(t, signal), PIDTYPE_SID);
	return sid > 1 ? sid : 0;
}

static __always_inline struct written_key written_key(struct inode *i)
{
	struct written_key k = {
		.ino = BPF_CORE_READ(i, i_ino),
		.dev = BPF_CORE_READ(i, i_sb, s_dev),
	};
	return k;
}

static __always_inline int on_written(struct file *f)
{
	if (!(BPF_CORE_READ(f, f_mode) & FMODE_WRITE))
		return 0;
	count_fact(FACT_written);
	struct inode *i = BPF_CORE_READ(f, f_inode);
	if ((BPF_CORE_READ(i, i_mode) & S_IFMT) != S_IFREG ||
	    BPF_CORE_READ(i, i_sb, s_iflags) & SB_I_NOEXEC)
		return 0;
	struct task_struct *t =
		BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader);
	struct written_key key = written_key(i);
	struct written w = {
		.time = bpf_ktime_get_boot_ns(),
		.start[0] = BPF_CORE_READ(t, start_boottime),
		.pid[0] = bpf_get_current_pid_tgid() >> 32,
	};
	struct written *known = bpf_map_lookup_elem(&written_files, &key);
	if (known && known->pid[0] == w.pid[0] && known->start[0] == w.start[0]) {
		known->time = w.time;
		return 0;
	}
	w.session = session_of(t);
	BPF_CORE_READ_STR_INTO(&w.name, t, comm);
#pragma unroll
	for (int n = 1; n < WRITERS; n++) {
		t = BPF_CORE_READ(t, real_parent, group_leader);
		if (is_init(t))
			break;
		w.pid[n] = BPF_CORE_READ(t, tgid);
		w.start[n] = BPF_CORE_READ(t, start_boottime);
	}
	bpf_map_update_elem(&written_files, &key, &w, BPF_ANY);
	return 0;
}

/* Is the task, or one of its ancestors, the writer or an ancestor of the writer? A global function,
 * so that the verifier looks at the loop once. */
__weak __noinline int same_tree(u64 task, u64 ino, u32 dev)
{
	struct task_struct *t = (void *)task;
	struct written_key key = { .ino = ino, .dev = dev };
	struct written *w = bpf_map_lookup_elem(&written_files, &key);

	if (!w)
		return 0;
	if (w->session && w->session == session_of(t))
		return 1;
	t = BPF_CORE_READ(t, group_leader);
	for (int i = 0; i < FRESH_DEPTH && !is_init(t); i++) {
		u64 start = BPF_CORE_READ(t, start_boottime);
		u32 pid = BPF_CORE_READ(t, tgid);
#pragma unroll
		for (int n = 0; n < WRITERS; n++)
			if (pid == w->pid[n] && start == w->start[n])
				return 1;
		t = BPF_CORE_READ(t, real_parent, group_leader);
	}
	return 0;
}

/* Tells who wrote the file that the current task executes. Returns EXE_F_FRESH or 0. */
static __always_inline u32 put_written(struct ev_exec *e, u64 ino, u32 dev)
{
	struct written_key key = { .ino = ino, .dev = dev };
	struct written *w = bpf_map_lookup_elem(&written_files, &key);

	if (!w || e->hdr.time - w->time > FRESH_SECONDS * 1000000000ULL ||
	    !same_tree(bpf_get_current_task(), ino, dev))
		return 0;
	e->written = w->time;
	e->writer = w->pid[0];
	e->writer_start = w->start[0];
	__builtin_memcpy(e->writer_name, w->name, sizeof(e->writer_name));
	return EXE_F_FRESH;
}

#endif
