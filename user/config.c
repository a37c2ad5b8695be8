/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: a small, strict subset of YAML (maps of scalars, one list). */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "config_exceptions.h"
#include "control_wire.h"
#include "detect/rule_info.h"
#include "enrich/story.h"
#include "sink/store.h"
#include "source/bpf_obj.h"

enum kind { TEXT, FORMAT, LEVEL, NUMBER, POWER_OF_TWO, BOOL };

struct option_desc {
	const char *key; /* with the keys above it, joined by dots */
	enum kind kind;
	size_t off, size; /* size: of a text */
	unsigned min, max;
};

/* A list of texts: an array of them and how many there are. */
struct list_desc {
	const char *key, *what;
	size_t off, size, count_off; /* size: of one text */
	unsigned max;
	int (*check)(const char *text, struct err *e); /* may be NULL */
};

#define TEXT_OPT(key_, kind_, member_)                              \
	{                                                           \
		key_, kind_, offsetof(struct config, member_),      \
			sizeof(((struct config *)0)->member_), 0, 0 \
	}
#define NUM_OPT(key_, kind_, member_, min_, max_)                            \
	{                                                                    \
		key_, kind_, offsetof(struct config, member_), 0, min_, max_ \
	}

static const struct option_desc options[] = {
	TEXT_OPT("output.format", FORMAT, output),
	NUM_OPT("output.alerts_only", BOOL, alerts_only, 0, 0),
	{ "socket", TEXT, offsetof(struct config, socket), CONTROL_PATH_MAX, 0, 0 },
	TEXT_OPT("store.path", TEXT, store_path),
	NUM_OPT("store.alerts_max", NUMBER, store_alerts_max, 1, 10000000),
	TEXT_OPT("otlp.url", TEXT, otlp_url),
	TEXT_OPT("otlp.headers_file", TEXT, otlp_headers_file),
	TEXT_OPT("otlp.ca_file", TEXT, otlp_ca_file),
	NUM_OPT("otlp.timeout_ms", NUMBER, otlp_timeout_ms, 100, 600000),
	NUM_OPT("otlp.heartbeat", BOOL, otlp_heartbeat, 0, 0),
	NUM_OPT("heartbeat.interval", NUMBER, heartbeat_s, 0, 86400),
	TEXT_OPT("rules.level_min", LEVEL, rules_level_min),
	TEXT_OPT("rules.imported_level_max", LEVEL, rules_imported_level_max),
	TEXT_OPT("rules.state", TEXT, rules_state),
	NUM_OPT("scan.interval", NUMBER, scan_interval_s, 0, 604800),
	NUM_OPT("scan.cpu_percent", NUMBER, scan_cpu, 1, 100),
	NUM_OPT("scan.process_seconds", NUMBER, scan_process_s, 1, 3600),
	TEXT_OPT("containers.root", TEXT, host_root),
	TEXT_OPT("kernel.btf", TEXT, btf),
	TEXT_OPT("kernel.hooks", TEXT, hooks),
	NUM_OPT("limits.ring_main_kib", POWER_OF_TWO, ring_main_kib, 64, 1 << 20),
	NUM_OPT("limits.ring_bulk_kib", POWER_OF_TWO, ring_bulk_kib, 64, 1 << 20),
	NUM_OPT("story.notes", NUMBER, story_notes, 0, 1048576),
	NUM_OPT("story.per_process", NUMBER, story_process, 1, STORY_PROCESS_MAX),
	NUM_OPT("story.per_alert", NUMBER, story_alert, 1, STORY_ALERT_MAX),
	NUM_OPT("limits.processes", NUMBER, processes_max, 1024, 4194304),
	NUM_OPT("limits.process_strings_mib", NUMBER, process_strings_mib, 1, 4096),
};

#define LIST_OPT(key_, what_, member_, count_, check_)                                             \
	{                                                                                          \
		key_, what_, offsetof(struct config, member_),                                     \
			sizeof(((struct config *)0)->member_[0]), offsetof(struct config, count_), \
			sizeof(((struct config *)0)->member_) /                                    \
				sizeof(((struct config *)0)->member_[0]),                          \
			check_                                                                     \
	}

