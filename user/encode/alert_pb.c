/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts and events as the messages of proto/redshank.proto. Events go field by field through
 * any_fields(): a new event or field needs nothing here.
 */
#include "encode/alert_pb.h"

#include <assert.h>
#include <string.h>

#include "enrich/container.h"
#include "enrich/container_info.h"
#include "enrich/fields.h"
#include "enrich/users.h"

static_assert(SEVERITY_none == (int)REDSHANK__V1__SEVERITY__SEVERITY_UNSPECIFIED &&
		      SEVERITY_informational ==
			      (int)REDSHANK__V1__SEVERITY__SEVERITY_INFORMATIONAL &&
		      SEVERITY_critical == (int)REDSHANK__V1__SEVERITY__SEVERITY_CRITICAL,
	      "the severities have the same numbers");

/* What a process runs, from its record or from the process table. args.kind is none or list. */
struct program {
	struct value exe, args, cwd, tty, cgpath;
	const char *origin; /* NULL: not known */
};

/* An array in the arena; 0 in *n when there is no memory, so that the count is never wrong. */
static void *array(struct pb_arena *a, size_t *n, size_t size)
{
	void *p = *n ? pb_alloc(a, *n * size) : NULL;
	if (!p)
		*n = 0;
	return p;
}

static char *str(struct pb_arena *a, const char *s)
{
	return pb_text(a, s ? s : "", s ? strlen(s) : 0, NULL);
}

static uint64_t unix_time(const struct host *h, uint64_t boottime)
{
	return boottime ? boottime + (uint64_t)h->unix_offset : 0;
}

static size_t list_count(const struct value *v)
{
	const char *p;
	size_t len, pos = 0, n = 0;

	if (v->kind == VALUE_list)
		while (value_next(v, &pos, &p, &len))
			n++;
	return n;
}

/* The strings of a list; *ret_raw (may be NULL) tells whether one of them was not UTF-8. */
static char **list_texts(struct pb_arena *a, const struct value *v, size_t *ret_n, bool *ret_raw)
{
	size_t len, pos = 0, i = 0;
	const char *p;

	*ret_n = list_count(v);
	*ret_raw = false;
	char **texts = array(a, ret_n, sizeof(*texts));
	while (i < *ret_n && value_next(v, &pos, &p, &len)) {
		ProtobufCBinaryData raw = { 0 };
		texts[i++] = pb_text(a, p, len, &raw);
		*ret_raw |= raw.len > 0;
	}
	return texts;
}

static void raw_copy(struct pb_arena *a, const char *p, size_t len, ProtobufCBinaryData *ret)
{
	void *copy = pb_alloc(a, len);
	if (!copy)
		return;
	ret->data = memcpy(copy, p, len);
	ret->len = len;
}

/* --- events --- */

static Redshank__V1__StringList *string_list(struct pb_arena *a, const struct value *v,
					     ProtobufCBinaryData *ret_raw)
{
	bool raw;
	Redshank__V1__StringList *l = pb_alloc(a, sizeof(*l));
	if (!l)
		return NULL;
	redshank__v1__string_list__init(l);
	l->values = list_texts(a, v, &l->n_values, &raw);
	if (raw)
		raw_copy(a, v->p, v->len, ret_raw);
	return l;
}

/* A list that is shown as one text: value_join() without a buffer. */
static char *joined_text(struct pb_arena *a, const struct value *v, ProtobufCBinaryData *ret_raw)
{
	char *copy = pb_alloc(a, v->len + 1);
	if (!copy)
		return "";
	for (size_t i = 0; i < v->len; i++)
		copy[i] = v->p[i] ? v->p[i] : ' ';
	return pb_text(a, copy, v->len, ret_raw);
}

static Redshank__V1__Attribute *attribute(struct pb_arena *a, const char *key,
					  const struct value *v)
{
	Redshank__V1__Attribute *at = pb_alloc(a, sizeof(*at));
	if (!at)
		return NULL;
	redshank__v1__attribute__init(at);
	at->key = str(a, key);
	at->truncated = v->truncated;
	switch (v->kind) {
	case VALUE_bool:
		at->value_case = REDSHANK__V1__ATTRIBUTE__VALUE_FLAG;
		at->flag = v->num != 0;
		break;
	case VALUE_num:
		at->value_case = REDSHANK__V1__ATTRIBUTE__VALUE_NUMBER;
		at->number = v->num;
		break;
	case VALUE_time:
		at->value_case = REDSHANK__V1__ATTRIBUTE__VALUE_TIME_UNIX_NANO;
		at->time_unix_nano = v->num;
		break;
	case VALUE_str:
		at->value_case = REDSHANK__V1__ATTRIBUTE__VALUE_TEXT;
		at->text = pb_text(a, v->p, v->len, &at->raw);
		break;
	case VALUE_list:
		if (v->joined) {
			at->value_case = REDSHANK__V1__ATTRIBUTE__VALUE_TEXT;
			at->text = joined_text(a, v, &at->raw);
			break;
		}
		at->value_case = REDSHANK__V1__ATTRIBUTE__VALUE_LIST;
		at->list = string_list(a, v, &at->raw);
		break;
	case VALUE_none:
		break;
	}
	return at;
}

