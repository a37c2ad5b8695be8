/* SPDX-License-Identifier: Apache-2.0 */
/* Audit messages. */
#include "auth/audit_text.h"

/* include/uapi/linux/audit.h, libaudit's audit-records.h */
enum {
	USER_AUTH = 1100,
	USER_ACCT = 1101,
	CRED_DISP = 1104,
	USER_START = 1105,
	USER_END = 1106,
	USER_CHAUTHTOK = 1108,
	USER_LOGIN = 1112,
	USER_LOGOUT = 1113,
	USER_CMD = 1123,
	ANOM_LOGIN_FAILURES = 2100,
	ANOM_LOGIN_TIME = 2101,
	ANOM_LOGIN_SESSIONS = 2102,
	ANOM_LOGIN_ACCT = 2103,
	ANOM_LOGIN_LOCATION = 2104,
	RESP_ACCT_LOCK_TIMED = 2205,
	RESP_ACCT_LOCK = 2207,
};

struct span {
	const char *p;
	size_t len;
	bool quoted;
};

static bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && !memcmp(s.p, text, s.len);
}

static bool span_begins(struct span s, const char *text)
{
	size_t n = strlen(text);
	return s.len >= n && !memcmp(s.p, text, n);
}

static bool span_has(struct span s, const char *text)
{
	return s.len && memmem(s.p, s.len, text, strlen(text));
}

