/* SPDX-License-Identifier: Apache-2.0 */
/* Grams of one to four bytes: a level for each width that literals have. */
#include "sigma/grams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MAX	4
#define WINDOWS_MAX	64 /* of a long literal that are looked at for its rarest gram */
#define BITS_PER_GRAM	64
#define BITMAP_LOG2_MIN 9
#define BITMAP_LOG2_MAX 20
#define CROWD		64 /* what one more literal of the same gram counts, against rarity */

struct entry {
	const char *s;
	uint32_t len, off; /* off: of the gram in it */
	uint32_t id;
};

struct slot {
	uint32_t gram, first, n; /* n 0: free */
};

struct level {
	unsigned width; /* 0: no literals */
	uint32_t mask;
	unsigned slot_shift;
	uint64_t words; /* of bitmap, less one: a mask */
	uint64_t *bitmap;
	struct slot *slot;
	struct entry *entry;
	size_t nliterals, nslots, bytes;
};

struct grams {
	struct level level[WIDTH_MAX];
};

static uint32_t load(const char *s)
{
	uint32_t x;
	memcpy(&x, s, sizeof(x));
	return x;
}

static uint64_t mix(uint32_t gram)
{
	return gram * 0x9E3779B97F4A7C15ULL;
}

/* One bit of one word; words: their number less one. */
static bool may_have(const uint64_t *bitmap, uint64_t words, uint32_t gram)
{
	uint64_t hash = mix(gram);
	return bitmap[hash >> 40 & words] >> (hash >> 34 & 63) & 1;
}

static uint32_t gram_at(const struct level *l, const struct literal *t, uint32_t off)
{
	char copy[WIDTH_MAX] = { 0 };

	memcpy(copy, t->s + off, l->width);
	return load(copy);
}

/* Free, or the one with this gram. */
static struct slot *slot_of(const struct level *l, uint32_t gram)
{
	size_t i = mix(gram) >> l->slot_shift;

	while (l->slot[i].n && l->slot[i].gram != gram)
		i = (i + 1) & (l->nslots - 1);
	return &l->slot[i];
}

/* How often the bytes are met in paths and command lines: higher is more often. */
static unsigned commonness(const char *s, unsigned n)
{
	static const char by_frequency[] = " /e-tasoirnlcd.pmub0123456789hgfvk_wxy=:zjq";
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++) {
		const char *at = s[i] ? strchr(by_frequency, s[i]) : NULL;
		sum += at ? (unsigned)(sizeof(by_frequency) - (size_t)(at - by_frequency)) : 0;
	}
	return sum / n;
}

/* Where in the literal the gram is that few other literals and little text have. */
static uint32_t choose(const struct level *l, const struct literal *t)
{
	uint32_t best = 0, windows = t->len - l->width + 1;
	unsigned least = UINT32_MAX;

	for (uint32_t off = 0; off < windows && off < WINDOWS_MAX; off++) {
		unsigned crowd = slot_of(l, gram_at(l, t, off))->n;
		unsigned score =
			(crowd < 1000 ? crowd : 1000) * CROWD + commonness(t->s + off, l->width);
		if (score < least) {
			least = score;
			best = off;
		}
	}
	return best;
}

static unsigned log2_above(size_t n)
{
	unsigned log = 0;
	while (log < 31 && ((size_t)1 << log) < n)
		log++;
	return log;
}

static int allocate(struct level *l)
{
	unsigned slots = log2_above(2 * l->nliterals + 1);
	unsigned bits = log2_above(BITS_PER_GRAM * l->nliterals);

	bits = bits < BITMAP_LOG2_MIN ? BITMAP_LOG2_MIN : bits;
	bits = bits > BITMAP_LOG2_MAX ? BITMAP_LOG2_MAX : bits;
	l->mask = l->width == WIDTH_MAX ? UINT32_MAX : (1U << 8 * l->width) - 1;
	l->nslots = (size_t)1 << slots;
	l->slot_shift = 64 - slots;
	l->words = (1ULL << (bits - 6)) - 1;
	l->slot = calloc(l->nslots, sizeof(*l->slot));
	l->bitmap = calloc((size_t)1 << (bits - 6), sizeof(*l->bitmap));
	l->entry = calloc(l->nliterals, sizeof(*l->entry));
	l->bytes = l->nslots * sizeof(*l->slot) + ((size_t)1 << (bits - 3)) +
		   l->nliterals * sizeof(*l->entry);
	return l->slot && l->bitmap && l->entry ? 0 : -ENOMEM;
}

