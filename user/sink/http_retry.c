/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential backoff with jitter. */
#include "sink/http_retry.h"

bool retry_status(long status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

/* 0 to span, both included. */
static unsigned spread(uint32_t random, unsigned span)
{
	return (unsigned)((uint64_t)random * (span + 1ULL) >> 32);
}

unsigned retry_delay_ms(unsigned attempt, int64_t retry_after_s, uint32_t random)
{
	if (retry_after_s > 0) {
		unsigned ms = retry_after_s < RETRY_AFTER_MS / 1000 ? (unsigned)retry_after_s * 1000
								    : RETRY_AFTER_MS;
		return ms + spread(random, ms / 10);
	}
	unsigned ms = RETRY_MIN_MS;
	while (attempt-- > 1 && ms < RETRY_MAX_MS)
		ms *= 2;
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	return ms / 2 + spread(random, ms / 2);
}
