/* SPDX-License-Identifier: Apache-2.0 */
/* Logins from new sources: silent while it learns, also over a restart, and for those who roam. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "detect/d_new_source.h"
#include "records.h"

#define DAY (24ULL * 3600 * 1000000000)

static const struct detector *const d = &detector_new_source;
static void *habits;
static u64 ticks; /* no two logins are at the same time */
static struct verdict verdict;

static int setup(void **state)
{
	(void)state;
	return d->init(&habits);
}

static int teardown(void **state)
{
	(void)state;
	d->free(habits);
	return 0;
}

static struct ev_auth *login_of(const char *user, const char *ip)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct ev_auth *r = REC_NEW(auth);

	r->action = AUTH_login;
	r->outcome = AUTH_IS_success;
	r->verified = 1;
	if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1)
		rec_add_str(r, &r->peer, &in6, sizeof(in6));
	REC_STR(auth, r, user, user);
	return r;
}

/* Frees the record. Does it alert, so many days after the beginning? */
static bool judge(struct ev_auth *r, u64 day)
{
	struct event ev = rec_event(r);

	r->hdr.time = day * DAY + ticks++;
	memset(&verdict, 0, sizeof(verdict));
	assert_int_equal(d->on_event(habits, &ev, &verdict), 0);
	rec_free(r);
	return verdict.severity != SEVERITY_none;
}

static bool login(const char *user, const char *ip, u64 day)
{
	return judge(login_of(user, ip), day);
}

static void learnt(const char *user, const char *ip)
{
	for (u64 day = 1; day <= NEW_SOURCE_LEARN_LOGINS; day++)
		assert_false(login(user, ip, day));
}

static void learns_first(void **state)
{
	(void)state;
	learnt("alice", "::ffff:203.0.113.9");
	assert_false(login("alice", "::ffff:198.51.100.1", 7)); /* not for a week yet */
	assert_false(login("bob", "::ffff:198.51.100.1", 7));
	assert_false(login("bob", "::ffff:198.51.100.2", 20)); /* two logins are no habit */
	assert_true(login("alice", "::ffff:198.51.100.2", 8));
	assert_int_equal(verdict.severity, SEVERITY_low);
	assert_string_equal(verdict.message,
			    "alice logged in from 198.51.100.2 for the first time");
	assert_false(login("alice", "::ffff:198.51.100.2", 8)); /* once */
	assert_false(login("alice", "::ffff:203.0.113.9", 8));
}

static void networks_are_one_source(void **state)
{
	(void)state;
	learnt("alice", "2001:db8:0:1::5");
	assert_false(login("alice", "2001:db8:0:1::6", 9));
	assert_true(login("alice", "2001:db8:0:2::5", 9));
	/* Another user there does not make it known. */
	learnt("bob", "2001:db8:0:2::5");
	assert_true(login("bob", "2001:db8:0:1::5", 9));
}

static void forgets(void **state)
{
	(void)state;
	learnt("alice", "::ffff:203.0.113.9");
	for (u64 day = 30; day <= 180; day += 30)
		assert_int_equal(login("alice", "::ffff:198.51.100.1", day), day == 30);
	assert_true(login("alice", "::ffff:203.0.113.9", 181));
}

static void what_teaches_nothing(void **state)
{
	(void)state;
	struct ev_auth *r;

	learnt("alice", "::ffff:203.0.113.9");
	r = login_of("alice", "::ffff:198.51.100.1");
	r->verified = 0;
	assert_false(judge(r, 9));
	r = login_of("alice", "::ffff:198.51.100.1");
	r->outcome = AUTH_IS_failure;
	assert_false(judge(r, 9));
	r = login_of("alice", "::ffff:198.51.100.1");
	r->action = AUTH_become;
	assert_false(judge(r, 9));
	assert_false(login("alice", "", 9));
	assert_false(login("", "::ffff:198.51.100.1", 9));
	assert_true(login("alice", "::ffff:198.51.100.1", 9));
}

static void over_a_restart(void **state)
{
	(void)state;
	struct buf b = { 0 };

	learnt("alice", "::ffff:203.0.113.9");
	d->save(habits, &b);
	d->free(habits);
	assert_int_equal(d->init(&habits), 0);
	assert_int_equal(d->restore(habits, b.data, b.len - 1), -EBADMSG);
	assert_int_equal(d->restore(habits, b.data, b.len), 0);
	assert_false(login("alice", "::ffff:203.0.113.9", 9));
	assert_true(login("alice", "::ffff:198.51.100.1", 9));
	buf_free(&b);
}

/* However many there are, it stays as it is, and what is in use stays known. */
static void bounded(void **state)
{
	(void)state;
	struct buf b = { 0 };
	char user[32];

	for (unsigned i = 0; i < 100000; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		login(user, "::ffff:203.0.113.9", 1 + i / 10000);
		assert_false(login("alice", "::ffff:203.0.113.9", 1 + i / 10000));
	}
	assert_true(login("alice", "::ffff:198.51.100.1", 12));
	d->save(habits, &b);
	assert_true(b.len <= 16384 * 32);
	assert_int_equal(d->restore(habits, b.data, b.len), 0);
	buf_free(&b);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(learns_first),	 T(networks_are_one_source), T(forgets),
		T(what_teaches_nothing), T(over_a_restart),	     T(bounded),
	};

	return cmocka_run_group_tests_name("d_new_source", tests, NULL, NULL);
}
