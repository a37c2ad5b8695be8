/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a report means for its conversation. Programs take their steps in an order:
 *
 *   wrong password   try(audit) … try(pam) said(text) verdict(text) login(audit)
 *   good password    try account verdict(text) begin
 *   public key       offer … account verdict(text) begin
 *   sudo             try … [try …] tries(text) or command(text, audit) begin
 *
 * and each source reports each step once per attempt: a second one is the next attempt's.
 */
#include "auth/fuse_private.h"

static bool has(const struct attempt *a, const struct reported *in, enum auth_step step)
{
	return a->seen & attempt_bit(in->by, step);
}

bool fuse_last_word(const struct attempt *a)
{
	return attempt_has(a, AUTH_STEP_verdict) || attempt_has(a, AUTH_STEP_said) ||
	       attempt_has(a, AUTH_STEP_login) ||
	       (a->seen & attempt_bit(BY_pam, AUTH_STEP_try) && !a->passed);
}

/* May a report of this step, new to the attempt, belong to it? */
static bool is_near(const struct attempt *a, const struct reported *in)
{
	uint64_t age = in->time > a->last ? in->time - a->last : 0;

	return a->state != ATTEMPT_none && !has(a, in, in->r->step) &&
	       age <= (a->state == ATTEMPT_open ? WINDOW_NS : SESSION_NS);
}

static void wait(struct attempt *a, uint64_t since, uint64_t ns)
{
	a->due = since + ns;
}

/* Opens an attempt behind the one that is open. */
static struct attempt *open_next(struct auth_fuse *f, struct conversation *c,
				 const struct reported *in)
{
	struct attempt *a = &c->a;

	fuse_close(f, c);
	attempt_open(a, in->time);
	wait(a, in->time, WINDOW_NS);
	/* What was said before it, of it. */
	if (c->w.due) {
		a->first = c->w.first;
		a->sources = c->w.sources;
		a->reports = c->w.reports;
		c->w.due = 0;
	}
	return a;
}

/* --- failures --- */

/* sshd and login(1) with audit have one more message for each failure. */
static bool awaits_login(const struct conversation *c)
{
	return c->by & 1U << BY_audit &&
	       (c->who.program == AUTH_PROGRAM_sshd || c->who.program == AUTH_PROGRAM_login);
}

static void failure_goes_on(struct auth_fuse *f, struct conversation *c, uint64_t now)
{
	struct attempt *a = &c->a;
	bool spoken = attempt_has(a, AUTH_STEP_verdict) || attempt_has(a, AUTH_STEP_said);

	if (a->state != ATTEMPT_open)
		return;
	if (spoken && (attempt_has(a, AUTH_STEP_login) || !awaits_login(c)))
		fuse_close(f, c);
	else
		wait(a, now, fuse_last_word(a) ? SETTLE_NS : WINDOW_NS);
}

static bool fails_same(const struct conversation *c, const struct reported *in)
{
	const struct attempt *a = &c->a;

	if (!is_near(a, in) || a->confirmed || a->password || a->refused)
		return false;
	switch (in->r->step) {
	case AUTH_STEP_try:
		/* libpam reports to audit before it waits, and returns behind that. */
		return in->by == BY_pam && a->seen & attempt_bit(BY_audit, AUTH_STEP_try) &&
		       a->failed && !fuse_last_word(a);
	case AUTH_STEP_said:
		return c->who.program != AUTH_PROGRAM_sshd || !attempt_has(a, AUTH_STEP_verdict);
	default:
		return true;
	}
}

static void failure(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	struct attempt *a = &c->a;

	if (fails_same(c, in)) {
		/* The password was good, and yet there is no login. */
		a->denied |= a->passed || a->no_account;
	} else {
		a = open_next(f, c, in);
	}
	a->failed |= !a->denied;
	attempt_add(a, in);
	failure_goes_on(f, c, in->time);
}

/* --- weak reports --- */

static void hold(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	struct weak *w = &c->w;

	if (w->told || c->logged_in)
		return;
	if (!w->due) {
		w->first = in->time;
		w->sources = w->reports = 0;
	}
	w->last = in->time;
	w->sources |= in->source;
	w->reports++;
	/* sudo's is who calls it. */
	if (in->r->user.len && !attempt_of_caller(in) &&
	    (!w->user.len || in->r->step == AUTH_STEP_gone))
		w->user = in->r->user;
	if (in->r->invoker.len)
		w->invoker = in->r->invoker;
	if (in->r->host.len)
		w->host = in->r->host;
	w->due = in->time + (c->sock || c->who.program == AUTH_PROGRAM_sshd ? GRACE_NS : HOLD_NS);
	if (in->r->step == AUTH_STEP_gone)
		fuse_close_weak(f, c);
}

