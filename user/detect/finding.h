/* SPDX-License-Identifier: Apache-2.0 */
/* What a finding is called, when two are the same, and what an alert says of a rule's. */
#ifndef REDSHANK_DETECT_FINDING_H
#define REDSHANK_DETECT_FINDING_H

#include "detect/alert.h"
#include "detect/alert_fold.h"
#include "detect/ruleset.h"

struct finding_key {
	const char *rule; /* id of the rule or detector */
	enum severity severity;
	const struct sigma_correlated *correlated; /* NULL: it is about the event alone */
};

/*
 * RFC 9562 UUIDv8: a hash of who found what where and when. Not random, so that a replay gives the
 * alert that the live run gave. What an inventory or a memory scan finds has no time of its own: a
 * sensor that is started again finds it again, under the same id.
 */
void finding_id(const struct finding_key *k, const struct event *ev, char ret[ALERT_ID_LEN]);

/*
 * The same: the same rule, as severe, in the same process, of a memory scan the same thing in it;
 * for correlations, the same group in the same episode. Alike: the same rule, as severe, on the
 * same command line started by the same process. Akin: on any that this process started.
 */
void finding_fold_keys(const struct finding_key *k, const struct event *ev,
		       struct alert_fold_keys *ret);

/* Severity, message and evidence of a rule's match. */
void finding_of_rule(const struct rule_match *m, const struct event *ev, struct verdict *ret);

#endif
