/* SPDX-License-Identifier: Apache-2.0 */
/* Rules against the table of sources. */
#include "cmd_rules_feed.h"

#include <stdio.h>

#include "detect/sigma_source.h"

static bool has(const struct sigma_logsource *want)
{
	for (unsigned i = 0; i < sigma_nsources; i++)
		if (sigma_logsource_fits(want, &sigma_sources[i].logsource))
			return true;
	return false;
}

bool feed_has_logsource(const struct sigma_logsource *ls, char *why, unsigned size)
{
	const struct {
		const char *what, *name;
		struct sigma_logsource alone;
	} parts[] = {
		{ "product", ls->product, { .product = ls->product } },
		{ "category", ls->category, { .category = ls->category } },
		{ "service", ls->service, { .service = ls->service } },
	};

	if (has(ls))
		return true;
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].name && !has(&parts[i].alone)) {
			snprintf(why, size, "no source for %s %.100s", parts[i].what,
				 parts[i].name);
			return false;
		}
	}
	snprintf(why, size, "no source has this product, category and service together");
	return false;
}

bool feed_has_field(const struct sigma_logsource *ls, const char *field)
{
	struct sigma_feeder feeder;

	for (unsigned i = 0; i < sigma_nsources; i++)
		if (sigma_logsource_fits(ls, &sigma_sources[i].logsource) &&
		    sigma_feeder_find(&sigma_sources[i], field, &feeder))
			return true;
	return false;
}

bool feed_has_rule(const struct sigma_rule *rule, char *why, unsigned size)
{
	const struct sigma_correlation *c = rule->correlation;
	unsigned fed = 0;

	if (!c)
		return feed_has_logsource(&rule->logsource, why, size);
	for (unsigned i = 0; i < c->refs.n; i++)
		fed += feed_has_rule(c->rules[i], why, size);
	bool all = (c->type == SIGMA_temporal || c->type == SIGMA_temporal_ordered) && !c->expr;
	return all ? fed == c->refs.n : fed > 0;
}
