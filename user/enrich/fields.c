/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields by name. Where two have the same name, an event's own wins over a derived one, and a
 * derived one over the header's: so process.parent.pid is the creator, as the rest of
 * process.parent is, and not the process that adopted an orphan.
 */
#include "enrich/fields.h"

#include <stdlib.h>
#include <string.h>

#include "enrich/login.h"

/* Events of the sensor itself have no process: of the header only the time says something. */
static bool about_process(const struct ev_desc *d)
{
	return strcmp(d->category, "host") != 0;
}

static const struct field *own_find(const struct ev_desc *d, const char *name)
{
	for (unsigned i = 0; i < d->nfields; i++)
		if (!strcmp(d->fields[i].name, name))
			return &d->fields[i];
	return NULL;
}

static const struct derived *derived_find(const struct ev_desc *d, const char *name)
{
	if (!about_process(d) && strncmp(name, "host.", 5) != 0 &&
	    strcmp(name, "redshank.seq") != 0)
		return NULL;
	for (unsigned i = 0; d->id == EV_auth && i < login_nfields; i++)
		if (!strcmp(login_fields[i].name, name))
			return &login_fields[i];
	for (unsigned i = 0; i < derived_nfields; i++)
		if (!strcmp(derived_fields[i].name, name))
			return &derived_fields[i];
	return NULL;
}

static const struct field *header_find(const struct ev_desc *d, const char *name)
{
	if (!*name || (!about_process(d) && strcmp(name, "@timestamp") != 0))
		return NULL;
	for (unsigned i = 0; i < header_nfields; i++)
		if (!strcmp(header_fields[i].name, name))
			return &header_fields[i];
	return NULL;
}

bool any_field_find(const struct ev_desc *d, const char *name, struct any_field *ret)
{
	struct any_field f = { .rec = own_find(d, name) };

	if (!f.rec)
		f.derived = derived_find(d, name);
	if (!f.rec && !f.derived)
		f.rec = header_find(d, name);
	if (!f.rec && !f.derived)
		return false;
	*ret = f;
	return true;
}

const char *any_field_name(const struct any_field *f)
{
	return f->rec ? f->rec->name : f->derived->name;
}

void any_field_get(const struct any_field *f, const struct event *ev, struct value *ret)
{
	if (f->rec) {
		value_get(ev, f->rec, ret);
		return;
	}
	ret->kind = VALUE_none;
	ret->truncated = false;
	ret->joined = false;
	ret->num = 0;
	ret->p = "";
	ret->len = 0;
	f->derived->get(ev, ret);
}

int field_name_cmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	int x = *a == '.' ? 1 : (unsigned char)*a, y = *b == '.' ? 1 : (unsigned char)*b;
	return x - y;
}

static int by_path(const void *a, const void *b)
{
	return field_name_cmp(any_field_name(a), any_field_name(b));
}

/* Adds the field of that name, unless another one of that name is meant by it. */
static void add(const struct ev_desc *d, const char *name, const void *what, struct any_field *ret,
		unsigned *n)
{
	struct any_field f;

	if (*n < ANY_FIELDS_MAX && any_field_find(d, name, &f) &&
	    (f.rec == what || f.derived == what))
		ret[(*n)++] = f;
}

unsigned any_fields(const struct ev_desc *d, struct any_field ret[ANY_FIELDS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->nfields; i++)
		add(d, d->fields[i].name, &d->fields[i], ret, &n);
	for (unsigned i = 0; i < login_nfields; i++)
		add(d, login_fields[i].name, &login_fields[i], ret, &n);
	for (unsigned i = 0; i < derived_nfields; i++)
		add(d, derived_fields[i].name, &derived_fields[i], ret, &n);
	for (unsigned i = 0; i < header_nfields; i++)
		add(d, header_fields[i].name, &header_fields[i], ret, &n);
	qsort(ret, n, sizeof(*ret), by_path);
	return n;
}
