/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's periodic memory scan: a thread of its own, which hands its records over to the
 * pipeline and never holds it.
 */
#ifndef REDSHANK_MEMORY_SCAN_H
#define REDSHANK_MEMORY_SCAN_H

#include "base/buf.h"
#include "config.h"
#include "pipeline.h"

struct memory_scan;

/*
 * Starts it, if it is configured and possible; *ret stays NULL when not, and that is said. Mistakes
 * in YARA rules cost the rules, not the scan. 0 or negative errno.
 */
int memory_scan_start(struct pipeline *p, const struct config *c, struct memory_scan **ret,
		      struct err *e);
void memory_scan_stop(struct memory_scan *m); /* accepts NULL */

/* Once a second: says when it does not get on. */
void memory_scan_tick(struct memory_scan *m);

/* One line for coverage: how often, what it can't do. m may be NULL. */
void memory_scan_text(const struct memory_scan *m, struct buf *b);

#endif
