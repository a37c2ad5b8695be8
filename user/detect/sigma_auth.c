/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sigma's field names for logins. The category is our own; beside our names stand those of ASIM's
 * Authentication schema 0.1.3 and of Windows' event 4625, in which such rules are often written.
 */
#include "detect/sigma_auth.h"

#include "detect/sigma_feeds.h"
#include "enrich/users.h"

#define PLAIN	SIGMA_FEED_plain
#define KEYWORD SIGMA_FEED_keyword

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
	{ "IpAddress", "source.ip", NULL, PLAIN, "as SourceIp" },
	{ "IpPort", "source.port", NULL, PLAIN, "as SourcePort" },
	{ "ActorUsername", "asim.ActorUsername", NULL, PLAIN, "who asked to become another user" },
	{ "EventResult", "asim.EventResult", NULL, PLAIN, "Success, Failure, NA" },
	{ "EventResultDetails", "asim.EventResultDetails", NULL, PLAIN,
	  "Incorrect password, No such user, Incorrect key, …" },
	{ "EventType", "asim.EventType", NULL, PLAIN, "Logon, Logoff, Elevate, …" },
	{ "EventSubType", "asim.EventSubType", NULL, PLAIN, "RemoteInteractive, Interactive" },
	{ "LogonMethod", "asim.LogonMethod", NULL, PLAIN, "Username & Password, PKI, Other" },
	{ "SrcIpAddr", "asim.SrcIpAddr", NULL, PLAIN, "as SourceIp" },
	{ "SrcPortNumber", "asim.SrcPortNumber", NULL, PLAIN, "as SourcePort" },
	{ "SrcHostname", "redshank.auth.claimed_host", NULL, PLAIN, "as ClaimedHost" },
	{ "TargetAppName", "asim.TargetAppName", NULL, PLAIN, "as Service" },
	{ "TargetUsername", "asim.TargetUsername", NULL, PLAIN, "as TargetUser" },
	SIGMA_FEED_SPEAKER,
	{ 0 },
};
