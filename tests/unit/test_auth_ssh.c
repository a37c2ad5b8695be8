/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logins by SSH: each scenario is what the sources report of it, in their order, and the
 * lines are what has to come of that, with all sources and with some of them missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "login_matrix.h"

#define PEER  "10.0.0.5"
#define AUTH  "op=PAM:authentication grantors=? acct=\"alice\""
#define ACCT  "op=PAM:accounting acct=\"alice\""
#define OPEN  "op=PAM:session_open acct=\"alice\""
#define CLOSE "op=PAM:session_close acct=\"alice\""
#define LOGIN "op=login acct=\"alice\""
#define NONE  "op=login acct=28696E76616C6964207573657229"

static struct daemon monitor(void)
{
	return connected("/usr/sbin/sshd", 10, PEER);
}

/* --- OpenSSH --- */

static void wrong_password(struct daemon *d)
{
	say(d, "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
	       "rhost=10.0.0.5  user=alice");
	audit(d, 1100, AUTH, false);
	pass(2000);
	pam(d, PAM_authenticate, 7, "sshd", "alice");
	say(d, "Failed password for alice from 10.0.0.5 port 40010 ssh2");
	audit(d, 1112, LOGIN, false);
}

static void session(struct daemon *d)
{
	struct daemon s = child_of(d, 12);

	audit(d, 1103, "op=PAM:setcred acct=\"alice\"", true);
	d->hdr.loginuid = 1001;
	d->hdr.session = 7;
	say(d, "pam_unix(sshd:session): session opened for user alice(uid=1001) by (uid=0)");
	audit(d, 1105, OPEN, true);
	pam(d, PAM_open_session, 0, "sshd", "alice");
	audit(&s, 1103, "op=PAM:setcred acct=\"alice\"", true);
	pass(60000);
	say(d, "pam_unix(sshd:session): session closed for user alice");
	audit(d, 1106, CLOSE, true);
	pam(d, PAM_close_session, 0, "sshd", "alice");
	audit(d, 1104, "op=PAM:setcred acct=\"alice\"", true);
}

static void good_password(struct daemon *d)
{
	audit(d, 1100, AUTH, true);
	pam(d, PAM_authenticate, 0, "sshd", "alice");
	audit(d, 1101, ACCT, true);
	pam(d, PAM_acct_mgmt, 0, "sshd", "alice");
	say(d, "Accepted password for alice from 10.0.0.5 port 40010 ssh2");
}

static void s_wrong(void)
{
	struct daemon d = monitor();
	wrong_password(&d);
	say(&d, "Connection closed by authenticating user alice 10.0.0.5 port 40010 [preauth]");
	leave(&d);
}

static void s_wrong_six(void)
{
	struct daemon d = monitor();
	for (int i = 0; i < 6; i++) {
		wrong_password(&d);
		pass(100);
	}
	say(&d,
	    "error: maximum authentication attempts exceeded for alice from 10.0.0.5 port 40010 "
	    "ssh2 [preauth]");
	say(&d, "Disconnecting authenticating user alice 10.0.0.5 port 40010: Too many "
		"authentication failures [preauth]");
	say(&d, "PAM 5 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= "
		"rhost=10.0.0.5  user=alice");
	leave(&d);
}

static void s_good(void)
{
	struct daemon d = monitor();
	good_password(&d);
	session(&d);
	leave(&d);
}

static void s_wrong_then_good(void)
{
	struct daemon d = monitor();
	wrong_password(&d);
	pass(300);
	good_password(&d);
	session(&d);
	leave(&d);
}

static void s_invalid_user(void)
{
	struct daemon d = monitor();
	say(&d, "Invalid user alice from 10.0.0.5 port 40010");
	audit(&d, 1112, NONE, false);
	audit(&d, 1112, NONE, false);
	say(&d, "pam_unix(sshd:auth): check pass; user unknown");
	audit(&d, 1100, AUTH, false);
	pass(2000);
	pam(&d, PAM_authenticate, 7, "sshd", "alice");
	say(&d, "Failed password for invalid user alice from 10.0.0.5 port 40010 ssh2");
	audit(&d, 1112, NONE, false);
	say(&d, "Connection closed by invalid user alice 10.0.0.5 port 40010 [preauth]");
	leave(&d);
}

