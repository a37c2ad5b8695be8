/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Namespaces that a process leaves and enters. */
#ifndef REDSHANK_LIB_NS_H
#define REDSHANK_LIB_NS_H

#include "target.h"

#define PROC_NS_MAGIC 0x6e736673 /* include/uapi/linux/magic.h, NSFS_MAGIC */

/* include/uapi/linux/sched.h */
#define NEW_NS	   0x00020000
#define NEW_CGROUP 0x02000000
#define NEW_UTS	   0x04000000
#define NEW_IPC	   0x08000000
#define NEW_USER   0x10000000
#define NEW_PID	   0x20000000
#define NEW_NET	   0x40000000
#define NEW_TIME   0x00000080
#define NEW_ALL	   (NEW_NS | NEW_CGROUP | NEW_UTS | NEW_IPC | NEW_USER | NEW_PID | NEW_NET | NEW_TIME)

/*
 * The kinds of namespaces in which two struct nsproxy differ. A global function: its many branches
 * are looked at by the verifier once, not once for each of the caller's paths.
 */
__weak __noinline u32 ns_differ(u64 one, u64 other)
{
	struct nsproxy *a = (void *)one, *b = (void *)other;
	u32 kinds = 0;

	if (BPF_CORE_READ(a, pid_ns_for_children) != BPF_CORE_READ(b, pid_ns_for_children))
		kinds |= 1U << NS_F_pid;
	if (BPF_CORE_READ(a, mnt_ns) != BPF_CORE_READ(b, mnt_ns))
		kinds |= 1U << NS_F_mnt;
	if (BPF_CORE_READ(a, net_ns) != BPF_CORE_READ(b, net_ns))
		kinds |= 1U << NS_F_net;
	if (BPF_CORE_READ(a, uts_ns) != BPF_CORE_READ(b, uts_ns))
		kinds |= 1U << NS_F_uts;
	if (BPF_CORE_READ(a, ipc_ns) != BPF_CORE_READ(b, ipc_ns))
		kinds |= 1U << NS_F_ipc;
	if (BPF_CORE_READ(a, cgroup_ns) != BPF_CORE_READ(b, cgroup_ns))
		kinds |= 1U << NS_F_cgroup;
	if (bpf_core_field_exists(a->time_ns) &&
	    BPF_CORE_READ(a, time_ns) != BPF_CORE_READ(b, time_ns))
		kinds |= 1U << NS_F_time;
	return kinds;
}

static __always_inline u32 ns_of_flags(u64 flags)
{
	u32 kinds = 0;

	kinds |= flags & NEW_PID ? 1U << NS_F_pid : 0;
	kinds |= flags & NEW_NS ? 1U << NS_F_mnt : 0;
	kinds |= flags & NEW_NET ? 1U << NS_F_net : 0;
	kinds |= flags & NEW_UTS ? 1U << NS_F_uts : 0;
	kinds |= flags & NEW_IPC ? 1U << NS_F_ipc : 0;
	kinds |= flags & NEW_CGROUP ? 1U << NS_F_cgroup : 0;
	kinds |= flags & NEW_USER ? 1U << NS_F_user : 0;
	kinds |= flags & NEW_TIME ? 1U << NS_F_time : 0;
	return kinds;
}

static __always_inline int tell_ns(u32 op, u32 changed, u32 host)
{
	struct ev_ns *e = ev_reserve(&ring_bulk, ns);
	if (!e)
		return 0;
	hdr_fill(&e->hdr, current_task());
	e->op = op;
	e->changed = changed;
	e->host = host;
	ev_submit(e, EV_ns);
	return 0;
}

static __always_inline u32 ns_of_init(struct nsproxy *now, u32 changed)
{
	struct task_struct *init = task_init();
	u32 host = changed & ~ns_differ((u64)now, (u64)BPF_CORE_READ(init, nsproxy));

	if (BPF_CORE_READ(current_task(), real_cred, user_ns) !=
	    BPF_CORE_READ(init, real_cred, user_ns))
		host &= ~(1U << NS_F_user);
	return host;
}

/* switch_task_namespaces(): the task is about to have another proxy. NULL: it ends. */
static __always_inline int on_switch(struct task_struct *t, struct nsproxy *next)
{
	if (!next || t != current_task())
		return 0;
	struct pt_regs *regs = current_regs();
	bool compat;
	u32 call = call_of(call_nr(regs), &compat);
	if (call != CALL_unshare && call != CALL_setns)
		return 0;
	/* By way of memory: what the verifier knows as a pointer can't be passed as a number. */
	struct nsproxy *to = NULL;
	bpf_probe_read_kernel(&to, sizeof(to), &next);
	u32 changed = ns_differ((u64)BPF_CORE_READ(t, nsproxy), (u64)to);
	if (!changed)
		return 0;
	u32 host = ns_of_init(to, changed);
	if (call == CALL_setns)
		return tell_ns(NS_setns, changed, host);
	/* The user namespace is no part of the proxy. */
	changed |= ns_of_flags(call_arg(regs, compat, 0) & NEW_USER);
	return tell_ns(NS_unshare, changed, host);
}

/* setns(2) has succeeded. What it was before is not known here: it is told even if nothing changed.
 */
static __always_inline int on_setns_done(u32 fd, u64 flags)
{
	struct nsproxy *now = BPF_CORE_READ(current_task(), nsproxy);
	struct inode *i = BPF_CORE_READ(current_file(fd), f_inode);
	u32 changed = ns_of_flags(flags), ino = BPF_CORE_READ(i, i_ino);

	if (!changed && BPF_CORE_READ(i, i_sb, s_magic) != PROC_NS_MAGIC) {
		/* The descriptor was closed or exchanged while the call was on its way. */
		changed = ns_of_flags(NEW_ALL);
	} else if (BPF_CORE_READ(i, i_sb, s_magic) == PROC_NS_MAGIC) {
		changed = 0;
		changed |= ino == BPF_CORE_READ(now, pid_ns_for_children, ns.inum) ? 1U << NS_F_pid
										   : 0;
		changed |= ino == BPF_CORE_READ(now, mnt_ns, ns.inum) ? 1U << NS_F_mnt : 0;
		changed |= ino == BPF_CORE_READ(now, net_ns, ns.inum) ? 1U << NS_F_net : 0;
		changed |= ino == BPF_CORE_READ(now, uts_ns, ns.inum) ? 1U << NS_F_uts : 0;
		changed |= ino == BPF_CORE_READ(now, ipc_ns, ns.inum) ? 1U << NS_F_ipc : 0;
		changed |= ino == BPF_CORE_READ(now, cgroup_ns, ns.inum) ? 1U << NS_F_cgroup : 0;
		changed |= ino == BPF_CORE_READ(current_task(), real_cred, user_ns, ns.inum)
				   ? 1U << NS_F_user
				   : 0;
	}
	return tell_ns(NS_setns, changed, ns_of_init(now, changed));
}

static __always_inline int on_unshare_done(u64 flags)
{
	return flags & NEW_ALL ? tell_ns(NS_unshare, ns_of_flags(flags), 0) : 0;
}

#endif
