/* SPDX-License-Identifier: Apache-2.0 */
/* The host record: facts of this machine that every reader of a stream needs. */
#ifndef REDSHANK_SOURCE_HOST_REC_H
#define REDSHANK_SOURCE_HOST_REC_H

#include <stdint.h>

#include "source/rec.h"

void host_rec_make(union rec_buf *r);

/* CLOCK_REALTIME minus CLOCK_BOOTTIME now, ns. */
int64_t clock_unix_offset(void);

#endif
