/* SPDX-License-Identifier: Apache-2.0 */
/* Times of events. */
#include "sigma/event_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "sigma/when.h"

#define NS_DIGITS 9

/* Exactly n digits. */
static bool take_digits(const char **p, unsigned n, int *ret)
{
	int v = 0;

	for (unsigned i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		v = v * 10 + (**p - '0');
	}
	*ret = v;
	return true;
}

/* The point and what follows it, in units of 10^-ndigits; digits beyond are dropped. */
static bool take_fraction(const char **p, unsigned ndigits, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned n = 0;

	*ret = 0;
	if (**p != '.')
		return true;
	for ((*p)++; **p >= '0' && **p <= '9'; (*p)++, n++)
		if (n < ndigits)
			v = v * 10 + (uint64_t)(**p - '0');
	for (unsigned i = n; i < ndigits; i++)
		v *= 10;
	*ret = v;
	return n > 0;
}

/* Z, +hh:mm, +hhmm or nothing, up to the end of the text: seconds east of Greenwich. */
static bool take_offset(const char *p, int *ret)
{
	int hours, minutes, sign = *p == '-' ? -1 : 1;

	*ret = 0;
	if (!*p || ((*p == 'Z' || *p == 'z') && !p[1]))
		return true;
	if (*p != '+' && *p != '-')
		return false;
	p++;
	if (!take_digits(&p, 2, &hours))
		return false;
	p += *p == ':';
	if (!take_digits(&p, 2, &minutes) || *p || hours > 23 || minutes > 59)
		return false;
	*ret = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool parse_date(const char *p, uint64_t *ret)
{
	struct tm tm = { 0 };
	uint64_t ns;
	int offset;

	if (!take_digits(&p, 4, &tm.tm_year) || *p++ != '-' || !take_digits(&p, 2, &tm.tm_mon) ||
	    *p++ != '-' || !take_digits(&p, 2, &tm.tm_mday))
		return false;
	if (*p != 'T' && *p != 't' && *p != ' ')
		return false;
	p++;
	if (!take_digits(&p, 2, &tm.tm_hour) || *p++ != ':' || !take_digits(&p, 2, &tm.tm_min) ||
	    *p++ != ':' || !take_digits(&p, 2, &tm.tm_sec))
		return false;
	if (!take_fraction(&p, NS_DIGITS, &ns) || !take_offset(p, &offset))
		return false;

	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
	    tm.tm_mday > when_month_days(tm.tm_year, tm.tm_mon) || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	time_t t = timegm(&tm) - offset; /* of a leap second, the one after it */
	if (t < 0 || (uint64_t)t > UINT64_MAX / NSEC_PER_SEC - 1)
		return false;
	*ret = (uint64_t)t * NSEC_PER_SEC + ns;
	return true;
}

static bool parse_number(const char *p, uint64_t *ret)
{
	/* Seconds beyond the year 5138 are milliseconds, and so on by thousands. */
	static const struct {
		uint64_t below, ns;
		unsigned digits; /* of ns */
	} units[] = { { 100000000000, 1000000000, 9 },
		      { 100000000000000, 1000000, 6 },
		      { 100000000000000000, 1000, 3 },
		      { UINT64_MAX, 1, 0 } };
	uint64_t v = 0, fraction;
	const char *first = p;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10U, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	if (p == first)
		return false;
	unsigned i = 0;
	while (v >= units[i].below && i < 3)
		i++;
	if (!take_fraction(&p, units[i].digits, &fraction) || *p ||
	    __builtin_mul_overflow(v, units[i].ns, &v))
		return false;
	return !__builtin_add_overflow(v, fraction, ret);
}

bool event_time_parse(const struct sigma_scalar *s, uint64_t *ret)
{
	char text[64];

	if (s->type == SIGMA_null || s->type == SIGMA_bool || s->len >= sizeof(text) ||
	    memchr(s->text, '\0', s->len))
		return false;
	memcpy(text, s->text, s->len);
	text[s->len] = '\0';
	if (s->type == SIGMA_float && strpbrk(text, "eE"))
		snprintf(text, sizeof(text), "%.9f", s->f);
	return parse_number(text, ret) || parse_date(text, ret);
}
