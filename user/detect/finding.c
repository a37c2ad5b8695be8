/* SPDX-License-Identifier: Apache-2.0 */
/* Ids and fold keys of findings; verdicts of rules. */
#include "detect/finding.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "enrich/fields.h"

static uint64_t hash_str(uint64_t h, const char *s)
{
	return hash_bytes(h, s, strlen(s) + 1);
}

static uint64_t hash_correlated(uint64_t h, const struct sigma_correlated *c)
{
	h = hash_bytes(h, &c->episode, sizeof(c->episode));
	for (unsigned i = 0; i < c->ngroup; i++) {
		h = hash_str(h, c->group[i].name);
		h = hash_bytes(h, &c->group[i].len, sizeof(c->group[i].len));
		h = hash_bytes(h, c->group[i].text, c->group[i].len);
	}
	return h;
}

static uint64_t hash_field(uint64_t h, const struct event *ev, const char *name)
{
	struct any_field f;
	struct value v;

	if (!any_field_find(ev->desc, name, &f))
		return h;
	any_field_get(&f, ev, &v);
	h = hash_bytes(h, &v.len, sizeof(v.len));
	return hash_bytes(h, v.p, v.len);
}

/* What was found in a process, where. */
static uint64_t hash_scan(uint64_t h, const struct event *ev)
{
	const struct ev_scan *e = EVENT_AS(scan, ev);

	h = hash_bytes(h, &e->kind, sizeof(e->kind));
	h = hash_field(h, ev, "file.path");
	return hash_field(h, ev, "redshank.scan.yara.rule");
}

static uint64_t hash_event(uint64_t h, const struct event *ev)
{
	bool found = ev->rec->type == EV_proc || ev->rec->type == EV_scan;
	uint64_t time = found ? 0 : ev->rec->time;

	h = hash_bytes(h, &time, sizeof(time));
	h = hash_bytes(h, &ev->rec->start, sizeof(ev->rec->start));
	if (ev->rec->type == EV_scan)
		h = hash_scan(hash_bytes(h, &EVENT_AS(scan, ev)->address, sizeof(uint64_t)), ev);
	return hash_bytes(h, &ev->rec->tid, sizeof(ev->rec->tid));
}

void finding_id(const struct finding_key *k, const struct event *ev, char ret[ALERT_ID_LEN])
{
	uint64_t h[2];

	for (int i = 0; i < 2; i++) {
		h[i] = hash_bytes(HASH_INIT, &i, sizeof(i));
		h[i] = hash_bytes(h[i], ev->host->boot_id, strlen(ev->host->boot_id));
		h[i] = hash_bytes(h[i], k->rule, strlen(k->rule));
		h[i] = k->correlated ? hash_correlated(h[i], k->correlated) : hash_event(h[i], ev);
	}
	snprintf(ret, ALERT_ID_LEN, "%08x-%04x-8%03x-%04x-%012llx", (unsigned)(h[0] >> 32),
		 (unsigned)(h[0] >> 16 & 0xffff), (unsigned)(h[0] & 0xfff),
		 (unsigned)(h[1] >> 48 & 0x3fff) | 0x8000,
		 (unsigned long long)(h[1] & 0xffffffffffffULL));
}

static uint64_t hash_process(uint64_t h, uint32_t pid, uint64_t start)
{
	h = hash_bytes(h, &pid, sizeof(pid));
	return hash_bytes(h, &start, sizeof(start));
}

/* Of what a process does over and over, the kernel tells some, and how many there were. */
static void kernel_counts(const struct event *ev, struct alert_fold_keys *ret)
{
	if (ev->desc->id == EV_access)
		ret->times = 1 + EVENT_AS(access, ev)->repeated;
	else if (ev->desc->id == EV_map)
		ret->number = EVENT_AS(map, ev)->count;
	else if (ev->desc->id == EV_anon_exec)
		ret->number = EVENT_AS(anon_exec, ev)->count;
}

void finding_fold_keys(const struct finding_key *k, const struct event *ev,
		       struct alert_fold_keys *ret)
{
	uint64_t h = hash_str(HASH_INIT, k->rule);

	h = hash_bytes(h, &k->severity, sizeof(k->severity));
	*ret = (struct alert_fold_keys){ 0 };
	if (k->correlated) {
		ret->same = hash_correlated(h, k->correlated);
		return;
	}
	if (ev->desc->id == EV_scan)
		h = hash_scan(h, ev);
	ret->same = hash_process(h, ev->rec->pid, ev->rec->start);
	/* One process may run several programs: what is the same there is the same program. */
	if (ev->desc->id == EV_exec) {
		ret->same = hash_field(ret->same, ev, "process.executable");
		ret->same = hash_field(ret->same, ev, "process.args");
	}
	ret->kin = hash_process(h, ev->rec->ppid, ev->rec->parent_start);
	ret->alike = hash_field(ret->kin, ev, "process.executable");
	ret->alike = hash_field(ret->alike, ev, "process.args");
	kernel_counts(ev, ret);
}

