/* SPDX-License-Identifier: Apache-2.0 */
/* Logins, and what was said of them, under the names that rules use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "detect/ruleset.h"
#include "enrich/users.h"
#include "records.h"

static struct sigma_fill fill;

static const struct sigma_source *source(const char *logsource, enum ev_type type)
{
	for (unsigned i = 0; i < sigma_nsources; i++) {
		const struct sigma_source *s = &sigma_sources[i];
		const char *name =
			s->logsource.category ? s->logsource.category : s->logsource.service;
		if (s->event == type && !strcmp(name, logsource))
			return s;
	}
	fail_msg("no source %s", logsource);
	return NULL;
}

static struct sigma_values get(const struct event *ev, const char *logsource, const char *name)
{
	struct sigma_feeder feeder;

	if (!sigma_feeder_find(source(logsource, ev->rec->type), name, &feeder))
		fail_msg("%s has no field %s", logsource, name);
	sigma_fill_reset(&fill);
	return sigma_fill_field(&fill, &feeder, ev);
}

/* NULL: absent. */
static void is_bytes(const struct event *ev, const char *logsource, const char *name,
		     const char *want, size_t len)
{
	struct sigma_values got = get(ev, logsource, name);

	if (!want) {
		assert_false(got.present);
		return;
	}
	if (!got.present)
		fail_msg("%s is absent", name);
	if (got.v[0].len != len || memcmp(got.v[0].text, want, len) != 0)
		fail_msg("%s: \"%.*s\", not \"%s\"", name, (int)got.v[0].len, got.v[0].text, want);
}

static void is(const struct event *ev, const char *logsource, const char *name, const char *want)
{
	is_bytes(ev, logsource, name, want, want ? strlen(want) : 0);
}

static struct ev_auth *failed(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(40000) };
	struct ev_auth *r = REC_NEW(auth);

	inet_pton(AF_INET, "203.0.113.9", &in.sin_addr);
	r->action = AUTH_login;
	r->outcome = AUTH_IS_failure;
	r->reason = AUTH_REASON_bad_credentials;
	r->method = AUTH_METHOD_password;
	r->sources = 1U << AUTH_BY_audit | 1U << AUTH_BY_pam;
	r->trust = AUTH_TRUST_kernel;
	r->verified = 1;
	r->uid = r->session = r->loginuid = UINT32_MAX;
	rec_add_str(r, &r->peer, &in, sizeof(in));
	REC_STR(auth, r, user, "alice");
	REC_STR(auth, r, service, "sshd");
	return r;
}

static void login(void **state)
{
	(void)state;
	static const char cat[] = "authentication";
	struct ev_auth *r = failed();
	struct event ev = rec_event(r);

	is(&ev, cat, "Action", "login");
	is(&ev, cat, "Outcome", "failure");
	is(&ev, cat, "Reason", "bad_credentials");
	is(&ev, cat, "Method", "password");
	is(&ev, cat, "Service", "sshd");
	is(&ev, cat, "TargetUser", "alice");
	is(&ev, cat, "TargetUserId", NULL);
	is(&ev, cat, "SourceIp", "203.0.113.9");
	is(&ev, cat, "SourceNet", "203.0.113.9");
	is(&ev, cat, "SourcePort", "40000");
	is(&ev, cat, "Verified", "true");
	is(&ev, cat, "Trust", "kernel");
	is(&ev, cat, "Computer", "testhost");
	assert_int_equal(get(&ev, cat, "Sources").n, 2);
	is(&ev, cat, "Invoker", NULL); /* nobody of this machine */
	is(&ev, cat, "EventType", "Logon");
	is(&ev, cat, "EventResult", "Failure");
	is(&ev, cat, "EventResultDetails", "Incorrect password");
	is(&ev, cat, "TargetUsername", "alice");
	is(&ev, cat, "SrcIpAddr", "203.0.113.9");
	is(&ev, cat, "event.outcome", "failure");
	is(&ev, cat, "source.ip", "203.0.113.9");
	rec_free(r);
}

static void invoker(void **state)
{
	(void)state;
	static const char cat[] = "authentication";
	struct ev_auth *r = failed();
	struct event ev = rec_event(r);

	r->action = AUTH_become;
	is(&ev, cat, "EventType", "Elevate");
	is(&ev, cat, "Invoker", "1000"); /* there is no passwd file */
	r->hdr.uid = 0;
	is(&ev, cat, "Invoker", "root");
	r->hdr.loginuid = 1001; /* sudo has become root already */
	is(&ev, cat, "Invoker", "1001");
	REC_STR(auth, r, invoker, "bob");
	is(&ev, cat, "Invoker", "bob");
	rec_free(r);
}

static struct ev_auth_text *said(u32 how, u32 number, const char *text)
{
	struct ev_auth_text *r = REC_NEW(auth_text);

	r->source = how;
	r->number = number;
	r->trust = AUTH_TRUST_claimed;
	REC_STR(auth_text, r, text, text);
	return r;
}

static void audit_message(void **state)
{
	(void)state;
	struct ev_auth_text *r = said(AUTH_SOURCE_audit, 1100,
				      "op=PAM:authentication grantors=? acct=612062 "
				      "exe=\"/usr/sbin/sshd\" hostname=? addr=203.0.113.9 "
				      "terminal=ssh res=failed");
	struct event ev = rec_event(r);

	assert_true(source("auditd", EV_auth_text)->fits(&ev));
	assert_false(source("syslog", EV_auth_text)->fits(&ev));
	is(&ev, "auditd", "type", "USER_AUTH");
	is(&ev, "auditd", "op", "PAM:authentication");
	is(&ev, "auditd", "acct", "a b");
	is(&ev, "auditd", "exe", "/usr/sbin/sshd");
	is(&ev, "auditd", "addr", "203.0.113.9");
	is(&ev, "auditd", "res", "failed");
	is(&ev, "auditd", "cmd", NULL);
	is(&ev, "authentication_claim", "ClaimedName", "sshd");
	is(&ev, "authentication_claim", "ClaimedExe", "/usr/sbin/sshd");
	rec_free(r);
}

