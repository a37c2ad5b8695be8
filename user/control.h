/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's socket: `redshank tail` and `redshank stats` beside a running sensor, without a
 * second copy of the kernel programs. A unix stream socket that only the daemon's own user (root)
 * may use.
 *
 * A client sends one line of JSON, {"command":"tail",…} or {"command":"stats"}; the answer is a
 * line
 * {"ok":true} or {"error":"…"} and then, for tail, the stream; for stats, one line.
 */
#ifndef REDSHANK_CONTROL_H
#define REDSHANK_CONTROL_H

#include "base/err.h"
#include "pipeline.h"
#include "sink/tail.h"

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_REQUEST_MAX 4096 /* bytes of the request line */
#define CONTROL_REQUEST_NS  (5 * 1000000000ULL) /* to send it */

struct control;

/*
 * Listens at path (directory made 0700, socket 0600) for clients of the pipeline. -EADDRINUSE when
 * another sensor listens there already.
 */
int control_open(struct pipeline *p, const char *path, struct control **ret, struct err *e);
/* Once a second. */
void control_tick(struct control *c);
/* Removes the socket. To be called before pipeline_free(), which closes the clients. */
void control_close(struct control *c);

/* --- the client's side --- */

/*
 * Connects and sends the request. The descriptor, from which the stream or the one line is to be
 * read, or negative errno: -ENOENT, -ECONNREFUSED: no daemon there.
 */
int control_request_tail(const char *path, const struct tail_config *t, struct err *e);
int control_request_stats(const char *path, struct err *e);

#endif
