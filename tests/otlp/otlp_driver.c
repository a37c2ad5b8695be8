/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests/otlp/suite.py drives: fills a store with alerts as the sensor does, and runs the
 * sender. Prints counters as name=value, and the sender's log as "log: ...".
 *
 *   otlp_driver check URL                                  is it one? (no output, or the error)
 *   otlp_driver fill STORE N [FROM [HOST]]                  N alerts, numbered from FROM (1)
 *   otlp_driver send STORE URL WANT RUN_MS CLOSE_MS [key=value...]
 *       runs the sender until WANT alerts were dealt with, RUN_MS at most, then closes it with
 *       CLOSE_MS to go. Keys: headers, ca, timeout (ms), live (alerts added while it runs),
 *       beats (heartbeats given to it at once, each the latest then).
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../unit/heartbeats.h"
#include "base/clock.h"
#include "base/hash.h"
#include "sample.h"
#include "sink/otlp_http.h"
#include "sink/store.h"

struct totals {
	bool print;
	uint64_t done; /* sent, rejected or dropped */
};

static int fail(const struct err *e)
{
	printf("error: %s\n", e->text);
	return 1;
}

static int fill(const char *path, unsigned from, unsigned n, const char *hostname, int notify_fd)
{
	struct sink *store;
	struct err e;
	struct sample s;
	struct host host = rec_host;

	if (hostname)
		snprintf(host.hostname, sizeof(host.hostname), "%s", hostname);
	if (store_sink_open(path, 0, notify_fd, &store, &e) < 0)
		return fail(&e);
	for (unsigned i = from; i < from + n; i++) {
		sample_init(&s, i);
		s.event.host = &host;
		if (hostname) /* another host's alerts have other ids */
			snprintf(s.alert.id, sizeof(s.alert.id), "%08x-0000-8000-8000-%012u",
				 (unsigned)hash_bytes(HASH_INIT, hostname, strlen(hostname)), i);
		int r = store->ops->alert(store, &s.alert);
		sample_free(&s);
		if (r < 0)
			return 1;
	}
	store->ops->flush(store);
	store->ops->close(store, clock_monotonic() + NSEC_PER_SEC);
	return 0;
}

static void put(void *ctx, const char *key, uint64_t value)
{
	struct totals *t = ctx;

	if (t->print)
		printf("%s=%llu\n", key, (unsigned long long)value);
	if (!strcmp(key, "sent") || !strcmp(key, "rejected") || !strcmp(key, "dropped") ||
	    !strncmp(key, "heartbeats", strlen("heartbeats")))
		t->done += value;
}

static void log_to_stdout(const char *line)
{
	printf("log: %s\n", line);
}

static const char *option(int argc, char **argv, const char *key)
{
	size_t n = strlen(key);

	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], key, n) && argv[i][n] == '=')
			return argv[i] + n + 1;
	return NULL;
}

static unsigned number(const char *s)
{
	return s ? (unsigned)strtoul(s, NULL, 10) : 0;
}

static void beat(struct sink *otlp, unsigned n)
{
	static union rec_buf rec;
	struct event ev = { .rec = &rec.hdr, .desc = ev_desc(EV_heartbeat), .host = &rec_host };

	heartbeat_sample(&rec);
	ev.seq = n;
	otlp->ops->event(otlp, &ev);
}

static int send_all(const char *path, const char *url, int argc, char **argv)
{
	unsigned want = number(argv[0]), live = number(option(argc, argv, "live"));
	unsigned beats = number(option(argc, argv, "beats"));
	uint64_t run_ns = number(argv[1]) * NSEC_PER_MSEC,
		 close_ns = number(argv[2]) * NSEC_PER_MSEC;
	struct otlp_config c = {
		.url = url,
		.store_path = path,
		.headers_file = option(argc, argv, "headers"),
		.ca_file = option(argc, argv, "ca"),
		.timeout_ms = number(option(argc, argv, "timeout")),
		.notify_fd = eventfd(0, EFD_CLOEXEC),
		.heartbeat = !option(argc, argv, "noheartbeat"),
		.log = log_to_stdout,
	};
	struct sink *otlp;
	struct err e;

	if (otlp_open(&c, &otlp, &e) < 0)
		return fail(&e);
	uint64_t begin = clock_monotonic();
	for (unsigned i = 0; i < beats; i++)
		beat(otlp, i + 1);
	for (unsigned i = 0; i < live; i++) {
		poll(NULL, 0, 300); /* the sender has found nothing and waits */
		fill(path, i + 1, 1, NULL, c.notify_fd);
	}
	struct totals t = { 0 };
	while (t.done < want && clock_monotonic() - begin < run_ns) {
		poll(NULL, 0, 10);
		t.done = 0;
		otlp->ops->stats(otlp, put, &t);
	}
	uint64_t end = clock_monotonic();
	t.print = true;
	otlp->ops->stats(otlp, put, &t);
	printf("run_ms=%llu\n", (unsigned long long)((end - begin) / NSEC_PER_MSEC));
	otlp->ops->close(otlp, clock_monotonic() + close_ns);
	printf("close_ms=%llu\n", (unsigned long long)((clock_monotonic() - end) / NSEC_PER_MSEC));
	return 0;
}

int main(int argc, char **argv)
{
	struct err e;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "check"))
		return otlp_url_check(argv[2], &e) < 0 ? fail(&e) : 0;
	if (argc >= 4 && !strcmp(argv[1], "fill"))
		return fill(argv[2], argc > 4 ? number(argv[4]) : 1, number(argv[3]),
			    argc > 5 ? argv[5] : NULL, -1);
	if (argc >= 7 && !strcmp(argv[1], "send"))
		return send_all(argv[2], argv[3], argc - 4, argv + 4);
	fprintf(stderr, "usage: see the beginning of otlp_driver.c\n");
	return 64;
}