/* The fields of a type, looked up once; of types that never come, the pages are never touched. */
struct layout {
	unsigned n;
	struct any_field fields[ANY_FIELDS_MAX];
};

static const struct layout *layout_of(const struct ev_desc *d)
{
	static struct layout layouts[EV_TYPE_MAX];
	struct layout *l = &layouts[d->id];

	if (!l->n)
		l->n = any_fields(d, l->fields);
	return l;
}

Redshank__V1__Event *event_to_pb(struct pb_arena *a, const struct event *ev)
{
	const struct layout *l = layout_of(ev->desc);
	size_t n = l->n;
	Redshank__V1__Event *pb = pb_alloc(a, sizeof(*pb));
	if (!pb)
		return NULL;
	redshank__v1__event__init(pb);
	pb->type = str(a, ev->desc->key);
	pb->sequence = ev->seq;
	pb->time_unix_nano = unix_time(ev->host, ev->rec->time);
	pb->attributes = array(a, &n, sizeof(*pb->attributes));
	for (size_t i = 0; i < n && !a->failed; i++) {
		struct value v;
		any_field_get(&l->fields[i], ev, &v);
		if (v.kind != VALUE_none)
			pb->attributes[pb->n_attributes++] =
				attribute(a, any_field_name(&l->fields[i]), &v);
	}
	return a->failed ? NULL : pb;
}

/* --- processes --- */

static void program_of_image(const struct image *im, struct program *ret)
{
	value_str(&ret->exe, im->exe, im->exe_len);
	value_str(&ret->cwd, im->cwd, im->cwd_len);
	value_str(&ret->tty, im->tty, im->tty_len);
	value_str(&ret->cgpath, im->cgpath, im->cgpath_len);
	value_str(&ret->args, im->args, im->args_len);
	if (im->args_len) { /* as on the wire: ended by NUL unless it was cut */
		ret->args.kind = VALUE_list;
		ret->args.len -= !im->args[im->args_len - 1];
	}
	ret->args.truncated = im->args_truncated;
	ret->origin = exe_origin_name(im->exe_origin);
}

/* Records that describe a program (exec, proc) hold more of it than the table keeps. */
static void program_of_record(const struct event *ev, struct program *ret)
{
	const struct {
		const char *name;
		struct value *value;
	} want[] = {
		{ "process.executable", &ret->exe },	    { "process.args", &ret->args },
		{ "process.working_directory", &ret->cwd }, { "redshank.tty", &ret->tty },
		{ "redshank.cgroup.path", &ret->cgpath },
	};
	if (!field_find(ev->desc, want[0].name))
		return;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct field *f = field_find(ev->desc, want[i].name);
		if (f)
			value_get(ev, f, want[i].value);
	}
	const struct field *f = field_find(ev->desc, "redshank.exe.origin");
	if (f) {
		uint32_t origin;
		memcpy(&origin, (const char *)ev->rec + f->off, sizeof(origin));
		ret->origin = exe_origin_name(origin);
	}
}

static void process_args(struct pb_arena *a, const struct value *args, Redshank__V1__Process *pb)
{
	bool raw;
	size_t len, pos = 0, i = 0;
	const char *p;

	pb->args = list_texts(a, args, &pb->n_args, &raw);
	pb->args_truncated = args->truncated;
	if (!raw)
		return;
	pb->n_args_raw = pb->n_args;
	pb->args_raw = array(a, &pb->n_args_raw, sizeof(*pb->args_raw));
	while (i < pb->n_args_raw && value_next(args, &pos, &p, &len))
		raw_copy(a, p, len, &pb->args_raw[i++]);
}

static void process_container(struct pb_arena *a, const struct container_info *c,
			      Redshank__V1__Process *pb)
{
	if (!c)
		return;
	pb->container_name = str(a, c->name);
	pb->container_image_name = str(a, c->image_name);
	pb->container_image_tag = str(a, c->image_tag);
	pb->container_image_id = str(a, c->image_id);
}

