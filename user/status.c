/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to `redshank status`. */
#include "status.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "coverage.h"
#include "encode/json_writer.h"
#include "source/host_rec.h"

#define LOSS_RECENT_NS (300 * NSEC_PER_SEC)

static void put_text(struct jw *j, const char *key, const char *text)
{
	jw_key(j, key);
	jw_text(j, text);
}

static void put_trouble(void *ctx, const char *sink, const char *why)
{
	char line[400];

	snprintf(line, sizeof(line), "sink %s: %s", sink, why);
	jw_text(ctx, line);
}

static void put_loss(struct jw *j, const struct pipeline *p)
{
	struct pipeline_stats st;
	char line[100];

	pipeline_get_stats(p, &st);
	uint64_t ago = clock_monotonic() - st.last_loss;
	if (!st.last_loss || ago > LOSS_RECENT_NS)
		return;
	snprintf(line, sizeof(line), "records were lost, last %llu s ago",
		 (unsigned long long)(ago / NSEC_PER_SEC));
	jw_text(j, line);
}

static void put_problems(struct jw *j, const struct pipeline *p, const struct hook_state *h,
			 unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char line[300];
		if (h[i].variant || !h[i].wanted || h[i].hook.event == EV_none)
			continue;
		snprintf(line, sizeof(line), "%s events are not seen: %s", h[i].hook.name,
			 h[i].why);
		jw_text(j, line);
	}
	put_loss(j, p);
	pipeline_troubles(p, put_trouble, j);
}

void status_json(struct buf *out, const struct pipeline *p, const struct config *c)
{
	struct jw j = { .out = out };
	uint64_t started = pipeline_started(p);
	unsigned n;
	const struct hook_state *h = pipeline_hooks(p, &n);

	jw_open(&j, '{');
	jw_key(&j, "running");
	jw_bool(&j, true);
	put_text(&j, "version", REDSHANK_VERSION);
	jw_key(&j, "pid");
	jw_num(&j, (uint64_t)getpid());
	jw_key(&j, "since");
	jw_time(&j, started + (uint64_t)clock_unix_offset());
	jw_key(&j, "uptime");
	jw_num(&j, (clock_boottime() - started) / NSEC_PER_SEC);
	if (*c->file)
		put_text(&j, "config", c->file);
	jw_key(&j, "heartbeat");
	jw_num(&j, c->heartbeat_s);
	put_text(&j, "store", c->store_path);
	jw_key(&j, "problems");
	jw_open(&j, '[');
	size_t before = out->len;
	put_problems(&j, p, h, n);
	bool whole = out->len == before;
	jw_close(&j, ']');
	jw_key(&j, "whole");
	jw_bool(&j, whole);
	jw_key(&j, "coverage");
	coverage_json(out, h, n);
	j.comma = true;
	jw_key(&j, "stats");
	pipeline_stats_json(p, out);
	jw_close(&j, '}');
}
