/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sigma rules as written: what the parser makes of YAML and the compiler makes programs of. All of
 * it lives in the arena of its struct sigma_rules. Nothing here knows events or the kernel.
 *
 * Source: SigmaHQ/sigma-specification 2.1.0 (specification/ *.md), named "spec" below.
 */
#ifndef REDSHANK_SIGMA_RULE_H
#define REDSHANK_SIGMA_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "sigma/problem.h"

enum sigma_type { SIGMA_null, SIGMA_bool, SIGMA_int, SIGMA_float, SIGMA_str };

/* A scalar of a rule or of an event. text is always there; of numbers, their decimal form. */
struct sigma_scalar {
	enum sigma_type type;
	bool cut; /* of an event: the sensor holds only the beginning */
	const char *text; /* bytes of any kind; in rules, also ended by NUL */
	size_t len;
	int64_t i; /* SIGMA_int, SIGMA_bool */
	double f; /* SIGMA_float; of SIGMA_int too */
};

/* Modifiers, spec appendix sigma-modifiers. X(name as in rules) */
#define SIGMA_MODIFIERS(X) \
	X(contains)        \
	X(startswith)      \
	X(endswith)        \
	X(all)             \
	X(cased)           \
	X(re)              \
	X(i)               \
	X(m)               \
	X(s)               \
	X(cidr)            \
	X(windash)         \
	X(base64)          \
	X(base64offset)    \
	X(wide)            \
	X(utf16)           \
	X(utf16le)         \
	X(utf16be)         \
	X(exists)          \
	X(gt)              \
	X(gte)             \
	X(lt)              \
	X(lte)             \
	X(neq)             \
	X(fieldref)        \
	X(expand)          \
	X(minute)          \
	X(hour)            \
	X(day)             \
	X(week)            \
	X(month)           \
	X(year)

enum sigma_modifier {
#define X(name) SIGMA_MOD_##name,
	SIGMA_MODIFIERS(X)
#undef X
};

#define SIGMA_MODIFIERS_MAX 8 /* to one field */

struct sigma_value {
	struct sigma_scalar scalar;
	struct sigma_pos pos;
};

/* FIELD|modifier|modifier: value or list of values. What they mean is the compiler's task. */
struct sigma_item {
	struct sigma_pos pos; /* of the key; of the value for keywords without one */
	const char *field; /* NULL: keywords, looked for in the whole event */
	unsigned nmodifiers;
	enum sigma_modifier modifier[SIGMA_MODIFIERS_MAX]; /* in the order written */
	unsigned nvalues; /* at least 1 */
	const struct sigma_value *value;
	struct sigma_test *test; /* set by the compiler (sigma/compile.h) */
};

enum sigma_op {
	SIGMA_and, /* of no kids: true */
	SIGMA_or, /* of no kids: false */
	SIGMA_not, /* one kid */
	SIGMA_leaf, /* item */
	SIGMA_ref, /* extended temporal correlations: has rules[ref] been seen? */
};

/*
 * A rule's detection and condition as one expression. The expression of a search identifier that is
 * named more than once is shared: this is a directed graph without cycles, not a tree.
 */
struct sigma_expr {
	enum sigma_op op;
	const char *name; /* of the search identifier that this is the whole of; else NULL */
	unsigned n;
	const struct sigma_expr **kid;
	struct sigma_item *item;
	unsigned ref;
};

#define SIGMA_DEPTH_MAX 64 /* of an expression */

/* NULL: not given. */
struct sigma_logsource {
	const char *product, *category, *service;
};

enum sigma_level {
	SIGMA_LEVEL_none, /* not given */
	SIGMA_LEVEL_informational,
	SIGMA_LEVEL_low,
	SIGMA_LEVEL_medium,
	SIGMA_LEVEL_high,
	SIGMA_LEVEL_critical,
};

struct sigma_strings {
	unsigned n;
	const char **s;
};

enum sigma_correlation_type {
	SIGMA_event_count,
	SIGMA_value_count,
	SIGMA_temporal,
	SIGMA_temporal_ordered,
	SIGMA_value_sum,
	SIGMA_value_avg,
	SIGMA_value_percentile,
	SIGMA_value_median,
};

