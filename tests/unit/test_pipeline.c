/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline between a source and sinks in memory: order, numbers, losses, and how it ends. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "pipeline.h"
#include "stream_ends.h"

static struct memory_source src;
static struct keeper out;
static struct pipeline *pipeline;

/* A process's exec; memory: of a memfd, so that there is an alert. */
static void *exec_rec(bool memory)
{
	static unsigned pid = 5000; /* another one each time: no finding is the same, or alike */
	struct ev_exec *r = REC_NEW(exec);
	r->hdr.pid = pid++;
	r->hdr.ppid = pid++;
	r->exe_origin = memory ? EXE_ORIGIN_memfd : EXE_ORIGIN_regular;
	REC_STR(exec, r, exe, "/bin/x");
	return r;
}

static void start(bool live)
{
	struct err e;
	struct pipeline_config c = { .source = &src.source, .live = live, .proc_slots = 64 };
	assert_int_equal(pipeline_new(&c, &pipeline, &e), 0);
	assert_int_equal(pipeline_add_sink(pipeline, &out.sink, true), 0);
}

static int setup(void **state)
{
	(void)state;
	src = MEMORY_SOURCE;
	out = KEEPER;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pipeline_free(pipeline, 0);
	pipeline = NULL;
	if (src.fd >= 0)
		close(src.fd);
	return src.closed == 1 && out.closed == 1 ? 0 : -1; /* each is closed, and once */
}

static struct pipeline_stats stats(void)
{
	struct pipeline_stats st;
	pipeline_get_stats(pipeline, &st);
	return st;
}

/* Events are numbered without holes, alerts too, and each alert comes right after its event. */
static void order_and_numbers(void **state)
{
	(void)state;
	uint64_t events = 0, alerts = 0;
	struct err e;
	for (unsigned i = 0; i < 60; i++)
		memory_add(&src, i % 3 ? exec_rec(i % 3 == 2) : rec_new(EV_fork));
	start(false);
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	assert_int_equal(out.n, 80);
	for (unsigned i = 0; i < out.n; i++) {
		const struct kept *k = &out.kept[i];
		assert_int_equal(k->seq, k->what == 'e' ? ++events : ++alerts);
		if (k->what == 'a') {
			assert_int_equal(out.kept[i - 1].what, 'e');
			assert_int_equal(out.kept[i - 1].type, EV_exec);
			assert_int_equal(events, 3 * alerts);
		}
	}
	assert_int_equal(stats().events, 60);
	assert_int_equal(alerts, 20);
	assert_true(out.flushes > 0);
}

static void broken_record(void)
{
	memory_add(&src, exec_rec(false));
	memory_add(&src, exec_rec(false));
	((struct ev_hdr *)src.rec[1])->fixed = 8;
	memory_add(&src, exec_rec(false));
	src.len[2] += 8; /* not what it says */
	memory_add(&src, exec_rec(true));
}

static void invalid_records_of_a_kernel(void **state)
{
	(void)state;
	struct err e;
	broken_record();
	start(true);
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	assert_int_equal(out.n, 5);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(out.kept[i].seq, i + 1);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(out.kept[i].type, EV_gap);
		assert_int_equal(out.kept[i].gap.lost, 1);
		assert_int_equal(out.kept[i].gap.total, i);
		assert_int_equal(out.kept[i].gap.cause, GAP_invalid);
	}
	assert_int_equal(out.kept[4].what, 'a');
	assert_int_equal(stats().invalid, 2);
	assert_int_equal(stats().events, 4);
}

static void invalid_record_of_a_recording(void **state)
{
	(void)state;
	struct err e;
	memset(&e, 'Z', sizeof(e));
	broken_record();
	start(false);
	assert_int_equal(pipeline_run(pipeline, 0, &e), -EBADMSG);
	assert_int_equal(out.n, 1); /* what was before, nothing behind */
	/* Where it is, then what is wrong with it: schema_check()'s words. */
	assert_int_equal(strncmp(e.text, "record 1: ", 10), 0);
	assert_non_null(strstr(e.text, "fixed part of 8 bytes"));
	assert_null(strchr(e.text, 'Z'));
}

static void unknown_and_older_records(void **state)
{
	(void)state;
	struct err e;
	memory_add(&src, rec_new(EV_exit));
	((struct ev_hdr *)src.rec[0])->type = EV_TYPE_MAX - 1;
	memory_add(&src, rec_new(EV_exit));
	((struct ev_hdr *)src.rec[1])->type = UINT16_MAX;
	struct ev_hdr *old = rec_new(EV_exec); /* as if the event had had no fields at first */
	old->len = old->fixed = sizeof(*old);
	memory_add(&src, old);
	start(false);
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.kept[0].type, EV_exec);
	assert_int_equal(out.kept[0].seq, 1);
	assert_int_equal(stats().unknown, 2);
	assert_int_equal(stats().invalid, 0);
}

