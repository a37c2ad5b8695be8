/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wildcard matching. Taking each part at its first place is right: a part that begins earlier also
 * ends no later, so what follows it has all the room that there can be.
 */
#include "sigma/glob.h"

#include <string.h>

static bool split(struct arena *a, struct glob_part *part, const uint16_t *e, size_t n)
{
	*part = (struct glob_part){ .e = e, .n = n };
	for (size_t i = 0; i < n; i++)
		if (e[i] >= 256)
			return true;
	char *text = arena_alloc(a, n);
	if (!text)
		return false;
	for (size_t i = 0; i < n; i++)
		text[i] = (char)e[i];
	part->text = text;
	return true;
}

const struct glob *glob_new(struct arena *a, const uint16_t *e, size_t n)
{
	struct glob *g = arena_alloc(a, sizeof(*g));
	size_t stars = 0;

	for (size_t i = 0; i < n; i++)
		stars += e[i] == PATTERN_ANY;
	struct glob_part *part = arena_array(a, stars + 1, sizeof(*part));
	if (!g || !part)
		return NULL;
	g->part = part;
	g->head = !n || e[0] != PATTERN_ANY;
	g->tail = !n || e[n - 1] != PATTERN_ANY;
	for (size_t i = 0; i < n;) {
		size_t end = i;
		while (end < n && e[end] != PATTERN_ANY)
			end++;
		if (end > i && !split(a, &part[g->n++], e + i, end - i))
			return NULL;
		i = end + 1;
	}
	return g;
}

static size_t dash(const char *s, size_t n)
{
	if (n && (*s == '-' || *s == '/'))
		return 1;
	if (n < 3 || s[0] != '\xE2' || s[1] != '\x80')
		return 0;
	return s[2] >= '\x93' && s[2] <= '\x95' ? 3 : 0;
}

/* Where the part ends if it begins at off; SIZE_MAX: it does not. */
static size_t part_at(const struct glob_part *p, const struct fold *f, size_t off, size_t end)
{
	if (p->text)
		return end - off >= p->n && !memcmp(f->s + off, p->text, p->n) ? off + p->n
									       : SIZE_MAX;
	for (size_t i = 0; i < p->n; i++) {
		size_t k;
		if (off >= end)
			return SIZE_MAX;
		if (p->e[i] == PATTERN_ONE)
			k = fold_char(f, off, end);
		else if (p->e[i] == PATTERN_DASH)
			k = dash(f->s + off, end - off);
		else
			k = (unsigned char)f->s[off] == p->e[i];
		if (!k)
			return SIZE_MAX;
		off += k;
	}
	return off;
}

/* The next place where a part may begin: a wildcard for one character never takes half of one. */
static size_t step(const struct glob_part *p, const struct fold *f, size_t off, size_t end)
{
	return p->e[0] == PATTERN_ONE ? fold_char(f, off, end) : 1;
}

/* The first place at or behind off; *ret_end: where it ends there. */
static bool find(const struct glob_part *p, const struct fold *f, size_t off, size_t end,
		 size_t *ret_end)
{
	if (p->text) {
		const char *at = memmem(f->s + off, end - off, p->text, p->n);
		if (at)
			*ret_end = (size_t)(at - f->s) + p->n;
		return at;
	}
	for (; off < end; off += step(p, f, off, end)) {
		*ret_end = part_at(p, f, off, end);
		if (*ret_end != SIZE_MAX)
			return true;
	}
	return false;
}

/* Is there a place at or behind off that ends with the text? */
static bool find_last(const struct glob_part *p, const struct fold *f, size_t off, size_t end)
{
	if (p->text)
		return end - off >= p->n && part_at(p, f, end - p->n, end) == end;
	for (; off < end; off += step(p, f, off, end))
		if (part_at(p, f, off, end) == end)
			return true;
	return false;
}

bool glob_match(const struct glob *g, const struct fold *f, size_t off, size_t len)
{
	size_t end = off + len, i = 0, last = g->n;

	if (g->head && g->tail && g->n <= 1)
		return g->n ? part_at(&g->part[0], f, off, end) == end : !len;
	if (g->head) {
		off = part_at(&g->part[i++], f, off, end);
		if (off == SIZE_MAX)
			return false;
	}
	if (g->tail)
		last--;
	for (; i < last; i++)
		if (!find(&g->part[i], f, off, end, &off))
			return false;
	return !g->tail || find_last(&g->part[last], f, off, end);
}
