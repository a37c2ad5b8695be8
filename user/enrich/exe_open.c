/* SPDX-License-Identifier: Apache-2.0 */
/* Opening what a process runs, and what only root can have put in its place. */
#include "enrich/exe_open.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The process may run something else by now, on a file system whose server is the attacker (FUSE)
 * and never answers: so nothing is opened for reading, and no server is asked, before device and
 * inode are those of the record.
 */
int exe_open(uint32_t pid, const struct exe_id *id)
{
	struct statx st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	int at = open(path, O_PATH | O_CLOEXEC);
	if (at < 0)
		return -1;
	int fd = -1;
	if (!statx(at, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) &&
	    st.stx_ino == id->ino &&
	    (id->any_dev ||
	     (st.stx_dev_major == id->dev >> 20 && st.stx_dev_minor == (id->dev & 0xfffff)))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", at);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	close(at);
	return fd;
}

/*
 * Can only root (or whoever we run as) have made this, and put something else in its place? In a
 * sticky directory such as /tmp, what is root's stays root's.
 */
bool exe_trusted(int fd, bool dir)
{
	struct stat st;
	if (fstat(fd, &st) || (st.st_uid && st.st_uid != geteuid()))
		return false;
	return !(st.st_mode & S_IWOTH) || (dir && st.st_mode & S_ISVTX);
}

/*
 * A root directory that the process had no hand in: ours, then (we may be in a container) the
 * host's, which is that of pid 1 or, where that one is closed even to root, of kthreadd: pid 2 in
 * the initial pid namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h).
 */
int exe_open_root(bool host)
{
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	char ns[32] = "";

	if (!host)
		return open("/", flags);
	int fd = open("/proc/1/root", flags);
	if (fd < 0 && readlink("/proc/self/ns/pid", ns, sizeof(ns) - 1) > 0 &&
	    !strcmp(ns, "pid:[4026531836]"))
		fd = open("/proc/2/root", flags);
	return fd;
}

/*
 * Opens a path below a root (which it closes), one component after the other, each trusted: paths
 * and mounts in the process's own namespace are the process's to make up, and on the way through a
 * directory of its own a FUSE mount could hold us for ever.
 */
static int open_below(int fd, const char *path, size_t len)
{
	const char *end = path + len;

	while (fd >= 0 && path < end) {
		char name[NAME_MAX + 1];
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t n = (size_t)((slash ? slash : end) - path);
		int next = -1;

		memcpy(name, path, n < sizeof(name) ? n : 0);
		name[n < sizeof(name) ? n : 0] = '\0';
		path += n + 1;
		if (!n) /* the first, or two slashes */
			continue;
		if (exe_trusted(fd, true))
			next = openat(fd, name,
				      (slash ? O_PATH | O_DIRECTORY
					     : O_RDONLY | O_NONBLOCK | O_NOCTTY) |
					      O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	return fd;
}

int exe_open_trusted(bool host, const char *path, size_t len)
{
	int fd = open_below(exe_open_root(host), path, len);

	if (fd >= 0 && !exe_trusted(fd, false)) {
		close(fd);
		return -1;
	}
	return fd;
}
