/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people read: events as one line each, alerts as a short report. Hostile bytes are shown as
 * \xNN, so that nothing drives the terminal.
 */
#ifndef REDSHANK_ENCODE_TEXT_H
#define REDSHANK_ENCODE_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "encode/alert_pb.h"

/*
 * One line, without its newline: local time, event, pid, user (by name if it has one), process as
 * "parent > name", then the text of events.def with its fields filled in. "-" is for what is not
 * known; what was cut ends with "…". For one thread.
 */
void text_event(struct buf *out, const struct event *ev, bool colour);

/* The text of events.def alone. */
void text_event_words(struct buf *out, const struct event *ev);

/* A report of several lines, without the newline of the last one. */
void text_alert(struct buf *out, const Redshank__V1__Alert *al, bool colour);

#endif