static void essential_sink_ends_it(void **state)
{
	(void)state;
	struct err e;
	for (unsigned i = 0; i < 20; i++)
		memory_add(&src, exec_rec(false));
	for (unsigned live = 0; live < 2; live++) {
		if (live) {
			pipeline_free(pipeline, 0);
			assert_int_equal(src.closed, 1);
			setup(NULL);
			for (unsigned i = 0; i < 20; i++)
				memory_add(&src, exec_rec(false));
		}
		out.rc = 1;
		out.rc_at = 7;
		start(live);
		assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
		assert_int_equal(out.n, 7); /* it is not called again */
		assert_int_equal(src.at, 7);
		assert_int_equal(stats().sink_errors, 0);
	}
}

static struct keeper other;

static void on_finish(void *ctx, struct sink *s)
{
	(*(unsigned *)ctx)++;
	assert_ptr_equal(s, &other.sink);
	pipeline_remove_sink(pipeline, s);
	s->ops->close(s, 0);
}

static void other_sinks_just_leave(void **state)
{
	(void)state;
	struct err e;
	unsigned finished = 0;
	for (unsigned i = 0; i < 20; i++)
		memory_add(&src, exec_rec(false));
	start(false);
	other = KEEPER;
	other.rc = 1;
	other.rc_at = 3;
	assert_int_equal(pipeline_add_sink(pipeline, &other.sink, false), 0);
	pipeline_on_finish(pipeline, on_finish, &finished);
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	assert_int_equal(finished, 1);
	assert_int_equal(other.n, 3);
	assert_int_equal(other.closed, 1);
	assert_int_equal(out.n, 20);
}

static void errors_of_sinks(void **state)
{
	(void)state;
	struct err e;
	for (unsigned i = 0; i < 20; i++)
		memory_add(&src, exec_rec(false));
	out.rc = -EIO;
	out.rc_at = 11;
	start(false);
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	assert_int_equal(out.n, 20); /* an error is no end */
	assert_int_equal(stats().sink_errors, 10);
}

static void sinks_are_bounded(void **state)
{
	(void)state;
	static struct keeper many[PIPELINE_SINKS_MAX];
	start(false);
	for (unsigned i = 0; i < PIPELINE_SINKS_MAX; i++) {
		many[i] = KEEPER;
		assert_int_equal(pipeline_add_sink(pipeline, &many[i].sink, false),
				 i < PIPELINE_SINKS_MAX - 1 ? 0 : -ENOSPC);
	}
	pipeline_remove_sink(pipeline, &many[PIPELINE_SINKS_MAX - 1].sink); /* is not there */
	pipeline_remove_sink(pipeline, &many[3].sink);
	assert_int_equal(pipeline_add_sink(pipeline, &many[3].sink, false), 0);
	pipeline_free(pipeline, 0);
	pipeline = NULL;
	for (unsigned i = 0; i < PIPELINE_SINKS_MAX - 1; i++)
		assert_int_equal(many[i].closed, 1);
}

static void stop(void *ctx)
{
	(void)ctx;
	pipeline_stop(pipeline);
}

/* What was there when it was stopped is still told. */
static void stop_drains(void **state)
{
	(void)state;
	struct err e;
	for (unsigned i = 0; i < 20; i++)
		memory_add(&src, exec_rec(false));
	src.end = 0;
	out.rc_at = 5;
	out.then = stop;
	start(true);
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	assert_int_equal(out.n, 20);
}

/* But a flood does not keep it from ending. */
static void stop_in_a_flood(void **state)
{
	(void)state;
	struct err e;
	memory_add(&src, exec_rec(false));
	src.endless = 1;
	out.rc_at = 5000;
	out.then = stop;
	start(true);
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	assert_true(out.n >= 5000);
}

static void duration(void **state)
{
	(void)state;
	struct err e;
	for (unsigned kind = 0; kind < 3; kind++) {
		if (kind) {
			pipeline_free(pipeline, 0);
			setup(NULL);
		}
		src.end = 0;
		if (kind == 1)
			src.fd = eventfd(0, EFD_CLOEXEC);
		if (kind == 2) {
			memory_add(&src, rec_new(EV_fork));
			src.endless = 1;
		}
		start(true);
		uint64_t began = clock_monotonic();
		assert_int_equal(pipeline_run(pipeline, NSEC_PER_SEC / 5, &e), 0);
		assert_in_range(clock_monotonic() - began, NSEC_PER_SEC / 5,
				NSEC_PER_SEC * 5); /* loaded machines */
	}
}

static void count_call(void *ctx)
{
	(*(unsigned *)ctx)++;
}

