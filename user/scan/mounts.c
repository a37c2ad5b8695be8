/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a process's namespace. */
#include "scan/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* linux/openat2.h since 5.12 */
#endif

static bool served_by_others(const char *type)
{
	static const char *const types[] = { "fuse", "fuseblk", "nfs", "nfs4", "cifs",
					     "smb3", "ceph",	"afs", "9p" };

	if (!strncmp(type, "fuse.", 5))
		return true;
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

/* "36 35 98:0 /root /mount options [tags] - type source options" */
static void add(struct mounts *m, char *line)
{
	unsigned major, minor;
	char type[32];
	const char *dash = strstr(line, " - ");

	if (!dash || sscanf(line, "%*u %*u %u:%u", &major, &minor) != 2 ||
	    sscanf(dash, " - %31s", type) != 1)
		return;
	bool others = served_by_others(type);
	m->remote |= others || m->n == MOUNTS_MAX;
	if (m->n == MOUNTS_MAX)
		return;
	m->mount[m->n].dev = major << 20 | minor;
	m->mount[m->n++].local = !others;
	/* An overlay is as local as its layers are, and these it does not tell. */
	if (!strcmp(type, "overlay"))
		m->mount[m->n - 1].local = !m->remote;
}

void mounts_read(struct mounts *m, int dir)
{
	size_t cap = 0;
	char *line = NULL;
	int fd = openat(dir, "mountinfo", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	m->known = true;
	m->n = 0;
	m->remote = !f;
	while (f && getline(&line, &cap, f) > 0)
		add(m, line);
	free(line);
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
}

/* A device with a major number is a disk; without one it must be known. */
bool mounts_local(const struct mounts *m, uint32_t dev)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->mount[i].dev == dev)
			return m->mount[i].local;
	return dev >> 20;
}

int mounts_open(const struct mounts *m, int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(O_PATH | O_CLOEXEC | flags),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	how.resolve |= m->remote ? RESOLVE_CACHED : 0;
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}
