/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a scan within its share of a CPU, and each process within its time. */
#ifndef REDSHANK_SCAN_PACE_H
#define REDSHANK_SCAN_PACE_H

#include <stdatomic.h>
#include <stdint.h>

struct pace {
	unsigned percent; /* of one CPU; 100: no limit */
	uint64_t process_ns; /* CPU time that one process may take */
	atomic_bool stop; /* set by another thread */
	/* Of the scanning thread: */
	uint64_t wall, cpu; /* where the share is counted from */
	uint64_t process_cpu; /* CPU time at which the present process has had its part */
};

void pace_start(struct pace *p); /* a scan begins */
void pace_process(struct pace *p); /* a process begins */

/*
 * To be called after each piece of work (some 100 us): sleeps as long as the share demands. 0;
 * -ETIME: this process has had its time; -ECANCELED: stop.
 */
int pace_step(struct pace *p);

#endif
