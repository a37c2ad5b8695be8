/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event that is a line of JSON, as a record for a view. Fields are the members of the object:
 *
 *	{"a":{"b":1}} and {"a.b":1}		the field a.b; none is called a
 *	{"a":[1,2]}, {"a":1,"a":2}		a has two values
 *	{"a":[{"b":1},{"b":2}]}			a.b has two values
 *	null, []				present, without a value but null
 *
 * Outermost members whose names begin with "_" are not fields: they tell about the event.
 */
#ifndef REDSHANK_SIGMA_JSON_RECORD_H
#define REDSHANK_SIGMA_JSON_RECORD_H

#include "sigma/json_nodes.h"
#include "sigma/view.h"

#define SIGMA_JSON_NAME_MAX 1024 /* bytes of a field's name; what is longer is no field */

struct sigma_json;

/* NULL: out of memory. */
struct sigma_json *sigma_json_new(void);
void sigma_json_free(struct sigma_json *j);

/* Takes the next line. 0, -ENOMEM, or -EBADMSG for what is not one JSON object. */
int sigma_json_read(struct sigma_json *j, const char *line, size_t len, struct err *e);

/*
 * An outermost member of this line, followed by what is in it (of greater depth) up to *ret_end.
 * NULL: none. Of several the last.
 */
const struct jn_node *sigma_json_get(const struct sigma_json *j, const char *name,
				     const struct jn_node **ret_end);

/*
 * _logsource: an object with product, category, service, or "product/category" (the second may
 * also be a service), "product/category/service". Without a product it is linux. 1 with *ret,
 * which is borrowed; 0: there is none; -EBADMSG.
 */
int sigma_json_logsource(struct sigma_json *j, struct sigma_logsource *ret, struct err *e);
/* _time (sigma/event_time.h); 0 where there is none. 0 or -EBADMSG. */
int sigma_json_time(const struct sigma_json *j, uint64_t *ret, struct err *e);

/* The line as a record, valid until the next call of a function of this file. 0 or -ENOMEM. */
int sigma_json_record(struct sigma_json *j, const struct sigma_view *v, uint64_t time,
		      struct sigma_record *ret);

#endif
