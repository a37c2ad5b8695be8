/* SPDX-License-Identifier: Apache-2.0 */
/* Event tables and the check of untrusted records. */
#include "schema/schema.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define H(type_, member_, name_, fmt_, doc_) \
	{ name_, doc_, WIRE_##type_, FMT_##fmt_, offsetof(struct ev_hdr, member_), -1 },
const struct field header_fields[] = {
#include "abi/header.def"
};
#undef H
const unsigned header_nfields = sizeof(header_fields) / sizeof(header_fields[0]);

/* The terminator keeps the array of an event without fields of its own from being empty. */
#define EVENT(id_, key_, ...) static const struct field fields_##key_[] = {
#define F(key_, type_, member_, name_, fmt_, doc_) \
	{ name_,                                   \
	  doc_,                                    \
	  WIRE_##type_,                            \
	  FMT_##fmt_,                              \
	  offsetof(struct ev_##key_, member_),     \
	  EVF_##key_##_##member_ },
#define END(key_)                                   \
	{                                           \
		NULL, NULL, WIRE_u8, FMT_NONE, 0, 0 \
	}                                           \
	}                                           \
	;                                           \
	static_assert(EVF_##key_##_COUNT <= 64, "hdr.truncated has 64 bits");
#include "abi/events.def"
#undef EVENT
#undef F
#undef END

#define EVENT(id_, key_, cat_, type_, text_, doc_) \
	[id_] = { (enum ev_type)id_,               \
		  #key_,                           \
		  cat_,                            \
		  type_,                           \
		  text_,                           \
		  doc_,                            \
		  sizeof(struct ev_##key_),        \
		  EVF_##key_##_COUNT,              \
		  fields_##key_ }, /**/
#define F(...)
#define END(...)
static const struct ev_desc descs[EV_TYPE_MAX] = {
#include "abi/events.def"
};
#undef EVENT
#undef F
#undef END

const struct ev_desc *ev_desc(unsigned id)
{
	return id < EV_TYPE_MAX && descs[id].key ? &descs[id] : NULL;
}

const struct ev_desc *ev_desc_by_key(const char *key)
{
	for (unsigned i = 0; i < EV_TYPE_MAX; i++)
		if (descs[i].key && !strcmp(descs[i].key, key))
			return &descs[i];
	return NULL;
}

const struct field *field_find(const struct ev_desc *d, const char *name)
{
	for (unsigned i = 0; i < header_nfields; i++)
		if (*name && !strcmp(header_fields[i].name, name))
			return &header_fields[i];
	for (unsigned i = 0; i < d->nfields; i++)
		if (!strcmp(d->fields[i].name, name))
			return &d->fields[i];
	return NULL;
}

/* Older builds wrote at least an event's first version; a fixed part always holds the header. */
static bool in_fixed(const struct field *f, unsigned fixed)
{
	return f->wire != WIRE_str || f->off + sizeof(struct ev_str) <= fixed;
}

int schema_check(const void *p, size_t len, struct err *ret)
{
	const struct ev_hdr *h = p;

	if ((uintptr_t)p % 8)
		return err_set(ret, -EBADMSG, "record is not 8-byte aligned");
	if (len < sizeof(*h) || len > EV_LEN_MAX)
		return err_set(ret, -EBADMSG, "record of %zu bytes, expected %zu to %d", len,
			       sizeof(*h), EV_LEN_MAX);
	if (h->len != len)
		return err_set(ret, -EBADMSG, "record says %u bytes but is %zu long", h->len, len);
	if (h->fixed < sizeof(*h) || h->fixed > len || h->fixed % 8)
		return err_set(ret, -EBADMSG, "fixed part of %u bytes in a record of %zu", h->fixed,
			       len);
	const struct ev_desc *d = ev_desc(h->type);
	if (!d)
		return err_set(ret, -ENOTSUP, "unknown event type %u", h->type);

	for (unsigned i = 0; i < d->nfields; i++) {
		const struct field *f = &d->fields[i];
		if (f->wire != WIRE_str || !in_fixed(f, h->fixed))
			continue;
		struct ev_str s;
		memcpy(&s, (const char *)p + f->off, sizeof(s));
		if (!s.len)
			continue;
		if (s.off < h->fixed || (size_t)s.off + s.len > len)
			return err_set(ret, -EBADMSG, "%s.%s points to bytes %u to %u of %zu",
				       d->key, f->name, s.off, s.off + s.len, len);
	}
	return h->fixed < d->size ? err_set(ret, -ESTALE, "%s record of an older build", d->key)
				  : 0;
}

int schema_upgrade(const struct ev_hdr *rec, void *out, size_t cap)
{
	const struct ev_desc *d = ev_desc(rec->type);
	unsigned shift = d->size - rec->fixed;

	if (rec->len + shift > cap || rec->len + shift > EV_LEN_MAX)
		return -EMSGSIZE;
	memcpy(out, rec, rec->fixed);
	memset((char *)out + rec->fixed, 0, shift);
	memcpy((char *)out + d->size, (const char *)rec + rec->fixed, rec->len - rec->fixed);
	for (unsigned i = 0; i < d->nfields; i++) {
		const struct field *f = &d->fields[i];
		if (f->wire != WIRE_str || !in_fixed(f, rec->fixed))
			continue;
		struct ev_str s;
		memcpy(&s, (char *)out + f->off, sizeof(s));
		if (s.len)
			s.off = (u16)(s.off + shift);
		memcpy((char *)out + f->off, &s, sizeof(s));
	}
	struct ev_hdr *h = out;
	h->len = rec->len + shift;
	h->fixed = (u16)d->size;
	return (int)h->len;
}
