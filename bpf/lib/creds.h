/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Becoming root by a system call. */
#ifndef REDSHANK_LIB_CREDS_H
#define REDSHANK_LIB_CREDS_H

#include "call.h"

static __always_inline u32 creds_op(u32 call)
{
	switch (call) {
	case CALL_setuid:
		return CREDS_setuid;
	case CALL_setreuid:
		return CREDS_setreuid;
	case CALL_setresuid:
		return CREDS_setresuid;
	}
	return CREDS_none;
}

static __always_inline int on_setuid(u32 op, const struct cred *old, const struct cred *new)
{
	u32 uid = BPF_CORE_READ(new, uid.val), euid = BPF_CORE_READ(new, euid.val);

	if (!op || (uid && euid) || !BPF_CORE_READ(old, uid.val) || !BPF_CORE_READ(old, euid.val) ||
	    !BPF_CORE_READ(old, suid.val))
		return 0;
	struct ev_creds *e = ev_reserve(&ring_main, creds);
	if (!e)
		return 0;
	hdr_fill(&e->hdr, current_task());
	e->op = op;
	e->cap_permitted = cap_bits(&old->cap_permitted);
	e->old_uid = BPF_CORE_READ(old, uid.val);
	e->old_euid = BPF_CORE_READ(old, euid.val);
	e->new_uid = uid;
	e->new_euid = euid;
	e->userns = BPF_CORE_READ(new, user_ns, ns.inum);
	ev_submit(e, EV_creds);
	return 0;
}

static __always_inline int on_fix_setuid(struct cred *new, const struct cred *old)
{
	bool compat;
	return on_setuid(creds_op(call_of(call_nr(current_regs()), &compat)), old, new);
}

#endif
