/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the triggers share. A trigger does one thing to be seen and prints one line of JSON that
 * says what it did; its exit status is 0 if it could. Triggers are static programs without any
 * library of this tree, so that they run in an empty root directory.
 */
#ifndef REDSHANK_TRIGGER_H
#define REDSHANK_TRIGGER_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* linux/memfd.h since 6.3 */
#endif

extern char **environ;

__attribute__((noreturn)) static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* One line, in one write: other processes may print to the same pipe. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *fmt, ...)
{
	char line[8192];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) - 1)
		abort();
	line[n++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		die("standard output");
}

static inline void write_all(int fd, const char *p, size_t n)
{
	for (ssize_t k; n; p += k, n -= (size_t)k)
		if ((k = write(fd, p, n)) <= 0)
			die("write");
}

/* The running program, whole. */
static inline char *read_self(size_t *ret_size)
{
	struct stat st;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		die("/proc/self/exe");
	size_t size = (size_t)st.st_size, got = 0;
	char *p = malloc(size);
	if (!p)
		die("malloc");
	for (ssize_t k; got < size; got += (size_t)k)
		if ((k = read(fd, p + got, size - got)) <= 0)
			die("read");
	close(fd);
	*ret_size = size;
	return p;
}

static inline int memfd_with(const char *name, unsigned flags, const char *p, size_t n)
{
	int fd = memfd_create(name, flags | MFD_EXEC);
	if (fd < 0 && errno == EINVAL) /* before 6.3 */
		fd = memfd_create(name, flags);
	if (fd < 0)
		die("memfd_create");
	write_all(fd, p, n);
	return fd;
}

/* Until whoever started us has seen enough and closes our standard input. */
static inline void wait_for_eof(void)
{
	char c;
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

/* Where the process has its vDSO. */
static inline unsigned long vdso_of(pid_t pid)
{
	char path[64], line[512];
	unsigned long at = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "[vdso]"))
			at = strtoul(line, NULL, 16);
	if (!at)
		die(path);
	fclose(f);
	return at;
}

#endif
