// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What processes say of logins: audit messages, lines for the system's log, standard error of SSH
 * daemons. Where programs like these can't run, bpf/calls.bpf.c does it.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "auth.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

/* --- audit, syslog: one place sees sendto, sendmsg, write, io_uring, … --- */

/* Until de4f5fed3f23 ("iov_iter: add iter_iovec() helper", v6.4) __iov was `iov`. */
struct iov_iter___v63 {
	const struct iovec *iov;
} __attribute__((preserve_access_index));

/* Until 8cd54c1c8480 ("iov_iter: separate direction from flavour", v5.14) the direction was bit 0
 * of `type`. */
struct iov_iter___v513 {
	unsigned int type;
} __attribute__((preserve_access_index));

static __always_inline u32 iter_type(struct iov_iter *it)
{
	struct iov_iter___v513 *old = (void *)it;

	if (bpf_core_field_exists(old->type))
		return BPF_CORE_READ(old, type) & ~1;
	return BPF_CORE_READ(it, iter_type);
}

/* What a message is made of. False if it is not user memory: the kernel itself sends. */
static __always_inline bool take_pieces(struct iov_iter *it, struct said *m)
{
	struct iov_iter___v63 *old = (void *)it;
	u32 type = iter_type(it);

	/* Since fcb14cb1bdac ("new iov_iter flavour - ITER_UBUF", v6.0). */
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		m->first = (u64)BPF_CORE_READ(it, ubuf);
		m->len = BPF_CORE_READ(it, count);
		return true;
	}
	if (type != bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		return false;
	struct iovec v = {};
	m->pieces = bpf_core_field_exists(old->iov) ? (u64)BPF_CORE_READ(old, iov)
						    : (u64)BPF_CORE_READ(it, __iov);
	m->npieces = BPF_CORE_READ(it, nr_segs);
	bpf_probe_read_kernel(&v, sizeof(v), (void *)m->pieces);
	m->first = (u64)v.iov_base;
	m->len = v.iov_len;
	return m->npieces;
}

static __always_inline int on_sendmsg(struct socket *sock, struct msghdr *msg, u16 family)
{
	struct said m = {};

	if (family != AF_UNIX && family != AF_NETLINK)
		return 0;
	if (!take_pieces(&msg->msg_iter, &m) || !looks_like_auth(&m))
		return 0;
	m.file = BPF_CORE_READ(sock, file);
	m.name = (u64)BPF_CORE_READ(msg, msg_name);
	return on_said(&m);
}

/* One load of what the verifier knows, for what runs at every message; from 7.0 on it knows that
 * the pointer may be NULL. */
static __always_inline u16 family_direct(struct socket *sock)
{
	struct sock *sk = sock->sk;

	return sk ? sk->__sk_common.skc_family : 0;
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(auth_text__lsm, struct socket *sock, struct msghdr *msg, int size)
{
	on_sendmsg(untyped(sock), untyped(msg), family_direct(sock));
	return 0;
}

SEC("fentry/security_socket_sendmsg")
int BPF_PROG(auth_text__fentry, struct socket *sock, struct msghdr *msg)
{
	return on_sendmsg(untyped(sock), untyped(msg), family_direct(sock));
}

SEC("kprobe/security_socket_sendmsg")
int BPF_KPROBE(auth_text__kprobe, struct socket *sock, struct msghdr *msg)
{
	return on_sendmsg(sock, msg, BPF_CORE_READ(sock, sk, __sk_common.skc_family));
}

/* --- standard error: what is written is known from the system call --- */

#define MAY_WRITE 2 /* include/linux/fs.h */

static __always_inline int on_write(int mask)
{
	struct said m = { .user = true };

	if (!(mask & MAY_WRITE) || !named_as_daemon())
		return 0;
	struct pt_regs *regs = current_regs();
	u32 call = call_of(call_nr(regs), &m.compat);
	if ((call != CALL_write && call != CALL_writev) ||
	    (u32)call_arg(regs, m.compat, 0) != STDERR_FD)
		return 0;
	take_written(&m, call, call_arg(regs, m.compat, 1), call_arg(regs, m.compat, 2));
	return on_stderr(&m);
}

SEC("lsm/file_permission")
int BPF_PROG(auth_stderr__lsm, struct file *f, int mask)
{
	on_write(mask);
	return 0;
}

SEC("fentry/security_file_permission")
int BPF_PROG(auth_stderr__fentry, struct file *f, int mask)
{
	return on_write(mask);
}

SEC("kprobe/security_file_permission")
int BPF_KPROBE(auth_stderr__kprobe, struct file *f, int mask)
{
	return on_write(mask);
}
