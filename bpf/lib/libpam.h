/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copies of libpam that come into use: user space is told, to put its programs on them. */
#ifndef REDSHANK_LIB_LIBPAM_H
#define REDSHANK_LIB_LIBPAM_H

#include "path.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536); /* a page of any machine */
} pam_mapped SEC(".maps") __weak;

/* Those that user space has been told of. It takes out what it does not watch any more. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct pam_lib);
	__type(value, u32);
} pam_libs SEC(".maps") __weak;

static __always_inline bool named_libpam(struct dentry *d)
{
	union {
		char name[9];
		u64 word;
	} u = {};

	bpf_probe_read_kernel_str(u.name, sizeof(u.name), BPF_CORE_READ(d, d_name.name));
	return u.word == 0x732e6d617062696c; /* "libpam.s", as a little-endian word */
}

/* A file (its address) is mapped to be executed. A global function, so that it does not multiply
 * what the verifier looks at in its callers. */
__weak __noinline int note_libpam(u64 file)
{
	struct file *f = (void *)file;
	struct inode *i = BPF_CORE_READ(f, f_inode);
	struct pam_lib lib = {};
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (!named_libpam(BPF_CORE_READ(shown_path(f), dentry)))
		return 0;
	lib.ino = BPF_CORE_READ(i, i_ino);
	lib.dev = BPF_CORE_READ(i, i_sb, s_dev);
	if (bpf_map_update_elem(&pam_libs, &lib, &pid, BPF_NOEXIST))
		return 0;
	struct pam_mapped m = { .lib = lib, .pid = pid };
	if (bpf_ringbuf_output(&pam_mapped, &m, sizeof(m), 0))
		bpf_map_delete_elem(&pam_libs, &lib);
	return 0;
}

#endif
