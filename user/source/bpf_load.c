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
#include "source/bpf_link.h"
#include "source/bpf_pam.h"
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
	pam_watch_stop(b->pam);
	b->pam = NULL;
	ring_buffer__free(b->main);
	ring_buffer__free(b->bulk);
	b->main = b->bulk = NULL;
	if (b->stats)
		munmap(b->stats, stats_size(b));
	b->stats = NULL;
	for (unsigned i = 0; i < b->nhooks; i++) {
		hook_detach(b->again[i]);
		hook_detach(b->links[i]);
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

static const char *step_of(const struct variant_result *r)
{
	return r->attached ? "attaches but does not fire"
	       : r->loaded ? "does not attach"
			   : "does not load";
}

/*
 * Programs that patch the kernel's text are often refused, or attach and never fire (kernels
 * without bpf in lsm=): each kind is tried alone first, for that is cheaper than to load all again
 * without them.
 */
static void choose_patching(struct bpf_source *b)
{
	static const char *const kinds[] = { "lsm", "fentry", "kprobe" };
	enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
	struct variant_result found[KINDS];
	bool tried[KINDS] = { false };

	for (unsigned i = 0; i < b->nhooks; i++) {
		struct hook_state *st = &b->state[i];
		for (unsigned k = 0; k < KINDS && st->variant; k++) {
			if (strcmp(variant_kind(st->variant), kinds[k]))
				continue;
			if (!tried[k])
				found[k] = kind_try(kinds[k]);
			tried[k] = true;
			if (!found[k].fired)
				next_variant(b, i, step_of(&found[k]), found[k].error);
		}
	}
}

/* Do the present variants of these hooks load together? 0, or negative errno. */
static int try_load(struct bpf_source *b, const struct bpf_config *c, unsigned first, unsigned end)
{
	struct redshank_bpf *o;
	int rc = bpf_obj_open(c, &o, NULL);

	if (rc)
		return rc;
	for (unsigned i = first; i < end; i++)
		if (b->state[i].variant)
			bpf_obj_use(o, &b->state[i].hook, b->state[i].variant);
	rc = redshank_bpf__load(o);
	redshank_bpf__destroy(o);
	return rc;
}

/* When loading all together failed: which program is it? Those that do not load are dropped;
 * returns how many. By halves, for a load takes long. */
static unsigned drop_unloadable(struct bpf_source *b, const struct bpf_config *c, unsigned first,
				unsigned end)
{
	if (first == end || (end - first == 1 && !b->state[first].variant))
		return 0;
	int rc = try_load(b, c, first, end);
	if (!rc)
		return 0;
	if (end - first > 1) {
		unsigned half = first + (end - first) / 2;
		return drop_unloadable(b, c, first, half) + drop_unloadable(b, c, half, end);
	}
	next_variant(b, first, "does not load", rc);
	return 1;
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

/* A shared program is attached for the first of its hooks. */
static bool attached_before(const struct bpf_source *b, unsigned i)
{
	const char *variant = b->state[i].variant;

	for (unsigned k = 0; k < i && variant_is_shared(variant); k++)
		if (b->links[k] && b->state[k].variant && !strcmp(b->state[k].variant, variant))
			return true;
	return false;
}

/* Two shared programs would each make the records of all: that of the first hook is taken. */
static void agree_on_shared(struct bpf_source *b)
{
	const char *first = NULL;

	for (unsigned i = 0; i < b->nhooks; i++) {
		const char **variant = &b->state[i].variant;
		if (!*variant || !variant_is_shared(*variant))
			continue;
		if (first)
			*variant = first;
		first = *variant;
	}
}

/* One try with the present variants. 0; 1: a variant was dropped, try again; or an error. */
static int load_round(struct bpf_source *b, const struct bpf_config *c, struct err *e)
{
	char why[320];
	int rc = bpf_obj_open(c, &b->obj, e);
	if (rc)
		return rc;
	agree_on_shared(b);
	for (unsigned i = 0; i < b->nhooks; i++)
		if (b->state[i].variant)
			bpf_obj_use(b->obj, &b->state[i].hook, b->state[i].variant);
	bool again = bpf_wants_again();
	for (unsigned i = 0; again && i < b->nhooks; i++)
		if (bpf_again(b, i))
			bpf_program__set_autoload(bpf_again(b, i), true);
	rc = redshank_bpf__load(b->obj);
	if (rc) {
		if (drop_unloadable(b, c, 0, b->nhooks))
			return 1;
		features_why(rc, why, sizeof(why));
		return err_set(e, rc == -EPERM ? rc : -ENOTSUP,
			       "BPF programs do not load: %s%s; redshank probe -v says more",
			       strerror(-rc), why);
	}
	rc = map_stats(b, e);
	if (rc)
		return rc;
	bool dropped = false;
	for (unsigned i = 0; i < b->nhooks; i++) {
		if (!b->state[i].variant || attached_before(b, i))
			continue;
		b->links[i] = bpf_obj_attach(bpf_obj_program(b->obj, b->state[i].variant),
					     b->state[i].variant);
		if (!b->links[i]) {
			next_variant(b, i, "does not attach", -errno);
			dropped = true;
		}
	}
	if (dropped)
		return 1;
	/* The first programs begin to say that they are there before the second ones look. */
	b->obj->bss->again_on = again;
	for (unsigned i = 0; again && i < b->nhooks; i++)
		if (bpf_again(b, i))
			b->again[i] = hook_attach(bpf_again(b, i));
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
			dropped = true;
		}
	}
	return dropped;
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

static int watch_pam(struct bpf_source *b, struct err *e)
{
	for (unsigned i = 0; i < b->nhooks; i++)
		if (b->state[i].hook.event == EV_pam && b->state[i].variant)
			return pam_watch_start(b->obj, &b->pam, e);
	return 0;
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
	rc = watch_pam(b, e);
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
