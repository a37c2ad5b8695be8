/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers and registers of the system calls that are looked at, of each architecture. */
#ifndef REDSHANK_LIB_CALL_NR_H
#define REDSHANK_LIB_CALL_NR_H

#include "call_id.h"
#include "task.h"

#define CALL_NUMBERS 576 /* none that is looked at has a higher number */

#if defined(__TARGET_ARCH_x86)

#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h: a 32-bit system call */
#define X32_BIT	  0x40000000 /* __X32_SYSCALL_BIT */

static __always_inline bool call_is_compat(struct task_struct *t)
{
	return BPF_CORE_READ(t, thread_info.status) & TS_COMPAT;
}

static __always_inline u32 call_nr(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, orig_ax);
}

/* Of registers that the verifier knows as such: one load, for what runs at every call. */
static __always_inline u32 call_nr_direct(struct pt_regs *regs)
{
	return regs->orig_ax;
}

/* arch/x86/entry/syscalls/syscall_32.tbl */
const volatile u8 calls_compat[CALL_NUMBERS] __weak = {
	[26] = CALL_ptrace,	     [347] = CALL_vm_readv,    [348] = CALL_vm_writev,
	[438] = CALL_pidfd_getfd,    [5] = CALL_open,	       [295] = CALL_openat,
	[342] = CALL_openat, /* open_by_handle_at */
	[8] = CALL_open_other, /* creat */
	[437] = CALL_open_other, /* openat2 */
	[432] = CALL_fsmount,	     [128] = CALL_init_module, [350] = CALL_finit_module,
	[283] = CALL_kexec_load,     [357] = CALL_bpf,	       [374] = CALL_userfaultfd,
	[23] = CALL_setuid, /* of 16 bits */
	[213] = CALL_setuid,	     [70] = CALL_setreuid, /* of 16 bits */
	[203] = CALL_setreuid,	     [164] = CALL_setresuid, /* of 16 bits */
	[208] = CALL_setresuid,	     [310] = CALL_unshare,     [346] = CALL_setns,
	[21] = CALL_mount,	     [429] = CALL_move_mount,  [217] = CALL_pivot_root,
	[192] = CALL_mmap,	     [90] = CALL_old_mmap,     [125] = CALL_mprotect,
	[380] = CALL_pkey_mprotect,  [397] = CALL_shmat,       [359] = CALL_socket,
	[362] = CALL_connect,	     [361] = CALL_bind,	       [356] = CALL_memfd_create,
	[425] = CALL_io_uring_setup, [102] = CALL_socketcall,  [369] = CALL_sendto,
	[370] = CALL_sendmsg,	     [345] = CALL_sendmmsg,    [4] = CALL_write,
	[146] = CALL_writev,	     [258] = CALL_start,       [384] = CALL_start,
};

/* syscall_64.tbl, and the few that x32 numbers for itself. */
const volatile u8 calls_native[CALL_NUMBERS] __weak = {
	[101] = CALL_ptrace,
	[521] = CALL_ptrace, /* x32 */
	[310] = CALL_vm_readv,
	[539] = CALL_vm_readv, /* x32 */
	[311] = CALL_vm_writev,
	[540] = CALL_vm_writev, /* x32 */
	[438] = CALL_pidfd_getfd,
	[2] = CALL_open,
	[257] = CALL_openat,
	[304] = CALL_openat, /* open_by_handle_at */
	[85] = CALL_open_other, /* creat */
	[437] = CALL_open_other, /* openat2 */
	[175] = CALL_init_module,
	[313] = CALL_finit_module,
	[246] = CALL_kexec_load,
	[528] = CALL_kexec_load, /* x32 */
	[320] = CALL_kexec_file_load,
	[321] = CALL_bpf,
	[323] = CALL_userfaultfd,
	[105] = CALL_setuid,
	[113] = CALL_setreuid,
	[117] = CALL_setresuid,
	[272] = CALL_unshare,
	[308] = CALL_setns,
	[165] = CALL_mount,
	[429] = CALL_move_mount,
	[432] = CALL_fsmount,
	[155] = CALL_pivot_root,
	[9] = CALL_mmap,
	[10] = CALL_mprotect,
	[329] = CALL_pkey_mprotect,
	[30] = CALL_shmat,
	[41] = CALL_socket,
	[42] = CALL_connect,
	[49] = CALL_bind,
	[319] = CALL_memfd_create,
	[425] = CALL_io_uring_setup,
	[44] = CALL_sendto,
	[46] = CALL_sendmsg,
	[518] = CALL_sendmsg, /* x32 */
	[307] = CALL_sendmmsg,
	[538] = CALL_sendmmsg, /* x32 */
	[1] = CALL_write,
	[20] = CALL_writev,
	[516] = CALL_writev, /* x32 */
	[218] = CALL_start,
	[158] = CALL_start,
};

static __always_inline u64 call_arg(struct pt_regs *regs, bool compat, int n)
{
	switch (n) {
	case 0:
		return compat ? (u32)BPF_CORE_READ(regs, bx) : BPF_CORE_READ(regs, di);
	case 1:
		return compat ? (u32)BPF_CORE_READ(regs, cx) : BPF_CORE_READ(regs, si);
	case 2:
		return compat ? (u32)BPF_CORE_READ(regs, dx) : BPF_CORE_READ(regs, dx);
	case 3:
		return compat ? (u32)BPF_CORE_READ(regs, si) : BPF_CORE_READ(regs, r10);
	}
	return compat ? (u32)BPF_CORE_READ(regs, di) : BPF_CORE_READ(regs, r8);
}

