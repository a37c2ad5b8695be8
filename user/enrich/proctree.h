/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process table: who is running, what it executed, who created it. Fed by the stream's own
 * proc, fork, exec and exit records, so that a replay builds the same table as the live run.
 *
 * Bounded: a fixed number of slots and of string bytes. A process that ended stays as an ancestor
 * for as long as there is room; the ended ones are evicted first, longest dead first.
 */
#ifndef REDSHANK_ENRICH_PROCTREE_H
#define REDSHANK_ENRICH_PROCTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/event.h"

#define PROC_ARGS_MAX	   2048 /* bytes of argv kept per program */
#define PROC_ANCESTORS_MAX 32 /* longest ancestry that is followed */
#define ENTITY_ID_LEN	   48
#define USERNS_INIT	   0xEFFFFFFDU /* PROC_USER_INIT_INO, include/linux/proc_ns.h */

#define EXE_SHA256_LEN 65 /* hexadecimal, with its NUL */

/* A program as started: made by exec, shared by the children that fork without exec. */
struct image {
	uint32_t refs;
	uint32_t exe_dev, exe_nlink, exe_mode, exe_uid, exe_gid, exe_origin, exe_flags;
	uint64_t exe_ino, exe_size, exe_magic;
	uint32_t uid, euid, suid, userns; /* of the process when it was started */
	uint64_t cap_permitted; /* likewise */
	uint32_t args_truncated; /* args is only the beginning */
	uint32_t args_len, cwd_len, exe_len, tty_len, cgpath_len;
	const char *exe, *args, *cwd, *tty, *cgpath; /* into data; args as in exec.args */
	/* Learnt later, of the live machine (exe_hash.h): */
	char sha256[EXE_SHA256_LEN]; /* "": not known */
	const char *sha256_missing; /* why it is not; NULL: nobody asked. Static. */
	char data[];
};

static inline int image_hash_known(const struct image *im)
{
	return *im->sha256 || im->sha256_missing;
}

/* sha256: "" if it can't be known for the reason `missing`. */
void image_set_hash(const struct image *im, const char *sha256, const char *missing);

/* Did its file have a name when it was started, on a file system that may be read? FUSE is not: its
 * server could let the reader wait. */
static inline int image_is_linked(const struct image *im)
{
	return im->exe_origin == EXE_ORIGIN_regular || im->exe_origin == EXE_ORIGIN_overlay_upper ||
	       im->exe_origin == EXE_ORIGIN_tmpfs || im->exe_origin == EXE_ORIGIN_network ||
	       im->exe_origin == EXE_ORIGIN_removable;
}

struct proc {
	uint32_t pid, vpid, ppid;
	uint32_t uid, gid, euid, egid, loginuid, session; /* as of the last record */
	uint32_t pidns, mntns;
	uint64_t start; /* CLOCK_BOOTTIME ns */
	uint64_t parent_start;
	uint64_t exec_time; /* of the present image; 0: it forked and did not exec */
	uint64_t exit_time; /* 0: running */
	uint64_t updated; /* time of the record that ids, namespaces and comm are from */
	uint64_t cgroup;
	char comm[EV_COMM_LEN];
	const struct image *image; /* NULL: not known */
	const struct image *prev_image; /* what it ran before its last exec; NULL: not known */
	uint32_t login; /* number of the session that it, or its creator, is in; see session.h */
	/* Owned by proctree.c: */
	uint32_t slot, gen, parent_slot, parent_gen, hash_next, lru_prev, lru_next;
};

struct proctree_stats {
	uint64_t live, dead; /* processes held */
	uint64_t slots; /* bound of live + dead */
	uint64_t string_bytes, string_bytes_max;
	uint64_t evicted_live; /* running processes forgotten for lack of room: raise the bound */
	uint64_t evicted_dead;
	uint64_t unknown; /* events of processes that were not in the table */
};

struct proctree;

/* slots: most processes held. 0 or -ENOMEM. */
int proctree_new(unsigned slots, size_t string_bytes_max, struct proctree **ret);
void proctree_free(struct proctree *t);

/*
 * Takes the event into account and sets ev->proc (NULL if the process can't be known). To be called
 * once per event, in order. The proc is valid until the next call.
 */
void proctree_update(struct proctree *t, struct event *ev);

/* The process as it is in the table; NULL if it is not. */
const struct proc *proctree_find(const struct proctree *t, uint32_t pid, uint64_t start);

/* Has the process of the record been seen to end? */
bool proctree_ended(struct proctree *t, const struct ev_hdr *h);

/* Nearest first; returns how many (at most max). Its creator, even where it was re-parented. */
unsigned proctree_ancestors(const struct proctree *t, const struct proc *p, const struct proc **ret,
			    unsigned max);
const struct proc *proctree_parent(const struct proctree *t, const struct proc *p);

/* The sessions that were logged in to from elsewhere (session.h). */
struct sessions *proctree_sessions(const struct proctree *t);

void proctree_get_stats(const struct proctree *t, struct proctree_stats *ret);

/*
 * Id of a process that is unique over pid reuse, reboots and hosts, the same at every start of the
 * sensor: 16 hex digits of the boot id, the start time in ns and the pid, as hex with dashes.
 */
void entity_id(const struct host *h, uint32_t pid, uint64_t start, char ret[ENTITY_ID_LEN]);

#endif
