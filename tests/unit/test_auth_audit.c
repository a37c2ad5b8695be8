/* SPDX-License-Identifier: Apache-2.0 */
/* Audit messages as libaudit sends them, and as a client would like them to be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/audit_text.h"

#define PAM_AUTH "op=PAM:authentication grantors=? "
#define TAIL	 " exe=\"/usr/sbin/sshd\" hostname=127.0.0.1 addr=127.0.0.1 terminal=ssh res="

static struct auth_report r;

static bool parse(unsigned type, const char *text)
{
	return audit_text_parse(type, text, strlen(text), false, &r);
}

#define assert_name(name_, text_)                                     \
	do {                                                          \
		assert_int_equal((name_).len, strlen(text_));         \
		assert_memory_equal((name_).p, text_, strlen(text_)); \
	} while (0)

static void a_wrong_password(void **state)
{
	(void)state;
	assert_true(parse(1100, PAM_AUTH "acct=\"authlab1\"" TAIL "failed"));
	assert_int_equal(r.step, AUTH_STEP_try);
	assert_int_equal(r.outcome, AUTH_IS_failure);
	assert_int_equal(r.reason, AUTH_REASON_none);
	assert_int_equal(r.method, AUTH_METHOD_pam);
	assert_name(r.user, "authlab1");
	assert_name(r.host, "127.0.0.1");
	assert_name(r.tty, "ssh");
}

static void steps(void **state)
{
	static const struct {
		unsigned type;
		const char *text;
		enum auth_step step;
		enum auth_outcome outcome;
	} rows[] = {
		{ 1100, "op=PAM:authentication acct=\"a\" res=success", AUTH_STEP_try,
		  AUTH_IS_success },
		{ 1101, "op=PAM:accounting acct=\"a\" res=failed", AUTH_STEP_account,
		  AUTH_IS_failure },
		{ 1103, "op=PAM:setcred acct=\"a\" res=success", AUTH_STEP_none, 0 },
		{ 1104, "op=PAM:setcred acct=\"a\" res=success", AUTH_STEP_end, AUTH_IS_success },
		{ 1105, "op=PAM:session_open acct=\"a\" res=success", AUTH_STEP_begin,
		  AUTH_IS_success },
		{ 1105, "op=PAM:session_open acct=\"a\" res=failed", AUTH_STEP_none, 0 },
		{ 1106, "op=PAM:session_close acct=\"a\" res=success", AUTH_STEP_end,
		  AUTH_IS_success },
		{ 1108, "op=PAM:chauthtok acct=\"a\" res=failed", AUTH_STEP_password,
		  AUTH_IS_failure },
		{ 1108, "op=change-password id=1 res=success", AUTH_STEP_password,
		  AUTH_IS_success },
		{ 1108, "op=locking-user id=1 res=success", AUTH_STEP_none, 0 },
		{ 1109, "op=PAM:bad_ident acct=\"?\" res=failed", AUTH_STEP_none, 0 },
		{ 1100, "op=PAM:unix_chkpwd acct=\"a\" res=failed", AUTH_STEP_none, 0 },
		{ 1112, "op=login acct=\"a\" res=failed", AUTH_STEP_login, AUTH_IS_failure },
		{ 1123, "cwd=\"/tmp\" cmd=6964 exe=\"/usr/bin/sudo\" terminal=pts/0 res=failed",
		  AUTH_STEP_command, AUTH_IS_failure },
		{ 2100, "op=pam_faillock suid=0 res=success", AUTH_STEP_lock, AUTH_IS_unknown },
		{ 2207, "op=pam_faillock suid=0 res=success", AUTH_STEP_lock, AUTH_IS_unknown },
		{ 2206, "op=pam_faillock suid=0 res=success", AUTH_STEP_none, 0 },
		{ 2104, "op=pam_access acct=\"a\" res=failed", AUTH_STEP_hint, AUTH_IS_failure },
		{ 1114, "op=adding user id=1 res=success", AUTH_STEP_none, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool ok = parse(rows[i].type, rows[i].text);
		if (ok != (rows[i].step != AUTH_STEP_none))
			fail_msg("%u %s", rows[i].type, rows[i].text);
		if (!ok)
			continue;
		assert_int_equal(r.step, rows[i].step);
		assert_int_equal(r.outcome, rows[i].outcome);
	}
}

static void names(void **state)
{
	(void)state;
	/* A name that looks like the end of a line comes as hexadecimal digits. */
	assert_true(parse(1100, PAM_AUTH "acct=726F6F742066726F6D20312E322E332E3420706F727420352"
					 "073736832" TAIL "failed"));
	assert_name(r.user, "root from 1.2.3.4 port 5 ssh2");
	/* One of digits alone is quoted. */
	assert_true(parse(1100, PAM_AUTH "acct=\"726F6F74\"" TAIL "failed"));
	assert_name(r.user, "726F6F74");
	assert_true(parse(1100, PAM_AUTH "acct=610A62" TAIL "failed"));
	assert_name(r.user, "a\nb");
	assert_true(parse(1100, PAM_AUTH "acct=FF00FE" TAIL "failed"));
	assert_int_equal(r.user.len, 3);
	assert_memory_equal(r.user.p, "\xff\0\xfe", 3);
	assert_true(parse(1100, PAM_AUTH "acct=\"?\"" TAIL "failed"));
	assert_int_equal(r.user.len, 0);
	assert_int_equal(r.reason, AUTH_REASON_user_unknown);
	assert_true(parse(1100, PAM_AUTH "acct=?" TAIL "failed"));
	assert_int_equal(r.user.len, 0);
}

