/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of points in time (spec, appendix sigma-modifiers, "Time Modifiers"). Text is ISO 8601 or
 * RFC 3339 and is taken as written, in its own offset; a number is a Unix time in seconds, milli-,
 * micro- or nanoseconds (told apart by its size), in UTC.
 */
#ifndef REDSHANK_SIGMA_WHEN_H
#define REDSHANK_SIGMA_WHEN_H

#include "sigma/rule.h"

enum when_part { WHEN_minute, WHEN_hour, WHEN_day, WHEN_week, WHEN_month, WHEN_year };

/* false: not a point in time, or one without that part (a date has no hour). Weeks are ISO 8601's.
 */
bool when_part(const struct sigma_scalar *s, enum when_part part, int *ret);
/* Days of a month, 1 to 12, of the Gregorian calendar. */
int when_month_days(int year, int month);
/* The values that a part can have. */
void when_range(enum when_part part, int *ret_min, int *ret_max);

#endif
