/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers: strict parsing, exact comparison. */
#include "sigma/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* [+-]digits[.digits][e[+-]digits], nothing before or behind. */
static bool looks_decimal(const char *s)
{
	s += *s == '+' || *s == '-';
	size_t n = digits(s);
	s += n;
	if (*s == '.') {
		size_t k = digits(++s);
		s += k;
		n += k;
	}
	if (!n)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '+' || *s == '-';
		n = digits(s);
		if (!n)
			return false;
		s += n;
	}
	return !*s;
}

bool number_of(const struct sigma_scalar *s, long double *ret)
{
	char copy[NUMBER_TEXT_MAX];

	switch (s->type) {
	case SIGMA_int:
		*ret = (long double)s->i;
		return true;
	case SIGMA_float:
		*ret = (long double)s->f;
		return isfinite(s->f);
	case SIGMA_str:
		if (!s->len || s->len >= sizeof(copy) || memchr(s->text, 0, s->len))
			return false;
		memcpy(copy, s->text, s->len);
		copy[s->len] = 0;
		if (!looks_decimal(copy))
			return false;
		*ret = strtold(copy, NULL);
		return isfinite(*ret);
	case SIGMA_bool:
	case SIGMA_null:
		break;
	}
	return false;
}

/* 1.1, not 1.1000000000000001. */
static int shortest(double f, char ret[NUMBER_TEXT_MAX])
{
	int n = 0;

	for (int precision = 15; precision <= 17; precision++) {
		n = snprintf(ret, NUMBER_TEXT_MAX, "%.*g", precision, f);
		if (strtod(ret, NULL) == f)
			break;
	}
	return n;
}

bool number_canonical(const struct sigma_scalar *s, char ret[NUMBER_TEXT_MAX], size_t *ret_len)
{
	int n;

	if (s->type == SIGMA_int)
		n = snprintf(ret, NUMBER_TEXT_MAX, "%lld", (long long)s->i);
	else if (s->type != SIGMA_float || !isfinite(s->f))
		return false;
	else if (fabs(s->f) < 0x1p63 && s->f == trunc(s->f))
		n = snprintf(ret, NUMBER_TEXT_MAX, "%lld", (long long)s->f);
	else
		n = shortest(s->f, ret);
	*ret_len = (size_t)n;
	return true;
}

bool number_compare(enum sigma_compare op, long double a, long double b)
{
	switch (op) {
	case SIGMA_eq:
		return a == b;
	case SIGMA_neq:
		return a != b;
	case SIGMA_gt:
		return a > b;
	case SIGMA_gte:
		return a >= b;
	case SIGMA_lt:
		return a < b;
	case SIGMA_lte:
		return a <= b;
	}
	return false;
}
