/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of programs that log people in: as they write them, and as a client would have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/log_text.h"

static struct auth_report r;

/* "program text", and what is to be read in it; NULL: not looked at. */
struct row {
	enum auth_program program;
	const char *text;
	enum auth_step step;
	enum auth_outcome outcome;
	enum auth_reason reason;
	enum auth_method method;
	const char *user, *host, *invoker, *key;
};

#define P(name_) AUTH_PROGRAM_##name_
#define FAILED	 AUTH_IS_failure
#define FINE	 AUTH_IS_success
#define R(name_) AUTH_REASON_##name_
#define M(name_) AUTH_METHOD_##name_
#define S(name_) AUTH_STEP_##name_

static bool parse(enum auth_program p, const char *text, const char *peer)
{
	return log_text_parse(p, (struct auth_piece){ text, strlen(text) },
			      (struct auth_piece){ peer, strlen(peer) }, false, &r);
}

static void check_name(const struct row *row, const char *what, const struct auth_name *n,
		       const char *expected)
{
	if (expected && !auth_name_is(n, expected))
		fail_msg("%s: %s is \"%.*s\", not \"%s\"", row->text, what, n->len, n->p, expected);
}

static void check(const struct row *row)
{
	bool ok = parse(row->program, row->text, "");

	if (!ok && row->step == AUTH_STEP_none)
		return;
	if (!ok || r.step != row->step || r.outcome != row->outcome || r.reason != row->reason ||
	    r.method != row->method)
		fail_msg("%s: understood %d, step %d outcome %d reason %d method %d", row->text, ok,
			 r.step, r.outcome, r.reason, r.method);
	check_name(row, "user", &r.user, row->user);
	check_name(row, "host", &r.host, row->host);
	check_name(row, "invoker", &r.invoker, row->invoker);
	check_name(row, "key", &r.key, row->key);
}

