/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code that differs from its file. The kernel gives a process its own copy of a page of a private
 * mapping when something writes to it: only such pages can differ, and only they are compared. Code
 * of position-independent objects is not relocated, so it is to be the file's, byte for byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "scan/code.h"
#include "scan/elf.h"
#include "scan/scan_private.h"

#define PAGES_MAX 16384 /* pages of one process that are compared */

/* What is compared with what, and what came of it. */
struct comparison {
	const struct map *map;
	int fd; /* the file, or -1: */
	const uint8_t *mem; /* our own vDSO, which is every process's */
	size_t mem_len;
	uint64_t other; /* bytes that no breakpoint explains */
	struct scan_finding f;
};

/* The bytes of a page as they should be. */
static bool read_original(const struct comparison *c, uint64_t off, uint8_t *page, size_t len)
{
	memset(page, 0, len); /* behind its end a file's page is zero */
	if (c->fd >= 0)
		return pread(c->fd, page, len, (off_t)off) >= 0;
	if (off < c->mem_len)
		memcpy(page, c->mem + off, len < c->mem_len - off ? len : c->mem_len - off);
	return true;
}

/* Of the kernel's page for optimized uprobes; equal: there is none. */
static void find_trampoline(const struct scanner *s, uint64_t *ret_start, uint64_t *ret_end)
{
	*ret_start = *ret_end = 0;
	for (unsigned i = 0; i < s->target.maps.n; i++) {
		const struct map *v = &s->target.maps.map[i];
		if (v->kind != MAPPING_special ||
		    strcmp(map_name(&s->target.maps, v), "[uprobes-trampoline]"))
			continue;
		*ret_start = *ret_start ? *ret_start : v->start;
		*ret_end = v->end;
	}
}

static void show(struct comparison *c, uint64_t addr, size_t first, const uint8_t *page,
		 const uint8_t *file)
{
	struct scan_finding *f = &c->f;
	size_t n = page_size() - first;

	f->at = addr + first;
	f->offset = addr - c->map->start + c->map->offset + first;
	f->nbytes = n < SCAN_BYTES ? (unsigned)n : SCAN_BYTES;
	f->has_expected = true;
	memcpy(f->bytes, page + first, f->nbytes);
	memcpy(f->expected, file + first, f->nbytes);
}

static void compare_page(struct scanner *s, struct comparison *c, uint64_t addr,
			 const uint8_t *page, const uint8_t *file)
{
	struct code_diff d;
	uint64_t tramp, tramp_end;

	s->st.pages++;
	if (!memcmp(page, file, page_size()))
		return;
	find_trampoline(s, &tramp, &tramp_end);
	code_compare(CODE_NATIVE, page, file, page_size(), addr, tramp, tramp_end, &d);
	if (!c->f.differing || (d.other && !c->other))
		show(c, addr, d.first, page, file);
	c->f.differing += d.differing;
	c->f.breakpoints += d.breakpoints;
	c->other += d.other;
}

/* Compares what was written to. */
static int compare(struct scanner *s, struct comparison *c, unsigned *budget)
{
	const size_t page = page_size();
	const struct map *v = c->map;
	uint64_t at = v->start, start;
	uint8_t *file = s->chunk + SCAN_CHUNK / 2;
	size_t len;
	int rc = 0;

	while (!rc && *budget &&
	       scan_next_run(s, &at, v->end, 16 * page, true, true, &start, &len)) {
		size_t n = target_read(&s->target, start, s->chunk, len) / page * page;
		s->st.bytes += n;
		for (size_t i = 0; i < n && *budget; i += page, --*budget)
			if (read_original(c, start + i - v->start + v->offset, file, page))
				compare_page(s, c, start + i, s->chunk + i, file);
		rc = pace_step(&s->pace);
	}
	if (!*budget) {
		c->f.flags |= SCAN_F_INCOMPLETE;
		s->cut = true;
	}
	return rc;
}

static bool has_own_pages(const struct scanner *s, const struct map *v)
{
	uint64_t at = v->start, start;
	size_t len;

	return scan_next_run(s, &at, v->end, page_size(), true, true, &start, &len);
}

static void tell(struct scanner *s, struct comparison *c)
{
	if (!c->f.differing)
		return;
	c->f.kind = SCAN_text_changed;
	c->f.map = c->map;
	c->f.regions = 1;
	c->f.flags |= c->other ? 0 : SCAN_F_ONLY_BREAKPOINTS;
	c->f.flags |= s->target.traps_caught ? SCAN_F_TRAPS_CAUGHT : 0;
	scan_found(s, &c->f);
}

static int compare_file(struct scanner *s, const struct map *v, unsigned *budget)
{
	struct comparison c = { .map = v, .fd = -1 };

	if (!has_own_pages(s, v))
		return 0;
	if (mounts_local(scan_mounts(s), v->dev))
		c.fd = target_map_file(&s->target, v, O_RDONLY | O_NONBLOCK);
	if (c.fd < 0) {
		s->st.not_comparable++;
		return 0;
	}
	int rc = compare(s, &c, budget);
	if (c.f.differing && elf_relocates_text(c.fd))
		c.f.flags |= SCAN_F_TEXT_RELOCATIONS;
	close(c.fd);
	tell(s, &c);
	return rc;
}

/* That of a 32-bit process is another one, and below 4 GiB. */
static int compare_vdso(struct scanner *s, const struct map *v, unsigned *budget)
{
	struct comparison c = {
		.map = v,
		.fd = -1,
		.mem = s->vdso,
		.mem_len = s->vdso_len,
		.f.flags = SCAN_F_VDSO,
	};

	if (!s->vdso_len || v->start >> 32 == 0)
		return 0;
	int rc = compare(s, &c, budget);
	tell(s, &c);
	return rc;
}

int scan_text(struct scanner *s)
{
	const struct maps *m = &s->target.maps;
	unsigned budget = PAGES_MAX;
	int rc = 0;

	for (unsigned i = 0; !rc && i < m->n; i++) {
		const struct map *v = &m->map[i];
		if (!map_executable(v))
			continue;
		if (v->kind == MAPPING_special && !strcmp(map_name(m, v), "[vdso]"))
			rc = compare_vdso(s, v, &budget);
		else if (v->kind == MAPPING_file && v->perms[3] == 'p' &&
			 !scan_is_memory_file(s, v))
			rc = compare_file(s, v, &budget);
	}
	return rc;
}
