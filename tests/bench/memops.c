/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of operations that the memory hooks look at, and of one that they do not, in ns:
 * memops SECONDS FILE [NAME] prints "ns name" lines. FILE: what is mapped as a library is.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SIZE 8192

static int library;
static void *page;

static void op_getppid(void)
{
	syscall(SYS_getppid);
}

static void op_mmap(void)
{
	void *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(p, SIZE);
}

static void op_mmap_library(void)
{
	void *p = mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, library, 0);
	munmap(p, SIZE);
}

static void op_mmap_anon_exec(void)
{
	void *p = mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(p, SIZE);
}

static void op_mprotect(void)
{
	mprotect(page, SIZE, PROT_READ);
	mprotect(page, SIZE, PROT_READ | PROT_WRITE);
}

static void op_mprotect_exec(void)
{
	mprotect(page, SIZE, PROT_READ | PROT_EXEC);
	mprotect(page, SIZE, PROT_READ | PROT_WRITE);
}

static void op_socket(void)
{
	close(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static void op_open(void)
{
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static const struct {
	const char *name;
	void (*run)(void);
} ops[] = {
	{ "getppid", op_getppid },
	{ "mmap rw + munmap", op_mmap },
	{ "mmap of a library + munmap", op_mmap_library },
	{ "mmap r-x anonymous + munmap", op_mmap_anon_exec },
	{ "mprotect r, rw", op_mprotect },
	{ "mprotect r-x, rw (as a JIT)", op_mprotect_exec },
	{ "socket + close", op_socket },
	{ "open + close", op_open },
};

static double now(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	bool usage = argc < 3 || argc > 4;
	double seconds = usage ? 0 : atof(argv[1]);

	library = !usage ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
	page = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (seconds <= 0 || library < 0 || page == MAP_FAILED) {
		fprintf(stderr, "usage: memops SECONDS FILE [NAME]\n");
		return 64;
	}
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		double end = now(CLOCK_MONOTONIC) + seconds * 1e9,
		       cpu = now(CLOCK_PROCESS_CPUTIME_ID);
		unsigned long n = 0;
		if (argc == 4 && strcmp(argv[3], ops[i].name) != 0)
			continue;
		do {
			for (unsigned k = 0; k < 100; k++)
				ops[i].run();
			n += 100;
		} while (now(CLOCK_MONOTONIC) < end);
		printf("%.1f\t%s\n", (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)n,
		       ops[i].name);
	}
	return 0;
}
