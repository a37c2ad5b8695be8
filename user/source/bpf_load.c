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
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/bpf_private.h"

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
		bpf_link__destroy(b->links[i]);
		b->links[i] = NULL;
	}
	redshank_bpf__destroy(b->obj);
	b->obj = NULL;
}

/* The next variant of a hook; without one it is not covered. */
static void next_variant(struct bpf_source *b, unsigned i, const char *step, int error)
{
	struct hook_state *st = &b->state[i];
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
	if (st->variant && variant_is_iter(st->variant))
		st->fired =
			true; /* reading it, later, is what fires it; a failure is an error then */
	for (unsigned cpu = 0; cpu < b->cpus && !st->fired; cpu++)
		st->fired = hook_seen(&st->hook, &((volatile struct cpu_stats *)b->stats)[cpu]);
}

/* One try with the present variants. 0; -EAGAIN: a variant was dropped, try again; or an error. */
static int load_round(struct bpf_source *b, const struct bpf_config *c, struct err *e)
{
	int rc = bpf_obj_open(c, &b->obj, e);
	if (rc)
		return rc;
	for (unsigned i = 0; i < b->nhooks; i++)
		if (b->state[i].variant)
			bpf_program__set_autoload(bpf_obj_program(b->obj, b->state[i].variant),
						  true);
	rc = redshank_bpf__load(b->obj);
	if (rc) {
		if (drop_unloadable(b))
			return -EAGAIN;
		return err_set(e, rc, "BPF programs do not load: %s; redshank probe -v says more",
			       strerror(-rc));
	}
	rc = map_stats(b, e);
	if (rc)
		return rc;
	for (unsigned i = 0; i < b->nhooks; i++) {
		if (!b->state[i].variant)
			continue;
		b->links[i] = bpf_program__attach(bpf_obj_program(b->obj, b->state[i].variant));
		if (!b->links[i]) {
			next_variant(b, i, "does not attach", -errno);
			return -EAGAIN;
		}
	}
	/* Attached is not firing: see each event come. */
	b->fired_pid = (u32)hooks_fire();
	b->fired_until = clock_boottime();
	for (unsigned i = 0; i < b->nhooks; i++) {
		struct hook_state *st = &b->state[i];
		bpf_update_fired(b, st);
		if (st->variant && !st->fired && hooks_fire_causes(&st->hook)) {
			next_variant(b, i, "attaches but does not fire", 0);
			return -EAGAIN;
		}
	}
	return 0;
}

int bpf_load(struct bpf_source *b, const struct bpf_config *c, struct err *e)
{
	/* Kernels before 5.11 charge maps to this limit; later ones do not care that it fails. */
	struct rlimit inf = { RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_MEMLOCK, &inf);

	choose_patching(b);
	int rc = -EAGAIN;
	for (int round = 0; rc == -EAGAIN && round < LOAD_ROUNDS_MAX; round++) {
		bpf_unload(b);
		rc = load_round(b, c, e);
	}
	if (rc == -EAGAIN)
		return err_set(e, -EIO, "BPF programs: no set of variants loads");
	if (rc)
		return rc;
	for (unsigned i = 0; i < b->nhooks; i++)
		if (hook_required(&b->state[i].hook) && !b->state[i].variant)
			return err_set(e, -ENOTSUP,
				       "this kernel can't show %s events (%s); redshank "
				       "probe says more",
				       b->state[i].hook.name, b->state[i].why);
	return 0;
}
