/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the compiler makes and views run: tests of one field, made of predicates. Equal predicates
 * of one rule set are one object, whichever rules and fields they are for.
 */
#ifndef REDSHANK_SIGMA_TEST_H
#define REDSHANK_SIGMA_TEST_H

#include "base/buf.h"
#include "sigma/cidr.h"
#include "sigma/compile.h"
#include "sigma/glob.h"
#include "sigma/number.h"
#include "sigma/regex.h"
#include "sigma/rule.h"
#include "sigma/when.h"

/* X(name, whether it can hold for a field without a value) */
#define SIGMA_PREDS(X)       \
	X(equals, false)     \
	X(startswith, false) \
	X(endswith, false)   \
	X(contains, false)   \
	X(any, false)        \
	X(glob, false)       \
	X(word, false)       \
	X(number, false)     \
	X(regex, false)      \
	X(cidr, false)       \
	X(compare, false)    \
	X(fieldref, false)   \
	X(exists, true)      \
	X(null, true)

enum sigma_pred_kind {
#define X(name, absent) SIGMA_PRED_##name,
	SIGMA_PREDS(X)
#undef X
};

enum sigma_part {
	SIGMA_PART_none,
	SIGMA_PART_first, /* + enum when_part */
};

/*
 * key holds the kind, the flags, and what the kind needs: text (equals to contains, word, number,
 * regex, cidr), elements (glob), a field's name (fieldref). Folded unless it says cased.
 */
struct sigma_pred {
	uint32_t id;
	enum sigma_pred_kind kind;
	unsigned flags; /* by kind: SIGMA_CASED and others, or REGEX_* */
	const char *key;
	size_t nkey;
	const char *text;
	size_t len;
	union {
		const struct glob *glob;
		struct regex *regex; /* owned by struct sigma_compiled */
		struct cidr cidr;
		struct {
			enum sigma_compare op;
			unsigned part; /* enum sigma_part */
			long double value;
		} compare;
		struct {
			const char *canonical;
			size_t ncanonical;
		} number;
	};
	/* Folded equals, startswith, endswith or contains, of which one holds wherever this does,
	 * with need_all each of them. None: nothing is known. */
	bool need_all;
	unsigned nneed;
	const struct sigma_pred **need;
};

enum {
	SIGMA_CASED = 1,
	SIGMA_FIELDREF_STARTS = 2, /* the field begins with the other one's value */
	SIGMA_FIELDREF_ENDS = 4, /* both: contains it */
	SIGMA_EXISTS = 8, /* it must; else it must not */
};

/* One value of a rule; more than one predicate where a modifier made several texts of it: OR. */
struct sigma_test_value {
	unsigned n;
	const struct sigma_pred **pred;
};

struct sigma_test {
	bool bad; /* has a problem, the rules that use it are broken */
	bool all; /* AND over the values, else OR */
	bool negated; /* neq */
	unsigned n;
	struct sigma_test_value *value;
};

/* Predicates by what they say, and what an arena can't free. */
struct sigma_compiled {
	struct sigma_pred **slot; /* open addressing */
	size_t nslots, npreds;
	struct regex **regex;
	size_t nregex, regex_cap, regex_bytes;
	const struct sigma_pred *any; /* "has a value" */
	struct buf key; /* scratch */
};

#define SIGMA_REGEX_BYTES_MAX ((size_t)256 << 20) /* of one rule set, code for the JIT included */

/*
 * The predicate that says this: the one that is there, or a new one, finished by kind. NULL with
 * *ret_error: -ENOMEM, or -EINVAL and the reason in e.
 */
const struct sigma_pred *sigma_pred_get(struct sigma_rules *r, enum sigma_pred_kind kind,
					unsigned flags, const void *data, size_t len,
					int *ret_error, struct err *e);
/* From an element row of pattern.h, normalized here. */
const struct sigma_pred *sigma_pred_pattern(struct sigma_rules *r, struct pattern *p, bool cased,
					    int *ret_error, struct err *e);

/* The test of one item; problems go to r. NULL: out of memory. */
struct sigma_test *sigma_test_new(struct sigma_rules *r, const struct sigma_item *item,
				  const struct sigma_compile_options *o);

/* A value as predicates look at it: as it is, and folded in f. */
struct sigma_look {
	const struct sigma_scalar *scalar;
	const struct fold *f;
	size_t off, len;
};

/* Does it hold for this value? Not for fieldref, exists and null. -ELOOP: a regex's bound. */
int sigma_pred_match(const struct sigma_pred *p, const struct sigma_look *v,
		     struct regex_scratch *scratch);
/* fieldref: value against the other field's value. */
bool sigma_pred_refers(const struct sigma_pred *p, const struct sigma_look *v,
		       const struct sigma_look *other);
/* A predicate that does not hold for this value, of which the end is missing: could it, with it? */
bool sigma_pred_open(const struct sigma_pred *p, const struct sigma_look *v);

#endif
