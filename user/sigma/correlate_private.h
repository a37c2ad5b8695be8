/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the correlator share.
 *
 * correlate_plan.c    rules to what is done at an event
 * correlate_key.c     a record's values: the key of its group, what is counted
 * correlate_group.c   groups: the table, who is forgotten when there is no room
 * correlate_series.c  windows of times, and of numbers with times
 * correlate_values.c  windows of different values
 * correlate_order.c   windows of rules that were seen
 * correlate_state.c   saving and restoring
 * correlate.c         an event on its way through the correlations
 */
#ifndef REDSHANK_SIGMA_CORRELATE_PRIVATE_H
#define REDSHANK_SIGMA_CORRELATE_PRIVATE_H

#include "base/arena.h"
#include "base/siphash.h"
#include "sigma/correlate.h"

#define GROUP_BY_MAX	32
#define VALUES_MAX	16 /* fields of one value_count */
#define CHAIN_MAX	32 /* correlations on correlations */
#define TEMPORAL_MAX	64 /* rules of one */
#define ORDERED_MAX	16 /* its state grows with the square */
#define ENTRIES_DEFAULT 16384U /* of one window; more where the condition asks for more */
#define ENTRIES_MAX	(1U << 20)
#define VALUES_HELD_MAX (1U << 18)
#define NUMBERS_RANKED	4096U /* value_percentile and value_median look at all at each event */
#define REORDER_MAX	256U /* events that temporal_ordered can still put in order */
#define KEY_BYTES	(SIGMA_GROUP_KEY_MAX + GROUP_BY_MAX * 10)

/* Groups by how many events their window holds: 1, 2 to 3, 4 to 7, 8 and more. */
#define CLASSES 4

struct group;
struct window_kind;

/* --- the plan --- */

struct corr_field {
	const char *name;
	int hint; /* where it was in the last view */
};

/* A correlation, seen from one of its rules. */
struct corr_use {
	struct corr *corr;
	unsigned slot; /* first of its refs that is this rule */
	struct corr_field *group, *value; /* names in the events of this rule */
};

struct group_list {
	struct group *newest, *oldest;
	unsigned n;
};

struct corr {
	const struct sigma_rule *rule;
	const struct sigma_correlation *co;
	unsigned index; /* in the order of evaluation */
	unsigned rank; /* 1: only on plain rules */
	uint64_t definition; /* hash of all that its state depends on */
	const struct window_kind *kind;
	unsigned entries_max; /* a power of 2 */
	unsigned *slot; /* for each ref, the first that is the same rule */
	struct corr_use *use; /* those that refer to it */
	unsigned nuses;
	struct group_list lru[CLASSES];
	unsigned ngroups;
	size_t bytes;
};

/* --- a group and its window --- */

struct group {
	struct group *chain; /* in its bucket */
	struct group *newer, *older; /* in its class */
	struct corr *of;
	uint64_t hash;
	uint64_t newest; /* time: the window ends here */
	uint64_t episode; /* 0: the condition was false at the last event */
	uint64_t event; /* the last that it holds */
	uint64_t pass; /* the last that touched it */
	/* Of the kind of window. n: what it holds, for all kinds. */
	uint64_t *mem;
	size_t mem_bytes;
	uint32_t head, n, cap;
	uint16_t pins; /* not to be forgotten now */
	uint16_t key_len;
	uint8_t class;
	uint8_t late; /* events in a row that were too old */
	char key[];
};

struct judgement {
	uint64_t first, count;
	double value;
	bool complete; /* temporal: every rule, in order, or the expression */
};

struct reader {
	const char *p;
	size_t left;
};
bool reader_take(struct reader *r, void *to, size_t n);

struct window_kind {
	/* Forgets what is older. */
	void (*expire)(struct group *g, uint64_t from);
	/*
	 * word: hash of the value, bits of the number, slot of the rule. again: an event that
	 * is here already, by another rule. false: then there is nothing new to it.
	 */
	bool (*add)(struct sigma_correlator *c, struct group *g, uint64_t t, uint64_t word,
		    bool again);
	void (*judge)(struct sigma_correlator *c, const struct group *g, struct judgement *ret);
	void (*save)(const struct group *g, struct buf *out);
	/* Into an empty group; g NULL: only checks. false: not what save() writes. */
	bool (*load)(struct sigma_correlator *c, const struct corr *corr, struct group *g,
		     uint64_t newest, struct reader *r);
};
extern const struct window_kind window_series, window_values, window_order;

/* --- one event --- */

/* A condition that came true by the event at hand: an event for those that refer to it. */
struct firing {
	struct group *g; /* pinned */
	uint64_t time;
	bool news; /* an episode began */
	const struct firing *cause;
};

struct delivery {
	struct corr_use *use;
	const struct firing *firing; /* NULL: the event itself */
};

struct touched {
	struct group *g; /* pinned */
	const struct firing *cause;
};

struct source {
	const struct sigma_view *view;
	const struct sigma_record *rec;
	const struct firing *firing;
};

struct sigma_correlator {
	struct arena *plan;
	unsigned ncorrs, nrules;
	struct corr *corr;
	struct corr_use *use; /* of plain rules, by rule */
	unsigned *use_first; /* nrules + 1 */

	unsigned nbuckets;
	struct group **bucket;
	struct siphash_key table_key; /* of the buckets; never leaves this process */
	struct siphash_key value_key; /* of values and long keys; saved with them */
	struct sigma_correlator_stats stats;

	uint64_t newest; /* time seen */
	uint64_t record_event; /* sigma_record.event of the last one */
	uint64_t event, episodes; /* numbers of our own */
	uint64_t pass; /* of a call */
	uint64_t random;
	double *ranked; /* NUMBERS_RANKED, if one needs it */
	unsigned work_max; /* of each of these */
	unsigned nqueue, nfirings, ntouched;
	struct delivery *queue;
	struct firing *firing;
	struct touched *touched;
	struct sigma_group_value value[GROUP_BY_MAX];
	char key[KEY_BYTES];
	size_t key_len;
};

int plan_build(struct sigma_correlator *c, const struct sigma_rules *r, struct err *e);

/* Makes c->key. false: a field is missing. */
bool key_make(struct sigma_correlator *c, const struct source *src, const struct corr_use *use);
/* What to add to a window of the kind. false: it is missing, or not a number. */
bool key_word(struct sigma_correlator *c, const struct source *src, const struct corr_use *use,
	      uint64_t *ret);
/* The values in a key, group_by.n of them. false: it is none. */
bool key_parse(const struct corr *corr, const char *key, size_t len, struct sigma_group_value *ret);

int groups_init(struct sigma_correlator *c, const struct sigma_correlator_options *o);
void groups_free(struct sigma_correlator *c);
void groups_clear(struct sigma_correlator *c);
/* The group of c->key; made if it is not there. NULL: no room. */
struct group *group_get(struct sigma_correlator *c, struct corr *corr, uint64_t t);
/* It was used: to the front, in the class that its window says. */
void group_touch(struct group *g);
/* Memory of the window; 0 frees it. Forgets other groups for it. false: no room, all as it was. */
bool group_resize(struct sigma_correlator *c, struct group *g, size_t bytes);
/* Empties the window. */
void group_empty(struct sigma_correlator *c, struct group *g);

#endif
