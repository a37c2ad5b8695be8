/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a running sensor. */
#include "cmd_ask.h"

#include <errno.h>
#include <getopt.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd.h"
#include "control.h"
#include "live.h"

static int ask(const struct cmd_ask *a, const char *config, const char *socket, bool json)
{
	struct buf b = { 0 };
	struct config c;
	struct err e;

	int rc = live_config(config, &c, &e);
	if (rc)
		return cmd_fail(rc, &e);
	rc = control_request_answer(socket ? socket : c.socket, a->command, &b, &e);
	if (rc == -ENOENT || rc == -ECONNREFUSED) {
		if (a->absent)
			return a->absent(json, rc, &e);
		return cmd_fail(rc, &e), EX_UNAVAILABLE;
	}
	if (!rc)
		rc = a->print(&b, json, &e);
	buf_free(&b);
	return rc < 0 ? cmd_fail(rc, &e) : rc;
}

int cmd_ask(int argc, char **argv, const struct cmd_ask *a)
{
	enum { OPT_SOCKET = 256 };
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' }, /* first: left out without formats */
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *socket = NULL, *config = NULL;
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, a->formats ? ":o:c:h" : ":c:h", longs + !a->formats,
				  NULL)) != -1) {
		switch (opt) {
		case 'o':
			if (cmd_output(optarg, &json))
				return EX_USAGE;
			break;
		case OPT_SOCKET:
			socket = optarg;
			break;
		case 'c':
			config = optarg;
			break;
		case 'h':
			return cmd_usage(a->usage);
		default:
			return cmd_bad_option(a->usage, opt, argv);
		}
	}
	if (optind < argc)
		return cmd_no_arguments(a->name, argv);
	return ask(a, config, socket, json);
}
