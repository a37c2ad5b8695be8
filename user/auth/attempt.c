/* SPDX-License-Identifier: Apache-2.0 */
/* What sources say of an attempt, and which of them is believed about what. */
#include "auth/attempt.h"

void attempt_open(struct attempt *a, uint64_t now)
{
	memset(a, 0, offsetof(struct attempt, user));
	a->user.len = a->invoker.len = a->service.len = 0;
	a->host.len = a->tty.len = a->key.len = 0;
	a->state = ATTEMPT_open;
	a->first = a->last = now;
	a->uid = a->session = a->loginuid = UINT32_MAX;
}

/* A name from a better source replaces one from a worse. */
static unsigned user_rank(const struct reported *in)
{
	if (in->r->step == AUTH_STEP_login || in->r->step == AUTH_STEP_hint)
		return 1;
	return in->by == BY_audit ? 4 : in->by == BY_pam ? 3 : 2;
}

/* libaudit writes no more than 32 bytes (UT_NAMESIZE) of a name that it encodes. */
static bool is_rest(const struct auth_name *longer, const struct auth_name *n)
{
	return n->len == 32 && longer->len > n->len && !memcmp(longer->p, n->p, n->len);
}

static void take_user(struct attempt *a, const struct reported *in)
{
	unsigned rank = user_rank(in);

	if (!in->r->user.len)
		return;
	if (attempt_of_caller(in)) {
		if (!a->invoker.len)
			a->invoker = in->r->user;
	} else if (rank > a->user_rank || is_rest(&in->r->user, &a->user)) {
		a->user = in->r->user;
		a->user_rank = (uint8_t)rank;
	}
}

static void take(struct auth_name *to, const struct auth_name *from)
{
	if (!to->len)
		*to = *from;
}

static void take_reason(struct attempt *a, const struct reported *in)
{
	const struct auth_report *r = in->r;

	if (r->step == AUTH_STEP_account) {
		if (in->by != BY_audit)
			a->of_account = r->reason;
		return;
	}
	if (in->by == BY_pam && (r->step == AUTH_STEP_try || r->step == AUTH_STEP_password))
		a->by_pam = r->reason;
	else if (in->by == BY_text && r->outcome != AUTH_IS_success &&
		 (!a->by_text || a->by_text == AUTH_REASON_bad_credentials))
		a->by_text = r->reason;
	else if (in->by == BY_audit && r->reason)
		a->by_audit = r->reason;
}

void attempt_add(struct attempt *a, const struct reported *in)
{
	const struct auth_report *r = in->r;

	a->seen |= attempt_bit(in->by, r->step);
	a->sources |= in->source;
	a->reports++;
	if (in->time > a->last)
		a->last = in->time;
	take_user(a, in);
	/* To a server, who asks is who the other machine says it is. */
	if (auth_program_becomes(in->who->program))
		take(&a->invoker, &r->invoker);
	take(&a->tty, &r->tty);
	take(&a->key, &r->key);
	take(&a->host, &r->host);
	if (r->service.len)
		a->service = r->service;
	take_reason(a, in);
	if (r->method && (!a->method || a->method == AUTH_METHOD_pam))
		a->method = r->method;
	if (r->uid != UINT32_MAX)
		a->uid = r->uid;
	if (r->step == AUTH_STEP_begin) {
		a->begun = true;
		/* su and sudo stay in the session that they are called in. */
		if (!auth_program_becomes(in->who->program) && in->who->hdr.session != UINT32_MAX) {
			a->session = in->who->hdr.session;
			a->loginuid = in->who->hdr.loginuid;
		}
	}
}

/* --- what came of it --- */

static bool is_policy(enum auth_reason r)
{
	return r == AUTH_REASON_denied_by_policy || r == AUTH_REASON_account_expired_or_locked;
}

/*
 * PAM's own number is the best there is, but Debian's stack says "wrong password" of users that do
 * not exist, and sshd does so of those that it would not let in anyway.
 */
static enum auth_reason failure_reason(const struct conversation *c)
{
	const struct attempt *a = &c->a;
	enum auth_reason r = a->by_pam ? a->by_pam : a->by_text ? a->by_text : a->by_audit;
	/* faillock makes "denied" of a wrong password. */
	if (r == AUTH_REASON_denied_by_policy && c->w.reason == AUTH_REASON_bad_credentials)
		r = AUTH_REASON_bad_credentials;
	bool plain = !r || r == AUTH_REASON_ok || r == AUTH_REASON_bad_credentials;

