/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON as events: read, made records of, judged. What jansson takes must be taken.
 */
#include <errno.h>
#include <jansson.h>

#include "fuzz.h"
#include "sigma/engine.h"
#include "sigma/json_record.h"
#include "sigma/parse.h"

static const char rules[] = "title: T\n"
			    "name: t\n"
			    "logsource: {product: linux}\n"
			    "detection:\n"
			    "  f: {a|contains: b, a.b: 1, c: null}\n"
			    "  k: [word]\n"
			    "  condition: f or k or not f\n"
			    "---\n"
			    "title: C\n"
			    "correlation: {type: value_count, rules: [t], group-by: [a],\n"
			    "  timespan: 1m, condition: {gte: 2, field: a.b}}\n";

static struct sigma_engine *engine;
static struct sigma_json *json;

static void start(void)
{
	struct sigma_rules *r;
	struct err e;

	must(!sigma_rules_new(&r));
	must(!sigma_parse(r, "t.yml", rules, sizeof(rules) - 1));
	must(!sigma_engine_new(r, NULL, &engine, &e));
	must(!sigma_engine_rules(engine)->problems.errors);
	json = sigma_json_new();
	must(json);
}

static void on_alert(void *ctx, const struct sigma_alert *a)
{
	(void)ctx;
	must(a->rule->correlation);
}

static void check_values(const struct sigma_values *v)
{
	must(v->present || !v->n);
	for (unsigned i = 0; i < v->n; i++)
		must(v->v[i].text && !v->v[i].text[v->v[i].len]);
}

static void judge(const struct sigma_view *v, const struct sigma_record *rec)
{
	for (unsigned i = 0; i < sigma_view_nfields(v); i++)
		check_values(&rec->field[i]);
	check_values(&rec->all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	struct sigma_logsource ls;
	struct sigma_record rec;
	uint64_t time;
	struct err e;

	if (!engine)
		start();
	/* It takes a NUL between two values for space. */
	json_t *other =
		memchr(copy, '\0', size) ? NULL : json_loadb(copy, size, JSON_ALLOW_NUL, NULL);
	int rc = sigma_json_read(json, copy, size, &e);
	must(rc == 0 || rc == -EBADMSG);
	must(rc == 0 || !json_is_object(other) || size > JN_DEPTH_MAX);
	json_decref(other);
	free(copy);
	if (rc)
		return 0;

	int given = sigma_json_logsource(json, &ls, &e);
	must(given == 0 || given == 1 || given == -EBADMSG);
	if (sigma_json_time(json, &time, &e))
		must(!time);
	struct sigma_view *v = sigma_engine_view(engine, given == 1 ? &ls : NULL);
	must(v);
	must(!sigma_json_record(json, v, time, &rec));
	judge(v, &rec);
	sigma_engine_judge(engine, v, &rec, on_alert, NULL);
	return 0;
}