/* --- what a rule's match says --- */

static void put_field(char *to, size_t cap, const struct event *ev, const char *name)
{
	struct any_field f;
	struct value v;

	*to = '\0';
	if (!any_field_find(ev->desc, name, &f))
		return;
	any_field_get(&f, ev, &v);
	if (v.kind != VALUE_str && v.kind != VALUE_list)
		return;
	size_t n = v.len < cap - 1 ? v.len : cap - 1;
	memcpy(to, v.p, n);
	to[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!to[i])
			to[i] = ' ';
}

static void message_of_event(const struct rule_match *m, const struct event *ev, struct verdict *v)
{
	char exe[256], args[512];

	put_field(exe, sizeof(exe), ev, "process.executable");
	put_field(args, sizeof(args), ev, "process.command_line");
	if (*args)
		verdict_message(v, "%s: %s ran as \"%s\"", m->info->name, exe, args);
	else
		verdict_message(v, "%s: %s", m->info->name, exe);
}

static void message_of_login(const struct rule_match *m, const struct event *ev, struct verdict *v)
{
	char text[512];

	put_field(text, sizeof(text), ev, "message");
	verdict_message(v, "%s: %s", m->info->name, text);
}

static void message_of_text(const struct rule_match *m, const struct event *ev, struct verdict *v)
{
	char exe[256], text[512];

	put_field(exe, sizeof(exe), ev, "process.executable");
	put_field(text, sizeof(text), ev, "event.original");
	verdict_message(v, "%s: %s says \"%s\"", m->info->name, *exe ? exe : "a process", text);
}

static void put_seconds(char *to, size_t cap, uint64_t ns)
{
	uint64_t s = ns / NSEC_PER_SEC;

	if (s < 60)
		snprintf(to, cap, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(to, cap, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else
		snprintf(to, cap, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
}

static void of_correlated(const struct rule_match *m, struct verdict *v)
{
	const struct sigma_correlated *c = m->correlated;
	char span[48], group[512] = "";
	size_t at = 0;

	put_seconds(span, sizeof(span), c->last - c->first);
	for (unsigned i = 0; i < c->ngroup && at < sizeof(group); i++) {
		const struct sigma_group_value *g = &c->group[i];
		at += (size_t)snprintf(group + at, sizeof(group) - at, "%s%s %.*s",
				       i ? ", " : " by ", g->name, (int)g->len, g->text);
		verdict_evidence(v, g->name, "%.*s", (int)g->len, g->text);
	}
	verdict_message(v, "%s: %" PRIu64 " events in %s%s", m->info->name, c->count, span, group);
	verdict_evidence(v, "redshank.correlation.count", "%" PRIu64, c->count);
	verdict_evidence(v, "redshank.correlation.value", "%g", c->value);
	verdict_evidence(v, "redshank.correlation.seconds", "%llu",
			 (unsigned long long)((c->last - c->first) / NSEC_PER_SEC));
}

/* What a login's alert is about, and by what the events of its session are found. */
static const char *const login_keys[] = {
	"user.target.name",	      "redshank.auth.invoker", "source.ip",
	"redshank.auth.service",      "redshank.auth.method",  "redshank.session.id",
	"redshank.session.source.ip",
};

void finding_of_rule(const struct rule_match *m, const struct event *ev, struct verdict *ret)
{
	ret->severity = m->severity;
	if (m->correlated)
		of_correlated(m, ret);
	else if (ev->desc->id == EV_auth)
		message_of_login(m, ev, ret);
	else if (ev->desc->id == EV_auth_text)
		message_of_text(m, ev, ret);
	else
		message_of_event(m, ev, ret);
	for (unsigned i = 0; i < m->nevidence; i++) {
		const struct sigma_evidence *e = &m->evidence[i];
		const char *field = e->field ? e->field : "keywords";
		if (e->value)
			verdict_evidence(ret, field, "%.*s", (int)e->value->len, e->value->text);
		else
			verdict_evidence(ret, field, "(absent)");
	}
	if (ev->desc->id == EV_auth)
		verdict_fields(ret, ev, login_keys, sizeof(login_keys) / sizeof(login_keys[0]));
	if (m->uncertain)
		verdict_evidence(ret, "redshank.rule.uncertain",
				 "a filter of the rule was tested on a value whose end is missing");
}
