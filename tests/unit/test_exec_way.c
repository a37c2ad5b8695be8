/* SPDX-License-Identifier: Apache-2.0 */
/* enrich/exec_way.c: spellings of a descriptor's name, and names that only look like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enrich/exec_way.h"

static const char own[] = "execve of /proc/self/fd", pid[] = "execve of /proc/PID/fd",
		  task[] = "execve of /proc/PID/task/TID/fd", other[] = "execve of a /proc path",
		  by_descriptor[] = "execveat or fexecve on a descriptor";

static void check(const char *name, const char *cwd, const char *expected)
{
	const char *got = exec_way(name, strlen(name), cwd, strlen(cwd));
	if (!expected != !got || (got && strcmp(got, expected) != 0))
		fail_msg("%s in %s: %s, expected %s", name, cwd, got ? got : "nothing",
			 expected ? expected : "nothing");
}

static void spellings(void **state)
{
	(void)state;
	check("/proc/self/fd/3", "/", own);
	check("//proc//self/./fd///3", "/", own);
	check("/usr/../proc/self/fd/3", "/", own);
	check("/../proc/self/task/../fd/3", "/", own);
	check("/proc/self/root/proc/self/fd/3", "/", own);
	check("/proc/1/root/proc/thread-self/root//proc/self/fd/3", "/", own);
	check("/proc/thread-self/fd/3", "/", "execve of /proc/thread-self/fd");
	check("/proc/412/fd/3", "/", pid);
	check("/proc/self/task/413/fd/3", "/", task);
	check("3", "/proc/412/fd", pid);
	check("fd/3", "/proc/412", pid);
	check("../../proc/self/fd/3", "/usr/bin", own);
	check("/dev/fd/3", "/", by_descriptor);
	check("/dev//fd/3/x", "/", by_descriptor);
	check("/dev/stdin", "/", "execve of /dev/stdin");
	check("/proc/self/exe", "/", other);
	check("/proc/412/cwd/x", "/", other);
}

static void paths(void **state)
{
	char deep[4096];
	(void)state;
	check("/usr/bin/id", "/", NULL);
	check("proc/self/fd/3", "/tmp", NULL);
	check("/tmp/proc/self/fd/3", "/", NULL);
	check("/proc/self/fd/../../../usr/bin/id", "/", NULL);
	check("/dev/shm/x", "/", NULL);
	check("./x", "/dev/fdx", NULL);
	check("", "/proc/self/fd", NULL);
	check("/", "/", NULL);
	for (size_t i = 0; i + 1 < sizeof(deep); i += 2)
		memcpy(deep + i, "/a", 2);
	deep[sizeof(deep) - 1] = '\0';
	check(deep, "/", NULL);
	check("x", deep, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings),
		cmocka_unit_test(paths),
	};
	return cmocka_run_group_tests_name("exec_way", tests, NULL, NULL);
}
