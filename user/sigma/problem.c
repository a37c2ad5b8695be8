/* SPDX-License-Identifier: Apache-2.0 */
/* Problems of rules: a list that grows up to a bound. */
#include "sigma/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

static struct sigma_problem *next(struct sigma_problems *p)
{
	if (p->n == SIGMA_PROBLEMS_MAX)
		return NULL;
	if (p->n == p->cap) {
		unsigned cap = p->cap ? p->cap * 2 : 16;
		struct sigma_problem *grown = realloc(p->problem, cap * sizeof(*grown));
		if (!grown)
			return NULL;
		p->problem = grown;
		p->cap = cap;
	}
	return &p->problem[p->n];
}

/* What rules say is quoted in messages, and messages go to terminals. */
static void set_text(struct sigma_problem *to, const char *raw)
{
	struct buf b = { 0 };

	utf8_printable(&b, raw, strlen(raw));
	size_t n = 0;
	while (n < b.len) {
		size_t k = utf8_seq((const unsigned char *)b.data + n, b.len - n);
		if (n + (k ? k : 1) >= sizeof(to->text))
			break;
		n += k ? k : 1;
	}
	if (n)
		memcpy(to->text, b.data, n);
	to->text[n] = '\0';
	buf_free(&b);
}

void sigma_problem_add(struct sigma_problems *p, enum sigma_problem_kind kind, struct sigma_pos pos,
		       const char *fmt, ...)
{
	char raw[sizeof(p->problem->text)];
	struct sigma_problem *to = next(p);
	va_list ap;

	if (kind == SIGMA_ERROR)
		p->errors++;
	if (!to) {
		p->dropped++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	to->kind = kind;
	to->pos = pos;
	set_text(to, raw);
	p->n++;
}

void sigma_problems_free(struct sigma_problems *p)
{
	if (!p)
		return;
	free(p->problem);
	memset(p, 0, sizeof(*p));
}
