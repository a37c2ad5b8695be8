/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 checks, table 3-7 of the Unicode standard. */
#include "base/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static bool tail(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

size_t utf8_seq(const unsigned char *p, size_t n)
{
	if (!n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xC2)
		return 0;
	if (p[0] < 0xE0)
		return n >= 2 && tail(p[1]) ? 2 : 0;
	if (p[0] < 0xF0) {
		if (n < 3 || !tail(p[1]) || !tail(p[2]))
			return 0;
		if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] >= 0xA0))
			return 0;
		return 3;
	}
	if (p[0] > 0xF4 || n < 4 || !tail(p[1]) || !tail(p[2]) || !tail(p[3]))
		return 0;
	if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] >= 0x90))
		return 0;
	return 4;
}

bool utf8_valid(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	for (size_t i = 0; i < n;) {
		size_t k = utf8_seq(u + i, n - i);
		if (!k)
			return false;
		i += k;
	}
	return true;
}

void utf8_sanitize(struct buf *b, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	for (size_t i = 0; i < n;) {
		size_t k = utf8_seq(u + i, n - i);
		if (k)
			buf_put(b, p + i, k);
		else
			buf_puts(b, UTF8_REPLACEMENT);
		i += k ? k : 1;
	}
}

bool utf8_acts(const unsigned char *u, size_t k)
{
	if (k == 1)
		return u[0] < 0x20 || u[0] == 0x7f;
	if (k == 2) /* C1, U+061C */
		return (u[0] == 0xC2 && u[1] < 0xA0) || (u[0] == 0xD8 && u[1] == 0x9C);
	if (k == 3 && u[0] == 0xE2) {
		uint32_t c = (uint32_t)(0x2000 | (u[1] & 0x3F) << 6 | (u[2] & 0x3F));
		return c == 0x2028 || c == 0x2029 || (c >= 0x200E && c <= 0x200F) ||
		       (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
	}
	return false;
}

void utf8_printable(struct buf *b, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	for (size_t i = 0; i < n;) {
		size_t k = utf8_seq(u + i, n - i);
		if (k && !utf8_acts(u + i, k)) {
			buf_put(b, p + i, k);
			i += k;
			continue;
		}
		for (size_t j = 0; j < (k ? k : 1); j++)
			buf_printf(b, "\\x%02x", u[i + j]);
		i += k ? k : 1;
	}
}
