/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots of sessions. A number is a slot and its generation, so that a process of a forgotten
 * session simply finds none.
 */
#include "enrich/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "enrich/proctree.h"

#define BUCKETS 1024
#define NONE	UINT32_MAX

struct sessions {
	uint32_t used; /* slots above were never taken */
	uint32_t nrestored; /* of these, the first ones: from before the sensor's start */
	uint64_t clock; /* counts questions */
	struct session_stats st;
	uint32_t by_audit[BUCKETS];
	struct session slot[SESSIONS_MAX];
};

int sessions_new(struct sessions **ret)
{
	struct sessions *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	memset(s->by_audit, 0xff, sizeof(s->by_audit));
	*ret = s;
	return 0;
}

void sessions_free(struct sessions *s)
{
	free(s);
}

void sessions_get_stats(const struct sessions *s, struct session_stats *ret)
{
	*ret = s->st;
	ret->held = s->used;
	ret->max = SESSIONS_MAX;
}

/* --- finding --- */

static struct session *by_number(struct sessions *s, uint32_t number)
{
	struct session *e = &s->slot[number % SESSIONS_MAX];

	return number && e->number == number ? e : NULL;
}

static struct session *by_audit(struct sessions *s, uint32_t audit)
{
	if (audit == NONE)
		return NULL;
	for (uint32_t i = s->by_audit[audit % BUCKETS]; i != NONE; i = s->slot[i].next)
		if (s->slot[i].audit == audit)
			return &s->slot[i];
	return NULL;
}

/* The session whose login this process reported. */
static struct session *reported_by(struct sessions *s, const struct proc *p)
{
	struct session *e = by_number(s, p->login);

	return e && e->pid == p->pid && e->start == p->start ? e : NULL;
}

/*
 * By the nearest ancestor. A process has its creator's number too, of the time when it was created:
 * longer chains than are followed lose nothing by it.
 */
static struct session *by_descent(struct sessions *s, const struct proctree *t,
				  const struct proc *p)
{
	const struct proc *above[PROC_ANCESTORS_MAX];
	struct session *e = reported_by(s, p);

	if (e)
		return e;
	unsigned n = proctree_ancestors(t, p, above, PROC_ANCESTORS_MAX);
	for (unsigned i = 0; i < n && !e; i++)
		e = reported_by(s, above[i]);
	return e ? e : by_number(s, p->login);
}

const struct session *session_of(const struct event *ev)
{
	struct sessions *s = ev->tree ? proctree_sessions(ev->tree) : NULL;
	struct session *e = NULL;

	if (!s || !s->used)
		return NULL;
	if (ev->proc)
		e = by_descent(s, ev->tree, ev->proc);
	if (!e)
		e = by_audit(s, ev->rec->session);
	if (e)
		e->asked = ++s->clock;
	return e;
}

/* --- learning --- */

static void forget_audit(struct sessions *s, struct session *e)
{
	if (e->audit == NONE)
		return;
	uint32_t *at = &s->by_audit[e->audit % BUCKETS];
	while (*at != (uint32_t)(e - s->slot))
		at = &s->slot[*at].next;
	*at = e->next;
	e->audit = NONE;
}

/* The first number of a slot is not 0. */
static void begin(struct sessions *s, struct session *e, uint32_t pid, uint64_t start)
{
	*e = (struct session){
		.number = e->number ? e->number + SESSIONS_MAX
				    : (uint32_t)(e - s->slot) + SESSIONS_MAX,
		.pid = pid,
		.start = start,
		.audit = NONE,
	};
}

static void set_audit(struct sessions *s, struct session *e, uint32_t audit)
{
	e->audit = audit;
	e->next = s->by_audit[audit % BUCKETS];
	s->by_audit[audit % BUCKETS] = (uint32_t)(e - s->slot);
}

/*
 * A server that was started in a session, and doesn't begin audit sessions of its own, reports that
 * session's id.
 */
static bool owns_audit(struct sessions *s, const struct event *ev, uint32_t audit)
{
	const struct proc *parent = proctree_parent(ev->tree, ev->proc);

	return audit != NONE && !(parent && parent->session == audit) && !by_audit(s, audit);
}

static void learn_audit(struct sessions *s, struct session *e, const struct event *ev)
{
	uint32_t audit = EVENT_AS(auth, ev)->session;

	if (!owns_audit(s, ev, audit))
		return;
	forget_audit(s, e);
	set_audit(s, e, audit);
}

static bool goes_before(const struct session *a, const struct session *b)
{
	return a->ended != b->ended ? a->ended : a->asked < b->asked;
}

static struct session *take_slot(struct sessions *s)
{
	struct session *e = &s->slot[0];

	if (s->used < SESSIONS_MAX)
		return &s->slot[s->used++];
	for (unsigned i = 1; i < SESSIONS_MAX; i++)
		if (goes_before(&s->slot[i], e))
			e = &s->slot[i];
	s->st.evicted += !e->ended;
	forget_audit(s, e);
	return e;
}

static bool begins(const struct ev_auth *a)
{
	return a->verified && a->outcome == AUTH_IS_success &&
	       (a->action == AUTH_login || a->action == AUTH_session_start ||
		a->action == AUTH_authenticate);
}

