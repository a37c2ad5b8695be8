/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire format between kernel and user space, and of recordings: a record header, then the
 * fixed fields of one event of events.def, then a tail of bytes that its strings point into.
 *
 *   offset 0            sizeof(struct ev_hdr)      hdr.fixed            hdr.len
 *   | struct ev_hdr ... | the event's own fields ... | string bytes ... |
 *
 * All numbers are in host byte order; a record is 8-byte aligned and at most EV_LEN_MAX bytes.
 * Fields are only ever appended to an event, so a reader of an older recording sees a smaller
 * `fixed`, and a reader of a newer one ignores what it does not know.
 */
#ifndef REDSHANK_ABI_EVENT_H
#define REDSHANK_ABI_EVENT_H

#ifndef __VMLINUX_H__
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
#endif

#define EV_COMM_LEN 16 /* TASK_COMM_LEN, include/linux/sched.h */
#define EV_LEN_MAX  57344 /* 56 KiB: 32 KiB of offsets + the longest string + slack */
#define EV_ARGS_MAX 20480 /* bytes of argv kept; the full size is reported beside it */
#define EV_PATH_MAX 4096 /* PATH_MAX */
#define EV_ENV_MAX  4096 /* bytes of chosen environment strings kept */

/* A string (or bytes, or NUL-separated list) in the record's tail; off counts from its start. */
struct ev_str {
	u16 off;
	u16 len;
};

/* The wire scalars that events.def names, as C types. */
#define EV_WIRE_u8  u8
#define EV_WIRE_u16 u16
#define EV_WIRE_u32 u32
#define EV_WIRE_u64 u64
#define EV_WIRE_s32 s32
#define EV_WIRE_str struct ev_str
typedef char ev_comm[EV_COMM_LEN];
#define EV_WIRE_comm ev_comm

#define EVENT(id_, key_, ...) EV_##key_ = id_,
#define F(...)
#define END(...)
enum ev_type {
	EV_none = 0,
#include "events.def"
	EV_TYPE_MAX = 64, /* ids are below this; the loss counters are sized by it */
};
#undef EVENT
#undef F
#undef END

/*
 * What every record starts with: what it is, when, and which task did it.
 * Times are CLOCK_BOOTTIME nanoseconds. pid is the kernel's tgid and tid the kernel's pid, both in
 * the initial pid namespace; (pid, start) never repeats during one boot.
 */
struct ev_hdr {
#define H(type_, member_, ...) EV_WIRE_##type_ member_;
#include "header.def"
#undef H
};

#define EVENT(id_, key_, ...) \
	struct ev_##key_ {    \
		struct ev_hdr hdr;
#define F(key_, type_, member_, ...) EV_WIRE_##type_ member_;
#define END(key_) \
	}         \
	__attribute__((aligned(8)));
#include "events.def"
#undef EVENT
#undef F
#undef END

/* Position of each field in its event: bit numbers of hdr.truncated. */
#define EVENT(id_, key_, ...)	     enum {
#define F(key_, type_, member_, ...) EVF_##key_##_##member_,
#define END(key_)          \
	EVF_##key_##_COUNT \
	}                  \
	;
#include "events.def"
#undef EVENT
#undef F
#undef END

/*
 * Where an executable's code comes from: the kernel's judgement from inode, superblock and mount.
 * Memfd before unlinked before the file system: what has no name is judged by that, wherever it is.
 */
enum exe_origin {
	EXE_ORIGIN_unknown = 0,
	EXE_ORIGIN_regular, /* a linked file on a file system that outlives a reboot, as far as
			       known: none of those below */
	EXE_ORIGIN_memfd, /* memfd_create(2), or another object of the kernel's own shmem mount */
	EXE_ORIGIN_unlinked, /* deleted, or never linked (O_TMPFILE) */
	EXE_ORIGIN_tmpfs, /* a linked file on tmpfs or ramfs */
	EXE_ORIGIN_overlay_upper, /* in a container's writable layer */
	EXE_ORIGIN_fuse, /* a program in user space says what the file holds */
	EXE_ORIGIN_network, /* another machine says so: NFS, SMB, 9p, a cluster's file system */
	EXE_ORIGIN_removable, /* on a block device whose medium can be taken out */
};

/* Facts behind the judgement, ev_exec.exe_flags. */
enum exe_flag {
	EXE_F_INTERNAL_MOUNT = 1 << 0, /* mount belongs to no namespace (MNT_NS_INTERNAL) */
	EXE_F_UNHASHED = 1 << 1, /* the name was removed from its directory */
	EXE_F_OVERLAY_UPPER = 1 << 2, /* ovl_inode.__upperdentry is set */
	EXE_F_DETACHED = 1 << 3, /* the walk ended at a mount not reachable from the task's root */
	EXE_F_SCRIPT = 1 << 4, /* a script: these facts are its interpreter's */
	EXE_F_SCRIPT_MEMFD = 1 << 5, /* ... and the script itself is in a memfd */
	EXE_F_MEMFD_NAME = 1 << 6, /* the dentry's name starts with "memfd:" */
	EXE_F_STACK_EXEC = 1 << 7, /* the program starts with an executable stack */
	EXE_F_READ_IMPLIES_EXEC = 1 << 8, /* personality(2): what can be read can be executed */
	EXE_F_NEVER_LINKED = 1 << 9, /* O_TMPFILE: it never had a name */
	EXE_F_FRESH = 1 << 10, /* opened for writing in the last FRESH_SECONDS by a process of the
				  same tree; of a script: the script */
};

