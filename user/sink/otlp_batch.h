/* SPDX-License-Identifier: Apache-2.0 */
/* Stored alerts that go into one request. */
#ifndef REDSHANK_SINK_OTLP_BATCH_H
#define REDSHANK_SINK_OTLP_BATCH_H

#include "encode/alert_pb.h"
#include "sink/store.h"

#define OTLP_BATCH_ALERTS 512
/* Of packed alerts; attributes and envelope make a request of about half as much again. */
#define OTLP_BATCH_BYTES (2 << 20)

struct otlp_batch {
	size_t n, bytes;
	Redshank__V1__Alert *alert[OTLP_BATCH_ALERTS];
	int64_t row[OTLP_BATCH_ALERTS];
	int64_t last_row; /* the last one that was looked at; 0: there was none */
	unsigned unreadable; /* rows that hold no alert */
};

/*
 * Fills an empty batch with the alerts behind row `after`, all from one host and boot: a request
 * has one resource. 0, with n == 0 where there is none, or negative errno.
 */
int otlp_batch_read(struct otlp_batch *b, struct store *s, int64_t after, struct err *e);
void otlp_batch_clear(struct otlp_batch *b);

#endif
