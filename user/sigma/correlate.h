/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Correlation rules: counting, in event time, what other rules matched. State is bounded however
 * many groups an attacker makes up, and can be saved and restored.
 *
 * Windows slide. Events may come late, up to the window's own length; what is older does not count.
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

/* The rules must be linked, and outlive it. No correlations among them: costs nothing. */
int sigma_correlator_new(const struct sigma_rules *r, const struct sigma_correlator_options *o,
			 struct sigma_correlator **ret, struct err *e);
void sigma_correlator_free(struct sigma_correlator *c);

/* A condition that came true. Borrowed until the callback returns. */
struct sigma_correlated {
	const struct sigma_rule *rule; /* the correlation */
	uint64_t first, last; /* Unix ns of the first and last event in the window */
	uint64_t count; /* events in the window */
	double value; /* what the condition was compared with: count, distinct values, sum … */
	uint64_t episode; /* same number: the same window went on growing; an update, not news */
	unsigned ngroup;
	const struct sigma_group_value {
		const char *name; /* field or alias of group-by */
		const char *text;
		size_t len;
	} * group;
};
typedef void sigma_correlated_fn(void *ctx, const struct sigma_correlated *m);

/*
 * The rule matched the record. Calls fn for each correlation whose condition holds by this event,
 * those that refer to other correlations after these. An event that lacks a group-by field does not
 * count (spec: group-by).
 */
void sigma_correlator_match(struct sigma_correlator *c, const struct sigma_rule *rule,
			    const struct sigma_view *v, const struct sigma_record *rec,
			    sigma_correlated_fn *fn, void *ctx);

struct sigma_correlator_stats {
	uint64_t groups, groups_max;
	uint64_t evicted; /* groups forgotten for lack of room, least recently used first */
	uint64_t dropped; /* events beyond what one window holds; oldest first */
	uint64_t late; /* events older than their window */
	size_t bytes, bytes_max;
};
void sigma_correlator_get_stats(const struct sigma_correlator *c,
				struct sigma_correlator_stats *ret);

/* State as bytes, and back. restore: what belongs to rules that are not there any more, or were
 * changed, is left out; -EBADMSG for bytes that save() did not make (nothing is taken). */
void sigma_correlator_save(const struct sigma_correlator *c, struct buf *out);
int sigma_correlator_restore(struct sigma_correlator *c, const void *p, size_t len);

#endif
