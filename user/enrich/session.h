/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that somebody logged in to from elsewhere, so that every event in one tells from where:
 * learnt from the stream's own `auth` events, by the address of the kernel's socket alone.
 *
 * A process is in the session of its nearest ancestor that reported a login (of OpenSSH, the
 * connection's monitor), so that sudo, su and what was left in the background stay in it and a
 * server that was started in a session has sessions of its own. Where no such ancestor is known any
 * more, its audit session id tells.
 *
 * They are kept over a restart of the sensor. Bounded: when there is no room, one that ended is
 * forgotten first, then the one that was not asked for longest.
 */
#ifndef REDSHANK_ENRICH_SESSION_H
#define REDSHANK_ENRICH_SESSION_H

#include "base/buf.h"
#include "enrich/address.h"

#define SESSIONS_MAX	 4096
#define SESSION_USER_MAX 64 /* bytes of a user's name that are kept */

struct session {
	uint32_t number; /* of the login, from 1, in struct proc */
	uint32_t pid; /* of the process that reported it */
	uint64_t start;
	uint32_t audit; /* audit session id; UINT32_MAX: none of its own */
	struct address from;
	uint32_t user_len;
	char user[SESSION_USER_MAX]; /* bytes */
	/* Owned by session.c: */
	bool ended;
	uint64_t asked; /* when somebody last asked for it */
	uint32_t next; /* of the same hash of audit session ids */
};

struct sessions;

int sessions_new(struct sessions **ret);
void sessions_free(struct sessions *s);

/* Takes an event with a process into account. Returns what its proc->login is from now on. */
uint32_t sessions_update(struct sessions *s, const struct event *ev);

/*
 * What is to be known after a restart of the sensor, as bytes and back: processes that ran before
 * it then find the session that they are in. restore: what was kept in another boot is left out;
 * -EBADMSG for bytes that save() did not make.
 */
void sessions_save(const void *sessions, struct buf *out);
int sessions_restore(void *sessions, const void *p, size_t len);

struct session_stats {
	uint64_t held, max;
	uint64_t evicted; /* forgotten, though nobody had said that it ended */
};
void sessions_get_stats(const struct sessions *s, struct session_stats *ret);

/* The session that the event's process is in; NULL if it is not known. Valid until the next
 * event. */
const struct session *session_of(const struct event *ev);

/* Derived fields. */
void session_get_id(const struct event *ev, struct value *ret);
void session_get_ip(const struct event *ev, struct value *ret);
void session_get_port(const struct event *ev, struct value *ret);
void session_get_user(const struct event *ev, struct value *ret);

#endif
