/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Facts of a task: the record header, credentials, namespaces, cgroup. */
#ifndef REDSHANK_LIB_TASK_H
#define REDSHANK_LIB_TASK_H

#include "path.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

static __always_inline struct cgroup *task_cgroup(struct task_struct *t)
{
	return BPF_CORE_READ(t, cgroups, dfl_cgrp);
}

/* Fills everything but the framing (len, type, fixed, truncated). */
static __always_inline void hdr_fill(struct ev_hdr *h, struct task_struct *t)
{
	struct task_struct *leader = BPF_CORE_READ(t, group_leader);
	struct task_struct *parent = BPF_CORE_READ(t, real_parent);
	const struct cred *cred = BPF_CORE_READ(t, real_cred);
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	struct upid upid = {};
	u32 level = BPF_CORE_READ(pid, level);

	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
	h->time = bpf_ktime_get_boot_ns();
	h->start = BPF_CORE_READ(leader, start_boottime);
	h->parent_start = BPF_CORE_READ(parent, group_leader, start_boottime);
	h->cgroup = BPF_CORE_READ(task_cgroup(t), kn, id);
	h->pid = BPF_CORE_READ(t, tgid);
	h->tid = BPF_CORE_READ(t, pid);
	h->ppid = BPF_CORE_READ(parent, tgid);
	h->vpid = upid.nr;
	h->uid = BPF_CORE_READ(cred, uid.val);
	h->gid = BPF_CORE_READ(cred, gid.val);
	h->euid = BPF_CORE_READ(cred, euid.val);
	h->egid = BPF_CORE_READ(cred, egid.val);
	h->loginuid = bpf_core_field_exists(t->loginuid) ? BPF_CORE_READ(t, loginuid.val) : -1;
	h->session = bpf_core_field_exists(t->sessionid) ? BPF_CORE_READ(t, sessionid) : -1;
	h->pidns = BPF_CORE_READ(upid.ns, ns.inum);
	h->mntns = BPF_CORE_READ(t, nsproxy, mnt_ns, ns.inum);
	h->cpu = bpf_get_smp_processor_id();
	BPF_CORE_READ_STR_INTO(&h->name, t, comm);
}

/* The cgroup whose path names the container: the unified one, or on v1 hosts memory's or pids'. */
static __always_inline struct kernfs_node *task_cgroup_node(struct task_struct *t)
{
	struct cgroup *cg = task_cgroup(t);
	if (BPF_CORE_READ(cg, level))
		return BPF_CORE_READ(cg, kn);
	struct cgroup_subsys_state *css = NULL;
	struct css_set *set = BPF_CORE_READ(t, cgroups);
	u32 id;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		id = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	else if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		id = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	else
		return NULL;
	bpf_core_read(&css, sizeof(css), &set->subsys[id]);
	return css ? BPF_CORE_READ(css, cgroup, kn) : NULL;
}

/* kernel_cap_t is u32[2] up to 6.2 and u64 since (f122a08b197d): the same bytes. */
static __always_inline u64 cap_bits(const void *cap)
{
	u64 bits = 0;
	bpf_probe_read_kernel(&bits, sizeof(bits), cap);
	return bits;
}

static __always_inline u32 pid_nr(struct signal_struct *sig, int kind)
{
	struct pid *pid = NULL;
	bpf_core_read(&pid, sizeof(pid), &sig->pids[kind]);
	return pid ? BPF_CORE_READ(pid, numbers[0].nr) : 0;
}

/* PROC_FIELDS of events.def, all but the argument vector and the environment. */
#define PROC_FILL(s_, slot_, e_, t_, key_)                                                    \
	do {                                                                                  \
		const struct cred *c_ = BPF_CORE_READ(t_, real_cred);                         \
		struct signal_struct *sig_ = BPF_CORE_READ(t_, signal);                       \
		struct nsproxy *ns_ = BPF_CORE_READ(t_, nsproxy);                             \
		struct fs_struct *fs_ = BPF_CORE_READ(t_, fs);                                \
		struct tty_struct *tty_ = BPF_CORE_READ(sig_, tty);                           \
		(e_)->cap_effective = cap_bits(&c_->cap_effective);                           \
		(e_)->cap_permitted = cap_bits(&c_->cap_permitted);                           \
		(e_)->cap_inheritable = cap_bits(&c_->cap_inheritable);                       \
		(e_)->suid = BPF_CORE_READ(c_, suid.val);                                     \
		(e_)->sgid = BPF_CORE_READ(c_, sgid.val);                                     \
		(e_)->sid = pid_nr(sig_, PIDTYPE_SID);                                        \
		(e_)->pgid = pid_nr(sig_, PIDTYPE_PGID);                                      \
		(e_)->netns = BPF_CORE_READ(ns_, net_ns, ns.inum);                            \
		(e_)->utsns = BPF_CORE_READ(ns_, uts_ns, ns.inum);                            \
		(e_)->ipcns = BPF_CORE_READ(ns_, ipc_ns, ns.inum);                            \
		(e_)->cgroupns = BPF_CORE_READ(ns_, cgroup_ns, ns.inum);                      \
		(e_)->userns = BPF_CORE_READ(c_, user_ns, ns.inum);                           \
		if (fs_)                                                                      \
			rec_put_path(s_, slot_, &(e_)->cwd, EVF_##key_##_cwd, &fs_->pwd,      \
				     &fs_->root);                                             \
		if (tty_)                                                                     \
			rec_put_cstr(s_, &(e_)->tty, EVF_##key_##_tty, &tty_->name, 64);      \
		rec_put_cgroup(s_, &(e_)->cgpath, EVF_##key_##_cgpath, task_cgroup_node(t_)); \
	} while (0)

#endif
