/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What our programs were not called for. The kernel does not run a program on a CPU where it
 * is at work already (prog->active), and counts that. From 7.0 on, where programs on tracepoints
 * can be preempted, this happens to ordinary events: one task is interrupted in the middle of the
 * exec program, and another one executes something on the same CPU. A second
 * program takes most of these over (bpf/lib/again.h); what remains is counted: as lost events where
 * each call makes one, else as calls.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "source/bpf_obj.h"
#include "source/bpf_private.h"

/*
 * Nothing in a kernel's BTF tells whether its tracepoints can be preempted. Measured: not on 6.12
 * and 6.18, on 7.3. Where the guess is wrong the second program costs a little, or is missed and
 * counted.
 */
#define PREEMPTIBLE_SINCE 7

bool bpf_wants_again(void)
{
	struct utsname u;

	return !uname(&u) && atoi(u.release) >= PREEMPTIBLE_SINCE;
}

struct bpf_program *bpf_again(const struct bpf_source *b, unsigned hook)
{
	char name[64];

	if (!b->state[hook].variant)
		return NULL;
	snprintf(name, sizeof(name), "again_%s", b->state[hook].variant);
	return bpf_obj_program(b->obj, name);
}

/* bpf_prog_info.recursion_misses, since 5.12 (9ed9e9ba2337); 0 before. */
static u64 misses(const struct bpf_program *p)
{
	struct bpf_prog_info info = { 0 };
	u32 len = sizeof(info);
	int fd = bpf_program__fd(p);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	return info.recursion_misses;
}

u64 bpf_missed(const struct bpf_source *b, unsigned hook)
{
	u64 rescued = 0;

	if (!b->links[hook])
		return 0;
	u64 missed = misses(bpf_obj_program(b->obj, b->state[hook].variant));
	for (unsigned cpu = 0; cpu < b->cpus; cpu++)
		rescued += ((const volatile struct cpu_stats *)b->stats)[cpu]
				   .rescued[b->state[hook].hook.event];
	return missed > rescued ? missed - rescued : 0;
}
