/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline. */
#include "pipeline.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "encode/text.h"
#include "enrich/exe_check.h"
#include "enrich/host.h"
#include "enrich/session.h"
#include "heartbeat.h"
#include "pipeline_private.h"

#define BATCH	       1024 /* records between two looks at signals, timers and clients */
#define DRAIN_PAUSE_NS NSEC_PER_MSEC
#define COMPLAIN_NS    (10 * NSEC_PER_SEC) /* at most one line about sinks in this time */
#define LAST_DRAINS    64 /* batches taken at the end; the rest of a flood is left */

/* --- one record --- */

static void sink_result(struct pipeline *p, struct out *o, int rc)
{
	if (rc < 0) {
		p->st.sink_errors++;
		o->error = o->last_error = rc;
		o->failed = clock_monotonic();
		/* Of an essential sink the end of the run tells. */
		if (!o->essential && clock_monotonic() - p->complained > COMPLAIN_NS) {
			log_warning("%s: %s; redshank stats counts what is lost",
				    o->sink->ops->name, strerror(-rc));
			p->complained = clock_monotonic();
		}
	}
	if (rc <= 0)
		return;
	o->finished = true;
	if (o->essential)
		p->stop = true;
}

static void give_alert(void *ctx, const struct alert *al)
{
	struct pipeline *p = ctx;
	p->st.alerts[al->verdict->severity]++;
	for (unsigned i = 0; i < p->nout; i++) {
		struct out *o = &p->out[i];
		if (!o->finished && o->sink->ops->alert)
			sink_result(p, o, o->sink->ops->alert(o->sink, al));
	}
}

static void give_event(struct pipeline *p, const struct event *ev)
{
	for (unsigned i = 0; i < p->nout; i++) {
		struct out *o = &p->out[i];
		if (!o->finished && o->sink->ops->event)
			sink_result(p, o, o->sink->ops->event(o->sink, ev));
	}
}

/* An executed memfd is compared with its process's last program; the record takes the answer. */
static void check_exe(struct pipeline *p, struct event *ev)
{
	enum same_content same = exe_check(ev);
	if (same == SAME_CONTENT_unknown)
		return;
	if (ev->rec != &p->copy.hdr)
		memcpy(&p->copy, ev->rec, ev->rec->len);
	((struct ev_exec *)&p->copy)->same_content = same;
	ev->rec = &p->copy.hdr;
}

static void note(struct pipeline *p, const struct event *ev)
{
	bool wanted = story_wants(p->story, ev);

	if (!wanted && ev->desc->id != EV_exit)
		return;
	buf_reset(&p->words);
	if (wanted)
		text_event_words(&p->words, ev);
	story_add(p->story, ev, buf_str(&p->words), p->words.len);
}

static void judge(struct pipeline *p, const struct ev_hdr *rec)
{
	struct event ev = { .rec = rec, .desc = ev_desc(rec->type), .host = &p->host };

	/* Of threads that end at the same moment two may take themselves for the last. */
	if (rec->type == EV_exit && proctree_ended(p->tree, rec))
		return;
	if (rec->type == EV_host)
		host_update(&p->host, rec);
	if (rec->type == EV_gap)
		p->st.last_loss = clock_monotonic();
	ev.seq = ++p->st.events;
	proctree_update(p->tree, &ev);
	if (p->live && exe_check_wanted(&ev))
		check_exe(p, &ev);
	give_event(p, &ev);
	engine_event(p->engine, &ev, give_alert, p);
	/* Behind the judgement: an alert tells what was before its event. */
	note(p, &ev);
	/* Last: what it makes of the event is judged before it returns. */
	if (rec->type != EV_auth)
		auth_fuse_event(p->fuse, &ev);
}

static void judge_fused(void *ctx, const struct ev_hdr *rec)
{
	judge(ctx, rec);
}

/* A record that can't be used is a loss like any other: the stream says so. */
static void lost_record(struct pipeline *p)
{
	union rec_buf r;
	struct ev_gap *g = (struct ev_gap *)&r;
	rec_init(&r, EV_gap, sizeof(*g));
	g->lost = 1;
	g->total = ++p->st.invalid;
	g->cause = GAP_invalid;
	judge(p, &r.hdr);
}

/* Not before the first records: a stream begins with its host. */
static void beat(struct pipeline *p)
{
	uint64_t now = clock_monotonic();
	union rec_buf r;
	struct heartbeat h;

	if (!p->heartbeat_s || !p->st.events ||
	    (p->beat && now - p->beat < p->heartbeat_s * NSEC_PER_SEC))
		return;
	p->beat = now;
	pipeline_heartbeat(p, &h);
	heartbeat_make(&h, &r);
	judge(p, &r.hdr);
}

static int on_record(void *ctx, const void *rec, size_t len)
{
	struct pipeline *p = ctx;
	int rc = schema_check(rec, len, p->err);

	if (rc == -ESTALE) {
		rc = schema_upgrade(rec, &p->copy, sizeof(p->copy));
		if (rc < 0)
			err_set(p->err, rc, "no room to bring the record up to date");
		rec = &p->copy;
	}
	if (rc == -ENOTSUP) {
		p->st.unknown++;
		return 0;
	}
	if (rc < 0) {
		if (!p->live)
			return rc;
		lost_record(p);
		return 0;
	}
	judge(p, rec);
	return p->stop;
}

