/* SPDX-License-Identifier: Apache-2.0 */
/* So many bytes a second, and four times as much in a burst: for work that others can cause. */
#ifndef REDSHANK_BASE_BUDGET_H
#define REDSHANK_BASE_BUDGET_H

#include <stdbool.h>

#include "base/clock.h"

#define BUDGET_BURST 4 /* seconds' worth */

struct budget {
	uint64_t per_s; /* bytes */
	uint64_t left, last; /* bytes; CLOCK_MONOTONIC ns, 0: not used yet */
};

/* Takes so many bytes out of it. False, and nothing is taken, if there are not as many. */
static inline bool budget_take(struct budget *b, uint64_t bytes)
{
	uint64_t most = BUDGET_BURST * b->per_s, now = clock_monotonic();

	if (!b->last || now - b->last > BUDGET_BURST * NSEC_PER_SEC)
		b->left = most;
	else
		b->left += (now - b->last) / NSEC_PER_MSEC * (b->per_s / 1000);
	b->last = now;
	if (b->left > most)
		b->left = most;
	if (b->left < bytes)
		return false;
	b->left -= bytes;
	return true;
}

#endif
