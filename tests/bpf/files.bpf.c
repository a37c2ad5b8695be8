// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What lib/path.h, lib/exe.h and lib/task.h say of the calling process and of one of its files. */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "exe.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SLOT 1 /* of scratches: none of a CPU */

int fd = -1; /* in: which file */

static __always_inline struct file *file_of(struct task_struct *t, u32 n)
{
	struct file **slot = BPF_CORE_READ(t, files, fdt, fd), *file = NULL;
	bpf_probe_read_kernel(&file, sizeof(file), slot + n);
	return file;
}

/* The facts of a file as an executable's, and the process's working directory and cgroup. */
SEC("raw_tp")
int facts(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct scratch *s = rec_begin(SLOT, EV_exec, sizeof(struct ev_exec));
	if (!s)
		return 1;
	struct ev_exec *e = (void *)s->rec;
	struct file *file = fd >= 0 ? file_of(t, fd) : NULL;

	hdr_fill(&e->hdr, t);
	if (file)
		EXE_FILL(s, SLOT, e, t, file, 0, exec);
	PROC_FILL(s, SLOT, e, t, exec);
	rec_finish(s);
	rec_release(s);
	return 0;
}
