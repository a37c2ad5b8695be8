/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is at the other end: the TCP connection that a process serves, by its open descriptors. What
 * a daemon says of its client is text; this is not.
 */
#ifndef REDSHANK_LIB_PEER_H
#define REDSHANK_LIB_PEER_H

#include <bpf/bpf_endian.h>

#include "fd.h"

/* include/uapi/linux/in.h, include/net/tcp_states.h */
#define IPPROTO_TCP   6
#define IPPROTO_MPTCP 262
#define TCP_SYN_SENT  2
#define TCP_LISTEN    10

/*
 * A connection, also one that has ended: after a reset the other end's address is still there, and
 * of our own port inet_sport.
 */
static __always_inline bool is_connection(struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	u16 protocol = BPF_CORE_READ(sk, sk_protocol);
	u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return (family == AF_INET || family == AF_INET6) &&
	       (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP) && state != TCP_LISTEN &&
	       state != TCP_SYN_SENT && BPF_CORE_READ(sk, __sk_common.skc_dport);
}

/* The struct sock behind an entry of the table of descriptors if it is a connection, else 0. A
 * global function: see fds_look(). */
__weak __noinline u64 connection_at(u64 entry, u32 open)
{
	struct file *f = NULL;

	if (open)
		bpf_probe_read_kernel(&f, sizeof(f), (void *)entry);
	if (!f || (BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	struct socket *sock = BPF_CORE_READ(f, private_data);
	struct sock *sk = BPF_CORE_READ(sock, sk);
	return sk && is_connection(sk) ? (u64)sk : 0;
}

/*
 * Looks for connections of the current task at its first descriptors; s->peer is the one with the
 * lowest, s->peers how many there are. One that is there twice in a row counts once: daemons have
 * it as standard input and output.
 */
__weak __noinline int peer_look(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &slot);
	struct task_struct *t = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(t, files, fdt);
	u64 table = (u64)BPF_CORE_READ(fdt, fd), open = 0;

	if (!s)
		return 0;
	s->peer = s->peers = 0;
	bpf_probe_read_kernel(&open, sizeof(open), BPF_CORE_READ(fdt, open_fds));
	for (u32 fd = 0; fd < FDS_MAX; fd++) {
		u64 sk = connection_at(table + fd * sizeof(struct file *), open >> fd & 1);
		if (!sk || sk == s->peer)
			continue;
		if (!s->peer)
			s->peer = sk;
		s->peers++;
	}
	return 0;
}

/* Appends an end of a connection as a struct sockaddr; IPv4 in IPv6's clothes as IPv4. */
static __always_inline void rec_put_end(struct scratch *s, struct ev_str *out, u32 bit,
					struct sock *sk, bool remote)
{
	struct inet_sock *inet = (void *)sk;
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in a4 = { .sin_family = AF_INET };

	a6.sin6_port =
		remote ? BPF_CORE_READ(sk, __sk_common.skc_dport) : BPF_CORE_READ(inet, inet_sport);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6) {
		if (remote)
			BPF_CORE_READ_INTO(&a6.sin6_addr, sk, __sk_common.skc_v6_daddr);
		else
			BPF_CORE_READ_INTO(&a6.sin6_addr, sk, __sk_common.skc_v6_rcv_saddr);
		const u32 *word = a6.sin6_addr.in6_u.u6_addr32;
		if (word[0] || word[1] || word[2] != bpf_htonl(0xffff)) {
			rec_put(s, out, bit, &a6, sizeof(a6), sizeof(a6), REC_KERNEL);
			return;
		}
		a4.sin_addr.s_addr = word[3];
	} else {
		a4.sin_addr.s_addr = remote ? BPF_CORE_READ(sk, __sk_common.skc_daddr)
					    : BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	}
	a4.sin_port = a6.sin6_port;
	rec_put(s, out, bit, &a4, sizeof(a4), sizeof(a4), REC_KERNEL);
}

/* The fields of events.def that tell of the connection. */
#define PEER_FILL(s_, slot_, e_, key_)                                                        \
	do {                                                                                  \
		peer_look(slot_);                                                             \
		struct sock *sk_ = (void *)(s_)->peer;                                        \
		(e_)->peers = (s_)->peers;                                                    \
		if (sk_) {                                                                    \
			(e_)->sock_ino = BPF_CORE_READ(sk_, sk_socket, file, f_inode, i_ino); \
			rec_put_end(s_, &(e_)->peer, EVF_##key_##_peer, sk_, true);           \
			rec_put_end(s_, &(e_)->local, EVF_##key_##_local, sk_, false);        \
		}                                                                             \
	} while (0)

#endif