static void sshd(void **state)
{
	static const struct row rows[] = {
		{ P(sshd), "Failed password for authlab1 from 127.0.0.1 port 57884 ssh2",
		  S(verdict), FAILED, R(bad_credentials), .method = M(password), .user = "authlab1",
		  .host = "127.0.0.1" },
		{ P(sshd), "Failed password for authlab1 from 127.0.0.1 port 53288 ssh2\r\n",
		  S(verdict), FAILED, R(bad_credentials), .method = M(password), .user = "authlab1",
		  .host = "127.0.0.1" },
		{ P(sshd), "Failed password for invalid user x from 2001:db8::1 port 5 ssh2",
		  S(verdict), FAILED, R(user_unknown), .method = M(password), .user = "x",
		  .host = "2001:db8::1" },
		{ P(sshd), "Failed password for root from fe80::1%eth0 port 5 ssh2", S(verdict),
		  FAILED, R(bad_credentials), .method = M(password), .user = "root",
		  .host = "fe80::1%eth0" },
		{ P(sshd),
		  "Failed keyboard-interactive/pam for invalid user x from ::1 port 5 ssh2",
		  S(verdict), FAILED, R(user_unknown), .method = M(keyboard_interactive),
		  .user = "x", .host = "::1" },
		{ P(sshd), "Failed publickey for u from 1.2.3.4 port 5 ssh2: RSA SHA256:abc+/=",
		  S(offer), FAILED, R(bad_credentials), .method = M(publickey), .user = "u",
		  .host = "1.2.3.4", .key = "RSA SHA256:abc+/=" },
		{ P(sshd), "Failed none for u from 1.2.3.4 port 5 ssh2", .step = S(none) },
		{ P(sshd), "Failed none for invalid user u from 1.2.3.4 port 5 ssh2", S(hint),
		  FAILED, R(user_unknown), .method = M(no_proof), .user = "u", .host = "1.2.3.4" },
		{ P(sshd), "Accepted password for authlab1 from 127.0.0.1 port 57884 ssh2",
		  S(verdict), FINE, R(ok), .method = M(password), .user = "authlab1",
		  .host = "127.0.0.1" },
		{ P(sshd),
		  "Accepted publickey for u from 1.2.3.4 port 5 ssh2: ED25519 SHA256:YmFzZTY0",
		  S(verdict), FINE, R(ok), .method = M(publickey), .user = "u", .host = "1.2.3.4",
		  .key = "ED25519 SHA256:YmFzZTY0" },
		{ P(sshd),
		  "Accepted publickey for u from 1.2.3.4 port 5 ssh2: ED25519-CERT SHA256:aa ID "
		  "alice@corp (serial 7) CA RSA SHA256:bb",
		  S(verdict), FINE, R(ok), .method = M(publickey), .user = "u", .host = "1.2.3.4",
		  .key = "ED25519-CERT SHA256:aa ID alice@corp (serial 7) CA RSA SHA256:bb" },
		{ P(sshd), "Accepted gssapi-with-mic for u from 1.2.3.4 port 5 ssh2: u@REALM",
		  S(verdict), FINE, R(ok), .method = M(gssapi), .user = "u", .host = "1.2.3.4",
		  .key = "u@REALM" },
		{ P(sshd),
		  "Accepted hostbased for u from 1.2.3.4 port 5 ssh2: RSA SHA256:x, client "
		  "user \"a\", client host \"b\"",
		  S(verdict), FINE, R(ok), .method = M(hostbased), .user = "u", .host = "1.2.3.4" },
		{ P(sshd), "Invalid user nosuch from 127.0.0.1 port 40000", S(hint), FAILED,
		  R(user_unknown), .method = M(none), .user = "nosuch", .host = "127.0.0.1" },
		{ P(sshd), "error: PAM: Authentication failure for u from 127.0.0.1", S(said),
		  FAILED, R(bad_credentials), .method = M(keyboard_interactive), .user = "u",
		  .host = "127.0.0.1" },
		{ P(sshd),
		  "error: PAM: Authentication failure for illegal user u from host.example",
		  S(said), FAILED, R(user_unknown), .method = M(keyboard_interactive), .user = "u",
		  .host = "host.example" },
		{ P(sshd), "error: PAM: User account has expired for u from 127.0.0.1", S(said),
		  FAILED, R(account_expired_or_locked), .method = M(keyboard_interactive),
		  .user = "u" },
		{ P(sshd),
		  "error: PAM: Have exhausted maximum number of retries for service for u from ::1",
		  S(said), FAILED, R(max_tries), .method = M(keyboard_interactive), .user = "u",
		  .host = "::1" },
		{ P(sshd),
		  "error: maximum authentication attempts exceeded for u from ::1 port 5 ssh2 "
		  "[preauth]",
		  S(gone), AUTH_IS_unknown, R(max_tries), .method = M(none), .user = "u",
		  .host = "::1" },
		{ P(sshd), "Connection closed by authenticating user u 127.0.0.1 port 5 [preauth]",
		  S(gone), AUTH_IS_unknown, R(disconnected_before_auth), .method = M(none),
		  .user = "u", .host = "127.0.0.1" },
		{ P(sshd), "Connection reset by invalid user u 127.0.0.1 port 5 [preauth]", S(gone),
		  AUTH_IS_unknown, R(disconnected_before_auth), .method = M(none), .user = "u" },
		/* A scan tried nothing. */
		{ P(sshd), "Connection closed by 127.0.0.1 port 5 [preauth]", .step = S(none) },
		{ P(sshd), "fatal: Access denied for user u by PAM account configuration [preauth]",
		  S(account), FAILED, R(account_expired_or_locked), .method = M(none),
		  .user = "u" },
		{ P(sshd), "User u from 1.2.3.4 not allowed because not listed in AllowUsers",
		  S(hint), FAILED, R(denied_by_policy), .method = M(none), .user = "u",
		  .host = "1.2.3.4" },
		{ P(sshd), "User u not allowed because account is locked", S(hint), FAILED,
		  R(account_expired_or_locked), .method = M(none), .user = "u" },
		{ P(sshd), "ROOT LOGIN REFUSED FROM 1.2.3.4 port 5", S(hint), FAILED,
		  R(denied_by_policy), .method = M(none), .user = "root", .host = "1.2.3.4" },
		{ P(sshd), "Server listening on 0.0.0.0 port 22.", .step = S(none) },
		{ P(sshd), "Postponed publickey for u from 1.2.3.4 port 5 ssh2", .step = S(none) },
		/* Another program's words. */
		{ P(sshd), "FAILED SU (to root) alice on pts/0", .step = S(none) },
		{ P(other), "Accepted password for root from 6.6.6.6 port 1 ssh2",
		  .step = S(none) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

static void others(void **state)
{
	static const struct row rows[] = {
		{ P(dropbear), "Bad password attempt for 'u' from 127.0.0.1:39746", S(verdict),
		  FAILED, R(bad_credentials), .method = M(password), .user = "u",
		  .host = "127.0.0.1" },
		{ P(dropbear), "Bad password attempt for 'a' from 1.1.1.1:1' from ::1:39746",
		  S(verdict), FAILED, R(bad_credentials), .method = M(password),
		  .user = "a' from 1.1.1.1:1", .host = "::1" },
		{ P(dropbear), "Login attempt for nonexistent user", S(verdict), FAILED,
		  R(user_unknown), .method = M(none), .user = "" },
		{ P(dropbear), "Login attempt for nonexistent user from 127.0.0.1:39746",
		  S(verdict), FAILED, R(user_unknown), .method = M(none), .user = "",
		  .host = "127.0.0.1" },
		{ P(dropbear), "Password auth succeeded for 'u' from 127.0.0.1:39746", S(verdict),
		  FINE, R(ok), .method = M(password), .user = "u", .host = "127.0.0.1" },
		{ P(dropbear),
		  "Pubkey auth succeeded for 'u' with ssh-ed25519 key SHA256:abc from 127.0.0.1:1",
		  S(verdict), FINE, R(ok), .method = M(publickey), .user = "u", .host = "127.0.0.1",
		  .key = "ssh-ed25519 key SHA256:abc" },
		{ P(dropbear),
		  "Exit before auth from <127.0.0.1:39746>: (user 'u', 0 fails): Exited "
		  "normally",
		  S(gone), AUTH_IS_unknown, R(disconnected_before_auth), .method = M(none),
		  .user = "u", .host = "127.0.0.1" },
		{ P(dropbear), "Exit before auth from <127.0.0.1:39746>: Exited normally",
		  .step = S(none) },
		{ P(dropbear), "Exit (u) from <127.0.0.1:39746>: Disconnect received", S(end), FINE,
		  R(ok), .method = M(none), .user = "u", .host = "127.0.0.1" },
		{ P(dropbear), "Child connection from 127.0.0.1:39746", S(connected),
		  AUTH_IS_unknown, R(none), .method = M(none), .host = "127.0.0.1" },
		{ P(su), "FAILED SU (to root) authlab1 on pts/0", S(verdict), FAILED,
		  R(bad_credentials), .method = M(none), .user = "root", .invoker = "authlab1" },
		{ P(su), "(to root) authlab1 on pts/0", S(verdict), FINE, R(ok), .method = M(none),
		  .user = "root", .invoker = "authlab1" },
		{ P(su), "FAILED su for root by alice", S(verdict), FAILED, R(bad_credentials),
		  .method = M(none), .user = "root", .invoker = "alice" },
		{ P(su), "- /dev/pts/0 alice:root", S(said), FAILED, R(bad_credentials),
		  .method = M(none), .user = "root", .invoker = "alice" },
		{ P(su), "+ pts/0 root:u", S(said), FINE, R(ok), .method = M(none), .user = "u",
		  .invoker = "root" },
		{ P(sudo),
		  "   alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; "
		  "USER=root ; COMMAND=/bin/sh",
		  S(tries), FAILED, R(bad_credentials), .method = M(password), .user = "root",
		  .invoker = "alice" },
		{ P(sudo),
		  "   alice : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; "
		  "COMMAND=/bin/sh",
		  S(command), FAILED, R(not_in_sudoers), .method = M(none), .user = "root",
		  .invoker = "alice" },
		{ P(sudo),
		  "   alice : a password is required ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
		  S(command), FAILED, R(cred_insufficient), .method = M(none), .user = "root",
		  .invoker = "alice" },
		{ P(sudo), "   alice : command not allowed ; PWD=/ ; USER=bob ; COMMAND=/bin/sh",
		  S(command), FAILED, R(denied_by_policy), .method = M(none), .user = "bob",
		  .invoker = "alice" },
		{ P(sudo), "   alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh", S(command),
		  FINE, R(ok), .method = M(none), .user = "root", .invoker = "alice" },
		/* Who chooses the directory does not choose the user. */
		{ P(sudo),
		  "   alice : TTY=pts/0 ; PWD=/x ; USER=bob ; COMMAND=id ; USER=root ; "
		  "COMMAND=/bin/sh",
		  S(command), FINE, R(ok), .method = M(none), .user = "", .invoker = "alice" },
		{ P(sudo), "pam_unix(sudo:auth): conversation failed", .step = S(none) },
		{ P(doas), "failed auth for alice", S(verdict), FAILED, R(bad_credentials),
		  .method = M(password), .invoker = "alice" },
		{ P(doas), "command not permitted for alice: id", S(command), FAILED,
		  R(denied_by_policy), .method = M(none), .invoker = "alice" },
		{ P(login), "FAILED LOGIN (1) on '/dev/pts/0' FOR 'x', Authentication failure",
		  S(verdict), FAILED, R(bad_credentials), .method = M(none), .user = "x" },
		{ P(login), "FAILED LOGIN (1) on '/dev/pts/0' FOR 'x'", S(verdict), FAILED,
		  R(bad_credentials), .method = M(none), .user = "x" },
		{ P(login), "FAILED LOGIN 2 FROM host FOR x, Authentication failure", S(verdict),
		  FAILED, R(bad_credentials), .method = M(none), .user = "x", .host = "host" },
		{ P(login), "invalid password for 'u' on 'pts/0'", S(verdict), FAILED,
		  R(bad_credentials), .method = M(none), .user = "u" },
		{ P(login), "ROOT LOGIN ON tty1", S(verdict), FINE, R(ok), .method = M(none),
		  .user = "root" },
		{ P(login), "LOGIN ON tty1 BY alice FROM h", S(verdict), FINE, R(ok),
		  .method = M(none), .user = "alice", .host = "h" },
		{ P(vsftpd), "[u] FAIL LOGIN: Client \"::ffff:127.0.0.1\"", S(verdict), FAILED,
		  R(bad_credentials), .method = M(password), .user = "u",
		  .host = "::ffff:127.0.0.1" },
		{ P(vsftpd), "[u] OK LOGIN: Client \"127.0.0.1\"", S(verdict), FINE, R(ok),
		  .method = M(password), .user = "u", .host = "127.0.0.1" },
		{ P(proftpd),
		  "127.0.0.1 (localhost[127.0.0.1]) - USER u: no such user found from "
		  "localhost [127.0.0.1] to 127.0.0.1:21",
		  S(verdict), FAILED, R(user_unknown), .method = M(password), .user = "u",
		  .host = "127.0.0.1" },
		{ P(proftpd),
		  "127.0.0.1 (localhost[127.0.0.1]) - USER u (Login failed): Incorrect "
		  "password",
		  S(verdict), FAILED, R(bad_credentials), .method = M(password), .user = "u" },
		{ P(proftpd), "127.0.0.1 (localhost[127.0.0.1]) - USER u: Login successful.",
		  S(verdict), FINE, R(ok), .method = M(password), .user = "u" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

static void modules(void **state)
{
	static const struct row rows[] = {
		{ P(su),
		  "pam_unix(su-l:auth): authentication failure; logname= uid=1001 euid=0 "
		  "tty=/dev/pts/0 ruser=alice rhost=  user=root",
		  S(hint), FAILED, R(bad_credentials), .method = M(none), .user = "root",
		  .host = "", .invoker = "alice" },
		{ P(sshd),
		  "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 "
		  "tty=ssh ruser= rhost=1.2.3.4  user=evil user=root rhost=9.9.9.9",
		  S(hint), FAILED, R(bad_credentials), .method = M(none),
		  .user = "evil user=root rhost=9.9.9.9", .host = "1.2.3.4", .invoker = "" },
		{ P(sshd), "pam_unix(sshd:auth): check pass; user unknown", S(hint), FAILED,
		  R(user_unknown), .method = M(none), .user = "" },
		{ P(sshd), "pam_unix(sshd:account): account u has expired (account expired)",
		  S(hint), FAILED, R(account_expired_or_locked), .method = M(none), .user = "u" },
		{ P(sshd), "pam_unix(sshd:session): session opened for user u(uid=1001) by (uid=0)",
		  S(begin), FINE, R(ok), .method = M(none), .user = "u" },
		{ P(sshd), "pam_unix(sshd:session): session closed for user u", S(end), FINE, R(ok),
		  .method = M(none), .user = "u" },
		{ P(passwd), "pam_unix(passwd:chauthtok): password changed for u", S(password),
		  FINE, R(ok), .method = M(none), .user = "u" },
		{ P(passwd),
		  "pam_unix(passwd:chauthtok): authentication failure; logname= uid=1 "
		  "euid=0 tty= ruser= rhost=  user=u",
		  S(password), FAILED, R(bad_credentials), .method = M(none), .user = "u" },
		{ P(sshd),
		  "pam_faillock(sshd:auth): Consecutive login failures for user u account "
		  "temporarily locked",
		  S(lock), AUTH_IS_unknown, R(account_expired_or_locked), .method = M(none),
		  .user = "u" },
		{ P(other), "pam_access(vpn:account): access denied for user `u' from `1.2.3.4'",
		  S(hint), FAILED, R(denied_by_policy), .method = M(none), .user = "u" },
		{ P(sshd), "pam_unix(sshd:auth)", .step = S(none) },
		{ P(sshd), "pam_", .step = S(none) },
		{ P(sshd), "pam_x(:): ", .step = S(none) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
	assert_true(parse(P(sshd), rows[4].text, ""));
	assert_int_equal(r.uid, 1001);
	assert_true(auth_name_is(&r.service, "sshd"));
}

/* Names that look like what the program writes behind them. */
static void injected(void **state)
{
	static const char cert[] =
		"Failed publickey for root from 5.5.5.5 port 7 ssh2: ED25519-CERT "
		"SHA256:x ID evil from 1.2.3.4 port 5 ssh2";

	(void)state;
	assert_true(parse(P(sshd),
			  "Failed password for invalid user root from 1.2.3.4 port 5 ssh2 from "
			  "127.0.0.1 port 46802 ssh2",
			  ""));
	assert_true(auth_name_is(&r.user, "root from 1.2.3.4 port 5 ssh2"));
	assert_true(auth_name_is(&r.host, "127.0.0.1"));
	assert_true(parse(P(sshd),
			  "Failed password for invalid user root from 1.2.3.4 port 5 ssh2: RSA "
			  "SHA256:x from 127.0.0.1 port 46802 ssh2",
			  ""));
	assert_true(auth_name_is(&r.host, "127.0.0.1"));
	/* What a certificate's id says: the kernel knows better. */
	assert_true(parse(P(sshd), cert, "5.5.5.5"));
	assert_true(auth_name_is(&r.user, "root"));
	assert_true(auth_name_is(&r.host, "5.5.5.5"));
	/* A name that holds "Accepted" does not make the line one. */
	assert_true(parse(P(sshd),
			  "Failed password for invalid user x\\nAccepted password for root from "
			  "6.6.6.6 port 1 ssh2 from 127.0.0.1 port 2 ssh2",
			  ""));
	assert_int_equal(r.outcome, AUTH_IS_failure);
	assert_true(
		auth_name_is(&r.user, "x\nAccepted password for root from 6.6.6.6 port 1 ssh2"));
	/* sshd cuts its own lines: the name took all the room. */
	assert_true(parse(P(sshd), "Failed password for invalid user AAAA from 6.6.6.6 port 1 ss",
			  "127.0.0.1"));
	assert_int_equal(r.outcome, AUTH_IS_failure);
	assert_int_equal(r.reason, AUTH_REASON_user_unknown);
	assert_int_equal(r.host.len, 0);
}

static void escapes(void **state)
{
	(void)state;
	assert_true(parse(P(sshd),
			  "Failed password for invalid user a\\nb\\\\c\\303\\251\\t from "
			  "::1 port 5 ssh2",
			  ""));
	assert_true(auth_name_is(&r.user, "a\nb\\c\303\251\t"));
	assert_true(parse(P(sshd),
			  "Connection closed by invalid user a\\\\nb 127.0.0.1 port 5 [preauth]",
			  ""));
	assert_true(auth_name_is(&r.user, "a\nb"));
	assert_true(parse(P(sshd), "Invalid user \\ from ::1 port 5", ""));
	assert_true(auth_name_is(&r.user, "\\"));
	/* Others do not escape. */
	assert_true(parse(P(dropbear), "Bad password attempt for 'a\\nb' from ::1:5", ""));
	assert_true(auth_name_is(&r.user, "a\\nb"));
}

static void check_split(const char *line, const char *tag, const char *text)
{
	struct log_line l;

	log_line_split(line, strlen(line), &l);
	if (l.tag.len != strlen(tag) || memcmp(l.tag.p ? l.tag.p : "", tag, l.tag.len) ||
	    l.text.len != strlen(text) || memcmp(l.text.p, text, l.text.len))
		fail_msg("%s: \"%.*s\" \"%.*s\"", line, (int)l.tag.len, l.tag.p, (int)l.text.len,
			 l.text.p);
}

static void frames(void **state)
{
	struct log_line l;
	static const char err[] =
		"[19522] Nov 21 17:09:07 Bad password attempt for 'u' from ::1:5\n";

	(void)state;
	check_split("<38>Nov 21 17:09:07 sshd[25275]: Failed x", "sshd", "Failed x");
	check_split("<85>Nov  1 07:09:07 su: (to x) y on z", "su", "(to x) y on z");
	check_split("<36>login[12]: invalid password", "login", "invalid password");
	check_split("<84>2026-11-21T17:09:07.1+01:00 sudo: a : b", "sudo", "a : b");
	check_split("no tag", "", "no tag");
	check_split("<38", "", "<38");
	check_split("<>x", "", "<>x");
	check_split("<38>", "", "");
	check_split("<38>sshd[", "", "sshd[");
	check_split("<38>sshd[12", "", "sshd[12");
	check_split("<38>sshd[1]:", "", "sshd[1]:");
	check_split("<38>: x", "", ": x");
	check_split("", "", "");
	log_stderr_split(err, strlen(err), &l);
	assert_memory_equal(l.text.p, "Bad password", 12);
	log_stderr_split("[", 1, &l);
	assert_int_equal(l.text.len, 1);
	log_stderr_split("[12] ", 5, &l);
	assert_int_equal(l.text.len, 0);
}

static void programs(void **state)
{
	(void)state;
	assert_int_equal(auth_program_of("/usr/sbin/sshd", 14), P(sshd));
	assert_int_equal(auth_program_of("sshd-session", 12), P(sshd));
	assert_int_equal(auth_program_of("/usr/bin/sshdx", 14), P(other));
	assert_int_equal(auth_program_of("/sshd/", 6), P(other));
	assert_int_equal(auth_program_of("", 0), P(other));
	assert_int_equal(auth_program_of("/usr/sbin/cron", 14), P(quiet));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sshd),	    cmocka_unit_test(others),  cmocka_unit_test(modules),
		cmocka_unit_test(injected), cmocka_unit_test(escapes), cmocka_unit_test(frames),
		cmocka_unit_test(programs),
	};
	return cmocka_run_group_tests_name("auth_log", tests, NULL, NULL);
}
