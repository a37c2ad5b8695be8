/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of records (a recording without its magic) through what the pipeline does with it: the
 * state that hostile records build up in the process table and the detectors must be safe, too.
 */
#include "enrich/host.h"
#include "enrich/users.h"
#include "reading.h"

/* Small enough that a short input already makes the table evict. */
#define SLOTS	    16
#define STRING_MAX  16384
#define RECORDS_MAX 512

static void on_alert(void *ctx, const struct alert *al)
{
	(void)ctx;
	reading_alert(al);
}

/* Length of the record at p, as replay frames it; 0 at the end or where there is none. */
static size_t frame(const uint8_t *p, size_t left)
{
	uint32_t len;

	if (left < sizeof(len))
		return 0;
	memcpy(&len, p, sizeof(len));
	return len >= sizeof(struct ev_hdr) && len <= left ? len : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proctree_stats stats;
	struct proctree *tree;
	struct engine *engine;
	struct host host;
	size_t len;

	users_disable();
	host_init(&host);
	must(!proctree_new(SLOTS, STRING_MAX, &tree));
	must(!engine_new(&engine, NULL));
	for (uint64_t seq = 1; seq <= RECORDS_MAX && (len = frame(data, size)); seq++) {
		struct ev_hdr *rec = reading_accept(data, len);
		data += len;
		size -= len;
		if (!rec)
			continue;
		struct event ev = {
			.rec = rec,
			.desc = ev_desc(rec->type),
			.seq = seq,
			.host = &host,
			.tree = tree,
		};
		if (rec->type == EV_host)
			must(!host_update(&host, rec));
		proctree_update(tree, &ev);
		engine_event(engine, &ev, on_alert, NULL);
		reading_event(&ev);
		free(rec);
	}
	proctree_get_stats(tree, &stats);
	must(stats.live + stats.dead <= stats.slots);
	must(stats.string_bytes <= stats.string_bytes_max);
	engine_free(engine);
	proctree_free(tree);
	return 0;
}
