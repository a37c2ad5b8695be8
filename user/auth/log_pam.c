/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of PAM's modules: "pam_NAME(SERVICE:FUNCTION): text" (pam_syslog.c). They are about the
 * same attempts as what the program says, so most of them only tell why one will fail.
 */
#include "auth/log_text.h"

struct row {
	const char *function; /* NULL: any */
	const char *pattern;
	uint8_t step, outcome, reason;
};

#define HINT(function_, pattern_, reason_)                                                  \
	{                                                                                   \
		function_, pattern_, AUTH_STEP_hint, AUTH_IS_failure, AUTH_REASON_##reason_ \
	}

static const struct row rows[] = {
	/* pam_faillock, pam_tally2 */
	{ NULL, "Consecutive login failures for user %u account temporarily locked", AUTH_STEP_lock,
	  AUTH_IS_unknown, AUTH_REASON_account_expired_or_locked },
	HINT("auth", "check pass; user unknown", user_unknown),
	HINT(NULL, "access denied for user `%u' from `%h'", denied_by_policy), /* pam_access */
	HINT("account", "account %u has expired (account expired)", account_expired_or_locked),
	HINT("account", "account %u has expired (failed to change password)", password_expired),
	HINT("account", "account %u has password changed in future", password_expired),
	{ "session", "session opened for user %u(uid=%n) by %r", AUTH_STEP_begin, AUTH_IS_success,
	  AUTH_REASON_ok },
	{ "session", "session opened for user %u by %r", AUTH_STEP_begin, AUTH_IS_success,
	  AUTH_REASON_ok },
	{ "session", "session closed for user %u", AUTH_STEP_end, AUTH_IS_success, AUTH_REASON_ok },
	{ "chauthtok", "password changed for %u", AUTH_STEP_password, AUTH_IS_success,
	  AUTH_REASON_ok },
};

static bool piece_is(struct auth_piece t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

static bool starts(struct auth_piece t, const char *s)
{
	return t.len >= strlen(s) && !memcmp(t.p, s, strlen(s));
}

/* "pam_unix(sshd:auth): " off the text. */
static bool take_module(struct auth_piece *t, struct auth_piece *service,
			struct auth_piece *function)
{
	const char *end = t->p + t->len;
	const char *open = starts(*t, "pam_") ? memchr(t->p, '(', t->len) : NULL;
	const char *close = open ? memmem(open, (size_t)(end - open), "): ", 3) : NULL;
	const char *colon = close ? memrchr(open, ':', (size_t)(close - open)) : NULL;

	if (!colon || memchr(t->p, ' ', (size_t)(open - t->p)))
		return false;
	*service = (struct auth_piece){ open + 1, (size_t)(colon - open - 1) };
	*function = (struct auth_piece){ colon + 1, (size_t)(close - colon - 1) };
	t->p = close + 3;
	t->len = (size_t)(end - t->p);
	return true;
}

/* The value of " KEY=", up to a space; text is moved behind it. */
static struct auth_piece value(struct auth_piece *t, const char *key)
{
	struct auth_piece v = { NULL, 0 };
	const char *at = memmem(t->p, t->len, key, strlen(key));

	if (!at)
		return v;
	const char *end = t->p + t->len;
	v.p = at + strlen(key);
	const char *space = memchr(v.p, ' ', (size_t)(end - v.p));
	v.len = (size_t)((space ? space : end) - v.p);
	t->p = v.p + v.len;
	t->len = (size_t)(end - t->p);
	return v;
}

/*
 * pam_unix: "authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=1.2.3.4  user=bob":
 * in this order, the user last and raw.
 */
static void failure_fields(struct auth_piece t, struct auth_report *r)
{
	struct auth_piece tty = value(&t, " tty="), ruser = value(&t, " ruser="),
			  rhost = value(&t, " rhost=");
	const char *user = memmem(t.p, t.len, " user=", 6);

	auth_name_set(&r->tty, tty.p, tty.len);
	auth_name_set(&r->invoker, ruser.p, ruser.len);
	auth_name_set(&r->host, rhost.p, rhost.len);
	if (user)
		auth_name_set(&r->user, user + 6, (size_t)(t.p + t.len - user - 6));
}

bool log_pam_parse(struct auth_piece text, struct auth_report *ret)
{
	struct auth_piece service, function;
	struct auth_pieces c;

	auth_report_init(ret);
	if (!take_module(&text, &service, &function))
		return false;
	auth_name_set(&ret->service, service.p, service.len);
	if (starts(text, "authentication failure; ")) {
		ret->step = piece_is(function, "chauthtok") ? AUTH_STEP_password : AUTH_STEP_hint;
		ret->outcome = AUTH_IS_failure;
		ret->reason = AUTH_REASON_bad_credentials;
		failure_fields(text, ret);
		return true;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		if ((row->function && !piece_is(function, row->function)) ||
		    !auth_pattern_match(row->pattern, text.p, text.len, NULL, &c))
			continue;
		ret->step = row->step;
		ret->outcome = row->outcome;
		ret->reason = row->reason;
		auth_name_set(&ret->user, c.user.p, c.user.len);
		if (row->step == AUTH_STEP_begin && strstr(row->pattern, "%n"))
			ret->uid = c.number;
		return true;
	}
	return false;
}
