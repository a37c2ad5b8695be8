/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's socket: `redshank tail`, `stats` and `status` beside a running sensor, without a
 * second copy of the kernel programs. A unix stream socket that only the daemon's own user (root)
 * may use.
 *
 * A client sends one line of JSON, {"command":"tail",…}, {"command":"stats"} or
 * {"command":"status"}; the answer is a line {"ok":true} or {"error":"…"} and then, for tail, the
 * stream; for the others, one line. {"ok":true,"note":"…"} tells what the stream will not have.
 */
#ifndef REDSHANK_CONTROL_H
#define REDSHANK_CONTROL_H

#include "base/buf.h"
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
/* What answers the command status: one JSON object. Without it the command is refused. */
void control_on_status(struct control *c, void (*fn)(void *ctx, struct buf *out), void *ctx);
/*
 * What begins the command reload: 0, or why not. The client is answered by control_reloaded(): one
 * line of text, as a JSON string.
 */
void control_on_reload(struct control *c, int (*fn)(void *ctx, struct err *e), void *ctx);
void control_reloaded(struct control *c, bool ok, const char *line);
/* Once a second. */
void control_tick(struct control *c);
/* Removes the socket. To be called before pipeline_free(), which closes the clients. */
void control_close(struct control *c);

/* --- the client's side --- */

/*
 * Connects and sends the request. The descriptor, from which the stream is to be read, with a note
 * in *e or ""; or negative errno: -ENOENT, -ECONNREFUSED: no daemon there.
 */
int control_request_tail(const char *path, const struct tail_config *t, struct err *e);
/* The answer to the command stats, status or reload, appended to *ret. 0 or negative errno, as
 * above. */
int control_request_answer(const char *path, const char *command, struct buf *ret, struct err *e);

#endif
