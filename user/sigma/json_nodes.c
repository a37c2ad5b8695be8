/* SPDX-License-Identifier: Apache-2.0 */
/* JSON to nodes: one pass, recursion as deep as JN_DEPTH_MAX. */
#include "sigma/json_nodes.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct jn *j;
	const char *start, *p, *end;
	char *to; /* free room in j->text: what is written is never longer than what is read */
	struct err *e;
};

static int bad(struct reader *r, const char *what)
{
	return err_set(r->e, -EBADMSG, "not JSON: %s at byte %zu", what,
		       (size_t)(r->p - r->start) + 1);
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

/* The next byte that is not space; NUL at the end. */
static char peek(struct reader *r)
{
	skip_space(r);
	return r->p < r->end ? *r->p : '\0';
}

/* Four hexadecimal digits at p. -1: there are none. */
static int hex4(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

static char *put_utf8(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xC0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3F));
	} else if (c < 0x10000) {
		*to++ = (char)(0xE0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3F));
		*to++ = (char)(0x80 | (c & 0x3F));
	} else {
		*to++ = (char)(0xF0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3F));
		*to++ = (char)(0x80 | (c >> 6 & 0x3F));
		*to++ = (char)(0x80 | (c & 0x3F));
	}
	return to;
}

/* What stands behind \u, and behind the \u that it is a pair with. */
static int read_code_point(struct reader *r)
{
	int c = hex4(r->p, r->end), low;

	if (c < 0)
		return bad(r, "\\u without four digits");
	r->p += 4;
	if (c >= 0xD800 && c < 0xDC00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u' &&
	    (low = hex4(r->p + 2, r->end)) >= 0xDC00 && low < 0xE000) {
		r->p += 6;
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
	} else if (c >= 0xD800 && c < 0xE000) {
		c = 0xFFFD;
	}
	r->to = put_utf8(r->to, (unsigned)c);
	return 0;
}

static int read_escape(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (r->p == r->end)
		return bad(r, "end of text in a string");
	if (*r->p == 'u') {
		r->p++;
		return read_code_point(r);
	}
	found = *r->p ? strchr(from, *r->p) : NULL;
	if (!found)
		return bad(r, "unknown escape");
	*r->to++ = to[found - from];
	r->p++;
	return 0;
}

/* r->p stands on the opening quote. */
static int read_string(struct reader *r, const char **ret, size_t *ret_len)
{
	char *text = r->to;

	for (r->p++;;) {
		const char *run = r->p;
		while (r->p < r->end && *r->p != '"' && *r->p != '\\')
			r->p++;
		memcpy(r->to, run, (size_t)(r->p - run));
		r->to += r->p - run;
		if (r->p == r->end)
			return bad(r, "end of text in a string");
		if (*r->p++ == '"')
			break;
		int rc = read_escape(r);
		if (rc)
			return rc;
	}
	*ret = text;
	*ret_len = (size_t)(r->to - text);
	*r->to++ = '\0';
	return 0;
}

/* Appends one; later calls may move it. */
static struct jn_node *add(struct reader *r, enum jn_kind kind, const char *key, size_t keylen,
			   unsigned depth)
{
	struct jn *j = r->j;

	if (j->n == j->cap) {
		size_t cap = j->cap ? 2 * j->cap : 64;
		struct jn_node *p = j->n < JN_NODES_MAX ? realloc(j->node, cap * sizeof(*p)) : NULL;
		if (!p)
			return NULL;
		j->node = p;
		j->cap = cap;
	}
	struct jn_node *node = &j->node[j->n++];
	*node = (struct jn_node){ .kind = kind, .depth = depth, .key = key, .keylen = keylen };
	return node;
}

static int no_room(struct reader *r)
{
	if (r->j->n == JN_NODES_MAX)
		return err_set(r->e, -EBADMSG, "more than %u values", JN_NODES_MAX);
	return err_set(r->e, -ENOMEM, "out of memory");
}

static size_t digits(struct reader *r)
{
	const char *from = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return (size_t)(r->p - from);
}

