/* SPDX-License-Identifier: Apache-2.0 */
/* The host record. */
#include "source/host_rec.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"

int64_t clock_unix_offset(void)
{
	/* The mean of two readings around the other clock: a preemption in between does no harm. */
	uint64_t before = clock_boottime(), unix_ns = clock_unix(), after = clock_boottime();
	return (int64_t)(unix_ns - (before + (after - before) / 2));
}

/* First line of a small file; "" if it can't be read. */
static size_t read_line(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, buf, cap);
	close(fd);
	if (n <= 0)
		return 0;
	const char *nl = memchr(buf, '\n', (size_t)n);
	return nl ? (size_t)(nl - buf) : (size_t)n;
}

/* Do we and the first process that we see, on a host the machine's own, live in one such namespace?
 */
static bool shared(const char *ns)
{
	char path[64], own[64], first[64];
	ssize_t n, m;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", ns);
	n = readlink(path, own, sizeof(own));
	snprintf(path, sizeof(path), "/proc/1/ns/%s", ns);
	m = readlink(path, first, sizeof(first));
	return m <= 0 || (n == m && !memcmp(own, first, (size_t)n));
}

void host_rec_make(union rec_buf *r)
{
	struct ev_host *h = (struct ev_host *)r;
	struct utsname u = { 0 };
	char line[128], name[HOST_NAME_MAX + 1];

	rec_init(r, EV_host, sizeof(*h));
	h->unix_offset = (u64)clock_unix_offset();
	uname(&u);
	size_t n = read_line("/proc/sys/kernel/random/boot_id", line, sizeof(line));
	rec_append(r, &h->boot_id, EVF_host_boot_id, line, n);
	/* In a container that shares the host's pid namespace it is the host that we watch. */
	n = shared("uts") ? 0 : read_line("/proc/1/root/etc/hostname", name, sizeof(name));
	if (n)
		rec_append(r, &h->hostname, EVF_host_hostname, name, n);
	else
		rec_append(r, &h->hostname, EVF_host_hostname, u.nodename, strlen(u.nodename));
	n = read_line("/proc/1/root/etc/machine-id", line, sizeof(line));
	if (!n)
		n = read_line("/etc/machine-id", line, sizeof(line));
	rec_append(r, &h->machine_id, EVF_host_machine_id, line, n);
	rec_append(r, &h->kernel, EVF_host_kernel, u.release, strlen(u.release));
	rec_append(r, &h->arch, EVF_host_arch, u.machine, strlen(u.machine));
}
