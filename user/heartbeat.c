/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeat records. */
#include "heartbeat.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LIST_MAX 2048 /* bytes of a list: HOOKS_MAX hooks */
_Static_assert(HOOKS_MAX *(sizeof(((struct hook *)0)->name) + sizeof("=unwanted")) <= LIST_MAX,
	       "a list has room for all hooks");

/* Resident memory, bytes; 0 when it is not known. proc(5), /proc/pid/statm. */
static uint64_t memory(void)
{
	unsigned long long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

struct list {
	size_t len;
	char text[LIST_MAX]; /* strings, each ended by NUL */
};

static void add(struct list *l, const char *name, const char *sep, const char *value)
{
	size_t room = sizeof(l->text) - l->len;
	int n = snprintf(l->text + l->len, room, "%s%s%s", name, sep, value);

	if (n > 0 && (size_t)n < room)
		l->len += (size_t)n + 1;
}

/* A variant's kind: what stands behind the hook's name. */
static const char *kind(const struct hook_state *s)
{
	return s->variant + strlen(s->hook.name) + strlen("__");
}

void heartbeat_make(const struct heartbeat *h, union rec_buf *ret)
{
	struct ev_heartbeat *b = (struct ev_heartbeat *)ret;
	struct list hooks = { 0 }, not_seen = { 0 };

	rec_init(ret, EV_heartbeat, sizeof(*b));
	b->uptime = (b->hdr.time - h->started) / NSEC_PER_SEC;
	b->events = h->events;
	b->alerts = h->alerts;
	b->lost = h->lost;
	b->invalid = h->invalid;
	b->sink_errors = h->sink_errors;
	b->processes = h->processes;
	b->processes_max = h->processes_max;
	b->memory = memory();
	b->cpu_time = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	b->interval = h->interval;
	for (unsigned i = 0; i < h->nhooks; i++) {
		const struct hook_state *s = &h->hooks[i];
		add(&hooks, s->hook.name, "=",
		    s->variant	? kind(s)
		    : s->wanted ? "none"
				: "unwanted");
		if (s->wanted && !s->variant)
			add(&not_seen, s->hook.name, "", "");
	}
	rec_append(ret, &b->version, EVF_heartbeat_version, REDSHANK_VERSION,
		   strlen(REDSHANK_VERSION));
	rec_append(ret, &b->hooks, EVF_heartbeat_hooks, hooks.text, hooks.len);
	rec_append(ret, &b->not_seen, EVF_heartbeat_not_seen, not_seen.text, not_seen.len);
}
