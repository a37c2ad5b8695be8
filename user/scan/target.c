/* SPDX-License-Identifier: Apache-2.0 */
/* Access to a process's memory. */
#include "scan/target.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned long long status_field(const char *status, const char *key, int base)
{
	const char *at = strstr(status, key);
	return at ? strtoull(at + strlen(key), NULL, base) : 0;
}

/* The tracer is a thread's: a debugger need not have attached to the first one. */
static uint32_t find_tracer(const struct target *t)
{
	char name[64], status[1024];
	uint32_t tracer = 0;
	int fd = openat(t->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	unsigned n = 0;

	if (!tasks) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (struct dirent *d; !tracer && n < TARGET_THREADS_MAX && (d = readdir(tasks)); n++) {
		if (!isdigit((unsigned char)*d->d_name))
			continue;
		snprintf(name, sizeof(name), "%.20s/status", d->d_name);
		file_slurp(fd, name, status, sizeof(status));
		tracer = (uint32_t)status_field(status, "\nTracerPid:", 10);
	}
	closedir(tasks);
	return tracer;
}

static void read_facts(struct target *t)
{
	char text[4096];

	file_slurp(t->dir, "status", text, sizeof(text));
	t->traps_caught = status_field(text, "\nSigCgt:", 16) >> (SIGTRAP - 1) & 1;
	t->tracer = find_tracer(t);
	file_slurp(t->dir, "personality", text, sizeof(text));
	t->all_executable = strtoul(text, NULL, 16) & READ_IMPLIES_EXEC;
	ssize_t n = readlinkat(t->dir, "exe", t->exe, sizeof(t->exe) - 1);
	t->exe[n > 0 ? n : 0] = '\0';
	t->exe_nlink = 1;
	struct statx st; /* the file's server, if it has one, is not asked */
	if (statx(t->dir, "exe", AT_STATX_DONT_SYNC, STATX_INO | STATX_NLINK, &st))
		return;
	t->exe_inode = st.stx_ino;
	t->exe_dev = st.stx_dev_major << 20 | st.stx_dev_minor;
	t->exe_nlink = st.stx_nlink;
}

int target_open(struct target *t, pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	t->pid = pid;
	t->mem = t->pagemap = -1;
	t->threads_known = false;
	t->nthreads = 0;
	t->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	int rc = maps_read(&t->maps, t->dir);
	if (!rc && !t->maps.n)
		rc = -ENODATA;
	if (!rc) {
		t->mem = openat(t->dir, "mem", O_RDONLY | O_CLOEXEC);
		t->pagemap = openat(t->dir, "pagemap", O_RDONLY | O_CLOEXEC);
		if (t->mem < 0 || t->pagemap < 0)
			rc = -errno;
	}
	if (rc) {
		target_close(t);
		return rc;
	}
	read_facts(t);
	return 0;
}

void target_close(struct target *t)
{
	const int fds[] = { t->dir, t->mem, t->pagemap };

	for (unsigned i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	t->dir = t->mem = t->pagemap = -1;
}

void target_free(struct target *t)
{
	maps_free(&t->maps);
}

/*
 * /proc/PID/task/TID/syscall: "running", "-1 SP PC" outside of a call, else "NR ARG1 … ARG6 SP PC"
 * (proc_pid_syscall(5)).
 */
static bool parse_syscall(const char *text, uint64_t *ret_pc)
{
	const char *last = strrchr(text, ' ');

	if (!isdigit((unsigned char)*text) || !last)
		return false;
	*ret_pc = strtoull(last + 1, NULL, 16);
	return true;
}

void target_threads(struct target *t)
{
	if (t->threads_known)
		return;
	t->threads_known = true;
	int fd = openat(t->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	char name[64], text[256];

	if (!tasks) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *d; t->nthreads < TARGET_THREADS_MAX && (d = readdir(tasks));) {
		if (!isdigit((unsigned char)*d->d_name))
			continue;
		snprintf(name, sizeof(name), "%.20s/syscall", d->d_name);
		file_slurp(fd, name, text, sizeof(text));
		if (!parse_syscall(text, &t->thread[t->nthreads].pc))
			continue;
		t->thread[t->nthreads++].tid = (uint32_t)strtoul(d->d_name, NULL, 10);
	}
	closedir(tasks);
}

size_t target_read(const struct target *t, uint64_t addr, void *buf, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(t->mem, (char *)buf + got, len - got, (off_t)(addr + got));
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

size_t target_pages(const struct target *t, uint64_t addr, uint64_t *ret, size_t n)
{
	off_t at = (off_t)(addr / page_size() * sizeof(*ret));
	ssize_t got = pread(t->pagemap, ret, n * sizeof(*ret), at);

	return got > 0 ? (size_t)got / sizeof(*ret) : 0;
}

int target_map_file(const struct target *t, const struct map *v, int flags)
{
	char name[64];

	snprintf(name, sizeof(name), "map_files/%llx-%llx", (unsigned long long)v->start,
		 (unsigned long long)v->end);
	int fd = openat(t->dir, name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
