/* SPDX-License-Identifier: Apache-2.0 */
/* struct host from the stream's host records, so that a replay knows the host it was made on. */
#ifndef REDSHANK_ENRICH_HOST_H
#define REDSHANK_ENRICH_HOST_H

#include "schema/event.h"

/* Before the first host record: no names, times as if the machine had booted in 1970. */
void host_init(struct host *h);

/*
 * Takes over a checked host record. Texts are cut to their room, NUL-terminated, and have '?' for
 * what is not printable ASCII. 0; -EINVAL if rec is of another type (h is untouched).
 */
int host_update(struct host *h, const struct ev_hdr *rec);

#endif