static uint32_t learn(struct sessions *s, const struct event *ev)
{
	const struct ev_auth *a = EVENT_AS(auth, ev);
	struct session *e = reported_by(s, ev->proc);
	struct address from;
	size_t len;

	if (!address_of(ev, &from))
		return ev->proc->login;
	const char *user = rec_str(ev->rec, a->user, &len);
	if (!e) {
		e = take_slot(s);
		begin(s, e, ev->proc->pid, ev->proc->start);
	}
	e->from = from;
	e->ended = false;
	e->asked = ++s->clock;
	if (len) {
		e->user_len = (uint32_t)(len < SESSION_USER_MAX ? len : SESSION_USER_MAX);
		memcpy(e->user, user, e->user_len);
	}
	learn_audit(s, e, ev);
	return e->number;
}

/* Which reported one that is known from before the sensor's start? */
static struct session *restored(struct sessions *s, const struct proc *p)
{
	for (uint32_t i = 0; i < s->nrestored; i++)
		if (s->slot[i].pid == p->pid && s->slot[i].start == p->start)
			return &s->slot[i];
	return NULL;
}

uint32_t sessions_update(struct sessions *s, const struct event *ev)
{
	struct session *e;

	if (ev->rec->type == EV_proc && s->nrestored) {
		e = restored(s, ev->proc);
		if (e)
			return e->number;
	} else if (ev->rec->type == EV_exit) {
		e = s->used ? reported_by(s, ev->proc) : NULL;
		if (e)
			e->ended = true;
	} else if (ev->rec->type == EV_auth) {
		const struct ev_auth *a = EVENT_AS(auth, ev);
		if (begins(a))
			return learn(s, ev);
		e = a->verified && a->action == AUTH_session_end ? by_audit(s, a->session) : NULL;
		if (e)
			e->ended = true;
	}
	return ev->proc->login;
}

/* --- over a restart --- */

#define BOOT_ID_LEN 40 /* of /proc's line, with its NUL, to a multiple of 8 */

struct saved {
	uint64_t start;
	uint32_t pid, audit;
	struct address from;
	bool ended;
	uint32_t user_len;
	char user[SESSION_USER_MAX];
};

/* It comes first: processes' start times are of a boot. */
static void boot_id(char ret[BOOT_ID_LEN])
{
	memset(ret, 0, BOOT_ID_LEN);
	file_slurp(AT_FDCWD, "/proc/sys/kernel/random/boot_id", ret, BOOT_ID_LEN);
}

void sessions_save(const void *sessions, struct buf *out)
{
	const struct sessions *s = sessions;
	char boot[BOOT_ID_LEN];

	boot_id(boot);
	buf_put(out, boot, sizeof(boot));
	for (uint32_t i = 0; i < s->used; i++) {
		const struct session *e = &s->slot[i];
		struct saved one;
		memset(&one, 0, sizeof(one)); /* what lies between the members, too */
		one.start = e->start;
		one.pid = e->pid;
		one.audit = e->audit;
		one.from = e->from;
		one.ended = e->ended;
		one.user_len = e->user_len;
		memcpy(one.user, e->user, e->user_len);
		buf_put(out, &one, sizeof(one));
	}
}

int sessions_restore(void *sessions, const void *p, size_t len)
{
	struct sessions *s = sessions;
	char boot[BOOT_ID_LEN];
	struct saved one;

	if (len < sizeof(boot) || (len - sizeof(boot)) % sizeof(one))
		return -EBADMSG;
	boot_id(boot);
	if (memcmp(p, boot, sizeof(boot)) != 0)
		return 0;
	size_t n = (len - sizeof(boot)) / sizeof(one);
	for (size_t i = 0; i < n && s->used < SESSIONS_MAX; i++) {
		memcpy(&one, (const char *)p + sizeof(boot) + i * sizeof(one), sizeof(one));
		if (one.user_len > SESSION_USER_MAX)
			continue;
		struct session *e = take_slot(s);
		begin(s, e, one.pid, one.start);
		e->from = one.from;
		e->ended = one.ended;
		e->user_len = one.user_len;
		memcpy(e->user, one.user, one.user_len);
		if (one.audit != NONE && !by_audit(s, one.audit))
			set_audit(s, e, one.audit);
	}
	s->nrestored = s->used;
	return 0;
}

/* --- derived fields --- */

void session_get_id(const struct event *ev, struct value *ret)
{
	const struct session *e = session_of(ev);
	char id[ENTITY_ID_LEN];

	if (!e)
		return;
	entity_id(ev->host, e->pid, e->start, id);
	value_printf(ret, "%s", id);
}

void session_get_ip(const struct event *ev, struct value *ret)
{
	const struct session *e = session_of(ev);

	if (e)
		address_ip(&e->from, ret);
}

void session_get_port(const struct event *ev, struct value *ret)
{
	const struct session *e = session_of(ev);

	if (e)
		value_num(ret, e->from.port);
}

/* In tmp, because the slot may be another session's before the value is used. */
void session_get_user(const struct event *ev, struct value *ret)
{
	const struct session *e = session_of(ev);

	if (e && e->user_len)
		value_printf(ret, "%.*s", (int)e->user_len, e->user);
}
