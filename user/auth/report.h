/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one source says of one step of a login, in the words of the auth event: the parsers make
 * reports, the fuser makes events of them. A report is a claim; who made it is not in it.
 */
#ifndef REDSHANK_AUTH_REPORT_H
#define REDSHANK_AUTH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "abi/event.h"

#define AUTH_NAME_MAX 252

/* Bytes, perhaps not UTF-8; the beginning, where there were more. */
struct auth_name {
	uint16_t len;
	bool cut;
	char p[AUTH_NAME_MAX];
};

/* Steps of an attempt, by the order in which a program takes them. */
enum auth_step {
	AUTH_STEP_none,
	AUTH_STEP_connected, /* tells nothing but whom its sender is connected with */
	AUTH_STEP_hint, /* around an attempt: `reason` is why it will fail. None by itself. */
	AUTH_STEP_offer, /* a public key was offered and not accepted. None by itself. */
	AUTH_STEP_try, /* credentials were checked */
	AUTH_STEP_account, /* may the account be used */
	AUTH_STEP_verdict, /* the program's own last word on the attempt */
	AUTH_STEP_said, /* a second line that it may have for the same */
	AUTH_STEP_tries, /* `count` attempts failed */
	AUTH_STEP_login, /* the audit record of a login, behind all others of a failed one */
	AUTH_STEP_command, /* sudo runs the command, or refuses to */
	AUTH_STEP_begin, /* the session begins */
	AUTH_STEP_end,
	AUTH_STEP_gone, /* the connection ended before anybody was logged in */
	AUTH_STEP_password, /* a password was changed, or not */
	AUTH_STEP_lock, /* an account was locked */
};

struct auth_report {
	enum auth_step step;
	enum auth_outcome outcome;
	enum auth_reason reason; /* AUTH_REASON_none where the source does not tell */
	enum auth_method method;
	bool without_proof; /* root became somebody (pam_rootok): nobody was asked */
	unsigned count; /* AUTH_STEP_tries */
	uint32_t uid; /* of the target user; UINT32_MAX: not told */
	struct auth_name user; /* target user, raw */
	struct auth_name invoker, service, host, tty, key;
};

static inline void auth_name_set(struct auth_name *n, const char *p, size_t len)
{
	n->cut = len > sizeof(n->p);
	n->len = (uint16_t)(n->cut ? sizeof(n->p) : len);
	if (n->len)
		memcpy(n->p, p, n->len);
}

static inline bool auth_name_is(const struct auth_name *n, const char *s)
{
	return n->len == strlen(s) && !memcmp(n->p, s, n->len);
}

/* An empty report. Of the names only what len says is set. */
static inline void auth_report_init(struct auth_report *r)
{
	r->step = AUTH_STEP_none;
	r->outcome = AUTH_IS_none;
	r->reason = AUTH_REASON_none;
	r->method = AUTH_METHOD_none;
	r->without_proof = false;
	r->count = 0;
	r->uid = UINT32_MAX;
	r->user.len = r->invoker.len = r->service.len = 0;
	r->host.len = r->tty.len = r->key.len = 0;
	r->user.cut = r->invoker.cut = r->service.cut = false;
	r->host.cut = r->tty.cut = r->key.cut = false;
}

#endif