/* Takes the field at *p off the text. False at its end. */
static bool next_field(const char **p, const char *end, struct span *ret_key, struct span *ret_val)
{
	const char *s = *p;

	while (s < end && (*s == ' ' || *s == '\n'))
		s++;
	if (s == end)
		return false;
	*ret_key = (struct span){ s, 0, false };
	while (s < end && *s != '=' && *s != ' ' && *s != '\n')
		s++;
	ret_key->len = (size_t)(s - ret_key->p);
	*ret_val = (struct span){ s, 0, false };
	if (s < end && *s == '=') {
		ret_val->p = ++s;
		if (s < end && *s == '"') {
			ret_val->p = ++s;
			ret_val->quoted = true;
		}
		while (s < end && (ret_val->quoted ? *s != '"' : *s != ' ' && *s != '\n'))
			s++;
		ret_val->len = (size_t)(s - ret_val->p);
		if (ret_val->quoted && s < end)
			s++;
	}
	*p = s;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_hex(struct span s)
{
	if (s.quoted || !s.len || s.len % 2)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (hex_digit(s.p[i]) < 0)
			return false;
	return true;
}

/* libaudit's audit_encode_value(): what is not quoted and all hexadecimal digits is encoded. */
static void decode(struct auth_name *n, struct span s, bool cut)
{
	if (cut && !s.quoted)
		s.len &= ~(size_t)1;
	if (!is_hex(s)) {
		auth_name_set(n, s.p, s.len);
	} else {
		size_t len = s.len / 2;
		n->cut = len > sizeof(n->p);
		n->len = (uint16_t)(n->cut ? sizeof(n->p) : len);
		for (size_t i = 0; i < n->len; i++)
			n->p[i] = (char)(hex_digit(s.p[2 * i]) << 4 | hex_digit(s.p[2 * i + 1]));
	}
	n->cut |= cut;
}

/* "?" stands for nothing. */
static void take(struct auth_name *n, struct span s)
{
	if (s.len && !span_is(s, "?"))
		auth_name_set(n, s.p, s.len);
}

struct message {
	struct span op, acct, grantors, hostname, addr, terminal, res;
	bool acct_last; /* and so it may be cut */
};

/*
 * Of fields that come twice the first is meant: what a client chooses freely (hostname) stands
 * behind them. The result is the last field.
 */
static void scan(const char *p, const char *end, struct message *m)
{
	struct span key, val;

	while (next_field(&p, end, &key, &val)) {
		struct span *to = span_is(key, "op")	     ? &m->op
				  : span_is(key, "acct")     ? &m->acct
				  : span_is(key, "grantors") ? &m->grantors
				  : span_is(key, "hostname") ? &m->hostname
				  : span_is(key, "addr")     ? &m->addr
				  : span_is(key, "terminal") ? &m->terminal
							     : NULL;
		m->acct_last = to == &m->acct;
		if (to && !to->p)
			*to = val;
		m->res = span_is(key, "res") ? val : (struct span){ 0 };
	}
}

/* What libpam, sshd and login(1) write where there is no such user. */
static bool is_nobody(struct span acct)
{
	struct auth_name n;

	decode(&n, acct, false);
	return auth_name_is(&n, "?") || auth_name_is(&n, "(invalid user)") ||
	       auth_name_is(&n, "(unknown user)") || auth_name_is(&n, "(unknown)") ||
	       auth_name_is(&n, "UNKNOWN");
}

/* Red Hat's sshd tells of public keys by messages of the type that PAM has. */
static bool is_key(struct span op)
{
	return span_begins(op, "pubkey") || span_is(op, "key") || span_begins(op, "hostbased");
}

static void user_auth(const struct message *m, struct auth_report *r)
{
	if (span_has(m->op, "unix_chkpwd") || span_has(m->op, "bad_ident"))
		return;
	r->step = AUTH_STEP_try;
	r->method = AUTH_METHOD_pam;
	if (is_key(m->op)) {
		r->method = span_begins(m->op, "hostbased") ? AUTH_METHOD_hostbased
							    : AUTH_METHOD_publickey;
		if (r->outcome == AUTH_IS_failure)
			r->step = AUTH_STEP_offer;
	}
	r->without_proof = span_has(m->grantors, "pam_rootok");
}

/* op=change-password and the like of shadow; usermod's other changes are no authentication. */
static bool changes_password(struct span op)
{
	return span_has(op, "chauthtok") || span_has(op, "password");
}

static void set_step(unsigned type, const struct message *m, struct auth_report *r)
{
	switch (type) {
	case USER_AUTH:
		user_auth(m, r);
		break;
	case USER_ACCT:
		r->step = AUTH_STEP_account;
		break;
	case USER_START:
		/* A session that could not be opened is told by who wanted it. */
		if (r->outcome == AUTH_IS_success)
			r->step = AUTH_STEP_begin;
		break;
	case USER_END:
	case CRED_DISP:
	case USER_LOGOUT:
		r->step = AUTH_STEP_end;
		break;
	case USER_CHAUTHTOK:
		if (changes_password(m->op))
			r->step = AUTH_STEP_password;
		break;
	case USER_LOGIN:
		r->step = AUTH_STEP_login;
		break;
	case USER_CMD:
		r->step = AUTH_STEP_command;
		break;
	case ANOM_LOGIN_TIME:
	case ANOM_LOGIN_SESSIONS:
	case ANOM_LOGIN_ACCT:
	case ANOM_LOGIN_LOCATION:
		r->step = AUTH_STEP_hint;
		r->outcome = AUTH_IS_failure;
		r->reason = AUTH_REASON_denied_by_policy;
		break;
	case ANOM_LOGIN_FAILURES:
	case RESP_ACCT_LOCK_TIMED:
	case RESP_ACCT_LOCK:
		/* Their res= tells whether the message is valid. */
		r->step = AUTH_STEP_lock;
		r->outcome = AUTH_IS_unknown;
		break;
	}
}

bool audit_text_parse(unsigned type, const char *text, size_t len, bool cut,
		      struct auth_report *ret)
{
	struct message m = { 0 };

	auth_report_init(ret);
	while (len && (!text[len - 1] || text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	scan(text, text + len, &m);
	if (span_is(m.res, "success") || span_is(m.res, "1") || span_is(m.res, "yes"))
		ret->outcome = AUTH_IS_success;
	else if (span_is(m.res, "failed") || span_is(m.res, "0") || span_is(m.res, "no"))
		ret->outcome = AUTH_IS_failure;
	else if (cut && (type == USER_AUTH || type == USER_LOGIN))
		ret->outcome = AUTH_IS_failure; /* no user has a name that long */
	else
		return false;
	set_step(type, &m, ret);
	if (ret->step == AUTH_STEP_none)
		return false;
	if (is_nobody(m.acct))
		ret->reason =
			ret->outcome == AUTH_IS_failure ? AUTH_REASON_user_unknown : ret->reason;
	else
		decode(&ret->user, m.acct, cut && m.acct_last);
	take(&ret->host, m.hostname);
	take(&ret->host, m.addr);
	take(&ret->tty, m.terminal);
	return true;
}
