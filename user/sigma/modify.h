/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value of a rule on its way through the modifiers of its item, in the order written. Modifiers
 * make several texts of one, or change what kind of thing it is (spec, "Modifier Types").
 */
#ifndef REDSHANK_SIGMA_MODIFY_H
#define REDSHANK_SIGMA_MODIFY_H

#include "base/err.h"
#include "sigma/compile.h"
#include "sigma/test.h"

#define MODIFY_TEXTS_MAX 100000 /* that one value may become */

/* X(name, in messages) */
#define MODIFY_KINDS(X)                       \
	X(text, "text")                       \
	X(number, "a number")                 \
	X(bool, "true or false")              \
	X(null, "null")                       \
	X(regex, "a regular expression")      \
	X(cidr, "a network")                  \
	X(compare, "a comparison")            \
	X(fieldref, "a reference to a field") \
	X(exists, "a test for existence")     \
	X(time, "a part of a time")

enum modify_kind {
#define X(name, text) MODIFY_##name,
	MODIFY_KINDS(X)
#undef X
};

struct modified {
	enum modify_kind kind;
	const struct sigma_scalar *scalar;
	unsigned n; /* texts; 1 unless expanded or encoded; of regex and fieldref too */
	struct pattern *text;
	bool cased;
	bool starts, ends; /* of regex, fieldref */
	unsigned regex; /* REGEX_I, REGEX_M, REGEX_S */
	enum sigma_compare op; /* of compare, time */
	enum when_part part; /* of time */
	bool anchored; /* startswith or endswith was there: no keyword's implied contains */
	bool timed; /* a comparison of a part of a time */
	bool fragment; /* base64offset was there */
	bool open; /* contains was there */
	bool utf16; /* holds UTF-16 of more than ASCII */
};

/* Applies all modifiers. 0, -EINVAL with a message for the rule's author, -ENOMEM. */
int modify_value(const struct sigma_item *item, const struct sigma_scalar *value,
		 const struct sigma_compile_options *o, struct modified *ret, struct err *e);
void modified_free(struct modified *m);

#endif
