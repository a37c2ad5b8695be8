/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts as OTLP log records (opentelemetry-proto: logs/v1, collector/logs/v1), with the attribute
 * names of the OpenTelemetry semantic conventions.
 */
#ifndef REDSHANK_ENCODE_OTLP_H
#define REDSHANK_ENCODE_OTLP_H

#include <stddef.h>

#include "base/buf.h"
#include "encode/alert_pb.h"

/*
 * Appends a packed ExportLogsServiceRequest with one LogRecord per alert (n >= 1). The alerts must
 * come from one sensor: the resource is that of the first one. observed: Unix ns. 0 or -ENOMEM.
 */
int otlp_pack(struct buf *out, struct pb_arena *a, Redshank__V1__Alert *const *alerts, size_t n,
	      uint64_t observed);

/*
 * The same of one event of the sensor itself (a heartbeat), with its fields as attributes and the
 * severity INFO. 0 or -ENOMEM.
 */
int otlp_pack_event(struct buf *out, struct pb_arena *a, const struct event *ev, uint64_t observed);

/*
 * Reads an ExportLogsServiceResponse. 0 with *ret_rejected (0: all were taken) and the server's
 * message (bounded, printable, NUL-terminated), or -EBADMSG.
 */
int otlp_response(const void *p, size_t len, int64_t *ret_rejected, char *ret_message, size_t cap);

/* The message of a google.rpc.Status error body, printable; "" if there is none. */
void otlp_status(const void *p, size_t len, char *ret_message, size_t cap);

#endif