static void ticks(void **state)
{
	(void)state;
	struct err e;
	unsigned n = 0;
	src.end = 0;
	src.fd = eventfd(0, EFD_CLOEXEC); /* is never readable */
	start(true);
	pipeline_on_tick(pipeline, count_call, &n);
	assert_int_equal(pipeline_run(pipeline, NSEC_PER_SEC * 3 / 2, &e), 0);
	assert_int_equal(n, 1);
	assert_true(out.flushes > 1);
	assert_true(src.drains > 1); /* loss is looked for even if nothing wakes us */
}

static void signals(void **state)
{
	(void)state;
	static const int ends[] = { SIGTERM, SIGINT };
	struct err e;
	for (unsigned i = 0; i < 2; i++) {
		unsigned usr1 = 0;
		if (i) {
			pipeline_free(pipeline, 0);
			close(src.fd);
			setup(NULL);
		}
		src.end = 0;
		src.fd = eventfd(0, EFD_CLOEXEC);
		start(true);
		pipeline_on_usr1(pipeline, count_call, &usr1);
		raise(SIGUSR1);
		raise(ends[i]);
		uint64_t began = clock_monotonic();
		assert_int_equal(pipeline_run(pipeline, 20 * NSEC_PER_SEC, &e), 0);
		assert_true(clock_monotonic() - began < 10 * NSEC_PER_SEC);
		assert_int_equal(usr1, 1);
	}
}

static void error_of_the_source(void **state)
{
	(void)state;
	struct err e;
	memory_add(&src, exec_rec(false));
	src.end = -EIO;
	start(false);
	assert_int_equal(pipeline_run(pipeline, 0, &e), -EIO);
	assert_string_equal(e.text, "the source is broken");
	assert_int_equal(out.n, 1);
}

static void *host_rec(u64 offset, const char *boot)
{
	struct ev_host *r = REC_NEW(host);
	r->unix_offset = offset;
	REC_STR(host, r, boot_id, boot);
	return r;
}

static void host_record_sets_the_clock(void **state)
{
	(void)state;
	struct err e;
	memory_add(&src, exec_rec(true));
	memory_add(&src, host_rec(1700000000000000000, "a"));
	memory_add(&src, exec_rec(true));
	memory_add(&src, host_rec((u64)-1000000000, "a")); /* a clock before 1970 */
	memory_add(&src, exec_rec(true));
	start(false);
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	assert_int_equal(out.n, 8);
	assert_int_equal(out.kept[1].time, 5000000000);
	assert_int_equal(out.kept[4].time, 1700000005000000000);
	assert_int_equal(out.kept[7].time, 4000000000);
}

static void stats_are_json(void **state)
{
	(void)state;
	struct buf b = { 0 };
	struct err e;
	json_error_t je;
	memory_add(&src, exec_rec(true));
	start(false);
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	pipeline_stats_json(pipeline, &b);
	json_t *j = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, &je);
	assert_non_null(j);
	json_int_t events, alerts, live;
	assert_int_equal(json_unpack(j, "{s:{s:I},s:{s:I},s:{s:I}}", "pipeline", "events", &events,
				     "detect", "alerts", &alerts, "processes", "live", &live),
			 0);
	assert_int_equal(events, 1);
	assert_int_equal(alerts, 1);
	assert_int_equal(live, 1);
	assert_int_equal(json_array_size(json_object_get(j, "sinks")), 1);
	json_decref(j);
	buf_free(&b);
}

/* A live stream has one after its first records, then one per interval; a replay none of its own.
 */
static void heartbeats(void **state)
{
	(void)state;
	struct err e;
	struct pipeline_config c = {
		.source = &src.source, .live = true, .proc_slots = 64, .heartbeat_s = 1
	};
	unsigned beats = 0;

	memory_add(&src, exec_rec(true));
	src.end = 0; /* no more for now */
	src.fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pipeline_new(&c, &pipeline, &e), 0);
	assert_int_equal(pipeline_add_sink(pipeline, &out.sink, true), 0);
	assert_int_equal(pipeline_run(pipeline, 2500 * NSEC_PER_MSEC, &e), 0);
	for (unsigned i = 0; i < out.n; i++)
		beats += out.kept[i].type == EV_heartbeat;
	assert_int_equal(out.kept[0].type, EV_exec);
	assert_int_equal(out.kept[2].type, EV_heartbeat); /* behind the alert */
	assert_int_equal(out.kept[2].seq, 2); /* an event like others */
	assert_in_range(beats, 2, 3);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(order_and_numbers),
		T(invalid_records_of_a_kernel),
		T(invalid_record_of_a_recording),
		T(unknown_and_older_records),
		T(essential_sink_ends_it),
		T(other_sinks_just_leave),
		T(errors_of_sinks),
		T(sinks_are_bounded),
		T(stop_drains),
		T(stop_in_a_flood),
		T(duration),
		T(ticks),
		T(signals),
		T(error_of_the_source),
		T(host_record_sets_the_clock),
		T(stats_are_json),
		T(heartbeats),
	};
	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