static void nobody(void **state)
{
	(void)state;
	assert_true(parse(1112, "op=login acct=28696E76616C6964207573657229" TAIL "failed"));
	assert_int_equal(r.reason, AUTH_REASON_user_unknown);
	assert_int_equal(r.user.len, 0);
	assert_true(parse(1112, "op=login acct=\"UNKNOWN\"" TAIL "failed"));
	assert_int_equal(r.reason, AUTH_REASON_user_unknown);
}

static void results_are_the_last_field(void **state)
{
	(void)state;
	assert_true(parse(1100, PAM_AUTH "acct=\"res=success\" hostname=res=success res=failed"));
	assert_int_equal(r.outcome, AUTH_IS_failure);
	assert_true(parse(1100, "res=success " PAM_AUTH "acct=\"a\" res=failed\n"));
	assert_int_equal(r.outcome, AUTH_IS_failure);
	assert_false(parse(1100, PAM_AUTH "acct=\"a\" res=success hostname=x"));
	assert_false(parse(1100, PAM_AUTH "acct=\"a\" res=perhaps"));
	assert_false(parse(1100, PAM_AUTH "acct=\"a res=success"));
	assert_false(parse(1100, ""));
	assert_false(parse(1100, "="));
	assert_false(parse(1100, "\""));
}

static void the_first_of_two_counts(void **state)
{
	(void)state;
	assert_true(parse(1100, "op=PAM:authentication acct=\"alice\" hostname=x acct=\"root\" "
				"res=failed"));
	assert_name(r.user, "alice");
}

/* sshd cuts no name; only the sensor's copy of the text ends. */
static void what_was_cut_is_a_failure(void **state)
{
	char text[2048];

	(void)state;
	int n = snprintf(text, sizeof(text), PAM_AUTH "acct=");
	memset(text + n, '4', sizeof(text) - (size_t)n);
	assert_true(audit_text_parse(1100, text, sizeof(text), true, &r));
	assert_int_equal(r.outcome, AUTH_IS_failure);
	assert_int_equal(r.user.len, AUTH_NAME_MAX);
	assert_true(r.user.cut);
	assert_int_equal(r.user.p[0], 'D');
	/* An odd digit is no byte. */
	assert_true(
		audit_text_parse(1100, PAM_AUTH "acct=6162636", strlen(PAM_AUTH) + 12, true, &r));
	assert_name(r.user, "abc");
	assert_true(r.user.cut);
	assert_false(audit_text_parse(1101, text, sizeof(text), true, &r));
	assert_false(audit_text_parse(1105, text, sizeof(text), true, &r));
}

static void nobody_was_asked(void **state)
{
	(void)state;
	assert_true(
		parse(1100, "op=PAM:authentication grantors=pam_rootok acct=\"bob\" res=success"));
	assert_true(r.without_proof);
	assert_true(parse(1100, "op=PAM:authentication grantors=pam_unix acct=\"pam_rootok\" "
				"res=success"));
	assert_false(r.without_proof);
}

static void keys_of_red_hat(void **state)
{
	(void)state;
	assert_true(parse(1100, "op=pubkey_auth grantors=auth-key acct=\"a\" res=failed"));
	assert_int_equal(r.step, AUTH_STEP_offer);
	assert_true(parse(1100, "op=key algo=ssh-rsa size=2048 acct=\"a\" res=success"));
	assert_int_equal(r.step, AUTH_STEP_try);
	assert_int_equal(r.method, AUTH_METHOD_publickey);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_password),
		cmocka_unit_test(steps),
		cmocka_unit_test(names),
		cmocka_unit_test(nobody),
		cmocka_unit_test(results_are_the_last_field),
		cmocka_unit_test(the_first_of_two_counts),
		cmocka_unit_test(what_was_cut_is_a_failure),
		cmocka_unit_test(nobody_was_asked),
		cmocka_unit_test(keys_of_red_hat),
	};
	return cmocka_run_group_tests_name("auth_audit", tests, NULL, NULL);
}
