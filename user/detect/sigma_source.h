/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The taxonomy: which of Sigma's logsources our events feed, and what Sigma's field names mean in
 * them. One table per logsource; a new kind of event plugs in by a table of its own, and neither
 * the rule engine nor the code that fills records changes.
 *
 * Sources: SigmaHQ/sigma-specification 2.1.0, appendix taxonomy; audit records as
 * linux-audit/audit-documentation, "specs/messages" and "specs/fields", have them.
 */
#ifndef REDSHANK_DETECT_SIGMA_SOURCE_H
#define REDSHANK_DETECT_SIGMA_SOURCE_H

#include "enrich/fields.h"
#include "sigma/record.h"

#define SIGMA_FILL_VALUES 1024 /* values of one record; more are left out */
#define SIGMA_FILL_TEXT	  (256U << 10) /* bytes of text made for one record; then values are cut */

/* Where the values of one record are put together. Large: one per engine, not on a stack. */
struct sigma_fill {
	unsigned n;
	size_t used;
	struct value value; /* the one at work */
	struct sigma_scalar v[SIGMA_FILL_VALUES];
	char text[SIGMA_FILL_TEXT];
};

/* One row of a taxonomy. Rows of the same name: a field of several values. */
struct sigma_feed {
	const char *name; /* Sigma's */
	const char *from; /* our field, or with `constant` the value itself; NULL: get makes it */
	void (*get)(const struct event *ev, const char *name, struct sigma_fill *f);
	enum { SIGMA_FEED_plain = 0, SIGMA_FEED_keyword = 1, SIGMA_FEED_constant = 2 } flags;
	const char *doc;
};

struct sigma_source {
	struct sigma_logsource logsource;
	enum ev_type event; /* one record of each such event */
	const char *doc;
	const struct sigma_feed *feed, *more; /* ended by one without a name; more may be NULL */
	bool (*fits)(const struct event *ev); /* is it one of those? NULL: each is */
};

/* The table. */
extern const struct sigma_source sigma_sources[];
extern const unsigned sigma_nsources;

/* For exceptions of detectors: the events that they judge, at most SIGMA_JUDGED_MAX. */
#define SIGMA_JUDGED_MAX 16
extern const struct sigma_source sigma_judged[];
extern const unsigned sigma_njudged;

/* A row, resolved. feed NULL: the field is asked for under our own name for it. */
struct sigma_row {
	const struct sigma_feed *feed;
	struct any_field field;
};

#define SIGMA_ROWS_MAX	   4 /* rows of one name */
#define SIGMA_KEYWORDS_MAX 16

/* How one field of one source is filled. */
struct sigma_feeder {
	const char *name; /* as the rule says it; borrowed */
	unsigned n;
	struct sigma_row row[SIGMA_ROWS_MAX];
};

/* What keywords are looked for in: the event's own text, not that of its parents. */
struct sigma_keywords {
	unsigned n;
	struct sigma_row row[SIGMA_KEYWORDS_MAX];
};

/*
 * Finds the rows for a field: Sigma's name, a name of the patterns a0…aN and Env<Name>, or our own
 * (docs/events.md). False when the source has no such field.
 */
bool sigma_feeder_find(const struct sigma_source *s, const char *name, struct sigma_feeder *ret);
void sigma_keywords_find(const struct sigma_source *s, struct sigma_keywords *ret);

void sigma_fill_reset(struct sigma_fill *f);
/* The field's values for this event. Valid until sigma_fill_reset(). */
struct sigma_values sigma_fill_field(struct sigma_fill *f, const struct sigma_feeder *d,
				     const struct event *ev);
struct sigma_values sigma_fill_all(struct sigma_fill *f, const struct sigma_keywords *k,
				   const struct event *ev);

/* For rows with a function of their own. */
void sigma_fill_str(struct sigma_fill *f, const char *p, size_t len, bool cut);
void sigma_fill_value(struct sigma_fill *f, const struct value *v);

#endif
