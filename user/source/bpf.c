/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live source: takes the best variant of each hook that this kernel loads, attaches and fires,
 * then hands over the host record, the inventory, and what the ring buffers bring. Loss is read
 * from the counters that the programs keep and goes into the stream as gap records.
 */
#include "source/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "redshank.skel.h"
#include "schema/schema.h"
#include "source/features.h"
#include "source/host_rec.h"
#include "source/inventory.h"
#include "source/pid_here.h"

#define CLOCK_STEP_NS	(10 * NSEC_PER_MSEC) /* a new host record if the wall clock moved by more */
#define CLOCK_CHECK_NS	NSEC_PER_SEC
#define LOAD_ROUNDS_MAX 16 /* each round drops one variant; there are fewer */

struct lost {
	u64 ring_full, scratch_busy;
};

struct bpf_source {
	struct source source;
	struct redshank_bpf *obj;
	struct bpf_link *links[HOOKS_MAX];
	struct hook_state state[HOOKS_MAX];
	unsigned variant[HOOKS_MAX]; /* index into the hook's variants */
	unsigned nhooks;
	struct ring_buffer *main, *bulk;
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
	int stop; /* what fn returned when it was not 0 */
	union rec_buf rec;
};

static int take(struct bpf_source *b, const void *rec, size_t len)
{
	b->records++;
	int rc = b->fn(b->ctx, rec, len);
	if (rc)
		b->stop = rc;
	return rc;
}

/* libbpf's callback. A negative value stops its loop after this record. */
static int on_sample(void *ctx, void *data, size_t len)
{
	struct bpf_source *b = ctx;
	const struct ev_hdr *h = data;

	if (b->fired_pid && len >= sizeof(*h) && h->start <= b->fired_until &&
	    pid_here(h) == b->fired_pid) {
		if (h->type == EV_exit)
			b->fired_pid = 0;
		return 0;
	}
	if (take(b, data, len) || !--b->budget)
		return -ECANCELED;
	return 0;
}

static int emit_host(struct bpf_source *b)
{
	host_rec_make(&b->rec);
	b->unix_offset = (int64_t)((const struct ev_host *)&b->rec)->unix_offset;
	return take(b, &b->rec, b->rec.hdr.len);
}

/* The offset that turns records' times into wall-clock times is told anew when the clock was set.
 */
static int check_clock(struct bpf_source *b)
{
	u64 now = clock_monotonic();
	if (now - b->clock_checked < CLOCK_CHECK_NS)
		return 0;
	b->clock_checked = now;
	int64_t step = clock_unix_offset() - b->unix_offset;
	if (step < (int64_t)CLOCK_STEP_NS && step > -(int64_t)CLOCK_STEP_NS)
		return 0;
	return emit_host(b);
}

static int emit_gap(struct bpf_source *b, unsigned cpu, unsigned type, u64 total, u64 *told,
		    enum gap_cause cause)
{
	if (total == *told)
		return 0;
	struct ev_gap *g = (struct ev_gap *)&b->rec;
	rec_init(&b->rec, EV_gap, sizeof(*g));
	g->lost = total - *told;
	g->total = total;
	g->event = type;
	g->on_cpu = cpu;
	g->cause = cause;
	*told = total;
	b->lost += g->lost;
	return take(b, &b->rec, b->rec.hdr.len);
}

