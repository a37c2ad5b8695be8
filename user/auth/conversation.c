/* SPDX-License-Identifier: Apache-2.0 */
/* The table of conversations: slots, two hashes, one list by age. */
#include "auth/conversation.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define NONE UINT32_MAX

struct conversations {
	unsigned max, used, held, mask; /* slots from `used` on were never taken */
	uint32_t newest, oldest, free;
	uint32_t *by_sock, *by_proc;
	struct conversation slot[];
};

int conversations_new(unsigned max, struct conversations **ret)
{
	/* Untouched pages cost nothing. */
	struct conversations *t = calloc(1, sizeof(*t) + max * sizeof(t->slot[0]));
	unsigned buckets = 16;

	if (!t)
		return -ENOMEM;
	while (buckets < max)
		buckets *= 2;
	t->max = max;
	t->mask = buckets - 1;
	t->newest = t->oldest = t->free = NONE;
	t->by_sock = malloc(buckets * sizeof(*t->by_sock));
	t->by_proc = malloc(buckets * sizeof(*t->by_proc));
	if (!t->by_sock || !t->by_proc) {
		conversations_free(t);
		return -ENOMEM;
	}
	memset(t->by_sock, 0xff, buckets * sizeof(*t->by_sock));
	memset(t->by_proc, 0xff, buckets * sizeof(*t->by_proc));
	*ret = t;
	return 0;
}

void conversations_free(struct conversations *t)
{
	if (!t)
		return;
	free(t->by_sock);
	free(t->by_proc);
	free(t);
}

static uint32_t index_of(const struct conversations *t, const struct conversation *c)
{
	return (uint32_t)(c - t->slot);
}

/* --- by age --- */

static void unlink_age(struct conversations *t, struct conversation *c)
{
	*(c->newer == NONE ? &t->newest : &t->slot[c->newer].older) = c->older;
	*(c->older == NONE ? &t->oldest : &t->slot[c->older].newer) = c->newer;
}

static void link_newest(struct conversations *t, struct conversation *c)
{
	uint32_t i = index_of(t, c);

	c->newer = NONE;
	c->older = t->newest;
	*(t->newest == NONE ? &t->oldest : &t->slot[t->newest].newer) = i;
	t->newest = i;
}

static struct conversation *spoke(struct conversations *t, uint32_t i)
{
	if (i == NONE)
		return NULL;
	unlink_age(t, &t->slot[i]);
	link_newest(t, &t->slot[i]);
	return &t->slot[i];
}

/* --- by name --- */

static uint32_t *sock_bucket(const struct conversations *t, uint64_t sock)
{
	return &t->by_sock[hash_bytes(HASH_INIT, &sock, sizeof(sock)) & t->mask];
}

static uint32_t *proc_bucket(const struct conversations *t, uint32_t pid, uint64_t start)
{
	uint64_t h = hash_bytes(HASH_INIT, &pid, sizeof(pid));
	return &t->by_proc[hash_bytes(h, &start, sizeof(start)) & t->mask];
}

struct conversation *conversation_of_socket(struct conversations *t, uint64_t sock)
{
	uint32_t i = *sock_bucket(t, sock);

	while (i != NONE && t->slot[i].sock != sock)
		i = t->slot[i].sock_next;
	return spoke(t, i);
}

struct conversation *conversation_of_process(struct conversations *t, uint32_t pid, uint64_t start,
					     uint64_t exec_time)
{
	uint32_t i = *proc_bucket(t, pid, start);

	for (; i != NONE; i = t->slot[i].proc_next) {
		const struct auth_sender *who = &t->slot[i].who;
		if (who->hdr.pid == pid && who->hdr.start == start && who->exec_time == exec_time)
			break;
	}
	return spoke(t, i);
}

static void link_names(struct conversations *t, struct conversation *c)
{
	uint32_t *b = proc_bucket(t, c->who.hdr.pid, c->who.hdr.start);

	c->proc_next = *b;
	*b = index_of(t, c);
	if (!c->sock)
		return;
	b = sock_bucket(t, c->sock);
	c->sock_next = *b;
	*b = index_of(t, c);
}

static void unlink_names(struct conversations *t, struct conversation *c)
{
	uint32_t i = index_of(t, c), *at = proc_bucket(t, c->who.hdr.pid, c->who.hdr.start);

	while (*at != i)
		at = &t->slot[*at].proc_next;
	*at = c->proc_next;
	if (!c->sock)
		return;
	for (at = sock_bucket(t, c->sock); *at != i;)
		at = &t->slot[*at].sock_next;
	*at = c->sock_next;
}

/* --- life --- */

struct conversation *conversation_oldest(struct conversations *t)
{
	return t->held < t->max ? NULL : &t->slot[t->oldest];
}

struct conversation *conversation_add(struct conversations *t, const struct auth_sender *who)
{
	uint32_t i = t->free != NONE ? t->free : t->used++;
	struct conversation *c = &t->slot[i];

	if (i == t->free)
		t->free = c->older;
	memset(c, 0, sizeof(*c));
	c->used = true;
	c->who = *who;
	c->sock = who->sock;
	c->a.uid = c->a.session = c->a.loginuid = UINT32_MAX;
	link_names(t, c);
	link_newest(t, c);
	t->held++;
	return c;
}

void conversation_set_who(struct conversations *t, struct conversation *c,
			  const struct auth_sender *who)
{
	unlink_names(t, c);
	c->who = *who;
	if (!c->sock)
		c->sock = who->sock;
	link_names(t, c);
}

void conversation_forget(struct conversations *t, struct conversation *c)
{
	unlink_names(t, c);
	unlink_age(t, c);
	c->used = false;
	c->older = t->free;
	t->free = index_of(t, c);
	t->held--;
}

struct conversation *conversation_next(struct conversations *t, unsigned *at)
{
	while (*at < t->used) {
		struct conversation *c = &t->slot[(*at)++];
		if (c->used)
			return c;
	}
	return NULL;
}

unsigned conversations_held(const struct conversations *t)
{
	return t->held;
}