static void process_program(struct pb_arena *a, const struct program *pr, Redshank__V1__Process *pb)
{
	const char *id;
	size_t id_len;

	pb->executable = pb_text(a, pr->exe.p, pr->exe.len, &pb->executable_raw);
	pb->working_directory = pb_text(a, pr->cwd.p, pr->cwd.len, &pb->working_directory_raw);
	pb->tty = pb_text(a, pr->tty.p, pr->tty.len, NULL);
	pb->executable_origin = str(a, pr->origin);
	process_args(a, &pr->args, pb);
	if (container_id(pr->cgpath.p, pr->cgpath.len, &id, &id_len)) {
		pb->container_id = pb_text(a, id, id_len, NULL);
		process_container(a, container_info(id, id_len), pb);
	}
}

/* The facts that a record's header and the process table name alike. comm: EV_COMM_LEN bytes. */
#define PROCESS_FACTS(pb_, from_)                         \
	do {                                              \
		(pb_)->pid = (from_)->pid;                \
		(pb_)->parent_pid = (from_)->ppid;        \
		(pb_)->vpid = (from_)->vpid;              \
		(pb_)->real_user_id = (from_)->uid;       \
		(pb_)->user_id = (from_)->euid;           \
		(pb_)->real_group_id = (from_)->gid;      \
		(pb_)->group_id = (from_)->egid;          \
		(pb_)->login_user_id = (from_)->loginuid; \
		(pb_)->session_id = (from_)->session;     \
		(pb_)->start_unix_nano = (from_)->start;  \
	} while (0)

static void process_finish(struct pb_arena *a, const struct host *h, const struct program *pr,
			   const char comm[EV_COMM_LEN], uint32_t mntns, Redshank__V1__Process *pb)
{
	char id[ENTITY_ID_LEN];

	entity_id(h, pb->pid, pb->start_unix_nano, id);
	pb->entity_id = str(a, id);
	pb->start_unix_nano = unix_time(h, pb->start_unix_nano);
	pb->name = pb_text(a, comm, strnlen(comm, EV_COMM_LEN), &pb->name_raw);
	pb->user_name = str(a, user_name(pb->real_user_id, mntns));
	process_program(a, pr, pb);
}

/* No program known. The values' tmp stays unset: nothing reads it. */
static void program_init(struct program *pr)
{
	struct value *v[] = { &pr->exe, &pr->args, &pr->cwd, &pr->tty, &pr->cgpath };

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		value_str(v[i], "", 0);
		v[i]->truncated = v[i]->joined = false;
	}
	pr->origin = NULL;
}

static Redshank__V1__Process *process_of_event(struct pb_arena *a, const struct event *ev)
{
	struct program pr;
	Redshank__V1__Process *pb = pb_alloc(a, sizeof(*pb));
	if (!pb)
		return NULL;
	redshank__v1__process__init(pb);
	program_init(&pr);
	if (ev->proc && ev->proc->image)
		program_of_image(ev->proc->image, &pr);
	program_of_record(ev, &pr);
	if (ev->proc && ev->proc->image) {
		pb->executable_sha256 = str(a, ev->proc->image->sha256);
		pb->executable_sha256_missing = str(a, ev->proc->image->sha256_missing);
	}
	PROCESS_FACTS(pb, ev->rec);
	if (ev->rec->type == EV_exit)
		pb->exit_unix_nano = unix_time(ev->host, ev->rec->time);
	else if (ev->proc)
		pb->exit_unix_nano = unix_time(ev->host, ev->proc->exit_time);
	process_finish(a, ev->host, &pr, ev->rec->name, ev->rec->mntns, pb);
	return pb;
}

static Redshank__V1__Process *process_of_table(struct pb_arena *a, const struct host *h,
					       const struct proc *p)
{
	struct program pr;
	Redshank__V1__Process *pb = pb_alloc(a, sizeof(*pb));
	if (!pb)
		return NULL;
	redshank__v1__process__init(pb);
	program_init(&pr);
	if (p->image)
		program_of_image(p->image, &pr);
	PROCESS_FACTS(pb, p);
	pb->exit_unix_nano = unix_time(h, p->exit_time);
	process_finish(a, h, &pr, p->comm, p->mntns, pb);
	return pb;
}

/* --- alerts --- */

