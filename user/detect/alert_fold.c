/* SPDX-License-Identifier: Apache-2.0 */
/* The findings of the last minutes: a hash table of entries that are also in a list by age. */
#include "detect/alert_fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS (ALERT_FOLD_ENTRIES * 2)
#define NONE	UINT32_MAX

/* The last repeat, which nobody was told of. */
struct held {
	struct verdict verdict;
	const struct rule_info *rule;
	uint64_t time, seq; /* of its event */
	char rec[];
};

struct entry {
	uint64_t key, count, first, last, sent;
	unsigned before; /* of what is alike: alerts that were not folded */
	uint32_t chain, older, newer;
	char id[ALERT_ID_LEN];
	struct held *held;
};

struct alert_fold {
	unsigned n, nheld;
	uint32_t oldest, newest;
	uint32_t bucket[BUCKETS];
	struct entry entry[ALERT_FOLD_ENTRIES];
};

int alert_fold_new(struct alert_fold **ret)
{
	struct alert_fold *f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->oldest = f->newest = NONE;
	memset(f->bucket, 0xff, sizeof(f->bucket));
	*ret = f;
	return 0;
}

static void drop_held(struct alert_fold *f, struct entry *e)
{
	if (!e->held)
		return;
	free(e->held);
	e->held = NULL;
	f->nheld--;
}

void alert_fold_free(struct alert_fold *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n; i++)
		drop_held(f, &f->entry[i]);
	free(f);
}

/* --- table and list --- */

static uint32_t *bucket_of(struct alert_fold *f, uint64_t key)
{
	return &f->bucket[(key ^ key >> 32) % BUCKETS];
}

static struct entry *find(struct alert_fold *f, uint64_t key)
{
	for (uint32_t i = *bucket_of(f, key); i != NONE; i = f->entry[i].chain)
		if (f->entry[i].key == key)
			return &f->entry[i];
	return NULL;
}

static void list_remove(struct alert_fold *f, struct entry *e)
{
	*(e->older == NONE ? &f->oldest : &f->entry[e->older].newer) = e->newer;
	*(e->newer == NONE ? &f->newest : &f->entry[e->newer].older) = e->older;
}

static void list_append(struct alert_fold *f, struct entry *e)
{
	uint32_t i = (uint32_t)(e - f->entry);

	e->older = f->newest;
	e->newer = NONE;
	*(f->newest == NONE ? &f->oldest : &f->entry[f->newest].newer) = i;
	f->newest = i;
}

static void chain_remove(struct alert_fold *f, struct entry *e)
{
	uint32_t i = (uint32_t)(e - f->entry), *at = bucket_of(f, e->key);

	while (*at != i)
		at = &f->entry[*at].chain;
	*at = e->chain;
}

/* --- telling --- */

static void tell(struct alert_fold *f, struct entry *e, struct alert *al, alert_fold_fn *fn,
		 void *ctx)
{
	memcpy(al->id, e->id, sizeof(al->id));
	al->count = e->count;
	al->first = e->first;
	al->last = e->last;
	e->sent = e->last;
	drop_held(f, e);
	fn(ctx, al);
}

static void tell_held(struct alert_fold *f, struct entry *e, const struct host *host,
		      alert_fold_fn *fn, void *ctx)
{
	struct held *h = e->held;
	const struct ev_hdr *rec = (const void *)h->rec;
	struct event ev = { .rec = rec, .desc = ev_desc(rec->type), .seq = h->seq, .host = host };
	struct alert al = {
		.time = h->time, .rule = h->rule, .verdict = &h->verdict, .event = &ev
	};

	/* Kept until fn is done with it. */
	e->held = NULL;
	f->nheld--;
	tell(f, e, &al, fn, ctx);
	free(h);
}

static bool hold(struct alert_fold *f, struct entry *e, const struct alert *al)
{
	const struct ev_hdr *rec = al->event->rec;

	drop_held(f, e);
	struct held *h = f->nheld < ALERT_FOLD_HELD_MAX ? malloc(sizeof(*h) + rec->len) : NULL;
	if (!h)
		return false;
	h->verdict = *al->verdict;
	h->rule = al->rule;
	h->time = al->time;
	h->seq = al->event->seq;
	memcpy(h->rec, rec, rec->len);
	e->held = h;
	f->nheld++;
	return true;
}

static struct entry *make(struct alert_fold *f, uint64_t key, const struct alert *al,
			  alert_fold_fn *fn, void *ctx)
{
	struct entry *e;

	if (f->n < ALERT_FOLD_ENTRIES) {
		e = &f->entry[f->n++];
	} else {
		e = &f->entry[f->oldest];
		if (e->held)
			tell_held(f, e, al->event->host, fn, ctx);
		list_remove(f, e);
		chain_remove(f, e);
	}
	*e = (struct entry){ .key = key, .chain = *bucket_of(f, key) };
	*bucket_of(f, key) = (uint32_t)(e - f->entry);
	list_append(f, e);
	return e;
}

static void begin(struct entry *e, const struct alert *al)
{
	memcpy(e->id, al->id, sizeof(e->id));
	e->count = 0;
	e->first = al->time;
	e->last = al->time;
}

/* The entry of the key; a new one, or one that begins anew, has a count of 0. */
static struct entry *look_up(struct alert_fold *f, uint64_t key, const struct alert *al,
			     alert_fold_fn *fn, void *ctx)
{
	struct entry *e = find(f, key);

	if (!e) {
		e = make(f, key, al, fn, ctx);
		begin(e, al);
		return e;
	}
	list_remove(f, e);
	list_append(f, e);
	if (al->time > e->last + ALERT_FOLD_WINDOW_NS) {
		if (e->held)
			tell_held(f, e, al->event->host, fn, ctx);
		begin(e, al);
		e->before = 0;
	}
	return e;
}

void alert_fold_add(struct alert_fold *f, const struct alert_fold_keys *k, struct alert *al,
		    alert_fold_fn *fn, void *ctx)
{
	struct entry *e = look_up(f, k->same, al, fn, ctx);

	if (!e->count && k->alike) {
		struct entry *alike = look_up(f, k->alike, al, fn, ctx);
		if (alike->before == ALERT_FOLD_ALIKE) {
			if (!alike->count)
				begin(alike, al);
			e = alike;
		} else {
			alike->before++;
			alike->last = al->time;
			e = find(f, k->same); /* two were made, the first may have been evicted */
			if (!e) {
				e = make(f, k->same, al, fn, ctx);
				begin(e, al);
			}
		}
	}
	e->count++;
	if (al->time > e->last)
		e->last = al->time;
	bool doubled = !(e->count & (e->count - 1));
	if (doubled || al->time > e->sent + ALERT_FOLD_PAUSE_NS || !hold(f, e, al))
		tell(f, e, al, fn, ctx);
}

void alert_fold_flush(struct alert_fold *f, uint64_t now, const struct host *host,
		      alert_fold_fn *fn, void *ctx)
{
	for (uint32_t i = f->oldest, next; f->nheld && i != NONE; i = next) {
		struct entry *e = &f->entry[i];
		next = e->newer;
		if (e->held && now > e->sent + ALERT_FOLD_PAUSE_NS)
			tell_held(f, e, host, fn, ctx);
	}
}
