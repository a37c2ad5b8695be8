/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that log people in, as the fuser sees them: each line of a scenario is one report by one
 * source, and sources can be missing.
 */
#ifndef REDSHANK_TESTS_LOGINS_H
#define REDSHANK_TESTS_LOGINS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>

#include "auth/fuse.h"
#include "enrich/proctree.h"
#include "records.h"

enum { A = 1, B = 2, C = 4, ALL = A | B | C };

static struct auth_fuse *fuse;
static unsigned sources = ALL; /* that are there */
static u64 now;

/* A process, and what it is connected with. */
struct daemon {
	struct ev_hdr hdr;
	struct proc proc;
	union {
		struct image image;
		char room[sizeof(struct image) + 64];
	};
	u64 sock; /* 0: none */
	const char *address;
	u16 port;
	u32 trust;
};

static inline void daemon_init(struct daemon *d, const char *exe, u32 pid)
{
	memset(d, 0, sizeof(*d));
	d->hdr.pid = d->hdr.tid = pid;
	d->hdr.start = pid * 1000ULL;
	d->hdr.ppid = 1;
	d->hdr.loginuid = d->hdr.session = UINT32_MAX;
	d->hdr.mntns = 1;
	d->image.exe_mode = 0100755;
	d->image.exe_ino = 77 + strlen(exe);
	d->image.exe = exe;
	d->image.exe_len = (u32)strlen(exe);
	d->proc.pid = pid;
	d->proc.start = d->hdr.start;
	d->proc.exec_time = d->hdr.start + 1;
	d->proc.image = &d->image;
	d->trust = AUTH_TRUST_kernel;
}

/* A daemon's process for one connection. */
static inline struct daemon connected(const char *exe, u32 pid, const char *address)
{
	struct daemon d;
	daemon_init(&d, exe, pid);
	d.sock = 1000 + pid;
	d.address = address;
	d.port = (u16)(40000 + pid);
	return d;
}

/* A set-uid program that a user started. */
static inline struct daemon set_uid(const char *exe, u32 pid, u32 uid)
{
	struct daemon d;
	daemon_init(&d, exe, pid);
	d.hdr.uid = uid;
	d.image.uid = uid;
	d.image.suid = 0;
	d.image.exe_mode = 0104755;
	return d;
}

/* What anybody can run. */
static inline struct daemon unprivileged(const char *exe, u32 pid, u32 uid)
{
	struct daemon d = set_uid(exe, pid, uid);
	d.hdr.euid = uid;
	d.image.euid = uid;
	d.image.exe_mode = 0100755;
	d.trust = AUTH_TRUST_claimed;
	return d;
}

/* A fork of a daemon's process, with its connection. */
static inline struct daemon child_of(const struct daemon *parent, u32 pid)
{
	struct daemon d = *parent;
	d.hdr.pid = d.hdr.tid = pid;
	d.hdr.start = pid * 1000ULL;
	d.hdr.ppid = parent->hdr.pid;
	d.hdr.parent_start = parent->hdr.start;
	d.proc.pid = pid;
	d.proc.start = d.hdr.start;
	d.proc.exec_time = 0;
	return d;
}

static inline void feed(struct daemon *d, void *rec)
{
	struct ev_hdr *h = rec, from = d->hdr;
	struct event ev = rec_event(rec);

	from.len = h->len;
	from.type = h->type;
	from.fixed = h->fixed;
	from.truncated = h->truncated;
	from.time = now;
	*h = from;
	assert(!schema_check(rec, h->len, NULL));
	/* Images of copies are their own. */
	d->proc.image = &d->image;
	ev.proc = &d->proc;
	auth_fuse_event(fuse, &ev);
	rec_free(rec);
}

static inline void put_address(void *rec, struct ev_str *s, const char *address, u16 port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		rec_add_str(rec, s, &in, sizeof(in));
	else if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1)
		rec_add_str(rec, s, &in6, sizeof(in6));
}

#define CONNECTION(d_, r_)                                                       \
	do {                                                                     \
		(r_)->trust = (d_)->trust;                                       \
		(r_)->peers = (d_)->sock != 0;                                   \
		(r_)->sock_ino = (d_)->sock;                                     \
		if ((d_)->address)                                               \
			put_address(r_, &(r_)->peer, (d_)->address, (d_)->port); \
	} while (0)

static inline void text_rec(struct daemon *d, u32 source, u32 number, const char *text)
{
	struct ev_auth_text *r = REC_NEW(auth_text);

	r->source = source;
	r->number = number;
	CONNECTION(d, r);
	REC_STR(auth_text, r, text, text);
	feed(d, r);
}

/* audit(&d, 1100, "op=… acct=\"x\"", false): the rest of the message is always the same. */
static inline void audit(struct daemon *d, u32 type, const char *fields, bool ok)
{
	char text[1024];

	now += 1000000;
	if (!(sources & A))
		return;
	snprintf(text, sizeof(text), "%s exe=\"x\" hostname=? addr=? terminal=ssh res=%s", fields,
		 ok ? "success" : "failed");
	text_rec(d, AUTH_SOURCE_audit, type, text);
}

static inline void say(struct daemon *d, const char *line)
{
	char text[1024];
	const char *slash = strrchr(d->image.exe, '/');

	now += 1000000;
	if (!(sources & C))
		return;
	snprintf(text, sizeof(text), "<38>Nov 21 17:09:07 %s[%u]: %s", slash ? slash + 1 : "x",
		 d->hdr.pid, line);
	text_rec(d, AUTH_SOURCE_syslog, 38, text);
}

static inline void pam(struct daemon *d, u32 op, u32 result, const char *service, const char *user)
{
	struct ev_pam *r;

	now += 1000000;
	if (!(sources & B))
		return;
	r = REC_NEW(pam);
	r->op = op;
	r->result = result;
	CONNECTION(d, r);
	REC_STR(pam, r, service, service);
	REC_STR(pam, r, user, user);
	feed(d, r);
}

static inline void leave(struct daemon *d)
{
	now += 1000000;
	feed(d, REC_NEW(exit));
}

static inline void pass(u64 ms)
{
	now += ms * 1000000;
	auth_fuse_tick(fuse, now);
}

#endif
