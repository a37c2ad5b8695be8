/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of text for people. */
#include "encode/text_put.h"

#include "base/clock.h"
#include "base/utf8.h"

void text_put(struct buf *out, const char *p, size_t len, bool more, size_t max)
{
	if (len > max) {
		more = true;
		/* Not inside a sequence: at most three bytes of it can stand before the cut. */
		for (len = max; len && len + 3 > max && ((unsigned char)p[len] & 0xC0) == 0x80;)
			len--;
	}
	utf8_printable(out, p, len);
	if (more)
		buf_puts(out, TEXT_ELLIPSIS);
}

size_t text_columns(const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)p[i] & 0xC0) != 0x80;
	return n;
}

void text_pad(struct buf *out, size_t from, size_t columns)
{
	if (out->failed)
		return;
	for (size_t n = text_columns(out->data + from, out->len - from); n < columns; n++)
		buf_putc(out, ' ');
	buf_putc(out, ' ');
}

void text_time(struct buf *out, uint64_t unix_ns, const char *before, const char *after)
{
	time_t t = (time_t)(unix_ns / NSEC_PER_SEC);
	char head[64], tail[16] = "";
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(head, sizeof(head), before, &tm) ||
	    (*after && !strftime(tail, sizeof(tail), after, &tm))) {
		buf_putc(out, '-');
		return;
	}
	buf_printf(out, "%s.%03u%s", head, (unsigned)(unix_ns / NSEC_PER_MSEC % 1000), tail);
}
