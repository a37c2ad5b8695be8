/* SPDX-License-Identifier: Apache-2.0 */
/* redshank: the table of subcommands. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd.h"
#include "source/bpf_obj.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "run", cmd_run, "watch this machine: print, store and forward alerts" },
	{ "tail", cmd_tail, "show live events and alerts" },
	{ "alerts", cmd_alerts, "list and show stored alerts" },
	{ "rules", cmd_rules, "check, list, explain, test and try Sigma rules" },
	{ "record", cmd_record, "write the kernel's records to a file" },
	{ "replay", cmd_replay, "run a recording through the pipeline, without root" },
	{ "scan", cmd_scan, "look into the memory of processes for code without a file" },
	{ "stats", cmd_stats, "counters of the running sensor: seen, lost, kept" },
	{ "status", cmd_status, "is the sensor running, what does it see, what is wrong" },
	{ "probe", cmd_probe, "what this kernel lets a sensor see" },
};

static int help(FILE *to)
{
	fputs("usage: redshank COMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\nredshank COMMAND --help says more.\n", to);
	return 0;
}

/*
 * A caller may have closed them: no file of ours may get a number that messages are written to. The
 * wrong direction, so that using what was closed is still an error.
 */
static void keep_std_fds(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
			exit(EX_OSERR);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, FIRE_ARGUMENT))
		return 0;
	keep_std_fds();
	if (!*name) {
		help(stderr);
		return EX_USAGE;
	}
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return help(stdout);
	if (!strcmp(name, "version") || !strcmp(name, "--version") || !strcmp(name, "-V")) {
		puts("redshank " REDSHANK_VERSION);
		return 0;
	}
	opterr = 0; /* commands say what is wrong, in one line */
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].run(argc - 1, argv + 1);
	log_error("there is no command \"%s\"; see redshank --help", name);
	return EX_USAGE;
}
