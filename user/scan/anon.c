/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executable memory without a file. What speaks against a JIT compiler is looked for by structure:
 * an ELF header, code that makes system calls itself, a thread that is in one made from there.
 */
#include <string.h>

#include "scan/code.h"
#include "scan/elf.h"
#include "scan/scan_private.h"

#define IMAGE_MAPS 64 /* mappings before an executable one that may belong to the same image */

#define SIGNS (SCAN_F_EXECUTING | SCAN_F_SYSCALLS | SCAN_F_ELF | SCAN_F_HEAP)

/* --- signs in code --- */

static void sign(struct scan_code *c, uint32_t flag, uint64_t at, const uint8_t *p, size_t len)
{
	/* The strongest is shown, and of each the first. */
	bool better = !(c->flags & SIGNS) ||
		      (flag == SCAN_F_ELF && !(c->flags & (SCAN_F_ELF | SCAN_F_EXECUTING)));

	c->flags |= flag;
	if (!better)
		return;
	c->at = at;
	c->nbytes = len < SCAN_BYTES ? (unsigned)len : SCAN_BYTES;
	memcpy(c->bytes, p, c->nbytes);
}

static void look_at_run(struct scanner *s, uint64_t addr, size_t len, struct scan_code *c)
{
	struct elf_image im;

	for (size_t at = 0; at < len && !(c->flags & SCAN_F_ELF); at += page_size())
		if (elf_parse(s->chunk + at, len - at, &im))
			sign(c, SCAN_F_ELF, addr + at, s->chunk + at, len - at);
	if (c->flags & SCAN_F_SYSCALLS)
		return;
	ptrdiff_t call = code_syscall(CODE_NATIVE, s->chunk, len);
	if (call >= 0)
		sign(c, SCAN_F_SYSCALLS, addr + (uint64_t)call, s->chunk + call,
		     len - (size_t)call);
}

static void look_at_threads(struct scanner *s, const struct map *v, struct scan_code *c)
{
	uint8_t code[SCAN_BYTES];

	target_threads(&s->target);
	for (unsigned i = 0; i < s->target.nthreads; i++) {
		uint64_t pc = s->target.thread[i].pc;
		if (pc <= v->start || pc > v->end)
			continue;
		/* Some of what led to the call, and the call. */
		uint64_t from = pc - v->start > SCAN_BYTES / 2 ? pc - SCAN_BYTES / 2 : v->start;
		size_t n = target_read(&s->target, from, code, sizeof(code));
		sign(c, SCAN_F_EXECUTING, pc, code, n);
		c->thread = s->target.thread[i].tid;
		return;
	}
}

int scan_code(struct scanner *s, const struct map *v, size_t *budget, struct scan_code *ret)
{
	uint64_t at = v->start, start;
	size_t len;
	int rc = 0;

	*ret = (struct scan_code){ .at = v->start };
	look_at_threads(s, v, ret);
	while (!rc && *budget &&
	       scan_next_run(s, &at, v->end, *budget < SCAN_CHUNK ? *budget : SCAN_CHUNK, true,
			     false, &start, &len)) {
		size_t n = target_read(&s->target, start, s->chunk, len);
		s->st.bytes += n;
		*budget -= len < *budget ? len : *budget;
		if (!ret->nbytes && !(ret->flags & SIGNS)) {
			ret->at = start;
			ret->nbytes = n < SCAN_BYTES ? (unsigned)n : SCAN_BYTES;
			memcpy(ret->bytes, s->chunk, ret->nbytes);
		}
		look_at_run(s, start, n, ret);
		rc = pace_step(&s->pace);
	}
	if (!*budget && at < v->end) {
		ret->flags |= SCAN_F_INCOMPLETE;
		s->cut = true;
	}
	return rc;
}

/* --- an image: its header need not be executable --- */

static bool is_code(const struct map *v)
{
	return v && v->kind == MAPPING_anon && map_executable(v);
}

/* Does an executable segment of the file whose header is at base lie in executable memory? */
static bool is_loaded(const struct scanner *s, const struct elf_image *im, uint64_t base)
{
	for (unsigned i = 0; i < im->nexec; i++)
		if (is_code(maps_at(&s->target.maps, base + im->exec[i].start)))
			return true;
	return false;
}

/* Looks for a header in the mappings right before an executable one, back to the last such. */
static void find_header(struct scanner *s, unsigned index)
{
	const struct map *map = s->target.maps.map;
	struct elf_image im;

	for (unsigned i = index, n = 0; i-- && n < IMAGE_MAPS; n++) {
		uint64_t at = map[i].start, start;
		size_t len;
		if (map[i].kind != MAPPING_anon || map_executable(&map[i]) ||
		    map[i].end != map[i + 1].start)
			return;
		if (!scan_next_run(s, &at, map[i].start + page_size(), page_size(), true, false,
				   &start, &len))
			continue;
		len = target_read(&s->target, start, s->chunk, page_size());
		if (!elf_parse(s->chunk, len, &im) || !is_loaded(s, &im, start))
			continue;
		struct scan_finding f = { .kind = SCAN_elf_image,
					  .flags = SCAN_F_ELF,
					  .regions = index - i + 1,
					  .size = map[index].end - map[i].start,
					  .at = start,
					  .map = &map[i],
					  .nbytes = SCAN_BYTES };
		memcpy(f.bytes, s->chunk, SCAN_BYTES);
		scan_found(s, &f);
		return;
	}
}

/* --- all of it --- */

static uint32_t facts_of(const struct scanner *s, const struct map *v)
{
	const char *name = map_name(&s->target.maps, v);
	uint32_t flags = s->target.all_executable ? SCAN_F_ALL_EXECUTABLE : 0;

	if (map_writable(v))
		flags |= SCAN_F_WRITABLE;
	if (!strcmp(name, "[heap]"))
		flags |= SCAN_F_HEAP;
	else if (!strcmp(name, "[stack]"))
		flags |= SCAN_F_STACK;
	else if (*name)
		flags |= SCAN_F_NAMED;
	return flags;
}

static void found_code(struct scanner *s, const struct map *v, const struct scan_code *c)
{
	struct scan_finding f = {
		.kind = c->flags & SCAN_F_ELF ? SCAN_elf_image : SCAN_anon_code,
		.flags = c->flags,
		.regions = 1,
		.at = c->at,
		.thread = c->thread,
		.map = v,
		.nbytes = c->nbytes,
	};

	memcpy(f.bytes, c->bytes, c->nbytes);
	scan_found(s, &f);
}

int scan_anon(struct scanner *s)
{
	const struct maps *m = &s->target.maps;
	struct scan_finding plain = { .kind = SCAN_anon_code };
	size_t budget = SCAN_CODE_MAX;
	int rc = 0;

	for (unsigned i = 0; !rc && i < m->n; i++) {
		const struct map *v = &m->map[i];
		struct scan_code c;
		if (!is_code(v))
			continue;
		rc = scan_code(s, v, &budget, &c);
		c.flags |= facts_of(s, v);
		if (!(c.flags & SCAN_F_ELF))
			find_header(s, i);
		bool signs = c.flags & SIGNS & ~(s->target.all_executable ? SCAN_F_HEAP : 0U);
		if (signs) {
			found_code(s, v, &c);
			continue;
		}
		/* What has no sign is told together. */
		plain.flags |= c.flags;
		plain.size += v->end - v->start;
		if (!plain.regions++) {
			plain.map = v;
			plain.at = c.at;
			plain.nbytes = c.nbytes;
			memcpy(plain.bytes, c.bytes, c.nbytes);
		}
	}
	if (plain.regions)
		scan_found(s, &plain);
	return rc;
}