/* Facts around a mapping, ev_map.facts and ev_anon_exec.facts. */
enum map_fact {
	MAP_F_SHARED = 1 << 0, /* MAP_SHARED */
	MAP_F_WRITTEN =
		1 << 1, /* pages of a private mapping were written: they differ from the file */
	MAP_F_GROWSDOWN = 1 << 2, /* PROT_GROWSDOWN: as the dynamic loader asks for a whole stack */
	MAP_F_NO_LOADER = 1 << 3, /* the process was started without a program interpreter */
	MAP_F_BY_LOADER = 1 << 4, /* the program interpreter's code asked for it */
	MAP_F_BY_MEMORY = 1 << 5, /* code that is in no file asked for it */
	MAP_F_COMPAT = 1 << 6, /* by a 32-bit system call */
	MAP_F_READ_IMPLIES_EXEC = 1 << 7, /* personality(2) made it executable */
	MAP_F_OTHERS = 1 << 8, /* root maps a file that others can change or replace */
	MAP_F_CALLER = 1 << 9, /* the code that called the function with the system call is there */
};

/* Protection bits as the kernel has them (VM_READ, …), ev_map.prot. */
enum map_prot {
	MAP_PROT_read = 1 << 0,
	MAP_PROT_write = 1 << 1,
	MAP_PROT_exec = 1 << 2,
	MAP_PROT_UNSEEN = ~0U,
};

/* What a descriptor leads to. */
enum fd_type {
	FD_TYPE_unknown = 0,
	FD_TYPE_closed,
	FD_TYPE_file,
	FD_TYPE_directory,
	FD_TYPE_block,
	FD_TYPE_char,
	FD_TYPE_null, /* /dev/null */
	FD_TYPE_tty,
	FD_TYPE_pipe,
	FD_TYPE_fifo, /* a named one */
	FD_TYPE_unix_socket,
	FD_TYPE_inet_socket,
	FD_TYPE_socket, /* of another family */
	FD_TYPE_memfd,
	FD_TYPE_anon, /* eventfd, epoll, … */
};

/* Values that are words (words.def). */
#define WORDS(enum_, prefix_) enum enum_ { prefix_##_none = 0,
#define BITS(enum_, prefix_)  enum enum_ {
#define W(prefix_, word_)     prefix_##_##word_,
#define END_WORDS() \
	}           \
	;
#include "words.def"
#undef WORDS
#undef BITS
#undef W
#undef END_WORDS

/* hdr.unseen: what a record lacks because it could not be seen. */
#define FACT(id_, name_, ...)	 UNSEEN_##name_ = 1 << id_,
#define UNSEEN(bit_, name_, ...) UNSEEN_##name_ = 1 << bit_,
enum unseen {
#include "facts.def"
#include "unseen.def"
};
#undef FACT
#undef UNSEEN

/* exec.same_content: is a memfd's content that of the file its process was running before? */
enum same_content {
	SAME_CONTENT_unknown = 0,
	SAME_CONTENT_yes,
	SAME_CONTENT_no,
};

/* gap.cause: where records were lost. */
enum gap_cause {
	GAP_ring_full = 1, /* ring buffer had no room: user space was too slow */
	GAP_scratch_busy, /* two programs met on one CPU; the inner one gave up */
	GAP_reader, /* a stream client did not read fast enough */
	GAP_invalid, /* schema_check() refused the record */
	GAP_missed, /* the program was at work on that CPU already, so the kernel did not call it */
};

/* scan.flags */
enum scan_flag {
	SCAN_F_WRITABLE = 1 << 0, /* writable and executable at the same time */
	SCAN_F_EXECUTING = 1 << 1, /* a thread is in a system call that was made from there */
	SCAN_F_SYSCALLS = 1 << 2, /* the code makes system calls itself */
	SCAN_F_NAMED = 1 << 3, /* the process gave the region a name (PR_SET_VMA_ANON_NAME) */
	SCAN_F_HEAP = 1 << 4, /* [heap] */
	SCAN_F_STACK = 1 << 5, /* [stack] */
	SCAN_F_ALL_EXECUTABLE = 1 << 6, /* personality READ_IMPLIES_EXEC: not of its own doing */
	SCAN_F_ELF = 1 << 7, /* it holds an ELF file */
	SCAN_F_WRITABLE_TWIN = 1 << 8, /* the same memory file is mapped writable elsewhere */
	SCAN_F_REPLACED = 1 << 9, /* under the path there is another file now */
	SCAN_F_TEMPORARY = 1 << 10, /* it was in a directory that everybody may write to */
	SCAN_F_TRACED = 1 << 11, /* a debugger is attached */
	SCAN_F_TRAPS_CAUGHT = 1 << 12, /* the process handles SIGTRAP itself */
	SCAN_F_TEXT_RELOCATIONS = 1 << 13, /* its code is relocated at load: it differs by design */
	SCAN_F_VDSO = 1 << 14, /* the kernel's own code page, not a file */
	SCAN_F_INCOMPLETE = 1 << 15, /* not all of it could be looked at */
	SCAN_F_ONLY_BREAKPOINTS = 1 << 16, /* all differences are breakpoints */
};

#endif
