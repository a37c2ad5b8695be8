/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the taxonomy that need code: elements of lists, ancestors, names by pattern. */
#ifndef REDSHANK_DETECT_SIGMA_FEEDS_H
#define REDSHANK_DETECT_SIGMA_FEEDS_H

#include "detect/sigma_source.h"

/* The row for a field whose name has a number or a variable's name in it; NULL if it is none. */
const struct sigma_feed *sigma_pattern_find(const struct sigma_source *s, const char *name);
/* Those patterns, for lists of fields: name is "a0, a1, …"; ended by one without a name. */
extern const struct sigma_feed sigma_patterns[];

void sigma_feed_user(const struct event *ev, const char *name, struct sigma_fill *f);
void sigma_feed_parent_user(const struct event *ev, const char *name, struct sigma_fill *f);
void sigma_feed_ancestor_image(const struct event *ev, const char *name, struct sigma_fill *f);
void sigma_feed_ancestor_args(const struct event *ev, const char *name, struct sigma_fill *f);

#endif
