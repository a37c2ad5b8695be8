/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list `exceptions`. A mistake in it is an error, never an exception that holds for more than
 * was meant: what is not known, and one that says nothing about the process, is refused.
 */
#include "config_exceptions.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct reading {
	yaml_parser_t *parser;
	yaml_mark_t *mark;
	struct exception *x;
	bool rules, reason, expires, key[EXCEPTION_KEYS]; /* seen */
};

static int next(struct reading *r, yaml_event_t *ev, struct err *e)
{
	if (!yaml_parser_parse(r->parser, ev)) {
		*r->mark = r->parser->problem_mark;
		return err_set(e, -EINVAL, "%s",
			       r->parser->problem ? r->parser->problem : "not YAML");
	}
	*r->mark = ev->start_mark;
	return 0;
}

static int take_text(const yaml_event_t *ev, const char *key, char to[EXCEPTION_TEXT], bool *seen,
		     struct err *e)
{
	const char *text = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;

	if (*seen)
		return err_set(e, -EINVAL, "exceptions: %s: given twice", key);
	if (!len || strlen(text) != len || len >= EXCEPTION_TEXT)
		return err_set(e, -EINVAL, "exceptions: %s: a text of 1 to %d bytes is expected",
			       key, EXCEPTION_TEXT - 1);
	*seen = true;
	memcpy(to, text, len + 1);
	return 0;
}

static int take_rule(struct reading *r, const yaml_event_t *ev, struct err *e)
{
	bool seen = false;

	if (r->x->nrules == EXCEPTION_RULES_MAX)
		return err_set(e, -EINVAL, "exceptions: rules: more than %d", EXCEPTION_RULES_MAX);
	return take_text(ev, "rules", r->x->rule[r->x->nrules++], &seen, e);
}

static int take_sha256(const char *text, struct err *e)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (!isxdigit((unsigned char)text[i]))
			n = 0;
	return n == 64 ? 0
		       : err_set(e, -EINVAL,
				 "exceptions: sha256: 64 hexadecimal digits are expected");
}

static int take_scalar(struct reading *r, const char *key, const yaml_event_t *ev, struct err *e)
{
	char day[EXCEPTION_TEXT];

	if (!strcmp(key, "rules")) {
		if (r->rules)
			return err_set(e, -EINVAL, "exceptions: rules: given twice");
		r->rules = true;
		return take_rule(r, ev, e);
	}
	if (!strcmp(key, "reason"))
		return take_text(ev, key, r->x->reason, &r->reason, e);
	if (!strcmp(key, "expires")) {
		int rc = take_text(ev, key, day, &r->expires, e);
		if (!rc && exception_expires(day, &r->x->expires))
			rc = err_set(e, -EINVAL, "exceptions: expires: a day such as 2027-03-31");
		return rc;
	}
	for (unsigned i = 0; i < EXCEPTION_KEYS; i++) {
		if (strcmp(key, exception_keys[i]))
			continue;
		int rc = take_text(ev, key, r->x->key[i], &r->key[i], e);
		return rc || i != EXCEPTION_sha256 ? rc : take_sha256(r->x->key[i], e);
	}
	return err_set(e, -EINVAL,
		       "exceptions: unknown key %.60s: rules, reason, expires, image, sha256, "
		       "container_image, user, parent, ancestor",
		       key);
}

static int take_rules(struct reading *r, const char *key, struct err *e)
{
	if (strcmp(key, "rules") || r->rules)
		return err_set(e, -EINVAL, "exceptions: %.60s: one text is expected", key);
	r->rules = true;
	for (;;) {
		yaml_event_t ev;
		int rc = next(r, &ev, e);
		if (rc)
			return rc;
		yaml_event_type_t type = ev.type;
		if (type == YAML_SCALAR_EVENT)
			rc = take_rule(r, &ev, e);
		else if (type != YAML_SEQUENCE_END_EVENT)
			rc = err_set(e, -EINVAL, "exceptions: rules: a list of texts is expected");
		yaml_event_delete(&ev);
		if (rc || type == YAML_SEQUENCE_END_EVENT)
			return rc;
	}
}

static int check(const struct reading *r, struct err *e)
{
	bool any = false;

	for (unsigned i = 0; i < EXCEPTION_KEYS; i++)
		any = any || (r->key[i] && strspn(r->x->key[i], "*") != strlen(r->x->key[i]));
	if (!r->x->nrules)
		return err_set(e, -EINVAL, "exceptions: rules: ids or titles are missing");
	if (!r->reason)
		return err_set(e, -EINVAL, "exceptions: the reason is missing");
	if (!any)
		return err_set(e, -EINVAL,
			       "exceptions: nothing says what is excepted: image, sha256, "
			       "container_image, user, parent or ancestor");
	return 0;
}

static int read_one(struct reading *r, struct err *e)
{
	for (;;) {
		yaml_event_t k, v;
		char key[64];
		int rc = next(r, &k, e);
		if (rc)
			return rc;
		yaml_event_type_t type = k.type;
		if (type == YAML_SCALAR_EVENT)
			snprintf(key, sizeof(key), "%s", (const char *)k.data.scalar.value);
		yaml_event_delete(&k);
		if (type == YAML_MAPPING_END_EVENT)
			return check(r, e);
		if (type != YAML_SCALAR_EVENT)
			return err_set(e, -EINVAL, "exceptions: a key is expected");
		rc = next(r, &v, e);
		if (rc)
			return rc;
		if (v.type == YAML_SCALAR_EVENT)
			rc = take_scalar(r, key, &v, e);
		else if (v.type == YAML_SEQUENCE_START_EVENT)
			rc = take_rules(r, key, e);
		else
			rc = err_set(e, -EINVAL, "exceptions: %.60s: a text is expected", key);
		yaml_event_delete(&v);
		if (rc)
			return rc;
	}
}

int config_exceptions_read(struct config *c, yaml_parser_t *parser, yaml_mark_t *mark,
			   struct err *e)
{
	for (;;) {
		struct reading r = { .parser = parser, .mark = mark };
		yaml_event_t ev;
		int rc = next(&r, &ev, e);
		if (rc)
			return rc;
		yaml_event_type_t type = ev.type;
		yaml_event_delete(&ev);
		if (type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (type != YAML_MAPPING_START_EVENT)
			return err_set(e, -EINVAL, "exceptions: a list of maps is expected");
		if (c->nexceptions == EXCEPTIONS_MAX)
			return err_set(e, -EINVAL, "exceptions: more than %d", EXCEPTIONS_MAX);
		r.x = &c->exception[c->nexceptions++];
		rc = read_one(&r, e);
		if (rc)
			return rc;
	}
}
