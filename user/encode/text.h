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

void text_event(struct buf *out, const struct event *ev, bool colour);
void text_alert(struct buf *out, const Redshank__V1__Alert *al, bool colour);

#endif
