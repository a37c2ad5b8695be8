/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that our program was not called for. The kernel does not run a program on a CPU where it
 * is at work already (prog->active), and counts that. From 7.0 on, where programs on tracepoints
 * can be preempted, this happens to ordinary events: one task is interrupted in the middle of the
 * exec program, and another one executes something on the same CPU.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "source/bpf_obj.h"
#include "source/bpf_private.h"

/* bpf_prog_info.recursion_misses, since 5.12 (9ed9e9ba2337); 0 before. */
u64 bpf_missed(const struct bpf_source *b, unsigned hook)
{
	struct bpf_prog_info info = { 0 };
	u32 len = sizeof(info);

	if (!b->links[hook])
		return 0;
	int fd = bpf_program__fd(bpf_obj_program(b->obj, b->state[hook].variant));
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	return info.recursion_misses;
}
