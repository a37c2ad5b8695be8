/* SPDX-License-Identifier: Apache-2.0 */
/* Between json.c and json_parts.c: a line being written, and its parts that are no fields. */
#ifndef REDSHANK_ENCODE_JSON_PARTS_H
#define REDSHANK_ENCODE_JSON_PARTS_H

#include "detect/alert.h"
#include "encode/json_writer.h"
#include "enrich/fields.h"

#define JSON_DEPTH_MAX 6 /* dots in the longest field name */
#define JSON_ODD_MAX   (ANY_FIELDS_MAX + EVIDENCE_MAX + 1)

/* A text that was not UTF-8: its bytes are wanted for redshank.raw. */
struct json_odd {
	const char *prefix, *name; /* the full name in two parts */
	const struct any_field *field; /* where to read it again, or */
	const char *p;
	size_t len;
};

struct json_line {
	struct jw j;
	const struct event *ev;
	const struct alert *al; /* NULL in an event's line */
	uint64_t seq;
	unsigned depth; /* objects that are open, the outermost not counted */
	uint8_t open[JSON_DEPTH_MAX];
	unsigned nodd, ncut;
	struct json_odd odd[JSON_ODD_MAX];
	const char *cut[ANY_FIELDS_MAX]; /* names of fields that were cut */
};

struct json_part {
	const char *name;
	bool (*has)(const struct json_line *l); /* NULL: always */
	void (*put)(struct json_line *l);
};

/* In any order. */
#define JSON_PARTS_MAX 32
extern const struct json_part json_parts[];
extern const unsigned json_nparts;

/* Remembers bytes for redshank.raw. */
void json_add_odd(struct json_line *l, struct json_odd o);

#endif
