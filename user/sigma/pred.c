/* SPDX-License-Identifier: Apache-2.0 */
/* Predicates: made once per rule set, found again by what they say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "sigma/compile.h"
#include "sigma/test.h"

#define KEY_HEAD  2 /* kind, flags */
#define SLOTS_MIN 1024
#define NEED_LEN  2 /* bytes; of single ones text is full */
#define NEEDS_MAX 8

static bool grow(struct sigma_compiled *c)
{
	size_t n = c->nslots ? 2 * c->nslots : SLOTS_MIN;
	struct sigma_pred **slot = calloc(n, sizeof(struct sigma_pred *));

	if (!slot)
		return false;
	for (size_t i = 0; i < c->nslots; i++) {
		struct sigma_pred *p = c->slot[i];
		if (!p)
			continue;
		size_t at = hash_bytes(HASH_INIT, p->key, p->nkey) & (n - 1);
		while (slot[at])
			at = (at + 1) & (n - 1);
		slot[at] = p;
	}
	free(c->slot);
	c->slot = slot;
	c->nslots = n;
	return true;
}

/* NULL with an empty *ret_slot, or the one that is there. */
static struct sigma_pred *lookup(struct sigma_compiled *c, const char *key, size_t n,
				 struct sigma_pred ***ret_slot)
{
	size_t at = hash_bytes(HASH_INIT, key, n) & (c->nslots - 1);

	for (; c->slot[at]; at = (at + 1) & (c->nslots - 1))
		if (c->slot[at]->nkey == n && !memcmp(c->slot[at]->key, key, n))
			break;
	*ret_slot = &c->slot[at];
	return c->slot[at];
}

static int need(struct sigma_rules *r, struct sigma_pred *p, enum sigma_pred_kind kind,
		const char *text, size_t len, bool folded)
{
	struct pattern all = { 0 };
	struct buf b = { 0 };
	int rc = 0;

	/* Half a character may fold to something else once it is whole in a value. */
	if (!folded && !utf8_valid(text, len))
		return 0;
	pattern_bytes(&all, text, len);
	if (!folded)
		pattern_normalize(&all, true);
	pattern_text(&all, &b);
	/* Grows by doubling. */
	const bool full = !(p->nneed & (p->nneed - 1));
	const struct sigma_pred *q = NULL, **more = p->need;
	if (!all.failed && !b.failed)
		q = sigma_pred_get(r, kind, 0, b.data, b.len, &rc, NULL);
	if (q && full)
		more = arena_array(r->arena, p->nneed ? 2 * p->nneed : 1, sizeof(q));
	rc = q && more ? 0 : -ENOMEM;
	if (!rc) {
		if (p->nneed && full)
			memcpy(more, p->need, p->nneed * sizeof(q));
		more[p->nneed++] = q;
		p->need = more;
	}
	pattern_free(&all);
	buf_free(&b);
	return rc;
}

static int make_regex(struct sigma_rules *r, struct sigma_pred *p, struct err *e)
{
	static const enum sigma_pred_kind kinds[] = {
		[REGEX_ANYWHERE] = SIGMA_PRED_contains,
		[REGEX_STARTS] = SIGMA_PRED_startswith,
		[REGEX_ENDS] = SIGMA_PRED_endswith,
		[REGEX_WHOLE] = SIGMA_PRED_equals,
	};
	struct sigma_compiled *c = r->compiled;
	struct regex_literals l;

	if (c->nregex == c->regex_cap) {
		size_t cap = c->regex_cap ? 2 * c->regex_cap : 64;
		struct regex **more = realloc(c->regex, cap * sizeof(struct regex *));
		if (!more)
			return -ENOMEM;
		c->regex = more;
		c->regex_cap = cap;
	}
	int rc = regex_new(p->text, p->len, p->flags, &p->regex, e);
	if (rc)
		return rc;
	c->regex[c->nregex++] = p->regex;
	c->regex_bytes += regex_bytes(p->regex);
	if (c->regex_bytes > SIGMA_REGEX_BYTES_MAX)
		return err_set(e, -EINVAL,
			       "the regular expressions of all rules take more than %zu MiB",
			       SIGMA_REGEX_BYTES_MAX >> 20);
	regex_literals(p->text, p->len, p->flags, &l);
	for (unsigned i = 0; !rc && i < l.n; i++)
		rc = need(r, p, kinds[l.literal[i].place], l.literal[i].s, l.literal[i].len, false);
	return rc;
}

/* One run of bytes of a glob, as it must be somewhere in the text. */
static int need_run(struct sigma_rules *r, struct sigma_pred *p, const uint16_t *e, size_t n,
		    size_t at, size_t len)
{
	enum sigma_pred_kind kind = !at		    ? SIGMA_PRED_startswith
				    : at + len == n ? SIGMA_PRED_endswith
						    : SIGMA_PRED_contains;
	struct buf b = { 0 };

	for (size_t i = 0; i < len; i++)
		buf_putc(&b, (char)e[at + i]);
	int rc = b.failed ? -ENOMEM : need(r, p, kind, b.data, b.len, !(p->flags & SIGMA_CASED));
	buf_free(&b);
	return rc;
}

