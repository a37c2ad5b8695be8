/* SPDX-License-Identifier: Apache-2.0 */
/* A heartbeat record as the sensor makes it, of a sensor with four hooks. */
#ifndef REDSHANK_TESTS_HEARTBEATS_H
#define REDSHANK_TESTS_HEARTBEATS_H

#include "base/clock.h"
#include "heartbeat.h"

static const struct hook_state heartbeat_hooks[] = {
	{ .hook = { .event = EV_exec, .name = "exec" }, .variant = "exec__tp_btf", .wanted = true },
	{ .hook = { .fact = FACT_script, .name = "script", .without = "where scripts are" },
	  .why = "refused",
	  .wanted = true },
	{ .hook = { .event = EV_rename, .name = "rename" } },
	{ .hook = { .event = EV_proc, .name = "proc" }, .variant = "proc__iter", .wanted = true },
};

static inline void heartbeat_sample(union rec_buf *ret)
{
	const struct heartbeat h = {
		.interval = 60,
		.started = clock_boottime() - 90 * NSEC_PER_SEC,
		.events = 1000,
		.alerts = 3,
		.lost = 7,
		.invalid = 1,
		.sink_errors = 2,
		.processes = 100,
		.processes_max = 65536,
		.hooks = heartbeat_hooks,
		.nhooks = sizeof(heartbeat_hooks) / sizeof(heartbeat_hooks[0]),
	};
	heartbeat_make(&h, ret);
}

#endif
