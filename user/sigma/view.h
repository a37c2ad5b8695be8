/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view: all the rules that apply to the events of one logsource, made into one program. The
 * strings of all its rules are looked for in one pass per field, and only rules that this pass did
 * not rule out are evaluated. No allocation per event. A view is used by one thread at a time.
 */
#ifndef REDSHANK_SIGMA_VIEW_H
#define REDSHANK_SIGMA_VIEW_H

#include "base/err.h"
#include "sigma/record.h"

struct sigma_view;

/*
 * Of the rules that apply to logsource (NULL: of all) and are neither broken nor correlations nor
 * filters. The rules must be compiled and must outlive the view. 0 or -ENOMEM.
 */
int sigma_view_new(const struct sigma_rules *r, const struct sigma_logsource *ls,
		   struct sigma_view **ret);
/* Of one expression: an exception of the configuration, a search. Rule index 0 in its matches. */
int sigma_view_new_expr(const struct sigma_rules *r, const struct sigma_expr *e,
			struct sigma_view **ret);
void sigma_view_free(struct sigma_view *v);

unsigned sigma_view_nrules(const struct sigma_view *v);
/* The fields that its rules, and the correlations on them, read: 0 to nfields - 1. */
unsigned sigma_view_nfields(const struct sigma_view *v);
const char *sigma_view_field(const struct sigma_view *v, unsigned i);
/* -1: none of that name. Names of fields are case-sensitive. */
int sigma_view_find(const struct sigma_view *v, const char *name);
/* Has it rules with keywords, so that record.all must be filled? */
bool sigma_view_wants_all(const struct sigma_view *v);

struct sigma_match {
	const struct sigma_rule *rule; /* NULL in a view of one expression */
	bool uncertain; /* a test under a "not" failed on a value of which the end is missing */
};

/*
 * Evaluates the record. *ret: the matches in the order of loading, valid until the next call.
 * Returns how many.
 */
unsigned sigma_view_eval(struct sigma_view *v, const struct sigma_record *rec,
			 const struct sigma_match **ret);

/* A field that made a rule match; value NULL: its absence. field NULL: keywords. */
struct sigma_evidence {
	const char *field;
	const struct sigma_scalar *value;
};

/*
 * Which values made the rule match rec, which was just evaluated: those of its true tests that are
 * not under a "not". At most max; returns how many. Each (field, value) once.
 */
unsigned sigma_view_evidence(struct sigma_view *v, const struct sigma_rule *rule,
			     const struct sigma_record *rec, struct sigma_evidence *ret,
			     unsigned max);

struct sigma_view_stats {
	uint64_t records, evaluated; /* evaluated: rules that the first pass did not rule out */
	uint64_t regex_limits; /* regular expressions that ran into their match limit */
	size_t bytes; /* memory of the view */
	unsigned always; /* rules that the first pass can't rule out */
};
void sigma_view_get_stats(const struct sigma_view *v, struct sigma_view_stats *ret);

#endif
