/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts from bytes. protobuf-c takes what proto3 does not allow: strings that are not UTF-8, and
 * field number 0, which it then writes in a form that it refuses itself.
 */
#include <string.h>

#include "base/utf8.h"
#include "encode/alert_pb.h"

static bool sound(const ProtobufCMessage *m);

/* at: the field, or the first element of a repeated one. */
static bool sound_values(const ProtobufCFieldDescriptor *f, const void *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (f->type == PROTOBUF_C_TYPE_STRING) {
			const char *s = ((const char *const *)at)[i];
			if (s && !utf8_valid(s, strlen(s)))
				return false;
		} else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
			const ProtobufCMessage *sub = ((const ProtobufCMessage *const *)at)[i];
			if (sub && !sound(sub))
				return false;
		}
	}
	return true;
}

/* As deep as the schema: four levels. */
static bool sound(const ProtobufCMessage *m)
{
	const char *base = (const char *)m;

	for (unsigned i = 0; i < m->n_unknown_fields; i++)
		if (!m->unknown_fields[i].tag)
			return false;
	for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		const void *at = base + f->offset, *quantifier = base + f->quantifier_offset;
		size_t n = 1;
		if (f->label == PROTOBUF_C_LABEL_REPEATED) {
			at = *(const void *const *)at;
			n = *(const size_t *)quantifier;
		} else if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
			n = *(const uint32_t *)quantifier == f->id;
		}
		if (!sound_values(f, at, n))
			return false;
	}
	return true;
}

Redshank__V1__Alert *alert_unpack(const void *p, size_t len)
{
	Redshank__V1__Alert *al = redshank__v1__alert__unpack(NULL, len, p);

	if (al && !sound(&al->base)) {
		redshank__v1__alert__free_unpacked(al, NULL);
		return NULL;
	}
	return al;
}
