/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that ask a running sensor for one answer share: stats, status, rules reload. */
#ifndef REDSHANK_CMD_ASK_H
#define REDSHANK_CMD_ASK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct cmd_ask {
	const char *usage;
	const char *name; /* as people type it: "rules reload" */
	const char *command; /* as the sensor knows it (control_request_answer()) */
	bool formats; /* takes -o text or json */
	/* Shows the answer. 0, an exit code, or negative errno. json: what -o asked for. */
	int (*print)(const struct buf *answer, bool json, struct err *e);
	/* No sensor runs: says so, gives the exit code. NULL: as an error, EX_UNAVAILABLE. */
	int (*absent)(bool json, int error, const struct err *e);
};

/* Reads the options, asks, shows the answer. The exit code. */
int cmd_ask(int argc, char **argv, const struct cmd_ask *a);

#endif
