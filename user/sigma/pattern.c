/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of rules, taken apart and changed. */
#include "sigma/pattern.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"
#include "sigma/fold.h"

void pattern_free(struct pattern *p)
{
	free(p->e);
	*p = (struct pattern){ 0 };
}

void pattern_append(struct pattern *p, const uint16_t *e, size_t n)
{
	if (p->failed || !n)
		return;
	if (n > p->cap - p->n) {
		size_t cap = 2 * (p->n + n) + 16;
		uint16_t *made = realloc(p->e, cap * sizeof(*made));
		if (!made) {
			p->failed = true;
			return;
		}
		p->e = made;
		p->cap = cap;
	}
	memcpy(p->e + p->n, e, n * sizeof(*e));
	p->n += n;
}

void pattern_put(struct pattern *p, uint16_t e)
{
	pattern_append(p, &e, 1);
}

void pattern_bytes(struct pattern *p, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		pattern_put(p, (unsigned char)text[i]);
}

void pattern_parse(struct pattern *p, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char next = i + 1 < len ? text[i + 1] : 0;
		if (text[i] == '\\' && (next == '*' || next == '?' || next == '\\'))
			pattern_put(p, (unsigned char)text[++i]);
		else if (text[i] == '*')
			pattern_put(p, PATTERN_ANY);
		else if (text[i] == '?')
			pattern_put(p, PATTERN_ONE);
		else
			pattern_put(p, (unsigned char)text[i]);
	}
}

void pattern_open_head(struct pattern *p)
{
	if (p->n && p->e[0] == PATTERN_ANY)
		return;
	pattern_put(p, PATTERN_ANY);
	if (p->failed)
		return;
	memmove(p->e + 1, p->e, (p->n - 1) * sizeof(*p->e));
	p->e[0] = PATTERN_ANY;
}

void pattern_open_tail(struct pattern *p)
{
	if (!p->n || p->e[p->n - 1] != PATTERN_ANY)
		pattern_put(p, PATTERN_ANY);
}

/* Swaps in what was made from the old elements. */
static void replace(struct pattern *p, struct pattern *with)
{
	with->failed |= p->failed;
	pattern_free(p);
	*p = *with;
}

/* Length of the literal run at i. */
static size_t run(const struct pattern *p, size_t i)
{
	size_t n = 0;
	while (i + n < p->n && p->e[i + n] < 256)
		n++;
	return n;
}

/* The code point of the k bytes at i. */
static utf8proc_int32_t point_at(const struct pattern *p, size_t i, size_t end, size_t *ret_k)
{
	unsigned char u[4];
	size_t n = end - i < 4 ? end - i : 4;
	utf8proc_int32_t c = -1;

	for (size_t j = 0; j < n; j++)
		u[j] = (unsigned char)p->e[i + j];
	size_t k = utf8_seq(u, n);
	if (k)
		utf8proc_iterate(u, (utf8proc_ssize_t)k, &c);
	*ret_k = k ? k : 1;
	return c;
}

static bool is_word(utf8proc_int32_t c)
{
	if (c < 0)
		return false;
	utf8proc_category_t t = utf8proc_category(c);
	return c == '_' || (t >= UTF8PROC_CATEGORY_LU && t <= UTF8PROC_CATEGORY_LO) ||
	       (t >= UTF8PROC_CATEGORY_ND && t <= UTF8PROC_CATEGORY_NO);
}

static bool is_dash(utf8proc_int32_t c)
{
	return c == '-' || c == '/' || (c >= 0x2013 && c <= 0x2015);
}

void pattern_windash(struct pattern *p)
{
	struct pattern to = { 0 };
	size_t k, next_k;

	for (size_t i = 0; i < p->n;) {
		size_t end = i + run(p, i);
		bool word = false; /* a wildcard stands for no letter */
		for (; i < end; i += k) {
			utf8proc_int32_t c = point_at(p, i, end, &k);
			if (is_dash(c) && !word && i + k < end &&
			    is_word(point_at(p, i + k, end, &next_k)))
				pattern_put(&to, PATTERN_DASH);
			else
				pattern_append(&to, p->e + i, k);
			word = is_word(c);
		}
		if (i < p->n)
			pattern_put(&to, p->e[i++]);
	}
	replace(p, &to);
}

static void put_folded(struct pattern *to, const uint16_t *e, size_t n)
{
	struct buf bytes = { 0 };
	struct fold f = { 0 };
	size_t off, len;

	for (size_t i = 0; i < n; i++)
		buf_putc(&bytes, (char)e[i]);
	if (bytes.failed || fold_add(&f, bytes.data, bytes.len, &off, &len))
		to->failed = true;
	else
		pattern_bytes(to, f.s + off, len);
	fold_free(&f);
	buf_free(&bytes);
}

void pattern_normalize(struct pattern *p, bool fold)
{
	struct pattern to = { 0 };

	for (size_t i = 0; i < p->n;) {
		size_t n = run(p, i);
		if (!n) {
			if (p->e[i] != PATTERN_ANY || !to.n || to.e[to.n - 1] != PATTERN_ANY)
				pattern_put(&to, p->e[i]);
			i++;
			continue;
		}
		if (fold)
			put_folded(&to, p->e + i, n);
		else
			pattern_append(&to, p->e + i, n);
		i += n;
	}
	replace(p, &to);
}

bool pattern_has(const struct pattern *p, uint16_t e)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->e[i] == e)
			return true;
	return false;
}

bool pattern_has_wildcard(const struct pattern *p)
{
	return pattern_has(p, PATTERN_ANY) || pattern_has(p, PATTERN_ONE);
}

void pattern_text(const struct pattern *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++)
		buf_putc(out, (char)p->e[i]);
}

bool pattern_placeholder(const struct pattern *p, size_t *pos, size_t *ret_end, struct buf *name)
{
	for (size_t i = *pos; i < p->n; i++) {
		if (p->e[i] != '%' || (i && p->e[i - 1] == '\\'))
			continue;
		size_t j = i + 1;
		while (j < p->n && p->e[j] < 256 && p->e[j] != '%')
			j++;
		if (j == i + 1 || j >= p->n || p->e[j] != '%')
			continue;
		buf_reset(name);
		for (size_t k = i + 1; k < j; k++)
			buf_putc(name, (char)p->e[k]);
		*pos = i;
		*ret_end = j + 1;
		return true;
	}
	return false;
}

void pattern_unescape_percent(struct pattern *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->e[i] != '\\' || i + 1 >= p->n || p->e[i + 1] != '%')
			p->e[n++] = p->e[i];
	p->n = n;
}
