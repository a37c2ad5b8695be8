/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks we use, in nanoseconds. */
#ifndef REDSHANK_BASE_CLOCK_H
#define REDSHANK_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* What kernel records are stamped with; goes on during suspend. */
static inline uint64_t clock_boottime(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

static inline uint64_t clock_monotonic(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t clock_unix(void)
{
	return clock_ns(CLOCK_REALTIME);
}

#endif
