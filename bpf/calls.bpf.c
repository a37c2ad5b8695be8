// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is seen at the end of system calls, where nothing nearer to it works. Every call of the
 * machine pays for that, and again for each program; so there is one for each hook, to be tried and
 * to be used alone, and one for all of them (user/source/bpf_load.c).
 *
 * What is judged is what the kernel did, not what was asked for.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "anon.h"
#include "map.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

/* include/uapi/linux/mman.h, shm.h, errno-base.h */
#define MAP_ANONYMOUS 0x20
#define SHM_EXEC      0100000
#define EPERM	      1
#define EACCES	      13
#define ERROR_MIN     ((u64)-4095)

#define VMAS_LOOKED_AT 8 /* of a range that spans several */

/* --- mmap, shmat --- */

/* The open file behind any descriptor. */
static __always_inline struct file *file_of_fd(u64 fd)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(t, files, fdt);
	struct file **table = BPF_CORE_READ(fdt, fd), *f = NULL;

	if ((u32)fd < BPF_CORE_READ(fdt, max_fds))
		bpf_probe_read_kernel(&f, sizeof(f), table + (u32)fd);
	return f;
}

/* A file that the kernel refused to map: no mapping tells which, only the descriptor. */
static __always_inline int on_refused(struct mapping *m, u64 ret, u64 fd)
{
	m->error = -(s64)ret;
	if ((m->error != EPERM && m->error != EACCES) || m->mflags & MAP_ANONYMOUS)
		return 0;
	m->file = file_of_fd(fd);
	return m->file ? on_map(m) : 0;
}

static __always_inline int on_mmap_exit(struct pt_regs *regs, enum call call, bool compat, u64 ret)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct mapping m = { .regs = regs,
			     .op = MAP_OP_mmap,
			     .before = MAP_PROT_UNSEEN,
			     .facts = compat ? MAP_F_COMPAT : 0 };
	u64 prot = call_arg(regs, 2, compat);

	if (compat)
		ret = (s64)(s32)ret < 0 && (s32)ret >= -4095 ? (u64)(s64)(s32)ret : (u32)ret;
	if (call == CALL_shmat) {
		m.op = MAP_OP_shmat;
		m.mflags = prot;
		prot = prot & SHM_EXEC ? VM_EXEC : VM_READ;
	} else if (compat && call_nr(regs) == CALL_OLD_MMAP) {
		prot = VM_EXEC; /* may be: the mapping itself will tell */
	} else {
		m.mflags = call_arg(regs, 3, compat);
		m.length = call_arg(regs, 1, compat);
		m.vm_flags = prot & (VM_READ | VM_WRITE | VM_EXEC);
	}
	bool may = prot & VM_EXEC || (read_implies_exec() && prot & VM_READ);
	if (!may && m.op == MAP_OP_mmap &&
	    (m.mflags & (MAP_SHARED | MAP_ANONYMOUS)) == MAP_SHARED) {
		struct file *f = file_of_fd(call_arg(regs, 4, compat));
		may = f && file_kind(f) == MAP_KIND_secret;
	}
	if (!may)
		return 0;
	if (ret >= ERROR_MIN)
		return on_refused(&m, ret, call_arg(regs, 4, compat));
	struct vm_area_struct *v = (void *)vma_at((u64)BPF_CORE_READ(t, mm), ret);
	if (!v || (prot & VM_EXEC && !(BPF_CORE_READ(v, vm_flags) & VM_EXEC)))
		return 0;
	if (!(prot & VM_EXEC) && BPF_CORE_READ(v, vm_flags) & VM_EXEC)
		m.facts |= MAP_F_READ_IMPLIES_EXEC;
	return on_vma(v, &m);
}

static __noinline int on_map_exit(struct pt_regs *regs, u32 nr, u64 ret)
{
	bool compat;
	enum call call = call_of(nr, &compat);

	if (call != CALL_mmap && call != CALL_shmat)
		return 0;
	count_fact(FACT_map_mmap);
	return on_mmap_exit(regs, call, compat, ret);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(map_mmap__tp_btf, struct pt_regs *regs, long ret)
{
	return on_map_exit(regs, call_nr_direct(regs), ret);
}

SEC("raw_tp/sys_exit")
int map_mmap__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (void *)ctx->args[0];
	return on_map_exit(regs, call_nr(regs), ctx->args[1]);
}

/* --- mprotect, pkey_mprotect --- */