static int emit_gaps(struct bpf_source *b)
{
	for (unsigned cpu = 0; cpu < b->cpus; cpu++) {
		for (unsigned type = 1; type < EV_TYPE_MAX; type++) {
			const volatile struct cpu_stats *st = &b->stats[cpu];
			struct lost *told = &b->told[cpu][type];
			int rc = emit_gap(b, cpu, type, st->ring_full[type], &told->ring_full,
					  GAP_ring_full);
			if (!rc)
				rc = emit_gap(b, cpu, type, st->scratch_busy[type],
					      &told->scratch_busy, GAP_scratch_busy);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int consume(struct ring_buffer *rb, struct err *e)
{
	int rc = ring_buffer__consume(rb);
	if (rc < 0 && rc != -ECANCELED)
		return err_set(e, rc, "ring buffer: %s", strerror(-rc));
	return 0;
}

static struct bpf_link *link_of(struct bpf_source *b, enum ev_type event)
{
	for (unsigned i = 0; i < b->nhooks; i++)
		if (b->state[i].hook.event == event)
			return b->links[i];
	return NULL;
}

static int take_inventory(struct bpf_source *b, struct err *e)
{
	struct bpf_link *link = link_of(b, EV_proc);
	if (!link)
		return 0;
	int fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		return err_set(e, -errno, "process inventory: %s", strerror(errno));
	int rc = inventory(fd, &b->rec, b->fn, b->ctx, &b->records, &b->stop, e);
	close(fd);
	return rc;
}

static int drain(struct source *s, record_fn *fn, void *ctx, unsigned budget, struct err *e)
{
	struct bpf_source *b = (struct bpf_source *)s;
	int rc = 0;

	b->fn = fn;
	b->ctx = ctx;
	b->budget = budget;
	b->stop = 0;
	if (!b->inventoried) {
		b->inventoried = true;
		if (emit_host(b))
			return b->stop;
		rc = take_inventory(b, e);
		if (rc || b->stop)
			return rc ? rc : b->stop;
	}
	if (check_clock(b))
		return b->stop;
	rc = consume(b->main, e);
	if (!rc && !b->stop && b->budget)
		rc = consume(b->bulk, e);
	if (rc || b->stop)
		return rc ? rc : b->stop;
	bool more = !b->budget;
	emit_gaps(b);
	return b->stop ? b->stop : more;
}

static int source_fd(struct source *s)
{
	return ((struct bpf_source *)s)->epoll;
}

/* What the programs count: per event, and for the CPUs that lost some, per CPU. */
static void put_event_stats(const struct bpf_source *b, const struct ev_desc *d,
			    source_counter_fn *put, void *ctx)
{
	u64 emitted = 0, lost = 0;
	char key[64];

	for (unsigned cpu = 0; cpu < b->cpus; cpu++) {
		const volatile struct cpu_stats *st = &b->stats[cpu];
		u64 n = st->ring_full[d->id] + st->scratch_busy[d->id];
		emitted += st->emitted[d->id];
		lost += n;
		snprintf(key, sizeof(key), "%s.lost.cpu%u", d->key, cpu);
		if (n)
			put(ctx, key, n);
	}
	if (!emitted && !lost)
		return;
	snprintf(key, sizeof(key), "%s.emitted", d->key);
	put(ctx, key, emitted);
	snprintf(key, sizeof(key), "%s.lost", d->key);
	put(ctx, key, lost);
}

static void get_stats(const struct source *s, source_counter_fn *put, void *ctx)
{
	const struct bpf_source *b = (const struct bpf_source *)s;
	u64 errors = 0;

	for (unsigned cpu = 0; cpu < b->cpus; cpu++)
		errors += ((const volatile struct cpu_stats *)&b->stats[cpu])->read_errors;
	put(ctx, "records", b->records);
	put(ctx, "lost", b->lost);
	put(ctx, "read_errors", errors);
	for (unsigned i = 1; i < EV_TYPE_MAX; i++)
		if (ev_desc(i))
			put_event_stats(b, ev_desc(i), put, ctx);
}

static size_t stats_size(const struct bpf_source *b)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (b->cpus * sizeof(struct cpu_stats) + page - 1) / page * page;
}

/* Takes everything out of the kernel again. */
static void unload(struct bpf_source *b)
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

static void source_close(struct source *s)
{
	struct bpf_source *b = (struct bpf_source *)s;
	if (!b)
		return;
	unload(b);
	if (b->epoll >= 0)
		close(b->epoll);
	free(b->told);
	free(b);
}

static const struct source_ops ops = {
	.name = "kernel",
	.fd = source_fd,
	.drain = drain,
	.stats = get_stats,
	.close = source_close,
};

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

static void update_fired(struct bpf_source *b, struct hook_state *st)
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
		update_fired(b, st);
		if (st->variant && !st->fired && hooks_fire_causes(&st->hook)) {
			next_variant(b, i, "attaches but does not fire", 0);
			return -EAGAIN;
		}
	}
	return 0;
}

static int add_ring(struct bpf_source *b, struct bpf_map *map, struct ring_buffer **ret,
		    struct err *e)
{
	*ret = ring_buffer__new(bpf_map__fd(map), on_sample, b, NULL);
	if (!*ret)
		return err_set(e, -errno, "ring buffer: %s", strerror(errno));
	struct epoll_event ev = { .events = EPOLLIN };
	if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, ring_buffer__epoll_fd(*ret), &ev))
		return err_set(e, -errno, "epoll: %s", strerror(errno));
	return 0;
}

static int load(struct bpf_source *b, const struct bpf_config *c, struct err *e)
{
	/* Kernels before 5.11 charge maps to this limit; later ones do not care that it fails. */
	struct rlimit inf = { RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_MEMLOCK, &inf);

	choose_patching(b);
	int rc = -EAGAIN;
	for (int round = 0; rc == -EAGAIN && round < LOAD_ROUNDS_MAX; round++) {
		unload(b);
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
	rc = add_ring(b, b->obj->maps.ring_main, &b->main, e);
	if (!rc)
		rc = add_ring(b, b->obj->maps.ring_bulk, &b->bulk, e);
	return rc;
}

int bpf_source_open(const struct bpf_config *c, struct source **ret, struct err *e)
{
	int rc = features_require(e);
	if (rc)
		return rc;
	struct bpf_source *b = calloc(1, sizeof(*b));
	if (!b)
		return err_set(e, -ENOMEM, "out of memory");
	b->source.ops = &ops;
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	b->cpus = (unsigned)libbpf_num_possible_cpus();
	b->told = calloc(b->cpus, sizeof(*b->told));
	struct hook table[HOOKS_MAX];
	int n = hooks_list(false, table, e);
	for (int i = 0; i < n; i++) {
		struct hook_state *st = &b->state[b->nhooks++];
		st->hook = table[i];
		st->variant = st->hook.variant[0];
	}
	if (n < 0)
		rc = n;
	else if (b->epoll < 0 || !b->told)
		rc = err_set(e, -ENOMEM, "out of memory or descriptors");
	if (!rc)
		rc = load(b, c, e);
	if (rc) {
		source_close(&b->source);
		return rc;
	}
	*ret = &b->source;
	return 0;
}

const struct hook_state *bpf_source_hooks(struct source *s, unsigned *ret_n)
{
	struct bpf_source *b = (struct bpf_source *)s;
	for (unsigned i = 0; i < b->nhooks; i++)
		update_fired(b, &b->state[i]);
	*ret_n = b->nhooks;
	return b->state;
}
