/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From events to conversations: whose report it is, and when what is open is told. What a report
 * means for its conversation is in fuse_steps.c.
 */
#include "auth/fuse.h"

#include <errno.h>
#include <stdlib.h>

#include "auth/audit_text.h"
#include "auth/fuse_private.h"
#include "auth/log_text.h"
#include "auth/pam_ret.h"
#include "enrich/proctree.h"

/* --- telling --- */

static bool is_flood(struct auth_fuse *f, struct conversation *c)
{
	if (c->who.verified)
		return false;
	if (f->now - c->claims_since > AUTH_FUSE_CLAIMS_NS) {
		c->claims_since = f->now;
		c->claims = 0;
	}
	return ++c->claims > AUTH_FUSE_CLAIMS_MAX;
}

void fuse_tell(struct auth_fuse *f, struct conversation *c)
{
	if (is_flood(f, c)) {
		f->st.suppressed++;
		return;
	}
	f->st.attempts++;
	f->st.claims += !c->who.verified;
	f->fn(f->ctx, &f->rec.hdr);
}

/*
 * Records come in the order of their time where that can be had: failures whose last word has been
 * said come before a login that is told at once.
 */
static void tell_failures_before(struct auth_fuse *f, uint64_t time)
{
	struct conversation *c;
	unsigned at = 0;

	while ((c = conversation_next(f->verified, &at)))
		if (c->a.state == ATTEMPT_open && c->a.failed && fuse_last_word(&c->a) &&
		    c->a.last <= time)
			fuse_close(f, c);
}

static void close_lock(struct auth_fuse *f, struct conversation *c)
{
	if (!c->lock.due)
		return;
	c->lock.due = 0;
	lock_record(c, &f->rec);
	fuse_tell(f, c);
}

void fuse_close(struct auth_fuse *f, struct conversation *c)
{
	struct attempt *a = &c->a;

	if (a->state != ATTEMPT_open)
		return;
	close_lock(f, c);
	if (a->confirmed && c->who.verified)
		tell_failures_before(f, a->last);
	a->state = ATTEMPT_told;
	if (!attempt_record(c, &f->rec)) {
		a->state = ATTEMPT_none;
		return;
	}
	if (a->confirmed) {
		/* Of who only claims so, each claim is one. */
		c->logged_in = c->who.verified;
		c->session_known = a->session != UINT32_MAX;
	} else {
		c->failures += a->failed;
	}
	c->w.told = c->w.told || a->confirmed || a->failed || a->denied || a->no_account;
	c->w.due = 0;
	memset(c->w.offers, 0, sizeof(c->w.offers));
	/* In SSH a connection has one user; login(1) asks for another one each time. */
	if (c->who.program != AUTH_PROGRAM_sshd)
		c->w.reason = AUTH_REASON_none;
	fuse_tell(f, c);
}

void fuse_close_weak(struct auth_fuse *f, struct conversation *c)
{
	struct weak *w = &c->w;

	if (!w->due || w->told || c->logged_in || c->quiet) {
		w->due = 0;
		return;
	}
	w->due = 0;
	w->told = true;
	weak_record(c, &f->rec);
	c->failures++;
	fuse_tell(f, c);
}

static void close_all(struct auth_fuse *f, struct conversation *c)
{
	fuse_close(f, c);
	close_lock(f, c);
	fuse_close_weak(f, c);
}

/* --- time --- */

static uint64_t due_of(const struct conversation *c)
{
	uint64_t due = c->a.state == ATTEMPT_open ? c->a.due : UINT64_MAX;

	if (c->w.due && c->w.due < due)
		due = c->w.due;
	return c->lock.due && c->lock.due < due ? c->lock.due : due;
}

static void close_due(struct auth_fuse *f, struct conversations *t, uint64_t now)
{
	struct conversation *c;
	unsigned at = 0;

	while ((c = conversation_next(t, &at))) {
		if (c->lock.due && c->lock.due <= now)
			close_lock(f, c);
		if (c->a.state == ATTEMPT_open && c->a.due <= now)
			fuse_close(f, c);
		if (c->w.due && c->w.due <= now)
			fuse_close_weak(f, c);
		uint64_t due = due_of(c);
		if (due < f->next_due)
			f->next_due = due;
	}
}

void auth_fuse_tick(struct auth_fuse *f, uint64_t now)
{
	if (now > f->now)
		f->now = now;
	if (f->now < f->next_due || f->now < f->next_look)
		return;
	f->next_look = f->now + LOOK_NS;
	f->next_due = UINT64_MAX;
	close_due(f, f->verified, f->now);
	close_due(f, f->claimed, f->now);
}

