/* SPDX-License-Identifier: Apache-2.0 */
/* When to try an HTTP request again; opentelemetry-proto docs/specification.md, "OTLP/HTTP". */
#ifndef REDSHANK_SINK_HTTP_RETRY_H
#define REDSHANK_SINK_HTTP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_MIN_MS   1000
#define RETRY_MAX_MS   60000
#define RETRY_AFTER_MS 3600000 /* the longest that a server may make us wait */

/* Does this status mean that the same request may succeed later? 429, 502, 503 and 504 do. */
bool retry_status(long status);

/*
 * How long to wait after the attempt-th failure in a row (from 1), in ms.
 * Without the server's word (retry_after_s <= 0): 1 s doubling to 60 s, of which the second half is
 * random. With it: as long as it says, at most an hour, and up to a tenth more. The randomness
 * (all bits of random count) keeps a fleet of sensors from coming back at the same moment.
 */
unsigned retry_delay_ms(unsigned attempt, int64_t retry_after_s, uint32_t random);

#endif
