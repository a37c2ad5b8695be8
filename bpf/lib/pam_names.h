/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names that libpam is told, where its handle can't be read: by pam_start(3) and pam_set_item(3).
 */
#ifndef REDSHANK_LIB_PAM_NAMES_H
#define REDSHANK_LIB_PAM_NAMES_H

#include "emit.h"

/* security/_pam_types.h: items of pam_set_item(3). Others, 6 and 7 being passwords, are not read.
 */
#define ITEM_SERVICE 1
#define ITEM_USER    2
#define ITEM_TTY     3
#define ITEM_RHOST   4
#define ITEM_RUSER   8

#define NAME_MAX_PAM 256 /* bytes of a name */

/* Where the handle is not as we know it: names as they were set, by process. */
struct pam_names {
	char service[NAME_MAX_PAM], user[NAME_MAX_PAM], rhost[NAME_MAX_PAM], ruser[NAME_MAX_PAM],
		tty[NAME_MAX_PAM];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct pam_names);
} pam_names SEC(".maps") __weak;

/* One that is empty: it is too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct pam_names);
} pam_no_names SEC(".maps") __weak;

static __always_inline u32 current_tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline void keep_name(char *at, u64 value)
{
	if (bpf_probe_read_user_str(at, NAME_MAX_PAM, (void *)value) < 0)
		*at = '\0';
}

static __always_inline void keep_names(u64 service, u64 user)
{
	u32 tgid = current_tgid(), zero = 0;
	void *none = bpf_map_lookup_elem(&pam_no_names, &zero);

	if (!none || bpf_map_update_elem(&pam_names, &tgid, none, BPF_ANY))
		return;
	struct pam_names *names = bpf_map_lookup_elem(&pam_names, &tgid);
	if (!names)
		return;
	keep_name(names->service, service);
	if (user)
		keep_name(names->user, user);
}

static __always_inline int on_set_item(u32 item, u64 value)
{
	u32 tgid = current_tgid();
	struct pam_names *names = bpf_map_lookup_elem(&pam_names, &tgid);

	if (!names)
		return 0;
	switch (item) {
	case ITEM_SERVICE:
		keep_name(names->service, value);
		break;
	case ITEM_USER:
		keep_name(names->user, value);
		break;
	case ITEM_TTY:
		keep_name(names->tty, value);
		break;
	case ITEM_RHOST:
		keep_name(names->rhost, value);
		break;
	case ITEM_RUSER:
		keep_name(names->ruser, value);
		break;
	}
	return 0;
}

/* Names that are not set are NULL. */
#define PUT_NAME(s_, e_, name_, at_, from_)                                                        \
	do {                                                                                       \
		void *name__ = (void *)(at_);                                                      \
		if (name__)                                                                        \
			rec_put_cstr_from(s_, &(e_)->name_, EVF_pam_##name_, name__, NAME_MAX_PAM, \
					  from_);                                                  \
	} while (0)

static __always_inline void put_as_set(struct scratch *s, struct ev_pam *e)
{
	u32 tgid = current_tgid();
	struct pam_names *names = bpf_map_lookup_elem(&pam_names, &tgid);

	if (!names)
		return;
	PUT_NAME(s, e, service, names->service, REC_KERNEL);
	PUT_NAME(s, e, user, names->user, REC_KERNEL);
	PUT_NAME(s, e, rhost, names->rhost, REC_KERNEL);
	PUT_NAME(s, e, ruser, names->ruser, REC_KERNEL);
	PUT_NAME(s, e, tty, names->tty, REC_KERNEL);
}

#endif
