/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What text must contain for a regular expression to match it, read off the expression.
 *
 * Each part of an expression stands for a few texts of which it matches one. Texts of neighbours
 * are joined; one that is open has more behind it that is not known and is joined with nothing.
 * Of all sets that are met on the way the one that text has least often is the answer. Only plain
 * syntax is understood; in any doubt the answer is "nothing", which is always right.
 */
#include <stdint.h>
#include <string.h>

#include "sigma/regex.h"

#define DEPTH_MAX    16
#define SET_MAX	     (REGEX_LITERALS_MAX / 2) /* at the end of text, each counts twice */
#define CLASS_MAX    4 /* characters, more are unknown text */
#define ASCII	     128
#define POOL_BYTES   32768
#define COST_USELESS 1000000U /* of what is in all text */

struct text {
	uint16_t off; /* in the pool, lower case */
	uint8_t len;
	bool open, head, tail; /* head, tail: stands where the text begins, ends */
};

struct set {
	unsigned n; /* 0: nothing is known */
	struct text t[SET_MAX];
};

struct part {
	struct set first; /* each match begins with one of them, is one of them if none is open */
	struct set best; /* each match has one of them */
};

struct reader {
	const char *p;
	size_t i, len;
	unsigned depth;
	bool lines; /* ^ and $ may stand at line ends */
	bool unclear; /* something is written that is not understood */
	size_t used;
	char pool[POOL_BYTES];
};

static char peek(const struct reader *r)
{
	return r->i < r->len ? r->p[r->i] : 0;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void put(struct reader *r, struct text *t, const char *s, size_t n)
{
	if (t->len + n > REGEX_LITERAL_LEN) {
		n = (size_t)REGEX_LITERAL_LEN - t->len;
		t->open = true;
	}
	if (n > POOL_BYTES - r->used) {
		r->unclear = true;
		return;
	}
	memcpy(r->pool + r->used, s, n);
	r->used += n;
	t->len = (uint8_t)(t->len + n);
}

static void only(struct set *s, struct text t)
{
	s->n = 1;
	s->t[0] = t;
}

static const struct text EMPTY = { 0 }, UNKNOWN = { .open = true };

static bool any_open(const struct set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->t[i].open)
			return true;
	return false;
}

static bool all_open(const struct set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (!s->t[i].open)
			return false;
	return true;
}

static void open_all(struct set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		s->t[i].open = true;
}

/* How often text has one of them, about; what short ones say is next to nothing. */
static unsigned cost(const struct set *s)
{
	static const unsigned anywhere[] = { COST_USELESS, 10000, 300, 80, 20, 12, 10, 9, 8 };
	static const unsigned at_end[] = { COST_USELESS, 3000, 20, 20, 8 };
	unsigned sum = s->n ? 0 : COST_USELESS;

	for (unsigned i = 0; i < s->n; i++) {
		const struct text *t = &s->t[i];
		if (t->head && t->tail && !t->open && t->len)
			sum += 5;
		else if (t->head || (t->tail && !t->open))
			sum += at_end[t->len < 4 ? t->len : 4];
		else
			sum += anywhere[t->len < 8 ? t->len : 8];
	}
	return sum;
}

static bool same(const struct reader *r, const struct text *a, const struct text *b)
{
	return a->len == b->len && a->open == b->open && a->head == b->head && a->tail == b->tail &&
	       !memcmp(r->pool + a->off, r->pool + b->off, a->len);
}

/* false: too many. */
static bool add(const struct reader *r, struct set *s, const struct text *t)
{
	for (unsigned i = 0; i < s->n; i++)
		if (same(r, &s->t[i], t))
			return true;
	if (s->n == SET_MAX)
		return false;
	s->t[s->n++] = *t;
	return true;
}

/* Texts that have another one of the set in them are not needed. */
static void keep_better(const struct reader *r, struct set *best, const struct set *s)
{
	struct set least = { 0 };

	for (unsigned i = 0; i < s->n; i++) {
		const struct text *t = &s->t[i];
		bool covered = false;
		for (unsigned k = 0; k < s->n && !covered; k++) {
			const struct text *u = &s->t[k];
			covered = !u->head && !u->tail && u->len < t->len &&
				  memmem(r->pool + t->off, t->len, r->pool + u->off, u->len);
		}
		if (!covered)
			least.t[least.n++] = *t;
	}
	if (cost(&least) < cost(best))
		*best = least;
}

static struct text join(struct reader *r, const struct text *a, const struct text *b)
{
	struct text t = *a;

