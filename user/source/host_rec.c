/* SPDX-License-Identifier: Apache-2.0 */
/* The host record. */
#include "source/host_rec.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

int64_t clock_unix_offset(void)
{
	/* The mean of two readings around the other clock: a preemption in between does no harm. */
	uint64_t before = clock_boottime(), unix_ns = clock_unix(), after = clock_boottime();
	return (int64_t)(unix_ns - (before + (after - before) / 2));
}

/* First line of a small file; "" if it can't be read. */
static size_t read_line(const char *path, char *buf, size_t cap)
{
	size_t n = file_slurp(AT_FDCWD, path, buf, cap);
	const char *nl = memchr(buf, '\n', n);
	return nl ? (size_t)(nl - buf) : n;
}

/* Is our host name that of pid 1? Yes outside of containers. */
static bool shares_uts_namespace(void)
{
	char own[64], first[64];
	ssize_t n = readlink("/proc/self/ns/uts", own, sizeof(own));
	ssize_t m = readlink("/proc/1/ns/uts", first, sizeof(first));
	return m <= 0 || (n == m && !memcmp(own, first, (size_t)n));
}

/*
 * In a container that shares the host's pid namespace it is the host that we watch, and pid 1 shows
 * the host's files.
 */
void host_rec_make(union rec_buf *r)
{
	struct ev_host *h = (struct ev_host *)r;
	struct utsname u = { 0 };
	char line[128];

	rec_init(r, EV_host, sizeof(*h));
	h->unix_offset = (u64)clock_unix_offset();
	uname(&u);
	size_t n = read_line("/proc/sys/kernel/random/boot_id", line, sizeof(line));
	rec_append(r, &h->boot_id, EVF_host_boot_id, line, n);
	n = shares_uts_namespace() ? 0 : read_line("/proc/1/root/etc/hostname", line, sizeof(line));
	if (n)
		rec_append(r, &h->hostname, EVF_host_hostname, line, n);
	else
		rec_append(r, &h->hostname, EVF_host_hostname, u.nodename, strlen(u.nodename));
	n = read_line("/proc/1/root/etc/machine-id", line, sizeof(line));
	if (!n)
		n = read_line("/etc/machine-id", line, sizeof(line));
	rec_append(r, &h->machine_id, EVF_host_machine_id, line, n);
	rec_append(r, &h->kernel, EVF_host_kernel, u.release, strlen(u.release));
	rec_append(r, &h->arch, EVF_host_arch, u.machine, strlen(u.machine));
}
