/* SPDX-License-Identifier: Apache-2.0 */
/* When an event happened, as logs write it. */
#ifndef REDSHANK_SIGMA_EVENT_TIME_H
#define REDSHANK_SIGMA_EVENT_TIME_H

#include "sigma/rule.h"

/*
 * Unix time in ns of an RFC 3339 time (also with a space for the T, without seconds' fraction or
 * without an offset, which is UTC then), or of a number, also as a string: seconds, milliseconds,
 * microseconds or nanoseconds by its size, the seconds with a fraction if need be. False for
 * anything else, and for times before 1970 or after 2554.
 */
bool event_time_parse(const struct sigma_scalar *s, uint64_t *ret);

#endif
