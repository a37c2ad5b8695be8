/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user logged in from where that user never logged in from before.
 *
 * It is silent about a user until it knows the user's habits: at least NEW_SOURCE_LEARN_LOGINS
 * logins, the first of them NEW_SOURCE_LEARN_NS ago. What it learnt outlives a restart
 * (rules.state). A source is what rules count by (redshank.source.net); one that was not used for
 * NEW_SOURCE_FORGET_NS is new again. Only logins that may be believed teach it anything.
 *
 * Bounded: sets of a few places each, in which the longest unused is forgotten first. To fill it
 * takes logins that succeed.
 */
#include "detect/d_new_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "enrich/address.h"

#define SETS 2048
#define WAYS 8

/* Of a user, or of a user and a source. key 0: free. Unix ns. */
struct habit {
	uint64_t key, first, last, logins;
};

struct habits {
	struct habit place[SETS][WAYS];
};

static int init(void **ret_state)
{
	*ret_state = calloc(1, sizeof(struct habits));
	return *ret_state ? 0 : -ENOMEM;
}

/* The place of the key; one that is free, or else the longest unused, with a count of 0. */
static struct habit *place_of(struct habits *h, uint64_t key, uint64_t now)
{
	struct habit *set = h->place[(key ^ key >> 32) % SETS], *found = &set[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].key == key) {
			found = &set[i];
			break;
		}
		if (set[i].last < found->last)
			found = &set[i];
	}
	if (found->key != key || found->last + NEW_SOURCE_FORGET_NS < now)
		*found = (struct habit){ .key = key, .first = now };
	return found;
}

/* What it was before this login. */
static struct habit count(struct habits *h, uint64_t key, uint64_t now)
{
	struct habit *p = place_of(h, key, now), before = *p;

	p->logins++;
	if (now > p->last)
		p->last = now;
	return before;
}

static bool is_known(const struct habit *user, uint64_t now)
{
	return user->logins >= NEW_SOURCE_LEARN_LOGINS && user->first + NEW_SOURCE_LEARN_NS <= now;
}

static int on_event(void *state, const struct event *ev, struct verdict *ret)
{
	static const char *const keys[] = { "user.target.name", "source.ip", "redshank.auth.method",
					    "redshank.auth.service", "redshank.session.id" };
	const struct ev_auth *a = EVENT_AS(auth, ev);
	uint64_t now = ev->rec->time + (uint64_t)ev->host->unix_offset, key;
	struct value net = { 0 };
	struct address from;
	size_t len;

	if (!a->verified || a->outcome != AUTH_IS_success ||
	    (a->action != AUTH_login && a->action != AUTH_authenticate) || !address_of(ev, &from))
		return 0;
	const char *user = rec_str(ev->rec, a->user, &len);
	if (!len)
		return 0;
	/* Never 0, and no other length of a name than this one. */
	key = hash_bytes(hash_bytes(HASH_INIT, &len, sizeof(len)), user, len) | 1;
	struct habit of_user = count(state, key, now);
	address_net(&from, &net);
	key = hash_bytes(key, net.p, net.len) | 1;
	if (count(state, key, now).logins || !is_known(&of_user, now))
		return 0;
	ret->severity = SEVERITY_low;
	verdict_message(ret, "%.*s logged in from %.*s for the first time", (int)len, user,
			(int)net.len, net.p);
	verdict_fields(ret, ev, keys, sizeof(keys) / sizeof(keys[0]));
	return 0;
}

/* --- over a restart --- */

static void save(const void *state, struct buf *out)
{
	const struct habits *h = state;

	for (unsigned i = 0; i < SETS; i++)
		for (unsigned k = 0; k < WAYS; k++)
			if (h->place[i][k].key)
				buf_put(out, &h->place[i][k], sizeof(struct habit));
}

static int restore(void *state, const void *p, size_t len)
{
	struct habit saved;

	if (len % sizeof(saved) || len > sizeof(struct habits))
		return -EBADMSG;
	memset(state, 0, sizeof(struct habits));
	for (size_t at = 0; at < len; at += sizeof(saved)) {
		memcpy(&saved, (const char *)p + at, sizeof(saved));
		if (saved.key)
			*place_of(state, saved.key, saved.last) = saved;
	}
	return 0;
}

static const enum ev_type wants[] = { EV_auth, EV_none };

static const struct technique techniques[] = {
	{ "T1078", "Valid Accounts", "Initial Access" },
	{ 0 },
};

const struct detector detector_new_source = {
	.info = {
		.id = "redshank.auth.new_source",
		.name = "Login from a new source",
		.doc = "A user logged in from an address (of IPv6, a /64 network) from which that user has "
		       "not logged in for 90 days, if ever. A stolen password or key looks so. Ask the "
		       "user; all that is done in the session has the same redshank.session.id.",
		.false_positives =
			"Users who travel, or whose provider gives them a new address each day. It is "
			"silent about a user until it has seen 5 logins over 7 days.",
		.techniques = techniques,
	},
	.wants = wants,
	.init = init,
	.on_event = on_event,
	.free = free,
	.save = save,
	.restore = restore,
};
