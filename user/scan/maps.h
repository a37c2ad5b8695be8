/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory map of a process, proc_pid_maps(5). Names in it are chosen by the process: what a
 * mapping is follows from device, inode and the kernel's own marks.
 */
#ifndef REDSHANK_SCAN_MAPS_H
#define REDSHANK_SCAN_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define MAPS_MAX   65536 /* mappings of a process; vm.max_map_count is 65530 */
#define MAPS_NAMES (4U << 20) /* bytes of names kept */
#define MAPS_LINE  (4 * 4096 + 128) /* a line: a path with every byte escaped */

enum mapping_kind {
	MAPPING_anon, /* private memory: without a name, [heap], [stack], [anon:…] */
	MAPPING_file, /* a file, or what the kernel shows as one */
	MAPPING_special, /* the kernel's own: [vdso], [vvar], [uprobes], … */
};

struct map {
	uint64_t start, end, offset; /* offset: in the file */
	uint64_t inode;
	uint32_t dev; /* kernel dev_t: 12 bits of major, 20 of minor */
	uint32_t name; /* offset in maps.names; "" if it has none */
	enum mapping_kind kind;
	char perms[5]; /* "r-xp" */
};

struct maps {
	struct map *map;
	unsigned n, cap;
	bool cut; /* there were more than fit */
	struct buf names;
	char line[MAPS_LINE];
	size_t have; /* bytes of a line that is not whole yet */
	bool skip; /* the line is too long: until its end */
};

/*
 * One line without its newline. *ret_name points into the line, not ended, escapes as they are.
 * -EBADMSG if it is none.
 */
int map_parse(const char *line, size_t len, struct map *ret, const char **ret_name,
	      size_t *ret_len);

/* Undoes "\012" for newline, in place; the new length. */
size_t map_unescape(char *name, size_t len);

/* Takes in bytes of a maps file, as they come; reset before the first. 0 or -ENOMEM. */
void maps_reset(struct maps *m);
int maps_add(struct maps *m, const char *p, size_t len);
void maps_free(struct maps *m);

/* Reads dir/maps, dir being the process's directory. 0 or negative errno. */
int maps_read(struct maps *m, int dir);

static inline const char *map_name(const struct maps *m, const struct map *v)
{
	return m->names.data + v->name;
}

static inline bool map_executable(const struct map *v)
{
	return v->perms[2] == 'x';
}

static inline bool map_writable(const struct map *v)
{
	return v->perms[1] == 'w';
}

/* The mapping that the address is in; NULL if it is in none. */
const struct map *maps_at(const struct maps *m, uint64_t addr);

#endif