/* The first three, of registers that the verifier knows as such. */
static __always_inline u64 call_arg_direct(struct pt_regs *regs, bool compat, int n)
{
	switch (n) {
	case 0:
		return compat ? (u32)regs->bx : regs->di;
	case 1:
		return compat ? (u32)regs->cx : regs->si;
	}
	return compat ? (u32)regs->dx : regs->dx;
}

/* arch/x86/include/asm/page_64_types.h; only for kernels before 5.15, which have no FRED */
#define STACK_SIZE 16384

#elif defined(__TARGET_ARCH_arm64)

#define X32_BIT	  0 /* there is none */
#define TIF_32BIT (1 << 22) /* arch/arm64/include/asm/thread_info.h */

static __always_inline bool call_is_compat(struct task_struct *t)
{
	return BPF_CORE_READ(t, thread_info.flags) & TIF_32BIT;
}

static __always_inline u32 call_nr(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, syscallno);
}

static __always_inline u32 call_nr_direct(struct pt_regs *regs)
{
	return regs->syscallno;
}

/* include/uapi/asm-generic/unistd.h */
const volatile u8 calls_native[CALL_NUMBERS] __weak = {
	[117] = CALL_ptrace,	   [270] = CALL_vm_readv,
	[271] = CALL_vm_writev,	   [438] = CALL_pidfd_getfd,
	[56] = CALL_openat,	   [265] = CALL_openat, /* open_by_handle_at */
	[437] = CALL_open_other, /* openat2 */
	[105] = CALL_init_module,  [273] = CALL_finit_module,
	[104] = CALL_kexec_load,   [294] = CALL_kexec_file_load,
	[280] = CALL_bpf,	   [282] = CALL_userfaultfd,
	[146] = CALL_setuid,	   [145] = CALL_setreuid,
	[147] = CALL_setresuid,	   [97] = CALL_unshare,
	[268] = CALL_setns,	   [40] = CALL_mount,
	[429] = CALL_move_mount,   [432] = CALL_fsmount,
	[41] = CALL_pivot_root,	   [222] = CALL_mmap,
	[226] = CALL_mprotect,	   [288] = CALL_pkey_mprotect,
	[196] = CALL_shmat,	   [198] = CALL_socket,
	[203] = CALL_connect,	   [200] = CALL_bind,
	[279] = CALL_memfd_create, [425] = CALL_io_uring_setup,
	[206] = CALL_sendto,	   [211] = CALL_sendmsg,
	[269] = CALL_sendmmsg,	   [64] = CALL_write,
	[66] = CALL_writev,	   [96] = CALL_start,
};

/* arch/arm/tools/syscall.tbl */
const volatile u8 calls_compat[CALL_NUMBERS] __weak = {
	[26] = CALL_ptrace,	   [376] = CALL_vm_readv,
	[377] = CALL_vm_writev,	   [438] = CALL_pidfd_getfd,
	[5] = CALL_open,	   [322] = CALL_openat,
	[371] = CALL_openat, /* open_by_handle_at */
	[8] = CALL_open_other, /* creat */
	[437] = CALL_open_other, /* openat2 */
	[128] = CALL_init_module,  [379] = CALL_finit_module,
	[347] = CALL_kexec_load,   [401] = CALL_kexec_file_load,
	[386] = CALL_bpf,	   [388] = CALL_userfaultfd,
	[23] = CALL_setuid, /* of 16 bits */
	[213] = CALL_setuid,	   [70] = CALL_setreuid, /* of 16 bits */
	[203] = CALL_setreuid,	   [164] = CALL_setresuid, /* of 16 bits */
	[208] = CALL_setresuid,	   [337] = CALL_unshare,
	[375] = CALL_setns,	   [21] = CALL_mount,
	[429] = CALL_move_mount,   [432] = CALL_fsmount,
	[218] = CALL_pivot_root,   [192] = CALL_mmap,
	[125] = CALL_mprotect,	   [394] = CALL_pkey_mprotect,
	[305] = CALL_shmat,	   [281] = CALL_socket,
	[283] = CALL_connect,	   [282] = CALL_bind,
	[385] = CALL_memfd_create, [425] = CALL_io_uring_setup,
	[290] = CALL_sendto,	   [296] = CALL_sendmsg,
	[374] = CALL_sendmmsg,	   [4] = CALL_write,
	[146] = CALL_writev,	   [256] = CALL_start,
};

/* At the end of a call its first register holds the result; the argument is kept beside it. */
static __always_inline u64 call_arg(struct pt_regs *regs, bool compat, int n)
{
	struct user_pt_regs *user = (void *)regs; /* arch/arm64/include/asm/ptrace.h: a union */
	u64 value = 0;

	if (!n)
		return BPF_CORE_READ(regs, orig_x0);
	bpf_probe_read_kernel(&value, sizeof(value), &user->regs[n]);
	return value;
}

/* The first three, of registers that the verifier knows as such. */
static __always_inline u64 call_arg_direct(struct pt_regs *regs, bool compat, int n)
{
	return n ? regs->user_regs.regs[n] : regs->orig_x0;
}

#define STACK_SIZE 16384 /* THREAD_SIZE with pages of 4 and 16 KiB */

#endif

#endif
