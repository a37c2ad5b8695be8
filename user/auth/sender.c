/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of who made a report. */
#include "auth/sender.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "enrich/proctree.h"

static void take_address(const struct ev_hdr *rec, struct ev_str s, struct auth_address *ret)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in = { .sin_family = AF_INET };
	size_t len;
	const char *p = rec_str(rec, s, &len);
	sa_family_t family = AF_UNSPEC;

	ret->len = 0;
	if (len >= sizeof(family))
		memcpy(&family, p, sizeof(family));
	if (family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, p, sizeof(in));
	} else if (family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, p, sizeof(in6));
		if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			memcpy(ret->bytes, &in6, sizeof(in6));
			ret->len = sizeof(in6);
			return;
		}
		in.sin_port = in6.sin6_port;
		memcpy(&in.sin_addr, in6.sin6_addr.s6_addr + 12, sizeof(in.sin_addr));
	} else {
		return;
	}
	memcpy(ret->bytes, &in, sizeof(in));
	ret->len = sizeof(in);
}

void auth_address_text(const struct auth_address *a, char ret[AUTH_ADDRESS_TEXT])
{
	_Static_assert(AUTH_ADDRESS_TEXT == INET6_ADDRSTRLEN, "has room");
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	*ret = '\0';
	if (a->len == sizeof(in)) {
		memcpy(&in, a->bytes, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, ret, AUTH_ADDRESS_TEXT);
	} else if (a->len == sizeof(in6)) {
		memcpy(&in6, a->bytes, sizeof(in6));
		inet_ntop(AF_INET6, &in6.sin6_addr, ret, AUTH_ADDRESS_TEXT);
	}
}

/* Is the file root's, for nobody else to change? */
static bool is_roots(const struct image *im)
{
	return !im->exe_uid && !(im->exe_mode & S_IWOTH) &&
	       (!(im->exe_mode & S_IWGRP) || !im->exe_gid);
}

/*
 * What root started, and what is set-uid root, as long as it has root's rights. A daemon that logs
 * people in is still itself when it has given them up (proftpd does so between its steps).
 */
static bool runs_as_root(const struct image *im, const struct auth_sender *s)
{
	if (s->trust != AUTH_TRUST_claimed)
		return !s->hdr.euid || !im->euid;
	/* One that ran before the sensor may have given them up already. */
	return !im->uid && s->program != AUTH_PROGRAM_other && s->program != AUTH_PROGRAM_busybox;
}

static void set_name(struct auth_sender *s, const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	size_t skip = slash ? (size_t)(slash + 1 - path) : 0;
	size_t n = len - skip < sizeof(s->name) ? len - skip : sizeof(s->name) - 1;

	memcpy(s->name, path + skip, n);
	s->name[n] = '\0';
}

static void of_image(const struct event *ev, struct auth_sender *s)
{
	const struct image *im = ev->proc ? ev->proc->image : NULL;

	s->by_root = !ev->rec->uid;
	if (!im || !im->exe_len) {
		/* A name is what a process says; of root's own it is taken. */
		size_t n = strnlen(ev->rec->name, sizeof(ev->rec->name));
		s->verified = s->trust != AUTH_TRUST_claimed;
		s->program = s->verified ? auth_program_of(ev->rec->name, n) : AUTH_PROGRAM_other;
		set_name(s, ev->rec->name, n);
		return;
	}
	s->exe_ino = im->exe_ino;
	s->exe_dev = im->exe_dev;
	s->exec_time = ev->proc->exec_time;
	s->by_root = !im->uid;
	s->invoked = im->uid && !im->euid;
	s->program = auth_program_of(im->exe, im->exe_len);
	set_name(s, im->exe, im->exe_len);
	s->verified = is_roots(im) && runs_as_root(im, s);
	if (s->verified && s->trust == AUTH_TRUST_claimed)
		s->trust = AUTH_TRUST_root;
}

/* Who may be meant by the tag, where the file is of no program that is known. */
static bool of_tag(struct auth_piece tag, struct auth_sender *s)
{
	enum auth_program said = auth_program_of(tag.p ? tag.p : "", tag.len);

	switch (s->program) {
	case AUTH_PROGRAM_relay:
	case AUTH_PROGRAM_quiet:
		return false;
	case AUTH_PROGRAM_busybox:
		s->program = said;
		set_name(s, tag.p ? tag.p : "", tag.len);
		return true;
	case AUTH_PROGRAM_other:
		if (said == AUTH_PROGRAM_other || said == AUTH_PROGRAM_busybox)
			return true;
		/* It says that it is another: of root's own a tool that hands on lines, else a lie.
		 */
		if (s->trust != AUTH_TRUST_claimed)
			return false;
		s->program = said;
		s->verified = false;
		return said != AUTH_PROGRAM_relay && said != AUTH_PROGRAM_quiet;
	default:
		return true;
	}
}

static void of_connection(const struct event *ev, struct auth_sender *s)
{
	const struct ev_auth_text *t = EVENT_AS(auth_text, ev);
	const struct ev_pam *p = EVENT_AS(pam, ev);
	bool text = ev->rec->type == EV_auth_text;

	/* A claim of somebody connected with others says nothing of those. */
	if (s->invoked || !s->verified)
		return;
	if ((text ? t->peers : p->peers) == 1)
		s->sock = text ? t->sock_ino : p->sock_ino;
	take_address(ev->rec, text ? t->peer : p->peer, &s->peer);
	take_address(ev->rec, text ? t->local : p->local, &s->local);
}

bool auth_sender_of(const struct event *ev, struct auth_piece tag, struct auth_sender *ret)
{
	const struct ev_auth_text *t = EVENT_AS(auth_text, ev);
	bool text = ev->rec->type == EV_auth_text;

	memset(ret, 0, sizeof(*ret));
	ret->hdr = *ev->rec;
	ret->trust = text ? t->trust : EVENT_AS(pam, ev)->trust;
	of_image(ev, ret);
	if (!of_tag(tag, ret))
		return false;
	if (text && t->source == AUTH_SOURCE_audit)
		ret->verified |= ret->trust == AUTH_TRUST_kernel;
	if (!ret->verified)
		ret->trust = AUTH_TRUST_claimed;
	of_connection(ev, ret);
	return true;
}