static int check_placeholder(const char *text, struct err *e)
{
	const char *eq = strchr(text, '=');
	return eq && eq != text ? 0 : err_set(e, -EINVAL, "%.60s is not NAME=VALUE", text);
}

static int check_path(const char *text, struct err *e)
{
	return *text == '/' ? 0 : err_set(e, -EINVAL, "%.60s is not an absolute path", text);
}

static const struct list_desc lists[] = {
	LIST_OPT("env", "names", env_name, env_count, env_name_check),
	LIST_OPT("rules.paths", "paths", rules_path, rules_paths, check_path),
	LIST_OPT("rules.imported_paths", "paths", rules_imported, rules_imported_paths, check_path),
	LIST_OPT("rules.placeholders", "values", rules_placeholder, rules_placeholders,
		 check_placeholder),
	LIST_OPT("scan.yara", "paths", scan_yara, scan_yaras, check_path),
};
#define NLISTS (sizeof(lists) / sizeof(lists[0]))

void config_defaults(struct config *c)
{
	static const char *const env[] = { "LD_PRELOAD", "LD_AUDIT",	 "LD_LIBRARY_PATH",
					   "GCONV_PATH", "BASH_ENV",	 "PYTHONPATH",
					   "PERL5LIB",	 "NODE_OPTIONS", "SSH_CONNECTION",
					   "SUDO_USER",	 "HISTFILE" };
	*c = (struct config){
		.output = "text",
		.socket = "/run/redshank/redshank.sock",
		.store_path = STORE_PATH_DEFAULT,
		.store_alerts_max = STORE_ALERTS_MAX,
		.rules_paths = 2,
		.rules_path = { RULES_PATH_PACK, RULES_PATH_LOCAL },
		.rules_level_min = "informational",
		.rules_imported_level_max = "low",
		.rules_state = "/var/lib/redshank/rules.state",
		.scan_interval_s = 1800,
		.scan_cpu = 5,
		.scan_process_s = 10,
		.otlp_timeout_ms = 10000,
		.otlp_heartbeat = true,
		.heartbeat_s = 60,
		.ring_main_kib = 8192,
		.ring_bulk_kib = 4096,
		.processes_max = 65536,
		.process_strings_mib = 64,
		.story_notes = 32768,
		.story_process = 8,
		.story_alert = 24,
		.env_count = sizeof(env) / sizeof(env[0]),
	};
	for (unsigned i = 0; i < c->env_count; i++)
		snprintf(c->env_name[i], sizeof(c->env_name[i]), "%s", env[i]);
}

/* Where we are in the file. */
struct reader {
	struct config *c;
	const char *path;
	yaml_parser_t parser;
	yaml_mark_t mark;
	bool seen[sizeof(options) / sizeof(options[0])], seen_list[NLISTS], seen_exceptions;
};

static int fail(struct reader *r, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct reader *r, struct err *e, const char *fmt, ...)
{
	char text[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(e, -EINVAL, "%s:%zu:%zu: %s", r->path, r->mark.line + 1, r->mark.column + 1,
		       text);
}

static int next_event(struct reader *r, yaml_event_t *ev, struct err *e)
{
	if (!yaml_parser_parse(&r->parser, ev)) {
		r->mark = r->parser.problem_mark;
		return fail(r, e, "%s", r->parser.problem ? r->parser.problem : "not YAML");
	}
	r->mark = ev->start_mark;
	return 0;
}

static int parse_number(struct reader *r, const struct option_desc *o, const char *text,
			struct err *e)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || n < o->min || n > o->max)
		return fail(r, e, "%s: %.40s is not a number from %u to %u", o->key, text, o->min,
			    o->max);
	if (o->kind == POWER_OF_TWO && n & (n - 1))
		return fail(r, e, "%s: %lu is not a power of two", o->key, n);
	unsigned value = (unsigned)n;
	memcpy((char *)r->c + o->off, &value, sizeof(value));
	return 0;
}

