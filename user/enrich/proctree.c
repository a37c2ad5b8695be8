/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process table: a slab of slots, a hash over pid, and two LRU lists: running processes by last
 * change, ended ones by time of death. Links between processes are (slot, generation) pairs, so
 * that an evicted ancestor is simply not found any more.
 */
#include "enrich/proctree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrich/session.h"

#define NONE UINT32_MAX

struct lru {
	uint32_t first, last; /* first: evicted first */
};

struct proctree {
	struct proc *slot;
	uint32_t *bucket; /* pid hash: index of the first slot, then proc.hash_next */
	uint32_t slots, mask, used, free_head; /* slots above `used` were never taken */
	struct lru live, dead;
	size_t string_bytes, string_bytes_max;
	struct proctree_stats st;
	struct sessions *sessions;
};

/* --- lists --- */

static void lru_remove(struct proctree *t, struct lru *l, struct proc *p)
{
	if (p->lru_prev != NONE)
		t->slot[p->lru_prev].lru_next = p->lru_next;
	else
		l->first = p->lru_next;
	if (p->lru_next != NONE)
		t->slot[p->lru_next].lru_prev = p->lru_prev;
	else
		l->last = p->lru_prev;
}

static void lru_append(struct proctree *t, struct lru *l, struct proc *p)
{
	p->lru_next = NONE;
	p->lru_prev = l->last;
	if (l->last != NONE)
		t->slot[l->last].lru_next = p->slot;
	else
		l->first = p->slot;
	l->last = p->slot;
}

static uint32_t *bucket_of(const struct proctree *t, uint32_t pid)
{
	return &t->bucket[(pid * 2654435761U >> 8) & t->mask];
}

static void hash_remove(struct proctree *t, struct proc *p)
{
	for (uint32_t *at = bucket_of(t, p->pid); *at != NONE; at = &t->slot[*at].hash_next) {
		if (*at == p->slot) {
			*at = p->hash_next;
			return;
		}
	}
}

/* An inventory from /proc knows starts to this only (USER_HZ), rounded down. */
#define TICK_NS 10000000ULL

static bool same_start(uint64_t a, uint64_t b)
{
	return a == b || ((!(a % TICK_NS) || !(b % TICK_NS)) && a / TICK_NS == b / TICK_NS);
}

/* The process with this pid that started then. */
static struct proc *find(const struct proctree *t, uint32_t pid, uint64_t start)
{
	for (uint32_t i = *bucket_of(t, pid); i != NONE; i = t->slot[i].hash_next)
		if (t->slot[i].pid == pid && same_start(t->slot[i].start, start))
			return &t->slot[i];
	return NULL;
}

/* As find(); what is known of its start to a tick becomes exact with the first record that is. */
static struct proc *meet(struct proctree *t, uint32_t pid, uint64_t start)
{
	struct proc *p = find(t, pid, start);
	if (p && start > p->start)
		p->start = start;
	return p;
}

/* --- images --- */

static size_t image_size(const struct image *im)
{
	return sizeof(*im) + im->exe_len + im->args_len + im->cwd_len + im->tty_len +
	       im->cgpath_len;
}

static void image_put(struct proctree *t, const struct image *im)
{
	struct image *own = (struct image *)(uintptr_t)im;
	if (!own || --own->refs)
		return;
	t->string_bytes -= image_size(own);
	free(own);
}

static const struct image *image_get(const struct image *im)
{
	if (im)
		((struct image *)(uintptr_t)im)->refs++;
	return im;
}

struct image_src {
	const char *p;
	size_t len;
};

static const char *image_copy(char **to, struct image_src s, uint32_t *ret_len)
{
	char *at = *to;
	memcpy(at, s.p, s.len);
	*to += s.len;
	*ret_len = (uint32_t)s.len;
	return at;
}

/* The string fields that exec and proc records share. */
struct image_strs {
	struct image_src exe, args, cwd, tty, cgpath;
};

