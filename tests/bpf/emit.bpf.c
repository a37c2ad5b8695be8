// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* lib/emit.h at its bounds: how strings are appended, cut and refused, and what is counted. */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "emit.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SLOT	  1
#define SHORT_MAX 256

char source[EV_ARGS_MAX + 1024]; /* in: what is appended */
u64 source_len; /* in: how much of it */
u64 begin_at; /* in: where the record ends before; 0: after its fixed part */
u64 user_address; /* in: what to append from user memory */

static __always_inline struct scratch *begin(void)
{
	struct scratch *s = rec_begin(SLOT, EV_exec, sizeof(struct ev_exec));
	if (s && begin_at)
		s->off = begin_at;
	return s;
}

static __always_inline int end(struct scratch *s)
{
	rec_finish(s);
	rec_release(s);
	return 0;
}

SEC("raw_tp")
int put_long(void *ctx)
{
	struct scratch *s = begin();
	if (!s)
		return 1;
	struct ev_exec *e = (void *)s->rec;
	rec_put(s, &e->args, EVF_exec_args, source, source_len, EV_ARGS_MAX, REC_KERNEL);
	return end(s);
}

SEC("raw_tp")
int put_user(void *ctx)
{
	struct scratch *s = begin();
	if (!s)
		return 1;
	struct ev_exec *e = (void *)s->rec;
	rec_put(s, &e->args, EVF_exec_args, (void *)user_address, source_len, EV_ARGS_MAX,
		REC_USER);
	return end(s);
}

SEC("raw_tp")
int put_text(void *ctx)
{
	struct scratch *s = begin();
	if (!s)
		return 1;
	struct ev_exec *e = (void *)s->rec;
	rec_put_cstr(s, &e->filename, EVF_exec_filename, source, SHORT_MAX);
	return end(s);
}

/* As much as any record can hold: everything that has a limit, at its limit. */
SEC("raw_tp")
int put_all(void *ctx)
{
	struct scratch *s = begin();
	if (!s)
		return 1;
	struct ev_exec *e = (void *)s->rec;
	rec_put(s, &e->exe, EVF_exec_exe, source, EV_PATH_MAX, EV_PATH_MAX, REC_KERNEL);
	rec_put(s, &e->cwd, EVF_exec_cwd, source, EV_PATH_MAX, EV_PATH_MAX, REC_KERNEL);
	rec_put(s, &e->filename, EVF_exec_filename, source, EV_PATH_MAX, EV_PATH_MAX, REC_KERNEL);
	rec_put(s, &e->cgpath, EVF_exec_cgpath, source, EV_PATH_MAX, EV_PATH_MAX, REC_KERNEL);
	rec_put(s, &e->env, EVF_exec_env, source, EV_ENV_MAX, EV_ENV_MAX, REC_KERNEL);
	rec_put(s, &e->args, EVF_exec_args, source, EV_ARGS_MAX, EV_ARGS_MAX, REC_KERNEL);
	rec_submit(s, &ring_main, EV_exec);
	return 0;
}

/* A second program that meets the first one on its CPU gives up and is counted. */
SEC("raw_tp")
int nested(void *ctx)
{
	struct scratch *s = begin();
	if (!s)
		return 1;
	int refused = !rec_begin(SLOT, EV_exit, sizeof(struct ev_exit));
	rec_release(s);
	return refused ? 0 : 2;
}

/* Until the ring is full. Nobody reads it. */
SEC("raw_tp")
int fill_ring(void *ctx)
{
	for (int i = 0; i < 64; i++) {
		struct ev_exit *e = ev_reserve(&ring_main, exit);
		if (e)
			ev_submit(e, EV_exit);
	}
	return 0;
}
