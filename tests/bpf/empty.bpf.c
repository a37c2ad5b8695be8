// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that do nothing, on the hooks of bpf/ and under the names that they have there: what a
 * hook costs before its program does anything (tests/bench/hooks.c).
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EMPTY(name_, section_) \
	SEC(section_)          \
	int name_(void *ctx)   \
	{                      \
		return 0;      \
	}

EMPTY(fork__tp_btf, "tp_btf/sched_process_fork")
EMPTY(fork__raw_tp, "raw_tp/sched_process_fork")
EMPTY(exec__tp_btf, "tp_btf/sched_process_exec")
EMPTY(exec__raw_tp, "raw_tp/sched_process_exec")
EMPTY(exit__tp_btf, "tp_btf/sched_process_exit")
EMPTY(exit__raw_tp, "raw_tp/sched_process_exit")
EMPTY(rename__tp_btf, "tp_btf/task_rename")
EMPTY(rename__raw_tp, "raw_tp/task_rename")
EMPTY(script__lsm, "lsm/bprm_check_security")
EMPTY(script__fentry, "fentry/security_bprm_check")
EMPTY(script__kprobe, "kprobe/security_bprm_check")
EMPTY(auth_text__lsm, "lsm/socket_sendmsg")
EMPTY(auth_text__fentry, "fentry/security_socket_sendmsg")
EMPTY(auth_text__kprobe, "kprobe/security_socket_sendmsg")
EMPTY(auth_stderr__lsm, "lsm/file_permission")
EMPTY(auth_stderr__fentry, "fentry/security_file_permission")
EMPTY(auth_stderr__kprobe, "kprobe/security_file_permission")
EMPTY(calls__tp_btf, "tp_btf/sys_exit")
EMPTY(calls__raw_tp, "raw_tp/sys_exit")
EMPTY(probe__lsm, "lsm/file_open")
EMPTY(probe__fentry, "fentry/security_file_open")
EMPTY(probe__kprobe, "kprobe/security_file_open")
EMPTY(probe__tp_btf, "tp_btf/sys_enter")
EMPTY(probe__raw_tp, "raw_tp/sys_enter")
EMPTY(probe__tp, "tp/syscalls/sys_enter_openat")