static unsigned width_of(const struct literal *t)
{
	return t->len < WIDTH_MAX ? t->len : WIDTH_MAX;
}

static int build(struct level *l, const struct literal *t, size_t n)
{
	uint32_t *off, next = 0;

	if (allocate(l))
		return -ENOMEM;
	off = calloc(n, sizeof(*off));
	if (!off)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (width_of(&t[i]) != l->width)
			continue;
		off[i] = choose(l, &t[i]);
		uint32_t gram = gram_at(l, &t[i], off[i]);
		struct slot *s = slot_of(l, gram);
		s->gram = gram;
		s->n++;
		uint64_t hash = mix(gram);
		l->bitmap[hash >> 40 & l->words] |= 1ULL << (hash >> 34 & 63);
	}
	for (size_t i = 0; i < l->nslots; i++) {
		l->slot[i].first = next;
		next += l->slot[i].n;
	}
	/* first goes to the slot's end and comes back. */
	for (size_t i = 0; i < n; i++) {
		if (width_of(&t[i]) != l->width)
			continue;
		struct slot *s = slot_of(l, gram_at(l, &t[i], off[i]));
		l->entry[s->first++] = (struct entry){
			.s = t[i].s, .len = t[i].len, .off = off[i], .id = t[i].id
		};
	}
	for (size_t i = 0; i < l->nslots; i++)
		l->slot[i].first -= l->slot[i].n;
	free(off);
	return 0;
}

int grams_new(const struct literal *t, size_t n, struct grams **ret)
{
	struct grams *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		g->level[width_of(&t[i]) - 1].nliterals++;
	for (unsigned w = 1; w <= WIDTH_MAX; w++) {
		struct level *l = &g->level[w - 1];
		if (!l->nliterals)
			continue;
		l->width = w;
		if (build(l, t, n)) {
			grams_free(g);
			return -ENOMEM;
		}
	}
	*ret = g;
	return 0;
}

void grams_free(struct grams *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < WIDTH_MAX; i++) {
		free(g->level[i].bitmap);
		free(g->level[i].slot);
		free(g->level[i].entry);
	}
	free(g);
}

size_t grams_bytes(const struct grams *g)
{
	size_t n = sizeof(*g);

	for (unsigned i = 0; i < WIDTH_MAX; i++)
		n += g->level[i].bytes;
	return n;
}

static void look_up(const struct level *l, uint32_t gram, const char *s, size_t n, size_t at,
		    literal_fn *fn, void *ctx)
{
	const struct slot *slot = slot_of(l, gram);

	for (uint32_t i = 0; i < slot->n; i++) {
		const struct entry *e = &l->entry[slot->first + i];
		if (at >= e->off && at - e->off + e->len <= n &&
		    !memcmp(s + at - e->off, e->s, e->len))
			fn(ctx, e->id);
	}
}

/* Four places at a time: what gets through is rare enough for one branch. */
static void scan_level(const struct level *l, const char *s, size_t n, literal_fn *fn, void *ctx)
{
	const uint32_t mask = l->mask;
	const uint64_t *bitmap = l->bitmap, words = l->words;
	size_t i = 0, end = n + 1 - l->width;

	if (n < l->width)
		return;
	for (; i + 4 <= end; i += 4) {
		uint64_t w;
		memcpy(&w, s + i, sizeof(w));
		uint32_t a = (uint32_t)w & mask, b = (uint32_t)(w >> 8) & mask,
			 c = (uint32_t)(w >> 16) & mask, d = (uint32_t)(w >> 24) & mask;
		bool at_a = may_have(bitmap, words, a), at_b = may_have(bitmap, words, b),
		     at_c = may_have(bitmap, words, c), at_d = may_have(bitmap, words, d);
		if (__builtin_expect(!(at_a | at_b | at_c | at_d), 1))
			continue;
		if (at_a)
			look_up(l, a, s, n, i, fn, ctx);
		if (at_b)
			look_up(l, b, s, n, i + 1, fn, ctx);
		if (at_c)
			look_up(l, c, s, n, i + 2, fn, ctx);
		if (at_d)
			look_up(l, d, s, n, i + 3, fn, ctx);
	}
	for (; i < end; i++)
		if (may_have(bitmap, words, load(s + i) & mask))
			look_up(l, load(s + i) & mask, s, n, i, fn, ctx);
}

void grams_scan(const struct grams *g, const char *s, size_t n, literal_fn *fn, void *ctx)
{
	for (unsigned i = 0; i < WIDTH_MAX; i++)
		if (g->level[i].width)
			scan_level(&g->level[i], s, n, fn, ctx);
}
