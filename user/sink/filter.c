/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of tail. */
#include "sink/filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "enrich/container.h"

/* What describes the sensor and its start, not what happens, and what auth events are made of:
 * shown on request. */
#define QUIET_TYPES                                                                        \
	(1ULL << EV_proc | 1ULL << EV_host | 1ULL << EV_heartbeat | 1ULL << EV_auth_text | \
	 1ULL << EV_pam)

static int add_type(struct filter *f, const char *name, size_t len, struct err *e)
{
	char key[32];
	if (len && len < sizeof(key)) {
		memcpy(key, name, len);
		key[len] = '\0';
		const struct ev_desc *d = ev_desc_by_key(key);
		if (d) {
			f->types |= 1ULL << d->id;
			return 0;
		}
	}
	char known[256] = "";
	for (unsigned i = 1; i < EV_TYPE_MAX; i++) {
		if (!ev_desc(i))
			continue;
		size_t at = strlen(known), n = strlen(ev_desc(i)->key);
		if (at + n + 2 < sizeof(known)) {
			known[at] = ' ';
			memcpy(known + at + 1, ev_desc(i)->key, n + 1);
		}
	}
	return err_set(e, -EINVAL, "there is no event type \"%.*s\"; known are:%s", (int)len, name,
		       known);
}

int filter_add_types(struct filter *f, const char *list, struct err *e)
{
	for (;;) {
		size_t n = strcspn(list, ",");
		int rc = add_type(f, list, n, e);
		if (rc || !list[n])
			return rc;
		list += n + 1;
	}
}

static bool filter_proc(const struct filter *f, const struct event *ev)
{
	if (f->pid && ev->rec->pid != f->pid)
		return false;
	if (*f->comm) {
		char comm[EV_COMM_LEN + 1] = { 0 };
		memcpy(comm, ev->rec->name, EV_COMM_LEN);
		if (fnmatch(f->comm, comm, 0))
			return false;
	}
	if (*f->container) {
		const struct image *im = ev->proc ? ev->proc->image : NULL;
		const char *id;
		size_t len, want = strlen(f->container);
		if (!im || !container_id(im->cgpath, im->cgpath_len, &id, &len) || len < want ||
		    memcmp(id, f->container, want))
			return false;
	}
	return true;
}

uint64_t filter_types(const struct filter *f)
{
	uint64_t types = f->types ? f->types : ~QUIET_TYPES;
	return (f->alerts_only ? 0 : types) | 1ULL << EV_gap;
}

bool filter_event(const struct filter *f, const struct event *ev)
{
	if (ev->rec->type == EV_gap)
		return true;
	return filter_types(f) >> ev->rec->type & 1 && filter_proc(f, ev);
}

bool filter_alert(const struct filter *f, const struct alert *al)
{
	return filter_proc(f, al->event);
}
