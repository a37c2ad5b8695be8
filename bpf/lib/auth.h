/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What processes say of logins: which of the things that they send say so, and to whom. */
#ifndef REDSHANK_LIB_AUTH_H
#define REDSHANK_LIB_AUTH_H

#include "said.h"

/* include/linux/socket.h; include/uapi/linux/netlink.h, un.h */
#define AF_NETLINK    16
#define NETLINK_AUDIT 9
#define SOCK_PATH_OFF 2 /* of sun_path in struct sockaddr_un */
#define SOCK_PATH_MAX 108

#define HEAD 8 /* bytes by which text of interest is known from other text */

/* --- what --- */

/* Types of audit messages about logins, passwords and accounts (linux/audit.h). Not among them, for
 * they hold what was typed or are of another matter: USER_TTY (1124), USER_AVC (1107). */
static __always_inline bool audit_is_auth(u32 type)
{
	const u64 from_1100 = 1ULL << 0 | 1ULL << 1 | 1ULL << 3 | 1ULL << 4 | 1ULL << 5 |
			      1ULL << 6 | 1ULL << 8 | 1ULL << 9 | 1ULL << 10 | 1ULL << 12 |
			      1ULL << 13 | 1ULL << 14 | 1ULL << 15 | 1ULL << 16 | 1ULL << 17 |
			      1ULL << 19 | 1ULL << 23 | 1ULL << 26 | 1ULL << 32 | 1ULL << 33 |
			      1ULL << 35 | 1ULL << 36;
	const u64 from_2100 =
		1ULL << 0 | 1ULL << 1 | 1ULL << 2 | 1ULL << 3 | 1ULL << 4 | 1ULL << 18 | 1ULL << 19;
	const u64 from_2200 = 1ULL << 4 | 1ULL << 5 | 1ULL << 6 | 1ULL << 7 | 1ULL << 13 |
			      1ULL << 14 | 1ULL << 15;

	if (type - 1100 < 64)
		return from_1100 >> (type - 1100) & 1;
	if (type - 2100 < 64)
		return from_2100 >> (type - 2100) & 1;
	return type - 2200 < 64 && from_2200 >> (type - 2200) & 1;
}

/* "<38>": 8 x facility + severity, as syslog(3) puts it first. -1: it is no such text, or of
 * another facility than user, daemon, auth, authpriv and ftp. */
static __always_inline s32 log_priority(u64 head)
{
	const u32 facilities = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 10 | 1 << 11;
	u32 priority = 0;

	if ((u8)head != '<')
		return -1;
	for (int i = 1; i <= 4; i++) {
		u32 digit = (u8)(head >> i * 8);
		if (digit == '>' && i > 1)
			return priority < 256 && facilities >> (priority >> 3) & 1 ? priority : -1;
		digit -= '0';
		if (digit > 9)
			return -1;
		priority = priority * 10 + digit;
	}
	return -1;
}

/* Sets m->source and m->number by the first bytes. False if they are of no interest. */
static __always_inline bool looks_like_auth(struct said *m)
{
	u64 head = 0;

	if (m->len < HEAD && !m->pieces)
		return false;
	if (bpf_probe_read_user(&head, sizeof(head), (void *)m->first))
		return false;
	s32 priority = log_priority(head);
	if (priority >= 0) {
		m->source = AUTH_SOURCE_syslog;
		m->number = priority;
		return true;
	}
	u32 nlmsg_len = head; /* struct nlmsghdr: nlmsg_len, nlmsg_type */
	m->source = AUTH_SOURCE_audit;
	m->number = head >> 32 & 0xffff;
	return nlmsg_len >= NLMSG_HDRLEN && audit_is_auth(m->number);
}

/* --- to whom --- */

/* Is it the path of a system's log: /dev/log, journald's dev-log? */
__weak __noinline u32 path_is_log(u64 path, u32 user)
{
	char name[SOCK_PATH_MAX + 1];
	long n = user ? bpf_probe_read_user_str(name, sizeof(name), (void *)path)
		      : bpf_probe_read_kernel_str(name, sizeof(name), (void *)path);

	if (n < 5 || n > (long)sizeof(name))
		return 0;
	return name[n - 4] == 'l' && name[n - 3] == 'o' && name[n - 2] == 'g';
}

static __always_inline u64 peer_path(struct sock *sk)
{
	struct unix_sock *u = (void *)sk;
	struct sock *to = BPF_CORE_READ(u, peer);
	struct unix_sock *peer = (void *)to;
	struct unix_address *a = to ? BPF_CORE_READ(peer, addr) : NULL;

	return a ? (u64)&a->name + SOCK_PATH_OFF : 0;
}

/* Is the socket the way to what the text looks like? */
static __always_inline bool goes_to_auth(const struct said *m)
{
	struct file *f = m->file;

	if ((BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return false;
	struct socket *sock = BPF_CORE_READ(f, private_data);
	struct sock *sk = BPF_CORE_READ(sock, sk);
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (m->source == AUTH_SOURCE_audit)
		return family == AF_NETLINK && BPF_CORE_READ(sk, sk_protocol) == NETLINK_AUDIT;
	if (family != AF_UNIX)
		return false;
	u64 path = m->name ? m->name + SOCK_PATH_OFF : peer_path(sk);
	return path && path_is_log(path, m->name && m->user);
}

/* Something is sent by a socket, or written. */
static __always_inline int on_said(struct said *m)
{
	if (!m->file || !goes_to_auth(m))
		return 0;
	return tell_said(m);
}

/* --- standard error --- */

/* By name sshd, sshd-session or dropbear? A look before the others, for it costs least. */
static __always_inline bool named_as_daemon(void)
{
	union {
		ev_comm name;
		u64 word;
	} u = {};
	const u64 sshd = 0x64687373, dropbear = 0x72616562706f7264; /* as little-endian words */

	bpf_get_current_comm(u.name, sizeof(u.name));
	return (u32)u.word == sshd || u.word == dropbear;
}

/* A name is anybody's to take: is it run by who owns its program, root, or what a user namespace
 * calls root? */
static __always_inline bool is_daemon(void)
{
	struct task_struct *t = current_task();
	const struct cred *c = BPF_CORE_READ(t, cred);
	u32 owner = BPF_CORE_READ(t, mm, exe_file, f_inode, i_uid.val);

	return owner == BPF_CORE_READ(c, euid.val) && (!owner || BPF_CORE_READ(c, user_ns, level));
}

#define STDERR_FD 2

static __always_inline int on_stderr(struct said *m)
{
	if (!is_daemon())
		return 0;
	count_fact(FACT_auth_stderr);
	m->source = AUTH_SOURCE_stderr;
	return tell_said(m);
}

#endif
