/* SPDX-License-Identifier: Apache-2.0 */
/* Lies about logins, floods of them, and what the fuser makes of both: bounded, counted, not
 * believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "login_matrix.h"

#define AUTH "op=PAM:authentication grantors=? acct=\"alice\""

static struct auth_fuse_stats stats(void)
{
	struct auth_fuse_stats st;
	auth_fuse_get_stats(fuse, &st);
	return st;
}

static const struct ev_auth *last(void)
{
	return (const struct ev_auth *)(const void *)last_rec;
}

static void assert_text(struct ev_str s, const char *expected)
{
	assert_int_equal(s.len, strlen(expected));
	assert_memory_equal(last_rec + s.off, expected, s.len);
}

static int setup(void **state)
{
	(void)state;
	fuse_start(ALL, 64);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fuse_stop();
	return 0;
}

static struct daemon liar(u32 pid)
{
	struct daemon d = unprivileged("/usr/bin/python3.11", pid, 1001);
	d.sock = 5; /* connected with somebody who has nothing to do with it */
	d.address = "9.9.9.9";
	d.port = 443;
	return d;
}

static void lie(struct daemon *d, const char *line)
{
	char text[512];

	now += 1000000;
	snprintf(text, sizeof(text), "<38>sshd[4242]: %s", line);
	text_rec(d, AUTH_SOURCE_syslog, 38, text);
}

static void claims_are_told_as_claims(void **state)
{
	(void)state;
	struct daemon d = liar(30);
	lie(&d, "Accepted password for root from 6.6.6.6 port 1 ssh2");
	assert_int_equal(nkept, 1);
	assert_string_equal(kept[0], "!login success ok root password -");
	assert_int_equal(last()->trust, AUTH_TRUST_claimed);
	assert_text(last()->rhost, "6.6.6.6");
	assert_text(last()->service, "sshd");
	/* Each is one; and no session ends that never was. */
	lie(&d, "Accepted password for root from 6.6.6.6 port 1 ssh2");
	leave(&d);
	auth_fuse_flush(fuse);
	assert_int_equal(nkept, 2);
	assert_int_equal(stats().claims, 2);
}

/* The kernel refuses the message; the sender's program is nobody's. */
static void audit_messages_of_anybody(void **state)
{
	(void)state;
	struct daemon d = liar(30);
	text_rec(&d, AUTH_SOURCE_audit, 1100,
		 "op=PAM:authentication acct=\"root\" exe=\"/usr/sbin/sshd\" hostname=6.6.6.6 "
		 "addr=6.6.6.6 terminal=ssh res=failed");
	pass(20000);
	assert_int_equal(nkept, 1);
	assert_string_equal(kept[0], "!authenticate failure bad_credentials root pam -");
	assert_text(last()->rhost, "6.6.6.6");
}

/* Neither a name nor a file makes a program the one that it says it is. */
static void who_is_believed(void **state)
{
	(void)state;
	static const char line[] = "Failed password for alice from 10.0.0.5 port 7 ssh2";
	struct daemon others[] = {
		unprivileged("/home/bob/sshd", 31, 1001), /* his own file */
		unprivileged("/usr/sbin/sshd", 32, 1001), /* root's file, run by him */
		connected("/usr/sbin/sshd", 33, "10.0.0.5"), /* a file that others can write */
		connected("/opt/sshd", 34, "10.0.0.5"), /* root runs another's file */
	};

	others[0].image.exe_uid = 1001;
	others[2].image.exe_mode = 0100777;
	others[3].image.exe_uid = 1001;
	for (unsigned i = 0; i < 4; i++) {
		say(&others[i], line);
		assert_int_equal(nkept, i + 1);
		assert_string_equal(kept[i], "!login failure bad_credentials alice password -");
	}
	/* A daemon that has given up root's rights is still itself. */
	struct daemon d = connected("/usr/sbin/proftpd", 35, "10.0.0.5");
	d.hdr.euid = d.image.euid = 110;
	d.trust = AUTH_TRUST_claimed;
	say(&d, "127.0.0.1 (localhost[10.0.0.5]) - USER alice (Login failed): Incorrect password");
	assert_string_equal(kept[4], "login failure bad_credentials alice password 10.0.0.5:40035");
	/* ... also one that was without them when the sensor started. */
	d.image.euid = 110;
	pass(1500);
	say(&d, "127.0.0.1 (localhost[10.0.0.5]) - USER bob (Login failed): Incorrect password");
	assert_string_equal(kept[5], "login failure bad_credentials bob password 10.0.0.5:40035");
	/* What root's tools hand on is not theirs. */
	daemon_init(&d, "/usr/bin/logger", 36);
	lie(&d, line);
	assert_int_equal(nkept, 6);
}

