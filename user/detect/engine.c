/* SPDX-License-Identifier: Apache-2.0 */
/* Runs detectors and rules over the stream and makes alerts of what they find. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/siphash.h"
#include "detect/alert.h"
#include "detect/alert_fold.h"
#include "detect/finding.h"
#include "detect/ruleset.h"
#include "enrich/exe_hash.h"

#define DETECTORS_MAX 64

struct engine {
	unsigned n;
	const struct detector *detector[DETECTORS_MAX];
	void *state[DETECTORS_MAX];
	uint64_t wants[EV_TYPE_MAX]; /* by event type: bit i for detector i */
	struct ruleset *rules; /* NULL: none */
	struct alert_fold *fold;
	struct engine_part kept; /* name NULL: none */
	const struct story *story; /* NULL: none */
	unsigned nexceptions;
	const struct exception *exception;
	uint64_t alert_seq;
	struct engine_stats st;
	struct verdict verdict; /* 9 KiB: not on the stack of every event */
	/* Of the call at work: */
	const struct event *event;
	const struct proctree *tree;
	alert_fn *fn;
	void *ctx;
};

int engine_new(struct engine **ret, struct err *err)
{
	struct engine *e = calloc(1, sizeof(*e));
	if (!e || alert_fold_new(&e->fold)) {
		free(e);
		return err_set(err, -ENOMEM, "out of memory");
	}
	for (const struct detector *const *d = detectors; *d; d++) {
		unsigned i = e->n;
		int rc = i < DETECTORS_MAX ? 0 : -E2BIG;
		if (!rc && (*d)->init)
			rc = (*d)->init(&e->state[i]);
		if (rc) {
			engine_free(e);
			return err_set(err, rc, "detector %s: %s", (*d)->info.id, strerror(-rc));
		}
		e->detector[i] = *d;
		e->n++;
		for (const enum ev_type *w = (*d)->wants; *w != EV_none; w++)
			e->wants[*w] |= 1ULL << i;
	}
	*ret = e;
	return 0;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->n; i++)
		if (e->detector[i]->free)
			e->detector[i]->free(e->state[i]);
	ruleset_free(e->rules);
	alert_fold_free(e->fold);
	free(e);
}

void engine_set_story(struct engine *e, const struct story *s)
{
	e->story = s;
}

void engine_set_exceptions(struct engine *e, const struct exception *x, unsigned n)
{
	e->exception = x;
	e->nexceptions = n;
}

/* --- alerts --- */

static void give(void *ctx, struct alert *al)
{
	struct engine *e = ctx;
	const struct event *ev = al->event;

	al->seq = ++e->alert_seq;
	if (ev->proc && ev->tree)
		al->nancestors =
			proctree_ancestors(ev->tree, ev->proc, al->ancestors, PROC_ANCESTORS_MAX);
	exe_hash_learn(ev);
	if (e->story)
		al->nstory = story_of(e->story, ev, al->story);
	e->st.alerts++;
	e->fn(e->ctx, al);
}

/* An alert that was kept back: its process is looked for again. */
static void give_held(void *ctx, struct alert *al)
{
	struct engine *e = ctx;
	struct event ev = *al->event;

	ev.tree = e->tree;
	ev.proc = e->tree ? proctree_find(e->tree, ev.rec->pid, ev.rec->start) : NULL;
	al->event = &ev;
	e->st.folded--;
	give(e, al);
}

static void fold_give(void *ctx, struct alert *al)
{
	struct engine *e = ctx;

	if (al->event == e->event)
		give(e, al);
	else
		give_held(e, al);
}

static void found(struct engine *e, const struct rule_info *info,
		  const struct sigma_correlated *correlated)
{
	const struct event *ev = e->event;
	struct finding_key key = {
		.rule = info->id,
		.severity = e->verdict.severity,
		.correlated = correlated,
	};
	struct alert al = {
		.time = ev->rec->time + (uint64_t)ev->host->unix_offset,
		.rule = info,
		.verdict = &e->verdict,
		.event = ev,
	};
	struct alert_fold_keys keys;
	uint64_t before = e->st.alerts;

	if (exception_holds(e->exception, e->nexceptions, info, ev)) {
		e->st.excepted++;
		return;
	}
	finding_id(&key, ev, al.id);
	finding_fold_keys(&key, ev, &keys);
	alert_fold_add(e->fold, &keys, &al, fold_give, e);
	e->st.folded += e->st.alerts == before;
}

static void on_rule(void *ctx, const struct rule_match *m)
{
	struct engine *e = ctx;

	memset(&e->verdict, 0, sizeof(e->verdict));
	finding_of_rule(m, e->event, &e->verdict);
	found(e, m->info, m->correlated);
}

