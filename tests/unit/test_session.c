/* SPDX-License-Identifier: Apache-2.0 */
/* Whose session an event is in, and where that was logged in to from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>

#include "enrich/fields.h"
#include "enrich/session.h"
#include "processes.h"

#define NO_ID UINT32_MAX

static struct value v;
static const struct proc_id init = { 1, 1000 };

static int setup(void **state)
{
	(void)state;
	tree_new(10000, 1 << 20);
	do_proc(init, (struct proc_id){ 0, 0 }, "/sbin/init");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_free();
	return 0;
}

static void put_address(struct ev_auth *r, const char *ip, u16 port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET, ip, &in.sin_addr) == 1)
		rec_add_str(r, &r->peer, &in, sizeof(in));
	else if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1)
		rec_add_str(r, &r->peer, &in6, sizeof(in6));
}

/* A login that can be believed, as its process reports it. */
static struct ev_auth *login(struct proc_id by, struct proc_id parent, const char *ip,
			     const char *user)
{
	struct ev_auth *r = REC_NEW(auth);

	set_ids(&r->hdr, by, parent);
	r->action = AUTH_login;
	r->outcome = AUTH_IS_success;
	r->verified = 1;
	r->trust = AUTH_TRUST_kernel;
	r->session = r->loginuid = r->uid = NO_ID;
	put_address(r, ip, 40000);
	REC_STR(auth, r, user, user);
	return r;
}

static struct value *get(const struct event *ev, const char *name)
{
	struct any_field f;

	assert_true(any_field_find(ev->desc, name, &f));
	any_field_get(&f, ev, &v);
	return &v;
}

/* The address of the session of an exec by this process. */
static const char *from_audit(struct proc_id self, struct proc_id parent, u32 audit)
{
	static char ip[64];
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	set_ids(&r->hdr, self, parent);
	r->hdr.time = ++now;
	r->hdr.session = audit;
	proctree_update(tree, &ev);
	get(&ev, "redshank.session.source.ip");
	snprintf(ip, sizeof(ip), "%.*s", (int)v.len, v.p);
	assert_int_equal(get(&ev, "redshank.session.id")->kind == VALUE_str, *ip != '\0');
	rec_free(r);
	return ip;
}

static const char *from(struct proc_id self, struct proc_id parent)
{
	return from_audit(self, parent, NO_ID);
}

/* sshd, the monitor of a connection, its child without privileges, a shell, sudo, a program. */
static void by_descent(void **state)
{
	(void)state;
	struct proc_id sshd = id(100, 2), monitor = id(200, 3), shell = id(202, 5);

	do_exec(sshd, init, "/usr/sbin/sshd");
	do_fork(monitor, sshd);
	do_fork(shell, monitor); /* before its login is known */
	update(login(monitor, sshd, "203.0.113.9", "alice"));
	assert_string_equal(from(shell, monitor), "203.0.113.9");
	assert_string_equal(from(id(203, 6), shell), "203.0.113.9");
	assert_string_equal(from(id(204, 7), id(203, 6)), "203.0.113.9");
	/* Others are in no session. */
	assert_string_equal(from(id(205, 7), sshd), "");
	/* What is left in the background stays in it. */
	do_exit(monitor, sshd);
	do_exit(shell, monitor);
	do_exit(id(203, 6), shell);
	assert_string_equal(from(id(204, 7), init), "203.0.113.9");
	assert_string_equal(from(id(206, 9), id(204, 7)), "203.0.113.9");
}

static void tells_who(void **state)
{
	(void)state;
	struct proc_id monitor = id(200, 3);
	struct ev_auth *r = login(monitor, init, "203.0.113.9", "alice");
	struct event ev = rec_event(r);
	char want[ENTITY_ID_LEN];

	proctree_update(tree, &ev);
	entity_id(&rec_host, monitor.pid, monitor.start, want);
	assert_int_equal(get(&ev, "redshank.session.id")->len, strlen(want));
	assert_memory_equal(v.p, want, v.len);
	assert_int_equal(get(&ev, "redshank.session.source.port")->num, 40000);
	get(&ev, "redshank.session.source.user");
	assert_int_equal(v.len, 5);
	assert_memory_equal(v.p, "alice", 5);
	rec_free(r);
}

/* A server that was started in a session: who logs in to it has a session of its own. */
static void nearest_login_counts(void **state)
{
	(void)state;
	struct proc_id monitor = id(200, 3), shell = id(201, 4), dropbear = id(202, 5),
		       child = id(203, 6), inner = id(204, 7);
	struct ev_auth *r = login(monitor, init, "203.0.113.9", "alice");

	r->session = 5;
	update(r);
	from_audit(shell, monitor, 5);
	from_audit(dropbear, shell, 5);
	do_fork(child, dropbear);
	r = login(child, dropbear, "198.51.100.1", "mallory");
	r->session = 5; /* dropbear begins none of its own */
	r->hdr.session = 5;
	update(r);
	assert_string_equal(from_audit(inner, child, 5), "198.51.100.1");
	assert_string_equal(from_audit(dropbear, shell, 5), "203.0.113.9");
	/* And the audit session still is the outer one's. */
	assert_string_equal(from_audit(id(900, 8), id(899, 7), 5), "203.0.113.9");
}

