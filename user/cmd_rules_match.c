/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank rules match`: rules over JSON Lines. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd.h"
#include "cmd_rules.h"
#include "encode/json_writer.h"
#include "lines.h"
#include "sigma/json_record.h"

static const char usage[] =
	"usage: redshank rules match [OPTION...] PATH... --events FILE\n\n"
	"Evaluate the rules over JSON Lines, whose members are named as Sigma's fields, and print\n"
	"for each line, in order, "
	"{\"line\":N,\"matches\":[{\"id\":..,\"title\":..,\"level\":..}]}.\n"
	"A line may carry _logsource (an object, or \"linux/process_creation\"), without which "
	"all\n"
	"rules apply, and _time (RFC 3339 or Unix), which correlations count by.\n\n"
	"      --events FILE    -: standard input\n"
	"  -o, --output FORMAT  json (default) or text: only lines with matches\n"
	"  -h, --help\n";

struct matching {
	struct sigma_engine *engine;
	struct sigma_json *json;
	const char *events;
	bool text;
	uint64_t line;
	uint64_t *printed; /* of each rule: the last line that it was printed for */
	struct buf out;
	struct jw jw;
	bool bad_lines;
};

/* A correlation may come true for several groups by one line, and is named once. */
static void on_alert(void *ctx, const struct sigma_alert *a)
{
	struct matching *m = ctx;
	const struct sigma_rule *rule = a->rule;

	if (m->printed[rule->index] == m->line)
		return;
	m->printed[rule->index] = m->line;
	if (m->text) {
		buf_printf(&m->out, "line %llu: %s: ", (unsigned long long)m->line,
			   rule->level ? sigma_level_name(rule->level) : "no level");
		cmd_rules_put(&m->out, rule->title);
		buf_puts(&m->out, " (");
		cmd_rules_put(&m->out, rule->id);
		buf_puts(&m->out, ")\n");
		return;
	}
	jw_open(&m->jw, '{');
	jw_key(&m->jw, "id");
	jw_text(&m->jw, rule->id);
	jw_key(&m->jw, "title");
	jw_text(&m->jw, rule->title);
	jw_key(&m->jw, "level");
	jw_text(&m->jw, sigma_level_name(rule->level));
	jw_close(&m->jw, '}');
}

static bool blank(const char *p, size_t len)
{
	for (; len && (*p == ' ' || *p == '\t' || *p == '\r'); p++)
		len--;
	return !len;
}

/* What can be judged of the line is; *e says what can't. 0, -EBADMSG, -E2BIG, -ENOMEM. */
static int judge(struct matching *m, const char *line, size_t len, struct err *e)
{
	struct sigma_logsource ls;
	struct sigma_record rec;
	uint64_t time = 0;
	int rc = sigma_json_read(m->json, line, len, e);
	if (rc)
		return rc;
	int given = sigma_json_logsource(m->json, &ls, e);
	if (given < 0)
		return given;
	int bad_time = sigma_json_time(m->json, &time, e);

	struct sigma_view *v = sigma_engine_view(m->engine, given ? &ls : NULL);
	if (!v)
		return err_set(e, -E2BIG, "more than %d logsources, or out of memory",
			       SIGMA_VIEWS_MAX);
	if (sigma_json_record(m->json, v, time, &rec))
		return err_set(e, -ENOMEM, "out of memory");
	sigma_engine_judge(m->engine, v, &rec, on_alert, m);
	return bad_time;
}

static void put_error(struct matching *m, const struct err *e)
{
	m->bad_lines = true;
	if (m->text) {
		buf_printf(&m->out, "line %llu: error: %s\n", (unsigned long long)m->line, e->text);
		return;
	}
	jw_key(&m->jw, "error");
	jw_text(&m->jw, e->text);
}

/* One line, and its answer. rc is that of lines_next(). */
static int answer(struct matching *m, int rc, const char *line, size_t len, struct err *ret_e)
{
	struct err e;

	m->jw = (struct jw){ .out = &m->out };
	if (!m->text) {
		jw_open(&m->jw, '{');
		jw_key(&m->jw, "line");
		jw_num(&m->jw, m->line);
		jw_key(&m->jw, "matches");
		jw_open(&m->jw, '[');
	}
	if (rc == -EMSGSIZE)
		err_set(&e, rc, "longer than %zu bytes", LINE_MAX_BYTES);
	else if (blank(line, len))
		rc = 0;
	else
		rc = judge(m, line, len, &e);
	if (!m->text)
		jw_close(&m->jw, ']');
	if (rc < 0)
		put_error(m, &e);
	if (!m->text) {
		jw_close(&m->jw, '}');
		buf_putc(&m->out, '\n');
	}
	return cmd_rules_write(&m->out, false, ret_e);
}

static int match_all(struct matching *m, struct err *e)
{
	struct lines l = { .fd = lines_open(m->events), .flush = stdout };
	const char *line = "";
	size_t len = 0;
	int rc;

	if (l.fd < 0)
		return err_set(e, l.fd, "%s: %s", m->events, strerror(-l.fd));
	while ((rc = lines_next(&l, &line, &len)) == 1 || rc == -EMSGSIZE) {
		m->line = l.n;
		if (l.n == 1 && rc == 1 && len >= 3 && !memcmp(line, "\xEF\xBB\xBF", 3)) {
			line += 3; /* byte order mark */
			len -= 3;
		}
		rc = answer(m, rc, line, len, e);
		if (rc)
			goto out;
	}
	if (rc)
		err_set(e, rc, "%s: %s", m->events, strerror(-rc));
	else
		rc = cmd_rules_write(&m->out, true, e);
out:
	lines_free(&l);
	close(l.fd);
	return rc;
}

static int match(char *const *paths, const char *events, bool text)
{
	struct matching m = { .events = events, .text = text };
	struct err e;
	int rc = cmd_rules_load_usable(paths, &m.engine);
	if (rc)
		return rc;
	m.json = sigma_json_new();
	m.printed = calloc(sigma_engine_rules(m.engine)->n, sizeof(*m.printed));
	rc = m.json && m.printed ? match_all(&m, &e) : err_set(&e, -ENOMEM, "out of memory");
	sigma_engine_free(m.engine);
	sigma_json_free(m.json);
	free(m.printed);
	buf_free(&m.out);
	return rc ? cmd_fail(rc, &e) : m.bad_lines ? EX_DATAERR : 0;
}

int cmd_rules_match(int argc, char **argv)
{
	enum { OPT_EVENTS = 256 };
	static const struct option longs[] = {
		{ "events", required_argument, NULL, OPT_EVENTS },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *events = NULL;
	bool json = true;
	int opt;

	while ((opt = getopt_long(argc, argv, ":o:h", longs, NULL)) != -1) {
		switch (opt) {
		case OPT_EVENTS:
			events = optarg;
			break;
		case 'o':
			if (cmd_output(optarg, &json))
				return EX_USAGE;
			break;
		case 'h':
			return cmd_usage(usage);
		default:
			return cmd_bad_option(usage, opt, argv);
		}
	}
	if (!events) {
		log_error("rules match: --events FILE is missing");
		return EX_USAGE;
	}
	return match(argv + optind, events, !json);
}
