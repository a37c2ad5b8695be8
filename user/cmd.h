/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands, one file each. argv[0] is the subcommand's name. Each prints its own errors, one
 * line on stderr, and returns the exit code: 0 or one of sysexits.h.
 */
#ifndef REDSHANK_CMD_H
#define REDSHANK_CMD_H

#include <stdbool.h>

#include "base/err.h"

int cmd_run(int argc, char **argv);
int cmd_tail(int argc, char **argv);
int cmd_alerts(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_scan(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_probe(int argc, char **argv);

/* Prints the error and gives the sysexits.h code that fits the negative errno. */
int cmd_fail(int error, const struct err *e);

/* For -o text or json: *ret_json; 0, or EX_USAGE, printed. */
int cmd_output(const char *arg, bool *ret_json);

/* Prints the usage text for -h to stdout; 0. */
int cmd_usage(const char *usage);

/* Says that the command takes none, and which there is behind the options. EX_USAGE. */
int cmd_no_arguments(const char *command, char **argv);

/* Says what getopt_long() did not like: it returned opt, '?' or ':'. EX_USAGE. */
int cmd_bad_option(const char *usage, int opt, char **argv);

#endif