/* Chains that are longer than ancestors are followed. */
static void long_chains_lose_nothing(void **state)
{
	(void)state;
	struct proc_id p = id(200, 3);

	update(login(p, init, "203.0.113.9", "alice"));
	for (u32 i = 1; i < 100; i++) {
		do_fork(id(200 + i, 3 + i), p);
		do_exit(p, init);
		p = id(200 + i, 3 + i);
	}
	assert_string_equal(from(p, init), "203.0.113.9");
}

static void by_audit_session(void **state)
{
	(void)state;
	struct ev_auth *r = login(id(200, 3), init, "2001:db8::7", "alice");

	r->session = 12;
	update(r);
	assert_string_equal(from_audit(id(900, 8), id(899, 7), 12), "2001:db8::7");
	assert_string_equal(from_audit(id(901, 8), id(899, 7), 13), "");
	/* Its end is no reason to forget it: programs may go on. */
	r = login(id(200, 3), init, "2001:db8::7", "alice");
	r->session = 12;
	r->action = AUTH_session_end;
	update(r);
	assert_string_equal(from_audit(id(902, 8), id(899, 7), 12), "2001:db8::7");
}

static void what_is_no_login(void **state)
{
	(void)state;
	struct proc_id p = id(200, 3);
	struct ev_auth *r;

	r = login(p, init, "203.0.113.9", "root");
	r->verified = 0; /* a claim */
	update(r);
	r = login(p, init, "203.0.113.9", "root");
	r->outcome = AUTH_IS_failure;
	update(r);
	r = login(p, init, "203.0.113.9", "root");
	r->action = AUTH_become;
	update(r);
	update(login(p, init, "", "root")); /* on a terminal of the machine */
	assert_string_equal(from(id(201, 4), p), "");
}

/* A login on a terminal within a session, as by login(1) or su. */
static void local_login_keeps_it(void **state)
{
	(void)state;
	struct proc_id p = id(200, 3), inner = id(201, 4);
	struct ev_auth *r;

	update(login(p, init, "203.0.113.9", "alice"));
	do_fork(inner, p);
	r = login(inner, p, "", "bob");
	r->session = 9;
	update(r);
	assert_string_equal(from_audit(id(202, 5), inner, 9), "203.0.113.9");
}

static struct session_stats session_stats(void)
{
	struct session_stats st;
	sessions_get_stats(proctree_sessions(tree), &st);
	return st;
}

/* Ended ones go first, then those that nobody asked for. */
static void bounded(void **state)
{
	(void)state;
	struct proc_id asked = id(10, 3), ended = id(11, 3), idle = id(12, 3);

	update(login(asked, init, "203.0.113.1", "a"));
	update(login(idle, init, "203.0.113.2", "b"));
	for (u32 i = 0; i < SESSIONS_MAX - 3; i++)
		update(login(id(1000 + i, 4), init, "203.0.113.4", "c"));
	update(login(ended, init, "203.0.113.3", "d"));
	assert_int_equal(session_stats().held, SESSIONS_MAX);
	assert_int_equal(session_stats().max, SESSIONS_MAX);
	assert_string_equal(from(id(20, 9), asked), "203.0.113.1");
	do_exit(ended, init);
	assert_string_equal(from(id(21, 9), ended), "203.0.113.3");

	update(login(id(9000, 6), init, "203.0.113.5", "e"));
	assert_int_equal(session_stats().evicted, 0);
	assert_string_equal(from(id(22, 9), ended), "");
	assert_string_equal(from(id(23, 9), id(9000, 6)), "203.0.113.5");
	update(login(id(9001, 6), init, "203.0.113.6", "f"));
	assert_int_equal(session_stats().evicted, 1);
	assert_string_equal(from(id(24, 9), idle), "");
	assert_string_equal(from(id(25, 9), asked), "203.0.113.1");
	assert_string_equal(from(id(26, 9), id(1000, 4)), "203.0.113.4");
	assert_int_equal(session_stats().held, SESSIONS_MAX);
}

/* --- addresses --- */

