/* SPDX-License-Identifier: Apache-2.0 */
/* Reading memory maps. */
#include "scan/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- a line: "start-end perms offset major:minor inode   name" (fs/proc/task_mmu.c) --- */

/* A number, and the character behind it, which is taken too. */
static bool take_number(const char **p, const char *end, unsigned base, char stop, uint64_t *ret)
{
	uint64_t v = 0;
	const char *at = *p;

	for (; at < end && *at != stop; at++) {
		unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
				 : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a') + 10
							    : 16;
		if (digit >= base || v > (UINT64_MAX - digit) / base)
			return false;
		v = v * base + digit;
	}
	if (at == *p || at == end)
		return false;
	*p = at + 1;
	*ret = v;
	return true;
}

static bool take_perms(const char **p, const char *end, char ret[5])
{
	static const char *const allowed[] = { "r-", "w-", "x-", "ps" };

	if (end - *p < 5 || (*p)[4] != ' ')
		return false;
	for (unsigned i = 0; i < 4; i++)
		if (!memchr(allowed[i], (*p)[i], 2))
			return false;
	memcpy(ret, *p, 4);
	ret[4] = '\0';
	*p += 5;
	return true;
}

static bool is(const char *name, size_t len, const char *what)
{
	return len == strlen(what) && !memcmp(name, what, len);
}

/* Only the kernel gives private memory a name in brackets that does not begin with "anon:". */
static enum mapping_kind kind_of(const struct map *m, const char *name, size_t len)
{
	static const char anon[] = "[anon:";

	if (m->inode || m->dev || (len && *name != '['))
		return MAPPING_file;
	if (!len || is(name, len, "[heap]") || is(name, len, "[stack]") ||
	    (len > sizeof(anon) - 1 && !memcmp(name, anon, sizeof(anon) - 1)))
		return MAPPING_anon;
	return MAPPING_special;
}

int map_parse(const char *line, size_t len, struct map *ret, const char **ret_name, size_t *ret_len)
{
	const char *p = line, *end = line + len;
	struct map m = { 0 };
	uint64_t major, minor;
	/* Behind the inode there is always a space, in kernels' own output. */
	if (!take_number(&p, end, 16, '-', &m.start) || !take_number(&p, end, 16, ' ', &m.end) ||
	    !take_perms(&p, end, m.perms) || !take_number(&p, end, 16, ' ', &m.offset) ||
	    !take_number(&p, end, 16, ':', &major) || !take_number(&p, end, 16, ' ', &minor) ||
	    !take_number(&p, end, 10, ' ', &m.inode) || m.start >= m.end || major > 0xfff ||
	    minor > 0xfffff)
		return -EBADMSG;
	m.dev = (uint32_t)(major << 20 | minor);
	while (p < end && *p == ' ')
		p++;
	m.kind = kind_of(&m, p, (size_t)(end - p));
	*ret_name = p;
	*ret_len = (size_t)(end - p);
	*ret = m;
	return 0;
}

size_t map_unescape(char *name, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		if (len - i >= 4 && !memcmp(name + i, "\\012", 4)) {
			name[to++] = '\n';
			i += 3;
		} else {
			name[to++] = name[i];
		}
	}
	return to;
}

/* --- all of them --- */

void maps_reset(struct maps *m)
{
	m->n = 0;
	m->cut = false;
	m->have = 0;
	m->skip = false;
	buf_reset(&m->names);
	buf_putc(&m->names, '\0'); /* the name that most have: none */
}

void maps_free(struct maps *m)
{
	free(m->map);
	buf_free(&m->names);
}

/* Neighbours often have the same name: those of one file. */
static uint32_t keep_name(struct maps *m, const char *name, size_t len)
{
	if (!len)
		return 0;
	if (m->n) {
		uint32_t last = m->map[m->n - 1].name;
		if (!strncmp(m->names.data + last, name, len) && !m->names.data[last + len])
			return last;
	}
	if (m->names.len + len + 1 > MAPS_NAMES) {
		m->cut = true;
		return 0;
	}
	uint32_t at = (uint32_t)m->names.len;
	buf_put(&m->names, name, len);
	buf_putc(&m->names, '\0');
	return m->names.failed ? 0 : at;
}

static int add_line(struct maps *m, size_t len)
{
	const char *name;
	size_t name_len;
	struct map v;

	if (map_parse(m->line, len, &v, &name, &name_len) ||
	    (m->n && v.start < m->map[m->n - 1].end)) /* the kernel's are in order */
		return 0;
	if (m->n == MAPS_MAX) {
		m->cut = true;
		return 0;
	}
	if (m->n == m->cap) {
		unsigned cap = m->cap ? m->cap * 2 : 256;
		struct map *more = realloc(m->map, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		m->map = more;
		m->cap = cap;
	}
	size_t at = (size_t)(name - m->line);
	size_t plain = map_unescape(m->line + at, name_len);
	const char *nul = memchr(m->line + at, '\0', plain);
	v.name = keep_name(m, m->line + at, nul ? (size_t)(nul - m->line) - at : plain);
	m->map[m->n++] = v;
	return 0;
}

int maps_add(struct maps *m, const char *p, size_t len)
{
	int rc = 0;

	for (const char *end = p + len; !rc && p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		if (n > sizeof(m->line) - m->have)
			m->skip = m->cut = true;
		if (!m->skip) {
			memcpy(m->line + m->have, p, n);
			m->have += n;
		}
		p += n + (nl != NULL);
		if (!nl)
			continue;
		if (!m->skip)
			rc = add_line(m, m->have);
		m->have = 0;
		m->skip = false;
	}
	return rc ? rc : m->names.failed ? -ENOMEM : 0;
}

int maps_read(struct maps *m, int dir)
{
	char chunk[16384];
	ssize_t n;
	int rc = 0;

	maps_reset(m);
	int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (!rc && (n = read(fd, chunk, sizeof(chunk))) > 0)
		rc = maps_add(m, chunk, (size_t)n);
	if (!rc && n < 0)
		rc = -errno;
	close(fd);
	return rc;
}

const struct map *maps_at(const struct maps *m, uint64_t addr)
{
	unsigned lo = 0, hi = m->n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		if (m->map[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n && m->map[lo].start <= addr ? &m->map[lo] : NULL;
}
