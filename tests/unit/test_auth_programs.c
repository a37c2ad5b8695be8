/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that ask PAM, and file servers: each scenario is what the sources report of it, in their
 * order, and the lines are what has to come of that, with all sources and with some of them
 * missing.
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

/* --- su, sudo, login --- */

static void s_su_wrong(void)
{
	struct daemon d = set_uid("/usr/bin/su", 20, 1001);
	say(&d, "pam_unix(su-l:auth): authentication failure; logname= uid=1001 euid=0 tty=pts/0 "
		"ruser=bob rhost=  user=alice");
	audit(&d, 1100, AUTH, false);
	pass(2000);
	pam(&d, PAM_authenticate, 7, "su", "alice");
	say(&d, "FAILED SU (to alice) bob on pts/0");
	leave(&d);
}

static void s_su_shadow_wrong(void)
{
	struct daemon d = set_uid("/bin/su", 20, 1001);
	audit(&d, 1100, AUTH, false);
	pass(2000);
	pam(&d, PAM_authenticate, 7, "su", "alice");
	say(&d, "FAILED su for alice by bob");
	say(&d, "- /dev/pts/0 bob:alice");
	leave(&d);
}

static void s_su_good(void)
{
	struct daemon d = set_uid("/usr/bin/su", 20, 1001);
	d.hdr.loginuid = 1001;
	d.hdr.session = 3;
	audit(&d, 1100, AUTH, true);
	pam(&d, PAM_authenticate, 0, "su", "alice");
	audit(&d, 1101, ACCT, true);
	pam(&d, PAM_acct_mgmt, 0, "su", "alice");
	say(&d, "(to alice) bob on pts/0");
	audit(&d, 1103, "op=PAM:setcred acct=\"alice\"", true);
	say(&d, "pam_unix(su:session): session opened for user alice(uid=1002) by (uid=1001)");
	audit(&d, 1105, OPEN, true);
	pam(&d, PAM_open_session, 0, "su", "alice");
	pass(5000);
	say(&d, "pam_unix(su:session): session closed for user alice");
	audit(&d, 1106, CLOSE, true);
	pam(&d, PAM_close_session, 0, "su", "alice");
	leave(&d);
}

static void s_su_by_root(void)
{
	struct daemon d = set_uid("/usr/bin/su", 20, 0);
	audit(&d, 1100, "op=PAM:authentication grantors=pam_rootok acct=\"alice\"", true);
	pam(&d, PAM_authenticate, 0, "su", "alice");
	audit(&d, 1101, ACCT, true);
	say(&d, "(to alice) root on pts/0");
	audit(&d, 1105, OPEN, true);
	pam(&d, PAM_open_session, 0, "su", "alice");
	audit(&d, 1106, CLOSE, true);
	pam(&d, PAM_close_session, 0, "su", "alice");
	leave(&d);
}

#define SUDO_AUTH "op=PAM:authentication grantors=? acct=\"bob\""

static void sudo_fails(struct daemon *d)
{
	for (int i = 0; i < 3; i++) {
		if (i)
			pass(1500);
		else
			say(d, "pam_unix(sudo:auth): authentication failure; logname= uid=1001 "
			       "euid=0 tty=/dev/pts/0 ruser=bob rhost=  user=bob");
		audit(d, 1100, SUDO_AUTH, false);
		pass(2000);
		pam(d, PAM_authenticate, 7, "sudo", "bob");
	}
}

static void s_sudo_wrong(void)
{
	struct daemon d = set_uid("/usr/bin/sudo", 20, 1001);
	sudo_fails(&d);
	say(&d, "     bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; "
		"COMMAND=/bin/sh");
	audit(&d, 1123, "cwd=\"/\" cmd=\"sh\"", false);
	leave(&d);
}

static void s_sudo_good(void)
{
	struct daemon d = set_uid("/usr/bin/sudo", 20, 1001);
	audit(&d, 1100, SUDO_AUTH, true);
	pam(&d, PAM_authenticate, 0, "sudo", "bob");
	audit(&d, 1101, "op=PAM:accounting acct=\"bob\"", true);
	pam(&d, PAM_acct_mgmt, 0, "sudo", "bob");
	say(&d, "     bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh");
	audit(&d, 1123, "cwd=\"/\" cmd=\"sh\"", true);
	audit(&d, 1105, "op=PAM:session_open acct=\"root\"", true);
	pam(&d, PAM_open_session, 0, "sudo", "root");
	pass(5000);
	audit(&d, 1106, "op=PAM:session_close acct=\"root\"", true);
	pam(&d, PAM_close_session, 0, "sudo", "root");
	leave(&d);
}

