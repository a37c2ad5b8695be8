/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a task's descriptors are, by the inode behind them and not by a name. */
#ifndef REDSHANK_LIB_FD_H
#define REDSHANK_LIB_FD_H

#include "exe.h"

/* include/uapi/linux/stat.h, magic.h, major.h; include/linux/socket.h */
#define S_IFMT		0170000
#define S_IFSOCK	0140000
#define S_IFREG		0100000
#define S_IFBLK		0060000
#define S_IFDIR		0040000
#define S_IFCHR		0020000
#define S_IFIFO		0010000
#define PIPEFS_MAGIC	0x50495045
#define MEM_MAJOR	1
#define TTY_MAJOR	4
#define TTYAUX_MAJOR	5
#define PTY_SLAVE_FIRST 136
#define PTY_SLAVE_LAST	143
#define AF_UNIX		1
#define AF_INET		2
#define AF_INET6	10

static __always_inline u32 char_device_type(u32 rdev)
{
	u32 major = rdev >> 20, minor = rdev & 0xfffff; /* include/linux/kdev_t.h */
	if (major == TTY_MAJOR || major == TTYAUX_MAJOR ||
	    (major >= PTY_SLAVE_FIRST && major <= PTY_SLAVE_LAST))
		return FD_TYPE_tty;
	return major == MEM_MAJOR && minor == 3 ? FD_TYPE_null : FD_TYPE_char;
}

static __always_inline u32 socket_type(struct file *f)
{
	struct socket *sock = BPF_CORE_READ(f, private_data);
	u16 family = BPF_CORE_READ(sock, sk, __sk_common.skc_family);
	if (family == AF_INET || family == AF_INET6)
		return FD_TYPE_inet_socket;
	return family == AF_UNIX ? FD_TYPE_unix_socket : FD_TYPE_socket;
}

/* Of a struct file (its address, for the verifier's sake): FD_TYPE_*. A global function, so that
 * its branches are judged for themselves. */
__weak __noinline u32 fd_type_at(u64 file)
{
	struct file *f = (void *)file;
	struct inode *i = BPF_CORE_READ(f, f_inode);

	switch (BPF_CORE_READ(i, i_mode) & S_IFMT) {
	case S_IFIFO:
		return BPF_CORE_READ(i, i_sb, s_magic) == PIPEFS_MAGIC ? FD_TYPE_pipe
								       : FD_TYPE_fifo;
	case S_IFSOCK:
		return socket_type(f);
	case S_IFCHR:
		return char_device_type(BPF_CORE_READ(i, i_rdev));
	case S_IFBLK:
		return FD_TYPE_block;
	case S_IFDIR:
		return FD_TYPE_directory;
	case S_IFREG:
		return file_is_memfd(f) ? FD_TYPE_memfd : FD_TYPE_file;
	}
	return FD_TYPE_anon;
}

static __always_inline u32 fd_type(struct file *f)
{
	return fd_type_at((u64)f);
}

/* The open file behind descriptor fd; NULL if it is closed. fd: 0 to 2, for which there is room. */
static __always_inline struct file *task_file(struct task_struct *t, u32 fd)
{
	struct file **table = BPF_CORE_READ(t, files, fdt, fd), *f = NULL;
	if (table)
		bpf_probe_read_kernel(&f, sizeof(f), table + fd);
	return f;
}

#define FDS_MAX		64 /* descriptors that are looked at: one word of the table's bit map */
#define TCP_ESTABLISHED 1 /* include/net/tcp_states.h; also of a UDP socket that is connected */

static __always_inline bool is_connected(struct file *f)
{
	struct socket *sock = BPF_CORE_READ(f, private_data);
	return BPF_CORE_READ(sock, sk, __sk_common.skc_state) == TCP_ESTABLISHED;
}

#define FD_CONNECTED 1 /* an internet socket */
#define FD_PIPE	     2
#define FD_MEMFD     4

/* What is at an entry of the table of descriptors. A global function: see fds_look(). */
__weak __noinline u32 fd_look(u64 entry, u32 open)
{
	struct file *f = NULL;

	if (open)
		bpf_probe_read_kernel(&f, sizeof(f), (void *)entry);
	if (!f)
		return 0;
	switch (fd_type(f)) {
	case FD_TYPE_inet_socket:
		return is_connected(f) ? FD_CONNECTED : 0;
	case FD_TYPE_pipe:
		return FD_PIPE;
	case FD_TYPE_memfd:
		return FD_MEMFD;
	}
	return 0;
}

struct fds_seen {
	u32 connected, connected_stdio; /* internet sockets; of these, on 0 to 2 */
	u32 pipe, memfd; /* highest descriptor above 2 that is one; 0: none */
};

/* The later of two numbers if the bit is set, without a branch: each would double the verifier's
 * work in a loop. */
static __always_inline u32 later_if(u32 bit, u32 before, u32 later)
{
	u32 mask = -(bit & 1);

	barrier_var(mask);
	return (later & mask) | (before & ~mask);
}

/*
 * Looks at the first descriptors of a task (its address). A global function, so that its loop is
 * judged for itself. Returns struct fds_seen, a byte each.
 */
__weak __noinline u32 fds_look(u64 task)
{
	struct fdtable *fdt = BPF_CORE_READ((struct task_struct *)task, files, fdt);
	u64 table = (u64)BPF_CORE_READ(fdt, fd);
	struct fds_seen seen = {};
	u64 open = 0;

	bpf_probe_read_kernel(&open, sizeof(open), BPF_CORE_READ(fdt, open_fds));
	for (u32 fd = 0; fd < FDS_MAX; fd++) {
		u32 is = fd_look(table + fd * sizeof(struct file *), open >> fd & 1);
		seen.connected += is & FD_CONNECTED;
		if (fd <= 2) {
			seen.connected_stdio += is & FD_CONNECTED;
			continue;
		}
		seen.pipe = later_if(is >> 1, seen.pipe, fd);
		seen.memfd = later_if(is >> 2, seen.memfd, fd);
	}
	return seen.connected | seen.connected_stdio << 8 | seen.pipe << 16 | seen.memfd << 24;
}

/* Where standard input is a file that is none of the ordinary sort. */
static __always_inline u32 stdin_origin(struct file *f, u32 type)
{
	if (type != FD_TYPE_file && type != FD_TYPE_memfd)
		return EXE_ORIGIN_unknown;
	u32 origin = file_origin(f);
	return origin == EXE_ORIGIN_regular ? EXE_ORIGIN_unknown : origin;
}

/* STDIO_FIELDS of events.def. */
#define STDIO_FILL(e_, t_)                                                     \
	do {                                                                   \
		struct file *in_ = task_file(t_, 0), *out_ = task_file(t_, 1); \
		struct file *err_ = task_file(t_, 2);                          \
		(e_)->stdin_type = in_ ? fd_type(in_) : FD_TYPE_closed;        \
		(e_)->stdout_type = out_ ? fd_type(out_) : FD_TYPE_closed;     \
		(e_)->stderr_type = err_ ? fd_type(err_) : FD_TYPE_closed;     \
		(e_)->stdin_ino = BPF_CORE_READ(in_, f_inode, i_ino);          \
		(e_)->stdout_ino = BPF_CORE_READ(out_, f_inode, i_ino);        \
	} while (0)

#endif
