/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop. */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct watch {
	int fd; /* -1: free */
	watch_fn *fn;
	void *ctx;
};

struct loop {
	int epoll, signals, timer;
	void (*on_signal)(void *ctx, int sig);
	void (*on_second)(void *ctx);
	void *ctx;
	struct watch watch[LOOP_WATCHES_MAX];
};

static struct watch *watch_of(struct loop *l, int fd)
{
	for (unsigned i = 0; i < LOOP_WATCHES_MAX; i++)
		if (l->watch[i].fd == fd)
			return &l->watch[i];
	return NULL;
}

static int control(struct loop *l, int op, const struct watch *w, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u32 = (uint32_t)(w - l->watch) };
	return epoll_ctl(l->epoll, op, fd, &ev) ? -errno : 0;
}

int loop_watch(struct loop *l, int fd, uint32_t events, watch_fn *fn, void *ctx)
{
	struct watch *w = watch_of(l, -1);
	int rc = w ? control(l, EPOLL_CTL_ADD, w, fd, events) : -ENOSPC;
	if (!rc)
		*w = (struct watch){ .fd = fd, .fn = fn, .ctx = ctx };
	return rc;
}

int loop_change(struct loop *l, int fd, uint32_t events)
{
	const struct watch *w = watch_of(l, fd);
	return w ? control(l, EPOLL_CTL_MOD, w, fd, events) : -ENOENT;
}

void loop_unwatch(struct loop *l, int fd)
{
	struct watch *w = watch_of(l, fd);
	if (!w)
		return;
	control(l, EPOLL_CTL_DEL, w, fd, 0);
	w->fd = -1;
}

static void on_signals(void *ctx, uint32_t events)
{
	struct loop *l = ctx;
	struct signalfd_siginfo si;
	(void)events;
	while (read(l->signals, &si, sizeof(si)) == sizeof(si))
		l->on_signal(l->ctx, (int)si.ssi_signo);
}

static void on_timer(void *ctx, uint32_t events)
{
	struct loop *l = ctx;
	uint64_t n;
	(void)events;
	if (read(l->timer, &n, sizeof(n)) == sizeof(n))
		l->on_second(l->ctx);
}

int loop_wait(struct loop *l, int timeout)
{
	struct epoll_event ev[16];
	int n = epoll_wait(l->epoll, ev, 16, timeout);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		/* One that was called before may have taken this one away. */
		struct watch *w = &l->watch[ev[i].data.u32];
		if (w->fd >= 0)
			w->fn(w->ctx, ev[i].events);
	}
	return n;
}

int loop_new(void (*on_signal)(void *ctx, int sig), void (*on_second)(void *ctx), void *ctx,
	     struct loop **ret, struct err *e)
{
	struct itimerspec second = { { 1, 0 }, { 1, 0 } };
	struct loop *l = calloc(1, sizeof(*l));
	sigset_t set;
	int rc = 0;

	if (!l)
		return err_set(e, -ENOMEM, "out of memory");
	l->on_signal = on_signal;
	l->on_second = on_second;
	l->ctx = ctx;
	for (unsigned i = 0; i < LOOP_WATCHES_MAX; i++)
		l->watch[i].fd = -1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->epoll < 0 || l->signals < 0 || l->timer < 0 ||
	    timerfd_settime(l->timer, 0, &second, NULL))
		rc = -errno;
	if (!rc)
		rc = loop_watch(l, l->signals, EPOLLIN, on_signals, l);
	if (!rc)
		rc = loop_watch(l, l->timer, EPOLLIN, on_timer, l);
	if (rc) {
		loop_free(l);
		return err_set(e, rc, "event loop: %s", strerror(-rc));
	}
	*ret = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	const int fds[] = { l->epoll, l->signals, l->timer };
	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(l);
}
