/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings: a magic line and then records as they were in the ring buffer, one after the other
 * (each begins with its length). Made by `redshank record`, read by `redshank replay` without root.
 */
#ifndef REDSHANK_SOURCE_REPLAY_H
#define REDSHANK_SOURCE_REPLAY_H

#include "source/source.h"

/* 16 bytes; the digits are the format's version. Records carry their own sizes (abi/event.h). */
#define RECORDING_MAGIC	    "redshank-rec-01\n"
#define RECORDING_MAGIC_LEN 16

/*
 * Opens a recording; "-" is standard input. Errors of drain() name the file and the byte offset of
 * the record that is wrong or cut.
 */
int replay_open(const char *path, struct source **ret, struct err *e);

#endif