	if (a->open)
		return t;
	t.head = a->head || (!a->len && b->head);
	t.tail = b->tail || (!b->len && a->tail);
	t.open = b->open;
	if (!a->len) {
		t.off = b->off;
		t.len = b->len;
	} else if (b->len) {
		/* What was made last grows where it is. */
		if ((size_t)a->off + a->len != r->used) {
			t.len = 0;
			t.off = (uint16_t)r->used;
			put(r, &t, r->pool + a->off, a->len);
		}
		put(r, &t, r->pool + b->off, b->len);
	}
	/* One that was cut does not reach the end; $ in the midst of a match is of no use. */
	if (t.len < a->len + b->len)
		t.tail = false;
	return t;
}

/* Each of s before each of next. false: too many; s is as it was. */
static bool join_all(struct reader *r, struct set *s, const struct set *next)
{
	struct set all = { 0 };

	for (unsigned i = 0; i < s->n; i++) {
		for (unsigned k = 0; k < (s->t[i].open ? 1 : next->n); k++) {
			struct text t = join(r, &s->t[i], &next->t[k]);
			if (!add(r, &all, &t))
				return false;
		}
	}
	*s = all;
	return true;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* All of ASCII stands at the pool's beginning. */
static struct text one_char(char c)
{
	return (struct text){ .off = (unsigned char)lower(c), .len = 1 };
}

/* At '['. */
static void char_class(struct reader *r, struct set *ret)
{
	size_t start = r->i + 1;
	bool few = true;

	ret->n = 0;
	r->i++;
	if (peek(r) == '^') {
		few = false;
		start = ++r->i;
	}
	for (; r->i < r->len && (peek(r) != ']' || r->i == start); r->i++) {
		char c = peek(r);
		if (c == '[' && r->i + 1 < r->len && strchr(":.=", r->p[r->i + 1]))
			r->unclear = true;
		if (c == '\\') {
			r->i++;
			c = peek(r);
			r->unclear |= c == 'Q' || c == 'E';
			few &= !is_alnum(c);
		} else if (c == '-') {
			few &= r->i == start || (r->i + 1 < r->len && r->p[r->i + 1] == ']');
		}
		few &= !((unsigned char)c & 0x80) && ret->n < CLASS_MAX;
		if (few) {
			struct text t = one_char(c);
			add(r, ret, &t);
		}
	}
	r->i++;
	if (!few)
		only(ret, UNKNOWN);
}

enum repeat { ONCE, AT_LEAST_ONCE, AT_MOST_ONCE, ANY_TIMES };

static enum repeat read_repeat(struct reader *r)
{
	enum repeat found = ONCE;
	char c = peek(r);

	if (c == '*' || c == '?') {
		found = c == '*' ? ANY_TIMES : AT_MOST_ONCE;
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
		for (; i < r->len && r->p[i] != '}'; i++)
			r->unclear |= r->p[i] != ',' && (r->p[i] < '0' || r->p[i] > '9');
		r->i = i + 1;
		found = zero ? ANY_TIMES : AT_LEAST_ONCE;
	}
	if (found != ONCE && (peek(r) == '?' || peek(r) == '+')) /* lazy, possessive */
		r->i++;
	r->unclear |= found != ONCE && peek(r) && strchr("*+?{", peek(r));
	return found;
}

static void alternatives(struct reader *r, struct part *ret);

/* Behind "(?". True if the group's text is part of what matches. */
static bool group_consumes(struct reader *r)
{
	char c = peek(r), next = r->i + 1 < r->len ? r->p[r->i + 1] : 0;

	if (c == ':' || c == '>') {
		r->i++;
		return true;
	}
	if (c == '=' || c == '!' || (c == '<' && (next == '=' || next == '!'))) {
		r->i += c == '<' ? 2 : 1;
		return false;
	}
	/* Options up to : or ); x changes what white space means. m holds to the end, to be sure.
	 */
	while (peek(r) && strchr("imsJUn^-", peek(r))) {
		r->lines |= peek(r) == 'm';
		r->i++;
	}
	r->unclear |= peek(r) != ':' && peek(r) != ')';
	r->i += peek(r) == ':';
	return true;
}

/* At '('. */
static void group(struct reader *r, struct part *ret)
{
	bool consumes = true;

	r->i++;
	r->unclear |= peek(r) == '*';
	if (peek(r) == '?') {
		r->i++;
		consumes = group_consumes(r);
	}
	alternatives(r, ret);
	if (!consumes) {
		only(&ret->first, EMPTY);
		ret->best.n = 0;
	}
	r->unclear |= peek(r) != ')';
	r->i++;
}

/* At a backslash. */
static struct text escape(struct reader *r)
{
	r->i++;
	char c = peek(r);
	r->i++;
	if (!is_alnum(c) && c && !((unsigned char)c & 0x80))
		return one_char(c);
	if (c && strchr("bBG", c))
		return EMPTY;
	if (c == 'A')
		return (struct text){ .head = true };
	if (c == 'z' || c == 'Z')
		return (struct text){ .tail = true };
	if (!c || !strchr("dDwWsShHvVnrtfea", c))
		r->unclear = true;
	return UNKNOWN;
}

/* One character, class, group or assertion. */
static void item(struct reader *r, struct part *ret)
{
	char c = peek(r);

	ret->best.n = 0;
	if (c == '\\') {
		only(&ret->first, escape(r));
	} else if (c == '(') {
		group(r, ret);
	} else if (c == '[') {
		char_class(r, &ret->first);
	} else {
		struct text t = UNKNOWN;
		if (c == '^')
			t = (struct text){ .head = !r->lines };
		else if (c == '$')
			t = (struct text){ .tail = !r->lines };
		else if (c != '.' && !((unsigned char)c & 0x80))
			t = one_char(c);
		r->unclear |= strchr("*+?{", c) != NULL;
		r->i++;
		only(&ret->first, t);
	}
}

static void repeat(struct reader *r, enum repeat how, struct part *p)
{
	if (how == AT_LEAST_ONCE)
		open_all(&p->first);
	if (how == AT_MOST_ONCE && !add(r, &p->first, &EMPTY))
		how = ANY_TIMES;
	if (how == ANY_TIMES)
		only(&p->first, UNKNOWN);
	if (how == ANY_TIMES || how == AT_MOST_ONCE)
		p->best.n = 0;
}

static void sequence(struct reader *r, struct part *ret)
{
	struct set run, last;
	struct part p;
	bool ended = false; /* the run that the sequence begins with, which first goes on with */

	ret->best.n = 0;
	only(&run, EMPTY);
	while (r->i < r->len && !r->unclear && peek(r) != '|' && peek(r) != ')') {
		item(r, &p);
		/* Of what repeats, what follows stands behind the last. */
		last = p.first;
		enum repeat how = read_repeat(r);
		repeat(r, how, &p);
		if (how != AT_LEAST_ONCE || any_open(&last))
			only(&last, EMPTY);
		keep_better(r, &ret->best, &p.best);
		if (p.first.n > 1)
			keep_better(r, &ret->best, &run);
		if (ended && !all_open(&ret->first) && !join_all(r, &ret->first, &p.first))
			open_all(&ret->first);
		if (!join_all(r, &run, &p.first)) {
			keep_better(r, &ret->best, &run);
			if (!ended) {
				ret->first = run;
				open_all(&ret->first);
				ended = true;
			}
			run = p.first;
		}
		if (any_open(&run)) {
			keep_better(r, &ret->best, &run);
			if (!ended)
				ret->first = run;
			ended = true;
			run = last;
		}
	}
	if (!ended)
		ret->first = run;
	keep_better(r, &ret->best, &run);
	keep_better(r, &ret->best, &ret->first);
}

static void alternatives(struct reader *r, struct part *ret)
{
	struct part one;
	bool first = true, best = true;

	ret->first.n = ret->best.n = 0;
	if (++r->depth > DEPTH_MAX) {
		r->unclear = true;
		return;
	}
	for (;;) {
		sequence(r, &one);
		best &= one.best.n > 0;
		for (unsigned i = 0; i < one.first.n && first; i++)
			first = add(r, &ret->first, &one.first.t[i]);
		for (unsigned i = 0; i < one.best.n && best; i++)
			best = add(r, &ret->best, &one.best.t[i]);
		if (r->unclear || peek(r) != '|')
			break;
		r->i++;
	}
	r->depth--;
	if (!first)
		only(&ret->first, UNKNOWN);
	if (!best)
		ret->best.n = 0;
}

static void give(const struct reader *r, const struct text *t, struct regex_literals *ret)
{
	bool tail = t->tail && !t->open;
	struct regex_literal *l = &ret->literal[ret->n++];

	l->place = t->head && tail ? REGEX_WHOLE : t->head ? REGEX_STARTS : tail ? REGEX_ENDS : 0;
	l->len = t->len;
	memcpy(l->s, r->pool + t->off, t->len);
	if (!tail)
		return;
	/* $ also stands before a line's end that is the last. */
	ret->literal[ret->n] = *l;
	l = &ret->literal[ret->n++];
	l->s[l->len++] = '\n';
}

void regex_literals(const char *pattern, size_t len, unsigned flags, struct regex_literals *ret)
{
	struct reader r = { .p = pattern, .len = len, .lines = flags & REGEX_M };
	struct part all;

	for (; r.used < ASCII; r.used++)
		r.pool[r.used] = (char)r.used;
	ret->n = 0;
	alternatives(&r, &all);
	if (r.unclear || r.i < len || memchr(pattern, 0, len) || cost(&all.best) >= COST_USELESS)
		return;
	for (unsigned i = 0; i < all.best.n; i++)
		give(&r, &all.best.t[i], ret);
}
