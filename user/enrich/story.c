/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slab of notes. Each is in the list of its process, newest first, and in one of two lists by
 * age: of running processes and of ended ones. A slot of the process table that was given to
 * another process is told by its generation; the notes of the former one are then free.
 */
#include "enrich/story.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define NONE UINT32_MAX

struct list {
	uint32_t first, last; /* first: evicted first */
};

/* By slot of the process table. */
struct owner {
	uint32_t gen; /* of whose notes they are, and one more; 0: of nobody's */
	uint32_t newest, n;
	bool dead;
};

struct story {
	struct story_limits limits;
	unsigned slots;
	uint32_t used, free_head; /* notes above `used` were never taken */
	struct list live, dead;
	struct owner *owner;
	struct story_note *note;
	struct story_stats st;
};

static struct list *list_of(struct story *s, const struct story_note *n)
{
	return n->dead ? &s->dead : &s->live;
}

static void list_remove(struct story *s, struct story_note *n)
{
	struct list *l = list_of(s, n);

	*(n->prev == NONE ? &l->first : &s->note[n->prev].next) = n->next;
	*(n->next == NONE ? &l->last : &s->note[n->next].prev) = n->prev;
}

static void list_append(struct story *s, struct story_note *n)
{
	struct list *l = list_of(s, n);
	uint32_t i = (uint32_t)(n - s->note);

	n->prev = l->last;
	n->next = NONE;
	*(l->last == NONE ? &l->first : &s->note[l->last].next) = i;
	l->last = i;
}

/* Takes the note out of its process's list and gives it back. */
static void forget(struct story *s, struct story_note *n)
{
	uint32_t i = (uint32_t)(n - s->note), *at = &s->owner[n->owner].newest;

	while (*at != i)
		at = &s->note[*at].sibling;
	*at = n->sibling;
	s->owner[n->owner].n--;
	list_remove(s, n);
	n->sibling = s->free_head;
	s->free_head = i;
	s->st.notes--;
}

/* The process's own, empty if the slot was another one's. */
static struct owner *owner_of(struct story *s, const struct proc *p)
{
	struct owner *o = &s->owner[p->slot];

	if (o->gen == p->gen + 1)
		return o;
	while (o->gen && o->newest != NONE)
		forget(s, &s->note[o->newest]);
	*o = (struct owner){ .gen = p->gen + 1, .newest = NONE, .dead = p->exit_time != 0 };
	return o;
}

static struct story_note *take(struct story *s)
{
	if (s->free_head == NONE && s->used == s->limits.notes) {
		uint32_t i = s->dead.first;
		if (i == NONE) {
			i = s->live.first;
			s->st.evicted++;
		}
		forget(s, &s->note[i]);
	}
	s->st.notes++;
	if (s->free_head == NONE)
		return &s->note[s->used++];
	struct story_note *n = &s->note[s->free_head];
	s->free_head = n->sibling;
	return n;
}

static bool is_own_exec(const struct story_note *n, const struct proc *p)
{
	return n->type == EV_exec && n->pid == p->pid && n->start == p->start;
}

/* Has the process done the like since? By the same program, or under the same name. */
static bool is_outdone(const struct story *s, const struct owner *o, uint32_t at)
{
	const struct story_note *n = &s->note[at];

	for (uint32_t i = o->newest; i != at; i = s->note[i].sibling)
		if (s->note[i].type == n->type &&
		    !memcmp(s->note[i].name, n->name, sizeof(n->name)))
			return true;
	return false;
}

/*
 * Room for one more. What the process runs stays; of the others the oldest goes that the like of
 * was done since, so that many calls of one program don't push out the one call of another.
 */
static void make_room(struct story *s, struct owner *o, const struct proc *p)
{
	uint32_t oldest = NONE, outdone = NONE;
	bool program = false;

	if (o->n < s->limits.per_process)
		return;
	for (uint32_t i = o->newest; i != NONE; i = s->note[i].sibling) {
		bool kept = !program && is_own_exec(&s->note[i], p);
		program |= kept;
		if (kept)
			continue;
		oldest = i;
		if (is_outdone(s, o, i))
			outdone = i;
	}
	if (outdone != NONE)
		oldest = outdone;
	forget(s, &s->note[oldest != NONE ? oldest : o->newest]);
}

static struct story_note *find(struct story *s, const struct owner *o, uint64_t hash)
{
	for (uint32_t i = o->newest; i != NONE; i = s->note[i].sibling)
		if (s->note[i].hash == hash)
			return &s->note[i];
	return NULL;
}

static struct story_note *make(struct story *s, const struct proc *p, uint64_t hash)
{
	struct owner *o = owner_of(s, p);
	struct story_note *n;

	make_room(s, o, p);
	n = take(s);
	n->owner = p->slot;
	n->sibling = o->newest;
	n->dead = o->dead;
	n->hash = hash;
	n->count = 0;
	o->newest = (uint32_t)(n - s->note);
	o->n++;
	list_append(s, n);
	return n;
}

/* Whole characters only, and an ellipsis for what is not there. */
static void put_text(struct story_note *n, const char *text, size_t len)
{
	static const char more[] = "\xE2\x80\xA6";
	bool cut = len > STORY_TEXT;

	if (cut) {
		len = STORY_TEXT - (sizeof(more) - 1);
		while (len && ((unsigned char)text[len] & 0xC0) == 0x80)
			len--;
	}
	memcpy(n->text, text, len);
	if (cut) {
		memcpy(n->text + len, more, sizeof(more) - 1);
		len += sizeof(more) - 1;
	}
	n->len = (uint32_t)len;
}

