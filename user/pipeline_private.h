/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the pipeline: pipeline.c runs it, pipeline_stats.c tells how it is. */
#ifndef REDSHANK_PIPELINE_PRIVATE_H
#define REDSHANK_PIPELINE_PRIVATE_H

#include "auth/fuse.h"
#include "base/buf.h"
#include "detect/alert.h"
#include "enrich/proctree.h"
#include "pipeline.h"
#include "source/rec.h"

struct out {
	struct sink *sink;
	bool essential;
	bool finished;
	int error; /* its last one since the drain began; 0: none */
	int last_error; /* its last one; 0: none */
	uint64_t failed; /* when that was, CLOCK_MONOTONIC ns */
};

struct pipeline {
	struct source *source;
	bool live;
	struct host host;
	struct proctree *tree;
	struct story *story;
	struct buf words; /* of the event that is noted */
	struct engine *engine;
	struct auth_fuse *fuse;
	struct out out[PIPELINE_SINKS_MAX];
	unsigned nout;
	struct pipeline_stats st;
	unsigned heartbeat_s; /* 0: none */
	uint64_t started; /* CLOCK_BOOTTIME ns */
	uint64_t beat; /* when the last heartbeat was, CLOCK_MONOTONIC ns; 0: none yet */
	bool stop;
	struct loop *loop;
	uint64_t drained; /* when the last drain began, CLOCK_MONOTONIC ns */
	uint64_t complained;
	uint64_t deadline; /* CLOCK_MONOTONIC ns; 0: none */
	struct err *err; /* of the drain that is at work; may be NULL */
	void (*finish)(void *ctx, struct sink *s);
	void *finish_ctx;
	void (*tick)(void *ctx);
	void *tick_ctx;
	void (*usr1)(void *ctx);
	void *usr1_ctx;
	void (*hup)(void *ctx);
	void *hup_ctx;
	union rec_buf copy; /* a record that was amended or brought up to date */
};

#endif
