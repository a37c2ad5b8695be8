/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaches a uprobe, as perf and bpftrace do, and keeps it until standard input ends.
 *
 *   uprobe_attach FILE OFFSET
 */
#include "trigger.h"

#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/syscall.h>

static unsigned pmu_type(void)
{
	unsigned type;
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "r");

	if (!f || fscanf(f, "%u", &type) != 1)
		die("uprobe");
	fclose(f);
	return type;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	struct perf_event_attr a = {
		.size = sizeof(a),
		.type = pmu_type(),
		.sample_period = 1,
		.config1 = (uintptr_t)argv[1],
		.config2 = strtoull(argv[2], NULL, 0),
	};
	long fd = syscall(SYS_perf_event_open, &a, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		die("perf_event_open");
	say("{\"pid\":%d,\"what\":\"uprobe\"}", getpid());
	wait_for_eof();
	return 0;
}