void pipeline_take(struct pipeline *p, struct ev_hdr *rec, size_t len)
{
	if (schema_check(rec, len, NULL)) {
		lost_record(p);
		return;
	}
	const struct proc *known = proctree_find(p->tree, rec->pid, rec->start);
	if (known && rec->type == EV_proc)
		return;
	if (known) {
		rec->start = known->start;
		rec->parent_start = known->parent_start;
	}
	judge(p, rec);
}

/* --- sinks --- */

int pipeline_add_sink(struct pipeline *p, struct sink *s, bool essential)
{
	if (p->nout == PIPELINE_SINKS_MAX)
		return -ENOSPC;
	p->out[p->nout++] = (struct out){ .sink = s, .essential = essential };
	return 0;
}

void pipeline_remove_sink(struct pipeline *p, struct sink *s)
{
	for (unsigned i = 0; i < p->nout; i++) {
		if (p->out[i].sink != s)
			continue;
		memmove(&p->out[i], &p->out[i + 1], (p->nout - i - 1) * sizeof(p->out[0]));
		p->nout--;
		return;
	}
}

static void flush(struct pipeline *p)
{
	for (unsigned i = 0; i < p->nout; i++) {
		struct out *o = &p->out[i];
		if (!o->finished && o->sink->ops->flush)
			sink_result(p, o, o->sink->ops->flush(o->sink));
	}
	/* Backwards: finish() may remove the one it is told of. */
	for (unsigned i = p->nout; p->finish && i--;)
		if (p->out[i].finished && !p->out[i].essential)
			p->finish(p->finish_ctx, p->out[i].sink);
}

/* --- the loop --- */

struct loop *pipeline_loop(struct pipeline *p)
{
	return p->loop;
}

void pipeline_on_finish(struct pipeline *p, void (*fn)(void *ctx, struct sink *s), void *ctx)
{
	p->finish = fn;
	p->finish_ctx = ctx;
}

void pipeline_on_tick(struct pipeline *p, void (*fn)(void *ctx), void *ctx)
{
	p->tick = fn;
	p->tick_ctx = ctx;
}

void pipeline_on_usr1(struct pipeline *p, void (*fn)(void *ctx), void *ctx)
{
	p->usr1 = fn;
	p->usr1_ctx = ctx;
}

void pipeline_stop(struct pipeline *p)
{
	p->stop = true;
}

void pipeline_on_hup(struct pipeline *p, void (*fn)(void *ctx), void *ctx)
{
	p->hup = fn;
	p->hup_ctx = ctx;
}

static void on_signal(void *ctx, int sig)
{
	struct pipeline *p = ctx;
	if (sig == SIGUSR1 && p->usr1)
		p->usr1(p->usr1_ctx);
	else if (sig == SIGHUP && p->hup)
		p->hup(p->hup_ctx);
	else if (sig != SIGUSR1)
		p->stop = true;
}

static void on_second(void *ctx)
{
	struct pipeline *p = ctx;
	/* Records of the last moment may still be on their way. */
	if (p->live)
		auth_fuse_tick(p->fuse, clock_boottime() - NSEC_PER_SEC);
	engine_tick(p->engine, clock_unix(), &p->host, p->tree, give_alert, p);
	flush(p);
	if (p->tick)
		p->tick(p->tick_ctx);
}

static void nothing(void *ctx, uint32_t events)
{
	(void)ctx;
	(void)events;
}

static int drain(struct pipeline *p, struct err *e)
{
	p->err = e;
	int rc = p->source->ops->drain(p->source, on_record, p, BATCH, e);
	p->err = NULL;
	if (rc >= 0 && !p->stop)
		beat(p);
	for (unsigned i = 0; i < p->nout; i++)
		p->out[i].error = p->out[i].finished ? p->out[i].error : 0;
	flush(p);
	for (unsigned i = 0; !rc && i < p->nout; i++)
		if (p->out[i].error)
			rc = err_set(e, -EIO, "%s: not everything could be written: %s",
				     p->out[i].sink->ops->name, strerror(-p->out[i].error));
	return rc;
}

/*
 * Under load, records come one by one and each would wake us: a thousand times a second is enough,
 * and takes several at a time. An event after a quiet millisecond is still taken at once.
 */
static void pace(struct pipeline *p)
{
	uint64_t now = clock_monotonic(), since = now - p->drained;
	if (since < DRAIN_PAUSE_NS) {
		struct timespec ts = { .tv_nsec = (long)(DRAIN_PAUSE_NS - since) };
		nanosleep(&ts, NULL);
	}
	p->drained = clock_monotonic();
}

