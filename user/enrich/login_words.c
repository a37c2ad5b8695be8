/* SPDX-License-Identifier: Apache-2.0 */
/* An auth event in words. */
#include <string.h>

#include "enrich/login.h"
#include "enrich/users.h"

/* The sentence grows in the value's own room; what does not fit is cut. */
static void put(struct value *v, const char *p, size_t len)
{
	size_t room = sizeof(v->tmp) - v->len;

	memcpy(v->tmp + v->len, p, len < room ? len : room);
	v->len += len < room ? len : room;
}

static void puts_(struct value *v, const char *s)
{
	put(v, s, strlen(s));
}

/* Words of the schema: '_' between them. */
static void put_field(struct value *v, const struct event *ev, const char *name, const char *before)
{
	const struct field *f = field_find(ev->desc, name);
	struct value val;

	value_get(ev, f, &val);
	if (val.kind == VALUE_none)
		return;
	puts_(v, before);
	size_t at = v->len;
	put(v, val.p, val.len);
	if (f->wire == WIRE_u32)
		for (; at < v->len; at++)
			if (v->tmp[at] == '_')
				v->tmp[at] = ' ';
}

static bool put_str(struct value *v, const struct event *ev, struct ev_str s, const char *before)
{
	size_t len;
	const char *p = rec_str(ev->rec, s, &len);

	if (!len)
		return false;
	puts_(v, before);
	put(v, p, len);
	return true;
}

static void put_num(struct value *v, uint32_t n)
{
	struct value num;

	value_printf(&num, "%u", n);
	put(v, num.p, num.len);
}

static void put_target(struct value *v, const struct event *ev)
{
	if (!put_str(v, ev, EVENT_AS(auth, ev)->user, ""))
		puts_(v, "a user not known");
}

/* Who asked: by the source's name, else by the kernel's ids. */
static void put_invoker(struct value *v, const struct event *ev)
{
	const struct ev_hdr *h = ev->rec;
	uint32_t uid = h->uid ? h->uid : h->loginuid;

	if (put_str(v, ev, EVENT_AS(auth, ev)->invoker, ""))
		return;
	const char *name = uid && uid != UINT32_MAX ? user_name(uid, h->mntns) : "somebody";
	if (*name) {
		puts_(v, name);
	} else {
		puts_(v, "uid ");
		put_num(v, uid);
	}
}

/* The kernel's word on the other end; the program's own is told as such. */
static void put_from(struct value *v, const struct event *ev)
{
	const struct ev_auth *a = EVENT_AS(auth, ev);

	put_field(v, ev, "source.address", " from ");
	if (!a->peer.len)
		put_str(v, ev, a->rhost, a->verified ? " from, as it says, " : ", it says, from ");
}

static void put_reason(struct value *v, const struct event *ev)
{
	if (EVENT_AS(auth, ev)->reason == AUTH_REASON_ok)
		return;
	put_field(v, ev, "redshank.auth.reason", " (");
	puts_(v, ")");
}

static const char *method_words(u32 method)
{
	switch (method) {
	case AUTH_METHOD_password:
		return "password";
	case AUTH_METHOD_publickey:
		return "public key";
	case AUTH_METHOD_keyboard_interactive:
		return "keyboard-interactive";
	case AUTH_METHOD_gssapi:
		return "GSSAPI";
	case AUTH_METHOD_hostbased:
		return "trusted host";
	case AUTH_METHOD_no_proof:
		return "login without proof";
	default:
		return "login";
	}
}

static void put_weak(struct value *v, const struct event *ev)
{
	const struct ev_auth *a = EVENT_AS(auth, ev);

	if (a->reason == AUTH_REASON_disconnected_before_auth) {
		put_target(v, ev);
		put_from(v, ev);
		puts_(v, " left before a login");
		return;
	}
	put_num(v, a->keys);
	puts_(v, a->keys == 1 ? " public key not accepted for " : " public keys not accepted for ");
	put_target(v, ev);
	put_from(v, ev);
}

static void put_login(struct value *v, const struct event *ev)
{
	const struct ev_auth *a = EVENT_AS(auth, ev);

	if (a->reason == AUTH_REASON_disconnected_before_auth ||
	    a->reason == AUTH_REASON_key_not_accepted) {
		put_weak(v, ev);
		return;
	}
	puts_(v, a->outcome == AUTH_IS_success ? "accepted " : "failed ");
	puts_(v, method_words(a->method));
	put_str(v, ev, a->key, " ");
	puts_(v, " for ");
	put_target(v, ev);
	put_from(v, ev);
	put_reason(v, ev);
}

static void put_become(struct value *v, const struct event *ev)
{
	const struct ev_auth *a = EVENT_AS(auth, ev);

	put_invoker(v, ev);
	puts_(v, a->outcome == AUTH_IS_success ? " became " : " failed to become ");
	if (!put_str(v, ev, a->user, ""))
		puts_(v, "another user");
	put_reason(v, ev);
}

static void put_refused(struct value *v, const struct event *ev)
{
	puts_(v, "refused ");
	put_invoker(v, ev);
	puts_(v, " a command");
	put_str(v, ev, EVENT_AS(auth, ev)->user, " as ");
	put_reason(v, ev);
}

static void put_session(struct value *v, const struct event *ev, const char *verb)
{
	const struct ev_auth *a = EVENT_AS(auth, ev);

	puts_(v, "session");
	if (a->session != UINT32_MAX) {
		puts_(v, " ");
		put_num(v, a->session);
	}
	puts_(v, " of ");
	put_target(v, ev);
	put_from(v, ev);
	puts_(v, verb);
}

static void put_attempt(struct value *v, const struct event *ev)
{
	const struct ev_auth *a = EVENT_AS(auth, ev);
	bool ok = a->outcome == AUTH_IS_success;

	switch (a->action) {
	case AUTH_become:
		put_become(v, ev);
		break;
	case AUTH_session_start:
		put_session(v, ev, " began");
		break;
	case AUTH_session_end:
		put_session(v, ev, " ended");
		break;
	case AUTH_password_change:
		puts_(v, ok ? "changed the password of " : "failed to change the password of ");
		put_target(v, ev);
		put_reason(v, ev);
		break;
	case AUTH_account_lock:
		puts_(v, "locked the account of ");
		put_target(v, ev);
		put_from(v, ev);
		break;
	case AUTH_command_refused:
		put_refused(v, ev);
		break;
	default:
		put_login(v, ev);
	}
}

void login_get_message(const struct event *ev, struct value *ret)
{
	ret->len = 0;
	if (!EVENT_AS(auth, ev)->verified)
		puts_(ret, "CLAIMED: ");
	put_field(ret, ev, "redshank.auth.service", "");
	puts_(ret, ": ");
	put_attempt(ret, ev);
	value_str(ret, ret->tmp, ret->len);
}
