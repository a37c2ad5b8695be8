/* SPDX-License-Identifier: Apache-2.0 */
/* The findings of the last minutes: a hash table of entries that are also in a list by age. */
#include "detect/alert_fold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS (ALERT_FOLD_ENTRIES * 2)
#define NONE	UINT32_MAX

/* The last repeat, which nobody was told of: its record, the verdict's message, its evidence. */
struct held {
	enum severity severity;
	unsigned nevidence;
	const char *key[EVIDENCE_MAX];
	const struct rule_info *rule;
	uint64_t time, seq; /* of its event */
	size_t size, texts; /* of all; where the texts begin, each ended by NUL */
	char rec[];
};

struct entry {
	uint64_t key, count, first, last, sent;
	uint64_t told; /* count that was told last */
	uint64_t base; /* number of the finding before the first one; see alert_fold_keys */
	unsigned before; /* of what is alike or akin: alerts that were not folded */
	uint32_t chain, older, newer;
	char id[ALERT_ID_LEN];
	struct held *held;
};

struct alert_fold {
	unsigned n, nheld;
	size_t held_bytes;
	struct verdict verdict; /* of what was kept and is being told */
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
	f->held_bytes -= e->held->size;
	f->nheld--;
	free(e->held);
	e->held = NULL;
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
	e->told = e->count;
	drop_held(f, e);
	fn(ctx, al);
}

/* What hold() packed. */
static void unpack(const struct held *h, struct verdict *ret)
{
	const char *text = h->rec + h->texts;

	memset(ret, 0, sizeof(*ret));
	ret->severity = h->severity;
	snprintf(ret->message, sizeof(ret->message), "%s", text);
	for (; ret->nevidence < h->nevidence; ret->nevidence++) {
		struct evidence *e = &ret->evidence[ret->nevidence];
		text += strlen(text) + 1;
		e->key = h->key[ret->nevidence];
		snprintf(e->value, sizeof(e->value), "%s", text);
	}
}

static void tell_held(struct alert_fold *f, struct entry *e, const struct host *host,
		      alert_fold_fn *fn, void *ctx)
{
	struct held *h = e->held;
	const struct ev_hdr *rec = (const void *)h->rec;
	struct event ev = { .rec = rec, .desc = ev_desc(rec->type), .seq = h->seq, .host = host };
	struct alert al = {
		.time = h->time, .rule = h->rule, .verdict = &f->verdict, .event = &ev
	};

	/* Kept until fn is done with it. */
	e->held = NULL;
	f->nheld--;
	f->held_bytes -= h->size;
	unpack(h, &f->verdict);
	tell(f, e, &al, fn, ctx);
	free(h);
}

/* A record without its strings is one still: they are empty, and marked as cut. */
static void drop_strings(struct ev_hdr *rec)
{
	const struct ev_desc *d = ev_desc(rec->type);

	for (unsigned i = 0; i < d->nfields; i++) {
		if (d->fields[i].wire != WIRE_str)
			continue;
		memset((char *)rec + d->fields[i].off, 0, sizeof(struct ev_str));
		rec->truncated |= 1ULL << d->fields[i].index;
	}
	rec->len = d->size;
}

/* Memory is bounded in any case: of 4096 findings, each of fixed size, and of what is kept whole.
 */
