/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System calls by their registers: which call a task is in, under each of the machine's numberings,
 * and its arguments. Arguments are numbers that the kernel has already taken: user space can't
 * change them behind us. What they point to, it can.
 */
#ifndef REDSHANK_LIB_CALL_H
#define REDSHANK_LIB_CALL_H

#include "call_nr.h"

static __always_inline struct task_struct *current_task(void)
{
	return (void *)bpf_get_current_task();
}

/* What call a number is. The task is looked at only where it matters: this runs at every call. */
static __always_inline u32 call_of(u32 nr, bool *ret_compat)
{
	u64 at = nr & ~X32_BIT; /* 64 bits: 32-bit jumps come with -mcpu=v3 */

	*ret_compat = false;
	barrier_var(at);
	if (at >= CALL_NUMBERS)
		return CALL_other;
	u32 native = calls_native[at], compat = calls_compat[at];
	if (!(native | compat))
		return CALL_other;
	*ret_compat = call_is_compat(current_task());
	return *ret_compat ? compat : native;
}

/* The registers with which the current task entered the kernel, where a hook does not bring them.
 */
static __always_inline struct pt_regs *current_regs(void)
{
	/* bpf_task_pt_regs() is there since 5.15 (dd6e10fbd9fb). */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return BPF_CORE_READ(current_task(), stack) + STACK_SIZE -
	       bpf_core_type_size(struct pt_regs);
}

/* The open file behind a descriptor of the current task; NULL if there is none. */
static __always_inline struct file *current_file(u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(current_task(), files, fdt);
	struct file **table = BPF_CORE_READ(fdt, fd), *f = NULL;
	if (fd < BPF_CORE_READ(fdt, max_fds))
		bpf_probe_read_kernel(&f, sizeof(f), table + fd);
	return f;
}

#endif
