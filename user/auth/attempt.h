/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt: taking reports into it, what came of it, and its record. */
#ifndef REDSHANK_AUTH_ATTEMPT_H
#define REDSHANK_AUTH_ATTEMPT_H

#include "auth/conversation.h"
#include "source/rec.h"

/* A report with where it is from. */
struct reported {
	const struct auth_report *r;
	const struct auth_sender *who;
	enum auth_by by;
	uint32_t source; /* one bit of enum auth_sources */
	uint64_t time;
};

static inline uint64_t attempt_bit(enum auth_by by, enum auth_step step)
{
	return 1ULL << ((unsigned)by * 16 + (unsigned)step);
}

/* Has anybody reported this step of the attempt? */
static inline bool attempt_has(const struct attempt *a, enum auth_step step)
{
	return a->seen & (attempt_bit(BY_audit, step) | attempt_bit(BY_pam, step) |
			  attempt_bit(BY_text, step));
}

/* sudo and doas ask for the password of who calls them: the user of the report is that one. */
static inline bool attempt_of_caller(const struct reported *in)
{
	enum auth_program p = in->who->program;
	enum auth_step s = in->r->step;

	return (p == AUTH_PROGRAM_sudo || p == AUTH_PROGRAM_doas) &&
	       (s == AUTH_STEP_try || s == AUTH_STEP_account || s == AUTH_STEP_hint);
}

void attempt_open(struct attempt *a, uint64_t now);

/* Names, reason, method and times of a report that belongs to the attempt. */
void attempt_add(struct attempt *a, const struct reported *in);

/* Of a conversation's open attempt: false if it came to nothing that is worth telling. */
bool attempt_record(const struct conversation *c, union rec_buf *ret);

/* Of its weak reports. */
void weak_record(const struct conversation *c, union rec_buf *ret);

/* Of an account that was locked. */
void lock_record(const struct conversation *c, union rec_buf *ret);

/* The end of its session; a session that began behind its login was told. */
void session_record(const struct conversation *c, enum auth_action action,
		    const struct reported *in, union rec_buf *ret);

#endif
