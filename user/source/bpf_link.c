/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbpf's links, and those of uprobes that it can't make in the versions that distributions have:
 * since 89ae89f53d20 ("bpf: Add multi uprobe link", v6.6) a link of BPF's own is enough, which asks
 * for no more than CAP_BPF and CAP_PERFMON do. perf_event_open(2) asks for CAP_SYS_ADMIN on new
 * kernels, which a service or a container does not have.
 */
#include "source/bpf_link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/bpf.h, of later than the oldest headers that we are built with */
#define TRACE_UPROBE_MULTI  48
#define UPROBE_MULTI_RETURN 1
#define INSN_MOV_R0_0                               \
	{                                           \
		.code = BPF_ALU64 | BPF_MOV | BPF_K \
	}
#define INSN_EXIT                          \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}

/* The part of union bpf_attr for BPF_LINK_CREATE of such a link. */
struct multi_link {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies; /* addresses */
	uint32_t cnt, multi_flags, pid, pad;
};

struct hook_link {
	struct bpf_link *link; /* libbpf's; NULL: fd is ours */
	int fd;
};

static struct hook_link *wrap(struct bpf_link *link, int fd)
{
	struct hook_link *l = NULL;

	if (!link && fd < 0)
		return NULL;
	l = malloc(sizeof(*l));
	if (l) {
		*l = (struct hook_link){ link, fd };
		return l;
	}
	bpf_link__destroy(link);
	if (fd >= 0)
		close(fd);
	errno = ENOMEM;
	return NULL;
}

struct hook_link *hook_attach(struct bpf_program *p)
{
	return wrap(bpf_program__attach(p), -1);
}

static int multi_attach(int prog, bool at_return, const char *path, uint64_t offset)
{
	struct multi_link m = {
		.prog_fd = (uint32_t)prog,
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)&offset,
		.cnt = 1,
		.multi_flags = at_return ? UPROBE_MULTI_RETURN : 0,
	};

	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, &m, sizeof(m));
}

/* Asked of the kernel with a file that can have no such place: the answer tells whether it got that
 * far. */
static bool has_multi(void)
{
	static int known = -1;
	const struct bpf_insn nothing[] = { INSN_MOV_R0_0, INSN_EXIT };
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = TRACE_UPROBE_MULTI);

	if (known >= 0)
		return known;
	int prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "uprobe_multi", "GPL", nothing, 2, &opts);
	int fd = prog < 0 ? -1 : multi_attach(prog, false, "/", 0);
	known = prog >= 0 && fd < 0 && errno == EBADF;
	if (fd >= 0)
		close(fd);
	if (prog >= 0)
		close(prog);
	return known;
}

void uprobe_prepare(struct bpf_program *p)
{
	if (has_multi())
		bpf_program__set_expected_attach_type(p, TRACE_UPROBE_MULTI);
}

struct hook_link *uprobe_attach(struct bpf_program *p, bool at_return, const char *path,
				uint64_t offset)
{
	if (has_multi())
		return wrap(NULL, multi_attach(bpf_program__fd(p), at_return, path, offset));
	return wrap(bpf_program__attach_uprobe(p, at_return, -1, path, offset), -1);
}

int hook_link_fd(const struct hook_link *l)
{
	return l->link ? bpf_link__fd(l->link) : l->fd;
}

void hook_detach(struct hook_link *l)
{
	if (!l)
		return;
	bpf_link__destroy(l->link);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}