static bool hold(struct alert_fold *f, struct entry *e, const struct alert *al)
{
	const struct verdict *v = al->verdict;
	const struct ev_hdr *rec = al->event->rec;
	size_t message = strlen(v->message) + 1, texts = message;

	drop_held(f, e);
	for (unsigned i = 0; i < v->nevidence; i++)
		texts += strlen(v->evidence[i].value) + 1;
	bool whole =
		f->held_bytes + sizeof(struct held) + rec->len + texts <= ALERT_FOLD_HELD_BYTES;
	size_t len = whole ? rec->len : al->event->desc->size;
	size_t size = sizeof(struct held) + len + (whole ? texts : message);
	struct held *h = malloc(size);
	if (!h)
		return false;
	*h = (struct held){ .severity = v->severity,
			    .nevidence = whole ? v->nevidence : 0,
			    .rule = al->rule,
			    .time = al->time,
			    .seq = al->event->seq,
			    .size = size,
			    .texts = len };
	memcpy(h->rec, rec, len);
	if (!whole)
		drop_strings((struct ev_hdr *)(void *)h->rec);
	char *text = stpcpy(h->rec + len, v->message) + 1;
	for (unsigned i = 0; i < h->nevidence; i++) {
		h->key[i] = v->evidence[i].key;
		text = stpcpy(text, v->evidence[i].value) + 1;
	}
	e->held = h;
	f->nheld++;
	f->held_bytes += size;
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
	e->count = e->told = e->base = 0;
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

/* Of a process's first such finding: the one that it is folded into where there were many. */
static struct entry *crowd(struct alert_fold *f, const struct alert_fold_keys *k,
			   const struct alert *al, alert_fold_fn *fn, void *ctx)
{
	const struct {
		uint64_t key;
		unsigned limit;
	} wider[] = { { k->alike, ALERT_FOLD_ALIKE }, { k->kin, ALERT_FOLD_KIN } };
	struct entry *found[2] = { NULL, NULL };

	for (unsigned i = 0; i < 2; i++) {
		struct entry *e = wider[i].key ? look_up(f, wider[i].key, al, fn, ctx) : NULL;
		if (e && e->before == wider[i].limit) {
			if (!e->count)
				begin(e, al);
			return e;
		}
		found[i] = e;
	}
	for (unsigned i = 0; i < 2; i++)
		if (found[i]) {
			found[i]->before++;
			found[i]->last = al->time;
		}
	return NULL;
}

/* Repeats of which the kernel told only some count all the same. */
static void count(struct entry *e, const struct alert_fold_keys *k)
{
	uint64_t untold = e->count && k->times > 1 ? k->times - 1 : 0;

	e->count += 1 + untold;
	if (k->number && e->count == 1)
		e->base = k->number - 1;
	if (k->number > e->base && k->number - e->base > e->count)
		e->count = k->number - e->base;
}

void alert_fold_add(struct alert_fold *f, const struct alert_fold_keys *k, struct alert *al,
		    alert_fold_fn *fn, void *ctx)
{
	struct entry *e = look_up(f, k->same, al, fn, ctx);
	struct entry *in = e->count ? NULL : crowd(f, k, al, fn, ctx);

	if (in) {
		in->count++;
		e = in;
	} else {
		count(e, k);
	}
	if (al->time > e->last)
		e->last = al->time;
	bool doubled = e->count >= 2 * e->told;
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

/* --- over a restart --- */

/* Of an entry, what outlives the process. */
struct saved {
	uint64_t key, count, first, last, sent, base;
	uint32_t before;
	char id[ALERT_ID_LEN];
};

void alert_fold_save(const struct alert_fold *f, struct buf *out)
{
	for (uint32_t i = f->oldest; i != NONE; i = f->entry[i].newer) {
		const struct entry *e = &f->entry[i];
		struct saved s;
		memset(&s, 0, sizeof(s));
		s.key = e->key;
		s.count = e->count;
		s.first = e->first;
		s.last = e->last;
		s.sent = e->sent;
		s.base = e->base;
		s.before = e->before;
		memcpy(s.id, e->id, sizeof(s.id));
		buf_put(out, &s, sizeof(s));
	}
}

static void restore_entry(struct alert_fold *f, const struct saved *s)
{
	uint32_t *bucket = bucket_of(f, s->key);
	struct entry *e = &f->entry[f->n++];

	*e = (struct entry){
		.key = s->key,
		.count = s->count,
		.first = s->first,
		.last = s->last,
		.sent = s->sent,
		.told = s->count,
		.base = s->base,
		.before = s->before,
		.chain = *bucket,
	};
	memcpy(e->id, s->id, sizeof(e->id));
	e->id[sizeof(e->id) - 1] = '\0';
	*bucket = (uint32_t)(e - f->entry);
	list_append(f, e);
}

int alert_fold_restore(struct alert_fold *f, const void *p, size_t len)
{
	struct saved s;

	if (len % sizeof(s) || len / sizeof(s) > ALERT_FOLD_ENTRIES)
		return -EBADMSG;
	for (unsigned i = 0; i < f->n; i++)
		drop_held(f, &f->entry[i]);
	f->n = 0;
	f->oldest = f->newest = NONE;
	memset(f->bucket, 0xff, sizeof(f->bucket));
	for (size_t at = 0; at < len; at += sizeof(s)) {
		memcpy(&s, (const char *)p + at, sizeof(s));
		if (!find(f, s.key))
			restore_entry(f, &s);
	}
	return 0;
}
