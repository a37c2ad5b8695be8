/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank rules test`: which files are to be tested. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd.h"
#include "cmd_rules.h"
#include "cmd_rules_testfile.h"

static const char usage[] =
	"usage: redshank rules test [PATH...]\n\n"
	"Run the tests of rules: beside rule.yml stands rule.test, JSON Lines of events with\n"
	"_match: does the rule alert at this one? (or which: a list of ids or titles), _case: a "
	"new\n"
	"name begins with fresh state, _logsource (default: the rule's) and _time; lines that "
	"begin\n"
	"with # are comments. Every rule needs a hit and a miss. Prints TAP. The exit status is "
	"65\n"
	"when a test fails.\n\n"
	"  -h, --help\n";

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * The files that were loaded, each once, sorted: of those without any rule that could be read there
 * are problems. The names are the rules'. 0 or -ENOMEM.
 */
static int collect(const struct sigma_rules *r, const char ***ret, unsigned *ret_n)
{
	const char **path = calloc((size_t)r->n + r->problems.n + 1, sizeof(*path));
	unsigned n = 0, unique = 0;

	if (!path)
		return -ENOMEM;
	for (unsigned i = 0; i < r->n; i++)
		path[n++] = r->rule[i]->pos.file;
	for (unsigned i = 0; i < r->problems.n; i++)
		if (r->problems.problem[i].pos.file)
			path[n++] = r->problems.problem[i].pos.file;
	qsort(path, n, sizeof(*path), compare_paths);
	for (unsigned i = 0; i < n; i++)
		if (!i || strcmp(path[i], path[unique - 1]) != 0)
			path[unique++] = path[i];
	*ret = path;
	*ret_n = unique;
	return 0;
}

/* Of x.test the rules beside it. In place: both names are as long. */
static void to_rules(char *path)
{
	size_t n = strlen(path);

	if (n > 5 && !strcmp(path + n - 5, ".test")) {
		memcpy(path + n - 5, ".yaml", 5);
		if (access(path, F_OK))
			memcpy(path + n - 5, ".yml", 5);
	}
}

static int test(char *const *paths)
{
	unsigned nfiles = 0, count = 0, failed = 0;
	const char **file = NULL;
	struct sigma_engine *g;
	struct err e;

	for (char *const *p = paths; *p; p++)
		to_rules(*p);
	int rc = cmd_rules_load(paths, &g);
	if (rc)
		return rc;
	rc = collect(sigma_engine_rules(g), &file, &nfiles);
	for (unsigned i = 0; i < nfiles && !rc; i++)
		rc = testfile_run(file[i], &count, &failed);
	printf("1..%u\n", count);
	if (rc)
		err_set(&e, rc, "out of memory");
	else if (fflush(stdout) || ferror(stdout))
		rc = err_set(&e, -EIO, "the output could not be written (disk full?)");
	free(file);
	sigma_engine_free(g);
	if (rc)
		return cmd_fail(rc, &e);
	if (!count)
		log_error("no rules found");
	return failed || !count ? EX_DATAERR : 0;
}

int cmd_rules_test(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		if (opt == 'h')
			return cmd_usage(usage);
		return cmd_bad_option(usage, opt, argv);
	}
	return test(argv + optind);
}
