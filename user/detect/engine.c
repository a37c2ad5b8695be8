/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the detectors over the stream and makes alerts of their verdicts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "detect/alert.h"

#define DETECTORS_MAX 64

struct engine {
	unsigned n;
	const struct detector *detector[DETECTORS_MAX];
	void *state[DETECTORS_MAX];
	uint64_t wants[EV_TYPE_MAX]; /* by event type: bit i for detector i */
	uint64_t alert_seq;
	struct engine_stats st;
	struct verdict verdict; /* 9 KiB: not on the stack of every event */
};

/*
 * RFC 9562 UUIDv8: a hash of who found what where and when. Not random, so that a replay gives the
 * alert that the live run gave. What an inventory finds has no time of its own: a sensor that is
 * started again finds it again, under the same id.
 */
static void alert_id(const struct event *ev, const struct detector *d, char ret[ALERT_ID_LEN])
{
	uint64_t time = ev->rec->type == EV_proc ? 0 : ev->rec->time, h[2];
	for (int i = 0; i < 2; i++) {
		h[i] = hash_bytes(HASH_INIT, &i, sizeof(i));
		h[i] = hash_bytes(h[i], ev->host->boot_id, strlen(ev->host->boot_id));
		h[i] = hash_bytes(h[i], d->id, strlen(d->id));
		h[i] = hash_bytes(h[i], &time, sizeof(time));
		h[i] = hash_bytes(h[i], &ev->rec->start, sizeof(ev->rec->start));
		h[i] = hash_bytes(h[i], &ev->rec->tid, sizeof(ev->rec->tid));
	}
	snprintf(ret, ALERT_ID_LEN, "%08x-%04x-8%03x-%04x-%012llx", (unsigned)(h[0] >> 32),
		 (unsigned)(h[0] >> 16 & 0xffff), (unsigned)(h[0] & 0xfff),
		 (unsigned)(h[1] >> 48 & 0x3fff) | 0x8000,
		 (unsigned long long)(h[1] & 0xffffffffffffULL));
}

int engine_new(struct engine **ret, struct err *err)
{
	struct engine *e = calloc(1, sizeof(*e));
	if (!e)
		return err_set(err, -ENOMEM, "out of memory");
	for (const struct detector *const *d = detectors; *d; d++) {
		unsigned i = e->n;
		int rc = i < DETECTORS_MAX ? 0 : -E2BIG;
		if (!rc && (*d)->init)
			rc = (*d)->init(&e->state[i]);
		if (rc) {
			engine_free(e);
			return err_set(err, rc, "detector %s: %s", (*d)->id, strerror(-rc));
		}
		e->detector[i] = *d;
		e->n++;
		for (const enum ev_type *w = (*d)->wants; *w != EV_none; w++)
			e->wants[*w] |= 1ULL << i;
	}
	*ret = e;
	return 0;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->n; i++)
		if (e->detector[i]->free)
			e->detector[i]->free(e->state[i]);
	free(e);
}

static void raise_alert(struct engine *e, const struct detector *d, const struct event *ev,
			alert_fn *fn, void *ctx)
{
	struct alert al = {
		.seq = ++e->alert_seq,
		.time = ev->rec->time + (uint64_t)ev->host->unix_offset,
		.rule = d,
		.verdict = &e->verdict,
		.event = ev,
	};
	alert_id(ev, d, al.id);
	if (ev->proc && ev->tree)
		al.nancestors =
			proctree_ancestors(ev->tree, ev->proc, al.ancestors, PROC_ANCESTORS_MAX);
	e->st.alerts++;
	fn(ctx, &al);
}

void engine_event(struct engine *e, const struct event *ev, alert_fn *fn, void *ctx)
{
	e->st.events++;
	for (uint64_t w = e->wants[ev->rec->type]; w; w &= w - 1) {
		unsigned i = (unsigned)__builtin_ctzll(w);
		memset(&e->verdict, 0, sizeof(e->verdict));
		if (e->detector[i]->on_event(e->state[i], ev, &e->verdict))
			e->st.detector_errors++;
		else if (e->verdict.severity != SEVERITY_none)
			raise_alert(e, e->detector[i], ev, fn, ctx);
	}
}

void engine_get_stats(const struct engine *e, struct engine_stats *ret)
{
	*ret = e->st;
}