/* Of the mappings in a range the first without an untouched file behind it, else the first. */
static __always_inline struct vm_area_struct *vma_chosen(struct mm_struct *mm, u64 at, u64 len)
{
	struct vm_area_struct *first = NULL;
	u64 end = at + len;

	for (int i = 0; i < VMAS_LOOKED_AT && at < end; i++) {
		struct vm_area_struct *v = (void *)vma_at((u64)mm, at);
		if (!v)
			break;
		if (BPF_CORE_READ(v, vm_flags) & VM_EXEC &&
		    (!vma_file(v) || vma_facts(v) || file_kind(vma_file(v)) != MAP_KIND_file))
			return v;
		if (!first)
			first = v;
		at = BPF_CORE_READ(v, vm_end);
	}
	return first;
}

static __noinline int on_prot_exit(struct pt_regs *regs, u32 nr, u64 ret)
{
	bool compat;
	enum call call = call_of(nr, &compat);

	if (call != CALL_mprotect && call != CALL_pkey_mprotect)
		return 0;
	count_fact(FACT_map_prot);
	u64 prot = call_arg(regs, 2, compat);
	if ((u32)ret || !(prot & VM_EXEC || (prot & VM_READ && read_implies_exec())))
		return 0;
	struct task_struct *t = (void *)bpf_get_current_task();
	struct vm_area_struct *v = vma_chosen(BPF_CORE_READ(t, mm), call_arg(regs, 0, compat),
					      call_arg(regs, 1, compat));
	if (!v || !(BPF_CORE_READ(v, vm_flags) & VM_EXEC))
		return 0;
	struct mapping m = {
		.regs = regs,
		.op = call == CALL_mprotect ? MAP_OP_mprotect : MAP_OP_pkey_mprotect,
		.before = MAP_PROT_UNSEEN,
		.facts = (compat ? MAP_F_COMPAT : 0) |
			 (prot & PROT_GROWSDOWN ? MAP_F_GROWSDOWN : 0) |
			 (prot & VM_EXEC ? 0 : MAP_F_READ_IMPLIES_EXEC),
	};
	return on_vma(v, &m);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(map_prot__tp_btf, struct pt_regs *regs, long ret)
{
	return on_prot_exit(regs, call_nr_direct(regs), ret);
}

SEC("raw_tp/sys_exit")
int map_prot__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (void *)ctx->args[0];
	return on_prot_exit(regs, call_nr(regs), ctx->args[1]);
}

/* --- calls by code that is in no file --- */

static __always_inline u32 anon_call_of(enum call call)
{
	switch (call) {
	case CALL_socket:
		return ANON_CALL_socket;
	case CALL_connect:
		return ANON_CALL_connect;
	case CALL_bind:
		return ANON_CALL_bind;
	case CALL_ptrace:
		return ANON_CALL_ptrace;
	case CALL_process_vm_writev:
		return ANON_CALL_process_vm_writev;
	case CALL_memfd_create:
		return ANON_CALL_memfd_create;
	case CALL_io_uring_setup:
		return ANON_CALL_io_uring_setup;
	default:
		return 0;
	}
}

static __noinline int on_call_exit(struct pt_regs *regs, u32 nr)
{
	bool compat;
	u32 call = anon_call_of(call_of(nr, &compat));

	if (!call)
		return 0;
	count_fact(FACT_anon_net);
	return on_call(call, regs);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(anon_net__tp_btf, struct pt_regs *regs, long ret)
{
	return on_call_exit(regs, call_nr_direct(regs));
}

SEC("raw_tp/sys_exit")
int anon_net__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (void *)ctx->args[0];
	return on_call_exit(regs, call_nr(regs));
}

/* --- all of them --- */

static __always_inline int on_exit_of_call(struct pt_regs *regs, u32 nr, u64 ret)
{
	bool compat;

	switch (call_of(nr, &compat)) {
	case CALL_none:
		return 0;
	case CALL_mmap:
	case CALL_shmat:
		return knob_calls & 1U << FACT_map_mmap ? on_map_exit(regs, nr, ret) : 0;
	case CALL_mprotect:
	case CALL_pkey_mprotect:
		return knob_calls & 1U << FACT_map_prot ? on_prot_exit(regs, nr, ret) : 0;
	default:
		return knob_calls & 1U << FACT_anon_net ? on_call_exit(regs, nr) : 0;
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(calls__tp_btf, struct pt_regs *regs, long ret)
{
	return on_exit_of_call(regs, call_nr_direct(regs), ret);
}

SEC("raw_tp/sys_exit")
int calls__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (void *)ctx->args[0];
	return on_exit_of_call(regs, call_nr(regs), ctx->args[1]);
}
