/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system calls that are looked at, whatever their numbers. */
#ifndef REDSHANK_LIB_CALL_ID_H
#define REDSHANK_LIB_CALL_ID_H

enum call {
	CALL_other,
	CALL_ptrace,
	CALL_vm_readv,
	CALL_vm_writev,
	CALL_pidfd_getfd,
	CALL_open, /* flags: second argument */
	CALL_openat, /* flags: third argument */
	CALL_open_other, /* flags that no register has, or that always write */
	CALL_init_module,
	CALL_finit_module,
	CALL_kexec_load,
	CALL_kexec_file_load,
	CALL_bpf,
	CALL_userfaultfd,
	CALL_setuid,
	CALL_setreuid,
	CALL_setresuid,
	CALL_unshare,
	CALL_setns,
	CALL_mount,
	CALL_move_mount,
	CALL_pivot_root,
	CALL_fsmount,
	CALL_mmap,
	CALL_old_mmap, /* i386: the arguments are in memory */
	CALL_mprotect,
	CALL_pkey_mprotect,
	CALL_shmat,
	CALL_socket,
	CALL_connect,
	CALL_bind,
	CALL_memfd_create,
	CALL_io_uring_setup,
	CALL_sendto,
	CALL_sendmsg,
	CALL_sendmmsg,
	CALL_socketcall, /* 32 bits: all of a socket's calls, the arguments are in memory */
	CALL_write,
	CALL_writev,
	CALL_start, /* set_tid_address, arch_prctl: how programs begin */
};

#endif
