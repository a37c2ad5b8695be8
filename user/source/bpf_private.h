/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the live source: bpf.c takes records, bpf_load.c puts programs in and takes them out.
 */
#ifndef REDSHANK_SOURCE_BPF_PRIVATE_H
#define REDSHANK_SOURCE_BPF_PRIVATE_H

#include <bpf/libbpf.h>

/* Before the skeleton, which has our types in it: */
#include "abi/knobs.h"

#include "redshank.skel.h"
#include "source/bpf.h"
#include "source/rec.h"

struct lost {
	u64 ring_full, scratch_busy;
};

struct bpf_source {
	struct source source;
	struct redshank_bpf *obj;
	struct hook_link *links[HOOKS_MAX];
	struct hook_link *again[HOOKS_MAX]; /* of second programs; NULL where there is none */
	struct hook_state state[HOOKS_MAX];
	unsigned variant[HOOKS_MAX]; /* index into the hook's variants */
	u64 missed[HOOKS_MAX]; /* what the stream knows of bpf_missed() */
	u64 missed_checked; /* when it was looked at, CLOCK_MONOTONIC ns */
	unsigned nhooks;
	struct ring_buffer *main, *bulk;
	struct pam_watch *pam; /* NULL: pam events are not wanted, or can't be had */
	int epoll;
	unsigned cpus;
	struct cpu_stats *stats; /* [cpus], mapped */
	struct lost (*told)[EV_TYPE_MAX]; /* [cpus]: loss that the stream knows of */
	u64 records, lost;
	bool inventoried;
	int64_t unix_offset;
	u64 clock_checked;
	u32 fired_pid; /* our own child; its records are not for the stream */
	u64 fired_until; /* a later process may have its pid, CLOCK_BOOTTIME ns */
	/* During a drain: */
	record_fn *fn;
	void *ctx;
	unsigned budget;
	u64 catch_up; /* the main ring is read up to this time only; 0: wholly */
	u64 caught_up; /* it was read up to this time, CLOCK_BOOTTIME ns */
	int stop; /* what fn returned when it was not 0 */
	union rec_buf rec;
};

/*
 * Loads, attaches and fires the best variant of each hook of b->state. On error, and by
 * bpf_unload(), everything is out of the kernel again.
 */
int bpf_load(struct bpf_source *b, const struct bpf_config *c, struct err *e);
void bpf_unload(struct bpf_source *b);

/* Should second programs be attached here (bpf/lib/again.h)? */
bool bpf_wants_again(void);
/* The second program of a hook's variant; NULL if there is none. */
struct bpf_program *bpf_again(const struct bpf_source *b, unsigned hook);
/*
 * How often the hook's programs were not called, since they were loaded. Of a shared program for
 * the first of its hooks, and 0 for the others.
 */
u64 bpf_missed(const struct bpf_source *b, unsigned hook);

/* Looks whether a hook has fired by now. */
void bpf_update_fired(struct bpf_source *b, struct hook_state *st);

#endif
