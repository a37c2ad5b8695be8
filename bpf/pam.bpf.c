// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What libpam answers. User space puts these programs on each copy of the library that is in use
 * (user/source/bpf_pam.c). Names are read from the library's handle when a function returns, for
 * they may be set while it runs; passwords are in the same structure and are never looked at.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "pam.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

/* --- is the handle as we know it? --- */

SEC("uprobe")
int BPF_KPROBE(pam_enter_start, const char *service, const char *user, const void *conv,
	       void **handle)
{
	return on_start((u64)service, (u64)user, (u64)handle, PT_REGS_IP(ctx));
}

SEC("uretprobe")
int BPF_KRETPROBE(pam_leave_start, int result)
{
	return result ? 0 : on_started();
}

SEC("uprobe")
int BPF_KPROBE(pam_enter_set_item, void *handle, int item, const void *value)
{
	return on_set_item(item, (u64)value);
}

/* --- the functions --- */

SEC("uprobe")
int BPF_KPROBE(pam_enter_authenticate, void *handle, int flags)
{
	return on_enter(PAM_authenticate, (u64)handle, flags, PT_REGS_IP(ctx));
}

SEC("uprobe")
int BPF_KPROBE(pam_enter_acct_mgmt, void *handle, int flags)
{
	return on_enter(PAM_acct_mgmt, (u64)handle, flags, PT_REGS_IP(ctx));
}

SEC("uprobe")
int BPF_KPROBE(pam_enter_open_session, void *handle, int flags)
{
	return on_enter(PAM_open_session, (u64)handle, flags, PT_REGS_IP(ctx));
}

SEC("uprobe")
int BPF_KPROBE(pam_enter_close_session, void *handle, int flags)
{
	return on_enter(PAM_close_session, (u64)handle, flags, PT_REGS_IP(ctx));
}

SEC("uprobe")
int BPF_KPROBE(pam_enter_chauthtok, void *handle, int flags)
{
	return on_enter(PAM_chauthtok, (u64)handle, flags, PT_REGS_IP(ctx));
}

SEC("uretprobe")
int BPF_KRETPROBE(pam__uprobe, int result)
{
	return on_leave(result);
}
