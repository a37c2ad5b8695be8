/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank run`: the sensor as a daemon, or in a terminal. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd.h"
#include "control.h"
#include "coverage.h"
#include "live.h"
#include "memory_scan.h"
#include "notify.h"
#include "rules.h"
#include "sink/otlp_http.h"
#include "sink/store.h"
#include "sink/tail.h"
#include "status.h"

#define SHUTDOWN_NS (1500 * NSEC_PER_MSEC) /* for the sinks, of the 2 s that a stop may take */

static const char usage[] =
	"usage: redshank run [OPTION...]\n\n"
	"Watch this machine: print live events and alerts, keep alerts in the local store, "
	"forward\n"
	"them to a backend. Needs no configuration. Root only. Stops on SIGTERM and SIGINT;\n"
	"SIGUSR1 prints the counters, SIGHUP loads the rules again.\n\n"
	"  -c, --config FILE    default: " CONFIG_PATH_DEFAULT ", if it is there\n"
	"  -o, --output FORMAT  text (default), json, proto, or none\n"
	"      --alerts-only    print alerts, not events\n"
	"      --otlp URL       forward alerts by OTLP/HTTP, e.g. http://127.0.0.1:4318\n"
	"      --store FILE     default: " STORE_PATH_DEFAULT "\n"
	"      --rules PATH     a file or directory of Sigma rules, instead of those configured;\n"
	"                       may be repeated; \"\": none\n"
	"      --socket PATH    for redshank tail, stats and status; \"\": none\n"
	"      --btf FILE       BTF of this kernel, where it has none itself\n"
	"      --duration TIME  stop after 10s, 5m, 2h\n"
	"  -v, --verbose        more messages\n"
	"  -h, --help\n";

struct run {
	const struct config *config;
	struct pipeline *pipeline;
	struct control *control;
	struct rules *rules;
	struct memory_scan *scan;
};

static void on_status(void *ctx, struct buf *out)
{
	const struct run *r = ctx;
	status_json(out, r->pipeline, r->config);
}

static void on_reloaded(void *ctx, bool ok, const char *line)
{
	struct run *r = ctx;
	if (r->control)
		control_reloaded(r->control, ok, line);
}

static int on_reload(void *ctx, struct err *e)
{
	struct run *r = ctx;
	return rules_reload(r->rules, on_reloaded, r, e);
}

static void on_hup(void *ctx)
{
	struct err e;
	if (on_reload(ctx, &e))
		log_warning("%s", e.text);
}

static void on_tick(void *ctx)
{
	struct run *r = ctx;
	rules_tick(r->rules);
	memory_scan_tick(r->scan);
	if (r->control)
		control_tick(r->control);
	notify_send("WATCHDOG=1");
}

static void on_usr1(void *ctx)
{
	struct run *r = ctx;
	struct buf b = { 0 };
	pipeline_stats_json(r->pipeline, &b);
	fprintf(stderr, "%s\n", buf_str(&b));
	buf_free(&b);
}

static void otlp_log(const char *line)
{
	log_warning("%s", line);
}

static void put_rules(struct buf *b, const struct pipeline *p)
{
	struct ruleset_stats st;

	ruleset_get_stats(pipeline_rules(p), &st);
	buf_printf(b, "  %u rules and %u correlations", st.rules, st.correlations);
	if (st.errors)
		buf_printf(b, ", %u errors", st.errors);
	if (st.unfed)
		buf_printf(b, ", %u of them about what is not seen here", st.unfed);
	buf_puts(b, st.errors || st.unfed ? " (redshank rules check)\n" : "\n");
}

/* Coverage goes to where people read: not into a stream that a program parses. */
static void print_coverage(const struct config *c, const struct pipeline *p,
			   const struct memory_scan *m)
{
	struct buf b = { 0 };
	unsigned n;
	const struct hook_state *h = pipeline_hooks(p, &n);
	bool text = !strcmp(c->output, "text");

	buf_puts(&b, "redshank " REDSHANK_VERSION " watches this kernel:\n");
	coverage_text(&b, h, n);
	put_rules(&b, p);
	memory_scan_text(m, &b);
	buf_printf(&b, "  alerts are kept in %s (redshank alerts)\n", c->store_path);
	fputs(buf_str(&b), text ? stdout : stderr);
	fflush(text ? stdout : stderr);
	buf_free(&b);
}

static int add(struct run *r, struct sink *s, bool essential, struct err *e)
{
	int rc = pipeline_add_sink(r->pipeline, s, essential);
	if (rc) {
		s->ops->close(s, 0);
		return err_set(e, rc, "too many sinks");
	}
	return 0;
}

static int add_sinks(struct run *r, const struct config *c, int notify_fd, struct err *e)
{
	struct sink *s;
	struct err warn = { "" };
	int rc;

	if (strcmp(c->output, "none")) {
		struct tail_config t = { .colour = isatty(STDOUT_FILENO),
					 .filter = { .alerts_only = c->alerts_only } };
		tail_format_by_name(c->output, &t.format);
		rc = tail_open(STDOUT_FILENO, &t, &s);
		if (rc)
			return err_set(e, rc, "out of memory");
		rc = add(r, s, false, e);
		if (rc)
			return rc;
	}
	rc = store_sink_open(c->store_path, c->store_alerts_max, notify_fd, &s, &warn);
	if (rc) {
		*e = warn;
		return rc;
	}
	if (*warn.text)
		log_warning("%s", warn.text);
	rc = add(r, s, false, e);
	if (rc || !*c->otlp_url)
		return rc;
	struct otlp_config oc = {
		.url = c->otlp_url,
		.headers_file = *c->otlp_headers_file ? c->otlp_headers_file : NULL,
		.ca_file = *c->otlp_ca_file ? c->otlp_ca_file : NULL,
		.store_path = c->store_path,
		.notify_fd = notify_fd,
		.timeout_ms = c->otlp_timeout_ms,
		.heartbeat = c->otlp_heartbeat,
		.log = otlp_log,
	};
	rc = otlp_open(&oc, &s, e);
	return rc ? rc : add(r, s, false, e);
}

/* What the loop calls. The sinks come last: they see nothing until all is in place. */
static int assemble(struct run *r, struct ruleset *set, int notify_fd, struct err *e)
{
	const struct config *c = r->config;
	int rc = rules_start(r->pipeline, c, set, &r->rules, e);

	if (!rc && *c->socket)
		rc = control_open(r->pipeline, c->socket, &r->control, e);
	if (!rc)
		rc = memory_scan_start(r->pipeline, c, &r->scan, e);
	if (rc)
		return rc;
	print_coverage(c, r->pipeline, r->scan);
	if (r->control) {
		control_on_status(r->control, on_status, r);
		control_on_reload(r->control, on_reload, r);
	}
	pipeline_on_tick(r->pipeline, on_tick, r);
	pipeline_on_usr1(r->pipeline, on_usr1, r);
	pipeline_on_hup(r->pipeline, on_hup, r);
	return add_sinks(r, c, notify_fd, e);
}

static int run(const struct config *c, uint64_t duration)
{
	struct run r = { .config = c };
	struct ruleset *set = NULL;
	struct wanted w = { 0 };
	struct err e = { "" };

	/* What can be wrong is found before anything is attached. */
	int rc = *c->otlp_url ? otlp_url_check(c->otlp_url, &e) : 0;
	if (!rc)
		rc = rules_load(c, &set, &e);
	if (rc)
		return cmd_fail(rc, &e);
	wanted_by_rules(&w, ruleset_wants(set));
	if (strcmp(c->output, "none") && !c->alerts_only)
		wanted_by_sink(&w, NULL);
	rc = live_open(c, &w, &r.pipeline, &e);
	if (rc) {
		ruleset_free(set);
		return cmd_fail(rc, &e);
	}
	int notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = assemble(&r, set, notify_fd, &e);
	if (!rc) {
		notify_send("READY=1\nSTATUS=watching");
		rc = pipeline_run(r.pipeline, duration, &e);
		notify_send("STOPPING=1");
	}
	memory_scan_stop(r.scan);
	control_close(r.control);
	rules_stop(r.rules);
	pipeline_free(r.pipeline, clock_monotonic() + SHUTDOWN_NS);
	if (notify_fd >= 0)
		close(notify_fd);
	return rc ? cmd_fail(rc, &e) : 0;
}

int cmd_run(int argc, char **argv)
{
	enum {
		OPT_ALERTS_ONLY = 256,
		OPT_OTLP,
		OPT_STORE,
		OPT_SOCKET,
		OPT_DURATION,
		OPT_BTF,
		OPT_RULES
	};
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "output", required_argument, NULL, 'o' },
		{ "alerts-only", no_argument, NULL, OPT_ALERTS_ONLY },
		{ "otlp", required_argument, NULL, OPT_OTLP },
		{ "store", required_argument, NULL, OPT_STORE },
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "btf", required_argument, NULL, OPT_BTF },
		{ "rules", required_argument, NULL, OPT_RULES },
		{ "duration", required_argument, NULL, OPT_DURATION },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *config = NULL, *output = NULL, *otlp = NULL, *store = NULL, *socket = NULL,
		   *btf = NULL;
	const char *rules[RULES_PATHS_MAX];
	unsigned nrules = 0;
	bool alerts_only = false;
	uint64_t duration = 0;
	enum tail_format format;
	struct config c;
	struct err e;
	int opt;

	while ((opt = getopt_long(argc, argv, ":c:o:vh", longs, NULL)) != -1) {
		switch (opt) {
		case 'c':
			config = optarg;
			break;
		case 'o':
			output = optarg;
			break;
		case OPT_ALERTS_ONLY:
			alerts_only = true;
			break;
		case OPT_OTLP:
			otlp = optarg;
			break;
		case OPT_STORE:
			store = optarg;
			break;
		case OPT_BTF:
			btf = optarg;
			break;
		case OPT_RULES:
			if (nrules == RULES_PATHS_MAX) {
				log_error("--rules: at most %d times", RULES_PATHS_MAX);
				return EX_USAGE;
			}
			rules[nrules++] = optarg;
			break;
		case OPT_SOCKET:
			socket = optarg;
			break;
		case OPT_DURATION:
			if (parse_duration(optarg, &duration)) {
				log_error("--duration %s: a time such as 10s, 5m or 2h is expected",
					  optarg);
				return EX_USAGE;
			}
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
		return cmd_no_arguments("run", argv);
	int rc = live_config(config, &c, &e);
	if (rc)
		return cmd_fail(rc, &e);
	if (output && strcmp(output, "none") && tail_format_by_name(output, &format)) {
		log_error("--output %s: text, json, proto or none is expected", output);
		return EX_USAGE;
	}
	const struct {
		const char *from;
		char *to;
		size_t cap;
	} over[] = {
		{ output, c.output, sizeof(c.output) },
		{ otlp, c.otlp_url, sizeof(c.otlp_url) },
		{ store, c.store_path, sizeof(c.store_path) },
		{ socket, c.socket, sizeof(c.socket) },
		{ btf, c.btf, sizeof(c.btf) },
	};
	for (unsigned i = 0; i < sizeof(over) / sizeof(over[0]); i++) {
		if (over[i].from && strlen(over[i].from) >= over[i].cap) {
			log_error("value too long: %.80s...", over[i].from);
			return EX_USAGE;
		}
		if (over[i].from)
			strcpy(over[i].to, over[i].from); /* checked: fits */
	}
	if (otlp && otlp_url_check(c.otlp_url, &e)) {
		log_error("--otlp: %s", e.text);
		return EX_USAGE;
	}
	if (nrules && rules_only(&c, rules, nrules, &e)) {
		log_error("--rules: %s", e.text);
		return EX_USAGE;
	}
	c.alerts_only |= alerts_only;
	return run(&c, duration);
}
