/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which programs go into the kernel: of each hook the best variant that this kernel loads, attaches
 * and fires. What a version promises does not count, nor does attaching.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/bpf_private.h"
#include "source/features.h"
#include "source/procfs.h"

#define LOAD_ROUNDS_MAX 16 /* each round drops one variant; there are fewer */

static size_t stats_size(const struct bpf_source *b)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (b->cpus * sizeof(struct cpu_stats) + page - 1) / page * page;
}

/* Takes everything out of the kernel again. */
void bpf_unload(struct bpf_source *b)
{
	ring_buffer__free(b->main);
	ring_buffer__free(b->bulk);
	b->main = b->bulk = NULL;
	if (b->stats)
		munmap(b->stats, stats_size(b));
	b->stats = NULL;
	for (unsigned i = 0; i < b->nhooks; i++) {
		bpf_link__destroy(b->again[i]);
		bpf_link__destroy(b->links[i]);
		b->links[i] = b->again[i] = NULL;
	}
	redshank_bpf__destroy(b->obj);
	b->obj = NULL;
}

/* The next variant of a hook; without one it is not covered. */
static void next_variant(struct bpf_source *b, unsigned i, const char *step, int error)
{
	struct hook_state *st = &b->state[i];
	st->error = error;
	snprintf(st->why, sizeof(st->why), "%s: %s%s%s", st->variant, step, error ? ": " : "",
		 error ? strerror(-error) : "");
	st->variant = ++b->variant[i] < st->hook.nvariants ? st->hook.variant[b->variant[i]] : NULL;
}

/*
 * Programs that patch the kernel's text are often refused, or attach and never fire (kernels
 * without bpf in lsm=): these are tried alone first, for that is cheaper than to load all again
 * without them.
 */
static void choose_patching(struct bpf_source *b)
{
	for (unsigned i = 0; i < b->nhooks; i++) {
		struct hook_state *st = &b->state[i];
		while (st->variant && variant_patches(st->variant)) {
			struct variant_result r = variant_try(&st->hook, st->variant);
			if (r.fired || (r.attached && !hooks_fire_causes(&st->hook)))
				break;
			next_variant(b, i,
				     r.attached ? "attaches but does not fire"
				     : r.loaded ? "does not attach"
						: "does not load",
				     r.error);
		}
	}
}

/* When loading all together failed: which program is it? True if a variant was dropped. */
static bool drop_unloadable(struct bpf_source *b)
{
	bool dropped = false;
	for (unsigned i = 0; i < b->nhooks; i++) {
		if (!b->state[i].variant)
			continue;
		struct variant_result r = variant_try(&b->state[i].hook, b->state[i].variant);
		if (r.loaded)
			continue;
		next_variant(b, i, "does not load", r.error);
		dropped = true;
	}
	return dropped;
}

static int map_stats(struct bpf_source *b, struct err *e)
{
	void *p = mmap(NULL, stats_size(b), PROT_READ, MAP_SHARED, bpf_map__fd(b->obj->maps.stats),
		       0);
	if (p == MAP_FAILED)
		return err_set(e, -errno, "statistics map: %s", strerror(errno));
	b->stats = p;
	return 0;
}

void bpf_update_fired(struct bpf_source *b, struct hook_state *st)
{
	/* Reading it, later, is what fires it; a failure is an error then. */
	if (st->variant && (variant_is_iter(st->variant) || !strcmp(st->variant, PROCFS_VARIANT)))
		st->fired = true;
	for (unsigned cpu = 0; cpu < b->cpus && !st->fired; cpu++)
		st->fired = hook_seen(&st->hook, &((volatile struct cpu_stats *)b->stats)[cpu]);
}

/*
 * Every system call pays for each program at its end: where several hooks have come to that, one
 * program sees for all of them. It is attached in place of the first one's. Returns the index of
 * that, or nhooks.
 */
static unsigned join_calls(struct bpf_source *b)
{
	unsigned first = b->nhooks, n = 0;
	u32 facts = 0;

	for (unsigned i = 0; i < b->nhooks; i++) {
		const struct hook_state *st = &b->state[i];
		b->joined[i] = st->variant && variant_joins_calls(b->obj, st->variant);
		if (!b->joined[i])
			continue;
		facts |= 1U << st->hook.fact;
		if (!n++)
			first = i;
	}
	if (n > 1) {
		b->obj->rodata->knob_calls = facts;
		return first;
	}
	if (n)
		b->joined[first] = false;
	return b->nhooks;
}

