/* SPDX-License-Identifier: Apache-2.0 */
/* Building records. */
#include "source/rec.h"

#include <string.h>

#include "base/clock.h"

void rec_init(union rec_buf *r, enum ev_type type, size_t fixed)
{
	memset(r, 0, fixed);
	r->hdr.type = (u16)type;
	r->hdr.fixed = (u16)fixed;
	r->hdr.len = (u32)fixed;
	r->hdr.time = clock_boottime();
	r->hdr.loginuid = r->hdr.session = UINT32_MAX;
}

size_t rec_append(union rec_buf *r, struct ev_str *field, unsigned bit, const void *p, size_t len)
{
	size_t room = sizeof(r->bytes) - r->hdr.len;

	if (len > room || len > UINT16_MAX) {
		r->hdr.truncated |= 1ULL << bit;
		len = room & ~(size_t)7;
	}
	if (!len)
		return 0;
	memcpy(r->bytes + r->hdr.len, p, len);
	field->off = (u16)r->hdr.len;
	field->len = (u16)len;
	/* The next string starts at a multiple of 8, and so the record ends at one. */
	size_t end = r->hdr.len + len, padded = (end + 7) & ~(size_t)7;
	memset(r->bytes + end, 0, padded - end);
	r->hdr.len = (u32)padded;
	return len;
}
