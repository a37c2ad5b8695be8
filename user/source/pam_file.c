/* SPDX-License-Identifier: Apache-2.0 */
/* Finding copies of libpam. */
#include "source/pam_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "source/elf_symbol.h"

struct line {
	uint64_t start, end, offset;
	char perms[5];
	const char *path; /* "" without one */
};

/* A line of /proc/PID/maps (proc_pid_maps(5)). */
static bool parse_line(const char *text, struct line *ret)
{
	int path = 0;

	if (sscanf(text, "%lx-%lx %4s %lx %*s %*s %n", &ret->start, &ret->end, ret->perms,
		   &ret->offset, &path) < 4 ||
	    !path)
		return false;
	ret->path = text + path;
	return true;
}

typedef bool line_fn(void *ctx, const struct line *l); /* true: that was it */

/* Did a line satisfy? */
static bool each_line(const char *maps, line_fn *fn, void *ctx)
{
	FILE *f = fopen(maps, "re");
	char *text = NULL;
	size_t cap = 0;
	bool found = false;
	struct line l;

	while (f && !found && getline(&text, &cap, f) > 0) {
		text[strcspn(text, "\n")] = '\0';
		found = parse_line(text, &l) && fn(ctx, &l);
	}
	free(text);
	if (f)
		fclose(f);
	return found;
}

/* --- a process's copy --- */

struct look {
	uint32_t pid;
	struct pam_file *ret;
};

/* What a path leads to in a process's own root directory. */
static int open_in_root(uint32_t pid, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	char root[32];

	snprintf(root, sizeof(root), "/proc/%u/root", pid);
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	close(dir);
	return fd;
}

/* By the mapping itself, which needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE; else by its path. */
static int open_mapped(uint32_t pid, const struct line *l)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%u/map_files/%lx-%lx", pid, l->start, l->end);
	int fd = open(path, O_PATH | O_CLOEXEC);
	return fd >= 0 ? fd : open_in_root(pid, l->path);
}

static uint64_t mount_namespace(uint32_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", pid);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* No server of a file system is asked. */
static bool identify(uint32_t pid, struct pam_file *f)
{
	struct statx st;

	if (statx(f->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
		  STATX_TYPE | STATX_INO | STATX_UID | STATX_MODE, &st) ||
	    !S_ISREG(st.stx_mode))
		return false;
	f->ino = st.stx_ino;
	f->dev_major = st.stx_dev_major;
	f->dev_minor = st.stx_dev_minor;
	f->root = !st.stx_uid;
	f->user = pid;
	f->mntns = mount_namespace(pid);
	return f->mntns;
}

/* A mount namespace that is not the host's may be gone soon; most have the host's files. */
static void prefer_host(struct pam_file *f, const char *path)
{
	struct pam_file host = { .fd = open_in_root(1, path) };

	if (host.fd >= 0 && identify(1, &host) && pam_file_same(&host, f)) {
		pam_file_close(f);
		*f = host;
	} else {
		pam_file_close(&host);
	}
}

static bool is_code_of_libpam(const struct line *l)
{
	const char *name = strrchr(l->path, '/');

	return name && l->perms[2] == 'x' && !strncmp(name, "/libpam.so", strlen("/libpam.so"));
}

static bool take_line(void *ctx, const struct line *l)
{
	struct look *look = ctx;
	struct pam_file f = { .fd = -1 };

	if (!is_code_of_libpam(l))
		return false;
	f.fd = open_mapped(look->pid, l);
	if (f.fd < 0 || !identify(look->pid, &f)) {
		pam_file_close(&f);
		return false;
	}
	prefer_host(&f, l->path);
	*look->ret = f;
	return true;
}

int pam_file_of(uint32_t pid, struct pam_file *ret)
{
	struct look look = { pid, ret };
	char maps[32];

	snprintf(maps, sizeof(maps), "/proc/%u/maps", pid);
	return each_line(maps, take_line, &look) ? 0 : -ENOENT;
}

/* --- all processes --- */

static void each_process(void (*fn)(void *ctx, uint32_t pid), void *ctx)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (isdigit((unsigned char)*e->d_name))
			fn(ctx, (uint32_t)strtoul(e->d_name, NULL, 10));
	if (d)
		closedir(d);
}

struct scan {
	pam_file_fn *fn;
	void *ctx;
};

static void scan_process(void *ctx, uint32_t pid)
{
	const struct scan *s = ctx;
	struct pam_file f;

	if (!pam_file_of(pid, &f))
		s->fn(s->ctx, &f);
}

void pam_files_scan(pam_file_fn *fn, void *ctx)
{
	struct scan s = { fn, ctx };

	each_process(scan_process, &s);
}

/* --- one that we have --- */

bool pam_file_same(const struct pam_file *a, const struct pam_file *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

bool pam_file_gone(const struct pam_file *f)
{
	struct statx st;

	return !statx(f->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &st) &&
	       !st.stx_nlink;
}

bool pam_file_in_use(const struct pam_file *f)
{
	return f->user && mount_namespace(f->user) == f->mntns;
}

struct lost {
	struct pam_file **f;
	unsigned n;
};

static void offer_user(void *ctx, uint32_t pid)
{
	const struct lost *l = ctx;
	uint64_t ns = mount_namespace(pid);

	for (unsigned i = 0; i < l->n; i++)
		if (!l->f[i]->user && l->f[i]->mntns == ns)
			l->f[i]->user = pid;
}

void pam_files_find_users(struct pam_file **f, unsigned n)
{
	struct lost l = { f, n };

	for (unsigned i = 0; i < n; i++)
		f[i]->user = 0;
	each_process(offer_user, &l);
}

int pam_file_symbols(const struct pam_file *f, const char *const *names, unsigned n, uint64_t *ret)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = elf_symbols(fd, names, n, ret);
	close(fd);
	return rc;
}

void pam_file_close(struct pam_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

/* --- our own program --- */

struct own {
	uint64_t addr, offset;
};

static bool has_address(void *ctx, const struct line *l)
{
	struct own *o = ctx;

	if (o->addr < l->start || o->addr >= l->end)
		return false;
	o->offset = o->addr - l->start + l->offset;
	return true;
}

uint64_t pam_own_offset(uintptr_t addr)
{
	struct own o = { .addr = addr };

	each_line("/proc/self/maps", has_address, &o);
	return o.offset;
}
