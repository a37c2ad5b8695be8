/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648) and UTF-16 (RFC 2781) of the strings of rules. */
#include "sigma/encode.h"

#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Base64 without padding of shift zero bytes and then p. */
static void sextets(struct buf *out, const char *p, size_t n, unsigned shift)
{
	unsigned acc = 0, bits = 8 * shift;

	for (size_t i = 0; i < n; i++) {
		acc = acc << 8 | (unsigned char)p[i];
		for (bits += 8; bits >= 6; bits -= 6)
			buf_putc(out, alphabet[acc >> (bits - 6) & 63]);
	}
	if (bits)
		buf_putc(out, alphabet[acc << (6 - bits) & 63]);
}

void encode_base64(struct buf *out, const char *p, size_t n)
{
	sextets(out, p, n, 0);
	for (size_t i = n; i % 3; i++)
		buf_putc(out, '=');
}

void encode_base64_offset(struct buf *out, const char *p, size_t n, unsigned shift)
{
	/* The first characters hold bits of what stands before, the last one bits of what follows.
	 */
	static const size_t skip[] = { 0, 2, 3 };
	struct buf all = { 0 };
	size_t drop = (n + shift) % 3 ? 1 : 0;

	sextets(&all, p, n, shift);
	if (all.len > skip[shift] + drop)
		buf_put(out, all.data + skip[shift], all.len - skip[shift] - drop);
	out->failed |= all.failed;
	buf_free(&all);
}

static void unit(struct buf *out, unsigned u, bool big_endian)
{
	buf_putc(out, (char)(big_endian ? u >> 8 : u & 0xff));
	buf_putc(out, (char)(big_endian ? u & 0xff : u >> 8));
}

void encode_utf16(struct buf *out, const char *p, size_t n, bool big_endian)
{
	for (size_t i = 0; i < n;) {
		utf8proc_int32_t point = 0xFFFD;
		size_t k = utf8_seq((const unsigned char *)p + i, n - i);
		if (k)
			utf8proc_iterate((const utf8proc_uint8_t *)p + i, (utf8proc_ssize_t)k,
					 &point);
		unsigned c = (unsigned)point;
		if (c >= 0x10000) {
			unit(out, 0xD800 + ((c - 0x10000) >> 10), big_endian);
			unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF), big_endian);
		} else {
			unit(out, c, big_endian);
		}
		i += k ? k : 1;
	}
}