/* "Wrong password" is what is taken for granted; any other reason tells more. */
static void hint_reason(struct weak *w, enum auth_reason r)
{
	if (r != AUTH_REASON_none &&
	    (!w->reason || w->reason == AUTH_REASON_bad_credentials ||
	     (w->reason == AUTH_REASON_user_unknown && r != AUTH_REASON_bad_credentials)))
		w->reason = r;
}

static void hint(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	struct attempt *a = &c->a;

	hint_reason(&c->w, in->r->reason);
	if (a->state == ATTEMPT_open || (a->state == ATTEMPT_told && is_near(a, in) && a->failed)) {
		attempt_add(a, in);
		return;
	}
	hold(f, c, in);
}

static void offer(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	if (in->r->reason == AUTH_REASON_user_unknown)
		hint_reason(&c->w, in->r->reason);
	else
		c->w.offers[in->by]++;
	hold(f, c, in);
}

/* Audit's message of a failed login: an attempt's last, or all that there is of an offered key. */
static void login_failure(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	if (fails_same(c, in) && (c->a.failed || c->a.passed || c->a.no_account))
		failure(f, c, in);
	else
		offer(f, c, in);
}

static void gone(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	if (c->logged_in)
		return;
	fuse_close(f, c);
	if (in->r->reason == AUTH_REASON_max_tries)
		hint_reason(&c->w, in->r->reason);
	hold(f, c, in);
}

/* --- successes --- */

/* Each source that has told of the attempt so far has told of the session. */
static bool is_complete(const struct attempt *a)
{
	for (enum auth_by by = BY_audit; by <= BY_pam; by++) {
		uint64_t before =
			attempt_bit(by, AUTH_STEP_try) | attempt_bit(by, AUTH_STEP_account);
		if (a->seen & before && !(a->seen & attempt_bit(by, AUTH_STEP_begin)))
			return false;
	}
	return true;
}

static void success_goes_on(struct auth_fuse *f, struct conversation *c, uint64_t now)
{
	struct attempt *a = &c->a;

	if (a->state != ATTEMPT_open)
		return;
	if (a->confirmed && is_complete(a))
		fuse_close(f, c);
	else if (a->confirmed)
		wait(a, now, SESSION_NS);
	else
		wait(a, now, auth_program_logs_in(c->who.program) ? WINDOW_NS : ALONE_NS);
}

static bool succeeds_same(const struct conversation *c, const struct reported *in)
{
	const struct attempt *a = &c->a;

	return a->state == ATTEMPT_open && is_near(a, in) && !a->failed && !a->password;
}

static struct attempt *success_of(struct auth_fuse *f, struct conversation *c,
				  const struct reported *in)
{
	struct attempt *a = succeeds_same(c, in) ? &c->a : open_next(f, c, in);

	attempt_add(a, in);
	return a;
}

static void passed(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	/* libpam returns behind its message. */
	if (c->a.state == ATTEMPT_told && c->a.passed && is_near(&c->a, in))
		return;
	struct attempt *a = success_of(f, c, in);
	a->passed = true;
	a->must_change |= in->r->reason == AUTH_REASON_password_expired_must_change;
	success_goes_on(f, c, in->time);
}

static void account(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	struct attempt *a = &c->a;

	/* sshd's own word on it comes last of all. */
	if (a->state == ATTEMPT_told && !a->confirmed && is_near(a, in) && in->by == BY_text)
		return;
	if (c->logged_in && a->state != ATTEMPT_open)
		return;
	a = success_of(f, c, in);
	if (in->r->outcome == AUTH_IS_failure) {
		a->no_account = !a->must_change;
	} else if (in->r->reason == AUTH_REASON_password_expired_must_change) {
		/* For audit that is a failure. */
		a->must_change = true;
		a->no_account = false;
	}
	success_goes_on(f, c, in->time);
}

static void confirmed(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	if (c->logged_in && c->a.state != ATTEMPT_open)
		return;
	struct attempt *a = success_of(f, c, in);
	a->confirmed = true;
	c->w.due = 0;
	success_goes_on(f, c, in->time);
}

static void session_begins(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	bool late = c->logged_in && c->a.state == ATTEMPT_told;

	c->in_session = true;
	confirmed(f, c, in);
	if (!late || c->session_known || in->who->hdr.session == UINT32_MAX ||
	    auth_program_becomes(c->who.program))
		return;
	/* It was told without its session. */
	c->session_known = true;
	c->a.session = in->who->hdr.session;
	c->a.loginuid = in->who->hdr.loginuid;
	session_record(c, AUTH_session_start, in, &f->rec);
	fuse_tell(f, c);
}

