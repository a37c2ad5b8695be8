// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * io_uring requests that do what system calls would show, when they are submitted: also from a
 * kernel thread of its own (SQPOLL), which makes no system call at all. Names are the kernel's
 * copies.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "kernel.h"
#include "mount.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

/* enum io_uring_op, include/uapi/linux/io_uring.h: never renumbered */
#define OP_ACCEPT    13
#define OP_CONNECT   16
#define OP_OPENAT    18
#define OP_OPENAT2   28
#define OP_RENAMEAT  35
#define OP_UNLINKAT  36
#define OP_MKDIRAT   37
#define OP_SYMLINKAT 38
#define OP_LINKAT    39
#define OP_BIND	     56
#define OP_LISTEN    57

#define TELL_FILES   1024 /* requests that name files, told of a process in TELL_NS */
#define TELL_OTHERS  64
#define TELL_NS	     1000000000ULL
#define ADDR_MAX     128 /* sizeof(struct sockaddr_storage) */
#define SETUP_SQPOLL (1U << 1) /* IORING_SETUP_SQPOLL */

/*
 * Each request's own part is at the start of struct io_kiocb, as in io_uring/openclose.c and fs.c:
 * 5.10.162 (backport of 5.15) to 7.x. Since 7.0 a name is in a struct of one pointer
 * (delayed_filename); it is read as that one then. vmlinux.h may be of either kind.
 */
struct delayed_filename___v7 {
	struct filename *name;
};
#define NAME_IN(type_, field_)                       \
	struct type_##___v6 {                        \
		struct filename *field_;             \
	} __attribute__((preserve_access_index));    \
	struct type_##___v7 {                        \
		struct delayed_filename___v7 field_; \
	} __attribute__((preserve_access_index))
#define NAMES_IN(type_)                                        \
	struct type_##___v6 {                                  \
		struct filename *oldpath, *newpath;            \
	} __attribute__((preserve_access_index));              \
	struct type_##___v7 {                                  \
		struct delayed_filename___v7 oldpath, newpath; \
	} __attribute__((preserve_access_index))

NAME_IN(io_open, filename);
NAME_IN(io_unlink, filename);
NAME_IN(io_mkdir, filename);
NAMES_IN(io_rename);
NAMES_IN(io_link);

