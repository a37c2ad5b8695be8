/* SPDX-License-Identifier: Apache-2.0 */
/* Matching exceptions. The hash comes last: only what all else fits is worth reading a file. */
#include "detect/exception.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "enrich/container.h"
#include "enrich/exe_hash.h"
#include "enrich/fields.h"
#include "enrich/proctree.h"
#include "enrich/users.h"

const char *const exception_keys[EXCEPTION_KEYS] = {
	[EXCEPTION_image] = "image",   [EXCEPTION_container_image] = "container_image",
	[EXCEPTION_user] = "user",     [EXCEPTION_parent] = "parent",
	[EXCEPTION_sha256] = "sha256", [EXCEPTION_ancestor] = "ancestor",
};

/* Time is bounded by the product of the lengths: only the last * is ever tried again. */
static bool glob(const char *pattern, const char *p, size_t len, bool fold)
{
	const char *star = NULL, *end = p + len, *retry = p;

	while (p < end) {
		char a = *pattern, b = *p;
		if (fold) {
			a = (char)tolower((unsigned char)a);
			b = (char)tolower((unsigned char)b);
		}
		if (*pattern == '*') {
			star = ++pattern;
			retry = p;
		} else if (*pattern && (*pattern == '?' || a == b)) {
			pattern++;
			p++;
		} else if (star) {
			pattern = star;
			p = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* In a container, and in a user namespace of one's own, anybody can give a file any path. */
static bool has_host_paths(const struct image *im)
{
	const char *id;
	size_t len;

	return (!im->userns || im->userns == USERNS_INIT) &&
	       !container_id(im->cgpath, im->cgpath_len, &id, &len);
}

static bool path_fits(const struct proc *p, const char *pattern, bool vouched)
{
	const struct image *im = p ? p->image : NULL;

	return im && im->exe_len && glob(pattern, im->exe, im->exe_len, false) &&
	       (vouched || has_host_paths(im));
}

static bool field_fits(const struct event *ev, const char *name, const char *pattern, bool fold)
{
	struct any_field f;
	struct value v;

	if (!any_field_find(ev->desc, name, &f))
		return false;
	any_field_get(&f, ev, &v);
	return v.kind == VALUE_str && !v.truncated && glob(pattern, v.p, v.len, fold);
}

static bool user_fits(uint32_t uid, uint32_t mntns, const char *pattern)
{
	char number[16];
	const char *name = uid ? user_name(uid, mntns) : "root";
	int n = snprintf(number, sizeof(number), "%u", uid);

	return (*name && glob(pattern, name, strlen(name), false)) ||
	       glob(pattern, number, (size_t)n, false);
}

static bool ancestor_fits(const struct event *ev, const char *pattern, bool vouched)
{
	const struct proc *p[PROC_ANCESTORS_MAX];
	unsigned n = ev->proc && ev->tree
			     ? proctree_ancestors(ev->tree, ev->proc, p, PROC_ANCESTORS_MAX)
			     : 0;

	for (unsigned i = 0; i < n; i++)
		if (path_fits(p[i], pattern, vouched))
			return true;
	return false;
}

static bool parent_fits(const struct event *ev, const char *pattern, bool vouched)
{
	return ev->proc && ev->tree &&
	       path_fits(proctree_parent(ev->tree, ev->proc), pattern, vouched);
}

/* vouched: the entry asks for more than a path. */
static bool key_fits(enum exception_key key, const char *pattern, const struct event *ev,
		     bool vouched)
{
	const struct ev_hdr *h = ev->rec;

	switch (key) {
	case EXCEPTION_image:
		return path_fits(ev->proc, pattern, vouched);
	case EXCEPTION_container_image:
		return field_fits(ev, "container.image.name", pattern, false) ||
		       field_fits(ev, "redshank.container.image", pattern, false) ||
		       field_fits(ev, "container.image.id", pattern, false);
	case EXCEPTION_user:
		return user_fits(h->uid, h->mntns, pattern) &&
		       user_fits(h->euid, h->mntns, pattern);
	case EXCEPTION_parent:
		return parent_fits(ev, pattern, vouched);
	case EXCEPTION_ancestor:
		return ancestor_fits(ev, pattern, vouched);
	case EXCEPTION_sha256:
		exe_hash_learn(ev);
		return field_fits(ev, "process.hash.sha256", pattern, true);
	case EXCEPTION_KEYS:
		break;
	}
	return false;
}

static bool names(const struct exception *x, const struct rule_info *rule)
{
	for (unsigned i = 0; i < x->nrules; i++)
		if (glob(x->rule[i], rule->id, strlen(rule->id), true) ||
		    glob(x->rule[i], rule->name, strlen(rule->name), true))
			return true;
	return false;
}

static bool holds(const struct exception *x, const struct event *ev)
{
	static const enum exception_key order[] = { EXCEPTION_image,	       EXCEPTION_user,
						    EXCEPTION_parent,	       EXCEPTION_ancestor,
						    EXCEPTION_container_image, EXCEPTION_sha256 };
	_Static_assert(sizeof(order) / sizeof(order[0]) == EXCEPTION_KEYS, "all of them");

	bool vouched = *x->key[EXCEPTION_sha256] || *x->key[EXCEPTION_container_image];

	for (unsigned i = 0; i < EXCEPTION_KEYS; i++) {
		const char *pattern = x->key[order[i]];
		if (*pattern && !key_fits(order[i], pattern, ev, vouched))
			return false;
	}
	return true;
}

bool exception_holds(const struct exception *x, unsigned n, const struct rule_info *rule,
		     const struct event *ev)
{
	uint64_t now = ev->rec->time + (uint64_t)ev->host->unix_offset;

	for (unsigned i = 0; i < n; i++)
		if ((!x[i].expires || now < x[i].expires) && names(&x[i], rule) && holds(&x[i], ev))
			return true;
	return false;
}

int exception_expires(const char *text, uint64_t *ret)
{
	struct tm day = { 0 };
	const char *end = strptime(text, "%Y-%m-%d", &day);

	day.tm_mday++;
	time_t t = timegm(&day);
	if (!end || *end || strlen(text) != 10 || t <= 0)
		return -EINVAL;
	*ret = (uint64_t)t * NSEC_PER_SEC;
	return 0;
}
