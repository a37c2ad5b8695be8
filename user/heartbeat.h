/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heartbeats: records of the sensor about itself, by which a backend tells a quiet sensor from a
 * dead one.
 */
#ifndef REDSHANK_HEARTBEAT_H
#define REDSHANK_HEARTBEAT_H

#include "source/bpf.h"
#include "source/rec.h"

struct heartbeat {
	unsigned interval; /* s until the next one */
	uint64_t started; /* CLOCK_BOOTTIME ns */
	uint64_t events, alerts, lost, invalid, sink_errors;
	uint64_t processes, processes_max; /* of the process table */
	const struct hook_state *hooks;
	unsigned nhooks;
};

/* The record, with what the kernel says of this process: memory, CPU time. */
void heartbeat_make(const struct heartbeat *h, union rec_buf *ret);

#endif
