/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank rules reload`: the running sensor reads its rules again. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd.h"
#include "cmd_rules.h"
#include "control.h"
#include "live.h"

static const char usage[] =
	"usage: redshank rules reload [OPTION...]\n\n"
	"Has the running sensor read its rules again, as SIGHUP does, and says what came of it.\n"
	"When there are more errors than before, the old rules go on. Windows of correlations go\n"
	"on in any case. Root only.\n\n"
	"      --socket PATH  of the running sensor\n"
	"  -c, --config FILE  default: " CONFIG_PATH_DEFAULT ", if it is there\n"
	"  -h, --help\n";

/* The answer is a line of text as a JSON string. */
static int print(struct buf *b, struct err *e)
{
	json_t *line = json_loadb(b->data, b->len, JSON_DECODE_ANY, NULL);
	int rc = 0;

	if (!json_is_string(line))
		rc = err_set(e, -EBADMSG, "the sensor's answer is not JSON");
	else if (puts(json_string_value(line)) < 0 || fflush(stdout))
		rc = err_set(e, -EIO, "the output could not be written");
	json_decref(line);
	return rc;
}

int cmd_rules_reload(int argc, char **argv)
{
	enum { OPT_SOCKET = 256 };
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *socket = NULL, *config = NULL;
	struct buf b = { 0 };
	struct config c;
	struct err e;
	int opt;

	while ((opt = getopt_long(argc, argv, ":c:h", longs, NULL)) != -1) {
		switch (opt) {
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
		log_error("rules reload takes no arguments: %s", argv[optind]);
		return EX_USAGE;
	}
	int rc = live_config(config, &c, &e);
	if (rc)
		return cmd_fail(rc, &e);
	rc = control_request_answer(socket ? socket : c.socket, "reload", &b, &e);
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		return cmd_fail(rc, &e), EX_UNAVAILABLE;
	if (!rc)
		rc = print(&b, &e);
	buf_free(&b);
	return rc ? cmd_fail(rc, &e) : 0;
}
