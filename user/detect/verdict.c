/* SPDX-License-Identifier: Apache-2.0 */
/* Filling verdicts; Sigma's levels. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "detect/detector.h"
#include "enrich/fields.h"

static const char *const names[] = {
	[SEVERITY_none] = "none", [SEVERITY_informational] = "informational",
	[SEVERITY_low] = "low",	  [SEVERITY_medium] = "medium",
	[SEVERITY_high] = "high", [SEVERITY_critical] = "critical",
};

const char *severity_name(enum severity s)
{
	return (unsigned)s < sizeof(names) / sizeof(names[0]) ? names[s] : "none";
}

enum severity severity_by_name(const char *name)
{
	for (unsigned i = SEVERITY_informational; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return (enum severity)i;
	return SEVERITY_none;
}

void verdict_message(struct verdict *v, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(v->message, sizeof(v->message), fmt, ap);
	va_end(ap);
}

void verdict_evidence(struct verdict *v, const char *key, const char *fmt, ...)
{
	if (v->nevidence == EVIDENCE_MAX)
		return;
	struct evidence *e = &v->evidence[v->nevidence];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->value, sizeof(e->value), fmt, ap);
	va_end(ap);
	if (!*e->value)
		return;
	e->key = key;
	v->nevidence++;
}

static void put_value(struct verdict *v, const char *key, const struct value *val)
{
	char text[EVIDENCE_VALUE];
	size_t n = val->len < sizeof(text) ? val->len : sizeof(text);

	memcpy(text, val->p, n);
	for (size_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	verdict_evidence(v, key, "%.*s", (int)n, text);
}

void verdict_fields(struct verdict *v, const struct event *ev, const char *const *keys, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct any_field f;
		struct value val;
		if (!any_field_find(ev->desc, keys[i], &f))
			continue;
		any_field_get(&f, ev, &val);
		if (val.kind == VALUE_num || val.kind == VALUE_bool || val.kind == VALUE_time)
			verdict_evidence(v, keys[i], "%llu", (unsigned long long)val.num);
		else if (val.kind != VALUE_none)
			put_value(v, keys[i], &val);
	}
}
