/* SPDX-License-Identifier: Apache-2.0 */
/* struct alert: a judgement with all that an analyst needs to follow it. Borrowed, as events are.
 */
#ifndef REDSHANK_DETECT_ALERT_H
#define REDSHANK_DETECT_ALERT_H

#include "detect/detector.h"
#include "detect/exception.h"
#include "enrich/proctree.h"
#include "enrich/story.h"

#define ALERT_ID_LEN 37 /* a UUID as text */

struct alert {
	char id[ALERT_ID_LEN]; /* UUIDv8 of what was found: a replay gives the same id */
	uint64_t seq; /* number of the alert at this sensor, from 1, without holes */
	uint64_t time; /* of the event, Unix ns */
	uint64_t count; /* how often it was found: more than 1 updates the alert of the same id */
	uint64_t first, last; /* when it was, Unix ns */
	const struct rule_info *rule;
	const struct verdict *verdict;
	const struct event *event; /* the one that was judged */
	unsigned nancestors;
	const struct proc *ancestors[PROC_ANCESTORS_MAX]; /* nearest first */
	unsigned nstory;
	const struct story_note *story[STORY_ALERT_MAX]; /* what led to it, oldest first */
};

typedef void alert_fn(void *ctx, const struct alert *al);

struct engine_stats {
	uint64_t events, alerts; /* alerts: updates among them */
	uint64_t folded; /* findings that are only in the count of another one */
	uint64_t excepted; /* findings that an exception of the configuration held back */
	uint64_t detector_errors;
};

/*
 * The engine runs every detector and rule that wants an event and makes alerts of what they find:
 * of both the same kind, folded in the same way (detect/alert_fold.h).
 */
struct engine;
struct ruleset;

int engine_new(struct engine **ret, struct err *err);
void engine_free(struct engine *e);

/* From now on alerts tell what led to them; s is borrowed. */
void engine_set_story(struct engine *e, const struct story *s);

/*
 * From now on these rules (NULL: none); takes them over and frees the former, the windows of whose
 * correlations go on. Alerts that were kept back are told by fn first.
 */
void engine_set_rules(struct engine *e, struct ruleset *r, const struct host *host,
		      const struct proctree *tree, alert_fn *fn, void *ctx);
struct ruleset *engine_rules(const struct engine *e);

/* From now on findings that one of these n holds for do not alert; borrowed. */
void engine_set_exceptions(struct engine *e, const struct exception *x, unsigned n);

/* Judges ev; calls fn once per alert. */
void engine_event(struct engine *e, const struct event *ev, alert_fn *fn, void *ctx);
/* Tells updates that were kept back: once a second, and with UINT64_MAX at the end. now: Unix ns.
 */
void engine_tick(struct engine *e, uint64_t now, const struct host *host,
		 const struct proctree *tree, alert_fn *fn, void *ctx);
void engine_get_stats(const struct engine *e, struct engine_stats *ret);

/*
 * What is to be known after a restart, as bytes and back: windows of correlations, alerts that may
 * be updated, what detectors learnt. restore: -EBADMSG for bytes that save() did not make. What is
 * of a rule or detector that is not there any more, or of another version, is left out.
 */
void engine_save(const struct engine *e, struct buf *out);
int engine_restore(struct engine *e, const void *p, size_t len);

/* Something of another layer that is kept with it; save and restore are as a detector's
 * (detector.h). */
struct engine_part {
	const char *name;
	void *state;
	void (*save)(const void *state, struct buf *out);
	int (*restore)(void *state, const void *p, size_t len);
};
void engine_keep(struct engine *e, const struct engine_part *part);

#endif
