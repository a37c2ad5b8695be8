/* SPDX-License-Identifier: Apache-2.0 */
/* Which events and alerts a person wants to see. */
#ifndef REDSHANK_SINK_FILTER_H
#define REDSHANK_SINK_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "detect/alert.h"

#define FILTER_TEXT 80

struct filter {
	uint64_t types; /* bit per event type; 0: what is shown when nothing is asked for */
	uint32_t pid; /* 0: any */
	char comm[FILTER_TEXT]; /* glob over the process name (fnmatch); "": any */
	char container[FILTER_TEXT]; /* start of the container id; "": any */
	bool alerts_only;
};

/* Adds the types of a comma-separated list of event names. 0, or -EINVAL with the known names. */
int filter_add_types(struct filter *f, const char *list, struct err *e);

/* The types that it lets pass, bit per event type. */
uint64_t filter_types(const struct filter *f);

/* Gap records pass every filter: nobody should believe in a stream that is not complete. */
bool filter_event(const struct filter *f, const struct event *ev);
/* By process and container; types do not matter. */
bool filter_alert(const struct filter *f, const struct alert *al);

#endif