/* The program that sees for this hook; NULL: another hook's does. */
static struct bpf_program *program_of(struct bpf_source *b, unsigned i, unsigned joined)
{
	if (b->joined[i])
		return i == joined ? calls_program(b->obj, b->state[i].variant) : NULL;
	return bpf_obj_program(b->obj, b->state[i].variant);
}

/* One try with the present variants. 0; 1: a variant was dropped, try again; or an error. */
static int load_round(struct bpf_source *b, const struct bpf_config *c, struct err *e)
{
	char why[320];
	int rc = bpf_obj_open(c, &b->obj, e);
	if (rc)
		return rc;
	unsigned joined = join_calls(b);
	for (unsigned i = 0; i < b->nhooks; i++) {
		struct bpf_program *p = b->state[i].variant ? program_of(b, i, joined) : NULL;
		if (p)
			bpf_program__set_autoload(p, true);
	}
	bool again = bpf_wants_again();
	for (unsigned i = 0; again && i < b->nhooks; i++)
		if (bpf_again(b, i))
			bpf_program__set_autoload(bpf_again(b, i), true);
	rc = redshank_bpf__load(b->obj);
	if (rc) {
		if (drop_unloadable(b))
			return 1;
		features_why(rc, why, sizeof(why));
		return err_set(e, rc == -EPERM ? rc : -ENOTSUP,
			       "BPF programs do not load: %s%s; redshank probe -v says more",
			       strerror(-rc), why);
	}
	rc = map_stats(b, e);
	if (rc)
		return rc;
	for (unsigned i = 0; i < b->nhooks; i++) {
		struct bpf_program *p = b->state[i].variant ? program_of(b, i, joined) : NULL;
		if (!p)
			continue;
		b->links[i] = bpf_program__attach(p);
		if (!b->links[i]) {
			next_variant(b, i, "does not attach", -errno);
			return 1;
		}
	}
	/* The first programs begin to say that they are there before the second ones look. */
	b->obj->bss->again_on = again;
	for (unsigned i = 0; again && i < b->nhooks; i++)
		if (bpf_again(b, i))
			b->again[i] = bpf_program__attach(bpf_again(b, i));
	/* Attached is not firing: see each event come. */
	rc = hooks_fire(e);
	if (rc < 0)
		return rc;
	b->fired_pid = (u32)rc;
	b->fired_until = clock_boottime();
	for (unsigned i = 0; i < b->nhooks; i++) {
		struct hook_state *st = &b->state[i];
		bpf_update_fired(b, st);
		if (st->variant && !st->fired && hooks_fire_causes(&st->hook)) {
			next_variant(b, i, "attaches but does not fire", 0);
			return 1;
		}
	}
	return 0;
}

/* Without an iterator /proc tells what ran before us, less of it. */
static void fall_back(struct hook_state *st)
{
	struct err e;
	size_t n = strlen(st->why);

	if (st->hook.event != EV_proc || !st->wanted || st->variant)
		return;
	if (!procfs_usable(&e))
		st->variant = PROCFS_VARIANT;
	else
		snprintf(st->why + n, sizeof(st->why) - n, "; %s", e.text);
}

int bpf_load(struct bpf_source *b, const struct bpf_config *c, struct err *e)
{
	char why[320] = "";

	features_memlock();
	choose_patching(b);
	int rc = 1;
	for (int round = 0; rc > 0 && round < LOAD_ROUNDS_MAX; round++) {
		bpf_unload(b);
		rc = load_round(b, c, e);
	}
	if (rc > 0)
		return err_set(e, -EIO, "BPF programs: no set of variants loads");
	if (rc)
		return rc;
	for (unsigned i = 0; i < b->nhooks; i++) {
		struct hook_state *st = &b->state[i];
		st->every_call = st->variant && variant_at_every_call(b->obj, st->variant);
		fall_back(st);
	}
	for (unsigned i = 0; i < b->nhooks; i++) {
		const struct hook_state *st = &b->state[i];
		if (!hook_required(&st->hook) || st->variant)
			continue;
		features_why(st->error, why, sizeof(why));
		return err_set(e, -ENOTSUP,
			       "this kernel can't show %s events (%s)%s; redshank probe says more",
			       st->hook.name, st->why, why);
	}
	return 0;
}