static void session_ends(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	bool again = c->ended && in->time - c->ended <= SESSION_NS;

	/* Of a session that began before the sensor nothing else is known. */
	bool unseen = auth_program_logs_in(c->who.program) && in->by != BY_text &&
		      c->a.state == ATTEMPT_none && !c->w.due && !c->failures;
	fuse_close(f, c);
	if (again || !(c->in_session || c->logged_in || unseen))
		return;
	session_record(c, AUTH_session_end, in, &f->rec);
	c->in_session = c->logged_in = c->session_known = false;
	c->ended = in->time;
	fuse_tell(f, c);
}

void fuse_end(struct auth_fuse *f, struct conversation *c, const struct ev_hdr *exit)
{
	struct reported in = { .time = exit->time };

	if (c->logged_in && !auth_program_becomes(c->who.program)) {
		session_record(c, AUTH_session_end, &in, &f->rec);
		fuse_tell(f, c);
	}
}

/* --- sudo --- */

static void command(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	struct attempt *a = &c->a;

	if (in->r->outcome == AUTH_IS_success) {
		confirmed(f, c, in);
		return;
	}
	/* The end of too many tries, which were told one by one. */
	if (in->by == BY_audit && (c->failures || (a->state == ATTEMPT_open && a->failed)))
		return;
	if (!(is_near(a, in) && (a->refused || (a->state == ATTEMPT_open && !a->failed))))
		a = open_next(f, c, in);
	a->refused = true;
	attempt_add(a, in);
	if (a->state == ATTEMPT_open)
		wait(a, in->time, SETTLE_NS);
}

/* One line for all: those that nothing else has told of are told now. */
static void tries(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	unsigned n = in->r->count < TRIES_MAX ? in->r->count : TRIES_MAX;

	if (c->a.state == ATTEMPT_open && c->a.failed)
		attempt_add(&c->a, in);
	fuse_close(f, c);
	while (c->failures < n) {
		struct attempt *a = open_next(f, c, in);
		a->failed = true;
		attempt_add(a, in);
		fuse_close(f, c);
	}
}

/* --- the rest --- */

static void password(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	struct attempt *a = &c->a;

	if (!(a->password && is_near(a, in)))
		a = open_next(f, c, in);
	a->password = true;
	a->failed |= in->r->outcome == AUTH_IS_failure;
	attempt_add(a, in);
	if (a->state == ATTEMPT_open)
		wait(a, in->time, in->by == BY_pam ? SETTLE_NS : WINDOW_NS);
}

static void lock(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	if (c->locked && in->time - c->locked <= WINDOW_NS)
		return;
	c->locked = in->time;
	session_record(c, AUTH_account_lock, in, &f->rec);
	fuse_tell(f, c);
}

/* Root needs no password to become somebody, and nobody asks it for one. */
static bool is_quiet(struct conversation *c, const struct reported *in)
{
	const struct auth_report *r = in->r;

	if (r->step == AUTH_STEP_try)
		c->quiet = r->without_proof && r->outcome == AUTH_IS_success;
	if (auth_program_becomes(c->who.program) && in->who->by_root)
		c->quiet = true;
	return c->quiet && r->outcome == AUTH_IS_success;
}

void fuse_step(struct auth_fuse *f, struct conversation *c, const struct reported *in)
{
	bool fails = in->r->outcome == AUTH_IS_failure;

	if (is_quiet(c, in))
		return;
	switch (in->r->step) {
	case AUTH_STEP_none:
		break;
	case AUTH_STEP_hint:
		hint(f, c, in);
		break;
	case AUTH_STEP_offer:
		offer(f, c, in);
		break;
	case AUTH_STEP_try:
		(fails ? failure : passed)(f, c, in);
		break;
	case AUTH_STEP_account:
		account(f, c, in);
		break;
	case AUTH_STEP_verdict:
	case AUTH_STEP_said:
		(fails ? failure : confirmed)(f, c, in);
		break;
	case AUTH_STEP_tries:
		tries(f, c, in);
		break;
	case AUTH_STEP_login:
		(fails ? login_failure : confirmed)(f, c, in);
		break;
	case AUTH_STEP_command:
		command(f, c, in);
		break;
	case AUTH_STEP_begin:
		session_begins(f, c, in);
		break;
	case AUTH_STEP_end:
		session_ends(f, c, in);
		break;
	case AUTH_STEP_gone:
		gone(f, c, in);
		break;
	case AUTH_STEP_password:
		password(f, c, in);
		break;
	case AUTH_STEP_lock:
		lock(f, c, in);
		break;
	}
}