enum sigma_compare { SIGMA_eq, SIGMA_neq, SIGMA_gt, SIGMA_gte, SIGMA_lt, SIGMA_lte };

#define SIGMA_BOUNDS_MAX 4

struct sigma_bound {
	enum sigma_compare op;
	double value;
};

/* A name for the fields that hold one thing under different names in different rules. */
struct sigma_alias {
	const char *name;
	unsigned n;
	struct sigma_alias_field {
		unsigned ref; /* index in the correlation's rules, set by sigma_link() */
		const char *rule; /* that rule as written: id or name */
		const char *field;
	} * field;
};

/* spec: sigma-correlation-rules-specification */
struct sigma_correlation {
	enum sigma_correlation_type type;
	struct sigma_strings refs; /* as written: ids or names */
	const struct sigma_rule **rules; /* refs.n of them, set by sigma_link() */
	struct sigma_strings group_by; /* fields or aliases */
	unsigned naliases;
	struct sigma_alias *alias;
	uint64_t timespan; /* ns */
	unsigned nbounds; /* all must hold */
	struct sigma_bound bound[SIGMA_BOUNDS_MAX];
	struct sigma_strings fields; /* value_*: whose values */
	double percentile; /* value_percentile: 0 to 100 */
	const struct sigma_expr *expr; /* extended temporal; else NULL */
	bool generate; /* the rules that it refers to alert by themselves too */
};

enum sigma_kind { SIGMA_RULE, SIGMA_CORRELATION, SIGMA_FILTER };

struct sigma_rule {
	enum sigma_kind kind;
	struct sigma_pos pos; /* of the document */
	unsigned index; /* in sigma_rules.rule */
	/* Never NULL: id is the name or the title's hash as a UUID where the file gives none. */
	const char *id, *title;
	bool id_derived; /* the document gives none */
	/* NULL where not given. */
	const char *name, *description, *status, *author, *date, *license;
	enum sigma_level level;
	struct sigma_strings tags, falsepositives, references, fields;
	struct sigma_strings obsoletes; /* ids of rules that this one stands for */
	struct sigma_logsource logsource; /* correlations have none */
	const struct sigma_expr *expr; /* filters already applied; NULL for correlations */
	struct sigma_correlation *correlation; /* of SIGMA_CORRELATION */
	struct sigma_strings filtered; /* of SIGMA_FILTER: ids, names, or none for any rule */
	uint64_t expires; /* of SIGMA_FILTER: Unix ns from when on it does not count; 0: never */
	/* Set by sigma_link(). */
	bool silent; /* no alert of its own: only correlations use it, or it is obsolete */
	struct sigma_strings wanted; /* fields that correlations read in its events */
	/* Set by sigma_link() and the compiler. */
	bool broken; /* has an error: not to be used */
};

struct sigma_rules {
	struct arena *arena;
	unsigned n;
	struct sigma_rule **rule; /* rules and correlations in the order of loading; filters too */
	struct sigma_problems problems;
	uint64_t now; /* Unix ns when the set was begun: filters that expired before do not count */
	const char *foreign; /* filters may name what begins so, though no rule has the name: what
				alerts beside the rules; NULL: nothing */
	size_t rules_cap; /* of rule */
	struct sigma_compiled *compiled; /* owned by the compiler: what an arena can't free */
};

/* "contains"; and back: -1 for a name that no modifier has. */
const char *sigma_modifier_name(enum sigma_modifier m);
int sigma_modifier_by_name(const char *name);
/* "high", "" for none; and back: -1. */
const char *sigma_level_name(enum sigma_level l);
int sigma_level_by_name(const char *name);
/* "value_count". */
const char *sigma_correlation_type_name(enum sigma_correlation_type t);
/* "gte". */
const char *sigma_compare_name(enum sigma_compare c);

/* Does a rule for logsource want apply to events of logsource have? Names fold ASCII case. */
bool sigma_logsource_fits(const struct sigma_logsource *want, const struct sigma_logsource *have);

#endif
