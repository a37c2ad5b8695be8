/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the fuser: fuse.c finds the conversation, fuse_steps.c takes the report into it. */
#ifndef REDSHANK_AUTH_FUSE_PRIVATE_H
#define REDSHANK_AUTH_FUSE_PRIVATE_H

#include "auth/attempt.h"
#include "auth/fuse.h"

#define SECOND_NS 1000000000ULL
/* libpam and its programs wait some seconds before they say that a password was wrong. */
#define WINDOW_NS (15 * SECOND_NS)
/* All sources have told of an attempt so long after its last word. */
#define SETTLE_NS SECOND_NS
/* A session may take a while to begin: modules ask other services. */
#define SESSION_NS (5 * SECOND_NS)
/* An accepted password that no session follows is all that was asked for. */
#define ALONE_NS (3 * SECOND_NS)
/* Weak reports wait for the end of the connection, sshd's LoginGraceTime at most. */
#define GRACE_NS (130 * SECOND_NS)
#define HOLD_NS	 (5 * SECOND_NS)
/* Tries that one line of sudo may stand for. */
#define TRIES_MAX 16
/* Between two looks at all conversations for what is due. */
#define LOOK_NS (SECOND_NS / 10)

struct auth_fuse {
	struct conversations *verified, *claimed;
	auth_fuse_fn *fn;
	void *ctx;
	uint64_t now; /* of the latest event */
	uint64_t next_due; /* nothing is due before */
	uint64_t next_look;
	struct auth_fuse_stats st;
	union rec_buf rec;
};

/* Hands f->rec on: a record of this conversation. */
void fuse_tell(struct auth_fuse *f, struct conversation *c);

/* Tells the attempt that is open, if one is; the weak reports, if they are worth it. */
void fuse_close(struct auth_fuse *f, struct conversation *c);
void fuse_close_weak(struct auth_fuse *f, struct conversation *c);

/* Has the program said what came of it? */
bool fuse_last_word(const struct attempt *a);

/* Takes a report into its conversation. */
void fuse_step(struct auth_fuse *f, struct conversation *c, const struct reported *in);

/* The process that spoke for the conversation has ended, and with it its session. */
void fuse_end(struct auth_fuse *f, struct conversation *c, const struct ev_hdr *exit);

#endif
