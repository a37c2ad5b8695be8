/* SPDX-License-Identifier: Apache-2.0 */
/* The periodic memory scan. */
#include "memory_scan.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "scan/scan.h"
#include "source/procfs.h"
#include "source/rec.h"

#define NICE	   10
#define SEEN_SLOTS 8192 /* findings of a round that are remembered, to tell each once */
#define STUCK_NS   (60 * NSEC_PER_SEC) /* beyond the time that a process may take */
#define STOP_S	   1 /* for the thread to end; it may wait for a file's server */
#define TAKE_MAX   64 /* records taken at a time */

struct seen {
	uint64_t slot[SEEN_SLOTS]; /* 0: empty */
};

struct memory_scan {
	struct pipeline *pipeline;
	const struct config *config;
	struct scanner *scanner;
	pthread_t thread;
	int to, from; /* ends of a socket that keeps records apart: thread, pipeline */
	int stop_fd; /* eventfd */
	uint64_t stuck_ns; /* a process that takes longer is stuck */
	bool complained;
	_Atomic pid_t at; /* the process at work; 0: none */
	_Atomic uint64_t since; /* since when, CLOCK_MONOTONIC ns */
	struct seen *now, *before; /* the thread's */
	union rec_buf rec; /* the pipeline's */
};

/* --- the thread --- */

/* Adds it; false if it was there. When full, all is news. */
static bool seen_add(struct seen *s, uint64_t h)
{
	h = h ? h : 1;
	for (unsigned i = 0; i < 32; i++) {
		uint64_t *slot = &s->slot[(h + i) % SEEN_SLOTS];
		if (*slot == h)
			return false;
		if (*slot)
			continue;
		*slot = h;
		return true;
	}
	return true;
}

static uint64_t finding_hash(const struct ev_scan *e)
{
	const char *rec = (const char *)e;
	uint64_t h = hash_bytes(HASH_INIT, &e->hdr.pid, sizeof(e->hdr.pid));

	h = hash_bytes(h, &e->hdr.start, sizeof(e->hdr.start));
	h = hash_bytes(h, &e->kind, sizeof(e->kind));
	h = hash_bytes(h, &e->flags, sizeof(e->flags));
	h = hash_bytes(h, &e->differing, sizeof(e->differing));
	h = hash_bytes(h, rec + e->path.off, e->path.len);
	return hash_bytes(h, rec + e->rule.off, e->rule.len);
}

/* The socket holds some records; then we wait for the pipeline, not the pipeline for us. */
static int hand_over(void *ctx, const void *rec, size_t len)
{
	struct memory_scan *m = ctx;
	const struct ev_hdr *h = rec;

	if (h->type == EV_scan) {
		uint64_t hash = finding_hash(rec);
		bool old = !seen_add(m->before, hash);
		if (!seen_add(m->now, hash) || old)
			return 0;
	}
	return send(m->to, rec, len, MSG_NOSIGNAL) < 0; /* the other end is closed: stop */
}

static void scan_all(struct memory_scan *m)
{
	pid_t *pid;
	unsigned n;
	int rc = 0;

	if (scan_pids(&pid, &n))
		return;
	memset(m->now, 0, sizeof(*m->now));
	scanner_begin(m->scanner);
	for (unsigned i = 0; i < n && rc != -ECANCELED && rc <= 0; i++) {
		atomic_store(&m->since, clock_monotonic());
		atomic_store(&m->at, pid[i]);
		rc = scanner_process(m->scanner, pid[i], hand_over, m);
	}
	atomic_store(&m->at, 0);
	free(pid);
	struct seen *t = m->before;
	m->before = m->now;
	m->now = t;
}

static void *run(void *arg)
{
	struct memory_scan *m = arg;
	struct pollfd stop = { .fd = m->stop_fd, .events = POLLIN };

	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of Linux: this thread's alone */
	while (!poll(&stop, 1, (int)m->config->scan_interval_s * 1000))
		scan_all(m);
	return NULL;
}

/* --- the pipeline's side --- */

static void on_records(void *ctx, uint32_t events)
{
	struct memory_scan *m = ctx;

	(void)events;
	for (unsigned i = 0; i < TAKE_MAX; i++) {
		ssize_t n = recv(m->from, &m->rec, sizeof(m->rec), MSG_DONTWAIT);
		if (n <= 0)
			return;
		pipeline_take(m->pipeline, &m->rec.hdr, (size_t)n);
	}
}

