/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank record` and `redshank replay`: the kernel's records to a file, and back. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "cmd.h"
#include "enrich/users.h"
#include "live.h"
#include "rules.h"
#include "sink/record.h"
#include "sink/tail.h"
#include "source/replay.h"

static const char record_usage[] =
	"usage: redshank record [OPTION...] FILE\n\n"
	"Write the kernel's records to a new file (-: standard output) until stopped. Root only.\n"
	"A recording holds command lines and paths: keep it as you keep logs.\n\n"
	"      --duration TIME  stop after 5 (seconds), 10m, 2h\n"
	"  -c, --config FILE\n"
	"  -v, --verbose\n"
	"  -h, --help\n";

static const char replay_usage[] =
	"usage: redshank replay [OPTION...] FILE\n\n"
	"Run a recording (-: standard input) through decoding, enrichment and detection and print\n"
	"what comes out, as tail does. Needs no root, and gives the same output anywhere.\n\n"
	"  -o, --output FORMAT  text (default), json, proto\n"
	"  -t, --type LIST      only these events\n"
	"      --alerts-only\n"
	"  -n, --count N        end after N lines\n"
	"      --rules[=PATH]   judge by Sigma rules too: those that are configured, or a file or\n"
	"                       directory; may be repeated\n"
	"      --stats          counters to stderr at the end\n"
	"  -h, --help\n";

static int record(const char *path, const char *config, uint64_t duration)
{
	struct config c;
	struct pipeline *p;
	struct wanted w = { 0 };
	struct sink *s;
	struct err e;
	struct pipeline_stats st;

	int rc = live_config(config, &c, &e);
	if (rc)
		return cmd_fail(rc, &e);
	rc = record_open(path, &s, &e);
	if (rc) {
		log_error("%s", e.text);
		return EX_CANTCREAT;
	}
	wanted_by_sink(&w, NULL);
	rc = live_open(&c, &w, &p, &e);
	if (rc) {
		s->ops->close(s, 0);
		if (strcmp(path, "-"))
			unlink(path);
		return cmd_fail(rc, &e);
	}
	pipeline_add_sink(p, s, true);
	rc = pipeline_run(p, duration, &e);
	pipeline_get_stats(p, &st);
	pipeline_free(p, 0);
	if (!rc && st.sink_errors)
		rc = err_set(&e, -EIO, "%s: could not be written whole (disk full?)", path);
	if (rc)
		return cmd_fail(rc, &e);
	log_info("%llu records in %s", (unsigned long long)st.events, path);
	return 0;
}

int cmd_record(int argc, char **argv)
{
	enum { OPT_DURATION = 256 };
	static const struct option longs[] = {
		{ "duration", required_argument, NULL, OPT_DURATION },
		{ "config", required_argument, NULL, 'c' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *config = NULL;
	uint64_t duration = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, ":c:vh", longs, NULL)) != -1) {
		switch (opt) {
		case OPT_DURATION:
			if (parse_duration(optarg, &duration)) {
				log_error("--duration %s: 5, 10m or 2h is expected", optarg);
				return EX_USAGE;
			}
			break;
		case 'c':
			config = optarg;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_debug);
			break;
		case 'h':
			return cmd_usage(record_usage);
		default:
			return cmd_bad_option(record_usage, opt, argv);
		}
	}
	if (optind + 1 != argc) {
		log_error("record takes one file name");
		return EX_USAGE;
	}
	return record(argv[optind], config, duration);
}

/* What --rules asked for. */
struct replay_rules {
	bool wanted;
	unsigned n; /* 0: those that are configured */
	const char *path[RULES_PATHS_MAX];
};

static int add_rules(struct pipeline *p, const struct replay_rules *r, struct err *e)
{
	struct ruleset *set;
	struct config c;
	int rc = 0;

	config_defaults(&c);
	if (!r->n)
		rc = live_config(NULL, &c, e);
	else
		rc = rules_only(&c, r->path, r->n, e);
	if (!rc)
		rc = rules_load(&c, &set, e);
	if (!rc)
		pipeline_set_rules(p, set);
	return rc;
}

static int replay(const char *path, const struct tail_config *t, const struct replay_rules *rules,
		  bool stats)
{
	struct source *src;
	struct pipeline *p;
	struct sink *s;
	struct err e;
	struct pipeline_stats st;

	users_disable(); /* the same output on every machine */
	int rc = replay_open(path, &src, &e);
	if (rc)
		return cmd_fail(rc, &e);
	struct pipeline_config pc = { .source = src };
	rc = pipeline_new(&pc, &p, &e);
	if (rc)
		return cmd_fail(rc, &e);
	if (rules->wanted)
		rc = add_rules(p, rules, &e);
	if (!rc) {
		rc = tail_open(STDOUT_FILENO, t, &s);
		if (rc)
			err_set(&e, rc, "out of memory");
		else
			rc = pipeline_add_sink(p, s, true);
	}
	if (!rc)
		rc = pipeline_run(p, 0, &e);
	pipeline_get_stats(p, &st);
	if (!rc && st.sink_errors)
		rc = err_set(&e, -EIO, "the output could not be written (disk full?)");
	if (stats) {
		struct buf b = { 0 };
		pipeline_stats_json(p, &b);
		fprintf(stderr, "%s\n", buf_str(&b));
		buf_free(&b);
	}
	pipeline_free(p, 0);
	return rc ? cmd_fail(rc, &e) : 0;
}

int cmd_replay(int argc, char **argv)
{
	enum { OPT_ALERTS_ONLY = 256, OPT_STATS, OPT_RULES };
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "type", required_argument, NULL, 't' },
		{ "alerts-only", no_argument, NULL, OPT_ALERTS_ONLY },
		{ "count", required_argument, NULL, 'n' },
		{ "stats", no_argument, NULL, OPT_STATS },
		{ "rules", optional_argument, NULL, OPT_RULES },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct tail_config t = { .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	struct replay_rules rules = { 0 };
	bool stats = false;
	struct err e;
	int opt;

	while ((opt = getopt_long(argc, argv, ":o:t:n:h", longs, NULL)) != -1) {
		switch (opt) {
		case 'o':
			if (tail_format_by_name(optarg, &t.format)) {
				log_error("--output %s: text, json or proto is expected", optarg);
				return EX_USAGE;
			}
			break;
		case 't':
			if (filter_add_types(&t.filter, optarg, &e)) {
				log_error("--type: %s", e.text);
				return EX_USAGE;
			}
			break;
		case OPT_ALERTS_ONLY:
			t.filter.alerts_only = true;
			break;
		case 'n':
			if (parse_number(optarg, 1, INT64_MAX, &t.count)) {
				log_error("--count %s: a number from 1 is expected", optarg);
				return EX_USAGE;
			}
			break;
		case OPT_STATS:
			stats = true;
			break;
		case OPT_RULES:
			rules.wanted = true;
			if (optarg && rules.n == RULES_PATHS_MAX) {
				log_error("--rules: at most %d times", RULES_PATHS_MAX);
				return EX_USAGE;
			}
			if (optarg)
				rules.path[rules.n++] = optarg;
			break;
		case 'h':
			return cmd_usage(replay_usage);
		default:
			return cmd_bad_option(replay_usage, opt, argv);
		}
	}
	if (optind + 1 != argc) {
		log_error("replay takes one file name");
		return EX_USAGE;
	}
	return replay(argv[optind], &t, &rules, stats);
}
