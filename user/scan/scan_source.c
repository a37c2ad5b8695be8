/* SPDX-License-Identifier: Apache-2.0 */
/* A scan as a source. Each drain scans one process. */
#include "scan/scan_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/host_rec.h"
#include "source/inventory.h"
#include "source/procfs.h"

#define ANCESTORS_MAX 64

struct scan_source {
	struct source source; /* first */
	struct scanner *scanner;
	pid_t *pid;
	unsigned n, at;
	bool all, begun;
	uint64_t records;
	record_fn *fn;
	void *ctx;
	union rec_buf rec;
};

static int give(struct scan_source *s)
{
	s->records++;
	return s->fn(s->ctx, &s->rec, s->rec.hdr.len);
}

/* The process and those that it descends from. */
static int give_line(struct scan_source *s, pid_t pid)
{
	int rc = 0;

	for (unsigned i = 0; !rc && pid > 0 && i < ANCESTORS_MAX; i++) {
		if (procfs_record(pid, &s->rec))
			break;
		inventory_args(&s->rec);
		pid = (pid_t)s->rec.hdr.ppid;
		rc = give(s);
	}
	return rc;
}

static int begin(struct scan_source *s, struct err *e)
{
	int stop = 0, rc = 0;

	s->begun = true;
	host_rec_make(&s->rec);
	stop = give(s);
	if (!stop && s->all)
		rc = procfs_inventory(&s->rec, s->fn, s->ctx, &s->records, &stop, e);
	for (unsigned i = 0; !s->all && !stop && i < s->n; i++)
		stop = give_line(s, s->pid[i]);
	scanner_begin(s->scanner);
	return rc ? rc : stop;
}

/* Processes were told at the beginning. */
static int on_record(void *ctx, const void *rec, size_t len)
{
	struct scan_source *s = ctx;

	if (((const struct ev_hdr *)rec)->type == EV_proc)
		return 0;
	s->records++;
	return s->fn(s->ctx, rec, len);
}

static int drain(struct source *source, record_fn *fn, void *ctx, unsigned budget, struct err *e)
{
	struct scan_source *s = (struct scan_source *)source;
	int rc = 0;

	(void)budget;
	s->fn = fn;
	s->ctx = ctx;
	if (!s->begun)
		rc = begin(s, e);
	if (rc)
		return rc;
	if (s->at == s->n)
		return -ENODATA;
	rc = scanner_process(s->scanner, s->pid[s->at++], on_record, s);
	if (rc == -ECANCELED || rc > 0)
		return rc;
	return 1; /* what could not be read is counted by the scanner */
}

static int source_fd(struct source *s)
{
	(void)s;
	return -1;
}

static void get_stats(const struct source *s, source_counter_fn *put, void *ctx)
{
	put(ctx, "records", ((const struct scan_source *)s)->records);
	put(ctx, "lost", 0);
}

static void source_close(struct source *source)
{
	struct scan_source *s = (struct scan_source *)source;

	if (!s)
		return;
	free(s->pid);
	free(s);
}

static const struct source_ops ops = {
	.name = "scan",
	.fd = source_fd,
	.drain = drain,
	.stats = get_stats,
	.close = source_close,
};

int scan_source_open(struct scanner *scanner, const pid_t *pids, unsigned npids,
		     struct source **ret, struct err *e)
{
	struct scan_source *s = calloc(1, sizeof(*s));
	int rc = s ? 0 : -ENOMEM;

	if (!rc && npids) {
		s->pid = malloc(npids * sizeof(*pids));
		rc = s->pid ? 0 : -ENOMEM;
		if (!rc)
			memcpy(s->pid, pids, npids * sizeof(*pids));
		s->n = npids;
	} else if (!rc) {
		rc = scan_pids(&s->pid, &s->n);
	}
	if (rc) {
		free(s);
		return err_set(e, rc, "processes: %s", strerror(-rc));
	}
	s->source.ops = &ops;
	s->scanner = scanner;
	s->all = !npids;
	for (unsigned i = 0; i < npids; i++) {
		if (!procfs_record(pids[i], &s->rec))
			continue;
		source_close(&s->source);
		return err_set(e, -ENOENT, "there is no process %d", pids[i]);
	}
	*ret = &s->source;
	return 0;
}
