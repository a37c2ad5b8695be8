/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fuser: reports of all sources become one `auth` record per attempt to log in, and one per end
 * of a session. Several sources tell of the same attempt, in an order that is known: what belongs
 * to an attempt that is open is added to it, else it opens one.
 *
 * Reports belong together by the connection of their sender (the kernel's socket), else by its
 * process. What nobody can vouch for (auth_sender.verified) is kept apart from the rest, and so
 * changes nothing of it: it becomes records that say so.
 *
 * Time is that of the events, so a recording gives the same as the live run did.
 *
 * Bounded: a fixed number of conversations, longest quiet forgotten first, its attempt told before.
 */
#ifndef REDSHANK_AUTH_FUSE_H
#define REDSHANK_AUTH_FUSE_H

#include "schema/event.h"

#define AUTH_FUSE_CONVERSATIONS 4096
#define AUTH_FUSE_CLAIMED	256 /* those of unverified senders */
#define AUTH_FUSE_CLAIMS_MAX	32 /* records of one of them in AUTH_FUSE_CLAIMS_NS */
#define AUTH_FUSE_CLAIMS_NS	(10 * 1000000000ULL)

struct auth_fuse;

/* Takes a record of an auth event; borrowed. It may not call the fuser. */
typedef void auth_fuse_fn(void *ctx, const struct ev_hdr *rec);

struct auth_fuse_stats {
	uint64_t reports; /* that were understood */
	uint64_t ignored; /* texts that say nothing of logins */
	uint64_t attempts; /* records made, ends of sessions included */
	uint64_t claims; /* of them by unverified senders */
	uint64_t suppressed; /* claims beyond AUTH_FUSE_CLAIMS_MAX: counted, not told */
	uint64_t open; /* attempts that are not told yet */
	uint64_t conversations, conversations_max;
	uint64_t evicted; /* conversations forgotten while an attempt or a session was open */
};

/* 0 or -ENOMEM. */
int auth_fuse_new(unsigned conversations, unsigned claimed, auth_fuse_fn *fn, void *ctx,
		  struct auth_fuse **ret);

/*
 * To be given every event, in order, behind all else that is done with it: the time goes on with
 * each, auth_text, pam and exit are taken into account.
 */
void auth_fuse_event(struct auth_fuse *f, const struct event *ev);

/* It is that late (CLOCK_BOOTTIME ns), though no event said so. */
void auth_fuse_tick(struct auth_fuse *f, uint64_t now);

/* Tells what is open: nothing more comes. */
void auth_fuse_flush(struct auth_fuse *f);

void auth_fuse_get_stats(const struct auth_fuse *f, struct auth_fuse_stats *ret);

/* Accepts NULL. */
void auth_fuse_free(struct auth_fuse *f);

#endif
