/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline: source → check → enrich → detect → sinks, on one thread, around one epoll. The only
 * file that knows every stage.
 */
#ifndef REDSHANK_PIPELINE_H
#define REDSHANK_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "detect/exception.h"
#include "enrich/story.h"
#include "loop.h"
#include "sink/sink.h"
#include "source/source.h"

#define PIPELINE_SINKS_MAX   24
#define PROC_SLOTS_DEFAULT   65536
#define PROC_STRINGS_DEFAULT (64U << 20)

/* 32768 notes are 12 MiB. */
#define STORY_LIMITS_DEFAULT                                      \
	{                                                         \
		.notes = 32768, .per_process = 8, .per_alert = 24 \
	}

struct pipeline;

struct pipeline_config {
	struct source *source; /* closed with the pipeline */
	unsigned nexceptions;
	const struct exception *exception; /* borrowed as long as the pipeline lives */
	bool live; /* the source is this machine: /proc may be asked about processes */
	unsigned proc_slots; /* 0: PROC_SLOTS_DEFAULT */
	size_t proc_strings; /* bytes; 0: PROC_STRINGS_DEFAULT */
	const struct story_limits *story; /* NULL: STORY_LIMITS_DEFAULT */
	unsigned heartbeat_s; /* seconds between heartbeat events; 0: none */
};

/* Counters of the stages; the sinks have their own. */
struct pipeline_stats {
	uint64_t events; /* judged; the number of the last one */
	uint64_t invalid; /* refused by schema_check() */
	uint64_t unknown; /* of types that this build does not know */
	uint64_t sink_errors;
	uint64_t alerts[SEVERITY_critical + 1]; /* by severity */
	uint64_t last_loss; /* when records were lost last, CLOCK_MONOTONIC ns; 0: never */
};

/* On error the source is closed too. */
int pipeline_new(const struct pipeline_config *c, struct pipeline **ret, struct err *e);

/*
 * Adds a sink, which is closed with the pipeline. When one that is `essential` comes to its end
 * (count reached, reader gone), the pipeline stops. -ENOSPC when there are too many.
 */
int pipeline_add_sink(struct pipeline *p, struct sink *s, bool essential);
/* Takes a sink out without closing it. Not to be called from within a sink. */
void pipeline_remove_sink(struct pipeline *p, struct sink *s);

/* To watch descriptors of one's own. */
struct loop *pipeline_loop(struct pipeline *p);

/* Called when a sink that is not essential has come to its end; it may be removed and closed then.
 */
void pipeline_on_finish(struct pipeline *p, void (*fn)(void *ctx, struct sink *s), void *ctx);

/* Called once a second, after the sinks were flushed. */
void pipeline_on_tick(struct pipeline *p, void (*fn)(void *ctx), void *ctx);

/*
 * Runs until the source ends, a signal (SIGTERM, SIGINT) or pipeline_stop() comes, or duration_ns
 * (0: for ever) has passed. Drains before it returns. 0, or an error of the source.
 */
int pipeline_run(struct pipeline *p, uint64_t duration_ns, struct err *e);
void pipeline_stop(struct pipeline *p);
/* Called on SIGUSR1. */
void pipeline_on_usr1(struct pipeline *p, void (*fn)(void *ctx), void *ctx);

/* Called on SIGHUP; where nobody wants it, SIGHUP ends the run as SIGTERM does. */
void pipeline_on_hup(struct pipeline *p, void (*fn)(void *ctx), void *ctx);

/*
 * Takes a record that this sensor made itself about a process of this machine (a memory scan): it
 * is judged as one of the source is. What it says of when the process started may be exact to 10
 * ms; a proc record of a process that is known is left out. rec is changed.
 */
struct ev_hdr;
void pipeline_take(struct pipeline *p, struct ev_hdr *rec, size_t len);

/* From now on these rules judge (NULL: none); taken over. The windows of the former go on. */
struct ruleset;
void pipeline_set_rules(struct pipeline *p, struct ruleset *r);
struct ruleset *pipeline_rules(const struct pipeline *p);
/* What detection is to know after a restart (engine_save(), engine_restore()). */
void pipeline_save(const struct pipeline *p, struct buf *out);
int pipeline_restore(struct pipeline *p, const void *state, size_t len);

void pipeline_get_stats(const struct pipeline *p, struct pipeline_stats *ret);
/* All counters of all stages, as one JSON object. */
struct buf;
void pipeline_stats_json(const struct pipeline *p, struct buf *out);

/* When it was made, CLOCK_BOOTTIME ns. */
uint64_t pipeline_started(const struct pipeline *p);

/* What is covered by which hook; *ret_n is 0 for a recording. Valid as long as the pipeline. */
struct hook_state;
const struct hook_state *pipeline_hooks(const struct pipeline *p, unsigned *ret_n);

/* Tells what a sink has to complain of now, one line each: its name and the reason. */
typedef void pipeline_trouble_fn(void *ctx, const char *sink, const char *why);
void pipeline_troubles(const struct pipeline *p, pipeline_trouble_fn *fn, void *ctx);

/* What a heartbeat tells now. */
struct heartbeat;
void pipeline_heartbeat(const struct pipeline *p, struct heartbeat *ret);

/* Closes sinks (they have until the deadline, CLOCK_MONOTONIC ns) and source. Accepts NULL. */
void pipeline_free(struct pipeline *p, uint64_t deadline);

#endif
