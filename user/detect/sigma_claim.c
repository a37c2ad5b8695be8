/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sigma's field names for what was said of logins: audit messages as auditd would have logged them
 * (linux-audit/audit-documentation, "specs/fields"), and lines of logs. What is in the text is a
 * claim: all of it is bounded by the record, none of it is believed.
 */
#include "detect/sigma_auth.h"

#include <string.h>

#include "detect/sigma_feeds.h"

#define PLAIN	SIGMA_FEED_plain
#define KEYWORD SIGMA_FEED_keyword

static const struct ev_auth_text *text_of(const struct event *ev, const char **ret, size_t *ret_len)
{
	const struct ev_auth_text *t = EVENT_AS(auth_text, ev);

	*ret = rec_str(ev->rec, t->text, ret_len);
	while (*ret_len && strchr("\n", (*ret)[*ret_len - 1])) /* or NUL */
		--*ret_len;
	return t;
}

/* The value of key= in an audit message; false: it has none. Quoted ones without their quotes. */
static bool audit_value(const char *p, size_t len, const char *key, const char **ret,
			size_t *ret_len, bool *ret_quoted)
{
	size_t n = strlen(key);
	const char *end = p + len, *eq;

	while ((eq = memchr(p, '=', (size_t)(end - p)))) {
		const char *space = memchr(p, ' ', (size_t)(eq - p));
		if (space) {
			p = space + 1;
			continue;
		}
		const char *value = eq + 1;
		bool quoted = value < end && *value == '"';
		value += quoted;
		const char *stop = memchr(value, quoted ? '"' : ' ', (size_t)(end - value));
		if (!stop)
			stop = end;
		if ((size_t)(eq - p) == n && !memcmp(p, key, n)) {
			*ret = value;
			*ret_len = (size_t)(stop - value);
			*ret_quoted = quoted;
			return true;
		}
		p = stop + (stop < end);
	}
	return false;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* audit_encode_nv_string(3): what has a space, a quote or a control character, in hexadecimal. */
static bool decode_hex(struct value *v, const char *p, size_t len)
{
	if (!len || len % 2 || len / 2 > sizeof(v->tmp))
		return false;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(p[i]), low = hex_digit(p[i + 1]);
		if (high < 0 || low < 0)
			return false;
		v->tmp[i / 2] = (char)(high << 4 | low);
	}
	value_str(v, v->tmp, len / 2);
	return true;
}

static void get_audit_value(const struct event *ev, const char *name, struct sigma_fill *f)
{
	bool quoted, encoded = !strcmp(name, "acct") || !strcmp(name, "cmd");
	size_t len, n;
	const char *p, *value;
	const struct ev_auth_text *t = text_of(ev, &p, &len);

	if (!strcmp(name, "ClaimedExe"))
		name = "exe";
	if (t->source != AUTH_SOURCE_audit || !audit_value(p, len, name, &value, &n, &quoted))
		return;
	f->value.truncated = f->value.joined = false;
	if (encoded && !quoted && decode_hex(&f->value, value, n))
		sigma_fill_value(f, &f->value);
	else
		sigma_fill_str(f, value, n, false);
}

/* include/uapi/linux/audit.h, and libaudit.h for the second thousand. */
static const struct {
	uint32_t number;
	const char *name;
} audit_types[] = {
	{ 1100, "USER_AUTH" },
	{ 1101, "USER_ACCT" },
	{ 1102, "USER_MGMT" },
	{ 1103, "CRED_ACQ" },
	{ 1104, "CRED_DISP" },
	{ 1105, "USER_START" },
	{ 1106, "USER_END" },
	{ 1108, "USER_CHAUTHTOK" },
	{ 1109, "USER_ERR" },
	{ 1110, "CRED_REFR" },
	{ 1112, "USER_LOGIN" },
	{ 1113, "USER_LOGOUT" },
	{ 1114, "ADD_USER" },
	{ 1115, "DEL_USER" },
	{ 1116, "ADD_GROUP" },
	{ 1117, "DEL_GROUP" },
	{ 1119, "CHGRP_ID" },
	{ 1123, "USER_CMD" },
	{ 1126, "ACCT_LOCK" },
	{ 1132, "ACCT_UNLOCK" },
	{ 1133, "USER_DEVICE" },
	{ 1136, "USER_MAC_STATUS" },
	{ 2100, "ANOM_LOGIN_FAILURES" },
	{ 2101, "ANOM_LOGIN_TIME" },
	{ 2102, "ANOM_LOGIN_SESSIONS" },
	{ 2103, "ANOM_LOGIN_ACCT" },
	{ 2104, "ANOM_LOGIN_LOCATION" },
	{ 2118, "ANOM_ADD_ACCT" },
	{ 2119, "ANOM_DEL_ACCT" },
	{ 2204, "RESP_ACCT_REMOTE" },
	{ 2205, "RESP_ACCT_LOCK_TIMED" },
	{ 2206, "RESP_ACCT_UNLOCK_TIMED" },
	{ 2207, "RESP_ACCT_LOCK" },
};