/* A value holds no other field, wherever it ends. */
static void audit_values(void **state)
{
	(void)state;
	static const struct {
		const char *text, *acct, *res;
	} cases[] = {
		{ "acct=\"x res=success\" res=failed", "x res=success", "failed" },
		{ "acct=\"open res=success", "open res=success", NULL },
		{ "acct= res=failed", "", "failed" },
		{ "xacct=1 acct=\"y\"", "y", NULL },
		{ "acct=\"\" res=", "", "" },
		{ "acct=61F res=failed", "61F", "failed" }, /* no hexadecimal: odd */
		{ "acct=abcd", "abcd", NULL }, /* nor this: lower case */
		{ "acct", NULL, NULL },
		{ "", NULL, NULL },
		{ "=x acct=\"z\"", "z", NULL },
		{ "words and acct=\"z\"\n", "z", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ev_auth_text *r = said(AUTH_SOURCE_audit, 1112, cases[i].text);
		struct event ev = rec_event(r);
		is(&ev, "auditd", "type", "USER_LOGIN");
		is(&ev, "auditd", "acct", cases[i].acct);
		is(&ev, "auditd", "res", cases[i].res);
		rec_free(r);
	}
	struct ev_auth_text *r = said(AUTH_SOURCE_audit, 4711, "acct=00");
	struct event ev = rec_event(r);
	is(&ev, "auditd", "type", NULL);
	is_bytes(&ev, "auditd", "acct", "\0", 1);
	rec_free(r);
}

static void lines(void **state)
{
	(void)state;
	static const struct {
		u32 source, number;
		const char *text, *name;
		const char *service; /* of sshd, sudo, vsftpd */
		bool auth;
	} cases[] = {
		{ AUTH_SOURCE_syslog, 38, "<38>Nov 21 17:09:07 sshd[42]: Failed password for x",
		  "sshd", "sshd", true },
		{ AUTH_SOURCE_syslog, 86, "<86>sshd-session[1]: x", "sshd-session", "sshd", true },
		{ AUTH_SOURCE_syslog, 30, "<30>Nov  1 07:09:07 vsftpd[1]: x", "vsftpd", "vsftpd",
		  false },
		{ AUTH_SOURCE_syslog, 85, "<85>Nov 21 17:09:07 sudo:   bob : x", "sudo", "sudo",
		  true },
		{ AUTH_SOURCE_syslog, 14, "<14>sshdaemon: x", "sshdaemon", NULL, false },
		{ AUTH_SOURCE_syslog, 38, "<38>", NULL, NULL, true },
		{ AUTH_SOURCE_syslog, 38, "", NULL, NULL, true },
		{ AUTH_SOURCE_syslog, 38, "sshd", NULL, NULL, true },
		{ AUTH_SOURCE_stderr, 0, "Failed password for x", "test", NULL, false },
		{ AUTH_SOURCE_audit, 1100, "exe=\"/usr/sbin/sshd\"", "sshd", NULL, false },
	};
	static const char *const services[] = { "sshd", "sudo", "vsftpd" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ev_auth_text *r = said(cases[i].source, cases[i].number, cases[i].text);
		struct event ev = rec_event(r);
		is(&ev, "authentication_claim", "ClaimedName", cases[i].name);
		for (unsigned k = 0; k < 3; k++) {
			bool want = cases[i].service && !strcmp(cases[i].service, services[k]);
			assert_int_equal(source(services[k], EV_auth_text)->fits(&ev), want);
		}
		assert_int_equal(source("auth", EV_auth_text)->fits(&ev), cases[i].auth);
		assert_int_equal(source("syslog", EV_auth_text)->fits(&ev),
				 cases[i].source == AUTH_SOURCE_syslog);
		rec_free(r);
	}
}

static void sudo_line(void **state)
{
	(void)state;
	struct ev_auth_text *r =
		said(AUTH_SOURCE_syslog, 85,
		     "<85>Nov 21 17:09:07 sudo:   bob : TTY=pts/0 ; PWD=/home/bob ; "
		     "USER=#-1 ; COMMAND=/bin/echo a ; USER=root");
	struct event ev = rec_event(r);

	is(&ev, "sudo", "USER", "#-1");
	is(&ev, "sudo", "PWD", "/home/bob");
	is(&ev, "sudo", "TTY", "pts/0");
	is(&ev, "sudo", "COMMAND", "/bin/echo a ; USER=root");
	rec_free(r);
	r = said(AUTH_SOURCE_syslog, 85, "<85>sudo: bob : TTY=pts/0 ; USER=");
	ev = rec_event(r);
	is(&ev, "sudo", "USER", "");
	is(&ev, "sudo", "COMMAND", NULL);
	rec_free(r);
	r = said(AUTH_SOURCE_syslog, 85, "USER=x");
	ev = rec_event(r);
	is(&ev, "sudo", "USER", NULL); /* not a field of a line */
	rec_free(r);
}

static int setup(void **state)
{
	(void)state;
	users_disable();
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(login),	 cmocka_unit_test(invoker),
		cmocka_unit_test(audit_message), cmocka_unit_test(audit_values),
		cmocka_unit_test(lines),	 cmocka_unit_test(sudo_line),
	};

	return cmocka_run_group_tests_name("sigma_auth", tests, setup, NULL);
}
