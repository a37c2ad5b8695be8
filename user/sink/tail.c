/* SPDX-License-Identifier: Apache-2.0 */
/* The live view. */
#include "sink/tail.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "encode/json.h"
#include "encode/text.h"

#define FLUSH_BYTES 65536 /* standard output is written in pieces of this size, or per batch */

struct tail {
	struct sink sink;
	struct tail_config c;
	int fd;
	uint64_t seq; /* lines of this stream so far, also those a client did not get */
	uint64_t lost, lost_total; /* lines a client did not get: since the last gap; in all */
	bool finished;
	struct buf out;
	size_t written; /* bytes of out that a client has taken */
	struct buf line;
	struct pb_arena arena;
};

int tail_format_by_name(const char *name, enum tail_format *ret)
{
	static const char *const names[] = { "text", "json", "proto" };
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i])) {
			*ret = (enum tail_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int write_blocking(struct tail *t)
{
	size_t at = 0;
	while (at < t->out.len) {
		ssize_t n = write(t->fd, t->out.data + at, t->out.len - at);
		if (n < 0 && errno == EAGAIN) { /* a shell may have left it non-blocking */
			struct pollfd p = { .fd = t->fd, .events = POLLOUT };
			poll(&p, 1, 1000);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			t->finished = true;
			return errno == EPIPE ? 1 : -errno; /* who leaves has seen enough */
		}
		at += (size_t)n;
	}
	buf_reset(&t->out);
	return 0;
}

/* A client that reads but never catches up must not make the buffer grow for ever. */
static void discard_written(struct tail *t)
{
	if (t->written < t->out.len / 2)
		return; /* moved bytes are paid for by written ones */
	t->out.len -= t->written;
	memmove(t->out.data, t->out.data + t->written, t->out.len);
	t->written = 0;
}

int tail_client_write(struct sink *s, bool *ret_waiting)
{
	struct tail *t = (struct tail *)s;

	*ret_waiting = false;
	while (t->written < t->out.len) {
		ssize_t n = write(t->fd, t->out.data + t->written, t->out.len - t->written);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			*ret_waiting = true;
			discard_written(t);
			return 0;
		}
		if (n <= 0)
			return 1;
		t->written += (size_t)n;
	}
	buf_reset(&t->out);
	t->written = 0;
	return t->finished;
}

/* Encodes into t->line as a line of the stream. */
static void encode_event(struct tail *t, const struct event *ev)
{
	buf_reset(&t->line);
	switch (t->c.format) {
	case TAIL_text:
		text_event(&t->line, ev, t->c.colour);
		buf_putc(&t->line, '\n');
		break;
	case TAIL_json:
		json_event(&t->line, ev, t->seq);
		buf_putc(&t->line, '\n');
		break;
	case TAIL_proto:
		pb_arena_reset(&t->arena);
		record_pack(&t->line, event_to_pb(&t->arena, ev), NULL, t->seq);
		break;
	}
}

static void encode_alert(struct tail *t, const struct alert *al)
{
	buf_reset(&t->line);
	if (t->c.format == TAIL_json) {
		json_alert(&t->line, al, t->seq);
		buf_putc(&t->line, '\n');
		return;
	}
	pb_arena_reset(&t->arena);
	Redshank__V1__Alert *pb = alert_to_pb(&t->arena, al);
	if (t->c.format == TAIL_proto)
		record_pack(&t->line, NULL, pb, t->seq);
	else if (pb) {
		text_alert(&t->line, pb, t->c.colour);
		buf_puts(&t->line, "\n\n");
	}
}

/* After a loss nothing has room before the gap: it stands where the lines are missing. */
static bool has_room(const struct tail *t)
{
	return !t->c.client ||
	       (!t->lost && t->out.len - t->written + t->line.len <= TAIL_CLIENT_BACKLOG);
}

/* Tells a client how many lines it lost, in the place where they would have been. */
static void put_gap(struct tail *t, const struct event *now)
{
	struct ev_gap g = {
		.hdr = { .len = sizeof(g),
			 .type = EV_gap,
			 .fixed = sizeof(g),
			 .loginuid = UINT32_MAX,
			 .session = UINT32_MAX },
		.lost = t->lost,
		.total = t->lost_total,
		.cause = GAP_reader,
	};
	struct event ev = { .rec = &g.hdr, .desc = ev_desc(EV_gap), .host = now->host };
	g.hdr.time = now->rec->time;
	t->seq++;
	encode_event(t, &ev);
	t->lost = 0;
	buf_put(&t->out, t->line.data, t->line.len);
}

/* Appends t->line, or leaves it out when a client is too far behind. */
static int put_line(struct tail *t, bool counts)
{
	if (!has_room(t)) {
		t->lost++;
		t->lost_total++;
		return 0;
	}
	buf_put(&t->out, t->line.data, t->line.len);
	if (counts && t->c.count && !--t->c.count)
		t->finished = true;
	if (t->c.client)
		return 0; /* the socket is written to by flush */
	int rc = t->out.len >= FLUSH_BYTES || t->finished ? write_blocking(t) : 0;
	return rc ? rc : t->finished;
}

/*
 * After a loss, the gap comes before anything else, also before what the client does not want to
 * see; it needs room as a line does.
 */
static void make_up(struct tail *t, const struct event *ev)
{
	if (t->lost && t->out.len - t->written < TAIL_CLIENT_BACKLOG / 2)
		put_gap(t, ev);
}

static int on_event(struct sink *s, const struct event *ev)
{
	struct tail *t = (struct tail *)s;
	if (t->finished)
		return 1;
	make_up(t, ev);
	if (!filter_event(&t->c.filter, ev))
		return 0;
	t->seq++;
	encode_event(t, ev);
	return put_line(t, ev->rec->type != EV_gap);
}

static int on_alert(struct sink *s, const struct alert *al)
{
	struct tail *t = (struct tail *)s;
	if (t->finished)
		return 1;
	make_up(t, al->event);
	if (!filter_alert(&t->c.filter, al))
		return 0;
	t->seq++;
	encode_alert(t, al);
	return put_line(t, true);
}

static int flush(struct sink *s)
{
	struct tail *t = (struct tail *)s;
	bool waiting;
	return t->c.client ? tail_client_write(s, &waiting) : write_blocking(t);
}

static void stats(const struct sink *s, void (*put)(void *ctx, const char *key, uint64_t value),
		  void *ctx)
{
	const struct tail *t = (const struct tail *)s;
	put(ctx, "lines", t->seq);
	put(ctx, "lost", t->lost_total);
}

static void tail_close(struct sink *s, uint64_t deadline)
{
	struct tail *t = (struct tail *)s;
	if (!t)
		return;
	if (t->c.client) {
		bool waiting = true;
		while (!tail_client_write(s, &waiting) && waiting && clock_monotonic() < deadline) {
			struct pollfd p = { .fd = t->fd, .events = POLLOUT };
			poll(&p, 1, 50);
		}
		close(t->fd);
	} else if (!t->finished) {
		write_blocking(t);
	}
	buf_free(&t->out);
	buf_free(&t->line);
	pb_arena_free(&t->arena);
	free(t);
}

static const struct sink_ops ops = {
	.name = "tail",
	.event = on_event,
	.alert = on_alert,
	.flush = flush,
	.stats = stats,
	.close = tail_close,
};

int tail_open(int fd, const struct tail_config *c, struct sink **ret)
{
	struct tail *t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->sink.ops = &ops;
	t->c = *c;
	t->fd = fd;
	*ret = &t->sink;
	return 0;
}
