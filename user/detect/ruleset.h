/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Sigma rules at work on our events: files loaded, a record made of an event for each logsource
 * that it feeds, and what an alert says of the rule that matched. Made whole or not at all, so that
 * a reload can be prepared beside the one that runs.
 */
#ifndef REDSHANK_DETECT_RULESET_H
#define REDSHANK_DETECT_RULESET_H

#include "base/buf.h"
#include "detect/rule_info.h"
#include "detect/sigma_source.h"
#include "sigma/engine.h"

/* A directory or file of rules, and how far they are trusted to be quiet. */
struct rule_pack {
	const char *path;
	enum severity level_max; /* higher levels are lowered to this; SEVERITY_none: as they are */
};

struct ruleset_config {
	unsigned npacks;
	const struct rule_pack *pack;
	enum severity level_min; /* rules below do not alert */
	struct sigma_engine_options engine;
};

struct ruleset;

/* What is wrong with a rule or file; the others are used. */
typedef void ruleset_problem_fn(void *ctx, const struct sigma_problem *p);

/*
 * Loads the packs. 0; -ENOENT when a pack's path is not there, -ENOMEM. A path that is a directory
 * without rules is no error. fn (may be NULL) is told each problem.
 */
int ruleset_new(const struct ruleset_config *c, ruleset_problem_fn *fn, void *ctx,
		struct ruleset **ret, struct err *e);
void ruleset_free(struct ruleset *r);

/* A rule that alerts. Borrowed until the callback returns. */
struct rule_match {
	const struct rule_info *info;
	enum severity severity;
	bool uncertain; /* sigma_match.uncertain */
	const struct sigma_correlated *correlated; /* NULL: a plain rule */
	unsigned nevidence;
	const struct sigma_evidence *evidence;
};
typedef void rule_match_fn(void *ctx, const struct rule_match *m);

#define RULE_EVIDENCE_MAX 12

/* Judges the event in every logsource that it feeds; fn at most once per rule. */
void ruleset_event(struct ruleset *r, const struct event *ev, rule_match_fn *fn, void *ctx);

/*
 * Is what the detector found in this event an exception? Those are Sigma filters that name the
 * detector's id (docs/rules.md).
 */
bool ruleset_excepts(struct ruleset *r, const char *detector, const struct event *ev);

/* Unix ns of the next moment when a filter expires and the set should be loaded anew; 0: never. */
uint64_t ruleset_expires(const struct ruleset *r);

/* Bit per enum ev_type: events that some rule is about. */
uint64_t ruleset_wants(const struct ruleset *r);

/* The windows of correlations: as bytes for a file, and back. -EBADMSG: not made by save. */
void ruleset_save(const struct ruleset *r, struct buf *out);
int ruleset_restore(struct ruleset *r, const void *p, size_t len);

struct ruleset_stats {
	unsigned rules, correlations; /* in use */
	unsigned errors, warnings; /* of loading */
	unsigned unfed; /* rules that no event of ours can feed */
	unsigned exceptions; /* filters that name detectors */
	uint64_t records, evaluated, matches, excepted;
	uint64_t regex_limits;
	struct sigma_correlator_stats correlator;
};
void ruleset_get_stats(const struct ruleset *r, struct ruleset_stats *ret);

#endif
