/* SPDX-License-Identifier: Apache-2.0 */
/* Matching of patterns: one place to go back to, the end of %u. */
#include "auth/pattern.h"

#include <string.h>

#define SPACES " \t\n\v\f\r"

struct matcher {
	const struct auth_piece *host;
	struct auth_pieces *out;
};

static bool host_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr(".:-_%", c));
}

static bool fits(char kind, char c)
{
	switch (kind) {
	case 'n':
		return c >= '0' && c <= '9';
	case 'h':
		return host_char(c);
	case 'i':
		return c && !strchr(SPACES ":", c);
	case 't':
		return c && !strchr(SPACES "'\"", c);
	default: /* m, w */
		return c && !strchr(SPACES, c);
	}
}

/* The longest piece of its kind; but a host does not end with the colon of the sentence. */
static size_t piece(char kind, const char *p, const char *end)
{
	size_t n = 0;

	if (kind == 'r' || kind == 'k')
		return (size_t)(end - p);
	while (p + n < end && fits(kind, p[n]))
		n++;
	if (kind == 'h' && n > 1 && p[n - 1] == ':' && (n < 2 || p[n - 2] != ':'))
		n--;
	return n;
}

static unsigned number(const char *p, size_t n)
{
	unsigned v = 0;

	for (size_t i = 0; i < n && v < 100000000; i++)
		v = v * 10 + (unsigned)(p[i] - '0');
	return v;
}

/* The key is what lies between its first word and its last. */
static void add_key(struct auth_piece *key, const char *p, size_t n)
{
	if (!key->len)
		key->p = p;
	key->len = (size_t)(p + n - key->p);
}

static bool keep(const struct matcher *m, char kind, const char *p, size_t n)
{
	struct auth_piece it = { p, n };

	switch (kind) {
	case 'u':
		m->out->user = it;
		break;
	case 'i':
		m->out->invoker = it;
		break;
	case 'h':
		m->out->host = it;
		return !m->host || (m->host->len == n && !memcmp(m->host->p, p, n));
	case 't':
		m->out->tty = it;
		break;
	case 'm':
		m->out->method = it;
		break;
	case 'n':
		m->out->number = number(p, n);
		break;
	case 'r':
		m->out->rest = it;
		break;
	default: /* w, k */
		add_key(&m->out->key, p, n);
	}
	return true;
}

static bool begins(const char *p, const char *end, const char *text)
{
	size_t n = strlen(text);
	return (size_t)(end - p) >= n && !memcmp(p, text, n);
}

/* %? and %A: how many bytes they take; -1: they are not there. */
static long which_user(const struct matcher *m, char kind, const char *p, const char *end)
{
	if (begins(p, end, "invalid user ") || begins(p, end, "illegal user ")) {
		m->out->invalid = true;
		return (long)strlen("invalid user ");
	}
	if (kind == '?')
		return 0;
	if (begins(p, end, "authenticating user "))
		return (long)strlen("authenticating user ");
	return -1;
}

/* From *pat and *p on, up to %u or the end. False if it does not match. */
static bool straight(const struct matcher *m, const char **pat, const char **p, const char *end)
{
	while (**pat && !begins(*pat, *pat + strlen(*pat), "%u")) {
		if (**pat != '%') {
			if (*p == end || **p != **pat)
				return false;
			++*p;
			++*pat;
			continue;
		}
		char kind = (*pat)[1];
		*pat += 2;
		if (kind == '?' || kind == 'A') {
			long n = which_user(m, kind, *p, end);
			if (n < 0)
				return false;
			*p += n;
			continue;
		}
		size_t n = piece(kind, *p, end);
		if (!n || !keep(m, kind, *p, n))
			return false;
		*p += n;
	}
	return true;
}

bool auth_pattern_match(const char *pattern, const char *text, size_t len,
			const struct auth_piece *host, struct auth_pieces *ret)
{
	struct matcher m = { host, ret };
	const char *end = text + len, *p = text;

	memset(ret, 0, sizeof(*ret));
	if (!straight(&m, &pattern, &p, end))
		return false;
	if (!*pattern)
		return p == end;
	pattern += strlen("%u");
	struct auth_pieces before = *ret;
	for (const char *stop = end; stop > p; stop--) {
		const char *rest = pattern, *q = stop;
		/* Most places fail at the first byte. */
		if (*pattern && *pattern != '%' && (stop == end || *stop != *pattern))
			continue;
		*ret = before;
		if (straight(&m, &rest, &q, end) && !*rest && q == end) {
			ret->user = (struct auth_piece){ p, (size_t)(stop - p) };
			return true;
		}
	}
	return false;
}
