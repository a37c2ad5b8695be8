/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts as OTLP log records. What semantic conventions 1.44 have a name for goes under that name;
 * the rest is ours (threat.*, redshank.*), and redshank.alert holds the whole alert as protobuf.
 */
#include "encode/otlp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"

#define SCHEMA_URL "https://opentelemetry.io/schemas/1.44.0"
#define EVENT_NAME "redshank.alert"
#define EVIDENCE   "redshank.evidence."

typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;
typedef Opentelemetry__Proto__Common__V1__ArrayValue array_value;
typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;
typedef Opentelemetry__Proto__Logs__V1__LogRecord log_record;

#define VALUE(kind_) OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##kind_##_VALUE

/* Attributes being collected; ATTRS_MAX holds a record's fixed ones and all evidence. */
#define ATTRS_MAX (48 + EVIDENCE_MAX)
struct attrs {
	struct pb_arena *a;
	key_value **kv;
	size_t n;
};

/* --- values; each returns NULL when out of memory --- */

static any_value *any_new(struct pb_arena *a)
{
	any_value *v = pb_alloc(a, sizeof(*v));
	if (v)
		opentelemetry__proto__common__v1__any_value__init(v);
	return v;
}

/* Texts were made valid UTF-8 when the alert was built, but a stored alert may be anyone's. */
static any_value *any_text(struct pb_arena *a, const char *s)
{
	any_value *v = any_new(a);
	if (!v)
		return NULL;
	v->value_case = VALUE(STRING);
	v->string_value = pb_text(a, s, strlen(s), NULL);
	return v;
}

static any_value *any_int(struct pb_arena *a, int64_t n)
{
	any_value *v = any_new(a);
	if (!v)
		return NULL;
	v->value_case = VALUE(INT);
	v->int_value = n;
	return v;
}

static any_value *any_flag(struct pb_arena *a, protobuf_c_boolean flag)
{
	any_value *v = any_new(a);
	if (!v)
		return NULL;
	v->value_case = VALUE(BOOL);
	v->bool_value = flag;
	return v;
}

static any_value *any_array(struct pb_arena *a, char *const *texts, size_t n)
{
	any_value *v = any_new(a);
	array_value *l = v ? pb_alloc(a, sizeof(*l)) : NULL;
	if (!l)
		return NULL;
	opentelemetry__proto__common__v1__array_value__init(l);
	l->values = pb_alloc(a, n * sizeof(*l->values));
	for (size_t i = 0; i < n && !a->failed; i++)
		l->values[l->n_values++] = any_text(a, texts[i]);
	v->value_case = VALUE(ARRAY);
	v->array_value = l;
	return v;
}

static any_value *any_alert(struct pb_arena *a, const Redshank__V1__Alert *al)
{
	any_value *v = any_new(a);
	size_t n = redshank__v1__alert__get_packed_size(al);
	uint8_t *p = v ? pb_alloc(a, n) : NULL;
	if (!p)
		return NULL;
	v->value_case = VALUE(BYTES);
	v->bytes_value.data = p;
	v->bytes_value.len = redshank__v1__alert__pack(al, p);
	return v;
}