/* The child of PAM's thread reports on the same connection. */
static void s_interactive(void)
{
	struct daemon d = monitor(), child = child_of(&d, 11);
	audit(&child, 1100, AUTH, false);
	pass(2000);
	pam(&child, PAM_authenticate, 7, "sshd", "alice");
	leave(&child);
	say(&d, "error: PAM: Authentication failure for alice from 10.0.0.5");
	audit(&d, 1112, LOGIN, false);
	audit(&d, 1109, "op=PAM:bad_ident acct=\"?\"", false);
	leave(&d);
}

static void s_interactive_invalid(void)
{
	struct daemon d = monitor(), child = child_of(&d, 11);
	say(&d, "Invalid user alice from 10.0.0.5 port 40010");
	audit(&d, 1112, NONE, false);
	audit(&child, 1100, AUTH, false);
	pam(&child, PAM_authenticate, 10, "sshd", "alice");
	say(&d,
	    "error: PAM: User not known to the underlying authentication module for illegal user "
	    "alice from 10.0.0.5");
	say(&d, "Failed keyboard-interactive/pam for invalid user alice from 10.0.0.5 port 40010 "
		"ssh2");
	audit(&d, 1112, NONE, false);
	leave(&child);
	leave(&d);
}

static void s_three_keys(void)
{
	struct daemon d = monitor();
	for (int i = 0; i < 3; i++)
		audit(&d, 1112, LOGIN, false);
	say(&d, "Connection closed by authenticating user alice 10.0.0.5 port 40010 [preauth]");
	audit(&d, 1109, "op=PAM:bad_ident acct=\"?\"", false);
	leave(&d);
}

/* An agent's other keys before the right one are no failures. */
static void s_agent(void)
{
	struct daemon d = monitor();
	for (int i = 0; i < 3; i++)
		audit(&d, 1112, LOGIN, false);
	audit(&d, 1101, ACCT, true);
	pam(&d, PAM_acct_mgmt, 0, "sshd", "alice");
	say(&d, "Accepted publickey for alice from 10.0.0.5 port 40010 ssh2: ED25519 SHA256:abc");
	session(&d);
	leave(&d);
}

/* A person takes a while to type a password behind keys that were refused. */
static void s_keys_then_password(void)
{
	struct daemon d = monitor();
	audit(&d, 1112, LOGIN, false);
	audit(&d, 1112, LOGIN, false);
	pass(30000);
	good_password(&d);
	session(&d);
	leave(&d);
}

static void s_account_expired(void)
{
	struct daemon d = monitor();
	audit(&d, 1100, AUTH, true);
	pam(&d, PAM_authenticate, 0, "sshd", "alice");
	say(&d, "pam_unix(sshd:account): account alice has expired (account expired)");
	audit(&d, 1101, ACCT, false);
	pam(&d, PAM_acct_mgmt, 13, "sshd", "alice");
	say(&d, "Failed password for alice from 10.0.0.5 port 40010 ssh2");
	audit(&d, 1112, LOGIN, false);
	say(&d, "fatal: Access denied for user alice by PAM account configuration [preauth]");
	leave(&d);
}

static void s_password_expired(void)
{
	struct daemon d = monitor();
	audit(&d, 1100, AUTH, true);
	pam(&d, PAM_authenticate, 0, "sshd", "alice");
	audit(&d, 1101, ACCT, false);
	pam(&d, PAM_acct_mgmt, 12, "sshd", "alice");
	say(&d, "Accepted password for alice from 10.0.0.5 port 40010 ssh2");
	session(&d);
	leave(&d);
}

static void s_not_allowed(void)
{
	struct daemon d = monitor();
	say(&d, "User alice from 10.0.0.5 not allowed because not listed in AllowUsers");
	audit(&d, 1112, NONE, false);
	audit(&d, 1100, AUTH, false);
	pam(&d, PAM_authenticate, 7, "sshd", "alice");
	say(&d, "Failed password for invalid user alice from 10.0.0.5 port 40010 ssh2");
	audit(&d, 1112, NONE, false);
	leave(&d);
}

