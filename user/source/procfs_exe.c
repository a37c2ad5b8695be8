/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of the file that a process runs, and of its directory. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "source/procfs_private.h"

/* include/uapi/linux/magic.h, include/linux/kdev_t.h */
#define TMPFS_MAGIC	      0x01021994
#define RAMFS_MAGIC	      0x858458f6
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define KERNEL_DEV(st_dev_)   (major(st_dev_) << 20 | minor(st_dev_))

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U /* Linux 5.8 */
#endif

/* Is this what the process finds by the name? */
static bool is_named(int dir, const char *path, const struct stat *st)
{
	static _Thread_local char below[EV_PATH_MAX + 64];
	struct stat found;
	snprintf(below, sizeof(below), "root%s", path);
	return !fstatat(dir, below, &found, AT_SYMLINK_NOFOLLOW) && found.st_dev == st->st_dev &&
	       found.st_ino == st->st_ino;
}

/*
 * Where a link of /proc leads, as the process sees it: below its own root, and without what /proc
 * adds to removed names (*ret_deleted). NULL if it can't be read.
 */
static const char *link_of(int dir, const char *name, const struct stat *st, bool *ret_deleted)
{
	static const char mark[] = " (deleted)";
	static _Thread_local char path[EV_PATH_MAX + sizeof(mark)], root[EV_PATH_MAX];
	ssize_t n = readlinkat(dir, name, path, sizeof(path) - 1);
	ssize_t m = readlinkat(dir, "root", root, sizeof(root));

	*ret_deleted = false;
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	char *at = path;
	if (m > 1 && n >= m && !memcmp(path, root, (size_t)m) && (path[m] == '/' || !path[m]))
		at = path[m] ? path + m : memcpy(path, "/", 2);
	size_t len = strlen(at), cut = strlen(mark);
	if (len > cut && !strcmp(at + len - cut, mark) && !is_named(dir, at, st)) {
		at[len - cut] = '\0';
		*ret_deleted = true;
	}
	return at;
}

/* Device of the kernel's own mount of memory: that of any memfd. */
static dev_t memfd_dev(void)
{
	static _Thread_local dev_t dev;
	struct stat st;
	int fd = dev ? -1 : memfd_create("redshank", MFD_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &st))
		dev = st.st_dev;
	if (fd >= 0)
		close(fd);
	return dev;
}

/* Finds the mount in mountinfo: its device, and its type in fs. False if it is not there. */
static bool find_mount(int dir, u64 id, u32 *ret_dev, char *fs, size_t cap)
{
	int fd = openat(dir, "mountinfo", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	while (f && !found && getline(&line, &room, f) > 0) {
		unsigned long long number;
		unsigned maj, min;
		if (sscanf(line, "%llu %*u %u:%u", &number, &maj, &min) != 3 || number != id)
			continue;
		const char *type = strstr(line, " - ");
		type = type ? type + 3 : "";
		snprintf(fs, cap, "%.*s", (int)strcspn(type, " "), type);
		*ret_dev = maj << 20 | min;
		found = true;
	}
	free(line);
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
	return found;
}

static u32 seals_of(int dir)
{
	int fd = openat(dir, "exe", O_RDONLY | O_CLOEXEC);
	int seals = fd < 0 ? 0 : fcntl(fd, F_GET_SEALS);
	if (fd >= 0)
		close(fd);
	return seals > 0 ? (u32)seals : 0;
}

/* The judgement of bpf/lib/exe.h, as far as /proc has its facts. */
static u32 origin_of(const struct ev_proc *p)
{
	if (p->exe_flags & EXE_F_INTERNAL_MOUNT)
		return EXE_ORIGIN_memfd;
	if (!p->exe_nlink)
		return EXE_ORIGIN_unlinked;
	if (p->exe_magic == TMPFS_MAGIC || p->exe_magic == RAMFS_MAGIC)
		return EXE_ORIGIN_tmpfs;
	if (p->exe_magic == OVERLAYFS_SUPER_MAGIC)
		return EXE_ORIGIN_unknown; /* which layer, /proc does not say */
	return EXE_ORIGIN_regular;
}

void procfs_put_exe(union rec_buf *r, int dir)
{
	struct ev_proc *p = (struct ev_proc *)r;
	char path[64], type[32] = "";
	struct statx sx;
	struct statfs fs;
	struct stat st;
	bool deleted;

	if (fstatat(dir, "exe", &st, 0)) /* a kernel thread */
		return;
	p->exe_ino = st.st_ino;
	p->exe_size = (u64)st.st_size;
	p->exe_dev = KERNEL_DEV(st.st_dev);
	p->exe_nlink = (u32)st.st_nlink;
	p->exe_mode = st.st_mode;
	p->exe_uid = st.st_uid;
	p->exe_gid = st.st_gid;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/exe", dir);
	if (!statfs(path, &fs))
		p->exe_magic = (u64)fs.f_type;
	const char *exe = link_of(dir, "exe", &st, &deleted);
	if (st.st_dev == memfd_dev()) {
		p->exe_flags |= EXE_F_INTERNAL_MOUNT;
		p->exe_seals = seals_of(dir);
		snprintf(type, sizeof(type), "tmpfs");
		if (exe && !strncmp(exe, "/memfd:", 7))
			p->exe_flags |= EXE_F_MEMFD_NAME;
	} else if (!statx(dir, "exe", 0, STATX_MNT_ID, &sx) && sx.stx_mask & STATX_MNT_ID &&
		   !find_mount(dir, sx.stx_mnt_id, &p->exe_dev, type, sizeof(type))) {
		p->exe_flags |= EXE_F_DETACHED;
	}
	if (deleted && !(p->exe_flags & EXE_F_INTERNAL_MOUNT)) /* all names there end so */
		p->exe_flags |= EXE_F_UNHASHED;
	p->exe_origin = origin_of(p);
	if (exe)
		rec_append(r, &p->exe, EVF_proc_exe, exe, strlen(exe));
	rec_append(r, &p->exe_fs, EVF_proc_exe_fs, type, strlen(type));
}

void procfs_put_cwd(union rec_buf *r, int dir)
{
	struct ev_proc *p = (struct ev_proc *)r;
	struct stat st;
	bool deleted;

	const char *path = fstatat(dir, "cwd", &st, 0) ? NULL : link_of(dir, "cwd", &st, &deleted);
	if (path)
		rec_append(r, &p->cwd, EVF_proc_cwd, path, strlen(path));
}
