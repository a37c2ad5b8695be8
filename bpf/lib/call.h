/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system call that a task is in: its number, arguments and instruction, from saved registers.
 * A process can't change these while the kernel works. */
#ifndef REDSHANK_LIB_CALL_H
#define REDSHANK_LIB_CALL_H

#include "task.h"

/* The calls that somebody here looks at. */
enum call {
	CALL_none = 0,
	CALL_mmap,
	CALL_mprotect,
	CALL_pkey_mprotect,
	CALL_shmat,
	CALL_socket,
	CALL_connect,
	CALL_bind,
	CALL_ptrace,
	CALL_process_vm_writev,
	CALL_memfd_create,
	CALL_io_uring_setup,
};

/* The user's registers of the current task, where a hook does not bring them. */
static __always_inline struct pt_regs *current_regs(void)
{
	/* bpf_task_pt_regs() is there since 5.15 (dd6e10fbd9fb). */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct task_struct *t = (void *)bpf_get_current_task();
	/* arch/x86/include/asm/page_64_types.h, arch/arm64/include/asm/memory.h: 16 KiB, the
	 * registers at the end. */
	return BPF_CORE_READ(t, stack) + 16384 - bpf_core_type_size(struct pt_regs);
}

#if defined(__TARGET_ARCH_x86)

#define TS_COMPAT 0x2 /* arch/x86/include/asm/thread_info.h */
#define X32_CALL  0x40000000 /* include/uapi/asm/unistd.h: __X32_SYSCALL_BIT */

static __always_inline bool call_is_compat(struct task_struct *t)
{
	return BPF_CORE_READ(t, thread_info.status) & TS_COMPAT;
}

static __always_inline u32 call_nr(struct pt_regs *r)
{
	return (u32)BPF_CORE_READ(r, orig_ax) & ~X32_CALL;
}

/* Of registers that the verifier knows as such: one load, for what runs at every call. */
static __always_inline u32 call_nr_direct(struct pt_regs *r)
{
	return (u32)r->orig_ax & ~X32_CALL;
}

static __always_inline u64 call_arg(struct pt_regs *r, int i, bool compat)
{
	switch (i) {
	case 0:
		return compat ? BPF_CORE_READ(r, bx) : BPF_CORE_READ(r, di);
	case 1:
		return compat ? BPF_CORE_READ(r, cx) : BPF_CORE_READ(r, si);
	case 2:
		return BPF_CORE_READ(r, dx);
	case 3:
		return compat ? BPF_CORE_READ(r, si) : BPF_CORE_READ(r, r10);
	default:
		return compat ? BPF_CORE_READ(r, di) : BPF_CORE_READ(r, r8);
	}
}

/* Numbers: of 64-bit programs, of 32-bit ones. */
#define NR_mmap		       9
#define NR32_mmap	       192
#define NR_mprotect	       10
#define NR32_mprotect	       125
#define NR_pkey_mprotect       329
#define NR32_pkey_mprotect     380
#define NR_shmat	       30
#define NR32_shmat	       397
#define NR_socket	       41
#define NR32_socket	       359
#define NR_connect	       42
#define NR32_connect	       362
#define NR_bind		       49
#define NR32_bind	       361
#define NR_ptrace	       101
#define NR32_ptrace	       26
#define NR_process_vm_writev   311
#define NR32_process_vm_writev 348
#define NR_memfd_create	       319
#define NR32_memfd_create      356
#define NR_io_uring_setup      425
#define NR32_io_uring_setup    425

#define CALL_OLD_MMAP	90 /* i386: the arguments are in memory */
#define CALL_SOCKETCALL 102 /* i386: socket, connect, … by one number */

#elif defined(__TARGET_ARCH_arm64)

#define TIF_32BIT	       (1 << 22) /* arch/arm64/include/asm/thread_info.h */

static __always_inline bool call_is_compat(struct task_struct *t)
{
	return BPF_CORE_READ(t, thread_info.flags) & TIF_32BIT;
}

static __always_inline u32 call_nr(struct pt_regs *r)
{
	return BPF_CORE_READ(r, syscallno);
}

static __always_inline u32 call_nr_direct(struct pt_regs *r)
{
	return r->syscallno;
}

static __always_inline u64 call_arg(struct pt_regs *r, int i, bool compat)
{
	return i ? BPF_CORE_READ(r, regs[i]) : BPF_CORE_READ(r, orig_x0);
}

/* Numbers: of 64-bit programs, of 32-bit ones. */
#define NR_mmap		       222
#define NR32_mmap	       192
#define NR_mprotect	       226
#define NR32_mprotect	       125
#define NR_pkey_mprotect       288
#define NR32_pkey_mprotect     394
#define NR_shmat	       196
#define NR32_shmat	       305
#define NR_socket	       198
#define NR32_socket	       281
#define NR_connect	       203
#define NR32_connect	       283
#define NR_bind		       200
#define NR32_bind	       282
#define NR_ptrace	       117
#define NR32_ptrace	       26
#define NR_process_vm_writev   271
#define NR32_process_vm_writev 377
#define NR_memfd_create	       279
#define NR32_memfd_create      385
#define NR_io_uring_setup      425
#define NR32_io_uring_setup    425

#define CALL_OLD_MMAP	(~0U) /* there is none */
#define CALL_SOCKETCALL (~0U - 1)

#else
#error "which system call has which number here?"
#endif

static __always_inline enum call call_native(u32 nr)
{
	switch (nr) {
	case NR_mmap:
		return CALL_mmap;
	case NR_mprotect:
		return CALL_mprotect;
	case NR_pkey_mprotect:
		return CALL_pkey_mprotect;
	case NR_shmat:
		return CALL_shmat;
	case NR_socket:
		return CALL_socket;
	case NR_connect:
		return CALL_connect;
	case NR_bind:
		return CALL_bind;
	case NR_ptrace:
		return CALL_ptrace;
	case NR_process_vm_writev:
		return CALL_process_vm_writev;
	case NR_memfd_create:
		return CALL_memfd_create;
	case NR_io_uring_setup:
		return CALL_io_uring_setup;
	}
	return CALL_none;
}

static __always_inline enum call call_compat(u32 nr)
{
	switch (nr) {
	case NR32_mmap:
		return CALL_mmap;
	case NR32_mprotect:
		return CALL_mprotect;
	case NR32_pkey_mprotect:
		return CALL_pkey_mprotect;
	case NR32_shmat:
		return CALL_shmat;
	case NR32_socket:
		return CALL_socket;
	case NR32_connect:
		return CALL_connect;
	case NR32_bind:
		return CALL_bind;
	case NR32_ptrace:
		return CALL_ptrace;
	case NR32_process_vm_writev:
		return CALL_process_vm_writev;
	case NR32_memfd_create:
		return CALL_memfd_create;
	case NR32_io_uring_setup:
		return CALL_io_uring_setup;
	case CALL_OLD_MMAP:
		return CALL_mmap;
	case CALL_SOCKETCALL:
		return CALL_socket;
	}
	return CALL_none;
}

/* What call a number is. The task is looked at only where it matters: this runs at every call. */
static __always_inline enum call call_of(u32 nr, bool *ret_compat)
{
	enum call native = call_native(nr), compat = call_compat(nr);

	*ret_compat = false;
	if (native == CALL_none && compat == CALL_none)
		return CALL_none;
	*ret_compat = call_is_compat((void *)bpf_get_current_task());
	return *ret_compat ? compat : native;
}

#endif