static bool is_format(const char *text)
{
	static const char *const formats[] = { "text", "json", "proto", "none" };
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(text, formats[i]))
			return true;
	return false;
}

static int set_option(struct reader *r, const char *key, const char *text, size_t len,
		      struct err *e)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const struct option_desc *o = &options[i];
		if (strcmp(o->key, key))
			continue;
		if (strlen(text) != len)
			return fail(r, e, "%s: NUL in a value", key);
		if (r->seen[i])
			return fail(r, e, "%s: given twice", key);
		r->seen[i] = true;
		bool yes = !strcmp(text, "true");
		if (o->kind == FORMAT && !is_format(text))
			return fail(r, e, "%s: text, json, proto or none, not %.40s", key, text);
		if (o->kind == LEVEL && *text && severity_by_name(text) == SEVERITY_none)
			return fail(r, e, "%s: %.40s is not one of Sigma's levels", key, text);
		switch (o->kind) {
		case FORMAT:
		case LEVEL:
		case TEXT:
			if (len >= o->size)
				return fail(r, e, "%s: longer than %zu bytes", key, o->size - 1);
			memcpy((char *)r->c + o->off, text, len + 1);
			return 0;
		case BOOL:
			if (!yes && strcmp(text, "false"))
				return fail(r, e, "%s: true or false, not %.40s", key, text);
			memcpy((char *)r->c + o->off, &yes, sizeof(yes));
			return 0;
		case NUMBER:
		case POWER_OF_TWO:
			return parse_number(r, o, text, e);
		}
	}
	return fail(r, e, "unknown key %.80s (deploy/redshank.yaml lists all)", key);
}

static int add_to_list(struct reader *r, const struct list_desc *l, const char *text, size_t len,
		       struct err *e)
{
	unsigned *count = (unsigned *)(void *)((char *)r->c + l->count_off);
	struct err why;

	if (*count == l->max)
		return fail(r, e, "%s: more than %u %s", l->key, l->max, l->what);
	if (strlen(text) != len)
		return fail(r, e, "%s: NUL in one of the %s", l->key, l->what);
	if (l->check && l->check(text, &why))
		return fail(r, e, "%s: %s", l->key, why.text);
	if (len >= l->size)
		return fail(r, e, "%s: longer than %zu bytes", l->key, l->size - 1);
	memcpy((char *)r->c + l->off + (*count)++ * l->size, text, len + 1);
	return 0;
}

static int read_exceptions(struct reader *r, struct err *e)
{
	struct err why;

	if (r->seen_exceptions)
		return fail(r, e, "exceptions: given twice");
	r->seen_exceptions = true;
	int rc = config_exceptions_read(r->c, &r->parser, &r->mark, &why);
	return rc ? fail(r, e, "%s", why.text) : 0;
}

static int read_list(struct reader *r, const char *key, struct err *e)
{
	const struct list_desc *l = lists;

	if (!strcmp(key, "exceptions"))
		return read_exceptions(r, e);
	while (l < lists + NLISTS && strcmp(l->key, key))
		l++;
	if (l == lists + NLISTS)
		return fail(r, e, "%.80s is not a list", key);
	if (r->seen_list[l - lists])
		return fail(r, e, "%s: given twice", key);
	r->seen_list[l - lists] = true;
	*(unsigned *)(void *)((char *)r->c + l->count_off) = 0;
	for (;;) {
		yaml_event_t ev;
		int rc = next_event(r, &ev, e);
		if (rc)
			return rc;
		yaml_event_type_t type = ev.type;
		if (type == YAML_SCALAR_EVENT)
			rc = add_to_list(r, l, (const char *)ev.data.scalar.value,
					 ev.data.scalar.length, e);
		else if (type != YAML_SEQUENCE_END_EVENT)
			rc = fail(r, e, "%s: a list of %s is expected", key, l->what);
		yaml_event_delete(&ev);
		if (rc || type == YAML_SEQUENCE_END_EVENT)
			return rc;
	}
}

