/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations: what one connection or process says of logins, one attempt after the other. A
 * table of them, found by socket or by process, bounded by forgetting the one that was quiet
 * longest.
 */
#ifndef REDSHANK_AUTH_CONVERSATION_H
#define REDSHANK_AUTH_CONVERSATION_H

#include "auth/sender.h"

enum attempt_state {
	ATTEMPT_none,
	ATTEMPT_open,
	ATTEMPT_told, /* what still comes of it is taken without a word */
};

/* Sources as the fuser tells them apart: a daemon writes to the system's log or to stderr. */
enum auth_by { BY_audit, BY_pam, BY_text, BY_COUNT };

struct attempt {
	enum attempt_state state;
	uint64_t seen; /* bits: which step was reported by whom */
	uint64_t first, last; /* reports */
	uint64_t due; /* when it is told, complete or not */
	uint32_t sources; /* enum auth_sources */
	uint32_t reports;
	bool failed; /* credentials were refused */
	bool passed; /* ... or accepted */
	bool must_change; /* the account's password has to be changed */
	bool no_account; /* the account may not be used: failure unless a login follows */
	bool denied; /* and none followed */
	bool confirmed; /* a login, by its program's word or by its session */
	bool begun; /* the session is there */
	bool refused; /* sudo did not run the command */
	bool password; /* a password was to be changed: passed or failed */
	enum auth_reason by_pam, by_text, by_audit, of_account;
	enum auth_method method;
	uint8_t user_rank; /* of the source that the user's name is from */
	uint32_t uid, session, loginuid;
	struct auth_name user, invoker, service, host, tty, key;
};

/* What is none by itself: told at most once, and only if nothing else comes of the connection. */
struct weak {
	bool told;
	bool gone; /* the connection ended */
	enum auth_reason reason; /* why it failed, or would have */
	unsigned offers[BY_COUNT]; /* keys that were refused, by who told of them */
	uint64_t first, last;
	uint64_t due; /* 0: there is nothing to be told */
	uint32_t sources, reports;
	struct auth_name user, invoker, host;
};

/* An account that was locked. */
struct lock {
	uint64_t last; /* report of it; 0: none */
	uint64_t due; /* when it is told; 0: it was */
	uint32_t sources;
	struct auth_name user;
};

struct conversation {
	struct auth_sender who; /* of the reports: the process that speaks for the connection */
	bool connected; /* who.peer is the other end */
	struct attempt a;
	struct weak w;
	uint32_t by; /* bits of enum auth_by: who has reported here */
	uint32_t failures; /* told */
	bool quiet; /* root became somebody: nothing to be told but failures */
	bool logged_in; /* told */
	bool session_known; /* ... with the session's id */
	bool in_session;
	uint64_t ended; /* when that was told; 0: never */
	struct lock lock;
	uint64_t claims_since;
	uint32_t claims;
	/* Owned by conversation.c: */
	bool used;
	uint64_t sock; /* 0: it is one of its process alone */
	uint32_t sock_next, proc_next; /* of the same hash */
	uint32_t newer, older;
};

struct conversations;

int conversations_new(unsigned max, struct conversations **ret);
void conversations_free(struct conversations *t);

/* NULL if there is none. Each becomes the one that spoke last. */
struct conversation *conversation_of_socket(struct conversations *t, uint64_t sock);
struct conversation *conversation_of_process(struct conversations *t, uint32_t pid, uint64_t start,
					     uint64_t exec_time);

/* The one that conversation_add() would forget; NULL while there is room. */
struct conversation *conversation_oldest(struct conversations *t);

/* A new one, by the sender's socket if it has one, and its process. There must be room. */
struct conversation *conversation_add(struct conversations *t, const struct auth_sender *who);

/* From now on another process speaks for it. */
void conversation_set_who(struct conversations *t, struct conversation *c,
			  const struct auth_sender *who);

void conversation_forget(struct conversations *t, struct conversation *c);

/* Steps through all of them: *at starts at 0. One that was got may be forgotten meanwhile. */
struct conversation *conversation_next(struct conversations *t, unsigned *at);
unsigned conversations_held(const struct conversations *t);

#endif