Redshank__V1__Host *host_to_pb(struct pb_arena *a, const struct host *h)
{
	Redshank__V1__Host *pb = pb_alloc(a, sizeof(*pb));
	if (!pb)
		return NULL;
	redshank__v1__host__init(pb);
	pb->id = str(a, h->machine_id);
	pb->name = str(a, h->hostname);
	pb->boot_id = str(a, h->boot_id);
	pb->sensor_id = str(a, h->sensor_id);
	pb->os_kernel = str(a, h->kernel);
	pb->architecture = str(a, h->arch);
	return pb;
}

static void alert_rule(struct pb_arena *a, const struct rule_info *d, Redshank__V1__Alert *pb)
{
	size_t n = 0;

	pb->rule = pb_alloc(a, sizeof(*pb->rule));
	if (!pb->rule)
		return;
	redshank__v1__rule__init(pb->rule);
	pb->rule->id = str(a, d->id);
	pb->rule->name = str(a, d->name);
	pb->rule->description = str(a, d->doc);
	pb->rule->false_positives = str(a, d->false_positives);

	while (d->techniques && n < TECHNIQUES_MAX && d->techniques[n].id)
		n++;
	pb->techniques = array(a, &n, sizeof(*pb->techniques));
	for (size_t i = 0; i < n; i++) {
		Redshank__V1__Technique *t = pb_alloc(a, sizeof(*t));
		if (!t)
			return;
		redshank__v1__technique__init(t);
		t->id = str(a, d->techniques[i].id);
		t->name = str(a, d->techniques[i].name);
		t->tactic = str(a, d->techniques[i].tactic);
		pb->techniques[pb->n_techniques++] = t;
	}
}

static void alert_verdict(struct pb_arena *a, const struct verdict *v, Redshank__V1__Alert *pb)
{
	size_t n = v->nevidence;

	pb->severity = (Redshank__V1__Severity)v->severity;
	pb->message = pb_text(a, v->message, strnlen(v->message, sizeof(v->message)), NULL);
	pb->evidence = array(a, &n, sizeof(*pb->evidence));
	for (size_t i = 0; i < n; i++) {
		struct value val = { .kind = VALUE_str, .p = v->evidence[i].value };
		val.len = strnlen(v->evidence[i].value, sizeof(v->evidence[i].value));
		pb->evidence[i] = attribute(a, v->evidence[i].key, &val);
	}
	pb->n_evidence = n;
}

static Redshank__V1__Step *step_of_note(struct pb_arena *a, const struct host *h,
					const struct story_note *n)
{
	char id[ENTITY_ID_LEN];
	Redshank__V1__Step *pb = pb_alloc(a, sizeof(*pb));
	if (!pb)
		return NULL;
	redshank__v1__step__init(pb);
	entity_id(h, n->pid, n->start, id);
	pb->time_unix_nano = unix_time(h, n->first);
	pb->last_unix_nano = unix_time(h, n->last);
	pb->action = str(a, ev_desc(n->type)->key);
	pb->sequence = n->seq;
	pb->pid = n->pid;
	pb->entity_id = str(a, id);
	pb->name = pb_text(a, n->name, strnlen(n->name, sizeof(n->name)), &pb->name_raw);
	pb->text = pb_text(a, n->text, n->len, NULL);
	pb->count = n->count;
	return pb;
}

static void alert_story(struct pb_arena *a, const struct alert *al, Redshank__V1__Alert *pb)
{
	size_t n = al->nstory;

	pb->story = array(a, &n, sizeof(*pb->story));
	for (size_t i = 0; i < n; i++)
		pb->story[i] = step_of_note(a, al->event->host, al->story[i]);
	pb->n_story = n;
}

Redshank__V1__Alert *alert_to_pb(struct pb_arena *a, const struct alert *al)
{
	size_t n = al->nancestors;
	Redshank__V1__Alert *pb = pb_alloc(a, sizeof(*pb));
	if (!pb)
		return NULL;
	redshank__v1__alert__init(pb);
	pb->id = str(a, al->id);
	pb->sequence = al->seq;
	pb->time_unix_nano = al->time;
	pb->count = al->count;
	pb->first_unix_nano = al->first;
	pb->last_unix_nano = al->last;
	alert_rule(a, al->rule, pb);
	alert_verdict(a, al->verdict, pb);
	pb->process = process_of_event(a, al->event);
	pb->ancestors = array(a, &n, sizeof(*pb->ancestors));
	for (size_t i = 0; i < n; i++)
		pb->ancestors[i] = process_of_table(a, al->event->host, al->ancestors[i]);
	pb->n_ancestors = n;
	alert_story(a, al, pb);
	pb->event = event_to_pb(a, al->event);
	pb->host = host_to_pb(a, al->event->host);
	return a->failed ? NULL : pb;
}
