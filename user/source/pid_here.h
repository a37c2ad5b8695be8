/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records number processes as the initial pid namespace does; /proc and fork(2) as our own does,
 * which in a container may be another one.
 */
#ifndef REDSHANK_SOURCE_PID_HERE_H
#define REDSHANK_SOURCE_PID_HERE_H

#include "abi/event.h"

/* The number of the record's process in our pid namespace; 0: none that we know. */
u32 pid_here(const struct ev_hdr *h);

/* Our own number there; 0 if our pid namespace is another. */
u32 pid_initial(void);

#endif