static int run(struct pipeline *p, bool polled, struct err *e)
{
	int rc = 1; /* start with a drain: there may be records without any wake-up to come */

	while (!p->stop) {
		int timeout = -1;
		uint64_t now = clock_monotonic();
		if (p->deadline && now >= p->deadline)
			break;
		if (rc == 1)
			timeout = 0;
		else if (p->deadline)
			timeout = (int)((p->deadline - now) / NSEC_PER_MSEC) + 1;
		int n = loop_wait(p->loop, timeout);
		if (n < 0)
			return err_set(e, n, "epoll: %s", strerror(-n));
		/* The timer wakes us each second: loss is noticed then even if nothing else comes.
		 */
		if (p->stop || !(n || rc == 1 || !polled))
			continue;
		if (polled && rc != 1)
			pace(p);
		rc = drain(p, e);
		if (rc == -ENODATA)
			return 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

int pipeline_run(struct pipeline *p, uint64_t duration_ns, struct err *e)
{
	int fd = p->source->ops->fd(p->source);
	int rc = 0;

	if (duration_ns)
		p->deadline = clock_monotonic() + duration_ns;
	if (fd >= 0)
		rc = loop_watch(p->loop, fd, EPOLLIN, nothing, NULL);
	if (rc)
		return err_set(e, rc, "epoll: %s", strerror(-rc));
	rc = run(p, fd >= 0, e);
	if (fd >= 0)
		loop_unwatch(p->loop, fd);
	/* What happened up to now is still told, unless nobody reads any more. */
	bool reader = true;
	for (unsigned i = 0; i < p->nout; i++)
		reader &= !(p->out[i].essential && p->out[i].finished);
	p->stop = false;
	for (int i = 0; !rc && p->live && reader && i < LAST_DRAINS; i++)
		if (drain(p, NULL) != 1 || p->stop)
			break;
	if (!rc && reader)
		auth_fuse_flush(p->fuse);
	if (reader)
		engine_tick(p->engine, UINT64_MAX, &p->host, p->tree, give_alert, p);
	flush(p);
	return rc;
}

void pipeline_set_rules(struct pipeline *p, struct ruleset *r)
{
	engine_set_rules(p->engine, r, &p->host, p->tree, give_alert, p);
}

struct ruleset *pipeline_rules(const struct pipeline *p)
{
	return engine_rules(p->engine);
}

void pipeline_save(const struct pipeline *p, struct buf *out)
{
	engine_save(p->engine, out);
}

int pipeline_restore(struct pipeline *p, const void *state, size_t len)
{
	return engine_restore(p->engine, state, len);
}

/* --- life --- */

static int new_story(struct pipeline *p, const struct story_limits *want, struct err *e)
{
	static const struct story_limits usual = STORY_LIMITS_DEFAULT;
	struct proctree_stats ps;

	proctree_get_stats(p->tree, &ps);
	int rc = story_new(want ? want : &usual, (unsigned)ps.slots, &p->story);
	return rc ? err_set(e, rc, "stories of alerts: %s", strerror(-rc)) : 0;
}

int pipeline_new(const struct pipeline_config *c, struct pipeline **ret, struct err *e)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	int rc;

	if (!p) {
		c->source->ops->close(c->source);
		return err_set(e, -ENOMEM, "out of memory");
	}
	p->source = c->source;
	p->live = c->live;
	p->heartbeat_s = c->heartbeat_s;
	p->started = clock_boottime();
	host_init(&p->host);
	rc = proctree_new(c->proc_slots ? c->proc_slots : PROC_SLOTS_DEFAULT,
			  c->proc_strings ? c->proc_strings : PROC_STRINGS_DEFAULT, &p->tree);
	if (rc)
		err_set(e, rc, "process table: %s", strerror(-rc));
	if (!rc)
		rc = new_story(p, c->story, e);
	if (!rc)
		rc = engine_new(&p->engine, e);
	if (!rc) {
		rc = auth_fuse_new(AUTH_FUSE_CONVERSATIONS, AUTH_FUSE_CLAIMED, judge_fused, p,
				   &p->fuse);
		if (rc)
			err_set(e, rc, "fuser of logins: %s", strerror(-rc));
	}
	if (!rc) {
		engine_keep(p->engine,
			    &(struct engine_part){ "sessions", proctree_sessions(p->tree),
						   sessions_save, sessions_restore });
		engine_set_story(p->engine, p->story);
		engine_set_exceptions(p->engine, c->exception, c->nexceptions);
	}
	if (!rc)
		rc = loop_new(on_signal, on_second, p, &p->loop, e);
	if (rc) {
		pipeline_free(p, 0);
		return rc;
	}
	*ret = p;
	return 0;
}

void pipeline_free(struct pipeline *p, uint64_t deadline)
{
	if (!p)
		return;
	/* First out of the kernel: nothing more comes while the sinks finish. */
	p->source->ops->close(p->source);
	for (unsigned i = 0; i < p->nout; i++)
		p->out[i].sink->ops->close(p->out[i].sink, deadline);
	auth_fuse_free(p->fuse);
	engine_free(p->engine);
	story_free(p->story);
	buf_free(&p->words);
	proctree_free(p->tree);
	loop_free(p->loop);
	free(p);
}

void pipeline_get_stats(const struct pipeline *p, struct pipeline_stats *ret)
{
	*ret = p->st;
}
