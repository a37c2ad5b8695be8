/* SPDX-License-Identifier: Apache-2.0 */
/* Names of what rules are made of, and which rules apply to which events. */
#include "sigma/rule.h"

#include <string.h>
#include <strings.h>

#define COUNT(table_) (sizeof(table_) / sizeof((table_)[0]))

static const char *const modifiers[] = {
#define X(name) #name,
	SIGMA_MODIFIERS(X)
#undef X
};

const char *sigma_modifier_name(enum sigma_modifier m)
{
	return modifiers[m];
}

int sigma_modifier_by_name(const char *name)
{
	/* The long names that pySigma knows for the flags of re. */
	static const struct {
		const char *name;
		enum sigma_modifier m;
	} other[] = {
		{ "ignorecase", SIGMA_MOD_i },
		{ "multiline", SIGMA_MOD_m },
		{ "dotall", SIGMA_MOD_s },
	};

	for (size_t i = 0; i < COUNT(modifiers); i++)
		if (!strcmp(modifiers[i], name))
			return (int)i;
	for (size_t i = 0; i < COUNT(other); i++)
		if (!strcmp(other[i].name, name))
			return (int)other[i].m;
	return -1;
}

static const char *const levels[] = { "", "informational", "low", "medium", "high", "critical" };

const char *sigma_level_name(enum sigma_level l)
{
	return levels[l];
}

int sigma_level_by_name(const char *name)
{
	for (size_t i = 1; i < COUNT(levels); i++)
		if (!strcasecmp(levels[i], name))
			return (int)i;
	return -1;
}

const char *sigma_correlation_type_name(enum sigma_correlation_type t)
{
	static const char *const names[] = {
		[SIGMA_event_count] = "event_count",
		[SIGMA_value_count] = "value_count",
		[SIGMA_temporal] = "temporal",
		[SIGMA_temporal_ordered] = "temporal_ordered",
		[SIGMA_value_sum] = "value_sum",
		[SIGMA_value_avg] = "value_avg",
		[SIGMA_value_percentile] = "value_percentile",
		[SIGMA_value_median] = "value_median",
	};
	return names[t];
}

const char *sigma_compare_name(enum sigma_compare c)
{
	static const char *const names[] = {
		[SIGMA_eq] = "eq",   [SIGMA_neq] = "neq", [SIGMA_gt] = "gt",
		[SIGMA_gte] = "gte", [SIGMA_lt] = "lt",	  [SIGMA_lte] = "lte",
	};
	return names[c];
}

static bool part_fits(const char *want, const char *have)
{
	return !want || (have && !strcasecmp(want, have));
}

bool sigma_logsource_fits(const struct sigma_logsource *want, const struct sigma_logsource *have)
{
	return part_fits(want->product, have->product) &&
	       part_fits(want->category, have->category) && part_fits(want->service, have->service);
}
