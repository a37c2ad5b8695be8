/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands of `redshank rules`, one file each (user/cmd_rules_*.c), and what they share.
 * None needs root or a kernel. argv[0] is the subcommand's name; they print their own errors and
 * return the exit code.
 */
#ifndef REDSHANK_CMD_RULES_H
#define REDSHANK_CMD_RULES_H

#include <stdio.h>

#include "sigma/engine.h"
#include "sigma/parse.h"

int cmd_rules_check(int argc, char **argv);
int cmd_rules_list(int argc, char **argv);
int cmd_rules_explain(int argc, char **argv);
int cmd_rules_test(int argc, char **argv);
int cmd_rules_match(int argc, char **argv);
int cmd_rules_reload(int argc, char **argv);

/*
 * The rules below paths (ended by NULL), or without any those of the packs that are there: parsed,
 * linked and compiled. Problems are in them. 0, or an exit code, printed.
 */
int cmd_rules_load(char *const *paths, struct sigma_engine **ret);
/* The same, with the problems printed to stderr; an error when no rule could be used. */
int cmd_rules_load_usable(char *const *paths, struct sigma_engine **ret);

/* "file:line:col: error: text", a line each. */
void cmd_rules_problems(const struct sigma_problems *p, FILE *to);

/* Writes the buffer to stdout, empties it. 0, or -EIO with *e. Flushes when asked to. */
int cmd_rules_write(struct buf *b, bool flush, struct err *e);

/* "linux/process_creation", "linux/sshd"; an asterisk for a product that is not given. */
void cmd_rules_put_logsource(struct buf *b, const struct sigma_logsource *ls);
/* Text of rules for a terminal. */
void cmd_rules_put(struct buf *b, const char *s);

#endif