/* Where a request's name is, as a pointer to the pointer. */
#define NAME_AT(type_, req_, field_)                                                    \
	((void *)(req_) + (bpf_core_field_exists(((struct type_##___v6 *)0)->field_)    \
				   ? bpf_core_field_offset(struct type_##___v6, field_) \
				   : bpf_core_field_offset(struct type_##___v7, field_)))

struct filename___head { /* since 7.0 in a struct of its own without a name */
	const char *name;
} __attribute__((preserve_access_index));

/* Of a process, apart for its requests that name files: no flood of others hides these. */
struct told_key {
	u32 pid, sort; /* of requests: names_files() */
};

struct told {
	u64 since;
	u32 n, untold;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct told_key);
	__type(value, struct told);
} uring_told SEC(".maps") __weak;

static __always_inline u32 uring_op(u32 opcode)
{
	switch (opcode) {
	case OP_ACCEPT:
		return URING_accept;
	case OP_CONNECT:
		return URING_connect;
	case OP_OPENAT:
		return URING_openat;
	case OP_OPENAT2:
		return URING_openat2;
	case OP_RENAMEAT:
		return URING_renameat;
	case OP_UNLINKAT:
		return URING_unlinkat;
	case OP_MKDIRAT:
		return URING_mkdirat;
	case OP_SYMLINKAT:
		return URING_symlinkat;
	case OP_LINKAT:
		return URING_linkat;
	case OP_BIND:
		return URING_bind;
	case OP_LISTEN:
		return URING_listen;
	}
	return URING_none;
}

static __always_inline u32 names_files(u32 op)
{
	return op == URING_opened ? 2 : op >= URING_openat && op <= URING_linkat;
}

/*
 * Within its bound a process's requests are told one by one; *ret_untold: those that were not.
 * *ret_last: the bound is reached.
 */
static __always_inline bool may_tell(u32 op, u64 *ret_untold, bool *ret_last)
{
	struct told_key key = { BPF_CORE_READ(current_task(), tgid), names_files(op) };
	u32 max = key.sort ? TELL_FILES : TELL_OTHERS;
	u64 now = bpf_ktime_get_boot_ns();
	struct told *t = bpf_map_lookup_elem(&uring_told, &key);
	if (!t) {
		struct told first = { .since = now, .n = 1 };
		bpf_map_update_elem(&uring_told, &key, &first, BPF_ANY);
		return true;
	}
	if (now - t->since >= TELL_NS) {
		t->since = now;
		t->n = 0;
	}
	if (t->n >= max) {
		t->untold++;
		return false;
	}
	*ret_last = ++t->n == max;
	*ret_untold = t->untold;
	t->untold = 0;
	return true;
}

static __always_inline void put_name(struct scratch *s, struct ev_str *out, u32 bit, void *at)
{
	struct filename___head *name = NULL;

	bpf_probe_read_kernel(&name, sizeof(name), at);
	if (name)
		put_word(s, out, bit, BPF_CORE_READ(name, name), REC_KERNEL);
}

static __always_inline void put_objects(struct scratch *s, struct ev_uring *e, u32 opcode,
					void *req)
{
	switch (opcode) {
	case OP_OPENAT:
	case OP_OPENAT2: {
		struct io_open *o = req;
		put_name(s, &e->path, EVF_uring_path, NAME_AT(io_open, req, filename));
		e->flags = BPF_CORE_READ(o, how.flags);
		break;
	}
	case OP_UNLINKAT: {
		struct io_unlink *u = req;
		put_name(s, &e->path, EVF_uring_path, NAME_AT(io_unlink, req, filename));
		e->flags = (u32)BPF_CORE_READ(u, flags);
		break;
	}
	case OP_RENAMEAT: {
		struct io_rename *r = req;
		put_name(s, &e->path, EVF_uring_path, NAME_AT(io_rename, req, oldpath));
		put_name(s, &e->path2, EVF_uring_path2, NAME_AT(io_rename, req, newpath));
		e->flags = (u32)BPF_CORE_READ(r, flags);
		break;
	}
	case OP_MKDIRAT:
		if (bpf_core_type_exists(struct io_mkdir))
			put_name(s, &e->path, EVF_uring_path, NAME_AT(io_mkdir, req, filename));
		break;
	case OP_SYMLINKAT:
	case OP_LINKAT:
		if (!bpf_core_type_exists(struct io_link))
			break;
		put_name(s, &e->path, EVF_uring_path, NAME_AT(io_link, req, oldpath));
		put_name(s, &e->path2, EVF_uring_path2, NAME_AT(io_link, req, newpath));
		break;
	case OP_CONNECT: {
		struct io_connect *c = req;
		rec_put(s, &e->addr, EVF_uring_addr, BPF_CORE_READ(c, addr),
			(u32)BPF_CORE_READ(c, addr_len), ADDR_MAX, REC_USER);
		break;
	}
	}
}

static __always_inline int on_submit(struct io_kiocb *req)
{
	u32 opcode = BPF_CORE_READ(req, opcode), op = uring_op(opcode);
	struct task_struct *t = current_task();
	u64 untold = 0;
	bool last = false;

	if (!op || !may_tell(op, &untold, &last))
		return 0;
	u32 slot = 0;
	struct scratch *s = rec_begin_cpu(&slot, EV_uring, sizeof(struct ev_uring));
	if (!s)
		return 0;
	struct ev_uring *e = (void *)s->rec;

	hdr_fill(&e->hdr, t);
	e->op = op;
	e->untold = untold;
	e->flood = last;
	e->sqpoll = !!(BPF_CORE_READ(req, ctx, flags) & SETUP_SQPOLL);
	put_objects(s, e, opcode, req);
	rec_submit(s, &ring_bulk, EV_uring);
	return 0;
}

/* No tp_btf: that would not load where the tracepoint has another name; raw_tp does not attach. */
SEC("raw_tp/io_uring_submit_req")
int uring__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	return on_submit((void *)ctx->args[0]);
}

/*
 * Until 6.2 it is called submit_sqe. What its first argument is changed in 6.0 (48863ffd3e81,
 * "io_uring: clean up tracing events"): before, the context stood there, and the request behind it.
 */
struct trace_event_raw_io_uring_submit_sqe___v60 {
	u32 __data_loc_op_str;
} __attribute__((preserve_access_index));

SEC("raw_tp/io_uring_submit_sqe")
int uring__raw_tp_sqe(struct bpf_raw_tracepoint_args *ctx)
{
	struct trace_event_raw_io_uring_submit_sqe___v60 *e = NULL;
	if (bpf_core_field_exists(e->__data_loc_op_str))
		return on_submit((void *)ctx->args[0]);
	return on_submit((void *)ctx->args[1]);
}

/* --- what came of it --- */

#define OP_WRITEV      2
#define OP_WRITE_FIXED 5
#define OP_WRITE       23
#define OP_SPLICE      30

/* Whatever name led there. */
static __always_inline int tell_opened(struct io_kiocb *req, struct file *f)
{
	struct task_struct *t = current_task();
	struct fs_struct *fs = BPF_CORE_READ(t, fs);
	u64 untold = 0;
	u32 slot = 0;
	bool last = false;

	if (!fs || !may_tell(URING_opened, &untold, &last))
		return 0;
	struct scratch *s = rec_begin_cpu(&slot, EV_uring, sizeof(struct ev_uring));
	if (!s)
		return 0;
	struct ev_uring *e = (void *)s->rec;

	hdr_fill(&e->hdr, t);
	e->op = URING_opened;
	e->untold = untold;
	e->flood = last;
	e->flags = BPF_CORE_READ(f, f_flags);
	e->sqpoll = !!(BPF_CORE_READ(req, ctx, flags) & SETUP_SQPOLL);
	rec_put_path(s, slot, &e->path, EVF_uring_path, &f->f_path, &fs->root);
	rec_submit(s, &ring_bulk, EV_uring);
	return 0;
}

static __always_inline int on_opened(struct io_kiocb *req, u32 fd, bool calls_only)
{
	struct io_open *o = (void *)req;
	struct file *f = current_file(fd);

	if (BPF_CORE_READ(o, file_slot)) /* no descriptor: what is written to it will tell */
		return 0;
	if (f)
		tell_opened(req, f);
	if (!calls_only || !(BPF_CORE_READ(o, how.flags) & O_ACCESS))
		return 0;
	return f ? on_open(f) : tell_kernel_write(f, 0, KERNEL_FILE_swapped);
}

/*
 * A request is done: what it opened; and what it wrote to, which may have been opened without a
 * descriptor. Where kernel_write has no hook at the opening of files, that is told from here.
 */
static __always_inline int on_complete(struct io_ring_ctx *ctx, struct io_kiocb *req)
{
	bool calls_only = knob_call_events >> EV_kernel_write & 1;

	count_fact(FACT_uring_done);
	/* Before 5.19 another argument stands there (io_kiocb.cqe is from then). */
	if (!bpf_core_field_exists(req->cqe) || BPF_CORE_READ(req, ctx) != ctx)
		return 0;
	s32 res = BPF_CORE_READ(req, cqe.res);
	if (res < 0)
		return 0;
	switch (BPF_CORE_READ(req, opcode)) {
	case OP_OPENAT:
	case OP_OPENAT2:
		return on_opened(req, res, calls_only);
	case OP_WRITE:
	case OP_WRITEV:
	case OP_WRITE_FIXED:
	case OP_SPLICE:
		return calls_only ? on_open(BPF_CORE_READ(req, file)) : 0;
	}
	return 0;
}

SEC("raw_tp/io_uring_complete")
int uring_done__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	return on_complete((void *)ctx->args[0], (void *)ctx->args[1]);
}
