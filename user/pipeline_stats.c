/* SPDX-License-Identifier: Apache-2.0 */
/* What the pipeline counts, and what is wrong with it. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "detect/ruleset.h"
#include "encode/json_writer.h"
#include "enrich/session.h"
#include "heartbeat.h"
#include "pipeline_private.h"

#define TROUBLE_NS (60 * NSEC_PER_SEC) /* an error is news for so long */

static void put(void *ctx, const char *key, uint64_t value)
{
	jw_key(ctx, key);
	jw_num(ctx, value);
}

static void put_section(struct jw *j, const char *key)
{
	jw_key(j, key);
	jw_open(j, '{');
}

/* What a sink has to complain of; "" for nothing. */
static void trouble(const struct out *o, char *why, size_t cap)
{
	*why = '\0';
	if (o->sink->ops->trouble)
		o->sink->ops->trouble(o->sink, why, cap);
	else if (o->last_error && clock_monotonic() - o->failed < TROUBLE_NS)
		snprintf(why, cap, "%s", strerror(-o->last_error));
}

static void put_rules(struct jw *j, const struct ruleset *r)
{
	struct ruleset_stats s;

	ruleset_get_stats(r, &s);
	put_section(j, "rules");
	put(j, "rules", s.rules);
	put(j, "correlations", s.correlations);
	put(j, "errors", s.errors);
	put(j, "unfed", s.unfed);
	put(j, "records", s.records);
	put(j, "evaluated", s.evaluated);
	put(j, "matches", s.matches);
	put(j, "exceptions", s.exceptions);
	put(j, "excepted", s.excepted);
	put(j, "regex_limits", s.regex_limits);
	put(j, "groups", s.correlator.groups);
	put(j, "groups_max", s.correlator.groups_max);
	put(j, "groups_evicted", s.correlator.evicted);
	put(j, "window_dropped", s.correlator.dropped);
	put(j, "late", s.correlator.late);
	put(j, "state_bytes", s.correlator.bytes);
	put(j, "state_bytes_max", s.correlator.bytes_max);
	jw_close(j, '}');
}

void pipeline_stats_json(const struct pipeline *p, struct buf *out)
{
	struct jw j = { .out = out };
	struct proctree_stats ps;
	struct engine_stats es;
	struct story_stats ss;
	struct auth_fuse_stats as;
	struct session_stats sessions;

	proctree_get_stats(p->tree, &ps);
	engine_get_stats(p->engine, &es);
	story_get_stats(p->story, &ss);
	sessions_get_stats(proctree_sessions(p->tree), &sessions);
	jw_open(&j, '{');
	put_section(&j, "source");
	p->source->ops->stats(p->source, put, &j);
	jw_close(&j, '}');
	put_section(&j, "pipeline");
	put(&j, "events", p->st.events);
	put(&j, "invalid", p->st.invalid);
	put(&j, "unknown", p->st.unknown);
	put(&j, "sink_errors", p->st.sink_errors);
	jw_close(&j, '}');
	put_section(&j, "processes");
	put(&j, "live", ps.live);
	put(&j, "dead", ps.dead);
	put(&j, "slots", ps.slots);
	put(&j, "string_bytes", ps.string_bytes);
	put(&j, "string_bytes_max", ps.string_bytes_max);
	put(&j, "evicted_live", ps.evicted_live);
	put(&j, "evicted_dead", ps.evicted_dead);
	put(&j, "unknown", ps.unknown);
	jw_close(&j, '}');
	auth_fuse_get_stats(p->fuse, &as);
	put_section(&j, "auth");
	put(&j, "reports", as.reports);
	put(&j, "ignored", as.ignored);
	put(&j, "attempts", as.attempts);
	put(&j, "claims", as.claims);
	put(&j, "suppressed", as.suppressed);
	put(&j, "conversations", as.conversations);
	put(&j, "conversations_max", as.conversations_max);
	put(&j, "evicted", as.evicted);
	put(&j, "open", as.open);
	jw_close(&j, '}');
	put_section(&j, "sessions");
	put(&j, "held", sessions.held);
	put(&j, "max", sessions.max);
	put(&j, "evicted", sessions.evicted);
	jw_close(&j, '}');
	put_section(&j, "story");
	put(&j, "notes", ss.notes);
	put(&j, "notes_max", ss.notes_max);
	put(&j, "evicted_live", ss.evicted);
	jw_close(&j, '}');
	put_section(&j, "detect");
	put(&j, "events", es.events);
	put(&j, "alerts", es.alerts);
	for (unsigned i = SEVERITY_informational; i <= SEVERITY_critical; i++) {
		char key[32];
		snprintf(key, sizeof(key), "alerts.%s", severity_name((enum severity)i));
		put(&j, key, p->st.alerts[i]);
	}
	put(&j, "folded", es.folded);
	put(&j, "excepted", es.excepted);
	put(&j, "detector_errors", es.detector_errors);
	jw_close(&j, '}');
	if (engine_rules(p->engine))
		put_rules(&j, engine_rules(p->engine));
	jw_key(&j, "sinks");
	jw_open(&j, '[');
	for (unsigned i = 0; i < p->nout; i++) {
		const struct sink *s = p->out[i].sink;
		jw_open(&j, '{');
		jw_key(&j, "name");
		jw_text(&j, s->ops->name);
		if (s->ops->stats)
			s->ops->stats(s, put, &j);
		char why[256];
		trouble(&p->out[i], why, sizeof(why));
		if (*why) {
			jw_key(&j, "trouble");
			jw_text(&j, why);
		}
		jw_close(&j, '}');
	}
	jw_close(&j, ']');
	jw_close(&j, '}');
}

uint64_t pipeline_started(const struct pipeline *p)
{
	return p->started;
}

const struct hook_state *pipeline_hooks(const struct pipeline *p, unsigned *ret_n)
{
	*ret_n = 0;
	return p->source->ops->hooks ? p->source->ops->hooks(p->source, ret_n) : NULL;
}

void pipeline_troubles(const struct pipeline *p, pipeline_trouble_fn *fn, void *ctx)
{
	for (unsigned i = 0; i < p->nout; i++) {
		char why[256];
		trouble(&p->out[i], why, sizeof(why));
		if (*why)
			fn(ctx, p->out[i].sink->ops->name, why);
	}
}

/* Picks one of the source's counters. */
static void take_lost(void *ctx, const char *key, uint64_t value)
{
	if (!strcmp(key, "lost"))
		*(uint64_t *)ctx = value;
}

void pipeline_heartbeat(const struct pipeline *p, struct heartbeat *ret)
{
	struct proctree_stats ps;
	struct engine_stats es;

	proctree_get_stats(p->tree, &ps);
	engine_get_stats(p->engine, &es);
	*ret = (struct heartbeat){
		.interval = p->heartbeat_s,
		.started = p->started,
		.events = p->st.events,
		.alerts = es.alerts,
		.invalid = p->st.invalid,
		.sink_errors = p->st.sink_errors,
		.processes = ps.live + ps.dead,
		.processes_max = ps.slots,
	};
	p->source->ops->stats(p->source, take_lost, &ret->lost);
	ret->hooks = pipeline_hooks(p, &ret->nhooks);
}
