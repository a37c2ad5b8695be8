/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an OTLP server answers: ExportLogsServiceResponse, or google.rpc.Status with an error. Read
 * straight from the wire format: the bytes are a stranger's, only two fields matter, and unpacking
 * would allocate for each unknown field.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "encode/otlp.h"

/* protobuf.dev/programming-guides/encoding */
enum wire_type { WIRE_VARINT = 0, WIRE_I64 = 1, WIRE_LEN = 2, WIRE_I32 = 5 };

struct wire {
	const uint8_t *p, *end;
};

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t varint;
	struct wire bytes; /* WIRE_LEN */
};

static bool read_varint(struct wire *w, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70 && w->p < w->end; shift += 7) {
		uint8_t c = *w->p++;
		v |= shift < 64 ? (uint64_t)(c & 0x7f) << shift : 0;
		if (!(c & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* 1 with the next field, 0 at the end, -EBADMSG. Groups are refused: nothing here has any. */
static int next_field(struct wire *w, struct wire_field *ret)
{
	uint64_t key, n = 0;

	if (w->p == w->end)
		return 0;
	if (!read_varint(w, &key) || key > UINT32_MAX || !(key >> 3))
		return -EBADMSG;
	ret->number = (uint32_t)(key >> 3);
	ret->type = (enum wire_type)(key & 7);
	switch (ret->type) {
	case WIRE_VARINT:
		return read_varint(w, &ret->varint) ? 1 : -EBADMSG;
	case WIRE_LEN:
		if (!read_varint(w, &n))
			return -EBADMSG;
		break;
	case WIRE_I64:
		n = 8;
		break;
	case WIRE_I32:
		n = 4;
		break;
	default:
		return -EBADMSG;
	}
	if (n > (uint64_t)(w->end - w->p))
		return -EBADMSG;
	ret->bytes = (struct wire){ w->p, w->p + n };
	w->p += n;
	return 1;
}

/* As much as fits, printable, without cutting a character or an escape in two. */
static void printable(const struct wire *w, char *ret, size_t cap)
{
	struct buf b = { 0 };
	size_t k;

	for (const uint8_t *p = w->p; p < w->end; p += k) {
		size_t before = b.len;
		k = utf8_seq(p, (size_t)(w->end - p));
		k = k ? k : 1;
		utf8_printable(&b, (const char *)p, k);
		if (b.len >= cap) {
			b.len = before;
			break;
		}
	}
	if (b.len)
		memcpy(ret, b.data, b.len);
	ret[b.len] = '\0';
	buf_free(&b);
}

int otlp_response(const void *p, size_t len, int64_t *ret_rejected, char *ret_message, size_t cap)
{
	struct wire w = { p, (const uint8_t *)p + len }, message = { 0 };
	struct wire_field f, g;
	int64_t rejected = 0;
	int r, q;

	while ((r = next_field(&w, &f)) > 0) {
		if (f.number != 1 || f.type != WIRE_LEN)
			continue;
		while ((q = next_field(&f.bytes, &g)) > 0) {
			if (g.number == 1 && g.type == WIRE_VARINT)
				rejected = (int64_t)g.varint;
			else if (g.number == 2 && g.type == WIRE_LEN)
				message = g.bytes;
		}
		if (q < 0)
			return q;
	}
	if (r < 0)
		return r;
	*ret_rejected = rejected;
	printable(&message, ret_message, cap);
	return 0;
}

void otlp_status(const void *p, size_t len, char *ret_message, size_t cap)
{
	struct wire w = { p, (const uint8_t *)p + len }, message = { 0 };
	struct wire_field f;
	int r;

	while ((r = next_field(&w, &f)) > 0)
		if (f.number == 2 && f.type == WIRE_LEN)
			message = f.bytes;
	if (r < 0)
		message = (struct wire){ 0 };
	printable(&message, ret_message, cap);
}
