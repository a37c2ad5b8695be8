/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank tail`: the live view, from the daemon's stream or, where none runs, on its own. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd.h"
#include "control.h"
#include "live.h"
#include "rules.h"

static const char usage[] =
	"usage: redshank tail [OPTION...]\n\n"
	"Show live events and alerts: what a running sensor sees or, where none runs, what this\n"
	"command sees itself. Root only.\n\n"
	"  -o, --output FORMAT  text (default), json (JSON Lines, ECS names), proto (length-\n"
	"                       delimited redshank.v1.Record)\n"
	"  -t, --type LIST      only these events, e.g. exec,exit; default: all but proc,\n"
	"                       host and heartbeat\n"
	"  -p, --pid PID        only this process\n"
	"      --comm NAME      only processes of this name; * and ? are wildcards\n"
	"      --container ID   only this container; the id may be shortened\n"
	"      --alerts-only    alerts, not events\n"
	"  -n, --count N        end after N lines\n"
	"      --duration TIME  end after 5 (seconds), 10m, 2h\n"
	"      --alone          do not ask a running sensor\n"
	"      --socket PATH    of the running sensor\n"
	"  -c, --config FILE    default: " CONFIG_PATH_DEFAULT ", if it is there\n"
	"      --btf FILE       BTF of this kernel, where it has none itself\n"
	"      --color WHEN     auto (default), always, never\n"
	"  -v, --verbose        more messages\n"
	"  -h, --help\n";

struct options {
	struct tail_config tail;
	uint64_t duration;
	const char *config, *socket, *btf;
	bool alone;
};

static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static int write_all(const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(STDOUT_FILENO, p, n);
		if (k < 0 && errno != EINTR)
			return -errno;
		if (k > 0) {
			p += k;
			n -= (size_t)k;
		}
	}
	return 0;
}

/* Copies the daemon's stream to standard output. */
static int copy_stream(int fd, uint64_t duration)
{
	static char buf[65536];
	struct sigaction sa = { .sa_handler = on_stop };
	uint64_t end = duration ? clock_monotonic() + duration : 0;
	struct err e;
	int rc = 0;

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	while (!stopped) {
		int timeout = -1;
		if (end) {
			uint64_t now = clock_monotonic();
			if (now >= end)
				break;
			timeout = (int)((end - now) / NSEC_PER_MSEC) + 1;
		}
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, timeout) <= 0)
			continue;
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* count reached, or the sensor stopped */
			break;
		rc = write_all(buf, (size_t)n);
		if (rc)
			break;
	}
	close(fd);
	if (!rc || rc == -EPIPE)
		return 0;
	err_set(&e, rc, "the output could not be written: %s", strerror(-rc));
	return cmd_fail(-EIO, &e);
}

static int tail_alone(const struct config *c, const struct options *o)
{
	struct ruleset *rules;
	struct pipeline *p;
	struct wanted w = { 0 };
	struct sink *s;
	struct err e;
	struct pipeline_stats st;

	int rc = rules_load(c, &rules, &e);
	if (rc)
		return cmd_fail(rc, &e);
	wanted_by_sink(&w, &o->tail.filter);
	wanted_by_rules(&w, ruleset_wants(rules));
	rc = live_open(c, &w, &p, &e);
	if (rc) {
		ruleset_free(rules);
		return cmd_fail(rc, &e);
	}
	pipeline_set_rules(p, rules);
	rc = tail_open(STDOUT_FILENO, &o->tail, &s);
	if (rc)
		err_set(&e, rc, "out of memory");
	else
		rc = pipeline_add_sink(p, s, true);
	if (!rc)
		rc = pipeline_run(p, o->duration, &e);
	pipeline_get_stats(p, &st);
	if (!rc && st.sink_errors)
		rc = err_set(&e, -EIO, "the output could not be written (disk full?)");
	pipeline_free(p, clock_monotonic() + NSEC_PER_SEC);
	return rc ? cmd_fail(rc, &e) : 0;
}

static int tail(struct options *o)
{
	struct config c;
	struct err e;

	int rc = live_config(o->config, &c, &e);
	if (rc)
		return cmd_fail(rc, &e);
	const char *socket = o->socket ? o->socket : c.socket;
	if (!o->alone && *socket) {
		int fd = control_request_tail(socket, &o->tail, &e);
		if (fd >= 0 && *e.text)
			log_warning("%s", e.text);
		if (fd >= 0)
			return copy_stream(fd, o->duration);
		/* No daemon: then on our own, unless one was asked for by name. */
		if (o->socket || (fd != -ENOENT && fd != -ECONNREFUSED))
			return cmd_fail(fd, &e);
	}
	if (o->btf)
		snprintf(c.btf, sizeof(c.btf), "%s", o->btf);
	return tail_alone(&c, o);
}

static int wrong(const char *option, const char *value, const char *expected)
{
	log_error("%s %s: %s is expected", option, value, expected);
	return EX_USAGE;
}

enum {
	OPT_COMM = 256,
	OPT_CONTAINER,
	OPT_ALERTS_ONLY,
	OPT_DURATION,
	OPT_ALONE,
	OPT_SOCKET,
	OPT_BTF,
	OPT_COLOR
};

static int set_text(char *to, size_t cap, const char *option, const char *value)
{
	if (!*value || strlen(value) >= cap)
		return wrong(option, value, "a name of at most 79 characters");
	strcpy(to, value); /* checked: fits */
	return 0;
}

/* 0, or an exit code; -1 for -h. */
static int set_option(struct options *o, int opt, const char *arg)
{
	struct filter *f = &o->tail.filter;
	uint64_t n;
	struct err e;

	switch (opt) {
	case 'o':
		return tail_format_by_name(arg, &o->tail.format)
			       ? wrong("--output", arg, "text, json or proto")
			       : 0;
	case 't':
		if (!filter_add_types(f, arg, &e))
			return 0;
		log_error("--type: %s", e.text);
		return EX_USAGE;
	case 'p':
		if (parse_number(arg, 1, UINT32_MAX, &n))
			return wrong("--pid", arg, "a process id");
		f->pid = (uint32_t)n;
		return 0;
	case 'n':
		return parse_number(arg, 1, INT64_MAX, &o->tail.count)
			       ? wrong("--count", arg, "a number from 1")
			       : 0;
	case OPT_COMM:
		return set_text(f->comm, sizeof(f->comm), "--comm", arg);
	case OPT_CONTAINER:
		return set_text(f->container, sizeof(f->container), "--container", arg);
	case OPT_ALERTS_ONLY:
		f->alerts_only = true;
		return 0;
	case OPT_DURATION:
		return parse_duration(arg, &o->duration) ? wrong("--duration", arg, "5, 10m or 2h")
							 : 0;
	case OPT_ALONE:
		o->alone = true;
		return 0;
	case OPT_BTF:
		o->btf = arg;
		return 0;
	case OPT_SOCKET:
		o->socket = arg;
		return 0;
	case OPT_COLOR:
		if (!strcmp(arg, "auto"))
			return 0;
		if (strcmp(arg, "always") && strcmp(arg, "never"))
			return wrong("--color", arg, "auto, always or never");
		o->tail.colour = !strcmp(arg, "always");
		return 0;
	case 'c':
		o->config = arg;
		return 0;
	case 'v':
		log_set_level(LOG_LEVEL_debug);
		return 0;
	case 'h':
		return -1;
	}
	return 0;
}

int cmd_tail(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "type", required_argument, NULL, 't' },
		{ "pid", required_argument, NULL, 'p' },
		{ "comm", required_argument, NULL, OPT_COMM },
		{ "container", required_argument, NULL, OPT_CONTAINER },
		{ "alerts-only", no_argument, NULL, OPT_ALERTS_ONLY },
		{ "count", required_argument, NULL, 'n' },
		{ "duration", required_argument, NULL, OPT_DURATION },
		{ "alone", no_argument, NULL, OPT_ALONE },
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "btf", required_argument, NULL, OPT_BTF },
		{ "config", required_argument, NULL, 'c' },
		{ "color", required_argument, NULL, OPT_COLOR },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .tail = { .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") } };
	int opt;

	while ((opt = getopt_long(argc, argv, ":o:t:p:n:c:vh", longs, NULL)) != -1) {
		if (opt == '?' || opt == ':')
			return cmd_bad_option(usage, opt, argv);
		int rc = set_option(&o, opt, optarg);
		if (rc)
			return rc < 0 ? cmd_usage(usage) : rc;
	}
	if (optind < argc)
		return cmd_no_arguments("tail", argv);
	return tail(&o);
}
