/* SPDX-License-Identifier: Apache-2.0 */
/* Case folding: eight ASCII bytes at a time, everything else by utf8proc's tables. */
#include "sigma/fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"

#define ONES		0x0101010101010101ULL
#define HIGH		(0x80 * ONES)
#define GROWTH		3 /* times: no character's folding has more bytes (UTF-8) for each of its own */
#define CHAR_MAX_POINTS 4

static int reserve(struct fold *f, size_t n)
{
	size_t need = f->len + n + FOLD_PAD;

	if (need > UINT32_MAX)
		return -E2BIG;
	if (need <= f->cap)
		return 0;
	size_t cap = need + need / 2 + 256;
	char *s = realloc(f->s, cap);
	if (!s)
		return -ENOMEM;
	f->s = s;
	f->cap = cap;
	return 0;
}

/* Folds up to the first byte that is not ASCII; returns how many it took. */
static size_t fold_ascii(char *to, const char *p, size_t n)
{
	size_t i = 0;
	uint64_t w;

	for (; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		if (w & HIGH)
			break;
		/* The high bit of each byte: at least 'A', above 'Z'. */
		uint64_t from = w + (0x80 - 'A') * ONES, above = w + (0x80 - 'Z' - 1) * ONES;
		w |= (from & ~above & HIGH) >> 2;
		memcpy(to + i, &w, 8);
	}
	for (; i < n && (unsigned char)p[i] < 0x80; i++)
		to[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i]);
	return i;
}

static int span_add(struct fold *f, size_t off, size_t len)
{
	if (f->nspans == f->spans_cap) {
		size_t cap = f->spans_cap ? 2 * f->spans_cap : 16;
		struct fold_span *s = realloc(f->span, cap * sizeof(*s));
		if (!s)
			return -ENOMEM;
		f->span = s;
		f->spans_cap = cap;
	}
	f->span[f->nspans++] = (struct fold_span){ .off = (uint32_t)off, .len = (uint32_t)len };
	return 0;
}

/* One character of k bytes at p; returns bytes written at f->len, or -ENOMEM. */
static int fold_one(struct fold *f, const char *p, size_t k)
{
	utf8proc_int32_t point, folded[CHAR_MAX_POINTS];
	utf8proc_uint8_t *to = (utf8proc_uint8_t *)f->s + f->len;
	int boundclass = 0, len = 0;

	utf8proc_iterate((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)k, &point);
	utf8proc_ssize_t n = utf8proc_decompose_char(point, folded, CHAR_MAX_POINTS,
						     UTF8PROC_CASEFOLD, &boundclass);
	if (n < 1 || n > CHAR_MAX_POINTS) {
		memcpy(to, p, k);
		return (int)k;
	}
	for (utf8proc_ssize_t i = 0; i < n; i++)
		len += (int)utf8proc_encode_char(folded[i], to + len);
	return n > 1 && span_add(f, f->len, (size_t)len) ? -ENOMEM : len;
}

int fold_add(struct fold *f, const char *p, size_t n, size_t *ret_off, size_t *ret_len)
{
	size_t start = f->len;
	int rc = reserve(f, n);

	if (rc)
		return rc;
	size_t i = fold_ascii(f->s + f->len, p, n);
	f->len += i;
	if (i < n)
		rc = n - i > UINT32_MAX / GROWTH ? -E2BIG : reserve(f, GROWTH * (n - i));
	while (!rc && i < n) {
		size_t k = utf8_seq((const unsigned char *)p + i, n - i);
		if (k > 1) {
			int len = fold_one(f, p + i, k);
			if (len < 0)
				rc = len;
			else
				f->len += (size_t)len;
			i += k;
		} else if (k) {
			k = fold_ascii(f->s + f->len, p + i, n - i);
			f->len += k;
			i += k;
		} else {
			f->s[f->len++] = p[i++];
		}
	}
	if (rc) {
		f->len = start;
		return rc;
	}
	*ret_off = start;
	*ret_len = f->len - start;
	memset(f->s + f->len, 0, FOLD_PAD);
	f->len += FOLD_PAD;
	return 0;
}

size_t fold_char(const struct fold *f, size_t off, size_t end)
{
	size_t lo = 0, hi = f->nspans;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (f->span[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < f->nspans && f->span[lo].off == off)
		return f->span[lo].len;
	size_t k = utf8_seq((const unsigned char *)f->s + off, end - off);
	return k ? k : 1;
}

void fold_free(struct fold *f)
{
	free(f->s);
	free(f->span);
	*f = (struct fold){ 0 };
}