static void s_scan(void)
{
	struct daemon d = monitor();
	say(&d, "Connection closed by 10.0.0.5 port 40010 [preauth]");
	leave(&d);
}

static void s_gone(void)
{
	struct daemon d = monitor();
	say(&d, "Connection closed by authenticating user alice 10.0.0.5 port 40010 [preauth]");
	leave(&d);
}

static void s_no_pam_wrong(void)
{
	struct daemon d = monitor();
	for (int i = 0; i < 2; i++) {
		say(&d, "Failed password for alice from 10.0.0.5 port 40010 ssh2");
		audit(&d, 1112, LOGIN, false);
		pass(200);
	}
	leave(&d);
}

static void s_no_pam_good(void)
{
	struct daemon d = monitor();
	say(&d, "Accepted password for alice from 10.0.0.5 port 40010 ssh2");
	pass(10000);
	leave(&d);
}

/* --- dropbear --- */

static void s_dropbear(void)
{
	struct daemon d = connected("/usr/sbin/dropbear", 10, PEER);
	d.proc.exec_time = 0;
	say(&d, "Bad password attempt for 'alice' from 10.0.0.5:40010");
	say(&d, "Bad password attempt for 'alice' from 10.0.0.5:40010");
	say(&d, "Password auth succeeded for 'alice' from 10.0.0.5:40010");
	pass(9000);
	say(&d, "Exit (alice) from <10.0.0.5:40010>: Disconnect received");
	leave(&d);
}

static void s_dropbear_nobody(void)
{
	struct daemon d = connected("/usr/sbin/dropbear", 10, PEER);
	d.proc.exec_time = 0;
	say(&d, "Login attempt for nonexistent user");
	say(&d, "Exit before auth from <10.0.0.5:40010>: (user 'alice', 0 fails): Exited normally");
	leave(&d);
}

static void s_dropbear_key(void)
{
	struct daemon d = connected("/usr/sbin/dropbear", 10, PEER);
	say(&d, "Exit before auth from <10.0.0.5:40010>: (user 'alice', 0 fails): Exited normally");
	leave(&d);
}

static void s_locked(void)
{
	struct daemon d = monitor();
	audit(&d, 2100, "op=pam_faillock acct=\"alice\"", true);
	audit(&d, 2207, "op=pam_faillock acct=\"alice\"", true);
	say(&d, "pam_faillock(sshd:auth): Consecutive login failures for user alice account "
		"temporarily locked");
	audit(&d, 1100, AUTH, false);
	pam(&d, PAM_authenticate, 6, "sshd", "alice");
	say(&d, "Failed password for alice from 10.0.0.5 port 40010 ssh2");
	audit(&d, 1112, LOGIN, false);
	leave(&d);
}

/* --- what comes of them --- */

#define FROM " 10.0.0.5:40010\n"
#define END  "session_end success ok alice - 10.0.0.5:40010\n"

/* What the audit message alone, the return alone, or the line alone tells. */
#define BAD(method_)  "login failure bad_credentials alice " method_ FROM
#define GOOD(method_) "login success ok alice " method_ FROM END

