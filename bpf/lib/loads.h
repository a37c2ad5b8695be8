/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes part of the kernel: modules, other kernels, BPF programs; and userfaultfd. */
#ifndef REDSHANK_LIB_LOADS_H
#define REDSHANK_LIB_LOADS_H

#include "kernel.h"

/* --- modules, other kernels --- */

/* f NULL: it came from memory, size bytes. error: errno, if it was refused. */
static __always_inline int on_module(u32 op, struct file *f, u64 size, u32 error)
{
	u32 slot = 0;
	struct task_struct *t = current_task();
	struct fs_struct *fs = BPF_CORE_READ(t, fs);
	struct scratch *s = rec_begin_cpu(&slot, EV_module, sizeof(struct ev_module));
	if (!s)
		return 0;
	struct ev_module *e = (void *)s->rec;

	hdr_fill(&e->hdr, t);
	e->op = op;
	e->size = size;
	e->error = error;
	if (f) {
		struct inode *i = BPF_CORE_READ(f, f_inode);
		e->ino = BPF_CORE_READ(i, i_ino);
		e->size = BPF_CORE_READ(i, i_size);
		e->magic = BPF_CORE_READ(i, i_sb, s_magic);
		e->dev = BPF_CORE_READ(i, i_sb, s_dev);
		e->nlink = BPF_CORE_READ(i, i_nlink);
		e->origin = file_origin(f);
		if (fs)
			rec_put_path(s, slot, &e->path, EVF_module_path, &f->f_path, &fs->root);
	}
	rec_submit(s, &ring_main, EV_module);
	return 0;
}

static __always_inline int on_read_file(struct file *f, u32 id)
{
	if (id == bpf_core_enum_value(enum kernel_read_file_id, READING_MODULE))
		return on_module(MODULE_finit_module, f, 0, 0);
	if (id == bpf_core_enum_value(enum kernel_read_file_id, READING_KEXEC_IMAGE))
		return on_module(MODULE_kexec_file_load, f, 0, 0);
	return 0;
}

static __always_inline int on_load_data(u32 id)
{
	struct pt_regs *regs = current_regs();
	bool compat;

	count_fact(FACT_load_data);
	switch (call_of(call_nr(regs), &compat)) {
	case CALL_init_module:
		return on_module(MODULE_init_module, NULL, call_arg(regs, compat, 1), 0);
	case CALL_kexec_load:
		return on_module(MODULE_kexec_load, NULL, 0, 0);
	default:
		return 0;
	}
}

/* --- BPF programs --- */

#define BPF_CALL_PROG_LOAD 5 /* enum bpf_cmd, BPF_PROG_LOAD */

static __always_inline int on_bpf_prog(struct bpf_prog *p)
{
	struct task_struct *t = current_task();

	if (!p || (u32)BPF_CORE_READ(t, tgid) == knob_self)
		return 0;
	struct ev_bpf_load *e = ev_reserve(&ring_bulk, bpf_load);
	if (!e)
		return 0;
	hdr_fill(&e->hdr, t);
	e->prog_type = BPF_CORE_READ(p, type);
	e->attach_type = BPF_CORE_READ(p, expected_attach_type);
	e->insns = BPF_CORE_READ(p, len);
	e->id = BPF_CORE_READ(p, aux, id);
	BPF_CORE_READ_STR_INTO(&e->prog_name, p, aux, name);
	ev_submit(e, EV_bpf_load);
	return 0;
}

/* The check is made for every descriptor of a program that a process gets: loaded, or found by id.
 */
static __always_inline int on_bpf_check(struct bpf_prog *p)
{
	struct pt_regs *regs = current_regs();
	bool compat;

	if (call_of(call_nr(regs), &compat) != CALL_bpf ||
	    (u32)call_arg(regs, compat, 0) != BPF_CALL_PROG_LOAD)
		return 0;
	return on_bpf_prog(p);
}

/* --- userfaultfd --- */

#define CAP_PTRACE_BIT	    19 /* CAP_SYS_PTRACE */
#define UFFD_USER_MODE_ONLY 1

static __always_inline int on_userfault(u32 flags)
{
	struct task_struct *t = current_task();

	if (cap_bits(&BPF_CORE_READ(t, real_cred)->cap_effective) >> CAP_PTRACE_BIT & 1)
		return 0;
	struct ev_userfault *e = ev_reserve(&ring_bulk, userfault);
	if (!e)
		return 0;
	hdr_fill(&e->hdr, t);
	e->flags = flags;
	e->user_only = flags & UFFD_USER_MODE_ONLY;
	ev_submit(e, EV_userfault);
	return 0;
}

#endif
