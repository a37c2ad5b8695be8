/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ends of system calls: reaching into processes and into the kernel. What is judged is what a call
 * led to: a descriptor's file, a process by its number in the caller's namespace, the task's new
 * proxy.
 */
#ifndef REDSHANK_LIB_CALLS_REACH_H
#define REDSHANK_LIB_CALLS_REACH_H

#include "creds.h"
#include "loads.h"
#include "mount.h"
#include "ns.h"
#include "sees.h"

static __always_inline bool denied(u32 error)
{
	return error == EPERM || error == EACCES;
}

static __always_inline int after_ptrace(struct pt_regs *regs, bool compat, u32 error)
{
	u32 request = call_arg(regs, compat, 0), op = access_of_request(request);
	struct reach r = { .request = request, .error = error };

	if (op == ACCESS_ptrace_traceme) {
		count_fact(FACT_traceme);
		if (!sees_fact(FACT_traceme))
			return 0;
		return tell_access(op, BPF_CORE_READ(current_task(), real_parent), &r);
	}
	bool attaches = op == ACCESS_ptrace_attach || op == ACCESS_ptrace_seize;
	if (!attaches)
		count_fact(FACT_poke);
	if (op == ACCESS_none || !(attaches ? sees_event(EV_access) : sees_fact(FACT_poke)))
		return 0;
	if (op >= ACCESS_ptrace_poke_text && op != ACCESS_ptrace_set_regs)
		r.addr = call_arg(regs, compat, 2);
	return tell_access(op, task_of_nr(call_arg(regs, compat, 1)), &r);
}

static __always_inline int after_access(u32 call, struct pt_regs *regs, bool compat, u32 error)
{
	u32 first = call_arg(regs, compat, 0);
	struct reach r = { .error = error };

	if (!sees_event(EV_access))
		return 0;
	switch (call) {
	case CALL_vm_readv:
		return on_vm_access(ACCESS_vm_read, task_of_nr(first), regs, compat, error);
	case CALL_vm_writev:
		return on_vm_access(ACCESS_vm_write, task_of_nr(first), regs, compat, error);
	case CALL_pidfd_getfd:
		return tell_access(ACCESS_pidfd_getfd, task_of_pidfd(first), &r);
	}
	return 0;
}

/*
 * Most open for reading; these pay for nothing but the look at their flags. Another thread may have
 * closed the descriptor by now, or put another file there: what was opened is not known then, which
 * is worth telling, for nobody does that by accident.
 */
static __noinline int after_open(u32 call, struct pt_regs *regs, bool compat, u32 fd)
{
	u32 flags = 0;

	if (call != CALL_open_other) {
		flags = call_arg(regs, compat, call == CALL_open ? 1 : 2) & O_ACCESS;
		if (!flags)
			return 0;
	}
	struct file *f = current_file(fd);
	if (!f || (flags && (BPF_CORE_READ(f, f_flags) & O_ACCESS) != flags))
		return sees_event(EV_kernel_write) ? tell_kernel_write(f, 0, KERNEL_FILE_swapped)
						   : 0;
	if (sees_fact(FACT_written))
		on_written(f);
	return sees_event(EV_kernel_write) ? on_open(f) : 0;
}

static __always_inline int after_module(u32 call, struct pt_regs *regs, bool compat, u32 error)
{
	bool data = call == CALL_init_module || call == CALL_kexec_load;

	if (data)
		count_fact(FACT_load_data);
	if (!(data ? sees_fact(FACT_load_data) : sees_event(EV_module)))
		return 0;
	switch (call) {
	case CALL_init_module:
		return on_module(MODULE_init_module, NULL, call_arg(regs, compat, 1), error);
	case CALL_kexec_load:
		return on_module(MODULE_kexec_load, NULL, 0, error);
	}
	return on_module(call == CALL_finit_module ? MODULE_finit_module : MODULE_kexec_file_load,
			 current_file(call_arg(regs, compat, 0)), 0, error);
}

static __always_inline int after_bpf(struct pt_regs *regs, bool compat, u32 fd)
{
	if ((u32)call_arg(regs, compat, 0) != BPF_CALL_PROG_LOAD)
		return 0;
	return on_bpf_prog(BPF_CORE_READ(current_file(fd), private_data));
}

static __always_inline int after_setuid(u32 call)
{
	const struct cred *now = BPF_CORE_READ(current_task(), real_cred);
	u32 uid = BPF_CORE_READ(now, uid.val), euid = BPF_CORE_READ(now, euid.val);

	if (uid && euid)
		return 0;
	struct ev_creds *e = ev_reserve(&ring_main, creds);
	if (!e)
		return 0;
	hdr_fill(&e->hdr, current_task());
	e->op = creds_op(call);
	e->cap_permitted = cap_bits(&now->cap_permitted);
	e->old_uid = e->old_euid = -1; /* not known any more */
	e->new_uid = uid;
	e->new_euid = euid;
	e->userns = BPF_CORE_READ(now, user_ns, ns.inum);
	ev_submit(e, EV_creds);
	return 0;
}

#define MS_MGC_VAL 0xC0ED0000ULL /* include/uapi/linux/mount.h */
#define MS_MGC_MSK 0xFFFF0000ULL

/* What was mounted says the kernel; what was asked for, only where it does not. */
static __always_inline int after_mount(struct pt_regs *regs, bool compat)
{
	u64 flags = call_arg(regs, compat, 3);

	count_fact(FACT_mount);
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL) /* programs of old: as path_mount() does */
		flags &= ~MS_MGC_MSK;
	if (!sees_fact(FACT_mount) || !mount_is_new(flags))
		return 0;
	struct mount *m = mount_newest(BPF_CORE_READ(current_task(), nsproxy, mnt_ns));
	return on_mount(NS_mount, m, (void *)call_arg(regs, compat, 0), NULL,
			(void *)call_arg(regs, compat, 1), (void *)call_arg(regs, compat, 2), flags,
			REC_USER);
}

/* The mount is where the descriptor that it came by, or that was returned, leads to. */
static __always_inline int after_mount_fd(u32 op, u32 fd)
{
	struct file *f = current_file(fd);

	count_fact(FACT_move_mount);
	if (!f || !sees_fact(FACT_move_mount))
		return 0;
	return on_mount(op, real_mount(BPF_CORE_READ(f, f_path.mnt)), NULL, NULL, NULL, NULL, 0,
			REC_KERNEL);
}

static __always_inline int after_ns(u32 call, struct pt_regs *regs, bool compat, long ret)
{
	if (call == CALL_mount)
		return after_mount(regs, compat);
	if (call == CALL_move_mount)
		return after_mount_fd(NS_move_mount, call_arg(regs, compat, 0));
	if (call == CALL_fsmount)
		return after_mount_fd(NS_fsmount, ret);
	if (!sees_event(EV_ns))
		return 0;
	if (call == CALL_unshare)
		return on_unshare_done(call_arg(regs, compat, 0));
	if (call == CALL_setns)
		return on_setns_done(call_arg(regs, compat, 0), call_arg(regs, compat, 1));
	return tell_ns(NS_pivot_root, 0, 0);
}

#endif