static int read_number(struct reader *r, struct sigma_scalar *s)
{
	const char *from = r->p;
	bool whole = true;

	r->p += *r->p == '-';
	const char *first = r->p;
	size_t n = digits(r);
	if (!n || (n > 1 && *first == '0'))
		return bad(r, "no value");
	if (r->p < r->end && *r->p == '.') {
		whole = false;
		r->p++;
		if (!digits(r))
			return bad(r, "no digit behind the point");
	}
	if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
		whole = false;
		r->p++;
		r->p += r->p < r->end && (*r->p == '+' || *r->p == '-');
		if (!digits(r))
			return bad(r, "no digit in the exponent");
	}
	s->text = r->to;
	s->len = (size_t)(r->p - from);
	memcpy(r->to, from, s->len);
	r->to += s->len;
	*r->to++ = '\0';

	errno = 0;
	s->type = SIGMA_int;
	if (whole)
		s->i = strtoll(s->text, NULL, 10);
	if (whole && !errno) {
		s->f = (double)s->i;
	} else {
		s->type = SIGMA_float;
		s->i = 0;
		s->f = strtod(s->text, NULL); /* infinite where a double ends */
	}
	return 0;
}

static int read_scalar(struct reader *r, struct sigma_scalar *s)
{
	static const struct {
		const char *text;
		enum sigma_type type;
		int value;
	} words[] = { { "null", SIGMA_null, 0 },
		      { "true", SIGMA_bool, 1 },
		      { "false", SIGMA_bool, 0 } };

	if (*r->p == '"') {
		s->type = SIGMA_str;
		return read_string(r, &s->text, &s->len);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].text);
		if ((size_t)(r->end - r->p) < n || memcmp(r->p, words[i].text, n))
			continue;
		r->p += n;
		s->type = words[i].type;
		s->i = words[i].value;
		s->text = s->type == SIGMA_null ? "" : words[i].text;
		s->len = strlen(s->text);
		return 0;
	}
	return read_number(r, s);
}

static int read_value(struct reader *r, const char *key, size_t keylen, unsigned depth);

/* The members of an object, or the elements of an array; r->p stands on its bracket. */
static int read_members(struct reader *r, char close, unsigned depth)
{
	const char *key = NULL;
	size_t keylen = 0;
	int rc;

	if (depth >= JN_DEPTH_MAX)
		return bad(r, "nested too deeply");
	r->p++;
	if (peek(r) == close) {
		r->p++;
		return 0;
	}
	for (;;) {
		if (close == '}') {
			if (peek(r) != '"')
				return bad(r, "no key");
			rc = read_string(r, &key, &keylen);
			if (rc)
				return rc;
			if (peek(r) != ':')
				return bad(r, "no colon");
			r->p++;
		}
		rc = read_value(r, key, keylen, depth + 1);
		if (rc)
			return rc;
		char c = peek(r);
		if (c != ',' && c != close)
			return bad(r, "no comma");
		r->p++;
		if (c == close)
			return 0;
	}
}

static int read_value(struct reader *r, const char *key, size_t keylen, unsigned depth)
{
	char c = peek(r);

	if (r->p == r->end)
		return bad(r, "end of text");
	enum jn_kind kind = c == '{' ? JN_object : c == '[' ? JN_array : JN_scalar;
	struct jn_node *node = add(r, kind, key, keylen, depth);
	if (!node)
		return no_room(r);
	if (kind == JN_scalar)
		return read_scalar(r, &node->scalar);
	return read_members(r, c == '{' ? '}' : ']', depth);
}

int jn_parse(struct jn *j, const char *p, size_t len, struct err *e)
{
	struct reader r = { .j = j, .start = p, .p = p, .end = p + len, .e = e };

	j->n = 0;
	if (j->text_cap < len + 1) {
		char *text = len < SIZE_MAX / 2 ? realloc(j->text, len + len / 2 + 1) : NULL;
		if (!text)
			return err_set(e, -ENOMEM, "out of memory");
		j->text = text;
		j->text_cap = len + len / 2 + 1;
	}
	r.to = j->text;
	int rc = read_value(&r, NULL, 0, 0);
	if (rc)
		return rc;
	skip_space(&r);
	return r.p == r.end ? 0 : bad(&r, "more text behind the value");
}

void jn_free(struct jn *j)
{
	free(j->node);
	free(j->text);
	memset(j, 0, sizeof(*j));
}
