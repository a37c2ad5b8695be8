/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a line that no field of the event has: ECS's frame, and what an alert adds. */
#include "encode/json_parts.h"

#include <string.h>

#include "enrich/users.h"

#define ECS_VERSION "9.0.0"

void json_add_odd(struct json_line *l, struct json_odd o)
{
	if (l->nodd < JSON_ODD_MAX)
		l->odd[l->nodd++] = o;
}

static bool is_alert(const struct json_line *l)
{
	return l->al != NULL;
}

static bool has_technique(const struct json_line *l)
{
	return l->al && l->al->rule->techniques && l->al->rule->techniques[0].id;
}

static bool has_seq(const struct json_line *l)
{
	return l->seq != 0;
}

static bool has_ancestors(const struct json_line *l)
{
	return l->al && l->al->nancestors;
}

static bool has_story(const struct json_line *l)
{
	return l->al && l->al->nstory;
}

static bool has_evidence(const struct json_line *l)
{
	return l->al && l->al->verdict->nevidence;
}

static bool has_odd(const struct json_line *l)
{
	return l->nodd != 0;
}

static bool has_cut(const struct json_line *l)
{
	return l->ncut != 0;
}

static void put_timestamp(struct json_line *l)
{
	jw_time(&l->j, l->al ? l->al->time : l->ev->rec->time + (uint64_t)l->ev->host->unix_offset);
}

static void put_ecs_version(struct json_line *l)
{
	jw_text(&l->j, ECS_VERSION);
}

static void put_action(struct json_line *l)
{
	jw_text(&l->j, l->ev->desc->key);
}

static void put_one(struct json_line *l, const char *s)
{
	jw_open(&l->j, '[');
	jw_text(&l->j, s);
	jw_close(&l->j, ']');
}

static void put_category(struct json_line *l)
{
	put_one(l, l->ev->desc->category);
}

static void put_type(struct json_line *l)
{
	put_one(l, l->ev->desc->type);
}

static void put_kind(struct json_line *l)
{
	jw_text(&l->j, l->al ? "alert" : "event");
}

static void put_line_seq(struct json_line *l)
{
	jw_num(&l->j, l->seq);
}

static void put_alert_id(struct json_line *l)
{
	jw_text(&l->j, l->al->id);
}

static bool is_update(const struct json_line *l)
{
	return l->al && l->al->count > 1;
}

static void put_alert_count(struct json_line *l)
{
	jw_num(&l->j, l->al->count);
}

static void put_alert_first(struct json_line *l)
{
	jw_time(&l->j, l->al->first);
}

static void put_alert_last(struct json_line *l)
{
	jw_time(&l->j, l->al->last);
}

static void put_alert_seq(struct json_line *l)
{
	jw_num(&l->j, l->al->seq);
}

static void put_level(struct json_line *l)
{
	jw_text(&l->j, severity_name(l->al->verdict->severity));
}

/* The numbers that Elastic's rules use for the same words. */
static void put_severity(struct json_line *l)
{
	static const uint8_t numbers[] = {
		[SEVERITY_informational] = 1, [SEVERITY_low] = 21,	[SEVERITY_medium] = 47,
		[SEVERITY_high] = 73,	      [SEVERITY_critical] = 99,
	};
	jw_num(&l->j, numbers[l->al->verdict->severity]);
}

static void put_message(struct json_line *l)
{
	const char *s = l->al->verdict->message;
	size_t len = strnlen(s, MESSAGE_MAX);

	if (!jw_str(&l->j, s, len))
		json_add_odd(l, (struct json_odd){ "", "message", NULL, s, len });
}

static void put_evidence(struct json_line *l)
{
	const struct verdict *v = l->al->verdict;

	jw_open(&l->j, '{');
	for (unsigned i = 0; i < v->nevidence; i++) {
		const struct evidence *e = &v->evidence[i];
		size_t len = strnlen(e->value, EVIDENCE_VALUE);
		bool again = false;
		for (unsigned k = 0; k < i; k++)
			again = again || !strcmp(v->evidence[k].key, e->key);
		if (again) /* a key stands in an object once; the first is meant */
			continue;
		jw_key_any(&l->j, "", e->key);
		if (!jw_str(&l->j, e->value, len))
			json_add_odd(l, (struct json_odd){ "redshank.alert.evidence.", e->key, NULL,
							   e->value, len });
	}
	jw_close(&l->j, '}');
}