void engine_event(struct engine *e, const struct event *ev, alert_fn *fn, void *ctx)
{
	e->st.events++;
	e->event = ev;
	e->tree = ev->tree;
	e->fn = fn;
	e->ctx = ctx;
	for (uint64_t w = e->wants[ev->rec->type]; w; w &= w - 1) {
		unsigned i = (unsigned)__builtin_ctzll(w);
		memset(&e->verdict, 0, sizeof(e->verdict));
		if (e->detector[i]->on_event(e->state[i], ev, &e->verdict))
			e->st.detector_errors++;
		else if (e->verdict.severity != SEVERITY_none &&
			 !(e->rules && ruleset_excepts(e->rules, e->detector[i]->info.id, ev)))
			found(e, &e->detector[i]->info, NULL);
	}
	if (e->rules)
		ruleset_event(e->rules, ev, on_rule, e);
}

void engine_tick(struct engine *e, uint64_t now, const struct host *host,
		 const struct proctree *tree, alert_fn *fn, void *ctx)
{
	e->event = NULL;
	e->tree = tree;
	e->fn = fn;
	e->ctx = ctx;
	alert_fold_flush(e->fold, now, host, fold_give, e);
}

/* --- rules --- */

void engine_set_rules(struct engine *e, struct ruleset *r, const struct host *host,
		      const struct proctree *tree, alert_fn *fn, void *ctx)
{
	struct buf windows = { 0 };

	/* What was kept back points to the old rules' names. */
	engine_tick(e, UINT64_MAX, host, tree, fn, ctx);
	if (e->rules && r) {
		ruleset_save(e->rules, &windows);
		if (!windows.failed)
			ruleset_restore(r, windows.data, windows.len);
		buf_free(&windows);
	}
	ruleset_free(e->rules);
	e->rules = r;
}

struct ruleset *engine_rules(const struct engine *e)
{
	return e->rules;
}

void engine_get_stats(const struct engine *e, struct engine_stats *ret)
{
	*ret = e->st;
}

/* --- over a restart: magic, parts, and SipHash of all, with no key: against damage --- */

void engine_keep(struct engine *e, const struct engine_part *part)
{
	e->kept = *part;
}

static const char magic[8] = { 'r', 's', 'h', 'k', 's', 't', 'a', '1' };
static const struct siphash_key no_key;

struct part {
	char name[48];
	uint64_t len;
};

static size_t begin_part(struct buf *out, const char *name)
{
	struct part part = { 0 };

	snprintf(part.name, sizeof(part.name), "%s", name);
	buf_put(out, &part, sizeof(part));
	return out->len;
}

static void end_part(struct buf *out, size_t start)
{
	uint64_t len = out->len - start;

	if (!out->failed)
		memcpy(out->data + start - sizeof(len), &len, sizeof(len));
}

void engine_save(const struct engine *e, struct buf *out)
{
	size_t all = out->len, start;
	uint64_t check;

	buf_put(out, magic, sizeof(magic));
	start = begin_part(out, "alerts");
	alert_fold_save(e->fold, out);
	end_part(out, start);
	if (e->rules) {
		start = begin_part(out, "rules");
		ruleset_save(e->rules, out);
		end_part(out, start);
	}
	for (unsigned i = 0; i < e->n; i++) {
		if (!e->detector[i]->save)
			continue;
		start = begin_part(out, e->detector[i]->info.id);
		e->detector[i]->save(e->state[i], out);
		end_part(out, start);
	}
	if (e->kept.name) {
		start = begin_part(out, e->kept.name);
		e->kept.save(e->kept.state, out);
		end_part(out, start);
	}
	if (out->failed)
		return;
	check = siphash(&no_key, out->data + all, out->len - all);
	buf_put(out, &check, sizeof(check));
}

static int restore_part(struct engine *e, const struct part *part, const void *p)
{
	if (!strcmp(part->name, "alerts"))
		return alert_fold_restore(e->fold, p, part->len);
	if (!strcmp(part->name, "rules"))
		return e->rules ? ruleset_restore(e->rules, p, part->len) : 0;
	if (e->kept.name && !strcmp(e->kept.name, part->name))
		return e->kept.restore(e->kept.state, p, part->len);
	for (unsigned i = 0; i < e->n; i++)
		if (e->detector[i]->restore && !strcmp(e->detector[i]->info.id, part->name))
			return e->detector[i]->restore(e->state[i], p, part->len);
	return 0;
}

int engine_restore(struct engine *e, const void *p, size_t len)
{
	const char *at = p, *end = at + len;
	uint64_t check;
	struct part part;
	int rc = 0;

	if (len < sizeof(magic) + sizeof(check) || memcmp(at, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	end -= sizeof(check);
	memcpy(&check, end, sizeof(check));
	if (siphash(&no_key, p, len - sizeof(check)) != check)
		return -EBADMSG;
	for (at += sizeof(magic); !rc && at < end; at += part.len) {
		if ((size_t)(end - at) < sizeof(part))
			return -EBADMSG;
		memcpy(&part, at, sizeof(part));
		at += sizeof(part);
		if (part.len > (size_t)(end - at) || !memchr(part.name, '\0', sizeof(part.name)))
			return -EBADMSG;
		rc = restore_part(e, &part, at);
	}
	return rc;
}