static int make_glob(struct sigma_rules *r, struct sigma_pred *p)
{
	const uint16_t *e = (const uint16_t *)p->text;
	size_t n = p->len / sizeof(*e);
	int rc = 0;

	p->need_all = true;
	p->glob = glob_new(r->arena, e, n);
	if (!p->glob)
		return -ENOMEM;
	for (size_t i = 0, len; i < n && !rc && p->nneed < NEEDS_MAX; i += len + 1) {
		for (len = 0; i + len < n && e[i + len] < 256;)
			len++;
		if (len >= NEED_LEN)
			rc = need_run(r, p, e, n, i, len);
	}
	return rc;
}

static int make_cidr(struct sigma_pred *p, struct err *e)
{
	char why[CIDR_WHY_MAX];
	int rc = cidr_parse(p->text, p->len, &p->cidr, why);

	return rc ? err_set(e, rc, "%s", why) : 0;
}

/* The text, NUL, the canonical form. */
static void make_number(struct sigma_pred *p)
{
	size_t n = strlen(p->text);

	p->number.canonical = p->text + n + 1;
	p->number.ncanonical = p->len - n - 1;
	p->len = n;
}

/* op, part, then the number as text. */
static int make_compare(struct sigma_pred *p)
{
	struct sigma_scalar s = { .type = SIGMA_str, .text = p->text + 2, .len = p->len - 2 };

	p->compare.op = (enum sigma_compare)p->text[0];
	p->compare.part = (unsigned char)p->text[1];
	return number_of(&s, &p->compare.value) ? 0 : -EINVAL;
}

static int finish(struct sigma_rules *r, struct sigma_pred *p, struct err *e)
{
	switch (p->kind) {
	case SIGMA_PRED_equals:
	case SIGMA_PRED_startswith:
	case SIGMA_PRED_endswith:
	case SIGMA_PRED_contains:
		return p->flags & SIGMA_CASED ? need(r, p, p->kind, p->text, p->len, false) : 0;
	case SIGMA_PRED_word:
		return need(r, p, SIGMA_PRED_contains, p->text, p->len, true);
	case SIGMA_PRED_glob:
		return make_glob(r, p);
	case SIGMA_PRED_regex:
		return make_regex(r, p, e);
	case SIGMA_PRED_cidr:
		return make_cidr(p, e);
	case SIGMA_PRED_number:
		make_number(p);
		break;
	case SIGMA_PRED_compare:
		return make_compare(p);
	case SIGMA_PRED_any:
	case SIGMA_PRED_fieldref:
	case SIGMA_PRED_exists:
	case SIGMA_PRED_null:
		break;
	}
	return 0;
}

const struct sigma_pred *sigma_pred_get(struct sigma_rules *r, enum sigma_pred_kind kind,
					unsigned flags, const void *data, size_t len,
					int *ret_error, struct err *e)
{
	struct sigma_compiled *c = r->compiled;
	struct sigma_pred **slot, *p;

	*ret_error = -ENOMEM;
	if (2 * c->npreds >= c->nslots && !grow(c))
		return NULL;
	buf_reset(&c->key);
	buf_putc(&c->key, (char)kind);
	buf_putc(&c->key, (char)flags);
	buf_put(&c->key, data, len);
	if (c->key.failed)
		return NULL;
	p = lookup(c, c->key.data, c->key.len, &slot);
	if (p)
		return p;
	/* In the arena the data behind the head are aligned for the elements of a glob. */
	const char *key = arena_copy(r->arena, c->key.data, c->key.len);
	p = arena_alloc(r->arena, sizeof(*p));
	if (!key || !p)
		return NULL;
	*p = (struct sigma_pred){
		.kind = kind,
		.flags = flags,
		.key = key,
		.nkey = KEY_HEAD + len,
		.text = key + KEY_HEAD,
		.len = len,
	};
	int rc = finish(r, p, e);
	if (rc) {
		*ret_error = rc;
		return NULL;
	}
	/* What it needs may have moved the slots. */
	if (2 * c->npreds >= c->nslots && !grow(c))
		return NULL;
	lookup(c, key, p->nkey, &slot);
	p->id = (uint32_t)c->npreds++;
	*slot = p;
	return p;
}

const struct sigma_pred *sigma_pred_pattern(struct sigma_rules *r, struct pattern *p, bool cased,
					    int *ret_error, struct err *e)
{
	struct buf text = { 0 };
	const struct sigma_pred *made = NULL;

	pattern_normalize(p, !cased);
	if (p->failed) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	unsigned flags = cased ? SIGMA_CASED : 0;
	size_t head = p->n && p->e[0] == PATTERN_ANY;
	size_t tail = p->n > head && p->e[p->n - 1] == PATTERN_ANY;
	const struct pattern inner = { .e = head ? p->e + 1 : p->e, .n = p->n - head - tail };
	if (head && !inner.n)
		return sigma_pred_get(r, SIGMA_PRED_any, 0, NULL, 0, ret_error, e);
	if (pattern_has_wildcard(&inner) || pattern_has(&inner, PATTERN_DASH))
		return sigma_pred_get(r, SIGMA_PRED_glob, flags, p->e, p->n * sizeof(*p->e),
				      ret_error, e);
	pattern_text(&inner, &text);
	enum sigma_pred_kind kind = head && tail ? SIGMA_PRED_contains
				    : head	 ? SIGMA_PRED_endswith
				    : tail	 ? SIGMA_PRED_startswith
						 : SIGMA_PRED_equals;
	if (text.failed)
		*ret_error = -ENOMEM;
	else
		made = sigma_pred_get(r, kind, flags, text.data, text.len, ret_error, e);
	buf_free(&text);
	return made;
}