void auth_fuse_flush(struct auth_fuse *f)
{
	close_due(f, f->verified, UINT64_MAX - 1);
	close_due(f, f->claimed, UINT64_MAX - 1);
}

/* --- whose report it is --- */

static bool has_open(const struct conversation *c)
{
	return due_of(c) != UINT64_MAX || c->in_session;
}

/* A process that was forked to ask for credentials: its parent speaks for the connection. */
static bool is_child(const struct auth_sender *s, const struct conversation *c)
{
	return s->hdr.ppid == c->who.hdr.pid && s->hdr.parent_start == c->who.hdr.start &&
	       s->exe_ino == c->who.exe_ino && s->exe_dev == c->who.exe_dev;
}

static struct conversation *of_parent(struct conversations *t, const struct event *ev,
				      const struct auth_sender *s)
{
	const struct proc *p = ev->tree && ev->proc ? proctree_parent(ev->tree, ev->proc) : NULL;
	struct conversation *c = NULL;

	if (s->program == AUTH_PROGRAM_sshd && s->exe_ino && p)
		c = conversation_of_process(t, p->pid, p->start, p->exec_time);
	return c && is_child(s, c) ? c : NULL;
}

static bool shares_connection(enum auth_program p)
{
	return !auth_program_becomes(p) && p != AUTH_PROGRAM_login && p != AUTH_PROGRAM_passwd;
}

static struct conversation *conversation_of(struct auth_fuse *f, const struct event *ev,
					    struct auth_sender *s)
{
	struct conversations *t = s->verified ? f->verified : f->claimed;
	struct conversation *c = NULL;

	if (!shares_connection(s->program))
		s->sock = 0;
	if (s->sock)
		c = conversation_of_socket(t, s->sock);
	if (!c)
		c = conversation_of_process(t, s->hdr.pid, s->hdr.start, s->exec_time);
	if (!c)
		c = of_parent(t, ev, s);
	/* Of busybox each applet is a program of its own. */
	if (c && c->who.program == s->program)
		return c;
	c = conversation_oldest(t);
	if (c) {
		f->st.evicted += has_open(c);
		close_all(f, c);
		conversation_forget(t, c);
	}
	return conversation_add(t, s);
}

static bool is_address(const struct auth_name *n, const struct auth_address *a)
{
	char text[AUTH_ADDRESS_TEXT];

	auth_address_text(a, text);
	return *text && auth_name_is(n, text);
}

/*
 * The other end is who has the one connection that there is; of several, the one that the program
 * itself names. Late reports may come when the connection is gone.
 */
static void take_sender(struct auth_fuse *f, struct conversation *c, struct auth_sender *s,
			const struct auth_report *r)
{
	bool connected = s->peer.len && (s->sock || is_address(&r->host, &s->peer));
	bool child = is_child(s, c);

	if (child) {
		/* Who reports for it stays; what it is connected with is the same. */
		struct auth_sender who = c->who;
		if (connected && !c->connected) {
			who.peer = s->peer;
			who.local = s->local;
			c->who = who;
			c->connected = true;
		}
		return;
	}
	if (!connected && c->connected) {
		s->peer = c->who.peer;
		s->local = c->who.local;
	}
	c->connected |= connected;
	if (s->trust < c->who.trust)
		s->trust = c->who.trust;
	conversation_set_who(s->verified ? f->verified : f->claimed, c, s);
}

static void take_report(struct auth_fuse *f, const struct event *ev, struct auth_sender *s,
			const struct auth_report *r, enum auth_by by, uint32_t source)
{
	struct reported in = { r, s, by, source, ev->rec->time };

	f->st.reports++;
	struct conversation *c = conversation_of(f, ev, s);
	take_sender(f, c, s, r);
	c->by |= 1U << by;
	fuse_step(f, c, &in);
	uint64_t due = due_of(c);
	if (due < f->next_due)
		f->next_due = due;
}

static struct auth_piece text_of(const struct event *ev)
{
	struct auth_piece t;

	t.p = rec_str(ev->rec, EVENT_AS(auth_text, ev)->text, &t.len);
	return t;
}

static void take_line(struct auth_fuse *f, const struct event *ev, uint32_t source)
{
	struct auth_piece t = text_of(ev);
	bool cut = ev->rec->truncated >> EVF_auth_text_text & 1;
	char peer[AUTH_ADDRESS_TEXT];
	struct auth_report r;
	struct auth_sender s;
	struct log_line l;

	if (source == AUTH_SOURCE_stderr)
		log_stderr_split(t.p, t.len, &l);
	else
		log_line_split(t.p, t.len, &l);
	bool heard = auth_sender_of(ev, l.tag, &s);
	auth_address_text(&s.peer, peer);
	if (!heard || !log_text_parse(s.program, l.text, (struct auth_piece){ peer, strlen(peer) },
				      cut, &r)) {
		f->st.ignored++;
		return;
	}
	take_report(f, ev, &s, &r, BY_text, 1U << (source - 1));
}

