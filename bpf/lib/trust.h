/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a claim about a login is worth, by who makes it. */
#ifndef REDSHANK_LIB_TRUST_H
#define REDSHANK_LIB_TRUST_H

#include "call.h"

#define CAP_AUDIT_WRITE 29 /* include/uapi/linux/capability.h */

static __always_inline u32 cred_trust(const struct cred *c)
{
	if (!c || BPF_CORE_READ(c, user_ns, level))
		return AUTH_TRUST_claimed;
	if (cap_bits(&c->cap_effective) >> CAP_AUDIT_WRITE & 1)
		return AUTH_TRUST_kernel;
	return BPF_CORE_READ(c, euid.val) ? AUTH_TRUST_claimed : AUTH_TRUST_root;
}

static __always_inline u32 task_trust(void)
{
	return cred_trust(BPF_CORE_READ(current_task(), cred));
}

/* What anybody can say, in any number, does not go where it could push out what matters. */
static __always_inline void auth_submit(struct scratch *s, u32 trust, u32 type)
{
	if (trust == AUTH_TRUST_claimed)
		rec_submit(s, &ring_bulk, type);
	else
		rec_submit(s, &ring_main, type);
}

#endif