/* Does this key have others below it? */
static bool is_section(const char *key)
{
	size_t n = strlen(key);
	if (!strcmp(key, "exceptions"))
		return true;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strncmp(options[i].key, key, n) && options[i].key[n] == '.')
			return true;
	for (size_t i = 0; i < NLISTS; i++)
		if (!strcmp(lists[i].key, key))
			return true;
	return false;
}

/* Reads a map; prefix: its own key with a dot, or "". */
static int read_map(struct reader *r, const char *prefix, struct err *e)
{
	for (;;) {
		yaml_event_t k, v;
		char key[128];
		int rc = next_event(r, &k, e);
		if (rc)
			return rc;
		if (k.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&k);
			return 0;
		}
		if (k.type != YAML_SCALAR_EVENT) {
			yaml_event_delete(&k);
			return fail(r, e, "a key is expected");
		}
		const char *name = (const char *)k.data.scalar.value;
		/* Sections are maps: a dotted name or one with a NUL must not pass as another. */
		bool odd = strlen(name) != k.data.scalar.length || strchr(name, '.');
		snprintf(key, sizeof(key), "%s%s", prefix, name);
		yaml_event_delete(&k);
		if (odd)
			return fail(r, e, "unknown key %.80s (deploy/redshank.yaml lists all)",
				    key);
		rc = next_event(r, &v, e);
		if (rc)
			return rc;
		switch (v.type) {
		case YAML_SCALAR_EVENT:
			if (!v.data.scalar.length && is_section(key))
				break; /* all that is in it is commented out */
			rc = set_option(r, key, (const char *)v.data.scalar.value,
					v.data.scalar.length, e);
			break;
		case YAML_MAPPING_START_EVENT:
			if (*prefix || strlen(key) > 64) {
				rc = fail(r, e, "unknown section %.80s", key);
			} else {
				char sub[128];
				snprintf(sub, sizeof(sub), "%.64s.", key);
				rc = read_map(r, sub, e);
			}
			break;
		case YAML_SEQUENCE_START_EVENT:
			rc = read_list(r, key, e);
			break;
		default:
			rc = fail(r, e, "%.80s: aliases are not supported", key);
			break;
		}
		yaml_event_delete(&v);
		if (rc)
			return rc;
	}
}

static int read_document(struct reader *r, struct err *e)
{
	for (;;) {
		yaml_event_t ev;
		int rc = next_event(r, &ev, e);
		if (rc)
			return rc;
		yaml_event_type_t type = ev.type;
		bool empty = type == YAML_SCALAR_EVENT && !ev.data.scalar.length;
		yaml_event_delete(&ev);
		switch (type) {
		case YAML_STREAM_END_EVENT:
			return 0;
		case YAML_MAPPING_START_EVENT:
			rc = read_map(r, "", e);
			break;
		case YAML_ALIAS_EVENT:
		case YAML_SCALAR_EVENT:
		case YAML_SEQUENCE_START_EVENT:
			if (!empty)
				rc = fail(r, e, "a map of options is expected");
			break;
		default:
			break;
		}
		if (rc)
			return rc;
	}
}

int config_load(struct config *c, const char *path, struct err *e)
{
	struct stat st;
	/* Non-blocking, so that a FIFO is refused and not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f || fstat(fd, &st)) {
		int rc = -errno;
		if (f)
			fclose(f);
		else if (fd >= 0)
			close(fd);
		return err_set(e, rc, "%s: %s", path, strerror(-rc));
	}
	if (!S_ISREG(st.st_mode) || st.st_size > CONFIG_FILE_MAX) {
		fclose(f);
		return err_set(e, -EINVAL, "%s: not a file of at most %u bytes", path,
			       CONFIG_FILE_MAX);
	}
	struct reader r = { .c = c, .path = path };
	if (!yaml_parser_initialize(&r.parser)) {
		fclose(f);
		return err_set(e, -ENOMEM, "out of memory");
	}
	yaml_parser_set_input_file(&r.parser, f);
	int rc = read_document(&r, e);
	yaml_parser_delete(&r.parser);
	fclose(f);
	if (!rc)
		snprintf(c->file, sizeof(c->file), "%s", path);
	return rc;
}
