/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands share. */
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"

int cmd_fail(int error, const struct err *e)
{
	log_error("%s", e->text);
	switch (-error) {
	case EPERM:
	case EACCES:
		return EX_NOPERM;
	case ENOTSUP:
		return EX_UNAVAILABLE;
	case ENOENT:
	case EISDIR:
		return EX_NOINPUT;
	case EBADMSG:
		return EX_DATAERR;
	case EINVAL:
		return EX_CONFIG;
	case EEXIST:
	case ENOSPC:
		return EX_CANTCREAT;
	case EADDRINUSE:
	case EAGAIN:
		return EX_TEMPFAIL;
	case EIO:
		return EX_IOERR;
	default:
		return EX_OSERR;
	}
}

int cmd_usage(const char *usage)
{
	fputs(usage, stdout);
	return 0;
}

int cmd_bad_option(const char *usage, int opt, char **argv)
{
	const char *name = usage + strlen("usage: redshank "), *arg = argv[optind - 1];
	char letter[] = { '-', (char)optopt, '\0' }; /* it may stand within a word: -xvf */

	log_error("%s %s; see redshank %.*s --help",
		  opt == ':' ? "no value for option" : "unknown option",
		  strncmp(arg, "--", 2) ? letter : arg, (int)strcspn(name, " "), name);
	return EX_USAGE;
}

int cmd_no_arguments(const char *command, char **argv)
{
	log_error("%s takes no arguments: %s", command, argv[optind]);
	return EX_USAGE;
}

int cmd_output(const char *arg, bool *ret_json)
{
	*ret_json = !strcmp(arg, "json");
	if (*ret_json || !strcmp(arg, "text"))
		return 0;
	log_error("--output %s: text or json is expected", arg);
	return EX_USAGE;
}
