/* SPDX-License-Identifier: Apache-2.0 */
/* Storms of failed logins through the default pack's rules: no count is lost, no bound exceeded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "detect/ruleset.h"
#include "enrich/users.h"
#include "records.h"

#define SECOND	 1000000000ULL
#define GUESSING "Many failed logins from one address"
#define BROKEN	 "Login succeeded after many failures from the same address"

static struct ruleset *rules;
static u64 now = 1000 * SECOND;
static struct ev_auth *rec;
/* Of the alerts of one rule. */
static const char *title;
static unsigned alerts;
static uint64_t count;

static int setup(void **state)
{
	static const struct rule_pack pack = { "rules/authentication", SEVERITY_none };
	static const struct ruleset_config c = { .npacks = 1, .pack = &pack };
	struct err e = { "" };

	(void)state;
	users_disable();
	alerts = 0;
	title = GUESSING;
	rec = REC_NEW(auth);
	return ruleset_new(&c, NULL, NULL, &rules, &e);
}

static int teardown(void **state)
{
	(void)state;
	ruleset_free(rules);
	rec_free(rec);
	return 0;
}

static void on_match(void *ctx, const struct rule_match *m)
{
	(void)ctx;
	if (strcmp(m->info->name, title))
		return;
	assert_non_null(m->correlated);
	alerts++;
	count = m->correlated->count;
}

/* Returns how many alerts of the title came. */
static unsigned login(const void *sockaddr, size_t len, const char *user, enum auth_outcome outcome)
{
	struct event ev = rec_event(rec);
	unsigned before = alerts;

	rec->hdr.len = rec->hdr.fixed;
	rec->hdr.time = now;
	rec->action = AUTH_login;
	rec->outcome = outcome;
	rec->reason = outcome == AUTH_IS_success ? AUTH_REASON_ok : AUTH_REASON_bad_credentials;
	rec->method = AUTH_METHOD_password;
	rec->verified = 1;
	rec->trust = AUTH_TRUST_kernel;
	rec_add_str(rec, &rec->peer, sockaddr, len);
	REC_STR(auth, rec, user, user);
	ruleset_event(rules, &ev, on_match, NULL);
	return alerts - before;
}

static unsigned fail4(u32 address, const char *user)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
	return login(&in, sizeof(in), user, AUTH_IS_failure);
}

/* In another /64 for each number. */
static unsigned fail6(u32 number, const char *user)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	number = htonl(number);
	in6.sin6_addr.s6_addr[0] = 0x20;
	memcpy(&in6.sin6_addr.s6_addr[4], &number, sizeof(number));
	in6.sin6_addr.s6_addr[15] = (unsigned char)now; /* any host there */
	return login(&in6, sizeof(in6), user, AUTH_IS_failure);
}

static struct sigma_correlator_stats stats(void)
{
	struct ruleset_stats st;
	ruleset_get_stats(rules, &st);
	return st.correlator;
}

/* 10,000 failures of 5,000 addresses: each two, one of them four. */
static void ten_thousand(void **state)
{
	(void)state;
	unsigned fired = 0;
	char user[32];

	for (u32 i = 0; i < 10000; i++) {
		now += SECOND / 100;
		snprintf(user, sizeof(user), "user%u", i % 100);
		fired += fail4(0x0a000000 + i % 5000, user);
	}
	assert_int_equal(fired, 0);
	assert_int_equal(fail4(0x0a000000 + 7, "x"), 0);
	assert_int_equal(fail4(0x0a000000 + 7, "x"), 1);
	assert_int_equal(count, 4);
	assert_int_equal(fail4(0x0a000000 + 7, "x"), 1);
	assert_int_equal(count, 5);
	for (u32 i = 0; i < 5000; i++)
		if (i != 7)
			assert_int_equal(fail4(0x0a000000 + i, "y"), 0);
	for (u32 i = 0; i < 5000; i++)
		assert_int_equal(fail4(0x0a000000 + i, "y"), 1);
	struct sigma_correlator_stats s = stats();
	assert_int_equal(s.evicted + s.dropped + s.late, 0);
	assert_true(s.groups <= s.groups_max && s.bytes <= s.bytes_max);
}

/*
 * More addresses than there is room for groups. Who fails once each from ever new networks does not
 * wash away the counts of those that have failed more often.
 */
static void more_than_there_is_room_for(void **state)
{
	(void)state;
	unsigned fired = 0;
	char user[32];

	for (u32 i = 0; i < 1000; i++)
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(fail4(0x0a000000 + i, "root"), 0);
	for (u32 i = 0; i < 200000; i++) {
		now += SECOND / 1000; /* 200 seconds */
		snprintf(user, sizeof(user), "user%u", i);
		fired += fail6(i, user);
	}
	assert_int_equal(fired, 0);
	struct sigma_correlator_stats s = stats();
	assert_int_equal(s.groups_max, SIGMA_GROUPS_DEFAULT);
	assert_true(s.groups <= s.groups_max && s.groups > SIGMA_GROUPS_DEFAULT / 2);
	assert_true(s.bytes <= s.bytes_max);
	assert_true(s.evicted > 200000);
	for (u32 i = 0; i < 1000; i++) {
		assert_int_equal(fail4(0x0a000000 + i, "root"), 1);
		assert_int_equal(count, 4);
	}
}

/* The addresses of one /64 are one source, so that nobody stays below the threshold. */
static void one_network(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 20; i++) {
		now++; /* another address each time */
		assert_int_equal(fail6(1, "root"), i > 3);
	}
	assert_int_equal(count, 20);
}

/* What follows the failures is seen, whatever comes between. */
static void login_in_the_storm(void **state)
{
	(void)state;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010203) };
	char user[32];

	title = BROKEN;
	for (unsigned i = 0; i < 5; i++)
		fail4(0x0a010203, "alice");
	for (u32 i = 0; i < 100000; i++) {
		now += SECOND / 1000;
		snprintf(user, sizeof(user), "user%u", i);
		assert_int_equal(fail6(i, user), 0);
	}
	assert_int_equal(login(&in, sizeof(in), "alice", AUTH_IS_success), 1);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(ten_thousand),
		T(more_than_there_is_room_for),
		T(one_network),
		T(login_in_the_storm),
	};

	return cmocka_run_group_tests_name("auth_storm", tests, NULL, NULL);
}
