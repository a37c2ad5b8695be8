/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank stats`: the running sensor's counters. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/log.h"
#include "cmd.h"
#include "control.h"
#include "live.h"

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
	enum { OPT_SOCKET = 256 };
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *socket = NULL, *config = NULL;
	bool json = false;
	struct buf b = { 0 };
	struct config c;
	struct err e;
	int opt;

	while ((opt = getopt_long(argc, argv, ":o:c:h", longs, NULL)) != -1) {
		switch (opt) {
		case 'o':
			json = !strcmp(optarg, "json");
			if (!json && strcmp(optarg, "text")) {
				log_error("--output %s: text or json is expected", optarg);
				return EX_USAGE;
			}
			break;
		case OPT_SOCKET:
			socket = optarg;
			break;
		case 'c':
			config = optarg;
			break;
		case 'h':
			return cmd_usage(usage);
		default:
			return cmd_bad_option(usage, opt, argv);
		}
	}
	if (optind < argc) {
		log_error("stats takes no arguments: %s", argv[optind]);
		return EX_USAGE;
	}
	int rc = live_config(config, &c, &e);
	if (rc)
		return cmd_fail(rc, &e);
	rc = control_request_answer(socket ? socket : c.socket, "stats", &b, &e);
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		return cmd_fail(rc, &e), EX_UNAVAILABLE;
	if (!rc)
		rc = print(&b, json, &e);
	buf_free(&b);
	return rc ? cmd_fail(rc, &e) : 0;
}