static void get_audit_type(const struct event *ev, const char *name, struct sigma_fill *f)
{
	const struct ev_auth_text *t = EVENT_AS(auth_text, ev);

	(void)name;
	if (t->source != AUTH_SOURCE_audit)
		return;
	for (size_t i = 0; i < sizeof(audit_types) / sizeof(audit_types[0]); i++)
		if (audit_types[i].number == t->number)
			sigma_fill_str(f, audit_types[i].name, strlen(audit_types[i].name), false);
}

/* --- lines of a log --- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Behind <PRI> and the time, as syslog(3) writes both: "<38>Nov 21 17:09:07 sshd[4242]: …". */
static void skip_prefix(const char **p, size_t *len)
{
	const char *end = *p + *len, *at = *p;

	if (at < end && *at == '<') {
		for (at++; at < end && is_digit(*at);)
			at++;
		at += at < end && *at == '>';
	}
	if (end - at > 16 && at[3] == ' ' && at[6] == ' ' && at[9] == ':' && at[12] == ':' &&
	    at[15] == ' ')
		at += 16;
	*p = at;
	*len = (size_t)(end - at);
}

/* What the text says that its author is called: of an audit message the last part of exe=. */
static bool claimed_name(const struct event *ev, const char **ret, size_t *ret_len)
{
	size_t len, n;
	const char *p;
	const struct ev_auth_text *t = text_of(ev, &p, &len);
	bool quoted;

	if (t->source == AUTH_SOURCE_stderr) {
		*ret = ev->rec->name;
		*ret_len = strnlen(ev->rec->name, sizeof(ev->rec->name));
		return true;
	}
	if (t->source == AUTH_SOURCE_audit) {
		if (!audit_value(p, len, "exe", &p, &n, &quoted))
			return false;
		const char *slash = memrchr(p, '/', n);
		*ret = slash ? slash + 1 : p;
		*ret_len = n - (size_t)(*ret - p);
		return *ret_len > 0;
	}
	skip_prefix(&p, &len);
	for (n = 0; n < len && !strchr("[: ", p[n]);)
		n++;
	*ret = p;
	*ret_len = n;
	return n > 0 && n < len;
}

static void get_claimed_name(const struct event *ev, const char *name, struct sigma_fill *f)
{
	const char *p;
	size_t len;

	(void)name;
	if (claimed_name(ev, &p, &len))
		sigma_fill_str(f, p, len, false);
}

/* "…sudo:   bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id": sudo's own log_format. */
static void get_sudo_value(const struct event *ev, const char *name, struct sigma_fill *f)
{
	const char *begin, *p, *end, *at;
	size_t len, n = strlen(name);

	text_of(ev, &begin, &len);
	skip_prefix(&begin, &len);
	end = begin + len;
	for (p = begin; (at = memmem(p, (size_t)(end - p), name, n)); p = at + n) {
		const char *value = at + n + 1;
		if (value > end || at[n] != '=' || at == begin || at[-1] != ' ')
			continue;
		/* The command is the last one, and holds anything. */
		const char *stop = strcmp(name, "COMMAND")
					   ? memmem(value, (size_t)(end - value), " ; ", 3)
					   : NULL;
		sigma_fill_str(f, value, (size_t)((stop ? stop : end) - value), false);
		return;
	}
}

static bool calls_itself(const struct event *ev, const char *name)
{
	const char *p;
	size_t len, n = strlen(name);

	return !sigma_is_audit(ev) && claimed_name(ev, &p, &len) && len >= n &&
	       !memcmp(p, name, n) && (len == n || p[n] == '-');
}

bool sigma_is_audit(const struct event *ev)
{
	return EVENT_AS(auth_text, ev)->source == AUTH_SOURCE_audit;
}

bool sigma_is_syslog(const struct event *ev)
{
	return EVENT_AS(auth_text, ev)->source == AUTH_SOURCE_syslog;
}

