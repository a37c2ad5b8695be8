/* SPDX-License-Identifier: Apache-2.0 */
/* What a sensor tells of itself: whole, or what is wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "heartbeats.h"
#include "status.h"
#include "stream_ends.h"

static struct memory_source src;
static struct keeper out;
static struct pipeline *pipeline;
static struct config config;
static unsigned nhooks; /* of heartbeat_hooks: the source's own */

static const struct hook_state *hooks(struct source *s, unsigned *ret_n)
{
	(void)s;
	*ret_n = nhooks;
	return heartbeat_hooks;
}

static const struct hook_state blind_hooks[] = {
	{ .hook = { .event = EV_fork, .name = "fork", .without = "forks" },
	  .why = "fork__raw_tp: does not load",
	  .wanted = true },
};

static const struct hook_state *no_fork(struct source *s, unsigned *ret_n)
{
	(void)s;
	*ret_n = 1;
	return blind_hooks;
}

static struct source_ops source_ops;
static struct sink_ops sink_ops;

static int setup(void **state)
{
	struct pipeline_config c = { .source = &src.source, .proc_slots = 64 };
	struct err e;
	(void)state;
	src = MEMORY_SOURCE;
	source_ops = memory_ops;
	source_ops.hooks = hooks;
	src.source.ops = &source_ops;
	out = KEEPER;
	sink_ops = keeper_ops;
	out.sink.ops = &sink_ops;
	nhooks = sizeof(heartbeat_hooks) / sizeof(heartbeat_hooks[0]);
	config_defaults(&config);
	if (pipeline_new(&c, &pipeline, &e))
		return -1;
	return pipeline_add_sink(pipeline, &out.sink, false);
}

static int teardown(void **state)
{
	(void)state;
	pipeline_free(pipeline, 0);
	return 0;
}

static json_t *status(void)
{
	struct buf b = { 0 };
	status_json(&b, pipeline, &config);
	json_t *j = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	buf_free(&b);
	return j;
}

/* Exactly one problem, and it speaks of the word. */
static void one_problem(const char *word)
{
	json_t *j = status(), *problems = json_object_get(j, "problems");

	assert_int_equal(json_array_size(problems), 1);
	const char *line = json_string_value(json_array_get(problems, 0));
	if (!strstr(line, word))
		fail_msg("%s", line);
	assert_true(json_is_false(json_object_get(j, "whole")));
	json_decref(j);
}

/* A fact that is not known and an event that nobody wants are no problems. */
static void whole(void **state)
{
	(void)state;
	json_t *j = status();

	assert_true(json_is_true(json_object_get(j, "running")));
	assert_true(json_is_true(json_object_get(j, "whole")));
	assert_int_equal(json_array_size(json_object_get(j, "problems")), 0);
	assert_string_equal(json_string_value(json_object_get(j, "version")), REDSHANK_VERSION);
	assert_int_equal(json_integer_value(json_object_get(j, "pid")), getpid());
	assert_null(json_object_get(j, "config")); /* no file was read */
	assert_string_equal(json_string_value(json_object_get(j, "store")), config.store_path);
	assert_int_equal(json_array_size(json_object_get(j, "coverage")), nhooks);
	json_t *stats = json_object_get(j, "stats");
	assert_non_null(json_object_get(json_object_get(stats, "detect"), "alerts.high"));
	json_decref(j);
}

static void recording(void **state)
{
	(void)state;
	source_ops.hooks = NULL;
	json_t *j = status();
	assert_int_equal(json_array_size(json_object_get(j, "coverage")), 0);
	assert_true(json_is_true(json_object_get(j, "whole")));
	json_decref(j);
}

static void not_seen(void **state)
{
	(void)state;
	source_ops.hooks = no_fork;
	one_problem("fork events are not seen: fork__raw_tp: does not load");
}

static void lost(void **state)
{
	(void)state;
	struct err e;
	struct ev_gap *g = REC_NEW(gap);
	g->lost = 3;
	g->cause = GAP_ring_full;
	memory_add(&src, g);
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	one_problem("records were lost, last 0 s ago");
}

static void sink_error(void **state)
{
	(void)state;
	struct err e;
	memory_add(&src, rec_new(EV_fork));
	out.rc = -ENOSPC;
	out.rc_at = 1;
	assert_int_equal(pipeline_run(pipeline, 0, &e), 0);
	one_problem("sink keeper: No space left on device");
}

static void complain(const struct sink *s, char *line, size_t cap)
{
	(void)s;
	snprintf(line, cap, "the backend says \"\xff no\"");
}

/* What a sink says itself, of any bytes. */
static void sink_trouble(void **state)
{
	(void)state;
	sink_ops.trouble = complain;
	one_problem("sink keeper: the backend says");
	json_t *j = status();
	const json_t *sink =
		json_array_get(json_object_get(json_object_get(j, "stats"), "sinks"), 0);
	assert_non_null(json_string_value(json_object_get(sink, "trouble")));
	json_decref(j);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(whole), T(recording), T(not_seen), T(lost), T(sink_error), T(sink_trouble),
	};
	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
