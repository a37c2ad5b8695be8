/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of ASIM, the Advanced Security Information Model of Microsoft Sentinel
 * (normalization-schema-authentication.md, normalization-schema-user-management.md).
 */
#include "enrich/login.h"

#include <string.h>

#include "enrich/address.h"
#include "enrich/users.h"

static const struct ev_auth *auth(const struct event *ev)
{
	return EVENT_AS(auth, ev);
}

static void put_text(struct value *v, const char *s)
{
	value_str(v, s, strlen(s));
}

static void put_str(const struct event *ev, struct value *v, struct ev_str s)
{
	size_t len;
	const char *p = rec_str(ev->rec, s, &len);

	value_str(v, p, len);
}

/* The other schema has what is done to accounts. */
static bool is_management(const struct event *ev)
{
	return auth(ev)->action == AUTH_password_change || auth(ev)->action == AUTH_account_lock;
}

static void get_schema(const struct event *ev, struct value *v)
{
	put_text(v, is_management(ev) ? "UserManagement" : "Authentication");
}

static void get_schema_version(const struct event *ev, struct value *v)
{
	put_text(v, is_management(ev) ? "0.1.1" : "0.1.3");
}

static void get_type(const struct event *ev, struct value *v)
{
	switch (auth(ev)->action) {
	case AUTH_session_end:
		put_text(v, "Logoff");
		break;
	case AUTH_become:
	case AUTH_command_refused:
		put_text(v, "Elevate");
		break;
	case AUTH_password_change:
		put_text(v, "PasswordChanged");
		break;
	case AUTH_account_lock:
		put_text(v, "UserLocked");
		break;
	default:
		put_text(v, "Logon");
	}
}

static void get_subtype(const struct event *ev, struct value *v)
{
	if (!is_management(ev))
		put_text(v, auth(ev)->peer.len ? "RemoteInteractive" : "Interactive");
}

static void get_result(const struct event *ev, struct value *v)
{
	put_text(v, auth(ev)->outcome == AUTH_IS_success   ? "Success"
		    : auth(ev)->outcome == AUTH_IS_failure ? "Failure"
							   : "NA");
}

static void get_details(const struct event *ev, struct value *v)
{
	if (auth(ev)->outcome != AUTH_IS_failure)
		return;
	switch (auth(ev)->reason) {
	case AUTH_REASON_user_unknown:
		put_text(v, "No such user");
		break;
	case AUTH_REASON_bad_credentials:
		put_text(v, auth(ev)->method == AUTH_METHOD_publickey ? "Incorrect key"
								      : "Incorrect password");
		break;
	case AUTH_REASON_key_not_accepted:
		put_text(v, "Incorrect key");
		break;
	case AUTH_REASON_password_expired:
		put_text(v, "Password expired");
		break;
	case AUTH_REASON_account_expired_or_locked:
		put_text(v, "Account expired");
		break;
	case AUTH_REASON_denied_by_policy:
	case AUTH_REASON_not_in_sudoers:
	case AUTH_REASON_max_tries:
		put_text(v, "Logon violates policy");
		break;
	default:
		put_text(v, "Other");
	}
}

static void get_method(const struct event *ev, struct value *v)
{
	switch (auth(ev)->method) {
	case AUTH_METHOD_none:
		break;
	case AUTH_METHOD_password:
	case AUTH_METHOD_keyboard_interactive:
	case AUTH_METHOD_pam:
		put_text(v, "Username & Password");
		break;
	case AUTH_METHOD_publickey:
		put_text(v, "PKI");
		break;
	default:
		put_text(v, "Other");
	}
}

static void get_target_user(const struct event *ev, struct value *v)
{
	put_str(ev, v, auth(ev)->user);
}

static void get_target_app(const struct event *ev, struct value *v)
{
	put_str(ev, v, auth(ev)->service);
}

static void get_target_host(const struct event *ev, struct value *v)
{
	put_text(v, ev->host->hostname);
}

/* Who asked for it: of a login from elsewhere nobody here. */
static void get_actor(const struct event *ev, struct value *v)
{
	put_str(ev, v, auth(ev)->invoker);
	if (v->kind == VALUE_none && auth(ev)->action == AUTH_become && ev->rec->uid)
		value_printf(v, "%s", user_name(ev->rec->uid, ev->rec->mntns));
}

const struct derived login_fields[] = {
	{ "asim.ActorUsername", "who asked to become another user", get_actor },
	{ "asim.EventResult", "Success, Failure, NA", get_result },
	{ "asim.EventResultDetails", "why it failed", get_details },
	{ "asim.EventSchema", "Authentication, UserManagement", get_schema },
	{ "asim.EventSchemaVersion", "its version", get_schema_version },
	{ "asim.EventSubType", "RemoteInteractive, Interactive", get_subtype },
	{ "asim.EventType", "Logon, Logoff, Elevate, PasswordChanged, UserLocked", get_type },
	{ "asim.LogonMethod", "Username & Password, PKI, Other", get_method },
	{ "asim.SrcIpAddr", "as source.ip", address_get_ip },
	{ "asim.SrcPortNumber", "as source.port", address_get_port },
	{ "asim.TargetAppName", "as redshank.auth.service", get_target_app },
	{ "asim.TargetHostname", "as host.name", get_target_host },
	{ "asim.TargetUsername", "as user.target.name", get_target_user },
	{ "message", "what happened, in one sentence; a claim begins with CLAIMED",
	  login_get_message },
};
const unsigned login_nfields = sizeof(login_fields) / sizeof(login_fields[0]);
