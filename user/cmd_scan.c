/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank scan`: a memory scan on demand, without a running sensor. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd.h"
#include "live.h"
#include "rules.h"
#include "scan/scan_source.h"
#include "sink/record.h"
#include "sink/tail.h"

#define PIDS_MAX     64
#define EXIT_ALERTS  1 /* something of level medium or above was found */
#define PROCESS_TIME 60 /* seconds of CPU for one process: somebody waits for the answer */

static const char usage[] =
	"usage: redshank scan [OPTION...]\n\n"
	"Look into the memory of running processes: executable memory without a file, ELF files\n"
	"loaded by hand, code of deleted and memory files, code that was changed, YARA matches.\n"
	"Prints alerts; nothing is stored or forwarded. Root only. Exit status 1: an alert of\n"
	"level medium or above.\n\n"
	"  -p, --pid PID        this process; may be repeated. Default: all\n"
	"      --yara PATH      YARA rules: a file, or a directory of *.yar and *.yara; may be\n"
	"                       repeated. Instead of those configured\n"
	"      --cpu PERCENT    of one CPU, at most; default 100\n"
	"      --events         print also findings that are no alert\n"
	"  -w, --write FILE     also write the records to a file, for redshank replay\n"
	"  -o, --output FORMAT  text (default), json or proto\n"
	"  -c, --config FILE    for exceptions and YARA rules; default: " CONFIG_PATH_DEFAULT "\n"
	"  -v, --verbose        more messages\n"
	"  -h, --help\n";

struct options {
	const char *config, *write;
	pid_t pid[PIDS_MAX];
	unsigned npids;
	const char *yara[SCAN_YARA_MAX];
	unsigned nyara;
	uint64_t cpu;
	bool events;
	enum tail_format format;
};

static void summary(const struct scanner *s, uint64_t wall)
{
	struct scan_stats st;

	scanner_get_stats(s, &st);
	fprintf(stderr,
		"redshank: %llu processes, %llu mappings, %llu changed pages compared, %llu KiB "
		"read, "
		"%.2f s (CPU %.2f s); %llu ended meanwhile, %llu could not be read, %llu not "
		"wholly, "
		"%llu files not comparable; ",
		(unsigned long long)st.processes, (unsigned long long)st.mappings,
		(unsigned long long)st.pages, (unsigned long long)st.bytes >> 10,
		(double)wall / (double)NSEC_PER_SEC, (double)st.cpu_ns / (double)NSEC_PER_SEC,
		(unsigned long long)st.gone, (unsigned long long)st.refused,
		(unsigned long long)st.incomplete, (unsigned long long)st.not_comparable);
	if (scan_has_yara())
		fprintf(stderr, "%u YARA rules\n", scanner_yara_rules(s));
	else
		fprintf(stderr, "YARA is not built in\n");
}

static int add_output(struct pipeline *p, const struct options *o, struct err *e)
{
	struct tail_config t = {
		.format = o->format,
		.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
		.filter = { .alerts_only = !o->events, .types = 1ULL << EV_scan },
	};
	struct sink *s;
	int rc = tail_open(STDOUT_FILENO, &t, &s);

	rc = rc ? err_set(e, rc, "out of memory") : pipeline_add_sink(p, s, true);
	if (rc || !o->write)
		return rc;
	rc = record_open(o->write, &s, e);
	return rc ? rc : pipeline_add_sink(p, s, true);
}

/* Takes over the pipeline's source. */
static int judge(struct source *src, const struct config *c, const struct options *o,
		 bool *ret_alerts, struct err *e)
{
	struct pipeline_config pc = { .source = src,
				      .exception = c->exception,
				      .nexceptions = c->nexceptions };
	struct pipeline_stats st;
	struct ruleset *set;
	struct pipeline *p;

	live_lookups(c);
	int rc = pipeline_new(&pc, &p, e);

	if (rc)
		return rc;
	rc = rules_load(c, &set, e);
	if (!rc) {
		pipeline_set_rules(p, set);
		rc = add_output(p, o, e);
	}
	if (!rc)
		rc = pipeline_run(p, 0, e);
	pipeline_get_stats(p, &st);
	if (!rc && st.sink_errors)
		rc = err_set(e, -EIO, "the output could not be written (disk full?)");
	*ret_alerts = st.alerts[SEVERITY_medium] || st.alerts[SEVERITY_high] ||
		      st.alerts[SEVERITY_critical];
	pipeline_free(p, 0);
	return rc;
}

static int scan(const struct config *c, const struct options *o)
{
	const char *configured[SCAN_YARA_MAX];
	struct scan_config sc = {
		.cpu_percent = (unsigned)o->cpu,
		.process_seconds = PROCESS_TIME,
		.yara = o->nyara ? o->yara : configured,
		.nyara = o->nyara ? o->nyara : c->scan_yaras,
	};
	struct scanner *s;
	struct source *src;
	struct err e = { "" };
	bool alerts = false;

	for (unsigned i = 0; i < c->scan_yaras; i++)
		configured[i] = c->scan_yara[i];
	int rc = scanner_new(&sc, &s, &e);
	if (rc)
		return cmd_fail(rc, &e);
	uint64_t began = clock_monotonic();
	rc = scan_source_open(s, o->pid, o->npids, &src, &e);
	if (!rc)
		rc = judge(src, c, o, &alerts, &e);
	if (!rc)
		summary(s, clock_monotonic() - began);
	scanner_free(s);
	return rc ? cmd_fail(rc, &e) : alerts ? EXIT_ALERTS : 0;
}

/* 0, or an exit code. */
static int add_option(struct options *o, int opt, const char *arg)
{
	uint64_t pid;

	if (opt == 'p') {
		if (parse_number(arg, 1, INT32_MAX, &pid) || o->npids == PIDS_MAX) {
			log_error("--pid %s: a process id is expected, at most %d of them", arg,
				  PIDS_MAX);
			return EX_USAGE;
		}
		o->pid[o->npids++] = (pid_t)pid;
	} else {
		if (o->nyara == SCAN_YARA_MAX) {
			log_error("--yara: at most %d times", SCAN_YARA_MAX);
			return EX_USAGE;
		}
		o->yara[o->nyara++] = arg;
	}
	return 0;
}

int cmd_scan(int argc, char **argv)
{
	enum { OPT_YARA = 256, OPT_CPU, OPT_EVENTS };
	static const struct option longs[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "yara", required_argument, NULL, OPT_YARA },
		{ "cpu", required_argument, NULL, OPT_CPU },
		{ "events", no_argument, NULL, OPT_EVENTS },
		{ "write", required_argument, NULL, 'w' },
		{ "output", required_argument, NULL, 'o' },
		{ "config", required_argument, NULL, 'c' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct options o = { .cpu = 100 };
	static struct config c;
	struct err e;
	int opt, rc;

	while ((opt = getopt_long(argc, argv, ":p:w:o:c:vh", longs, NULL)) != -1) {
		switch (opt) {
		case 'p':
		case OPT_YARA:
			rc = add_option(&o, opt, optarg);
			if (rc)
				return rc;
			break;
		case OPT_CPU:
			if (parse_number(optarg, 1, 100, &o.cpu)) {
				log_error("--cpu %s: percent of one CPU are expected", optarg);
				return EX_USAGE;
			}
			break;
		case OPT_EVENTS:
			o.events = true;
			break;
		case 'o':
			if (tail_format_by_name(optarg, &o.format)) {
				log_error("--output %s: text, json or proto is expected", optarg);
				return EX_USAGE;
			}
			break;
		case 'w':
			o.write = optarg;
			break;
		case 'c':
			o.config = optarg;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_debug);
			break;
		case 'h':
			return cmd_usage(usage);
		default:
			return cmd_bad_option(usage, opt, argv);
		}
	}
	if (optind < argc)
		return cmd_no_arguments("scan", argv);
	rc = live_config(o.config, &c, &e);
	if (!rc && geteuid())
		rc = err_set(&e, -EPERM,
			     "the memory of other processes can be read by root alone: sudo "
			     "redshank scan");
	return rc ? cmd_fail(rc, &e) : scan(&c, &o);
}
