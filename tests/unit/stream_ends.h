/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of a pipeline in memory: a source of given records, a sink that keeps what it got. */
#ifndef REDSHANK_TESTS_STREAM_ENDS_H
#define REDSHANK_TESTS_STREAM_ENDS_H

#include <errno.h>
#include <stdbool.h>

#include "records.h"
#include "sink/sink.h"
#include "source/source.h"

#define KEPT_MAX 256

/* --- source --- */

struct memory_source {
	struct source source;
	void *rec[KEPT_MAX]; /* freed with the source */
	size_t len[KEPT_MAX]; /* as the source frames them */
	unsigned n, at;
	int fd; /* -1: none to watch */
	int end; /* what drain() gives when all are taken */
	unsigned endless; /* 1: the last record comes again and again */
	unsigned drains, closed; /* closed: how often */
};

static inline int memory_fd(struct source *s)
{
	return ((struct memory_source *)s)->fd;
}

static inline int memory_drain(struct source *s, record_fn *fn, void *ctx, unsigned budget,
			       struct err *e)
{
	struct memory_source *m = (struct memory_source *)s;
	m->drains++;
	while (budget--) {
		if (m->at == m->n)
			return m->end < 0 && m->end != -ENODATA
				       ? err_set(e, m->end, "the source is broken")
				       : m->end;
		unsigned i = m->at++;
		if (m->endless && m->at == m->n)
			m->at--;
		int rc = fn(ctx, m->rec[i], m->len[i]);
		if (rc < 0)
			return err_prefix(e, rc, "record %u", i);
		if (rc)
			return rc;
	}
	return 1;
}

static inline void memory_stats(const struct source *s, source_counter_fn *put, void *ctx)
{
	put(ctx, "records", ((const struct memory_source *)s)->at);
	put(ctx, "lost", 0);
}

static inline void memory_close(struct source *s)
{
	struct memory_source *m = (struct memory_source *)s;
	for (unsigned i = 0; i < m->n; i++)
		rec_free(m->rec[i]);
	m->n = 0;
	m->closed++;
}

static const struct source_ops memory_ops = {
	.name = "memory",
	.fd = memory_fd,
	.drain = memory_drain,
	.stats = memory_stats,
	.close = memory_close,
};

#define MEMORY_SOURCE                                                \
	(struct memory_source)                                       \
	{                                                            \
		.source = { &memory_ops }, .fd = -1, .end = -ENODATA \
	}

/* Takes the record, to be framed as long as it says. */
static inline void memory_add(struct memory_source *m, void *rec)
{
	assert(m->n < KEPT_MAX);
	m->rec[m->n] = rec;
	m->len[m->n++] = ((struct ev_hdr *)rec)->len;
}

/* --- sink --- */

struct kept {
	char what; /* 'e'vent, 'a'lert */
	unsigned type; /* of the event */
	uint64_t seq, time; /* time: of an alert */
	struct ev_gap gap; /* of a gap event */
};

struct keeper {
	struct sink sink;
	struct kept kept[KEPT_MAX];
	unsigned n, flushes, closed;
	int rc; /* what event() gives from the rc_at'th on */
	unsigned rc_at;
	void (*then)(void *ctx); /* called when the rc_at'th came */
	void *ctx;
};

static inline int keep(struct keeper *k, const struct kept *what)
{
	if (k->n < KEPT_MAX)
		k->kept[k->n] = *what;
	k->n++;
	if (k->then && k->n == k->rc_at)
		k->then(k->ctx);
	return k->rc_at && k->n >= k->rc_at ? k->rc : 0;
}

static inline int keeper_event(struct sink *s, const struct event *ev)
{
	struct kept what = { .what = 'e', .type = ev->rec->type, .seq = ev->seq };
	if (ev->rec->type == EV_gap)
		what.gap = *EVENT_AS(gap, ev);
	return keep((struct keeper *)s, &what);
}

static inline int keeper_alert(struct sink *s, const struct alert *al)
{
	struct kept what = {
		.what = 'a', .type = al->event->rec->type, .seq = al->seq, .time = al->time
	};
	return keep((struct keeper *)s, &what);
}

static inline int keeper_flush(struct sink *s)
{
	((struct keeper *)s)->flushes++;
	return 0;
}

static inline void keeper_close(struct sink *s, uint64_t deadline)
{
	(void)deadline;
	((struct keeper *)s)->closed++;
}

static const struct sink_ops keeper_ops = {
	.name = "keeper",
	.event = keeper_event,
	.alert = keeper_alert,
	.flush = keeper_flush,
	.close = keeper_close,
};

#define KEEPER                          \
	(struct keeper)                 \
	{                               \
		.sink = { &keeper_ops } \
	}

#endif