static void put_rule_id(struct json_line *l)
{
	jw_text(&l->j, l->al->rule->id);
}

static void put_rule_name(struct json_line *l)
{
	jw_text(&l->j, l->al->rule->name);
}

static void put_rule_doc(struct json_line *l)
{
	jw_text(&l->j, l->al->rule->doc);
}

static void put_framework(struct json_line *l)
{
	jw_text(&l->j, "MITRE ATT&CK");
}

static void put_technique_ids(struct json_line *l)
{
	jw_open(&l->j, '[');
	for (const struct technique *t = l->al->rule->techniques; t->id; t++)
		jw_text(&l->j, t->id);
	jw_close(&l->j, ']');
}

static void put_technique_names(struct json_line *l)
{
	jw_open(&l->j, '[');
	for (const struct technique *t = l->al->rule->techniques; t->id; t++)
		jw_text(&l->j, t->name);
	jw_close(&l->j, ']');
}

/* Techniques can share a tactic; it is named once. */
static void put_tactics(struct json_line *l)
{
	const struct technique *first = l->al->rule->techniques;

	jw_open(&l->j, '[');
	for (const struct technique *t = first; t->id; t++) {
		const struct technique *same = first;
		while (strcmp(same->tactic, t->tactic) != 0)
			same++;
		if (same == t)
			jw_text(&l->j, t->tactic);
	}
	jw_close(&l->j, ']');
}

static void put_ancestor_str(struct json_line *l, const char *key, const char *p, size_t len,
			     struct json_odd *odd, unsigned *nodd)
{
	if (!len)
		return;
	jw_key(&l->j, key);
	if (!jw_str(&l->j, p, len))
		odd[(*nodd)++] = (struct json_odd){ "", key, NULL, p, len };
}

static void put_raw(struct jw *j, const struct json_odd *odd, unsigned n, const struct event *ev)
{
	struct value v;

	jw_open(j, '{');
	for (unsigned i = 0; i < n; i++) {
		jw_key_any(j, odd[i].prefix, odd[i].name);
		if (odd[i].field) {
			any_field_get(odd[i].field, ev, &v);
			jw_base64(j, v.p, v.len);
		} else {
			jw_base64(j, odd[i].p, odd[i].len);
		}
	}
	jw_close(j, '}');
}

static void put_ancestor(struct json_line *l, const struct proc *p)
{
	const struct host *host = l->ev->host;
	const struct image *im = p->image;
	struct jw *j = &l->j;
	char id[ENTITY_ID_LEN];
	struct json_odd odd[3];
	unsigned nodd = 0;

	jw_open(j, '{');
	jw_key(j, "pid");
	jw_num(j, p->pid);
	jw_key(j, "entity_id");
	entity_id(host, p->pid, p->start, id);
	jw_text(j, id);
	put_ancestor_str(l, "name", p->comm, strnlen(p->comm, sizeof(p->comm)), odd, &nodd);
	if (im)
		put_ancestor_str(l, "executable", im->exe, im->exe_len, odd, &nodd);
	if (im && im->args_len) {
		/* argv ends with NUL unless it was cut */
		size_t len = im->args_len - !im->args[im->args_len - 1];
		jw_key(j, "command_line");
		if (!jw_joined(j, im->args, len))
			odd[nodd++] = (struct json_odd){ "", "args", NULL, im->args, len };
	}
	jw_key(j, "start");
	jw_time(j, p->start + (uint64_t)host->unix_offset);
	jw_key(j, "user");
	jw_open(j, '{');
	jw_key(j, "id");
	buf_printf(j->out, "\"%u\"", p->uid);
	j->comma = true;
	const char *name = user_name(p->uid, p->mntns);
	if (*name) {
		jw_key(j, "name");
		jw_text(j, name);
	}
	jw_close(j, '}');
	if (nodd) {
		jw_key(j, "raw");
		put_raw(j, odd, nodd, l->ev);
	}
	jw_close(j, '}');
}

