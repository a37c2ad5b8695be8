/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time: ISO 8601 text (extended and basic form) and Unix times. */
#include "sigma/when.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include "sigma/number.h"

#define WHEN_TEXT_MAX 64

/* n digits at *s, which is moved behind them; -1: they are not there. */
static int take(const char **s, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)**s))
			return -1;
		v = 10 * v + *(*s)++ - '0';
	}
	return v;
}

int when_month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* What may follow the time of day: a fraction, an offset, nothing else. */
static bool rest_fits(const char *s)
{
	if (*s == '.' || *s == ',') {
		size_t n = strspn(++s, "0123456789");
		if (!n)
			return false;
		s += n;
	}
	s += *s == ' ';
	if (!*s || !strcmp(s, "Z") || !strcmp(s, "z") || !strcmp(s, "UTC"))
		return true;
	if (*s != '+' && *s != '-')
		return false;
	s++;
	if (take(&s, 2) < 0)
		return false;
	if (*s == ':')
		s++;
	return !*s || (take(&s, 2) >= 0 && !*s);
}

/* tm_hour -1: only a date. */
static bool parse(const char *s, struct tm *ret)
{
	int year = take(&s, 4);
	bool dashes = *s == '-';

	s += dashes;
	int month = year < 0 ? -1 : take(&s, 2);
	if (month < 1 || month > 12 || (dashes && *s++ != '-'))
		return false;
	int day = take(&s, 2);
	if (day < 1 || day > when_month_days(year, month))
		return false;
	*ret = (struct tm){ .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
	ret->tm_hour = -1;
	if (!*s)
		return true;
	if (*s != 'T' && *s != 't' && *s != ' ' && *s != '_')
		return false;
	s++;
	int hour = take(&s, 2);
	bool colons = *s == ':';
	s += colons;
	int minute = hour < 0 ? -1 : take(&s, 2);
	if (hour > 23 || minute < 0 || minute > 59)
		return false;
	ret->tm_hour = hour;
	ret->tm_min = minute;
	if (*s == ':' || (!colons && isdigit((unsigned char)*s))) {
		s += colons;
		int second = take(&s, 2);
		if (second < 0 || second > 60)
			return false;
	}
	return rest_fits(s);
}

static bool from_unix(long double v, struct tm *ret)
{
	/* 1e11 s is the year 5138, 1e11 ms is 1973: the sizes do not meet. */
	for (long double limit = 1e11L; v >= 1e11L && limit < 1e20L; limit *= 1000)
		v /= 1000;
	if (v < 0 || v >= 1e11L)
		return false;
	time_t t = (time_t)v;
	return gmtime_r(&t, ret);
}

static bool to_tm(const struct sigma_scalar *s, struct tm *ret)
{
	char copy[WHEN_TEXT_MAX];
	long double v;

	if (number_of(s, &v))
		return from_unix(v, ret);
	if (s->type != SIGMA_str || s->len >= sizeof(copy))
		return false;
	memcpy(copy, s->text, s->len);
	copy[s->len] = 0;
	if (strlen(copy) != s->len || !parse(copy, ret))
		return false;
	/* timegm() finds the day of the week and of the year. */
	struct tm day = *ret;
	day.tm_hour = 12;
	timegm(&day);
	ret->tm_wday = day.tm_wday;
	ret->tm_yday = day.tm_yday;
	return true;
}

static int iso_week(const struct tm *t)
{
	char text[8];

	strftime(text, sizeof(text), "%V", t);
	return 10 * (text[0] - '0') + text[1] - '0';
}

bool when_part(const struct sigma_scalar *s, enum when_part part, int *ret)
{
	struct tm t;

	if (!to_tm(s, &t))
		return false;
	switch (part) {
	case WHEN_minute:
		*ret = t.tm_min;
		return t.tm_hour >= 0;
	case WHEN_hour:
		*ret = t.tm_hour;
		return t.tm_hour >= 0;
	case WHEN_day:
		*ret = t.tm_mday;
		return true;
	case WHEN_week:
		*ret = iso_week(&t);
		return true;
	case WHEN_month:
		*ret = t.tm_mon + 1;
		return true;
	case WHEN_year:
		*ret = t.tm_year + 1900;
		return true;
	}
	return false;
}

void when_range(enum when_part part, int *ret_min, int *ret_max)
{
	static const struct {
		int min, max;
	} range[] = {
		[WHEN_minute] = { 0, 59 }, [WHEN_hour] = { 0, 23 },  [WHEN_day] = { 1, 31 },
		[WHEN_week] = { 1, 53 },   [WHEN_month] = { 1, 12 }, [WHEN_year] = { 0, 9999 },
	};

	*ret_min = range[part].min;
	*ret_max = range[part].max;
}
