/* SPDX-License-Identifier: Apache-2.0 */
/* The scan's share of the CPU. */
#include "scan/pace.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

#define NAP_NS (50 * NSEC_PER_MSEC) /* between two looks at stop */

static uint64_t own_cpu(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void pace_start(struct pace *p)
{
	p->wall = clock_monotonic();
	p->cpu = own_cpu();
}

void pace_process(struct pace *p)
{
	p->process_cpu = own_cpu() + p->process_ns;
}

int pace_step(struct pace *p)
{
	uint64_t cpu = own_cpu();
	uint64_t due = p->wall + (cpu - p->cpu) * 100 / (p->percent ? p->percent : 1);

	while (p->percent < 100 && !atomic_load(&p->stop)) {
		uint64_t now = clock_monotonic();
		if (now >= due)
			break;
		uint64_t ns = due - now < NAP_NS ? due - now : NAP_NS;
		struct timespec ts = { .tv_nsec = (long)ns };
		nanosleep(&ts, NULL);
	}
	if (atomic_load(&p->stop))
		return -ECANCELED;
	return cpu >= p->process_cpu ? -ETIME : 0;
}
