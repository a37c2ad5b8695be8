// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Connections of processes that write into a pipe: whatever they are called, what they say may be
 * what they hear. In all other processes connections are no event.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "fd.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

#define TCP_SYN_SENT 2 /* include/net/tcp_states.h */
#define TCP_LISTEN   10

struct piped {
	u64 ino;
	u32 pid, pad;
};

/* What has been told already. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct piped);
	__type(value, u8);
} connect_told SEC(".maps") __weak;

static __always_inline void put_address(struct scratch *s, struct ev_connect *e,
					const struct sock *sk)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		struct sockaddr_in a = { .sin_family = AF_INET };
		a.sin_port = BPF_CORE_READ(sk, __sk_common.skc_dport);
		a.sin_addr.s_addr = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		rec_put(s, &e->addr, EVF_connect_addr, &a, sizeof(a), sizeof(a), REC_KERNEL);
	} else {
		struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
		a.sin6_port = BPF_CORE_READ(sk, __sk_common.skc_dport);
		BPF_CORE_READ_INTO(&a.sin6_addr, sk, __sk_common.skc_v6_daddr);
		rec_put(s, &e->addr, EVF_connect_addr, &a, sizeof(a), sizeof(a), REC_KERNEL);
	}
}

/* The kernel sets these two states in the system call of the process. */
static __always_inline int on_state(const struct sock *sk, int state)
{
	if (state != TCP_SYN_SENT && state != TCP_LISTEN)
		return 0;
	struct task_struct *t = (void *)bpf_get_current_task();
	struct file *out = task_file(t, 1);
	u32 type = out ? fd_type(out) : FD_TYPE_closed;
	if (type != FD_TYPE_pipe && type != FD_TYPE_fifo)
		return 0;
	struct piped key = { .ino = BPF_CORE_READ(out, f_inode, i_ino),
			     .pid = bpf_get_current_pid_tgid() >> 32 };
	u8 told = 1;
	if (bpf_map_update_elem(&connect_told, &key, &told, BPF_NOEXIST))
		return 0;
	u32 slot = 0;
	struct scratch *s = rec_begin_cpu(&slot, EV_connect, sizeof(struct ev_connect));
	if (!s)
		return 0;
	struct ev_connect *e = (void *)s->rec;
	hdr_fill(&e->hdr, t);
	e->stdout_ino = key.ino;
	e->stdout_type = type;
	e->listens = state == TCP_LISTEN;
	if (!e->listens)
		put_address(s, e, sk);
	rec_submit(s, &ring_main, EV_connect);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(connect__tp_btf, const struct sock *sk, int oldstate, int newstate)
{
	return on_state(sk, newstate);
}

SEC("raw_tp/inet_sock_set_state")
int connect__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	return on_state((void *)ctx->args[0], (int)ctx->args[2]);
}
