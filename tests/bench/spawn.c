/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load for the benchmark: starts a program that does nothing, over and over, for a time, and prints
 * what one start (vfork, exec, exit, wait) cost: "spawns wall_ns cpu_ns". cpu_ns is user and system
 * time of this process and its children, so other work on the machine disturbs it less than
 * wall_ns.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static double cpu_ns(int who)
{
	struct rusage u;
	getrusage(who, &u);
	return ((double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec) * 1e9 +
	       ((double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec) * 1e3;
}

int main(int argc, char **argv)
{
	char *args[] = { argv[0], (char *)"child", NULL };
	char *env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"HOME=/", NULL };

	if (argc == 2 && !strcmp(argv[1], "child"))
		return 0;
	double seconds = argc == 2 ? atof(argv[1]) : 1;
	uint64_t start = clock_monotonic(), end = start + (uint64_t)(seconds * 1e9);
	double cpu = cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN);
	unsigned long n = 0;

	while (clock_monotonic() < end) {
		pid_t pid;
		if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, args, env)) {
			perror("posix_spawn");
			return 1;
		}
		waitpid(pid, NULL, 0);
		n++;
	}
	double wall = (double)(clock_monotonic() - start);
	cpu = cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN) - cpu;
	printf("%lu %.0f %.0f\n", n, wall / (double)n, cpu / (double)n);
	return 0;
}