bool sigma_is_auth(const struct event *ev)
{
	uint32_t facility = EVENT_AS(auth_text, ev)->number >> 3;

	return sigma_is_syslog(ev) && (facility == 4 || facility == 10);
}

bool sigma_is_sshd(const struct event *ev)
{
	return calls_itself(ev, "sshd");
}

bool sigma_is_sudo(const struct event *ev)
{
	return calls_itself(ev, "sudo");
}

bool sigma_is_vsftpd(const struct event *ev)
{
	return calls_itself(ev, "vsftpd");
}

#define CLAIM                                                       \
	{ "Message", "event.original", NULL, KEYWORD, "the text" }, \
		{ "Trust", "redshank.auth.trust", NULL, PLAIN,      \
		  "of who said it: claimed, root, kernel" },        \
		{ "ClaimedName", NULL, get_claimed_name, PLAIN,     \
		  "what the text says that its author is called" }, \
		SIGMA_FEED_ADDRESSES

const struct sigma_feed sigma_feed_claim[] = {
	CLAIM,
	{ "User", NULL, sigma_feed_user, PLAIN, "name of the real and of the effective user" },
	{ "Source", "redshank.auth.source", NULL, PLAIN, "audit, syslog, stderr" },
	{ "type", NULL, get_audit_type, PLAIN, "type of an audit message: USER_AUTH, …" },
	{ "ClaimedExe", NULL, get_audit_value, PLAIN, "exe= of an audit message" },
	{ "acct", NULL, get_audit_value, PLAIN, "account, of an audit message" },
	{ "op", NULL, get_audit_value, PLAIN, "operation, of an audit message" },
	{ "res", NULL, get_audit_value, PLAIN, "success, failed: of an audit message" },
	SIGMA_FEED_SPEAKER,
	{ 0 },
};

const struct sigma_feed sigma_feed_audit_user[] = {
	{ "type", NULL, get_audit_type, PLAIN,
	  "USER_AUTH, USER_ACCT, USER_LOGIN, USER_START, CRED_ACQ, ADD_USER, …" },
	{ "msg", "event.original", NULL, KEYWORD, "the text" },
	{ "op", NULL, get_audit_value, PLAIN, "operation" },
	{ "grantors", NULL, get_audit_value, PLAIN, "PAM modules that agreed" },
	{ "acct", NULL, get_audit_value, PLAIN, "account" },
	{ "id", NULL, get_audit_value, PLAIN, "uid of the account" },
	{ "exe", NULL, get_audit_value, PLAIN, "program, as it says; Image is the kernel's word" },
	{ "hostname", NULL, get_audit_value, PLAIN, "where it comes from, as it says" },
	{ "addr", NULL, get_audit_value, PLAIN, "likewise; SourceIp is the kernel's word" },
	{ "terminal", NULL, get_audit_value, PLAIN, "terminal" },
	{ "res", NULL, get_audit_value, PLAIN, "success, failed" },
	{ "cwd", NULL, get_audit_value, PLAIN, "of USER_CMD" },
	{ "cmd", NULL, get_audit_value, PLAIN, "of USER_CMD" },
	{ "uid", "process.real_user.id", NULL, PLAIN, "real user id of the sender" },
	{ "UID", "user.name", NULL, PLAIN, "its name" },
	{ "auid", "redshank.login.uid", NULL, PLAIN, "audit loginuid" },
	{ "AUID", "redshank.login.user", NULL, PLAIN, "its name" },
	{ "ses", "redshank.login.session", NULL, PLAIN, "audit session" },
	{ "Image", "process.executable", NULL, PLAIN, "executable of the sender" },
	{ "Trust", "redshank.auth.trust", NULL, PLAIN, "claimed, root, kernel" },
	SIGMA_FEED_ADDRESSES,
	{ 0 },
};

const struct sigma_feed sigma_feed_log[] = {
	CLAIM,
	SIGMA_FEED_SPEAKER,
	{ 0 },
};

const struct sigma_feed sigma_feed_sudo[] = {
	CLAIM,
	{ "USER", NULL, get_sudo_value, PLAIN, "who it became" },
	{ "COMMAND", NULL, get_sudo_value, PLAIN, "what was run" },
	{ "PWD", NULL, get_sudo_value, PLAIN, "where" },
	{ "TTY", NULL, get_sudo_value, PLAIN, "terminal" },
	SIGMA_FEED_SPEAKER,
	{ 0 },
};