	if ((plain || r == AUTH_REASON_user_unknown) && is_policy(c->w.reason))
		return c->w.reason;
	if (!plain)
		return r;
	if (a->by_text == AUTH_REASON_user_unknown || a->by_audit == AUTH_REASON_user_unknown ||
	    c->w.reason == AUTH_REASON_user_unknown)
		return AUTH_REASON_user_unknown;
	if (a->by_text)
		return a->by_text;
	return AUTH_REASON_bad_credentials;
}

static enum auth_reason account_reason(const struct conversation *c)
{
	if (c->a.of_account && c->a.of_account != AUTH_REASON_ok)
		return c->a.of_account;
	return is_policy(c->w.reason) ? c->w.reason : AUTH_REASON_account_expired_or_locked;
}

static bool is_ftp(enum auth_program p)
{
	return p == AUTH_PROGRAM_vsftpd || p == AUTH_PROGRAM_proftpd;
}

static enum auth_action action_of(const struct conversation *c, bool session)
{
	enum auth_program p = c->who.program;

	if (auth_program_becomes(p))
		return AUTH_become;
	if (is_ftp(p) || (auth_program_logs_in(p) && session) || (session && c->a.passed) ||
	    (c->a.failed && c->connected))
		return AUTH_login;
	return AUTH_authenticate;
}

/* False: nothing came of it. */
static bool judge(const struct conversation *c, struct ev_auth *e)
{
	const struct attempt *a = &c->a;
	bool logs_in = auth_program_logs_in(c->who.program);

	e->outcome = AUTH_IS_failure;
	if (a->password) {
		e->action = AUTH_password_change;
		e->outcome = a->failed ? AUTH_IS_failure : AUTH_IS_success;
		e->reason = a->failed ? failure_reason(c) : AUTH_REASON_ok;
	} else if (a->refused) {
		e->action = AUTH_command_refused;
		e->reason = a->by_text ? a->by_text : AUTH_REASON_denied_by_policy;
	} else if (a->failed && !a->passed) {
		e->action = action_of(c, logs_in);
		e->reason = failure_reason(c);
	} else if (a->confirmed) {
		e->action = action_of(c, true);
		if (e->action == AUTH_authenticate)
			e->action = AUTH_session_start;
		e->outcome = AUTH_IS_success;
		e->reason = a->must_change || a->no_account
				    ? AUTH_REASON_password_expired_must_change
				    : AUTH_REASON_ok;
	} else if (a->denied || a->no_account) {
		e->action = action_of(c, logs_in);
		e->reason = account_reason(c);
	} else if (a->passed) {
		e->action = action_of(c, false);
		e->outcome = AUTH_IS_success;
		e->reason =
			a->must_change ? AUTH_REASON_password_expired_must_change : AUTH_REASON_ok;
	} else {
		return false;
	}
	return true;
}

/* --- its record --- */

static void begin(const struct conversation *c, uint64_t time, uint64_t first, union rec_buf *r)
{
	rec_init(r, EV_auth, sizeof(struct ev_auth));
	struct ev_auth *e = (struct ev_auth *)r;
	struct ev_hdr h = c->who.hdr;

	h.len = r->hdr.len;
	h.type = r->hdr.type;
	h.fixed = r->hdr.fixed;
	h.truncated = 0;
	h.time = time;
	r->hdr = h;
	e->first = first;
	e->sock_ino = c->sock;
	e->trust = c->who.trust;
	e->verified = c->who.verified;
	e->uid = e->session = e->loginuid = UINT32_MAX;
}

static void put(union rec_buf *r, struct ev_str *field, unsigned bit, const struct auth_name *n)
{
	rec_append(r, field, bit, n->p, n->len);
	if (n->cut)
		r->hdr.truncated |= 1ULL << bit;
}

static void put_service(union rec_buf *r, const struct conversation *c, const struct auth_name *n)
{
	struct ev_auth *e = (struct ev_auth *)r;
	const char *name = c->who.program == AUTH_PROGRAM_sshd ? "sshd" : c->who.name;

	if (n->len)
		put(r, &e->service, EVF_auth_service, n);
	else
		rec_append(r, &e->service, EVF_auth_service, name, strlen(name));
}

/* What the texts say of the other end is told where it is not what the kernel says. */
static void put_ends(union rec_buf *r, const struct conversation *c, const struct auth_name *host)
{
	static const char mapped[] = "::ffff:";
	struct ev_auth *e = (struct ev_auth *)r;
	struct auth_name said = *host;
	char peer[AUTH_ADDRESS_TEXT] = "";

	if (c->connected) {
		rec_append(r, &e->peer, EVF_auth_peer, c->who.peer.bytes, c->who.peer.len);
		rec_append(r, &e->local, EVF_auth_local, c->who.local.bytes, c->who.local.len);
		auth_address_text(&c->who.peer, peer);
	}
	size_t skip = strlen(mapped);
	if (said.len > skip && !memcmp(said.p, mapped, skip))
		auth_name_set(&said, host->p + skip, host->len - skip);
	if (said.len && !auth_name_is(&said, peer) && !auth_name_is(&said, "?"))
		put(r, &e->rhost, EVF_auth_rhost, &said);
}