static const struct login_row rows[] = {
	{ "wrong password", s_wrong, BAD("password"), NULL, NULL, NULL, BAD("pam"), BAD("pam") },
	{ "six in a connection", s_wrong_six,
	  BAD("password") BAD("password") BAD("password") BAD("password") BAD("password")
		  BAD("password"),
	  NULL, NULL, NULL, BAD("pam") BAD("pam") BAD("pam") BAD("pam") BAD("pam") BAD("pam"),
	  BAD("pam") BAD("pam") BAD("pam") BAD("pam") BAD("pam") BAD("pam") },
	{ "good password", s_good, GOOD("password"), NULL, NULL,
	  "login success ok alice password" FROM "session_start success ok alice -" FROM END,
	  GOOD("pam"), GOOD("pam") },
	{ "wrong, then good", s_wrong_then_good, BAD("password") GOOD("password"), NULL, NULL,
	  BAD("password") "login success ok alice password" FROM
			  "session_start success ok alice -" FROM END,
	  BAD("pam") GOOD("pam"), BAD("pam") GOOD("pam") },
	{ "invalid user", s_invalid_user, "login failure user_unknown alice password" FROM, NULL,
	  NULL, NULL, "login failure user_unknown alice pam" FROM, BAD("pam") },
	{ "keyboard-interactive", s_interactive, BAD("keyboard_interactive"), NULL, NULL, NULL,
	  BAD("pam"), BAD("pam") },
	{ "keyboard-interactive, invalid user", s_interactive_invalid,
	  "login failure user_unknown alice keyboard_interactive" FROM, NULL, NULL, NULL,
	  "login failure user_unknown alice pam" FROM,
	  "login failure user_unknown alice pam" FROM },
	{ "keys refused", s_three_keys, "login failure key_not_accepted alice publickey" FROM, NULL,
	  "login unknown disconnected_before_auth alice -" FROM,
	  "login unknown disconnected_before_auth alice -" FROM,
	  "login failure key_not_accepted alice publickey" FROM, "" },
	{ "an agent's keys", s_agent, GOOD("publickey"), NULL, NULL,
	  "login success ok alice publickey" FROM "session_start success ok alice -" FROM END,
	  GOOD("-"), GOOD("-") },
	{ "keys, then a password", s_keys_then_password, GOOD("password"), NULL, NULL,
	  "login success ok alice password" FROM "session_start success ok alice -" FROM END,
	  GOOD("pam"), GOOD("pam") },
	{ "account expired", s_account_expired,
	  "login failure account_expired_or_locked alice password" FROM, NULL, NULL, NULL,
	  "login failure account_expired_or_locked alice pam" FROM,
	  "login failure account_expired_or_locked alice pam" FROM },
	{ "password expired", s_password_expired,
	  "login success password_expired_must_change alice password" FROM END, NULL, NULL,
	  "login success ok alice password" FROM "session_start success ok alice -" FROM END,
	  "login success password_expired_must_change alice pam" FROM END,
	  "login success password_expired_must_change alice pam" FROM END },
	{ "not in AllowUsers", s_not_allowed, "login failure denied_by_policy alice password" FROM,
	  NULL, NULL, NULL, "login failure user_unknown alice pam" FROM, BAD("pam") },
	{ "scan", s_scan, "", NULL, NULL, NULL, NULL, NULL },
	{ "gone before anything", s_gone, "login unknown disconnected_before_auth alice -" FROM,
	  NULL, NULL, NULL, "", "" },
	{ "UsePAM no, wrong", s_no_pam_wrong, BAD("password") BAD("password"), NULL, NULL, NULL,
	  "login failure key_not_accepted alice publickey" FROM, "" },
	{ "UsePAM no, good", s_no_pam_good, GOOD("password"), NULL, NULL, NULL, "", "" },
	{ "dropbear", s_dropbear, BAD("password") BAD("password") GOOD("password"), NULL, NULL,
	  NULL, "", "" },
	{ "dropbear, unknown user", s_dropbear_nobody, "login failure user_unknown - -" FROM, NULL,
	  NULL, NULL, "", "" },
	{ "dropbear, key refused", s_dropbear_key,
	  "login unknown disconnected_before_auth alice -" FROM, NULL, NULL, NULL, "", "" },
	{ "locked out", s_locked,
	  "account_lock unknown account_expired_or_locked alice -" FROM
	  "login failure denied_by_policy alice password" FROM,
	  "account_lock unknown account_expired_or_locked alice -" FROM BAD("password"), NULL,
	  "account_lock unknown account_expired_or_locked alice -" FROM BAD("password"),
	  "account_lock unknown account_expired_or_locked alice -" FROM BAD("pam"),
	  "login failure denied_by_policy alice pam" FROM },
};

static void the_matrix(void **state)
{
	(void)state;
	login_matrix(rows, sizeof(rows) / sizeof(rows[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_matrix),
	};
	return cmocka_run_group_tests_name("auth_ssh", tests, NULL, NULL);
}
