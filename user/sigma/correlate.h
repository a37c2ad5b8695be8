/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Correlation rules: counting, in event time, what other rules matched. State is bounded however
 * many groups an attacker makes up, and can be saved and restored.
 *
 * Windows slide: the window of a group reaches from its newest event back by the timespan, both
 * ends included. The condition is judged at each event that reaches the group, over what the window
 * then holds; time that passes without events judges nothing. So "lt: 3" is true at the first
 * event, and that nothing happened is never seen; "a and not b" is true at an a with no b in the
 * timespan before it, a b that follows takes nothing back.
 *
 * Events may come late, up to the window's own length; what is older does not count, but eight such
 * in a row begin the window anew, for then it is the clock that was set back. Of events with equal
 * times, the one that came first is first.
 *
 * Values (of group-by, and counted ones) are equal if their bytes are, numbers by their text. Of a
 * field with several, the first counts. An event that lacks one, or null, does not count.
 *
 * Limits of one window: 16384 events or different values (more if the condition asks for more, up
 * to 2^20 and 2^18), 4096 numbers for value_percentile and value_median. Beyond, the oldest are
 * dropped and counted. temporal: 64 rules; temporal_ordered: 16, and an event that is behind 256
 * others of its group can't be put in order.
 */
#ifndef REDSHANK_SIGMA_CORRELATE_H
#define REDSHANK_SIGMA_CORRELATE_H

#include "base/buf.h"
#include "base/err.h"
#include "sigma/view.h"

#define SIGMA_GROUPS_DEFAULT 65536 /* groups held, of all correlations together */
#define SIGMA_GROUP_KEY_MAX  1024 /* bytes of a group's values that are kept; longer are hashed */

struct sigma_correlator;

struct sigma_correlator_options {
	unsigned groups_max; /* 0: SIGMA_GROUPS_DEFAULT */
	size_t memory_max; /* bytes of state; 0: 64 MiB */
};

/*
 * Can the correlation be held within the limits above? 0, or -E2BIG, -EINVAL with the reason.
 */
int sigma_correlation_check(const struct sigma_correlation *co, struct err *e);

/*
 * The rules must be linked, and outlive it. Broken ones are left out; -E2BIG, -EINVAL, -ELOOP for
 * one that is not marked and yet can't be used. No correlations among them: costs nothing.
 */
int sigma_correlator_new(const struct sigma_rules *r, const struct sigma_correlator_options *o,
			 struct sigma_correlator **ret, struct err *e);
void sigma_correlator_free(struct sigma_correlator *c);

/* A condition that came true. Borrowed until the callback returns. */
struct sigma_correlated {
	const struct sigma_rule *rule; /* the correlation */
	uint64_t first, last; /* Unix ns of the first and last event in the window */
	uint64_t count; /* events in the window; value_count, temporal: one per value, per rule */
	double value; /* what the condition was compared with: count, distinct values, sum … */
	uint64_t episode; /* same number: it was true at every event since; an update, not news */
	unsigned ngroup;
	const struct sigma_group_value {
		const char *name; /* field or alias of group-by */
		const char *text;
		size_t len;
	} * group;
};
typedef void sigma_correlated_fn(void *ctx, const struct sigma_correlated *m);

/*
 * The rules that one event matched, as sigma_view_eval() gives them: an event counts once, also for
 * a correlation on several of them. Calls fn for each group of a correlation whose condition holds
 * by this event, those that refer to other correlations after these.
 *
 * To them, a correlation that came true is an event: at the time of its newest one, with its
 * group-by values as fields, the others as in the event by which it came true. What counts events
 * or adds numbers takes one per episode; temporal ones and value_count take each.
 *
 * Time 0: the newest seen. fn must not call the correlator.
 */
void sigma_correlator_match(struct sigma_correlator *c, const struct sigma_match *match, unsigned n,
			    const struct sigma_view *v, const struct sigma_record *rec,
			    sigma_correlated_fn *fn, void *ctx);

struct sigma_correlator_stats {
	uint64_t groups, groups_max;
	/*
	 * Groups forgotten for lack of room. A correlation that holds more than its share pays;
	 * expired ones first, then the least recently used of those with few events.
	 */
	uint64_t evicted;
	uint64_t dropped; /* events beyond what one window, or the memory, holds; oldest first */
	uint64_t late; /* events older than their window */
	size_t bytes, bytes_max;
};
void sigma_correlator_get_stats(const struct sigma_correlator *c,
				struct sigma_correlator_stats *ret);

/* State as bytes, and back. restore: what belongs to rules that are not there any more, or were
 * changed, is left out; -EBADMSG for bytes that save() did not make (nothing is taken). What the
 * correlator held before is replaced. The bytes are for this machine, and hold keys: keep them
 * from others' eyes. */
void sigma_correlator_save(const struct sigma_correlator *c, struct buf *out);
int sigma_correlator_restore(struct sigma_correlator *c, const void *p, size_t len);

#endif
