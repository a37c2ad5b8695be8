/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules the sensor's own events can feed (detect/sigma_source.h), and why not the others. */
#ifndef REDSHANK_CMD_RULES_FEED_H
#define REDSHANK_CMD_RULES_FEED_H

#include "sigma/rule.h"

/*
 * Is there a source for the logsource? If not, why is "no source for category dns_query". A rule's
 * source is any whose logsource fits.
 */
bool feed_has_logsource(const struct sigma_logsource *ls, char *why, unsigned size);
/* Has one of the logsource's sources the field? */
bool feed_has_field(const struct sigma_logsource *ls, const char *field);
/* The same of a rule, and could an event ever match it? A correlation also needs the rules that it
 * counts: one, or of temporal all.
 */
bool feed_has_rule(const struct sigma_rule *rule, char *why, unsigned size);

#endif
