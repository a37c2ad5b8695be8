/* SPDX-License-Identifier: Apache-2.0 */
/* Trying hook variants out: what this kernel loads, attaches and fires. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "source/bpf_link.h"
#include "source/bpf_obj.h"

#include "redshank.skel.h"

bool hook_seen(const struct hook *h, const volatile struct cpu_stats *st)
{
	return h->event != EV_none ? st->emitted[h->event] > 0 : st->facts[h->fact] > 0;
}

/* Has this program, or the event it makes, been seen? */
static bool seen(struct redshank_bpf *o, const struct hook *h)
{
	if (!h->without)
		return o->bss->probe_hits > 0;
	static struct cpu_stats st; /* 1.5 KiB and more; probing is single-threaded */
	int cpus = libbpf_num_possible_cpus();
	for (u32 cpu = 0; cpu < (u32)cpus; cpu++)
		if (!bpf_map_lookup_elem(bpf_map__fd(o->maps.stats), &cpu, &st) &&
		    hook_seen(h, &st))
			return true;
	return false;
}

/* Reads an iterator to see whether it gives anything. */
static bool iter_gives(struct hook_link *link)
{
	char buf[4096];
	int fd = bpf_iter_create(hook_link_fd(link));
	if (fd < 0)
		return false;
	ssize_t n = read(fd, buf, sizeof(buf));
	close(fd);
	return n > 0;
}

/* The variants of one kind of a table of hooks, all together: a load costs most of a try. */
struct kind_round {
	const struct hook *table;
	int n;
	const char *kind;
	struct variant_result (*ret)[HOOK_VARIANTS_MAX];
};

/* The index of the hook's variant of that kind; -1 if it has none. */
static int of_kind(const struct hook *h, const char *kind)
{
	for (unsigned k = 0; k < h->nvariants; k++)
		if (!strcmp(variant_kind(h->variant[k]), kind))
			return (int)k;
	return -1;
}

/* A shared program is attached once. */
static struct hook_link *attach(struct bpf_program *p, const char *variant,
				struct hook_link **links, int before, struct bpf_program **programs)
{
	for (int i = 0; i < before; i++)
		if (programs[i] == p)
			return links[i];
	return bpf_obj_attach(p, variant);
}

static void detach(struct hook_link **links, int n)
{
	for (int i = 0; i < n; i++) {
		bool again = false;
		for (int k = 0; k < i; k++)
			again |= links[k] == links[i];
		if (!again)
			hook_detach(links[i]);
	}
}

/* Loads, attaches and fires them. 0, or why they do not load together. */
static int round_together(const struct kind_round *r)
{
	static const struct bpf_config small = { .ring_main_bytes = 65536,
						 .ring_bulk_bytes = 65536 };
	struct hook_link *links[HOOKS_MAX] = { NULL };
	struct bpf_program *programs[HOOKS_MAX] = { NULL };
	struct redshank_bpf *o;

	int rc = bpf_obj_open(&small, &o, NULL);
	if (rc)
		return rc;
	for (int i = 0; i < r->n; i++) {
		int k = of_kind(&r->table[i], r->kind);
		if (k >= 0)
			bpf_obj_use(o, &r->table[i], r->table[i].variant[k]);
	}
	rc = redshank_bpf__load(o);
	if (rc)
		goto out;
	for (int i = 0; i < r->n; i++) {
		int k = of_kind(&r->table[i], r->kind);
		if (k < 0)
			continue;
		programs[i] = bpf_obj_program(o, r->table[i].variant[k]);
		links[i] = attach(programs[i], r->table[i].variant[k], links, i, programs);
		r->ret[i][k] = (struct variant_result){ .loaded = true,
							.attached = links[i],
							.error = links[i] ? 0 : -errno };
	}
	hooks_fire(NULL);
	for (int i = 0; i < r->n; i++) {
		int k = of_kind(&r->table[i], r->kind);
		if (k >= 0 && links[i])
			r->ret[i][k].fired = variant_is_iter(r->table[i].variant[k])
						     ? iter_gives(links[i])
						     : seen(o, &r->table[i]);
	}
	detach(links, r->n);
out:
	redshank_bpf__destroy(o);
	return rc;
}

/* One by one, unless the kernel refuses the kind altogether. */
static void round_alone(const struct kind_round *r)
{
	struct variant_result kind = { .loaded = true };

	if (kind_patches(r->kind))
		kind = kind_try(r->kind);
	for (int i = 0; i < r->n; i++) {
		int k = of_kind(&r->table[i], r->kind);
		if (k >= 0)
			r->ret[i][k] = kind.loaded
					       ? variant_try(&r->table[i], r->table[i].variant[k])
					       : kind;
	}
}

void variants_try(const struct hook *table, int n, struct variant_result (*ret)[HOOK_VARIANTS_MAX])
{
	for (unsigned kind = 0; kind < variant_kinds_count; kind++) {
		struct kind_round r = { table, n, variant_kinds[kind], ret };
		bool any = false;
		for (int i = 0; i < n; i++)
			any |= of_kind(&table[i], r.kind) >= 0;
		if (any && round_together(&r))
			round_alone(&r);
	}
}

struct variant_result variant_try(const struct hook *h, const char *variant)
{
	static const struct bpf_config small = { .ring_main_bytes = 65536,
						 .ring_bulk_bytes = 65536 };
	struct variant_result r = { 0 };
	struct redshank_bpf *o;
	struct hook_link *link = NULL;

	r.error = bpf_obj_open(&small, &o, NULL);
	if (r.error)
		return r;
	struct bpf_program *p = bpf_obj_program(o, variant);
	bpf_obj_use(o, h, variant);
	r.error = redshank_bpf__load(o);
	if (r.error)
		goto out;
	r.loaded = true;
	link = bpf_obj_attach(p, variant);
	if (!link) {
		r.error = -errno;
		goto out;
	}
	r.attached = true;
	if (variant_is_iter(variant)) {
		r.fired = iter_gives(link);
	} else {
		hooks_fire(NULL);
		r.fired = seen(o, h);
	}
out:
	hook_detach(link);
	redshank_bpf__destroy(o);
	return r;
}

struct variant_result kind_try(const char *kind)
{
	struct hook probe = { 0 }; /* of no event, without nothing: a probe */
	char variant[sizeof(probe.variant[0])];

	snprintf(variant, sizeof(variant), "probe__%s", kind);
	return variant_try(&probe, variant);
}
