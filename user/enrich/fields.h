/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every field of an event by name: those of its record (events.def) and those derived from the
 * process table and the host, in one list. Encoders, text templates and rules use this.
 */
#ifndef REDSHANK_ENRICH_FIELDS_H
#define REDSHANK_ENRICH_FIELDS_H

#include "schema/value.h"

struct derived {
	const char *name, *doc;
	void (*get)(const struct event *ev, struct value *ret);
};

extern const struct derived derived_fields[];
extern const unsigned derived_nfields;

/* One or the other is set. */
struct any_field {
	const struct field *rec;
	const struct derived *derived;
};

/* False if events of type d have no such field. */
bool any_field_find(const struct ev_desc *d, const char *name, struct any_field *ret);
const char *any_field_name(const struct any_field *f);
void any_field_get(const struct any_field *f, const struct event *ev, struct value *ret);

/* Order by path: '.' comes first, so that all names of one nested object are neighbours. */
int field_name_cmp(const char *a, const char *b);

/* Most fields an event can have, all kinds together. */
#define ANY_FIELDS_MAX 160
/* All fields that events of type d can have, sorted by field_name_cmp(). Returns how many. */
unsigned any_fields(const struct ev_desc *d, struct any_field ret[ANY_FIELDS_MAX]);

#endif
