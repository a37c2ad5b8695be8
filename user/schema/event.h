/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct event: a checked record and what is known around it. Borrowed: it and all it points to
 * are valid until the callback that got it returns.
 */
#ifndef REDSHANK_SCHEMA_EVENT_H
#define REDSHANK_SCHEMA_EVENT_H

#include <stdint.h>

#include "schema/schema.h"

struct proc; /* enrich/proctree.h */
struct proctree;

/* Who watches: the last host record of the stream. */
struct host {
	int64_t unix_offset; /* CLOCK_REALTIME minus CLOCK_BOOTTIME, ns */
	char sensor_id[40]; /* of this run of the sensor: boot and moment of the first host record
			     */
	char boot_id[37]; /* random UUID of this boot, as text; "" before the first host record */
	char hostname[65];
	char machine_id[33];
	char kernel[65];
	char arch[65];
};

struct event {
	const struct ev_hdr *rec; /* passed schema_check() */
	const struct ev_desc *desc; /* of rec->type */
	uint64_t seq; /* number of the event at this sensor, from 1, without holes */
	const struct host *host; /* never NULL */
	const struct proc *proc; /* the process of rec->pid; NULL if it is not known */
	const struct proctree *tree; /* where proc's ancestors are; NULL if there is no table */
};

/* The record as its event's struct: EVENT_AS(exec, ev)->exe_ino. The caller has checked the type.
 */
#define EVENT_AS(key_, event_) ((const struct ev_##key_ *)(const void *)(event_)->rec)

#endif
