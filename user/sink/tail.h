/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live view: text, JSON Lines or protobuf to a descriptor: standard output, or a client of the
 * daemon's stream.
 */
#ifndef REDSHANK_SINK_TAIL_H
#define REDSHANK_SINK_TAIL_H

#include "sink/filter.h"
#include "sink/sink.h"

enum tail_format { TAIL_text, TAIL_json, TAIL_proto };

#define TAIL_CLIENT_BACKLOG                                                  \
	(4U << 20) /* bytes that a slow client may be behind before it loses \
		    */

struct tail_config {
	enum tail_format format;
	bool colour; /* text only */
	struct filter filter;
	uint64_t count; /* end after so many lines; 0: never */
	/*
	 * true: fd is a client's non-blocking socket; what it does not take is kept up to
	 * TAIL_CLIENT_BACKLOG, then left out, counted, and told to it as a gap. false: writes
	 * block.
	 */
	bool client;
};

/* Returns -EINVAL for an unknown name. */
int tail_format_by_name(const char *name, enum tail_format *ret);

/*
 * fd is closed with the sink only for clients. event() and alert() return 1 when the sink has come
 * to its end (count reached, reader gone).
 */
int tail_open(int fd, const struct tail_config *c, struct sink **ret);

/* Writes what waits for a client. 0, 1: the client is gone; *ret_waiting: is there more? */
int tail_client_write(struct sink *s, bool *ret_waiting);

#endif
