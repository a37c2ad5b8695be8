/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls of libpam's functions, and the names that its handle holds. */
#ifndef REDSHANK_LIB_PAM_H
#define REDSHANK_LIB_PAM_H

#include "pam_names.h"
#include "peer.h"
#include "trust.h"
#include "vma.h"

/*
 * struct pam_handle of Linux-PAM on 64-bit machines (libpam/pam_private.h), as it has been in all
 * releases from 1.0 to 1.7: authtok, caller_is, pam_conversation, oldauthtok, prompt, and then the
 * names. The first and the fourth are passwords.
 */
#define HANDLE_SERVICE 0x28
#define HANDLE_USER    0x30
#define HANDLE_RHOST   0x38
#define HANDLE_RUSER   0x40
#define HANDLE_TTY     0x48

#define SERVICE_CMP 32 /* bytes by which two names of services are compared */

enum pam_layout { LAYOUT_unknown, LAYOUT_known, LAYOUT_other };

/* What is known of its handles. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, struct pam_lib);
	__type(value, u32);
} pam_layouts SEC(".maps") __weak;

/* Calls on their way, by bpf_get_current_pid_tgid(). Of a process that is killed in one an entry is
 * left, to be evicted or overwritten. */
struct pam_call {
	u64 handle;
	u32 op, flags, layout, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct pam_call);
} pam_calls SEC(".maps") __weak;

struct pam_start {
	u64 service, user, handle; /* the arguments: addresses */
	struct pam_lib lib;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct pam_start);
} pam_starts SEC(".maps") __weak;

/* The library that the code at ip is of: by its inode, as programs that share a layer of their
 * containers' file systems share the library. */
static __always_inline bool lib_at(u64 ip, struct pam_lib *ret)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct vm_area_struct *v = (void *)vma_at((u64)BPF_CORE_READ(t, mm), ip);
	struct inode *i = v ? BPF_CORE_READ(v, vm_file, f_inode) : NULL;

	if (!i)
		return false;
	ret->ino = BPF_CORE_READ(i, i_ino);
	ret->dev = BPF_CORE_READ(i, i_sb, s_dev);
	return true;
}

static __always_inline u64 user_pointer(u64 at)
{
	u64 value = 0;
	bpf_probe_read_user(&value, sizeof(value), (void *)at);
	return value;
}

/* Is the second the first in small letters, as pam_start(3) keeps it? A global function, so that
 * its loop is judged for itself. */
__weak __noinline u32 same_service(u64 asked, u64 kept)
{
	char a[SERVICE_CMP] = {}, k[SERVICE_CMP] = {};

	if (bpf_probe_read_user_str(a, sizeof(a), (void *)asked) <= 1 ||
	    bpf_probe_read_user_str(k, sizeof(k), (void *)kept) <= 1)
		return 0;
	for (int i = 0; i < SERVICE_CMP; i++) {
		char c = a[i] >= 'A' && a[i] <= 'Z' ? a[i] - 'A' + 'a' : a[i];
		if (c != k[i])
			return 0;
		if (!c)
			break;
	}
	return 1;
}

static __always_inline int on_start(u64 service, u64 user, u64 handle, u64 ip)
{
	u64 task = bpf_get_current_pid_tgid();
	struct pam_start s = { .service = service, .user = user, .handle = handle };

	if (lib_at(ip, &s.lib))
		bpf_map_update_elem(&pam_starts, &task, &s, BPF_ANY);
	return 0;
}

/* What the handle has for a service is compared with what was asked for. */
static __always_inline int on_started(void)
{
	u64 task = bpf_get_current_pid_tgid();
	u32 layout = LAYOUT_known;
	struct pam_start *at = bpf_map_lookup_elem(&pam_starts, &task), s;

	if (!at)
		return 0;
	s = *at;
	bpf_map_delete_elem(&pam_starts, &task);
	u64 handle = user_pointer(s.handle);
	if (same_service(s.service, user_pointer(handle + HANDLE_SERVICE))) {
		bpf_map_update_elem(&pam_layouts, &s.lib, &layout, BPF_ANY);
		return 0;
	}
	layout = LAYOUT_other;
	bpf_map_update_elem(&pam_layouts, &s.lib, &layout, BPF_ANY);
	keep_names(s.service, s.user);
	return 0;
}

static __always_inline int on_enter(u32 op, u64 handle, u32 flags, u64 ip)
{
	u64 task = bpf_get_current_pid_tgid();
	struct pam_call c = { .handle = handle, .op = op, .flags = flags };
	struct pam_lib lib = {};
	u32 *layout = lib_at(ip, &lib) ? bpf_map_lookup_elem(&pam_layouts, &lib) : NULL;

	c.layout = layout ? *layout : LAYOUT_unknown;
	bpf_map_update_elem(&pam_calls, &task, &c, BPF_ANY);
	return 0;
}

static __always_inline void put_from_handle(struct scratch *s, struct ev_pam *e, u64 handle)
{
	PUT_NAME(s, e, service, user_pointer(handle + HANDLE_SERVICE), REC_USER);
	PUT_NAME(s, e, user, user_pointer(handle + HANDLE_USER), REC_USER);
	PUT_NAME(s, e, rhost, user_pointer(handle + HANDLE_RHOST), REC_USER);
	PUT_NAME(s, e, ruser, user_pointer(handle + HANDLE_RUSER), REC_USER);
	PUT_NAME(s, e, tty, user_pointer(handle + HANDLE_TTY), REC_USER);
}

/* The entry is taken away: a library that is watched by two of its names answers once. */
static __always_inline int on_leave(u32 result)
{
	u64 task = bpf_get_current_pid_tgid();
	struct pam_call *at = bpf_map_lookup_elem(&pam_calls, &task), c;
	u32 slot = 0, trust = task_trust();

	if (!at)
		return 0;
	c = *at;
	bpf_map_delete_elem(&pam_calls, &task);
	struct scratch *s = rec_begin_cpu(&slot, EV_pam, sizeof(struct ev_pam));
	if (!s)
		return 0;
	struct ev_pam *e = (void *)s->rec;
	hdr_fill(&e->hdr, current_task());
	e->op = c.op;
	e->result = result;
	e->flags = c.flags;
	e->trust = trust;
	e->by_struct = c.layout == LAYOUT_known;
	PEER_FILL(s, slot, e, pam);
	if (c.layout == LAYOUT_known)
		put_from_handle(s, e, c.handle);
	else if (c.layout == LAYOUT_other)
		put_as_set(s, e);
	auth_submit(s, trust, EV_pam);
	return 0;
}

#endif