static uint32_t most(const unsigned n[BY_COUNT])
{
	unsigned m = 0;

	for (int i = 0; i < BY_COUNT; i++)
		m = n[i] > m ? n[i] : m;
	return m;
}

bool attempt_record(const struct conversation *c, union rec_buf *ret)
{
	const struct attempt *a = &c->a;
	struct ev_auth *e = (struct ev_auth *)ret;

	begin(c, a->last, a->first, ret);
	if (!judge(c, e))
		return false;
	e->method = a->method;
	e->sources = a->sources;
	e->reports = a->reports;
	e->keys = most(c->w.offers);
	e->uid = a->uid;
	e->session = a->session;
	e->loginuid = a->loginuid;
	if (e->uid == UINT32_MAX && e->outcome == AUTH_IS_success)
		e->uid = a->loginuid;
	put(ret, &e->user, EVF_auth_user, a->user.len ? &a->user : &c->w.user);
	put(ret, &e->invoker, EVF_auth_invoker, a->invoker.len ? &a->invoker : &c->w.invoker);
	put_service(ret, c, &a->service);
	put_ends(ret, c, a->host.len ? &a->host : &c->w.host);
	put(ret, &e->tty, EVF_auth_tty, &a->tty);
	put(ret, &e->key, EVF_auth_key, &a->key);
	return true;
}

void weak_record(const struct conversation *c, union rec_buf *ret)
{
	static const struct auth_name none;
	const struct weak *w = &c->w;
	struct ev_auth *e = (struct ev_auth *)ret;

	begin(c, w->last, w->first, ret);
	e->keys = most(w->offers);
	e->action = auth_program_becomes(c->who.program) ? AUTH_become : AUTH_login;
	e->outcome = AUTH_IS_failure;
	if (w->reason && w->reason != AUTH_REASON_max_tries)
		e->reason = w->reason;
	else if (e->keys)
		e->reason = AUTH_REASON_key_not_accepted;
	else if (w->reason)
		e->reason = w->reason;
	else
		e->reason = AUTH_REASON_disconnected_before_auth;
	if (e->reason == AUTH_REASON_disconnected_before_auth)
		e->outcome = AUTH_IS_unknown;
	if (e->keys)
		e->method = AUTH_METHOD_publickey;
	e->sources = w->sources;
	e->reports = w->reports;
	put(ret, &e->user, EVF_auth_user, &w->user);
	put(ret, &e->invoker, EVF_auth_invoker, &w->invoker);
	put_service(ret, c, &none);
	put_ends(ret, c, &w->host);
}

void lock_record(const struct conversation *c, union rec_buf *ret)
{
	static const struct auth_name none;
	struct ev_auth *e = (struct ev_auth *)ret;

	begin(c, c->lock.last, c->lock.last, ret);
	e->action = AUTH_account_lock;
	/* That it was locked is no success of anybody. */
	e->outcome = AUTH_IS_unknown;
	e->reason = AUTH_REASON_account_expired_or_locked;
	e->sources = c->lock.sources;
	e->reports = 1;
	put(ret, &e->user, EVF_auth_user, c->lock.user.len ? &c->lock.user : &c->a.user);
	put_service(ret, c, &c->a.service);
	put_ends(ret, c, &none);
}

void session_record(const struct conversation *c, enum auth_action action,
		    const struct reported *in, union rec_buf *ret)
{
	static const struct auth_name none;
	const struct attempt *a = &c->a;
	struct ev_auth *e = (struct ev_auth *)ret;

	begin(c, in->time, in->time, ret);
	e->action = action;
	e->outcome = AUTH_IS_success;
	e->reason = AUTH_REASON_ok;
	e->sources = in->source;
	e->reports = 1;
	if (!auth_program_becomes(c->who.program)) {
		const struct ev_hdr *h = in->who ? &in->who->hdr : &c->who.hdr;
		e->session = h->session != UINT32_MAX ? h->session : a->session;
		e->loginuid = h->session != UINT32_MAX ? h->loginuid : a->loginuid;
	}
	e->uid = a->uid;
	put(ret, &e->user, EVF_auth_user, in->r && in->r->user.len ? &in->r->user : &a->user);
	put(ret, &e->invoker, EVF_auth_invoker, &a->invoker);
	put_service(ret, c, a->service.len || !in->r ? &a->service : &in->r->service);
	put_ends(ret, c, &none);
	put(ret, &e->tty, EVF_auth_tty, &a->tty);
}
