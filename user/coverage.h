/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel lets the sensor see, told to people and programs. */
#ifndef REDSHANK_COVERAGE_H
#define REDSHANK_COVERAGE_H

#include "base/buf.h"
#include "source/bpf.h"

/* A line per hook: covered by which variant and seen to fire, or what can't be seen and why. */
void coverage_text(struct buf *out, const struct hook_state *h, unsigned n);
/* The same as one JSON array. */
void coverage_json(struct buf *out, const struct hook_state *h, unsigned n);

/*
 * Which of the events of these types (bit per enum ev_type) do not come, and why, as one line of
 * text; "" when all do.
 */
void coverage_missing(struct buf *out, const struct hook_state *h, unsigned n, uint64_t types);

#endif
