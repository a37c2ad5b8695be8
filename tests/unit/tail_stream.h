/* SPDX-License-Identifier: Apache-2.0 */
/* A tail sink whose other end the test reads; events and alerts for it; its JSON lines. */
#ifndef REDSHANK_TESTS_TAIL_STREAM_H
#define REDSHANK_TESTS_TAIL_STREAM_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "alerts.h"
#include "base/buf.h"
#include "enrich/users.h"
#include "sink/tail.h"

static struct sink *sink;
static int reader = -1; /* the other end */
static struct buf got; /* what came out of it */

static inline int setup(void **state)
{
	(void)state;
	users_disable();
	signal(SIGPIPE, SIG_IGN); /* as the pipeline does */
	return 0;
}

/* Closes what the test left open. */
static inline int teardown(void **state)
{
	(void)state;
	if (sink)
		sink->ops->close(sink, 0);
	if (reader >= 0)
		close(reader);
	sink = NULL;
	reader = -1;
	buf_free(&got);
	return 0;
}

static inline void read_some(size_t max)
{
	char *to = buf_reserve(&got, max);
	assert_non_null(to);
	ssize_t n = read(reader, to, max);
	if (n > 0)
		got.len += (size_t)n;
}

static inline int give(unsigned type)
{
	void *rec = rec_new(type);
	struct event ev = rec_event(rec);
	int rc = sink->ops->event(sink, &ev);
	rec_free(rec);
	return rc;
}

static inline int give_alert(unsigned n)
{
	struct test_alert t;
	test_alert_init(&t);
	int rc = sink->ops->alert(sink, test_alert_number(&t, n));
	test_alert_free(&t);
	return rc;
}

/* The next line of what was read, parsed; NULL at the end. */
static inline json_t *next_line(size_t *at)
{
	json_error_t e;
	const char *nl = memchr(got.data + *at, '\n', got.len - *at);
	if (!nl) {
		assert_int_equal(*at, got.len);
		return NULL;
	}
	json_t *j = json_loadb(got.data + *at, (size_t)(nl - got.data) - *at,
			       JSON_REJECT_DUPLICATES, &e);
	if (!j)
		fail_msg("%s", e.text);
	*at = (size_t)(nl - got.data) + 1;
	return j;
}

static inline uint64_t number(const json_t *j, const char *a, const char *b, const char *c)
{
	const json_t *v = json_object_get(json_object_get(j, a), b);
	v = c ? json_object_get(v, c) : v;
	assert_true(json_is_integer(v));
	return (uint64_t)json_integer_value(v);
}

#endif