/* For p, what the process of the event did. */
static void note(struct story *s, const struct proc *p, const struct event *ev, const char *text,
		 size_t len)
{
	const struct ev_hdr *h = ev->rec;
	bool own = p == ev->proc;
	uint64_t hash = hash_bytes(hash_bytes(HASH_INIT, &h->type, sizeof(h->type)), &own, 1);
	hash = hash_bytes(hash, text, len);
	struct story_note *n = find(s, owner_of(s, p), hash);

	if (!n)
		n = make(s, p, hash);
	if (!n->count++) {
		n->first = h->time;
		n->type = h->type;
		put_text(n, text, len);
	}
	n->last = h->time;
	n->seq = ev->seq;
	n->pid = h->pid;
	n->start = h->start;
	memcpy(n->name, h->name, sizeof(n->name));
}

/* From now on its notes are the first to go. */
static void end(struct story *s, const struct proc *p)
{
	struct owner *o = owner_of(s, p);

	o->dead = true;
	for (uint32_t i = o->newest; i != NONE; i = s->note[i].sibling) {
		list_remove(s, &s->note[i]);
		s->note[i].dead = true;
		list_append(s, &s->note[i]);
	}
}

/* Whom the event is told of besides its own process. */
static const struct proc *other(const struct event *ev)
{
	if (ev->desc->id == EV_exec)
		return proctree_parent(ev->tree, ev->proc);
	if (ev->desc->id == EV_access)
		return proctree_find(ev->tree, EVENT_AS(access, ev)->target_pid,
				     EVENT_AS(access, ev)->target_start);
	return NULL;
}

/* --- interface --- */

int story_new(const struct story_limits *l, unsigned slots, struct story **ret)
{
	struct story *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->limits = *l;
	s->slots = slots;
	s->free_head = NONE;
	s->live = s->dead = (struct list){ NONE, NONE };
	s->owner = calloc(slots + 1U, sizeof(*s->owner)); /* untouched pages cost nothing */
	s->note = calloc(l->notes + 1U, sizeof(*s->note));
	if (!s->owner || !s->note) {
		story_free(s);
		return -ENOMEM;
	}
	s->st.notes_max = l->notes;
	*ret = s;
	return 0;
}

void story_free(struct story *s)
{
	if (!s)
		return;
	free(s->owner);
	free(s->note);
	free(s);
}

static bool is_told(const struct story *s)
{
	return s->limits.notes && s->limits.per_process;
}

bool story_wants(const struct story *s, const struct event *ev)
{
	if (!is_told(s))
		return false;
	switch (ev->desc->id) {
	case EV_fork:
	case EV_exit:
	case EV_proc:
	case EV_host:
	case EV_gap:
	case EV_rename:
	case EV_heartbeat:
	case EV_auth_text: /* auth says it in one */
	case EV_pam:
		return false;
	default:
		return true;
	}
}

void story_add(struct story *s, const struct event *ev, const char *text, size_t len)
{
	if (!is_told(s) || !ev->proc || !ev->tree)
		return;
	if (ev->desc->id == EV_exit) {
		end(s, ev->proc);
		return;
	}
	const struct proc *p = other(ev);
	note(s, ev->proc, ev, text, len);
	if (p && p != ev->proc && p->pid != 1)
		note(s, p, ev, text, len);
}

/* Oldest first; of the same event, which two processes have noted, one. */
static unsigned insert(const struct story_note **ret, unsigned n, const struct story_note *note)
{
	unsigned at = n;

	for (unsigned i = 0; i < n; i++)
		if (ret[i]->seq == note->seq)
			return n;
	for (; at && ret[at - 1]->last > note->last; at--)
		ret[at] = ret[at - 1];
	ret[at] = note;
	return n + 1;
}

unsigned story_of(const struct story *s, const struct event *ev,
		  const struct story_note *ret[STORY_ALERT_MAX])
{
	const struct proc *chain[1 + PROC_ANCESTORS_MAX] = { ev->proc };
	unsigned n = 0, nchain = 1;

	if (!ev->proc || !ev->tree || !s->limits.notes)
		return 0;
	nchain += proctree_ancestors(ev->tree, ev->proc, chain + 1, PROC_ANCESTORS_MAX);
	for (unsigned i = 0; i < nchain; i++) {
		const struct proc *p = chain[i];
		const struct owner *o = &s->owner[p->slot];
		bool related = p == ev->proc || (p->pid != 1 && p->cgroup == ev->proc->cgroup);
		if (o->gen != p->gen + 1)
			continue;
		for (uint32_t k = o->newest; k != NONE && n < s->limits.per_alert;
		     k = s->note[k].sibling) {
			const struct story_note *note = &s->note[k];
			bool own = note->pid == p->pid && note->start == p->start;
			bool judged = note->seq == ev->seq && note->count == 1;
			if ((own || related) && !judged)
				n = insert(ret, n, note);
		}
	}
	return n;
}

void story_get_stats(const struct story *s, struct story_stats *ret)
{
	*ret = s->st;
}
