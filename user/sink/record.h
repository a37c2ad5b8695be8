/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a recording: the stream's records as they are, for `redshank replay`. */
#ifndef REDSHANK_SINK_RECORD_H
#define REDSHANK_SINK_RECORD_H

#include "base/err.h"
#include "sink/sink.h"

/* Creates the file (mode 0600; it must not exist) or, for "-", writes to standard output. */
int record_open(const char *path, struct sink **ret, struct err *e);

#endif
