/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank rules`: the table of its subcommands. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd.h"
#include "cmd_rules.h"

static const char usage[] =
	"usage: redshank rules COMMAND [OPTION...]\n\n"
	"  check [PATH...]         what is wrong with rules, and which of them can be fed here\n"
	"  list [PATH...]          the rules\n"
	"  explain RULE [PATH...]  what the engine made of a rule\n"
	"  test [PATH...]          run the .test beside each rule\n"
	"  match PATH... --events FILE\n"
	"                          evaluate rules over JSON Lines\n"
	"  reload                  have the running sensor read its rules again (root)\n\n"
	"PATH is a file of Sigma rules or a directory with *.yml and *.yaml. Without one: "
	"./rules,\n"
	"or /usr/share/redshank/rules, and /etc/redshank/rules.d. No root needed.\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "check", cmd_rules_check },	  { "list", cmd_rules_list },
	{ "explain", cmd_rules_explain }, { "test", cmd_rules_test },
	{ "match", cmd_rules_match },	  { "reload", cmd_rules_reload },
};

int cmd_rules(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!*name) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return cmd_usage(usage);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].run(argc - 1, argv + 1);
	log_error("rules: there is no command \"%s\"; see redshank rules --help", name);
	return EX_USAGE;
}