static void s_sudo_not_asked(void)
{
	struct daemon d = set_uid("/usr/bin/sudo", 20, 1001);
	say(&d, "     bob : a password is required ; PWD=/ ; USER=root ; COMMAND=/bin/sh");
	audit(&d, 1123, "cwd=\"/\" cmd=\"sh\"", false);
	leave(&d);
}

static void s_sudo_not_in_sudoers(void)
{
	struct daemon d = set_uid("/usr/bin/sudo", 20, 1001);
	audit(&d, 1100, SUDO_AUTH, true);
	pam(&d, PAM_authenticate, 0, "sudo", "bob");
	say(&d, "     bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh");
	audit(&d, 1123, "cwd=\"/\" cmd=\"sh\"", false);
	leave(&d);
}

static void s_login(void)
{
	struct daemon d = connected("/bin/login", 20, NULL);
	d.sock = 0;
	audit(&d, 1100, AUTH, false);
	pass(2000);
	pam(&d, PAM_authenticate, 7, "login", "alice");
	say(&d, "FAILED LOGIN (1) on '/dev/pts/0' FOR 'alice', Authentication failure");
	audit(&d, 1112, "op=login acct=\"UNKNOWN\"", false);
	pass(3000);
	audit(&d, 1100, AUTH, true);
	pam(&d, PAM_authenticate, 0, "login", "alice");
	audit(&d, 1101, ACCT, true);
	pam(&d, PAM_acct_mgmt, 0, "login", "alice");
	d.hdr.loginuid = 1001;
	d.hdr.session = 4;
	audit(&d, 1105, OPEN, true);
	pam(&d, PAM_open_session, 0, "login", "alice");
	audit(&d, 1112, LOGIN, true);
	say(&d, "LOGIN ON pts/0 BY alice");
	pass(9000);
	audit(&d, 1106, CLOSE, true);
	pam(&d, PAM_close_session, 0, "login", "alice");
	leave(&d);
}

/* --- others --- */

static void s_vsftpd(void)
{
	struct daemon d = connected("/usr/sbin/vsftpd", 20, PEER);
	audit(&d, 1100, AUTH, false);
	pass(2000);
	pam(&d, PAM_authenticate, 7, "vsftpd", "alice");
	pass(5000);
	audit(&d, 1100, AUTH, true);
	pam(&d, PAM_authenticate, 0, "vsftpd", "alice");
	audit(&d, 1101, ACCT, true);
	pam(&d, PAM_acct_mgmt, 0, "vsftpd", "alice");
	pass(9000);
	leave(&d);
}

static void s_proftpd_nobody(void)
{
	struct daemon d = connected("/usr/sbin/proftpd", 20, PEER);
	say(&d, "127.0.0.1 (localhost[10.0.0.5]) - USER alice: no such user found from localhost "
		"[10.0.0.5] to 127.0.0.1:21");
	leave(&d);
}

static void s_passwd(void)
{
	struct daemon d = set_uid("/usr/bin/passwd", 20, 1001);
	say(&d, "pam_unix(passwd:chauthtok): authentication failure; logname= uid=1001 euid=0 tty= "
		"ruser= rhost=  user=alice");
	audit(&d, 1108, "op=PAM:chauthtok acct=\"alice\"", false);
	pam(&d, PAM_chauthtok, 20, "passwd", "alice");
	leave(&d);
}

static void s_screen_lock(void)
{
	struct daemon d = set_uid("/usr/bin/lock", 20, 0),
		      helper = set_uid("/usr/sbin/unix_chkpwd", 21, 0);
	audit(&helper, 1100, "op=PAM:unix_chkpwd acct=\"alice\"", true);
	audit(&d, 1100, AUTH, true);
	pam(&d, PAM_authenticate, 0, "lock", "alice");
	pass(10000);
	leave(&d);
}

