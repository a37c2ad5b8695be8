/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank stats`: the running sensor's counters. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cmd.h"
#include "cmd_ask.h"

static const char usage[] =
	"usage: redshank stats [OPTION...]\n\n"
	"Counters of the running sensor: records seen and lost, processes held, alerts\n"
	"raised, stored and delivered. Root only.\n\n"
	"  -o, --output FORMAT  text (default) or json\n"
	"      --socket PATH    of the running sensor\n"
	"  -c, --config FILE\n"
	"  -h, --help\n";

static void print_section(const char *name, json_t *o)
{
	const char *key;
	json_t *v;
	printf("%s\n", name);
	json_object_foreach(o, key, v) if (json_is_integer(v))
		printf("  %-20s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(v));
}

static int print(const struct buf *b, bool json, struct err *e)
{
	if (json) {
		fwrite(b->data, 1, b->len, stdout);
		return 0;
	}
	json_t *o = json_loadb(b->data, b->len, JSON_REJECT_DUPLICATES, NULL), *v;
	const char *key;
	size_t i;

	if (!json_is_object(o)) {
		json_decref(o);
		return err_set(e, -EBADMSG, "the sensor's answer is not JSON");
	}
	json_object_foreach(o, key, v) if (json_is_object(v)) print_section(key, v);
	json_array_foreach(json_object_get(o, "sinks"), i, v)
	{
		char name[80];
		snprintf(name, sizeof(name), "sink %.40s",
			 json_string_value(json_object_get(v, "name")));
		print_section(name, v);
	}
	json_decref(o);
	return 0;
}

int cmd_stats(int argc, char **argv)
{
	static const struct cmd_ask ask = {
		.usage = usage,
		.name = "stats",
		.command = "stats",
		.formats = true,
		.print = print,
	};

	return cmd_ask(argc, argv, &ask);
}