static void take_text(struct auth_fuse *f, const struct event *ev)
{
	const struct ev_auth_text *e = EVENT_AS(auth_text, ev);
	struct auth_piece t = text_of(ev);
	bool cut = ev->rec->truncated >> EVF_auth_text_text & 1;
	struct auth_report r;
	struct auth_sender s;

	if (e->source == AUTH_SOURCE_syslog || e->source == AUTH_SOURCE_stderr) {
		take_line(f, ev, e->source);
		return;
	}
	if (e->source != AUTH_SOURCE_audit || !audit_text_parse(e->number, t.p, t.len, cut, &r) ||
	    !auth_sender_of(ev, (struct auth_piece){ NULL, 0 }, &s)) {
		f->st.ignored++;
		return;
	}
	take_report(f, ev, &s, &r, BY_audit, 1U << AUTH_BY_audit);
}

static void take_pam(struct auth_fuse *f, const struct event *ev)
{
	struct auth_report r;
	struct auth_sender s;

	if (auth_pam_report(ev, &r) && auth_sender_of(ev, (struct auth_piece){ NULL, 0 }, &s))
		take_report(f, ev, &s, &r, BY_pam, 1U << AUTH_BY_pam);
}

/* Nothing comes any more but what is on its way. */
static void hurry(struct auth_fuse *f, struct conversation *c, uint64_t now)
{
	uint64_t due = now + SETTLE_NS;

	if (c->a.due > due)
		c->a.due = due;
	if (c->w.due > due)
		c->w.due = due;
	if (due < f->next_due)
		f->next_due = due;
}

/* The end of the process that speaks for a connection is the end of that. */
static void take_exit(struct auth_fuse *f, struct conversations *t, const struct ev_hdr *h,
		      uint64_t exec_time)
{
	struct conversation *c = conversation_of_process(t, h->pid, h->start, exec_time);

	if (!c)
		return;
	/* Claims come by another ring than exits do, and may be behind. */
	if (!c->who.verified) {
		hurry(f, c, h->time);
		return;
	}
	/* A helper may have been forked before its parent said anything. */
	if (c->sock && !c->who.exec_time && !c->logged_in) {
		if (c->a.state == ATTEMPT_open && c->a.due > h->time + SETTLE_NS)
			c->a.due = h->time + SETTLE_NS;
		if (c->a.state == ATTEMPT_open && c->a.due < f->next_due)
			f->next_due = c->a.due;
		return;
	}
	close_all(f, c);
	fuse_end(f, c, h);
	conversation_forget(t, c);
}

void auth_fuse_event(struct auth_fuse *f, const struct event *ev)
{
	/* What is told changes the process table, and with it what ev points to: copied before. */
	uint64_t exec_time = ev->proc ? ev->proc->exec_time : 0;
	struct ev_hdr h = *ev->rec;

	if (h.time > f->now)
		f->now = h.time;
	if (h.type == EV_auth_text)
		take_text(f, ev);
	else if (h.type == EV_pam)
		take_pam(f, ev);
	else if (h.type == EV_exit) {
		take_exit(f, f->verified, &h, exec_time);
		take_exit(f, f->claimed, &h, exec_time);
	}
	auth_fuse_tick(f, h.time);
}

/* --- life --- */

int auth_fuse_new(unsigned conversations, unsigned claimed, auth_fuse_fn *fn, void *ctx,
		  struct auth_fuse **ret)
{
	struct auth_fuse *f = calloc(1, sizeof(*f));

	if (!f || conversations_new(conversations, &f->verified) ||
	    conversations_new(claimed, &f->claimed)) {
		auth_fuse_free(f);
		return -ENOMEM;
	}
	f->fn = fn;
	f->ctx = ctx;
	f->next_due = UINT64_MAX;
	f->st.conversations_max = conversations + claimed;
	*ret = f;
	return 0;
}

void auth_fuse_free(struct auth_fuse *f)
{
	if (!f)
		return;
	conversations_free(f->verified);
	conversations_free(f->claimed);
	free(f);
}

static unsigned open_in(struct conversations *t)
{
	struct conversation *c;
	unsigned at = 0, n = 0;

	while ((c = conversation_next(t, &at)))
		n += due_of(c) != UINT64_MAX;
	return n;
}

void auth_fuse_get_stats(const struct auth_fuse *f, struct auth_fuse_stats *ret)
{
	*ret = f->st;
	ret->open = open_in(f->verified) + open_in(f->claimed);
	ret->conversations = conversations_held(f->verified) + conversations_held(f->claimed);
}
