/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code of files that have no name: of memory files (memfd), of deleted ones, and programs whose own
 * file was deleted. A program that was started from a memfd is told by its exec or proc record.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan/elf.h"
#include "scan/scan_private.h"

static const char deleted_mark[] = " (deleted)";

/* The name without " (deleted)". False if it has none of that. */
static bool plain_name(const char *name, char *ret, size_t cap)
{
	size_t len = strlen(name), mark = sizeof(deleted_mark) - 1;

	if (len <= mark || strcmp(name + len - mark, deleted_mark) || len - mark >= cap)
		return false;
	memcpy(ret, name, len - mark);
	ret[len - mark] = '\0';
	return true;
}

/* --- where it was --- */

/* Mode of what the path leads to in the process's root; 0: nothing, or it can't be told. */
static unsigned mode_of(struct scanner *s, int root, const char *path)
{
	struct statx st;
	int fd = mounts_open(scan_mounts(s), root, path, 0);

	if (fd < 0)
		return 0;
	unsigned mode = statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MODE, &st)
				? 0
				: st.stx_mode;
	close(fd);
	return mode;
}

/* Is the path in a directory that everybody may write to, or below one? */
static bool is_temporary(struct scanner *s, int root, const char *path)
{
	char dir[4096];

	for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
		size_t n = (size_t)(slash - path);
		if (n >= sizeof(dir))
			return false;
		memcpy(dir, path, n);
		dir[n] = '\0';
		unsigned mode = mode_of(s, root, dir);
		if (S_ISDIR(mode) && mode & S_IWOTH)
			return true;
	}
	return false;
}

/*
 * /proc tells paths as we see them, if the mounts are ours too (a chroot is in the way then), else
 * from the root of the other mount namespace.
 */
static int open_root(const struct scanner *s)
{
	char own[64], other[64];
	ssize_t n = readlink("/proc/self/ns/mnt", own, sizeof(own));
	ssize_t m = readlinkat(s->target.dir, "ns/mnt", other, sizeof(other));
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

	if (n > 0 && n == m && !memcmp(own, other, (size_t)n))
		return open("/", flags);
	return openat(s->target.dir, "root", flags);
}

static uint32_t facts_of_path(struct scanner *s, const char *name)
{
	char path[4096 + 16];
	uint32_t flags = 0;
	int root = open_root(s);

	if (root >= 0 && plain_name(name, path, sizeof(path))) {
		flags |= S_ISREG(mode_of(s, root, path)) ? SCAN_F_REPLACED : 0;
		flags |= is_temporary(s, root, path) ? SCAN_F_TEMPORARY : 0;
	}
	if (root >= 0)
		close(root);
	return flags;
}

/* --- is it deleted? --- */

static bool map_is_deleted(const struct scanner *s, const struct map *v)
{
	char link[64], path[4096 + 16];
	struct statx st;

	if (!plain_name(map_name(&s->target.maps, v), path, sizeof(path)))
		return false;
	snprintf(link, sizeof(link), "map_files/%llx-%llx", (unsigned long long)v->start,
		 (unsigned long long)v->end);
	/* No server is asked. Where it may not be looked at, the name is believed. */
	return statx(s->target.dir, link, AT_STATX_DONT_SYNC, STATX_NLINK, &st) || !st.stx_nlink;
}

/* --- memory files --- */

static bool same_file(const struct map *a, const struct map *b)
{
	return a->inode == b->inode && a->dev == b->dev;
}

/* Is it the program that runs? Then that is told elsewhere. Of an overlay, maps have other numbers.
 */
static bool is_exe(const struct scanner *s, const struct map *v)
{
	return *s->target.exe && !strcmp(s->target.exe, map_name(&s->target.maps, v)) &&
	       (v->inode == s->target.exe_inode || v->dev != s->target.exe_dev);
}

/* Is the same file's beginning mapped, and is it ELF? That mapping need not be executable. */
static bool begins_as_elf(struct scanner *s, const struct map *v, struct scan_code *c)
{
	struct elf_image im;

	for (unsigned i = 0; i < s->target.maps.n; i++) {
		const struct map *o = &s->target.maps.map[i];
		if (!same_file(o, v) || o->offset || o->kind != MAPPING_file)
			continue;
		size_t n = target_read(&s->target, o->start, s->chunk, page_size());
		if (!elf_parse(s->chunk, n, &im))
			continue;
		c->flags |= SCAN_F_ELF;
		c->at = o->start;
		c->nbytes = SCAN_BYTES;
		memcpy(c->bytes, s->chunk, SCAN_BYTES);
		return true;
	}
	return false;
}

static bool has_writable_twin(const struct scanner *s, const struct map *v)
{
	for (unsigned i = 0; i < s->target.maps.n; i++) {
		const struct map *o = &s->target.maps.map[i];
		if (o != v && o->kind == MAPPING_file && same_file(o, v) && map_writable(o) &&
		    o->perms[3] == 's')
			return true;
	}
	return false;
}

static int memory_file(struct scanner *s, const struct map *v, size_t *budget)
{
	struct scan_code c;
	int rc = scan_code(s, v, budget, &c);
	struct scan_finding f = { .kind = SCAN_memory_file, .map = v };

	if (!(c.flags & SCAN_F_ELF))
		begins_as_elf(s, v, &c);
	f.flags = c.flags | (map_writable(v) ? SCAN_F_WRITABLE : 0) |
		  (has_writable_twin(s, v) ? SCAN_F_WRITABLE_TWIN : 0);
	f.at = c.at;
	f.thread = c.thread;
	f.nbytes = c.nbytes;
	memcpy(f.bytes, c.bytes, c.nbytes);
	for (unsigned i = 0; i < s->target.maps.n; i++) {
		const struct map *o = &s->target.maps.map[i];
		if (o->kind != MAPPING_file || !same_file(o, v) || !map_executable(o))
			continue;
		f.regions++;
		f.size += o->end - o->start;
	}
	scan_found(s, &f);
	return rc;
}

static void deleted_file(struct scanner *s, const struct map *v)
{
	struct scan_finding f = {
		.kind = SCAN_deleted_file,
		.flags = facts_of_path(s, map_name(&s->target.maps, v)),
		.regions = 1,
		.map = v,
	};
	scan_found(s, &f);
}

/* Executable files are told once, although each is mapped several times, one after the other. */
static bool told_before(const struct scanner *s, unsigned index)
{
	const struct map *map = s->target.maps.map;

	for (unsigned i = index; i-- && index - i < 64;)
		if (map_executable(&map[i]) && same_file(&map[i], &map[index]))
			return true;
	return false;
}

static void deleted_exe(struct scanner *s)
{
	char path[4096 + 16];

	if (!plain_name(s->target.exe, path, sizeof(path)) || s->target.exe_nlink ||
	    s->target.exe_dev == s->shm_dev)
		return;
	struct scan_finding f = {
		.kind = SCAN_deleted_exe,
		.flags = facts_of_path(s, s->target.exe),
		.path = s->target.exe,
	};
	scan_found(s, &f);
}

int scan_files(struct scanner *s)
{
	const struct maps *m = &s->target.maps;
	size_t budget = SCAN_CODE_MAX;
	int rc = 0;

	deleted_exe(s);
	for (unsigned i = 0; !rc && i < m->n; i++) {
		const struct map *v = &m->map[i];
		if (v->kind != MAPPING_file || !map_executable(v) || is_exe(s, v) ||
		    told_before(s, i))
			continue;
		if (scan_is_memory_file(s, v))
			rc = memory_file(s, v, &budget);
		else if (map_is_deleted(s, v))
			deleted_file(s, v);
	}
	return rc;
}
