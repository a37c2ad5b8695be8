/* SPDX-License-Identifier: Apache-2.0 */
/* Records made or amended in user space: host, gap, the argv of inventoried processes. */
#ifndef REDSHANK_SOURCE_REC_H
#define REDSHANK_SOURCE_REC_H

#include <stddef.h>

#include "abi/event.h"

/* A record being built; aligned for any event. */
union rec_buf {
	struct ev_hdr hdr;
	char bytes[EV_LEN_MAX];
};

/* An empty record of an event, with time now and no task. fixed: sizeof its struct. */
void rec_init(union rec_buf *r, enum ev_type type, size_t fixed);

/*
 * Appends bytes and points *field (inside r) at them. What does not fit is cut; returns the bytes
 * that were kept. bit: the field's EVF_* number, set in hdr.truncated if it was cut.
 */
size_t rec_append(union rec_buf *r, struct ev_str *field, unsigned bit, const void *p, size_t len);

#endif
