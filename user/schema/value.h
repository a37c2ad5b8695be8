/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A field's value as people and programs see it: encoders, text templates, filters and rules all
 * read events through this.
 */
#ifndef REDSHANK_SCHEMA_VALUE_H
#define REDSHANK_SCHEMA_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/event.h"

enum value_kind {
	VALUE_none, /* absent */
	VALUE_bool, /* num */
	VALUE_num, /* num, unsigned */
	VALUE_time, /* num, Unix ns */
	VALUE_str, /* p, len: bytes, perhaps not UTF-8 */
	VALUE_list, /* p, len: strings, each but the last ended by NUL */
};

#define VALUE_TMP 1024 /* all capability names take 740 bytes */

struct value {
	enum value_kind kind;
	bool truncated; /* the record holds only the beginning */
	bool joined; /* a list to be shown as one text, its elements joined by one space */
	uint64_t num;
	const char *p; /* into the record, a table, or tmp */
	size_t len;
	char tmp[VALUE_TMP];
};

static inline void value_num(struct value *v, uint64_t n)
{
	v->kind = VALUE_num;
	v->num = n;
}

/* A borrowed string; VALUE_none when it is empty. */
static inline void value_str(struct value *v, const char *p, size_t len)
{
	v->kind = len ? VALUE_str : VALUE_none;
	v->p = p;
	v->len = len;
}

/* printf into tmp, as a string. */
void value_printf(struct value *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Fills every member of *ret but, when it is not needed, tmp. */
void value_get(const struct event *ev, const struct field *f, struct value *ret);

/* Steps through a list: *pos starts at 0; false at the end. */
bool value_next(const struct value *v, size_t *pos, const char **ret_p, size_t *ret_len);

/* Names of enum and flag values; NULL for one without a name. */
const char *exe_origin_name(unsigned origin);
const char *gap_cause_name(unsigned cause);
const char *scan_kind_name(unsigned kind);
const char *cap_name(unsigned bit);

#endif
