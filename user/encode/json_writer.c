/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text. */
#include "encode/json_writer.h"

#include <string.h>

#include "base/utf8.h"

static void put_hex4(struct buf *out, unsigned c)
{
	static const char hex[] = "0123456789abcdef";
	char s[6] = { '\\', 'u', hex[c >> 12], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15] };

	buf_put(out, s, sizeof(s));
}

/* Code point of a well-formed sequence of at most three bytes. */
static unsigned code_point(const unsigned char *u, size_t k)
{
	if (k == 1)
		return u[0];
	if (k == 2)
		return (u[0] & 0x1Fu) << 6 | (u[1] & 0x3Fu);
	return (u[0] & 0x0Fu) << 12 | (u[1] & 0x3Fu) << 6 | (u[2] & 0x3Fu);
}

static bool plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* The inside of a string. */
static bool put_escaped(struct buf *out, const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;
	bool valid = true;

	for (size_t i = 0; i < len;) {
		size_t run = i;
		while (run < len && plain(u[run]))
			run++;
		buf_put(out, p + i, run - i);
		i = run;
		if (i == len)
			break;
		size_t k = utf8_seq(u + i, len - i);
		if (!k) {
			valid = false;
			buf_puts(out, UTF8_REPLACEMENT);
		} else if (u[i] == '"' || u[i] == '\\') {
			buf_putc(out, '\\');
			buf_putc(out, p[i]);
		} else if (u[i] == '\n') {
			buf_puts(out, "\\n");
		} else if (u[i] == '\t') {
			buf_puts(out, "\\t");
		} else if (utf8_acts(u + i, k)) {
			put_hex4(out, code_point(u + i, k));
		} else {
			buf_put(out, p + i, k);
		}
		i += k ? k : 1;
	}
	return valid;
}

int json_quote(struct buf *out, const char *p, size_t len)
{
	buf_putc(out, '"');
	bool valid = put_escaped(out, p, len);
	buf_putc(out, '"');
	return valid;
}

static void begin(struct jw *j)
{
	if (j->comma)
		buf_putc(j->out, ',');
	j->comma = true;
}

void jw_open(struct jw *j, char bracket)
{
	begin(j);
	buf_putc(j->out, bracket);
	j->comma = false;
}

void jw_close(struct jw *j, char bracket)
{
	buf_putc(j->out, bracket);
	j->comma = true;
}

void jw_key_n(struct jw *j, const char *key, size_t len)
{
	begin(j);
	buf_putc(j->out, '"');
	buf_put(j->out, key, len);
	buf_put(j->out, "\":", 2);
	j->comma = false;
}

void jw_key(struct jw *j, const char *key)
{
	jw_key_n(j, key, strlen(key));
}

void jw_key_any(struct jw *j, const char *prefix, const char *key)
{
	begin(j);
	buf_putc(j->out, '"');
	put_escaped(j->out, prefix, strlen(prefix));
	put_escaped(j->out, key, strlen(key));
	buf_put(j->out, "\":", 2);
	j->comma = false;
}

bool jw_str(struct jw *j, const char *p, size_t len)
{
	begin(j);
	return json_quote(j->out, p, len);
}

void jw_text(struct jw *j, const char *s)
{
	jw_str(j, s, strlen(s));
}

bool jw_joined(struct jw *j, const char *p, size_t len)
{
	bool valid = true;

	begin(j);
	buf_putc(j->out, '"');
	for (;;) {
		const char *nul = len ? memchr(p, '\0', len) : NULL;
		size_t n = nul ? (size_t)(nul - p) : len;
		valid = put_escaped(j->out, p, n) && valid;
		if (!nul)
			break;
		buf_putc(j->out, ' ');
		p += n + 1;
		len -= n + 1;
	}
	buf_putc(j->out, '"');
	return valid;
}

void jw_num(struct jw *j, uint64_t n)
{
	begin(j);
	buf_u64(j->out, n);
}

void jw_bool(struct jw *j, bool b)
{
	begin(j);
	buf_puts(j->out, b ? "true" : "false");
}

void jw_base64(struct jw *j, const void *p, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *u = p;

	begin(j);
	buf_putc(j->out, '"');
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned w = (unsigned)u[i] << 16;
		w |= n > 1 ? (unsigned)u[i + 1] << 8 : 0;
		w |= n > 2 ? u[i + 2] : 0;
		char s[4] = { digits[w >> 18], digits[w >> 12 & 63],
			      n > 1 ? digits[w >> 6 & 63] : '=', n > 2 ? digits[w & 63] : '=' };
		buf_put(j->out, s, sizeof(s));
	}
	buf_putc(j->out, '"');
}

/* n as decimal with leading zeros, digits wide, ending before end. */
static char *put_digits(char *end, uint64_t n, int digits)
{
	while (digits--) {
		*--end = (char)('0' + n % 10);
		n /= 10;
	}
	return end;
}

void jw_time(struct jw *j, uint64_t unix_ns)
{
	uint64_t secs = unix_ns / 1000000000, day = secs / 86400, sec = secs % 86400;
	/*
	 * Date of a day number, years taken to begin in March so that the leap day is the last:
	 * H. Hinnant, chrono-compatible low-level date algorithms, civil_from_days.
	 */
	uint64_t z = day + 719468, era = z / 146097, doe = z % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t mp = (5 * doy + 2) / 153;
	uint64_t mday = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
	uint64_t year = yoe + era * 400 + (month <= 2);

	char s[] = "\"0000-00-00T00:00:00.000000000Z\"";
	char *end = put_digits(s + 30, unix_ns % 1000000000, 9);
	end = put_digits(end - 1, sec % 60, 2);
	end = put_digits(end - 1, sec / 60 % 60, 2);
	end = put_digits(end - 1, sec / 3600, 2);
	end = put_digits(end - 1, mday, 2);
	end = put_digits(end - 1, month, 2);
	put_digits(end - 1, year, 4);
	begin(j);
	buf_put(j->out, s, sizeof(s) - 1);
}
