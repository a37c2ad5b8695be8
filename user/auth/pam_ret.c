/* SPDX-License-Identifier: Apache-2.0 */
/* Returns of libpam as reports. */
#include "auth/pam_ret.h"

/* security/_pam_types.h of Linux-PAM */
enum {
	PAM_SUCCESS = 0,
	PAM_PERM_DENIED = 6,
	PAM_AUTH_ERR = 7,
	PAM_CRED_INSUFFICIENT = 8,
	PAM_AUTHINFO_UNAVAIL = 9,
	PAM_USER_UNKNOWN = 10,
	PAM_MAXTRIES = 11,
	PAM_NEW_AUTHTOK_REQD = 12,
	PAM_ACCT_EXPIRED = 13,
	PAM_CONV_ERR = 19,
	PAM_AUTHTOK_ERR = 20,
	PAM_AUTHTOK_RECOVERY_ERR = 21,
	PAM_IGNORE = 25,
	PAM_AUTHTOK_EXPIRED = 27,
	PAM_CONV_AGAIN = 30,
	PAM_INCOMPLETE = 31,
};

static enum auth_reason reason_of(u32 result)
{
	static const u8 reasons[] = {
		[PAM_SUCCESS] = AUTH_REASON_ok,
		[PAM_PERM_DENIED] = AUTH_REASON_denied_by_policy,
		[PAM_AUTH_ERR] = AUTH_REASON_bad_credentials,
		[PAM_CRED_INSUFFICIENT] = AUTH_REASON_cred_insufficient,
		[PAM_AUTHINFO_UNAVAIL] = AUTH_REASON_auth_backend_unavailable,
		[PAM_USER_UNKNOWN] = AUTH_REASON_user_unknown,
		[PAM_MAXTRIES] = AUTH_REASON_max_tries,
		[PAM_NEW_AUTHTOK_REQD] = AUTH_REASON_password_expired_must_change,
		[PAM_ACCT_EXPIRED] = AUTH_REASON_account_expired_or_locked,
		[PAM_CONV_ERR] = AUTH_REASON_conversation_aborted,
		[PAM_AUTHTOK_ERR] = AUTH_REASON_authtok_error,
		[PAM_AUTHTOK_RECOVERY_ERR] = AUTH_REASON_authtok_error,
		[PAM_AUTHTOK_EXPIRED] = AUTH_REASON_password_expired,
		[PAM_CONV_AGAIN] = AUTH_REASON_conversation_aborted,
		[PAM_INCOMPLETE] = AUTH_REASON_conversation_aborted,
	};
	u8 reason = result < sizeof(reasons) ? reasons[result] : AUTH_REASON_none;

	return reason ? reason : AUTH_REASON_pam_system_error;
}

static void set_step(const struct ev_pam *p, struct auth_report *r)
{
	bool ok = p->result == PAM_SUCCESS;

	switch (p->op) {
	case PAM_authenticate:
		r->step = AUTH_STEP_try;
		r->method = AUTH_METHOD_pam;
		break;
	case PAM_acct_mgmt:
		r->step = AUTH_STEP_account;
		if (p->result == PAM_AUTH_ERR || p->result == PAM_PERM_DENIED)
			r->reason = AUTH_REASON_account_expired_or_locked;
		break;
	case PAM_open_session:
		r->step = ok ? AUTH_STEP_begin : AUTH_STEP_none;
		break;
	case PAM_close_session:
		r->step = AUTH_STEP_end;
		break;
	case PAM_chauthtok:
		r->step = AUTH_STEP_password;
		break;
	}
}

static void take(const struct event *ev, struct ev_str s, unsigned bit, struct auth_name *n)
{
	size_t len;
	const char *p = rec_str(ev->rec, s, &len);

	auth_name_set(n, p, len);
	n->cut |= ev->rec->truncated >> bit & 1;
}

bool auth_pam_report(const struct event *ev, struct auth_report *ret)
{
	const struct ev_pam *p = EVENT_AS(pam, ev);

	auth_report_init(ret);
	if (p->result == PAM_IGNORE)
		return false;
	/* That the password has to be changed now does not keep anybody out. */
	ret->outcome = p->result == PAM_SUCCESS || p->result == PAM_NEW_AUTHTOK_REQD
			       ? AUTH_IS_success
			       : AUTH_IS_failure;
	ret->reason = reason_of(p->result);
	set_step(p, ret);
	take(ev, p->user, EVF_pam_user, &ret->user);
	take(ev, p->service, EVF_pam_service, &ret->service);
	take(ev, p->rhost, EVF_pam_rhost, &ret->host);
	take(ev, p->ruser, EVF_pam_ruser, &ret->invoker);
	take(ev, p->tty, EVF_pam_tty, &ret->tty);
	return ret->step != AUTH_STEP_none;
}