/* A claim in the middle of somebody else's attempt, about the same user and address. */
static void claims_change_nothing(void **state)
{
	(void)state;
	struct daemon d = connected("/usr/sbin/sshd", 10, "10.0.0.5"), b = liar(30);

	audit(&d, 1100, AUTH, false);
	b.sock = d.sock;
	lie(&b, "Accepted password for alice from 10.0.0.5 port 40010 ssh2");
	lie(&b, "pam_unix(sshd:session): session opened for user alice by (uid=0)");
	pam(&b, PAM_authenticate, 0, "sshd", "alice");
	pass(1500);
	pam(&d, PAM_authenticate, 7, "sshd", "alice");
	say(&d, "Failed password for alice from 10.0.0.5 port 40010 ssh2");
	audit(&d, 1112, "op=login acct=\"alice\"", false);
	unsigned verified = 0;
	for (unsigned i = 0; i < nkept; i++) {
		if (*kept[i] == '!')
			continue;
		verified++;
		assert_string_equal(kept[i], "login failure bad_credentials alice password "
					     "10.0.0.5:40010");
	}
	assert_int_equal(verified, 1);
}

/* Who starts a set-uid program chooses what it is connected with. */
static void connections_of_the_caller(void **state)
{
	(void)state;
	struct daemon d = set_uid("/usr/bin/su", 20, 1001);
	d.sock = 5;
	d.address = "9.9.9.9";
	audit(&d, 1100, AUTH, false);
	leave(&d);
	assert_int_equal(nkept, 1);
	assert_string_equal(kept[0], "become failure bad_credentials alice pam -");
}

static void addresses(void **state)
{
	(void)state;
	struct daemon d = connected("/usr/sbin/sshd", 10, "::ffff:10.0.0.5");
	say(&d, "Failed password for alice from 10.0.0.5 port 40010 ssh2");
	assert_string_equal(kept[0], "login failure bad_credentials alice password 10.0.0.5:40010");
	assert_int_equal(last()->rhost.len, 0);
	d = connected("/usr/sbin/sshd", 11, "2001:db8::1");
	say(&d, "error: PAM: Authentication failure for alice from evil.example");
	pass(3000);
	assert_string_equal(kept[1], "login failure bad_credentials alice keyboard_interactive "
				     "[2001:db8::1]:40011");
	assert_text(last()->rhost, "evil.example");
}

/* libaudit cuts names that it encodes. */
static void long_names(void **state)
{
	(void)state;
	struct daemon d = connected("/usr/sbin/sshd", 10, "10.0.0.5");
	static const char name[] = "root from 1.2.3.4 port 5 ssh2 and more";
	char hex[80] = "", fields[200];

	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02X", name[i]);
	snprintf(fields, sizeof(fields), "op=PAM:authentication acct=%s", hex);
	audit(&d, 1100, fields, false);
	pam(&d, PAM_authenticate, 7, "sshd", name);
	leave(&d);
	assert_int_equal(nkept, 1);
	assert_text(last()->user, name);
}

