/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank rules reload`: the running sensor reads its rules again. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "cmd.h"
#include "cmd_ask.h"
#include "cmd_rules.h"
#include "config.h"

static const char usage[] =
	"usage: redshank rules reload [OPTION...]\n\n"
	"Has the running sensor read its rules again, as SIGHUP does, and says what came of it.\n"
	"When there are more errors than before, the old rules go on. Windows of correlations go\n"
	"on in any case. Root only.\n\n"
	"      --socket PATH  of the running sensor\n"
	"  -c, --config FILE  default: " CONFIG_PATH_DEFAULT ", if it is there\n"
	"  -h, --help\n";

/* The answer is a line of text as a JSON string. */
static int print(const struct buf *b, bool json, struct err *e)
{
	(void)json;
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
	static const struct cmd_ask ask = {
		.usage = usage,
		.name = "rules reload",
		.command = "reload",
		.print = print,
	};

	return cmd_ask(argc, argv, &ask);
}
