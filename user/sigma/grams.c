/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grams by length of the literal: a level each. Of long literals two grams, one byte apart, are
 * known, so that every other place of the text has one of them and half of the places are enough.
 */
#include "sigma/grams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS		4
#define WIDTH_MAX	4
#define WINDOWS_MAX	64 /* of a long literal that are looked at for its rarest gram */
#define BITS_PER_GRAM	64
#define BITMAP_LOG2_MIN 9
#define BITMAP_LOG2_MAX 21
#define CROWD		64 /* what one more literal of the same gram counts, against rarity */

/* Bytes of a gram, and from one place of the text to the next that is looked at. */
static const struct shape {
	unsigned len; /* of literals, from here on */
	unsigned width, stride;
} shapes[LEVELS] = { { 1, 1, 1 }, { 2, 2, 1 }, { 3, 3, 1 }, { 5, 4, 2 } };

struct entry {
	const char *s;
	uint32_t len, off; /* off: of the gram in it */
	uint32_t id;
	uint32_t check; /* four bytes at check_at(): most that fail do so there */
};

struct slot {
	uint32_t gram, first, n; /* n 0: free */
};

struct level {
	unsigned width, stride; /* width 0: no literals */
	uint32_t mask;
	unsigned slot_shift;
	uint64_t words; /* of bitmap, less one: a mask */
	uint64_t *bitmap;
	struct slot *slot;
	struct entry *entry;
	size_t ngrams, nslots, bytes;
};

struct grams {
	struct level level[LEVELS];
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

/* Where in the literal the grams are that few other literals and little text have. */
static uint32_t choose(const struct level *l, const struct literal *t)
{
	uint32_t best = 0, windows = t->len - l->width - l->stride + 2;
	unsigned least = UINT32_MAX;

	for (uint32_t off = 0; off < windows && off < WINDOWS_MAX; off++) {
		unsigned score = 0;
		for (uint32_t k = 0; k < l->stride; k++) {
			unsigned crowd = slot_of(l, gram_at(l, t, off + k))->n;
			score += (crowd < 1000 ? crowd : 1000) * CROWD +
				 commonness(t->s + off + k, l->width);
		}
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
	unsigned slots = log2_above(2 * l->ngrams + 1);
	unsigned bits = log2_above(BITS_PER_GRAM * l->ngrams);

	bits = bits < BITMAP_LOG2_MIN ? BITMAP_LOG2_MIN : bits;
	bits = bits > BITMAP_LOG2_MAX ? BITMAP_LOG2_MAX : bits;
	l->mask = l->width == WIDTH_MAX ? UINT32_MAX : (1U << 8 * l->width) - 1;
	l->nslots = (size_t)1 << slots;
	l->slot_shift = 64 - slots;
	l->words = (1ULL << (bits - 6)) - 1;
	l->slot = calloc(l->nslots, sizeof(*l->slot));
	l->bitmap = calloc((size_t)1 << (bits - 6), sizeof(*l->bitmap));
	l->entry = calloc(l->ngrams, sizeof(*l->entry));
	l->bytes = l->nslots * sizeof(*l->slot) + ((size_t)1 << (bits - 3)) +
		   l->ngrams * sizeof(*l->entry);
	return l->slot && l->bitmap && l->entry ? 0 : -ENOMEM;
}

static unsigned level_of(const struct literal *t)
{
	unsigned i = 0;
	while (i + 1 < LEVELS && t->len >= shapes[i + 1].len)
		i++;
	return i;
}

static void count_gram(struct level *l, uint32_t gram)
{
	struct slot *s = slot_of(l, gram);
	uint64_t hash = mix(gram);

	s->gram = gram;
	s->n++;
	l->bitmap[hash >> 40 & l->words] |= 1ULL << (hash >> 34 & 63);
}

/* The end of the literal that is further from the gram. */
static size_t check_at(const struct entry *e)
{
	return e->len < 4 || e->off >= 2 ? 0 : e->len - 4;
}

/* off: room for n. */
static void fill(struct level *l, unsigned number, const struct literal *t, size_t n, uint32_t *off)
{
	uint32_t next = 0;

	for (size_t i = 0; i < n; i++) {
		if (level_of(&t[i]) != number)
			continue;
		off[i] = choose(l, &t[i]);
		for (uint32_t k = 0; k < l->stride; k++)
			count_gram(l, gram_at(l, &t[i], off[i] + k));
	}
	for (size_t i = 0; i < l->nslots; i++) {
		l->slot[i].first = next;
		next += l->slot[i].n;
	}
	/* first goes to the slot's end and comes back. */
	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < l->stride && level_of(&t[i]) == number; k++) {
			struct slot *s = slot_of(l, gram_at(l, &t[i], off[i] + k));
			struct entry *made = &l->entry[s->first++];
			*made = (struct entry){
				.s = t[i].s, .len = t[i].len, .off = off[i] + k, .id = t[i].id
			};
			if (made->len >= 4)
				made->check = load(made->s + check_at(made));
		}
	}
	for (size_t i = 0; i < l->nslots; i++)
		l->slot[i].first -= l->slot[i].n;
}

