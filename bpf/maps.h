/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All maps. They are __weak because every domain's object has them and the linker must take them
 * for one. Sizes that depend on the machine are set by user space before load.
 */
#ifndef REDSHANK_MAPS_H
#define REDSHANK_MAPS_H

#include "abi/knobs.h"

/* Records that must not be lost to a flood of others: exec, fork, exit, and later auth, fileless.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} ring_main SEC(".maps") __weak;

/* Everything that unprivileged code can make cheaply and in any number. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring_bulk SEC(".maps") __weak;

/* One entry per possible CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_stats);
} stats SEC(".maps") __weak;

/* State of a path walk. It lives in a map value because the verifier forgets scalars there; in
 * registers each round of the loop would be a new state and the program too complex. */
struct walk {
	struct dentry *dentry, *root_dentry;
	struct vfsmount *vfsmnt, *root_vfsmnt;
	struct mount *mnt;
	u64 off; /* where the path starts in path[] */
	u64 flags; /* WALK_* */
};

/* State of the walk over environment strings, there for the same reason. */
struct env_walk {
	u64 at, end; /* user addresses: the next string, the end of all */
	u64 used; /* bytes taken */
};

/* Where a record with strings is put together. A record can be larger than a per-CPU map's value
 * may be (32 KiB), so this is an array indexed by CPU: SCRATCHES_PER_CPU entries per possible CPU,
 * and a last one for the process iterator. Several, because a program may be preempted by another
 * one on the same CPU: tracepoints of 7.x kernels do not keep that off any more. */
struct scratch {
	u32 busy;
	u32 pad;
	u64 off; /* end of the record so far */
	struct walk walk;
	struct env_walk env;
	u64 peer; /* struct sock: what peer_look() found */
	u32 peers;
	struct ev_str text; /* what put_pieces() appended */
	char path[EV_PATH_MAX * 2]; /* walks fill the first half from its end; the rest is slack */
	char rec[EV_LEN_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps") __weak;

/* The first file of an exec, kept until sched_process_exec: a script's own file is closed by then.
 * Of execs that fail an entry is left, to be evicted or overwritten. Key:
 * bpf_get_current_pid_tgid(). */
struct exec_file {
	u64 ino;
	u32 dev, nlink, origin, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct exec_file);
} exec_files SEC(".maps") __weak;

/* Regular files that were opened for writing: when, and the writer with its ancestors, none of
 * which is the machine's init. */
#define WRITERS 3 /* the writer, its parent, its grandparent */

struct written_key {
	u64 ino;
	u32 dev, pad;
};

struct written {
	u64 time; /* CLOCK_BOOTTIME ns */
	u64 start[WRITERS];
	u32 pid[WRITERS]; /* 0: none */
	u32 session; /* 0: none that says anything */
	ev_comm name;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct written_key);
	__type(value, struct written);
} written_files SEC(".maps") __weak;

/* What a process did with executable memory, so that what it repeats is counted and not told. Key:
 * tgid. Its own program starts anew: mm tells. */
enum mem_class {
	MEM_ANON,
	MEM_BY_MEMORY, /* whatever code asks for that is in no file */
	MEM_GONE, /* memfds mapped as libraries are, deleted files */
	MEM_OTHERS, /* root's libraries that others can change */
	MEM_ODD,
	MEM_LAUNCHED, /* files mapped by a program without an interpreter */
	MEM_CALL, /* calls by code that is in no file */
	MEM_CALLER, /* calls of libraries by such code */
	MEM_CLASSES /* a power of two */
};

/* Each class has its own count, so that none can be used to make another one untold. */
struct mem_state {
	u64 mm;
	u64 written_start, written_end; /* around files' written pages that became executable */
	u32 n[MEM_CLASSES];
	u32 has; /* executable memory that no file is behind, of its own or its creator's */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct mem_state);
} mem_states SEC(".maps") __weak;

/* Knobs, constant from load on. */
const volatile bool knob_pam __weak = false; /* user space wants to know of copies of libpam */
const volatile u32 knob_iter_slot __weak = 1; /* entry of scratches for iterators: the last */
const volatile u32 knob_self __weak = 0; /* the sensor's own process: what it loads is no news */
/* What the system calls' program is to see: bit per enum ev_type, bit per enum fact. */
const volatile u64 knob_call_events __weak = 0;
const volatile u32 knob_call_facts __weak = 0;
const volatile u32 knob_env_names __weak = 0; /* how many of env_names are set */
const volatile struct env_name knob_env_name[ENV_NAMES_MAX] __weak = {};

#endif
