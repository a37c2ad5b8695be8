/* SPDX-License-Identifier: Apache-2.0 */
/* What `redshank status` tells of a running sensor, in one JSON object. */
#ifndef REDSHANK_STATUS_H
#define REDSHANK_STATUS_H

#include "base/buf.h"
#include "config.h"
#include "pipeline.h"

/*
 * Who runs since when, by which configuration; what is covered; counters; and `problems`, a list of
 * lines: events that can't be seen, records lost within the last five minutes, sinks that fail.
 * Without any, the sensor is `whole`. A fact that no hook can give is no problem: coverage lists
 * it, and the records that lack it say so.
 */
void status_json(struct buf *out, const struct pipeline *p, const struct config *c);

#endif