int grams_new(const struct literal *t, size_t n, struct grams **ret)
{
	struct grams *g = calloc(1, sizeof(*g));
	uint32_t *off = calloc(n + 1, sizeof(*off));
	int rc = g && off ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && !rc; i++)
		g->level[level_of(&t[i])].ngrams += shapes[level_of(&t[i])].stride;
	for (unsigned i = 0; i < LEVELS && !rc; i++) {
		struct level *l = &g->level[i];
		if (!l->ngrams)
			continue;
		l->width = shapes[i].width;
		l->stride = shapes[i].stride;
		rc = allocate(l);
		if (!rc)
			fill(l, i, t, n, off);
	}
	free(off);
	if (rc)
		grams_free(g);
	else
		*ret = g;
	return rc;
}

void grams_free(struct grams *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < LEVELS; i++) {
		free(g->level[i].bitmap);
		free(g->level[i].slot);
		free(g->level[i].entry);
	}
	free(g);
}

size_t grams_bytes(const struct grams *g)
{
	size_t n = sizeof(*g);

	for (unsigned i = 0; i < LEVELS; i++)
		n += g->level[i].bytes;
	return n;
}

static bool is_at(const struct entry *e, const char *s)
{
	if (e->len >= 4 && load(s + check_at(e)) != e->check)
		return false;
	return !memcmp(s, e->s, e->len);
}

struct pass {
	const char *s;
	size_t n;
	const uint32_t *seen;
	uint32_t yes;
	literal_fn *fn;
	void *ctx;
};

static void look_up(const struct level *l, const struct pass *p, size_t at)
{
	const struct slot *slot = slot_of(l, load(p->s + at) & l->mask);

	for (uint32_t i = 0; i < slot->n; i++) {
		const struct entry *e = &l->entry[slot->first + i];
		if (p->seen[e->id] != p->yes && at >= e->off && at - e->off + e->len <= p->n &&
		    is_at(e, p->s + at - e->off))
			p->fn(p->ctx, e->id);
	}
}

/* Four places at a time: what gets through is rare enough for one branch. */
static void scan_level(const struct level *l, const struct pass *p)
{
	const char *s = p->s;
	const uint32_t mask = l->mask;
	const uint64_t *bitmap = l->bitmap, words = l->words;
	const size_t stride = l->stride, end = p->n + 1 - l->width;
	size_t i = 0;

	if (p->n < l->width)
		return;
	for (; i + 3 * stride < end; i += 4 * stride) {
		bool any = may_have(bitmap, words, load(s + i) & mask) |
			   may_have(bitmap, words, load(s + i + stride) & mask) |
			   may_have(bitmap, words, load(s + i + 2 * stride) & mask) |
			   may_have(bitmap, words, load(s + i + 3 * stride) & mask);
		if (__builtin_expect(!any, 1))
			continue;
		for (size_t k = i; k < i + 4 * stride; k += stride)
			if (may_have(bitmap, words, load(s + k) & mask))
				look_up(l, p, k);
	}
	for (; i < end; i += stride)
		if (may_have(bitmap, words, load(s + i) & mask))
			look_up(l, p, i);
}

void grams_scan(const struct grams *g, const char *s, size_t n, const uint32_t *seen, uint32_t yes,
		literal_fn *fn, void *ctx)
{
	const struct pass p = { .s = s, .n = n, .seen = seen, .yes = yes, .fn = fn, .ctx = ctx };

	for (unsigned i = 0; i < LEVELS; i++)
		if (g->level[i].width)
			scan_level(&g->level[i], &p);
}
