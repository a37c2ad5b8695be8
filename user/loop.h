/* SPDX-License-Identifier: Apache-2.0 */
/* One epoll: descriptors, the signals that we take, and a tick each second. */
#ifndef REDSHANK_LOOP_H
#define REDSHANK_LOOP_H

#include <stdint.h>

#include "base/err.h"

#define LOOP_WATCHES_MAX 64

struct loop;

typedef void watch_fn(void *ctx, uint32_t epoll_events);

/*
 * Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1 (for threads made from now on too) and gives them to
 * on_signal; ignores SIGPIPE. on_second comes once a second.
 */
int loop_new(void (*on_signal)(void *ctx, int sig), void (*on_second)(void *ctx), void *ctx,
	     struct loop **ret, struct err *e);
void loop_free(struct loop *l);

/* Calls fn when fd is ready. events: EPOLLIN, EPOLLOUT. 0 or negative errno. */
int loop_watch(struct loop *l, int fd, uint32_t events, watch_fn *fn, void *ctx);
int loop_change(struct loop *l, int fd, uint32_t events);
void loop_unwatch(struct loop *l, int fd);

/* Waits for at most timeout ms (-1: for ever) and calls who is due. How many, or negative errno. */
int loop_wait(struct loop *l, int timeout);

#endif
