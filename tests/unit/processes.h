/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process table for tests, and one line for each thing that can happen to a process in it. Each
 * do_*() gives the process as the table has it after the record, valid until the next.
 */
#ifndef REDSHANK_TESTS_PROCESSES_H
#define REDSHANK_TESTS_PROCESSES_H

#include <stdbool.h>

#include "enrich/proctree.h"
#include "records.h"

/* The (pid, start) pair that names a process; start in seconds. */
struct proc_id {
	u32 pid;
	u64 start;
};

static struct proctree *tree;
static u64 now; /* time of the latest record */

static inline struct proc_id id(u32 pid, u64 start)
{
	return (struct proc_id){ pid, start * 1000000000 + 1000 };
}

static inline void tree_new(unsigned slots, size_t string_bytes)
{
	assert(!proctree_new(slots, string_bytes, &tree));
	now = 1000000000000;
}

static inline void tree_free(void)
{
	proctree_free(tree);
	tree = NULL;
}

static inline struct proctree_stats stats(void)
{
	struct proctree_stats st;
	proctree_get_stats(tree, &st);
	return st;
}

static inline void set_ids(struct ev_hdr *h, struct proc_id self, struct proc_id parent)
{
	h->pid = h->tid = self.pid;
	h->start = self.start;
	h->ppid = parent.pid;
	h->parent_start = parent.start;
}

/* Takes the record into account and frees it. */
static inline const struct proc *update(void *rec)
{
	struct event ev = rec_event(rec);
	((struct ev_hdr *)rec)->time = ++now;
	assert(!schema_check(rec, ev.rec->len, NULL));
	ev.desc = ev_desc(ev.rec->type);
	proctree_update(tree, &ev);
	assert(ev.tree == tree);
	rec_free(rec);
	return ev.proc;
}

static inline const struct proc *do_fork(struct proc_id self, struct proc_id parent)
{
	struct ev_fork *r = REC_NEW(fork);
	set_ids(&r->hdr, self, parent);
	return update(r);
}

static inline const struct proc *do_exit(struct proc_id self, struct proc_id parent)
{
	struct ev_exit *r = REC_NEW(exit);
	set_ids(&r->hdr, self, parent);
	return update(r);
}

static inline const struct proc *do_exec(struct proc_id self, struct proc_id parent,
					 const char *exe)
{
	struct ev_exec *r = REC_NEW(exec);
	set_ids(&r->hdr, self, parent);
	REC_STR(exec, r, exe, exe);
	r->exe_origin = EXE_ORIGIN_regular;
	return update(r);
}

/* With so many bytes of argv. */
static inline const struct proc *do_exec_sized(struct proc_id self, struct proc_id parent,
					       size_t bytes)
{
	static const char argv[EV_ARGS_MAX];
	struct ev_exec *r = REC_NEW(exec);
	set_ids(&r->hdr, self, parent);
	rec_add_str(r, &r->args, argv, bytes);
	return update(r);
}

static inline const struct proc *do_proc(struct proc_id self, struct proc_id parent,
					 const char *exe)
{
	struct ev_proc *r = REC_NEW(proc);
	set_ids(&r->hdr, self, parent);
	REC_STR(proc, r, exe, exe);
	return update(r);
}

#endif