static char *text_printf(struct pb_arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static char *text_printf(struct pb_arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *s = n < 0 ? NULL : pb_alloc(a, (size_t)n + 1);
	if (!s)
		return "";
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

/* RFC 3339 with nanoseconds, which is ISO 8601 as the conventions want their times. */
static char *text_time(struct pb_arena *a, uint64_t unix_ns)
{
	time_t sec = (time_t)(unix_ns / NSEC_PER_SEC);
	struct tm tm;
	char day[32];

	gmtime_r(&sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	return text_printf(a, "%s.%09" PRIu64 "Z", day, (uint64_t)(unix_ns % NSEC_PER_SEC));
}

/* --- attributes --- */

static int attrs_init(struct attrs *at, struct pb_arena *a)
{
	at->a = a;
	at->n = 0;
	at->kv = pb_alloc(a, ATTRS_MAX * sizeof(*at->kv));
	return at->kv ? 0 : -ENOMEM;
}

/* Keys must be unique: of two with the same key the first one stays. */
static void put(struct attrs *at, const char *key, any_value *v)
{
	for (size_t i = 0; i < at->n; i++)
		if (!strcmp(at->kv[i]->key, key))
			return;
	key_value *kv = v && at->n < ATTRS_MAX ? pb_alloc(at->a, sizeof(*kv)) : NULL;
	if (!kv)
		return;
	opentelemetry__proto__common__v1__key_value__init(kv);
	kv->key = (char *)key;
	kv->value = v;
	at->kv[at->n++] = kv;
}

/* Empty means not known: left out. */
static void put_text(struct attrs *at, const char *key, const char *s)
{
	if (*s)
		put(at, key, any_text(at->a, s));
}

static void put_int(struct attrs *at, const char *key, uint64_t n)
{
	put(at, key,
	    n <= INT64_MAX ? any_int(at->a, (int64_t)n)
			   : any_text(at->a, text_printf(at->a, "%" PRIu64, n)));
}

static void put_time(struct attrs *at, const char *key, uint64_t unix_ns)
{
	if (unix_ns)
		put(at, key, any_text(at->a, text_time(at->a, unix_ns)));
}

static void put_array(struct attrs *at, const char *key, char *const *texts, size_t n)
{
	if (n)
		put(at, key, any_array(at->a, texts, n));
}

static void put_attribute(struct attrs *at, const char *key, const Redshank__V1__Attribute *e)
{
	switch (e->value_case) {
	case REDSHANK__V1__ATTRIBUTE__VALUE_TEXT:
		put(at, key, any_text(at->a, e->text));
		break;
	case REDSHANK__V1__ATTRIBUTE__VALUE_NUMBER:
		put_int(at, key, e->number);
		break;
	case REDSHANK__V1__ATTRIBUTE__VALUE_FLAG:
		put(at, key, any_flag(at->a, e->flag));
		break;
	case REDSHANK__V1__ATTRIBUTE__VALUE_LIST:
		put_array(at, key, e->list->values, e->list->n_values);
		break;
	case REDSHANK__V1__ATTRIBUTE__VALUE_TIME_UNIX_NANO:
		put_time(at, key, e->time_unix_nano);
		break;
	default:
		break;
	}
}

static void put_evidence(struct attrs *at, const Redshank__V1__Attribute *e)
{
	put_attribute(
		at, text_printf(at->a, EVIDENCE "%s", pb_text(at->a, e->key, strlen(e->key), NULL)),
		e);
}

static void put_process(struct attrs *at, const Redshank__V1__Process *p)
{
	const char *slash = strrchr(p->executable, '/');

	put_int(at, "process.pid", p->pid);
	put_int(at, "process.parent_pid", p->parent_pid);
	if (p->vpid)
		put_int(at, "process.vpid", p->vpid);
	put_text(at, "process.entity_id", p->entity_id);
	put_text(at, "redshank.process.name", p->name);
	put_text(at, "process.executable.path", p->executable);
	put_text(at, "process.executable.name", slash ? slash + 1 : p->executable);
	put_array(at, "process.command_args", p->args, p->n_args);
	if (p->n_args && !p->args_truncated)
		put_int(at, "process.args_count", p->n_args);
	put_text(at, "process.working_directory", p->working_directory);
	put_int(at, "process.user.id", p->user_id);
	put_int(at, "process.real_user.id", p->real_user_id);
	put_text(at, "process.real_user.name", p->user_name);
	put_time(at, "process.creation.time", p->start_unix_nano);
	put_time(at, "process.exit.time", p->exit_unix_nano);
	put_text(at, "redshank.exe.origin", p->executable_origin);
	put_text(at, "process.hash.sha256", p->executable_sha256);
	put_text(at, "redshank.exe.hash_missing", p->executable_sha256_missing);
	put_text(at, "container.id", p->container_id);
	put_text(at, "container.name", p->container_name);
	put_text(at, "container.image.id", p->container_image_id);
	put_text(at, "container.image.name", p->container_image_name);
	if (*p->container_image_tag)
		put_array(at, "container.image.tags", &p->container_image_tag, 1);
}

/* Nearest first, "pid path", with the thread name where the path is not known. */
static void put_ancestors(struct attrs *at, const Redshank__V1__Alert *al)
{
	char **texts = pb_alloc(at->a, al->n_ancestors * sizeof(*texts));
	if (!texts)
		return;
	for (size_t i = 0; i < al->n_ancestors; i++) {
		const Redshank__V1__Process *p = al->ancestors[i];
		if (*p->executable)
			texts[i] = text_printf(at->a, "%u %s", p->pid, p->executable);
		else
			texts[i] = text_printf(at->a, "%u (%s)", p->pid, p->name);
	}
	put_array(at, "redshank.process.ancestors", texts, al->n_ancestors);
}

/* "time action pid text", oldest first. */
static void put_story(struct attrs *at, const Redshank__V1__Alert *al)
{
	char **texts = pb_alloc(at->a, al->n_story * sizeof(*texts));
	if (!texts)
		return;
	for (size_t i = 0; i < al->n_story; i++) {
		const Redshank__V1__Step *s = al->story[i];
		texts[i] = text_printf(at->a, "%s %s %u %s", text_time(at->a, s->time_unix_nano),
				       s->action, s->pid, s->text);
	}
	put_array(at, "redshank.story", texts, al->n_story);
}

static void put_techniques(struct attrs *at, const Redshank__V1__Alert *al)
{
	size_t n = al->n_techniques;
	char **texts = pb_alloc(at->a, 3 * n * sizeof(*texts));
	if (!texts)
		return;
	for (size_t i = 0; i < n; i++) {
		texts[i] = al->techniques[i]->id;
		texts[n + i] = al->techniques[i]->name;
		texts[2 * n + i] = al->techniques[i]->tactic;
	}
	put_array(at, "threat.technique.id", texts, n);
	put_array(at, "threat.technique.name", texts + n, n);
	put_array(at, "threat.tactic.name", texts + 2 * n, n);
}

static void put_alert(struct attrs *at, const Redshank__V1__Alert *al)
{
	put_text(at, "log.record.uid", al->id);
	put_int(at, "redshank.alert.sequence", al->sequence);
	put_int(at, "redshank.alert.count", al->count);
	if (al->count > 1) {
		put_int(at, "redshank.alert.first_unix_nano", al->first_unix_nano);
		put_int(at, "redshank.alert.last_unix_nano", al->last_unix_nano);
	}
	if (al->rule) {
		put_text(at, "security_rule.uuid", al->rule->id);
		put_text(at, "security_rule.name", al->rule->name);
		put_text(at, "security_rule.description", al->rule->description);
	}
	put_techniques(at, al);
	if (al->event)
		put_text(at, "redshank.event.type", al->event->type);
	if (al->process)
		put_process(at, al->process);
	put_ancestors(at, al);
	put_story(at, al);
	put(at, "redshank.alert", any_alert(at->a, al));
	for (size_t i = 0; i < al->n_evidence && i < EVIDENCE_MAX; i++)
		put_evidence(at, al->evidence[i]);
}

/* --- records, resource, request --- */

/* Sigma's levels; the numbers follow the log data model's mapping of syslog severities. */
static void severity(log_record *r, Redshank__V1__Severity s)
{
	static const struct {
		int number;
		const char *text;
	} levels[] = {
		[REDSHANK__V1__SEVERITY__SEVERITY_INFORMATIONAL] = { 9, "informational" },
		[REDSHANK__V1__SEVERITY__SEVERITY_LOW] = { 13, "low" },
		[REDSHANK__V1__SEVERITY__SEVERITY_MEDIUM] = { 17, "medium" },
		[REDSHANK__V1__SEVERITY__SEVERITY_HIGH] = { 18, "high" },
		[REDSHANK__V1__SEVERITY__SEVERITY_CRITICAL] = { 19, "critical" },
	};
	size_t i = (size_t)s;

	if (i >= sizeof(levels) / sizeof(levels[0]) || !levels[i].text)
		return;
	r->severity_number = (Opentelemetry__Proto__Logs__V1__SeverityNumber)levels[i].number;
	r->severity_text = (char *)levels[i].text;
}

static log_record *record(struct pb_arena *a, const Redshank__V1__Alert *al, uint64_t observed)
{
	struct attrs at;
	log_record *r = pb_alloc(a, sizeof(*r));
	if (!r || attrs_init(&at, a) < 0)
		return NULL;
	opentelemetry__proto__logs__v1__log_record__init(r);
	r->time_unix_nano = al->time_unix_nano;
	r->observed_time_unix_nano = observed;
	r->event_name = EVENT_NAME;
	severity(r, al->severity);
	r->body = any_text(a, al->message);
	put_alert(&at, al);
	r->attributes = at.kv;
	r->n_attributes = at.n;
	if (al->n_evidence > EVIDENCE_MAX) /* not one of ours; redshank.alert has them all */
		r->dropped_attributes_count = (uint32_t)(al->n_evidence - EVIDENCE_MAX);
	return r;
}

/* uname's machine as the conventions' host.arch; others as they are. */
static const char *host_arch(const char *machine)
{
	static const char *const names[][2] = {
		{ "x86_64", "amd64" },	{ "aarch64", "arm64" }, { "i686", "x86" },
		{ "ppc64le", "ppc64" }, { "armv7l", "arm32" },
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i][0], machine))
			return names[i][1];
	return machine;
}

static Opentelemetry__Proto__Resource__V1__Resource *resource(struct pb_arena *a,
							      const Redshank__V1__Host *h)
{
	struct attrs at;
	Opentelemetry__Proto__Resource__V1__Resource *r = pb_alloc(a, sizeof(*r));
	if (!r || attrs_init(&at, a) < 0)
		return NULL;
	opentelemetry__proto__resource__v1__resource__init(r);
	put_text(&at, "service.name", "redshank");
	put_text(&at, "service.version", REDSHANK_VERSION);
	put_text(&at, "os.type", "linux");
	if (h) {
		put_text(&at, "service.instance.id", *h->sensor_id ? h->sensor_id : h->boot_id);
		put_text(&at, "host.id", h->id);
		put_text(&at, "host.name", h->name);
		put_text(&at, "host.arch", host_arch(h->architecture));
	}
	r->attributes = at.kv;
	r->n_attributes = at.n;
	return r;
}

static int pack(struct buf *out, struct pb_arena *a, log_record **records, size_t n,
		const Redshank__V1__Host *host)
{
	Opentelemetry__Proto__Common__V1__InstrumentationScope scope =
		OPENTELEMETRY__PROTO__COMMON__V1__INSTRUMENTATION_SCOPE__INIT;
	Opentelemetry__Proto__Logs__V1__ScopeLogs scope_logs =
		OPENTELEMETRY__PROTO__LOGS__V1__SCOPE_LOGS__INIT;
	Opentelemetry__Proto__Logs__V1__ResourceLogs resource_logs =
		OPENTELEMETRY__PROTO__LOGS__V1__RESOURCE_LOGS__INIT;
	Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest request =
		OPENTELEMETRY__PROTO__COLLECTOR__LOGS__V1__EXPORT_LOGS_SERVICE_REQUEST__INIT;
	Opentelemetry__Proto__Logs__V1__ScopeLogs *scopes[] = { &scope_logs };
	Opentelemetry__Proto__Logs__V1__ResourceLogs *resources[] = { &resource_logs };

	scope.name = "redshank";
	scope.version = REDSHANK_VERSION;
	scope_logs.scope = &scope;
	scope_logs.schema_url = SCHEMA_URL;
	scope_logs.log_records = records;
	scope_logs.n_log_records = n;
	resource_logs.resource = resource(a, host);
	resource_logs.schema_url = SCHEMA_URL;
	resource_logs.n_scope_logs = 1;
	resource_logs.scope_logs = scopes;
	request.n_resource_logs = 1;
	request.resource_logs = resources;
	if (a->failed)
		return -ENOMEM;

	size_t size =
		opentelemetry__proto__collector__logs__v1__export_logs_service_request__get_packed_size(
			&request);
	char *to = buf_reserve(out, size);
	if (!to)
		return -ENOMEM;
	out->len += opentelemetry__proto__collector__logs__v1__export_logs_service_request__pack(
		&request, (uint8_t *)to);
	return 0;
}

int otlp_pack(struct buf *out, struct pb_arena *a, Redshank__V1__Alert *const *alerts, size_t n,
	      uint64_t observed)
{
	log_record **records = pb_alloc(a, n * sizeof(*records));

	for (size_t i = 0; i < n && !a->failed; i++)
		records[i] = record(a, alerts[i], observed);
	return a->failed ? -ENOMEM : pack(out, a, records, n, alerts[0]->host);
}

/* What the record itself or the resource says is no attribute. */
static bool is_elsewhere(const char *key)
{
	return *key == '@' || !strncmp(key, "host.", strlen("host."));
}

int otlp_pack_event(struct buf *out, struct pb_arena *a, const struct event *ev, uint64_t observed)
{
	const Redshank__V1__Event *pb = event_to_pb(a, ev);
	log_record *r = pb_alloc(a, sizeof(*r));
	struct attrs at;

	if (!pb || !r || attrs_init(&at, a) < 0)
		return -ENOMEM;
	opentelemetry__proto__logs__v1__log_record__init(r);
	r->time_unix_nano = pb->time_unix_nano;
	r->observed_time_unix_nano = observed;
	r->event_name = text_printf(a, "redshank.%s", pb->type);
	r->severity_number = OPENTELEMETRY__PROTO__LOGS__V1__SEVERITY_NUMBER__SEVERITY_NUMBER_INFO;
	r->severity_text = "INFO";
	r->body = any_text(a, text_printf(a, "redshank %s", pb->type));
	for (size_t i = 0; i < pb->n_attributes; i++)
		if (!is_elsewhere(pb->attributes[i]->key))
			put_attribute(&at, pb->attributes[i]->key, pb->attributes[i]);
	r->attributes = at.kv;
	r->n_attributes = at.n;
	return pack(out, a, &r, 1, host_to_pb(a, ev->host));
}