static void is_counted_as(const char *ip, const char *want_ip, const char *want_net)
{
	struct ev_auth *r = login(id(200, 3), init, ip, "a");
	struct event ev = rec_event(r);

	get(&ev, "source.ip");
	assert_int_equal(v.len, strlen(want_ip));
	assert_memory_equal(v.p, want_ip, v.len);
	get(&ev, "redshank.source.net");
	if (v.len != strlen(want_net) || memcmp(v.p, want_net, v.len))
		fail_msg("%s: %.*s", ip, (int)v.len, v.p);
	rec_free(r);
}

static void one_client_has_one_net(void **state)
{
	(void)state;
	is_counted_as("203.0.113.9", "203.0.113.9", "203.0.113.9");
	is_counted_as("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.9");
	is_counted_as("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
	is_counted_as("::1", "::1", "::1");
	is_counted_as("fe80::1:2", "fe80::1:2", "fe80::1:2");
	is_counted_as("64:ff9b::cb00:7109", "64:ff9b::cb00:7109", "64:ff9b::cb00:7109");
	is_counted_as("", "", "");
}

/* Bytes of an address that is cut, or of another family, are none. */
static void addresses_are_checked(void **state)
{
	(void)state;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct address a;

	for (size_t n = 0; n < sizeof(in6); n++) {
		struct ev_auth *r = REC_NEW(auth);
		struct event ev = rec_event(r);
		rec_add_str(r, &r->peer, &in6, n);
		assert_false(address_of(&ev, &a));
		rec_free(r);
	}
	struct ev_auth *r = REC_NEW(auth);
	struct event ev = rec_event(r);
	rec_add_str(r, &r->peer, "\1\0/run/socket........................", 30); /* AF_UNIX */
	assert_false(address_of(&ev, &a));
	rec_free(r);
	struct ev_fork *f = REC_NEW(fork);
	ev = rec_event(f);
	assert_false(address_of(&ev, &a)); /* has no such field */
	rec_free(f);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

/* A sensor ends and another one begins, with what the first one kept; damage is done between them.
 */
static int restart(size_t damaged_at, size_t cut)
{
	struct buf kept = { 0 };

	sessions_save(proctree_sessions(tree), &kept);
	assert_false(kept.failed);
	tree_free();
	setup(NULL);
	if (damaged_at < kept.len)
		kept.data[damaged_at] ^= 1;
	int rc = sessions_restore(proctree_sessions(tree), kept.data, kept.len - cut);
	buf_free(&kept);
	return rc;
}

static void kept_over_a_restart(void **state)
{
	(void)state;
	struct proc_id monitor = id(200, 3), shell = id(202, 5), other = id(300, 5);
	struct proc_id ended = id(400, 4), left = id(401, 6);
	struct ev_auth *r = login(monitor, init, "203.0.113.9", "alice");

	update(r);
	r = login(ended, init, "2001:db8::7", "bob");
	r->session = 77;
	update(r);
	assert_int_equal(restart(SIZE_MAX, 0), 0);
	do_proc(monitor, init, "/usr/sbin/sshd");
	do_proc(shell, monitor, "/bin/sh");
	do_proc(other, init, "/bin/sh");
	do_proc(id(202, 9), init, "/bin/sh"); /* the number of one, but not the process */
	assert_string_equal(from(id(203, 10), shell), "203.0.113.9");
	assert_string_equal(from(id(204, 10), other), "");
	assert_string_equal(from(id(205, 10), id(202, 9)), "");
	/* Who reported it is gone, but its audit session tells. */
	assert_string_equal(from_audit(left, init, 77), "2001:db8::7");
	/* New ones don't take the places of old ones. */
	update(login(id(500, 11), init, "198.51.100.1", "eve"));
	assert_string_equal(from(id(501, 12), id(500, 11)), "198.51.100.1");
	assert_string_equal(from(id(206, 12), shell), "203.0.113.9");
}

static void nothing_is_kept_of(void **state, size_t damaged_at, size_t cut, int want)
{
	struct proc_id monitor = id(200, 3);

	(void)state;
	update(login(monitor, init, "203.0.113.9", "alice"));
	assert_int_equal(restart(damaged_at, cut), want);
	do_proc(monitor, init, "/usr/sbin/sshd");
	assert_string_equal(from(id(203, 10), monitor), "");
}

static void another_boot(void **state)
{
	nothing_is_kept_of(state, 0, 0, 0); /* its id comes first */
}

static void cut_short(void **state)
{
	nothing_is_kept_of(state, SIZE_MAX, 1, -EBADMSG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(by_descent),
		T(tells_who),
		T(nearest_login_counts),
		T(long_chains_lose_nothing),
		T(by_audit_session),
		T(what_is_no_login),
		T(local_login_keeps_it),
		T(bounded),
		T(kept_over_a_restart),
		T(another_boot),
		T(cut_short),
		cmocka_unit_test(one_client_has_one_net),
		cmocka_unit_test(addresses_are_checked),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
