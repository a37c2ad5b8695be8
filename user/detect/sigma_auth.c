/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sigma's field names for logins. The category is our own; beside our names stand those of ASIM's
 * Authentication schema 0.1.3 and of Windows' event 4625, in which such rules are often written.
 */
#include "detect/sigma_auth.h"

#include <string.h>

#include "detect/sigma_feeds.h"
#include "enrich/users.h"

#define PLAIN	SIGMA_FEED_plain
#define KEYWORD SIGMA_FEED_keyword

static void put_words(struct sigma_fill *f, const char *words)
{
	if (words)
		sigma_fill_str(f, words, strlen(words), false);
}

/* Who asked: as reported, or else by the uids that the program was started with. */
static void get_invoker(const struct event *ev, const char *name, struct sigma_fill *f)
{
	const struct ev_auth *a = EVENT_AS(auth, ev);
	uint32_t login = ev->rec->loginuid, uid = ev->rec->uid;
	size_t len;
	const char *reported = rec_str(ev->rec, a->invoker, &len);

	(void)name;
	if (len) {
		sigma_fill_str(f, reported, len, false);
		return;
	}
	if (a->action != AUTH_become && a->action != AUTH_command_refused)
		return;
	if (!uid && login != UINT32_MAX)
		uid = login;
	value_printf(&f->value, "%s", uid ? user_name(uid, ev->rec->mntns) : "root");
	if (!f->value.len)
		value_printf(&f->value, "%u", uid);
	f->value.truncated = f->value.joined = false;
	sigma_fill_value(f, &f->value);
}

static void get_event_type(const struct event *ev, const char *name, struct sigma_fill *f)
{
	static const char *const types[] = {
		[AUTH_login] = "Logon",		[AUTH_authenticate] = "Logon",
		[AUTH_session_start] = "Logon", [AUTH_session_end] = "Logoff",
		[AUTH_become] = "Elevate",	[AUTH_command_refused] = "Elevate",
	};
	uint32_t action = EVENT_AS(auth, ev)->action;

	(void)name;
	if (action < sizeof(types) / sizeof(types[0]))
		put_words(f, types[action]);
}

static void get_result_details(const struct event *ev, const char *name, struct sigma_fill *f)
{
	const struct ev_auth *a = EVENT_AS(auth, ev);

	(void)name;
	if (a->outcome == AUTH_IS_success)
		return;
	switch (a->reason) {
	case AUTH_REASON_user_unknown:
		put_words(f, "No such user");
		break;
	case AUTH_REASON_bad_credentials:
		put_words(f, "Incorrect password");
		break;
	case AUTH_REASON_key_not_accepted:
		put_words(f, "Incorrect key");
		break;
	case AUTH_REASON_account_expired_or_locked:
		put_words(f, "User locked");
		break;
	case AUTH_REASON_password_expired:
		put_words(f, "Password expired");
		break;
	case AUTH_REASON_denied_by_policy:
	case AUTH_REASON_not_in_sudoers:
		put_words(f, "Logon violates policy");
		break;
	default:
		put_words(f, "Other");
	}
}

const struct sigma_feed sigma_feed_auth[] = {
	{ "Action", "redshank.auth.action", NULL, PLAIN,
	  "login, become, authenticate, session_start, session_end, password_change, account_lock, "
	  "command_refused" },
	{ "Outcome", "event.outcome", NULL, PLAIN, "success, failure, unknown" },
	{ "Reason", "redshank.auth.reason", NULL, PLAIN, "bad_credentials, user_unknown, …" },
	{ "Method", "redshank.auth.method", NULL, PLAIN, "password, publickey, …" },
	{ "Service", "redshank.auth.service", NULL, KEYWORD, "PAM service, or the program" },
	{ "TargetUser", "user.target.name", NULL, KEYWORD, "who was to be logged in, or become" },
	{ "TargetUserId", "user.target.id", NULL, PLAIN, "its uid, where the session shows it" },
	{ "Invoker", "redshank.auth.invoker", get_invoker, PLAIN,
	  "who asked for it (su, sudo): as reported, else by uid" },
	SIGMA_FEED_ADDRESSES,
	{ "ClaimedHost", "redshank.auth.claimed_host", NULL, KEYWORD,
	  "where the texts say that it comes from, where that differs or is all that is known" },
	{ "Verified", "redshank.auth.verified", NULL, PLAIN,
	  "the kernel or a program of root's vouches for it; else it is a claim" },
	{ "Trust", "redshank.auth.trust", NULL, PLAIN, "claimed, root, kernel" },
	{ "Sources", "redshank.auth.sources", NULL, PLAIN, "audit, syslog, stderr, pam" },
	{ "Reports", "redshank.auth.reports", NULL, PLAIN, "how many reports it was made of" },
	{ "KeysRefused", "redshank.auth.keys_refused", NULL, PLAIN,
	  "public keys that were offered and not accepted" },
	{ "PublicKey", "redshank.auth.key", NULL, PLAIN, "type and fingerprint of the key" },
	{ "Terminal", "redshank.auth.tty", NULL, PLAIN, "terminal, as reported" },
	{ "LogonId", "redshank.auth.loginuid", NULL, PLAIN, "audit loginuid of the session" },
	{ "TerminalSessionId", "redshank.auth.session", NULL, PLAIN,
	  "audit session that began or ended" },
	{ "User", "user.target.name", NULL, PLAIN, "as TargetUser" },
	{ "TargetUserName", "user.target.name", NULL, PLAIN, "as TargetUser" },
	{ "TargetUsername", "user.target.name", NULL, PLAIN, "as TargetUser" },
	{ "ActorUsername", "redshank.auth.invoker", get_invoker, PLAIN, "as Invoker" },
	{ "IpAddress", "source.ip", NULL, PLAIN, "as SourceIp" },
	{ "IpPort", "source.port", NULL, PLAIN, "as SourcePort" },
	{ "SrcIpAddr", "source.ip", NULL, PLAIN, "as SourceIp" },
	{ "SrcPortNumber", "source.port", NULL, PLAIN, "as SourcePort" },
	{ "SrcHostname", "redshank.auth.claimed_host", NULL, PLAIN, "as ClaimedHost" },
	{ "LogonMethod", "redshank.auth.method", NULL, PLAIN, "as Method" },
	{ "TargetAppName", "redshank.auth.service", NULL, PLAIN, "as Service" },
	{ "EventResult", "event.outcome", NULL, PLAIN, "as Outcome" },
	{ "EventResultDetails", NULL, get_result_details, PLAIN,
	  "Incorrect password, No such user, Incorrect key, User locked, …" },
	{ "EventType", NULL, get_event_type, PLAIN, "Logon, Logoff, Elevate" },
	SIGMA_FEED_SPEAKER,
	{ 0 },
};
