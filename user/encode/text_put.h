/* SPDX-License-Identifier: Apache-2.0 */
/* What the two texts (event line, alert report) share: styles, safe bytes, widths. */
#ifndef REDSHANK_ENCODE_TEXT_PUT_H
#define REDSHANK_ENCODE_TEXT_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TEXT_ELLIPSIS "\xE2\x80\xA6" /* U+2026: what follows is not shown */

/* ECMA-48 "select graphic rendition" parameters. */
#define STYLE_OFF     "0"
#define STYLE_BOLD    "1"
#define STYLE_DIM     "2"
#define STYLE_RED     "31"
#define STYLE_GREEN   "32"
#define STYLE_YELLOW  "33"
#define STYLE_BLUE    "34"
#define STYLE_MAGENTA "35"
#define STYLE_CYAN    "36"
#define STYLE_ALARM   "1;31"

static inline void text_style(struct buf *out, bool colour, const char *style)
{
	if (!colour)
		return;
	buf_puts(out, "\x1b[");
	buf_puts(out, style);
	buf_putc(out, 'm');
}

/* At most max of the len bytes, printable (utf8.h); the ellipsis when there is more. */
void text_put(struct buf *out, const char *p, size_t len, bool more, size_t max);

/* Terminal columns that printable bytes take, wide characters counted as one. */
size_t text_columns(const char *p, size_t len);

/* Spaces until what stands behind from is columns wide, and one more to end the column. */
void text_pad(struct buf *out, size_t from, size_t columns);

/* A Unix time in ns as local time, by the strftime(3) formats before and after the milliseconds. */
void text_time(struct buf *out, uint64_t unix_ns, const char *before, const char *after);

#endif
