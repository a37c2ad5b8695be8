/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern and a value, up to a NUL: matching as rules do it against the plainest way there is,
 * and what a glob needs against whether it matches. The first byte chooses how.
 */
#include "fuzz.h"
#include "sigma/compile.h"
#include "sigma/glob.h"
#include "sigma/parse.h"
#include "sigma/test.h"

#define PATTERN_MAX 48
#define VALUE_MAX   64

/* Each element takes what it can, a * everything in turn. A character that folding made several of
 * is one for ?, as in fold_char(). */
static bool naive(const uint16_t *e, size_t n, const struct fold *f, size_t off, size_t end)
{
	static const char *const dashes[] = { "-", "/", "\u2013", "\u2014", "\u2015" };

	if (!n)
		return off == end;
	if (*e == PATTERN_ANY) {
		bool one = n > 1 && e[1] == PATTERN_ONE;
		for (; off <= end; off += one && off < end ? fold_char(f, off, end) : 1)
			if (naive(e + 1, n - 1, f, off, end))
				return true;
		return false;
	}
	if (off >= end)
		return false;
	if (*e == PATTERN_ONE)
		return naive(e + 1, n - 1, f, off + fold_char(f, off, end), end);
	if (*e != PATTERN_DASH)
		return (unsigned char)f->s[off] == *e && naive(e + 1, n - 1, f, off + 1, end);
	for (size_t i = 0; i < 5; i++) {
		size_t len = strlen(dashes[i]);
		if (end - off >= len && !memcmp(f->s + off, dashes[i], len))
			return naive(e + 1, n - 1, f, off + len, end);
	}
	return false;
}

static size_t stars(const struct pattern *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += p->e[i] == PATTERN_ANY;
	return n;
}

/* The compiled predicate and what it needs. */
static void compiled(struct sigma_rules *r, const struct pattern *p, const struct sigma_look *v,
		     bool cased, bool expected)
{
	struct pattern copy = { 0 };
	int rc = 0;

	pattern_append(&copy, p->e, p->n);
	const struct sigma_pred *pred = sigma_pred_pattern(r, &copy, cased, &rc, NULL);
	must(pred);
	must(sigma_pred_match(pred, v, NULL) == expected);
	for (unsigned i = 0; expected && i < pred->nneed; i++)
		must(sigma_pred_match(pred->need[i], v, NULL));
	pattern_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pattern p = { 0 }, raw = { 0 };
	struct fold f = { 0 }, plain = { 0 };
	struct sigma_rules *r;
	size_t off, len;

	if (size < 2)
		return 0;
	bool cased = data[0] & 1;
	char *text = fuzz_copy(data + 1, size - 1), *value = memchr(text, 0, size - 1);
	size_t n = value ? (size_t)(value - text) : size - 1, nvalue = value ? size - 2 - n : 0;
	if (n > PATTERN_MAX || nvalue > VALUE_MAX || sigma_rules_new(&r)) {
		free(text);
		return 0;
	}
	value = fuzz_copy(text + n + (value != NULL), nvalue);
	pattern_parse(&p, text, n);
	if (data[0] & 2)
		pattern_open_head(&p);
	if (data[0] & 4)
		pattern_open_tail(&p);
	if (data[0] & 8)
		pattern_windash(&p);
	pattern_append(&raw, p.e, p.n);
	pattern_normalize(&raw, !cased);
	must(!raw.failed && !fold_add(&f, value, nvalue, &off, &len));
	plain.s = value;
	plain.len = nvalue;
	if (stars(&raw) <= 3) {
		const struct fold *in = cased ? &plain : &f;
		bool expected = naive(raw.e, raw.n, in, 0, cased ? nvalue : len);
		const struct sigma_scalar s = { .type = SIGMA_str, .text = value, .len = nvalue };
		const struct sigma_look v = { .scalar = &s, .f = &f, .off = off, .len = len };
		const struct sigma_expr none = { .op = SIGMA_and };
		must(!sigma_compile_expr(r, &none, NULL));
		compiled(r, &p, &v, cased, expected);
		const struct glob *g = glob_new(r->arena, raw.e, raw.n);
		must(g);
		must(glob_match(g, in, 0, cased ? nvalue : len) == expected);
	}
	sigma_rules_free(r);
	pattern_free(&p);
	pattern_free(&raw);
	fold_free(&f);
	free(value);
	free(text);
	return 0;
}
