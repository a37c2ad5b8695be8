/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live source: takes the best variant of each hook that this kernel loads, attaches and fires,
 * then hands over the host record, the inventory, and what the ring buffers bring. Loss is read
 * from the counters that the programs keep and goes into the stream as gap records.
 */
#include "source/bpf_link.h"
#include "source/bpf_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "schema/schema.h"
#include "source/bpf_pam.h"
#include "source/features.h"
#include "source/host_rec.h"
#include "source/inventory.h"
#include "source/pid_here.h"
#include "source/procfs.h"

#define CLOCK_STEP_NS	(10 * NSEC_PER_MSEC) /* a new host record if the wall clock moved by more */
#define MISSED_CHECK_NS (NSEC_PER_SEC / 4)
#define CLOCK_CHECK_NS	NSEC_PER_SEC

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

/* From the main ring. While it catches up, what is newer than that ends the loop. */
static int on_main(void *ctx, void *data, size_t len)
{
	struct bpf_source *b = ctx;
	const struct ev_hdr *h = data;
	bool newer = b->catch_up && len >= sizeof(*h) && h->time > b->catch_up;
	int rc = on_sample(ctx, data, len);

	return rc || !newer ? rc : -ECANCELED;
}

/*
 * Takes what the main ring has up to this time, so that what a process does is not told before the
 * program that it runs. How much that can be is bounded by the ring.
 */
static void catch_up(struct bpf_source *b, u64 time)
{
	u64 now = clock_boottime(), before = b->records;
	unsigned budget = b->budget;

	b->catch_up = time;
	b->budget = UINT_MAX;
	b->caught_up = ring_buffer__consume(b->main) < 0 ? time : now;
	b->catch_up = 0;
	b->budget = budget > b->records - before ? budget - (unsigned)(b->records - before) : 1;
}

static int on_bulk(void *ctx, void *data, size_t len)
{
	struct bpf_source *b = ctx;
	const struct ev_hdr *h = data;

	if (len >= sizeof(*h) && h->time > b->caught_up)
		catch_up(b, h->time);
	return on_sample(ctx, data, len);
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
	if (total <= *told)
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

/* One system call per hook: four times a second. */
static int emit_missed(struct bpf_source *b)
{
	u64 now = clock_monotonic();

	if (now - b->missed_checked < MISSED_CHECK_NS)
		return 0;
	b->missed_checked = now;
	for (unsigned i = 0; i < b->nhooks; i++) {
		const struct hook *h = &b->state[i].hook;
		if (hook_tells_all(h) &&
		    emit_gap(b, 0, h->event, bpf_missed(b, i), &b->missed[i], GAP_missed))
			return b->stop;
	}
	return 0;
}

static int emit_gaps(struct bpf_source *b)
{
	if (emit_missed(b))
		return b->stop;
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

static int take_inventory(struct bpf_source *b, struct err *e)
{
	unsigned i = 0;
	while (i < b->nhooks && b->state[i].hook.event != EV_proc)
		i++;
	if (i == b->nhooks || !b->state[i].variant)
		return 0;
	if (!b->links[i])
		return procfs_inventory(&b->rec, b->fn, b->ctx, &b->records, &b->stop, e);
	int fd = bpf_iter_create(hook_link_fd(b->links[i]));
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
	u64 emitted = 0, lost = 0, missed = 0;
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
	for (unsigned i = 0; i < b->nhooks; i++)
		if (b->state[i].hook.event == d->id && hook_tells_all(&b->state[i].hook))
			missed += bpf_missed(b, i);
	snprintf(key, sizeof(key), "%s.missed", d->key);
	if (missed)
		put(ctx, key, missed);
	if (!emitted && !lost && !missed)
		return;
	snprintf(key, sizeof(key), "%s.emitted", d->key);
	put(ctx, key, emitted);
	snprintf(key, sizeof(key), "%s.lost", d->key);
	put(ctx, key, lost + missed);
}

/* What programs were not called for of which nobody knows whether it would have been a record; of a
 * shared program for all of its hooks. */
static void put_missed_stats(const struct bpf_source *b, source_counter_fn *put, void *ctx)
{
	char key[64];

	for (unsigned i = 0; i < b->nhooks; i++) {
		u64 missed = hook_tells_all(&b->state[i].hook) ? 0 : bpf_missed(b, i);
		if (!missed)
			continue;
		const char *variant = b->state[i].variant;
		int len = (int)(variant_kind(variant) - strlen("__") - variant);
		snprintf(key, sizeof(key), "%.*s.missed", len, variant);
		put(ctx, key, missed);
	}
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
	put_missed_stats(b, put, ctx);
	if (b->pam) {
		put(ctx, "pam.files", pam_watch_counts(b->pam).files);
		put(ctx, "pam.files_refused", pam_watch_counts(b->pam).refused);
	}
}

static void tell_pam_files(const struct bpf_source *b, struct hook_state *st)
{
	struct pam_counts n = pam_watch_counts(b->pam);

	snprintf(st->why, sizeof(st->why), "%u libpam in use%s", n.files,
		 n.refused ? "; some are not watched (redshank stats: pam.files_refused)" : "");
}

static const struct hook_state *get_hooks(struct source *s, unsigned *ret_n)
{
	struct bpf_source *b = (struct bpf_source *)s;

	for (unsigned i = 0; i < b->nhooks; i++) {
		bpf_update_fired(b, &b->state[i]);
		if (b->pam && b->state[i].hook.event == EV_pam)
			tell_pam_files(b, &b->state[i]);
	}
	*ret_n = b->nhooks;
	return b->state;
}

static void source_close(struct source *s)
{
	struct bpf_source *b = (struct bpf_source *)s;
	if (!b)
		return;
	bpf_unload(b);
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
	.hooks = get_hooks,
	.close = source_close,
};

static int add_ring(struct bpf_source *b, struct bpf_map *map, ring_buffer_sample_fn fn,
		    struct ring_buffer **ret, struct err *e)
{
	*ret = ring_buffer__new(bpf_map__fd(map), fn, b, NULL);
	if (!*ret)
		return err_set(e, -errno, "ring buffer: %s", strerror(errno));
	struct epoll_event ev = { .events = EPOLLIN };
	if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, ring_buffer__epoll_fd(*ret), &ev))
		return err_set(e, -errno, "epoll: %s", strerror(errno));
	return 0;
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
	if (n >= 0 && c->hooks)
		n = hooks_force(table, n, c->hooks, e);
	for (int i = 0; i < n; i++) {
		struct hook_state *st = &b->state[b->nhooks++];
		st->hook = table[i];
		st->wanted = hook_wanted(&st->hook, c);
		st->variant = st->wanted && st->hook.nvariants ? st->hook.variant[0] : NULL;
		if (st->wanted && !st->variant)
			snprintf(st->why, sizeof(st->why), "switched off by the option hooks");
	}
	if (n < 0)
		rc = n;
	else if (b->epoll < 0 || !b->told)
		rc = err_set(e, -ENOMEM, "out of memory or descriptors");
	if (!rc)
		rc = bpf_load(b, c, e);
	if (!rc)
		rc = add_ring(b, b->obj->maps.ring_main, on_main, &b->main, e);
	if (!rc)
		rc = add_ring(b, b->obj->maps.ring_bulk, on_bulk, &b->bulk, e);
	if (rc) {
		source_close(&b->source);
		return rc;
	}
	*ret = &b->source;
	return 0;
}