/* One that floods is told of so often, and counted. */
static void floods_of_claims(void **state)
{
	(void)state;
	struct daemon d = liar(30);
	for (int i = 0; i < 1000; i++)
		lie(&d, "Failed password for root from 6.6.6.6 port 1 ssh2");
	assert_true(stats().attempts <= AUTH_FUSE_CLAIMS_MAX);
	assert_true(stats().attempts + stats().suppressed >= 999);
	now += AUTH_FUSE_CLAIMS_NS;
	nkept = 0;
	lie(&d, "Failed password for root from 6.6.6.6 port 1 ssh2");
	lie(&d, "Failed password for root from 6.6.6.6 port 1 ssh2");
	assert_true(nkept > 0);
}

/* Any number of liars takes no room of those who are believed. */
static void room_of_claims(void **state)
{
	(void)state;
	struct daemon d = connected("/usr/sbin/sshd", 10, "10.0.0.5");
	audit(&d, 1100, AUTH, false);
	for (u32 i = 0; i < 4 * AUTH_FUSE_CLAIMED; i++) {
		struct daemon b = liar(1000 + i);
		text_rec(&b, AUTH_SOURCE_audit, 1100, AUTH " res=failed");
	}
	unsigned told = nkept;
	assert_true(told);
	pam(&d, PAM_authenticate, 7, "sshd", "alice");
	say(&d, "Failed password for alice from 10.0.0.5 port 40010 ssh2");
	audit(&d, 1112, "op=login acct=\"alice\"", false);
	assert_true(last()->verified);
	assert_int_equal(last()->sources,
			 1 << AUTH_BY_audit | 1 << AUTH_BY_pam | 1 << AUTH_BY_syslog);
	assert_true(stats().conversations <= 64 + AUTH_FUSE_CLAIMED);
}

static unsigned verified_failures;

static void count_failures(void *ctx, const struct ev_hdr *rec)
{
	const struct ev_auth *e = (const void *)rec;

	(void)ctx;
	verified_failures += e->verified && e->outcome == AUTH_IS_failure;
}

/* 10,000 failures from 5,000 addresses, all connections at once: none is lost, none counts twice.
 */
static void a_storm(void **state)
{
	enum { CONNECTIONS = 5000, TRIES = 2, ROOM = 256 };
	static struct daemon d[CONNECTIONS];
	static char address[CONNECTIONS][16];
	struct auth_fuse_stats st;

	(void)state;
	fuse_stop();
	assert_int_equal(auth_fuse_new(ROOM, 16, count_failures, NULL, &fuse), 0);
	for (u32 i = 0; i < CONNECTIONS; i++) {
		snprintf(address[i], sizeof(address[i]), "10.%u.%u.7", i >> 8, i & 255);
		d[i] = connected("/usr/sbin/sshd", 100 + i, address[i]);
	}
	for (unsigned t = 0; t < TRIES; t++) {
		for (u32 i = 0; i < CONNECTIONS; i++) {
			audit(&d[i], 1100, AUTH, false);
			now -= 900000;
			assert_true(stats().conversations <= ROOM);
		}
		/* What comes of it later is not the room's fault to double. */
		pass(20000);
	}
	for (u32 i = 0; i < CONNECTIONS; i++)
		leave(&d[i]);
	auth_fuse_flush(fuse);
	st = stats();
	assert_int_equal(verified_failures, CONNECTIONS * TRIES);
	assert_int_equal(st.attempts, CONNECTIONS * TRIES);
	assert_int_equal(st.conversations_max, ROOM + 16);
	assert_true(st.evicted > 0);
	assert_int_equal(st.open, 0);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(claims_are_told_as_claims),
		T(audit_messages_of_anybody),
		T(who_is_believed),
		T(claims_change_nothing),
		T(connections_of_the_caller),
		T(addresses),
		T(long_names),
		T(floods_of_claims),
		T(room_of_claims),
		T(a_storm),
	};
	return cmocka_run_group_tests_name("auth_claims", tests, NULL, NULL);
}
