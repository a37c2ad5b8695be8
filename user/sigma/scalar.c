/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of plain scalars: the core schema of YAML 1.2.2, section 10.3.2. The text stays as it was
 * written (04, 0x17, 1.10): rules compare text too. Infinities and NaN, which no event holds, are
 * taken for the words that they look like.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigma/yaml.h"

static bool among(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, words[i]))
			return true;
	return false;
}

static bool is_null(const char *t)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	return among(t, words, sizeof(words) / sizeof(words[0]));
}

static bool is_bool(const char *t, int64_t *ret)
{
	static const char *const yes[] = { "true", "True", "TRUE" };
	static const char *const no[] = { "false", "False", "FALSE" };

	*ret = among(t, yes, 3);
	return *ret || among(t, no, 3);
}

/*
 * Zeros in front make it a code (00000429 is a keyboard layout, 0644 a mode) and so text: that is
 * what authors of rules mean, and what YAML 1.1, by which they test, makes of it.
 */
static bool zero_padded(const char *t)
{
	if (*t == '-' || *t == '+')
		t++;
	return t[0] == '0' && t[1] >= '0' && t[1] <= '9';
}

/* [-+]?[0-9]+, 0o[0-7]+, 0x[0-9a-fA-F]+; 0: not that, else the base. */
static int int_base(const char *t)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	int base = 10;
	size_t n = 10;

	if (t[0] == '0' && t[1] == 'o') {
		base = 8;
		n = 8;
		t += 2;
	} else if (t[0] == '0' && t[1] == 'x') {
		base = 16;
		n = sizeof(digits) - 1;
		t += 2;
	} else if (*t == '-' || *t == '+') {
		t++;
	}
	if (!*t)
		return 0;
	for (; *t; t++)
		if (!memchr(digits, *t, n))
			return 0;
	return base;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_float(const char *t)
{
	static const char digits[] = "0123456789";

	if (*t == '-' || *t == '+')
		t++;
	size_t whole = strspn(t, digits), part = 0;
	t += whole;
	if (*t == '.') {
		part = strspn(++t, digits);
		t += part;
	}
	if (!whole && !part)
		return false;
	if (*t == 'e' || *t == 'E') {
		t++;
		if (*t == '-' || *t == '+')
			t++;
		size_t n = strspn(t, digits);
		if (!n)
			return false;
		t += n;
	}
	return !*t;
}

void sigma_scalar_type(struct sigma_scalar *s)
{
	int64_t truth;
	int base;

	s->type = SIGMA_str;
	s->i = 0;
	s->f = 0;
	if (strlen(s->text) != s->len || zero_padded(s->text))
		return;
	if (is_null(s->text)) {
		s->type = SIGMA_null;
	} else if (is_bool(s->text, &truth)) {
		s->type = SIGMA_bool;
		s->i = truth;
	} else if ((base = int_base(s->text))) {
		errno = 0;
		s->i = strtoll(s->text + (base == 10 ? 0 : 2), NULL, base);
		s->f = (double)s->i;
		s->type = SIGMA_int;
		if (errno == ERANGE) {
			s->type = SIGMA_float;
			s->i = 0;
			s->f = base == 8 ? 0x1p63 : strtod(s->text, NULL);
		}
	} else if (is_float(s->text)) {
		s->type = SIGMA_float;
		s->f = strtod(s->text, NULL);
	}
}