static void put_ancestors(struct json_line *l)
{
	jw_open(&l->j, '[');
	for (unsigned i = 0; i < l->al->nancestors; i++)
		put_ancestor(l, l->al->ancestors[i]);
	jw_close(&l->j, ']');
}

static void put_note(struct json_line *l, const struct story_note *n)
{
	const struct host *host = l->ev->host;
	struct jw *j = &l->j;
	char id[ENTITY_ID_LEN];

	jw_open(j, '{');
	jw_key(j, "time");
	jw_time(j, n->first + (uint64_t)host->unix_offset);
	jw_key(j, "action");
	jw_text(j, ev_desc(n->type)->key);
	jw_key(j, "seq");
	jw_num(j, n->seq);
	jw_key(j, "pid");
	jw_num(j, n->pid);
	jw_key(j, "entity_id");
	entity_id(host, n->pid, n->start, id);
	jw_text(j, id);
	jw_key(j, "name");
	jw_str(j, n->name, strnlen(n->name, sizeof(n->name)));
	jw_key(j, "text");
	jw_str(j, n->text, n->len);
	if (n->count > 1) {
		jw_key(j, "count");
		jw_num(j, n->count);
		jw_key(j, "last");
		jw_time(j, n->last + (uint64_t)host->unix_offset);
	}
	jw_close(j, '}');
}

static void put_story(struct json_line *l)
{
	jw_open(&l->j, '[');
	for (unsigned i = 0; i < l->al->nstory; i++)
		put_note(l, l->al->story[i]);
	jw_close(&l->j, ']');
}

static void put_odd(struct json_line *l)
{
	put_raw(&l->j, l->odd, l->nodd, l->ev);
}

static void put_cut(struct json_line *l)
{
	jw_open(&l->j, '[');
	for (unsigned i = 0; i < l->ncut; i++)
		jw_text(&l->j, l->cut[i]);
	jw_close(&l->j, ']');
}

const struct json_part json_parts[] = {
	{ "@timestamp", NULL, put_timestamp },
	{ "ecs.version", NULL, put_ecs_version },
	{ "event.action", NULL, put_action },
	{ "event.category", NULL, put_category },
	{ "event.id", is_alert, put_alert_id },
	{ "event.kind", NULL, put_kind },
	{ "event.sequence", has_seq, put_line_seq },
	{ "event.severity", is_alert, put_severity },
	{ "event.type", NULL, put_type },
	{ "message", is_alert, put_message },
	{ "redshank.alert.count", is_alert, put_alert_count },
	{ "redshank.alert.evidence", has_evidence, put_evidence },
	{ "redshank.alert.first", is_update, put_alert_first },
	{ "redshank.alert.id", is_alert, put_alert_id },
	{ "redshank.alert.last", is_update, put_alert_last },
	{ "redshank.alert.level", is_alert, put_level },
	{ "redshank.alert.seq", is_alert, put_alert_seq },
	{ "redshank.ancestors", has_ancestors, put_ancestors },
	{ "redshank.raw", has_odd, put_odd },
	{ "redshank.story", has_story, put_story },
	{ "redshank.truncated", has_cut, put_cut },
	{ "rule.description", is_alert, put_rule_doc },
	{ "rule.id", is_alert, put_rule_id },
	{ "rule.name", is_alert, put_rule_name },
	{ "threat.framework", has_technique, put_framework },
	{ "threat.tactic.name", has_technique, put_tactics },
	{ "threat.technique.id", has_technique, put_technique_ids },
	{ "threat.technique.name", has_technique, put_technique_names },
};
_Static_assert(sizeof(json_parts) / sizeof(json_parts[0]) <= JSON_PARTS_MAX, "plans have room");
const unsigned json_nparts = sizeof(json_parts) / sizeof(json_parts[0]);
