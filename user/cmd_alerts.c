/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank alerts`: what the local store holds, as a list, a report, JSON Lines or protobuf. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cmd.h"
#include "encode/alert_pb.h"
#include "encode/text.h"
#include "encode/text_put.h"
#include "sink/store.h"

static const char usage[] =
	"usage: redshank alerts [OPTION...] [list]\n"
	"       redshank alerts [OPTION...] show ID\n"
	"\n"
	"List the alerts of the local store, newest last, or show one as a report. ID may be\n"
	"shortened to its first digits.\n"
	"\n"
	"  -o, --output FORMAT  text (default), json (JSON Lines) or proto (length-delimited\n"
	"                       redshank.v1.Record)\n"
	"      --since WHEN     only what happened since then: 90s, 30m, 2h, 7d, or a time such "
	"as\n"
	"                       2026-08-01, \"2026-08-01 20:14\" (local), 2026-08-01T18:14:03Z\n"
	"      --level LEVEL    this level and above: informational, low, medium, high, critical\n"
	"      --rule ID        only alerts of this rule\n"
	"  -n, --limit N        only the newest N\n"
	"      --store FILE     default: " STORE_PATH_DEFAULT "\n"
	"  -h, --help\n";

enum output { OUTPUT_text, OUTPUT_json, OUTPUT_proto };

struct listing {
	enum output output;
	bool colour, show;
	size_t columns; /* of a line of the list */
	uint64_t nprinted;
	struct buf line;
	int exit_code;
};

/* What a prefix of an id matches. */
struct matches {
	char id[3][ALERT_ID_LEN]; /* the first different ones */
	unsigned n;
	int64_t row; /* newest with the first id: what is found again has its id again */
};

/* "90s", "2h", … back from now. False if it is not a duration. */
static bool parse_duration(const char *s, uint64_t *ret_ns)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	unsigned long long n = strtoull(s, &end, 10);
	if (errno || !*end || end[1])
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit != *end)
			continue;
		uint64_t now = clock_unix();
		if (n > now / NSEC_PER_SEC / units[i].seconds)
			*ret_ns = 0;
		else
			*ret_ns = now - n * units[i].seconds * NSEC_PER_SEC;
		return true;
	}
	return false;
}

/* RFC 3339 in its parts: a date, or a date and a time, local or with an offset from UTC. */
static bool parse_time(const char *s, uint64_t *ret_ns)
{
	static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
					       "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d" };
	const char *rest = NULL;
	struct tm tm;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]) && !rest; i++) {
		memset(&tm, 0, sizeof(tm));
		rest = strptime(s, formats[i], &tm);
	}
	if (!rest)
		return false;
	if (*rest == '.' && isdigit((unsigned char)rest[1])) /* of a second: not kept */
		rest += 1 + strspn(rest + 1, "0123456789");

	time_t t;
	unsigned hours, minutes;
	char sign;
	int used = 0;
	if (!*rest) {
		tm.tm_isdst = -1;
		t = mktime(&tm);
	} else if (!strcmp(rest, "Z")) {
		t = timegm(&tm);
	} else if (sscanf(rest, "%c%2u:%2u%n", &sign, &hours, &minutes, &used) == 3 &&
		   !rest[used] && (sign == '+' || sign == '-')) {
		time_t offset = (time_t)(hours * 3600 + minutes * 60);
		t = timegm(&tm) + (sign == '+' ? -offset : offset);
	} else {
		return false;
	}
	if (t < 0 || (uint64_t)t > INT64_MAX / NSEC_PER_SEC)
		return false;
	*ret_ns = (uint64_t)t * NSEC_PER_SEC;
	return true;
}

static bool parse_limit(const char *s, unsigned *ret)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(s, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*s) || !n || n > 1000000000)
		return false;
	*ret = (unsigned)n;
	return true;
}

static bool parse_output(const char *s, enum output *ret)
{
	static const char *const names[] = { "text", "json", "proto" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(s, names[i])) {
			*ret = (enum output)i;
			return true;
		}
	}
	return false;
}

static const char *level_style(unsigned severity)
{
	return severity >= SEVERITY_high     ? STYLE_ALARM
	       : severity == SEVERITY_medium ? STYLE_YELLOW
	       : severity == SEVERITY_low    ? STYLE_CYAN
					     : STYLE_DIM;
}

/* Sigma's word, the longest of them shortened. A damaged store may hold any number. */
static const char *level_word(unsigned severity)
{
	if (severity > SEVERITY_critical)
		return "?";
	return severity == SEVERITY_informational ? "info" : severity_name((enum severity)severity);
}

/* Printable and cut to the columns, padded to them when another column follows. */
static void put_column(struct buf *out, const char *s, size_t columns, bool pad)
{
	struct buf text = { 0 };
	size_t n = 0;

	utf8_printable(&text, s, strlen(s));
	const char *p = buf_str(&text);
	size_t width = text_columns(p, strlen(p));
	bool cut = width > columns;
	for (size_t keep = columns - cut; cut && (keep || ((unsigned char)p[n] & 0xC0) == 0x80);
	     n++)
		keep -= ((unsigned char)p[n] & 0xC0) != 0x80;
	buf_put(out, p, cut ? n : strlen(p));
	if (cut)
		buf_puts(out, TEXT_ELLIPSIS);
	for (; pad && width < columns; width++)
		buf_putc(out, ' ');
	buf_free(&text);
}

static void put_list_line(struct listing *l, const struct store_alert *al)
{
	enum { WHEN = 19, LEVEL = 8, ID = 8, RULE = 32, MESSAGE_MIN = 20 };
	enum { FIXED = WHEN + LEVEL + ID + RULE + 4 * 2 };
	struct buf *b = &l->line;
	time_t t = (time_t)(al->time / NSEC_PER_SEC);
	char when[32] = "-", id[ID + 1];
	struct tm tm;

	snprintf(id, sizeof(id), "%s", al->id);
	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	put_column(b, when, WHEN, true);
	buf_puts(b, "  ");
	text_style(b, l->colour, level_style(al->severity));
	put_column(b, level_word(al->severity), LEVEL, true);
	text_style(b, l->colour, STYLE_OFF);
	buf_puts(b, "  ");
	put_column(b, id, ID, true);
	buf_puts(b, "  ");
	put_column(b, al->rule_name, RULE, true);
	buf_puts(b, "  ");
	put_column(b, al->message,
		   l->columns > FIXED + MESSAGE_MIN ? l->columns - FIXED : MESSAGE_MIN, false);
}

static int put_alert(void *ctx, const struct store_alert *al)
{
	struct listing *l = ctx;
	struct buf *b = &l->line;
	Redshank__V1__Alert *pb = NULL;

	if (l->output == OUTPUT_proto || (l->output == OUTPUT_text && l->show)) {
		pb = alert_unpack(al->pb, al->pb_len);
		if (!pb) {
			log_error("alert %.36s (row %lld) can't be decoded: the store is damaged",
				  al->id, (long long)al->row);
			l->exit_code = EX_DATAERR;
			return 0;
		}
	}
	buf_reset(b);
	if (l->output == OUTPUT_json)
		buf_put(b, al->json, al->json_len);
	else if (l->output == OUTPUT_proto)
		record_pack(b, NULL, pb, l->nprinted + 1);
	else if (l->show)
		text_alert(b, pb, l->colour);
	else
		put_list_line(l, al);
	if (l->output != OUTPUT_proto)
		buf_putc(b, '\n');
	if (pb)
		redshank__v1__alert__free_unpacked(pb, NULL);
	if (b->failed) {
		log_error("out of memory");
		return EX_OSERR;
	}
	l->nprinted++;
	if (fwrite(b->data, 1, b->len, stdout) == b->len)
		return 0;
	log_error("can't write the alerts: %s", strerror(errno));
	return EX_IOERR;
}

static int note_row(void *ctx, const struct store_alert *al)
{
	*(int64_t *)ctx = al->row;
	return 0;
}

static int note_match(void *ctx, const struct store_alert *al)
{
	struct matches *m = ctx;
	unsigned known = m->n < 3 ? m->n : 3;

	for (unsigned i = 0; i < known; i++)
		if (!strcmp(m->id[i], al->id))
			return 0;
	if (!m->n)
		m->row = al->row;
	if (m->n < 3)
		snprintf(m->id[m->n], sizeof(m->id[0]), "%s", al->id);
	m->n++;
	return 0;
}

static int exit_code(int rc, const struct err *e)
{
	return rc < 0 ? cmd_fail(rc, e) : rc;
}

/* Newest last, so the oldest of the newest N is looked up first. */
static int list(struct store *s, struct store_query *q, struct listing *l)
{
	struct err e;
	int rc = 0;

	if (q->limit) {
		int64_t oldest = 0;
		q->newest_first = 1;
		rc = store_each(s, q, note_row, &oldest, &e);
		q->newest_first = 0;
		q->after_row = oldest ? oldest - 1 : 0;
	}
	if (!rc)
		rc = store_each(s, q, put_alert, l, &e);
	return exit_code(rc, &e);
}

static int show(struct store *s, struct store_query *q, const char *id, struct listing *l)
{
	char prefix[ALERT_ID_LEN];
	struct matches m = { 0 };
	struct err e;
	size_t n = strlen(id);

	for (size_t i = 0; i <= n && n < sizeof(prefix); i++)
		prefix[i] = (char)tolower((unsigned char)id[i]);
	if (!n || n >= sizeof(prefix) || strspn(prefix, "0123456789abcdef-") != n) {
		log_error("\"%s\" is not an alert's id: `redshank alerts` lists them", id);
		return EX_USAGE;
	}
	q->id = prefix;
	q->newest_first = 1;
	int rc = store_each(s, q, note_match, &m, &e);
	if (rc)
		return exit_code(rc, &e);
	if (!m.n) {
		log_error("no alert's id begins with %s: `redshank alerts` lists them", prefix);
		return EX_DATAERR;
	}
	if (m.n > 1) {
		log_error("several alerts' ids begin with %s: %s, %s%s%s; give more digits", prefix,
			  m.id[0], m.id[1], m.n > 2 ? ", " : "", m.n > 2 ? m.id[2] : "");
		return EX_DATAERR;
	}
	q->after_row = m.row - 1;
	q->newest_first = 0;
	q->limit = 1;
	return exit_code(store_each(s, q, put_alert, l, &e), &e);
}

static size_t line_columns(bool terminal)
{
	struct winsize w;

	return terminal && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col ? w.ws_col : 200;
}

static int run(const char *path, struct store_query *q, const char *id, struct listing *l)
{
	struct store *s = NULL;
	struct err e;
	bool terminal = isatty(STDOUT_FILENO);

	int rc = store_open(path, 0, &s, &e);
	if (rc)
		return exit_code(rc, &e);
	l->colour = terminal && !getenv("NO_COLOR");
	l->columns = line_columns(terminal);
	l->show = id != NULL;
	rc = id ? show(s, q, id, l) : list(s, q, l);
	store_close(s);
	buf_free(&l->line);
	if (!rc && fflush(stdout)) {
		log_error("can't write the alerts: %s", strerror(errno));
		rc = EX_IOERR;
	}
	return rc ? rc : l->exit_code;
}

static int bad_value(const char *option, const char *value, const char *expected)
{
	log_error("--%s \"%s\": expected %s", option, value, expected);
	return EX_USAGE;
}

int cmd_alerts(int argc, char **argv)
{
	enum { OPT_since = 256, OPT_level, OPT_rule, OPT_store };
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "since", required_argument, NULL, OPT_since },
		{ "level", required_argument, NULL, OPT_level },
		{ "rule", required_argument, NULL, OPT_rule },
		{ "limit", required_argument, NULL, 'n' },
		{ "store", required_argument, NULL, OPT_store },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *path = STORE_PATH_DEFAULT, *id = NULL;
	struct store_query q = { 0 };
	struct listing l = { 0 };

	optind = 0; /* main has parsed its own options with it */
	for (int c; (c = getopt_long(argc, argv, ":o:n:h", options, NULL)) != -1;) {
		switch (c) {
		case 'o':
			if (!parse_output(optarg, &l.output))
				return bad_value("output", optarg, "text, json or proto");
			break;
		case OPT_since:
			if (!parse_duration(optarg, &q.since) && !parse_time(optarg, &q.since))
				return bad_value("since", optarg,
						 "a duration such as 2h, or 2026-08-01 20:14");
			break;
		case OPT_level:
			q.severity_min = severity_by_name(optarg);
			if (!q.severity_min)
				return bad_value("level", optarg,
						 "informational, low, medium, high or critical");
			break;
		case OPT_rule:
			q.rule_id = optarg;
			break;
		case 'n':
			if (!parse_limit(optarg, &q.limit))
				return bad_value("limit", optarg, "a number from 1");
			break;
		case OPT_store:
			path = optarg;
			break;
		case 'h':
			return cmd_usage(usage);
		default:
			return cmd_bad_option(usage, c, argv);
		}
	}
	const char *what = optind < argc ? argv[optind++] : "list";
	if (!strcmp(what, "show") && optind < argc)
		id = argv[optind++];
	else if (strcmp(what, "list") != 0) {
		log_error(!strcmp(what, "show")
				  ? "%s needs an alert's id; see redshank alerts --help"
				  : "expected list or show, not \"%s\"",
			  what);
		return EX_USAGE;
	}
	if (optind < argc) {
		log_error("too many arguments: \"%s\"; see redshank alerts --help", argv[optind]);
		return EX_USAGE;
	}
	return run(path, &q, id, &l);
}