static const struct image *image_new(struct proctree *t, const struct image *facts,
				     struct image_strs *s)
{
	bool args_cut = s->args.len > PROC_ARGS_MAX;
	if (args_cut)
		s->args.len = PROC_ARGS_MAX;
	size_t n = sizeof(struct image) + s->exe.len + s->args.len + s->cwd.len + s->tty.len +
		   s->cgpath.len;
	struct image *im = malloc(n);
	if (!im)
		return NULL;
	*im = *facts;
	im->refs = 1;
	im->args_truncated |= args_cut;
	char *to = im->data;
	im->exe = image_copy(&to, s->exe, &im->exe_len);
	im->args = image_copy(&to, s->args, &im->args_len);
	im->cwd = image_copy(&to, s->cwd, &im->cwd_len);
	im->tty = image_copy(&to, s->tty, &im->tty_len);
	im->cgpath = image_copy(&to, s->cgpath, &im->cgpath_len);
	t->string_bytes += n;
	return im;
}

/* exec and proc records have the same fields, at different offsets. */
#define IMAGE_SRC(rec_, field_)                                               \
	{                                                                     \
		(const char *)(rec_) + (rec_)->field_.off, (rec_)->field_.len \
	}
#define IMAGE_OF(t_, rec_, key_)                                                                 \
	image_new(t_,                                                                            \
		  &(struct image){ .exe_dev = (rec_)->exe_dev,                                   \
				   .exe_nlink = (rec_)->exe_nlink,                               \
				   .exe_mode = (rec_)->exe_mode,                                 \
				   .exe_uid = (rec_)->exe_uid,                                   \
				   .exe_gid = (rec_)->exe_gid,                                   \
				   .exe_origin = (rec_)->exe_origin,                             \
				   .exe_flags = (rec_)->exe_flags,                               \
				   .exe_ino = (rec_)->exe_ino,                                   \
				   .exe_size = (rec_)->exe_size,                                 \
				   .exe_magic = (rec_)->exe_magic,                               \
				   .uid = (rec_)->hdr.uid,                                       \
				   .euid = (rec_)->hdr.euid,                                     \
				   .suid = (rec_)->suid,                                         \
				   .userns = (rec_)->userns,                                     \
				   .cap_permitted = (rec_)->cap_permitted,                       \
				   .args_truncated =                                             \
					   !!((rec_)->hdr.truncated >> EVF_##key_##_args & 1) }, \
		  &(struct image_strs){ IMAGE_SRC(rec_, exe), IMAGE_SRC(rec_, args),             \
					IMAGE_SRC(rec_, cwd), IMAGE_SRC(rec_, tty),              \
					IMAGE_SRC(rec_, cgpath) })

/* Images are shared and const to all others: what is learnt is true of all who run it. */
void image_set_hash(const struct image *im, const char *sha256, const char *missing)
{
	struct image *learnt = (struct image *)im;

	snprintf(learnt->sha256, sizeof(learnt->sha256), "%s", sha256);
	learnt->sha256_missing = missing;
}

/* --- slots --- */

static void evict(struct proctree *t, struct proc *p)
{
	if (p->exit_time) {
		lru_remove(t, &t->dead, p);
		t->st.dead--;
		t->st.evicted_dead++;
	} else {
		lru_remove(t, &t->live, p);
		t->st.live--;
		t->st.evicted_live++;
	}
	hash_remove(t, p);
	image_put(t, p->image);
	image_put(t, p->prev_image);
	uint32_t gen = p->gen + 1, slot = p->slot;
	memset(p, 0, sizeof(*p));
	p->gen = gen;
	p->slot = slot;
	p->hash_next = t->free_head;
	t->free_head = slot;
}

/* Makes room by forgetting: the longest dead, or else the running process that was idle longest. */
static bool evict_one(struct proctree *t)
{
	uint32_t i = t->dead.first != NONE ? t->dead.first : t->live.first;
	if (i == NONE)
		return false;
	evict(t, &t->slot[i]);
	return true;
}

static void bound_strings(struct proctree *t)
{
	while (t->string_bytes > t->string_bytes_max && t->dead.first != NONE)
		evict(t, &t->slot[t->dead.first]);
	/* Only running ones are left: keep them, but not what they ran before, */
	for (uint32_t i = t->live.first; t->string_bytes > t->string_bytes_max && i != NONE;) {
		struct proc *p = &t->slot[i];
		i = p->lru_next;
		image_put(t, p->prev_image);
		p->prev_image = NULL;
	}
	/* unless that is not enough. */
	while (t->string_bytes > t->string_bytes_max && t->live.first != NONE)
		evict(t, &t->slot[t->live.first]);
}

static struct proc *add(struct proctree *t, uint32_t pid, uint64_t start)
{
	if (t->free_head == NONE && t->used == t->slots)
		evict_one(t);
	struct proc *p;
	if (t->free_head != NONE) {
		p = &t->slot[t->free_head];
		t->free_head = p->hash_next;
	} else {
		p = &t->slot[t->used];
		p->slot = t->used++;
	}
	p->pid = pid;
	p->start = start;
	p->parent_slot = NONE;
	uint32_t *b = bucket_of(t, pid);
	p->hash_next = *b;
	*b = p->slot;
	lru_append(t, &t->live, p);
	t->st.live++;
	return p;
}

/*
 * A creator is older than what it created, or (at boot, when the clock stands still) has the lower
 * pid. What records claim against that is not followed: so there are no cycles.
 */
static bool precedes(const struct proc *parent, const struct proc *p)
{
	return parent->start < p->start || (parent->start == p->start && parent->pid < p->pid);
}

static const struct proc *parent_of(const struct proctree *t, const struct proc *p)
{
	/* Not known when p was: an inventory goes by pid, and pids wrap. */
	if (p->parent_slot == NONE) {
		const struct proc *q = p->parent_start ? find(t, p->ppid, p->parent_start) : NULL;
		return q && precedes(q, p) ? q : NULL;
	}
	const struct proc *q = &t->slot[p->parent_slot];
	return q->gen == p->parent_gen && q->pid ? q : NULL;
}

static void set_parent(struct proctree *t, struct proc *p, const struct ev_hdr *h)
{
	p->ppid = h->ppid;
	p->parent_start = h->parent_start;
	const struct proc *parent = meet(t, h->ppid, h->parent_start);
	if (!parent || !precedes(parent, p))
		return;
	p->parent_slot = parent->slot;
	p->parent_gen = parent->gen;
	p->login = parent->login;
}

/* What every record says of its process. Of two ring buffers, one may be behind the other. */
static void refresh(struct proc *p, const struct ev_hdr *h)
{
	if (h->time < p->updated)
		return;
	p->updated = h->time;
	p->vpid = h->vpid;
	p->uid = h->uid;
	p->gid = h->gid;
	p->euid = h->euid;
	p->egid = h->egid;
	p->loginuid = h->loginuid;
	p->session = h->session;
	p->pidns = h->pidns;
	p->mntns = h->mntns;
	p->cgroup = h->cgroup;
	if (h->pid == h->tid)
		memcpy(p->comm, h->name, sizeof(p->comm));
}

static void inherit(struct proctree *t, struct proc *p)
{
	const struct proc *parent = parent_of(t, p);
	if (!parent || p->image)
		return;
	p->image = image_get(parent->image);
}

static void set_image(struct proctree *t, struct proc *p, const struct image *im)
{
	if (!im)
		return;
	image_put(t, p->prev_image);
	p->prev_image = p->image;
	p->image = im;
}

static void end(struct proctree *t, struct proc *p, uint64_t time)
{
	if (p->exit_time)
		return;
	lru_remove(t, &t->live, p);
	p->exit_time = time;
	lru_append(t, &t->dead, p);
	t->st.live--;
	t->st.dead++;
}

/* --- interface --- */

int proctree_new(unsigned slots, size_t string_bytes_max, struct proctree **ret)
{
	struct proctree *t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->slots = slots < 16 ? 16 : slots;
	uint32_t buckets = 16;
	while (buckets < t->slots && buckets < 1U << 30)
		buckets *= 2;
	t->mask = buckets - 1;
	t->string_bytes_max = string_bytes_max;
	t->free_head = NONE;
	t->live = t->dead = (struct lru){ NONE, NONE };
	t->slot = calloc(t->slots, sizeof(*t->slot)); /* untouched pages cost nothing */
	t->bucket = malloc(buckets * sizeof(*t->bucket));
	if (!t->slot || !t->bucket || sessions_new(&t->sessions)) {
		proctree_free(t);
		return -ENOMEM;
	}
	memset(t->bucket, 0xff, buckets * sizeof(*t->bucket));
	*ret = t;
	return 0;
}

void proctree_free(struct proctree *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; t->slot && i < t->used; i++) {
		image_put(t, t->slot[i].image);
		image_put(t, t->slot[i].prev_image);
	}
	free(t->slot);
	free(t->bucket);
	sessions_free(t->sessions);
	free(t);
}

/* Ended processes stay for late events and as ancestors, but a reused pid must not find them. */
static struct proc *look_up(struct proctree *t, const struct ev_hdr *h)
{
	struct proc *p = meet(t, h->pid, h->start);
	if (p && p->ppid == h->ppid && p->parent_start < h->parent_start &&
	    meet(t, h->ppid, h->parent_start))
		p->parent_start = h->parent_start;
	if (p && !p->exit_time) { /* the idle ones are to be evicted before the busy ones */
		lru_remove(t, &t->live, p);
		lru_append(t, &t->live, p);
	}
	if (p)
		return p;
	if (!h->pid)
		return NULL;
	if (h->type != EV_fork && h->type != EV_proc)
		t->st.unknown++;
	p = add(t, h->pid, h->start);
	set_parent(t, p, h);
	inherit(t, p); /* what its creator runs is the best guess until it says otherwise */
	return p;
}

void proctree_update(struct proctree *t, struct event *ev)
{
	const struct ev_hdr *h = ev->rec;

	ev->tree = t;
	ev->proc = NULL;
	if (h->type == EV_host || h->type == EV_gap)
		return;
	struct proc *p = look_up(t, h);
	if (!p)
		return;
	refresh(p, h);
	switch (h->type) {
	case EV_exec:
		set_image(t, p, IMAGE_OF(t, EVENT_AS(exec, ev), exec));
		p->exec_time = h->time;
		break;
	case EV_proc:
		if (p->image && p->exec_time)
			break; /* an exec record has already told more */
		image_put(t, p->image);
		p->image = IMAGE_OF(t, EVENT_AS(proc, ev), proc);
		break;
	case EV_exit:
		end(t, p, h->time);
		break;
	default:
		break;
	}
	ev->proc = p;
	p->login = sessions_update(t->sessions, ev);
	bound_strings(t);
	if (ev->proc && !p->pid) /* the bound was so small that it took this one */
		ev->proc = NULL;
}

const struct proc *proctree_find(const struct proctree *t, uint32_t pid, uint64_t start)
{
	return find(t, pid, start);
}

bool proctree_ended(struct proctree *t, const struct ev_hdr *h)
{
	const struct proc *p = find(t, h->pid, h->start);
	return p && p->exit_time;
}

const struct proc *proctree_parent(const struct proctree *t, const struct proc *p)
{
	return parent_of(t, p);
}

unsigned proctree_ancestors(const struct proctree *t, const struct proc *p, const struct proc **ret,
			    unsigned max)
{
	unsigned n = 0;
	while (n < max && (p = parent_of(t, p)))
		ret[n++] = p;
	return n;
}

struct sessions *proctree_sessions(const struct proctree *t)
{
	return t->sessions;
}

void proctree_get_stats(const struct proctree *t, struct proctree_stats *ret)
{
	*ret = t->st;
	ret->slots = t->slots;
	ret->string_bytes = t->string_bytes;
	ret->string_bytes_max = t->string_bytes_max;
}
