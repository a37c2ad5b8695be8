/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is done with a record behind the trust boundary, and what must hold of it: JSON
 * that a second implementation parses, protobuf that decodes, text that drives no terminal.
 */
#ifndef REDSHANK_TESTS_READING_H
#define REDSHANK_TESTS_READING_H

#include <errno.h>
#include <jansson.h>

#include "base/utf8.h"
#include "detect/alert.h"
#include "encode/alert_pb.h"
#include "encode/json.h"
#include "encode/text.h"
#include "enrich/fields.h"
#include "fuzz.h"
#include "schema/value.h"

/*
 * schema_check(), and schema_upgrade() for what an older build wrote. NULL if it is refused, else a
 * record of the present layout in an allocation of exactly its size, for free().
 */
static inline struct ev_hdr *reading_accept(const void *data, size_t size)
{
	static _Alignas(8) char upgraded[EV_LEN_MAX];
	struct ev_hdr *rec = fuzz_copy(data, size);
	int rc = schema_check(rec, size, NULL);

	must(rc == 0 || rc == -ESTALE || rc == -EBADMSG || rc == -ENOTSUP);
	if (rc == -ESTALE) {
		int len = schema_upgrade(rec, upgraded, sizeof(upgraded));
		must(len > 0 || len == -EMSGSIZE);
		free(rec);
		if (len < 0)
			return NULL;
		rec = fuzz_copy(upgraded, (size_t)len);
		rc = schema_check(rec, (size_t)len, NULL);
		must(rc == 0);
	}
	if (rc) {
		free(rec);
		return NULL;
	}
	return rec;
}

static inline void reading_json(struct buf *b)
{
	json_error_t error;

	must(!b->failed && utf8_valid(b->data, b->len) && !memchr(b->data, '\n', b->len));
	json_t *parsed =
		json_loadb(b->data, b->len,
			   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
			   &error);
	if (!parsed)
		fprintf(stderr, "%s, at byte %d: %.*s\n", error.text, error.position, (int)b->len,
			b->data);
	must(parsed);
	json_decref(parsed);
	buf_reset(b);
}

/* Text without colours has no control characters but newlines. */
static inline void reading_text(struct buf *b)
{
	must(!b->failed && utf8_valid(b->data, b->len));
	for (size_t i = 0; i < b->len; i++)
		must((unsigned char)b->data[i] >= 0x20 || b->data[i] == '\n');
	buf_reset(b);
}

/* Touches every byte, so that one outside of the record is noticed. */
static inline void reading_value(const struct value *v)
{
	static volatile unsigned char sink;
	size_t pos = 0, len;
	const char *p;

	if (v->kind == VALUE_str)
		for (size_t i = 0; i < v->len; i++)
			sink = (unsigned char)(sink + (unsigned char)v->p[i]);
	if (v->kind == VALUE_list)
		while (value_next(v, &pos, &p, &len))
			for (size_t i = 0; i < len; i++)
				sink = (unsigned char)(sink + (unsigned char)p[i]);
}

/* Reads every field and makes every encoding of an event. */
static inline void reading_event(const struct event *ev)
{
	static struct any_field fields[ANY_FIELDS_MAX];
	static struct pb_arena arena;
	static struct buf b;
	struct value v;

	for (unsigned i = 0; i < header_nfields; i++) {
		value_get(ev, &header_fields[i], &v);
		reading_value(&v);
	}
	for (unsigned i = 0; i < ev->desc->nfields; i++) {
		value_get(ev, &ev->desc->fields[i], &v);
		reading_value(&v);
	}
	unsigned n = any_fields(ev->desc, fields);
	for (unsigned i = 0; i < n; i++) {
		any_field_get(&fields[i], ev, &v);
		reading_value(&v);
	}

	json_event(&b, ev, 1);
	reading_json(&b);
	text_event(&b, ev, false);
	reading_text(&b);

	Redshank__V1__Event *pb = event_to_pb(&arena, ev);
	must(pb);
	for (size_t i = 0; i < pb->n_attributes; i++)
		if (pb->attributes[i]->value_case == REDSHANK__V1__ATTRIBUTE__VALUE_TEXT)
			must(utf8_valid(pb->attributes[i]->text, strlen(pb->attributes[i]->text)));
	record_pack(&b, pb, NULL, 1);
	must(!b.failed && b.len);
	buf_reset(&b);
	pb_arena_reset(&arena);
}

/* Makes every encoding of an alert, and decodes what was encoded. */
static inline void reading_alert(const struct alert *al)
{
	static struct pb_arena arena;
	static struct buf b;

	json_alert(&b, al, 1);
	reading_json(&b);

	Redshank__V1__Alert *pb = alert_to_pb(&arena, al);
	must(pb);
	alert_pack(&b, pb);
	must(!b.failed);
	Redshank__V1__Alert *back = alert_unpack(b.data, b.len);
	must(back && !strcmp(back->id, al->id));
	buf_reset(&b);
	text_alert(&b, back, false);
	reading_text(&b);
	redshank__v1__alert__free_unpacked(back, NULL);
	pb_arena_reset(&arena);
}

#endif
