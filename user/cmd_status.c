/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank status`: does a sensor run, and is it whole? */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cmd.h"
#include "cmd_ask.h"
#include "encode/json_writer.h"
#include "encode/text_put.h"

static const char usage[] =
	"usage: redshank status [OPTION...]\n\n"
	"Is a sensor running here, since when, what does it see, what was lost, do its sinks "
	"work?\n"
	"Root only. Exit code 0: it runs and is whole; 1: it runs and is degraded (an event can't "
	"be\n"
	"seen, records were lost in the last 5 minutes, a sink fails); 69: none runs.\n\n"
	"  -o, --output FORMAT  text (default) or json\n"
	"      --socket PATH    of the running sensor\n"
	"  -c, --config FILE\n"
	"  -h, --help\n";

#define EX_DEGRADED 1

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* What goes to a terminal comes from names and errors of all kinds. */
static void put(struct buf *out, const char *s)
{
	text_put(out, s, strlen(s), false, strlen(s));
}

static void put_uptime(struct buf *out, json_int_t s)
{
	if (s >= 86400)
		buf_printf(out, "%lldd %lldh", (long long)(s / 86400), (long long)(s / 3600 % 24));
	else if (s >= 3600)
		buf_printf(out, "%lldh %lldm", (long long)(s / 3600), (long long)(s / 60 % 60));
	else if (s >= 60)
		buf_printf(out, "%lldm %llds", (long long)(s / 60), (long long)(s % 60));
	else
		buf_printf(out, "%llds", (long long)s);
}

static void put_alerts(struct buf *out, const json_t *o, const json_t *stats)
{
	static const char *const levels[] = { "critical", "high", "medium", "low",
					      "informational" };
	const json_t *detect = json_object_get(stats, "detect"), *sink;
	json_int_t stored = 0;
	size_t at;

	buf_printf(out, "  alerts     %lld", (long long)number(detect, "alerts"));
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		char key[40];
		snprintf(key, sizeof(key), "alerts.%s", levels[i]);
		if (number(detect, key))
			buf_printf(out, ", %lld %s", (long long)number(detect, key), levels[i]);
	}
	json_array_foreach(json_object_get(stats, "sinks"), at, sink)
	{
		if (!strcmp(text(sink, "name"), "store"))
			stored = number(sink, "rows");
	}
	buf_printf(out, "; %lld in ", (long long)stored);
	put(out, text(o, "store"));
	buf_putc(out, '\n');
}

static void put_hook(struct buf *out, const json_t *h)
{
	const char *event = text(h, "event"), *fact = text(h, "fact"),
		   *variant = text(h, "variant");
	const char *kind = strstr(variant, "__");

	buf_printf(out, "  %-10.32s ", *event ? event : fact);
	if (!json_is_true(json_object_get(h, "wanted"))) {
		buf_puts(out, "not loaded: nothing asks for it\n");
		return;
	}
	if (kind) {
		put(out, kind + strlen("__"));
		buf_puts(out, json_is_true(json_object_get(h, "fired"))
				      ? ", fired"
				      : ", waits for its first event");
	} else {
		buf_puts(out, *fact ? "not known: " : "NOT SEEN: ");
		put(out, text(h, "cannot_see"));
		buf_puts(out, " (");
		put(out, text(h, "why"));
		buf_putc(out, ')');
	}
	buf_putc(out, '\n');
}

/* Queues always, other counters when they have counted. */
static void put_sink(struct buf *out, json_t *sink)
{
	const char *key, *name = text(sink, "name"), *trouble = text(sink, "trouble");
	bool first = true;
	json_t *v;

	buf_printf(out, "  sink %-5.16s ", name);
	json_object_foreach(sink, key, v)
	{
		if (!json_is_integer(v) || (!json_integer_value(v) && strcmp(key, "pending") != 0 &&
					    strcmp(key, "lag") != 0))
			continue;
		buf_printf(out, "%s%.40s %lld", first ? "" : ", ", key,
			   (long long)json_integer_value(v));
		first = false;
	}
	if (*trouble) {
		buf_puts(out, first ? "FAILS: " : "; FAILS: ");
		put(out, trouble);
	}
	buf_putc(out, '\n');
}

static void put_status(struct buf *out, const json_t *o)
{
	const json_t *stats = json_object_get(o, "stats");
	const json_t *source = json_object_get(stats, "source");
	const json_t *pipeline = json_object_get(stats, "pipeline");
	const json_t *procs = json_object_get(stats, "processes");
	const json_t *problems = json_object_get(o, "problems"), *problem;
	json_t *v;
	size_t i;

	buf_puts(out, "redshank ");
	put(out, text(o, "version"));
	buf_printf(out, " runs, pid %lld, since ", (long long)number(o, "pid"));
	buf_printf(out, "%.19sZ, for ", text(o, "since"));
	put_uptime(out, number(o, "uptime"));
	buf_puts(out, json_array_size(problems) ? ": DEGRADED\n" : "\n");
	json_array_foreach(problems, i, problem)
	{
		buf_puts(out, "  problem    ");
		put(out, json_string_value(problem) ? json_string_value(problem) : "?");
		buf_putc(out, '\n');
	}
	buf_puts(out, "  config     ");
	put(out, *text(o, "config") ? text(o, "config") : "defaults, no file");
	buf_printf(out, "\n  events     %lld, lost %lld, invalid %lld\n",
		   (long long)number(pipeline, "events"), (long long)number(source, "lost"),
		   (long long)number(pipeline, "invalid"));
	put_alerts(out, o, stats);
	buf_printf(out, "  processes  %lld of %lld\n",
		   (long long)(number(procs, "live") + number(procs, "dead")),
		   (long long)number(procs, "slots"));
	json_array_foreach(json_object_get(o, "coverage"), i, v) put_hook(out, v);
	json_array_foreach(json_object_get(stats, "sinks"), i, v) put_sink(out, v);
}

/* 0 or EX_DEGRADED, or negative errno. */
static int print(const struct buf *b, bool json, struct err *e)
{
	json_t *o = json_loadb(b->data, b->len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *whole = json_object_get(o, "whole");
	struct buf out = { 0 };
	int rc = json_is_true(whole) ? 0 : EX_DEGRADED;

	if (!json_is_boolean(whole)) {
		json_decref(o);
		return err_set(e, -EBADMSG, "the sensor's answer is not a status");
	}
	if (json)
		buf_put(&out, b->data, b->len);
	else
		put_status(&out, o);
	fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
	json_decref(o);
	if (fflush(stdout) || ferror(stdout))
		return err_set(e, -EIO, "the output could not be written (disk full?)");
	return rc;
}

static int not_running(bool json, int error, const struct err *e)
{
	if (json) {
		struct buf b = { 0 };
		buf_puts(&b, "{\"running\":false,\"why\":");
		json_quote(&b, e->text, strlen(e->text));
		printf("%s}\n", buf_str(&b));
		buf_free(&b);
	} else {
		cmd_fail(error, e);
	}
	return EX_UNAVAILABLE;
}

int cmd_status(int argc, char **argv)
{
	static const struct cmd_ask ask = {
		.usage = usage,
		.name = "status",
		.command = "status",
		.formats = true,
		.print = print,
		.absent = not_running,
	};

	return cmd_ask(argc, argv, &ask);
}