void memory_scan_tick(struct memory_scan *m)
{
	pid_t at = m ? atomic_load(&m->at) : 0;

	if (!at || m->complained || clock_monotonic() - atomic_load(&m->since) < m->stuck_ns)
		return;
	log_warning("memory scan: process %d does not let itself be read; the scan waits for it",
		    at);
	m->complained = true;
}

void memory_scan_text(const struct memory_scan *m, struct buf *b)
{
	if (!m) {
		buf_puts(b, "  no periodic memory scan (redshank scan)\n");
		return;
	}
	buf_printf(b, "  memory scan every %u s, at most %u %% of a CPU",
		   m->config->scan_interval_s, m->config->scan_cpu);
	if (!scan_has_yara())
		buf_puts(b, "; YARA is not built in");
	else
		buf_printf(b, "; %u YARA rules", scanner_yara_rules(m->scanner));
	buf_putc(b, '\n');
}

/* --- life --- */

static int make_scanner(const struct config *c, struct scanner **ret, struct err *e)
{
	const char *yara[SCAN_YARA_MAX];
	struct scan_config sc = {
		.cpu_percent = c->scan_cpu,
		.process_seconds = c->scan_process_s,
		.yara = yara,
		.nyara = c->scan_yaras,
	};

	for (unsigned i = 0; i < c->scan_yaras; i++)
		yara[i] = c->scan_yara[i];
	int rc = scanner_new(&sc, ret, e);
	if (rc && sc.nyara) {
		log_warning("%s; the memory scan does without YARA rules", e->text);
		sc.nyara = 0;
		rc = scanner_new(&sc, ret, e);
	}
	return rc;
}

static void release(struct memory_scan *m)
{
	const int fds[] = { m->to, m->from, m->stop_fd };

	for (unsigned i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	scanner_free(m->scanner);
	free(m->now);
	free(m->before);
	free(m);
}

static int start(struct memory_scan *m)
{
	int ends[2];

	m->now = calloc(1, sizeof(*m->now));
	m->before = calloc(1, sizeof(*m->before));
	m->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (!m->now || !m->before)
		return -ENOMEM;
	if (m->stop_fd < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	m->to = ends[0];
	m->from = ends[1];
	int rc = loop_watch(pipeline_loop(m->pipeline), m->from, EPOLLIN, on_records, m);
	if (rc)
		return rc;
	rc = -pthread_create(&m->thread, NULL, run, m);
	if (rc)
		loop_unwatch(pipeline_loop(m->pipeline), m->from);
	return rc;
}

int memory_scan_start(struct pipeline *p, const struct config *c, struct memory_scan **ret,
		      struct err *e)
{
	struct err why;

	*ret = NULL;
	if (!c->scan_interval_s)
		return 0;
	if (procfs_usable(&why)) { /* processes would have other numbers than events say */
		log_warning("no periodic memory scan: %s", why.text);
		return 0;
	}
	struct memory_scan *m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, -ENOMEM, "out of memory");
	m->pipeline = p;
	m->config = c;
	m->to = m->from = m->stop_fd = -1;
	m->stuck_ns = c->scan_process_s * NSEC_PER_SEC * 200 / c->scan_cpu + STUCK_NS;
	int rc = make_scanner(c, &m->scanner, e);
	if (!rc) {
		rc = start(m);
		if (rc)
			err_set(e, rc, "memory scan: %s", strerror(-rc));
	}
	if (rc) {
		release(m);
		return rc;
	}
	*ret = m;
	return 0;
}

void memory_scan_stop(struct memory_scan *m)
{
	uint64_t one = 1;
	struct timespec until;

	if (!m)
		return;
	loop_unwatch(pipeline_loop(m->pipeline), m->from);
	scanner_stop(m->scanner);
	shutdown(m->from, SHUT_RDWR);
	bool told = write(m->stop_fd, &one, sizeof(one)) == sizeof(one);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_S;
	/* One that a file system's server holds is left behind; the process ends without it. */
	if (told && !pthread_timedjoin_np(m->thread, NULL, &until))
		release(m);
}
