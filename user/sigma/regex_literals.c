/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What text must contain for a regular expression to match it, read off the expression. Only plain
 * cases are understood; in any doubt the answer is "nothing", which is always right.
 */
#include <string.h>

#include "sigma/regex.h"

#define DEPTH_MAX 32

struct reader {
	const char *p;
	size_t i, len;
	unsigned depth;
	bool unclear; /* something is written that is not understood */
};

static char peek(const struct reader *r)
{
	return r->i < r->len ? r->p[r->i] : 0;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The shortest of them is what a search will find most often. */
static size_t worth(const struct regex_literals *l)
{
	size_t min = l->n ? REGEX_LITERAL_LEN : 0;

	for (unsigned i = 0; i < l->n; i++)
		min = l->literal[i].len < min ? l->literal[i].len : min;
	return min;
}

static void keep_better(struct regex_literals *best, const struct regex_literals *l)
{
	if (worth(l) > worth(best))
		*best = *l;
}

/* Ends a run of plain characters. */
static void end_run(struct regex_literals *best, struct regex_literals *run)
{
	keep_better(best, run);
	run->n = 1;
	run->literal[0].len = 0;
}

static void skip_class(struct reader *r)
{
	r->i++;
	if (peek(r) == '^')
		r->i++;
	if (peek(r) == ']')
		r->i++;
	for (; r->i < r->len && peek(r) != ']'; r->i++) {
		if (peek(r) == '\\')
			r->i++;
		else if (peek(r) == '[' && r->i + 1 < r->len && strchr(":.=", r->p[r->i + 1]))
			r->unclear = true;
		if (r->i < r->len && r->p[r->i] == 'Q' && r->p[r->i - 1] == '\\')
			r->unclear = true;
	}
	r->i++;
}

enum repeat { ONCE, AT_LEAST_ONCE, MAYBE_NONE };

static enum repeat read_repeat(struct reader *r)
{
	enum repeat found = ONCE;
	char c = peek(r);

	if (c == '*' || c == '?') {
		found = MAYBE_NONE;
		r->i++;
	} else if (c == '+') {
		found = AT_LEAST_ONCE;
		r->i++;
	} else if (c == '{') {
		/* {n}, {n,}, {n,m}; {,m} and other text are plain to PCRE2 10.42, not to later
		 * ones. */
		size_t i = r->i + 1;
		bool zero = true;
		for (; i < r->len && r->p[i] >= '0' && r->p[i] <= '9'; i++)
			zero &= r->p[i] == '0';
		if (i == r->i + 1) {
			r->unclear = true;
			return ONCE;
		}
		while (i < r->len && r->p[i] != '}')
			i++;
		r->i = i + 1;
		found = zero ? MAYBE_NONE : AT_LEAST_ONCE;
	}
	if (found != ONCE && (peek(r) == '?' || peek(r) == '+')) /* lazy, possessive */
		r->i++;
	return found;
}

static void alternatives(struct reader *r, struct regex_literals *ret);

/* At '('. What the group must contain; nothing for those that only look, or set options. */
static void group(struct reader *r, struct regex_literals *ret)
{
	bool plain = true;

	r->i++;
	if (peek(r) == '*') {
		r->unclear = true;
	} else if (peek(r) == '?') {
		r->i++;
		if (peek(r) == ':') {
			r->i++;
		} else {
			plain = false;
			/* Options up to : or ); x changes what white space means. */
			while (is_alnum(peek(r)) || peek(r) == '-' || peek(r) == '^') {
				r->unclear |= peek(r) == 'x' || peek(r) == 'R';
				r->i++;
			}
			if (peek(r) == ':')
				plain = true, r->i++;
			else if (peek(r) != ')')
				r->unclear = true;
		}
	}
	alternatives(r, ret);
	if (!plain)
		ret->n = 0;
	r->unclear |= peek(r) != ')';
	r->i++;
}

/* At a backslash: true and the character if it stands for itself. */
static bool escape(struct reader *r, char *ret)
{
	r->i++;
	char c = peek(r);
	r->i++;
	*ret = c;
	if (!is_alnum(c) && c && !((unsigned char)c & 0x80))
		return true;
	if (!c || !strchr("dDwWsSbBhHvVnrtfeaAzZG", c))
		r->unclear = true;
	return false;
}

static void sequence(struct reader *r, struct regex_literals *best)
{
	struct regex_literals run = { .n = 1 }, inner;
	struct regex_literal *l = &run.literal[0];

	best->n = 0;
	while (r->i < r->len && !r->unclear && peek(r) != '|' && peek(r) != ')') {
		char c = peek(r);
		bool plain = false;
		inner.n = 0;
		if (c == '\\') {
			plain = escape(r, &c);
		} else if (c == '(') {
			group(r, &inner);
		} else if (c == '[') {
			skip_class(r);
		} else {
			plain = !strchr(".^$*+?{", c) && !((unsigned char)c & 0x80);
			r->unclear |= strchr("*+?{", c) != NULL;
			r->i++;
		}
		enum repeat repeat = read_repeat(r);
		if (plain && repeat != MAYBE_NONE && l->len < REGEX_LITERAL_LEN)
			l->s[l->len++] = c;
		else if (repeat != MAYBE_NONE)
			keep_better(best, &inner);
		if (!plain || repeat != ONCE)
			end_run(best, &run);
	}
	end_run(best, &run);
	if (!worth(best))
		best->n = 0;
}

static void alternatives(struct reader *r, struct regex_literals *ret)
{
	struct regex_literals one;
	bool all = true;

	ret->n = 0;
	if (++r->depth > DEPTH_MAX) {
		r->unclear = true;
		return;
	}
	for (;;) {
		sequence(r, &one);
		all &= one.n && ret->n + one.n <= REGEX_LITERALS_MAX;
		if (all) {
			memcpy(ret->literal + ret->n, one.literal, one.n * sizeof(*one.literal));
			ret->n += one.n;
		}
		if (r->unclear || peek(r) != '|')
			break;
		r->i++;
	}
	r->depth--;
	if (!all)
		ret->n = 0;
}

void regex_literals(const char *pattern, size_t len, struct regex_literals *ret)
{
	struct reader r = { .p = pattern, .len = len };

	alternatives(&r, ret);
	if (r.unclear || r.i < len || memchr(pattern, 0, len))
		ret->n = 0;
}
