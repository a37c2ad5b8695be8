/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as rules see it: values by field, made by whoever has events (a line of JSON, a kernel
 * event). Fields are numbered by the view (sigma/view.h) that the record is made for. Borrowed for
 * the time of one call.
 */
#ifndef REDSHANK_SIGMA_RECORD_H
#define REDSHANK_SIGMA_RECORD_H

#include "sigma/rule.h"

/*
 * A field may have several values (a JSON array; Image, which is both the path that was invoked and
 * the file that it led to): a test holds if it holds for one of them.
 */
struct sigma_values {
	bool present; /* also true of a null, and of an empty list */
	unsigned n;
	const struct sigma_scalar *v;
};

struct sigma_record {
	uint64_t time; /* Unix ns; 0: not known */
	uint64_t event; /* number of the event that this is one of several records of: a rule
			   matches an event once; 0: the record is the event */
	const struct sigma_values *field; /* one per field of the view */
	struct sigma_values all; /* every value of the event, for keywords; only filled for
				    views that want it */
};

#endif