static void s_cron(void)
{
	struct daemon d;
	daemon_init(&d, "/usr/sbin/cron", 20);
	audit(&d, 1101, "op=PAM:accounting grantors=pam_permit acct=\"root\"", true);
	pam(&d, PAM_acct_mgmt, 0, "cron", "root");
	say(&d, "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)");
	audit(&d, 1105, "op=PAM:session_open acct=\"root\"", true);
	pam(&d, PAM_open_session, 0, "cron", "root");
	audit(&d, 1106, "op=PAM:session_close acct=\"root\"", true);
	pam(&d, PAM_close_session, 0, "cron", "root");
	leave(&d);
}

#define FROM2 " 10.0.0.5:40020\n"

static const struct login_row rows[] = {
	{ "su, wrong", s_su_wrong, "become failure bad_credentials alice pam -\n", NULL, NULL,
	  "become failure bad_credentials alice - -\n", NULL, NULL },
	{ "su of shadow, wrong", s_su_shadow_wrong, "become failure bad_credentials alice pam -\n",
	  NULL, NULL, "become failure bad_credentials alice - -\n", NULL, NULL },
	{ "su, good", s_su_good,
	  "become success ok alice pam -\nsession_end success ok alice - -\n", NULL, NULL,
	  "become success ok alice - -\nsession_end success ok alice - -\n", NULL, NULL },
	{ "su by root", s_su_by_root, "", NULL, NULL, NULL, NULL, NULL },
	{ "sudo, wrong three times", s_sudo_wrong,
	  "become failure bad_credentials - pam -\nbecome failure bad_credentials - pam -\n"
	  "become failure bad_credentials root password -\n",
	  NULL, NULL,
	  "become failure bad_credentials - - -\nbecome failure bad_credentials root password -\n"
	  "become failure bad_credentials root password -\n",
	  "become failure bad_credentials - pam -\nbecome failure bad_credentials - pam -\n"
	  "become failure bad_credentials - pam -\n",
	  "become failure bad_credentials - pam -\nbecome failure bad_credentials - pam -\n"
	  "become failure bad_credentials - pam -\n" },
	{ "sudo, good", s_sudo_good,
	  "become success ok root pam -\nsession_end success ok root - -\n", NULL, NULL,
	  "become success ok root - -\n", NULL, NULL },
	{ "sudo -n", s_sudo_not_asked, "command_refused failure cred_insufficient root - -\n", NULL,
	  NULL, NULL, "command_refused failure denied_by_policy - - -\n", "" },
	{ "not in sudoers", s_sudo_not_in_sudoers,
	  "command_refused failure not_in_sudoers root pam -\n", NULL, NULL,
	  "command_refused failure not_in_sudoers root - -\n",
	  "command_refused failure denied_by_policy - pam -\n", "become success ok - pam -\n" },
	{ "login(1)", s_login,
	  "login failure user_unknown alice pam -\nlogin success ok alice pam -\n"
	  "session_end success ok alice - -\n",
	  NULL,
	  "login failure bad_credentials alice pam -\nlogin success ok alice pam -\n"
	  "session_end success ok alice - -\n",
	  "login failure bad_credentials alice - -\nlogin success ok alice - -\n"
	  "session_end success ok alice - -\n",
	  NULL,
	  "login failure bad_credentials alice pam -\nlogin success ok alice pam -\n"
	  "session_end success ok alice - -\n" },
	{ "vsftpd", s_vsftpd,
	  "login failure bad_credentials alice pam" FROM2 "login success ok alice pam" FROM2, NULL,
	  NULL, "", NULL, NULL },
	{ "proftpd, unknown user", s_proftpd_nobody,
	  "login failure user_unknown alice password" FROM2, NULL, NULL, NULL, "", "" },
	{ "passwd", s_passwd, "password_change failure authtok_error alice - -\n",
	  "password_change failure bad_credentials alice - -\n", NULL,
	  "password_change failure bad_credentials alice - -\n",
	  "password_change failure bad_credentials alice - -\n", NULL },
	{ "screen lock", s_screen_lock, "authenticate success ok alice pam -\n", NULL, NULL, "",
	  NULL, NULL },
	{ "cron", s_cron, "", NULL, NULL, NULL, NULL, NULL },
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
	return cmocka_run_group_tests_name("auth_programs", tests, NULL, NULL);
}
