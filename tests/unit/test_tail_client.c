/* SPDX-License-Identifier: Apache-2.0 */
/* The live view of a client of the daemon: what one that reads too slowly gets, and is told. */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tail_stream.h"

static void open_client(struct tail_config c)
{
	int sv[2], small = 1;
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv),
			   errno);
	setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	reader = sv[1];
	c.client = true;
	assert_int_equal(tail_open(sv[0], &c, &sink), 0);
}

/* An exec with so many bytes of arguments. */
static int give_big(size_t bytes)
{
	static char args[EV_ARGS_MAX];
	struct ev_exec *r = REC_NEW(exec);
	memset(args, 'a', sizeof(args));
	rec_add_str(r, &r->args, args, bytes);
	struct event ev = rec_event(r);
	int rc = sink->ops->event(sink, &ev);
	rec_free(r);
	return rc;
}

static void put_lost(void *ctx, const char *key, uint64_t value)
{
	if (!strcmp(key, "lost"))
		*(uint64_t *)ctx = value;
}

static uint64_t lost(void)
{
	uint64_t n = UINT64_MAX;
	sink->ops->stats(sink, put_lost, &n);
	return n;
}

/* Reads until nothing waits any more. */
static void read_all(void)
{
	bool waiting = true;
	while (waiting) {
		assert_int_equal(tail_client_write(sink, &waiting), 0);
		read_some(1 << 18);
	}
	read_some(1 << 18);
}

/* Fills the backlog until `over` lines were lost, flushing at times as the pipeline does. */
static void overflow(uint64_t over)
{
	uint64_t before = lost();
	for (unsigned i = 0; lost() < before + over; i++) {
		assert_int_equal(give_big(EV_ARGS_MAX), 0);
		if (i % 16 == 0)
			assert_int_equal(sink->ops->flush(sink), 0);
		assert_true(i < 10000);
	}
}

/* Reads lines; each must have the number after the last one, with holes only where gaps say. */
static uint64_t check_sequence(unsigned want_gaps)
{
	size_t at = 0;
	uint64_t seq = 0, total = 0;
	unsigned gaps = 0;
	for (json_t *j; (j = next_line(&at)); json_decref(j)) {
		uint64_t is = number(j, "event", "sequence", NULL);
		const char *action =
			json_string_value(json_object_get(json_object_get(j, "event"), "action"));
		assert_non_null(action);
		if (!strcmp(action, "gap")) {
			uint64_t n = number(j, "redshank", "gap", "lost");
			assert_int_equal(is, seq + n + 1);
			total += n;
			assert_int_equal(number(j, "redshank", "gap", "total"), total);
			gaps++;
		} else {
			assert_int_equal(is, seq + 1);
		}
		seq = is;
	}
	assert_int_equal(gaps, want_gaps);
	return total;
}

static void backlog_is_bounded(void **state)
{
	(void)state;
	open_client((struct tail_config){ .format = TAIL_json });
	while (!lost()) /* nothing is written: all is backlog */
		assert_int_equal(give_big(EV_ARGS_MAX), 0);
	read_all();
	assert_true(got.len <= TAIL_CLIENT_BACKLOG);
	assert_true(got.len > TAIL_CLIENT_BACKLOG - 2 * EV_ARGS_MAX);
}

static void loss_is_told(void **state)
{
	(void)state;
	open_client((struct tail_config){ .format = TAIL_json });
	for (unsigned round = 0; round < 3; round++) {
		overflow(10 + round);
		read_all();
		assert_int_equal(give(EV_exec), 0);
		read_all();
	}
	uint64_t total = lost();
	assert_int_equal(check_sequence(3), total);
	assert_int_equal(total, 10 + 11 + 12);
}

/* While it is still far behind there is no gap yet, and nothing comes before the gap. */
static void loss_that_goes_on(void **state)
{
	(void)state;
	open_client((struct tail_config){ .format = TAIL_json });
	overflow(5);
	for (unsigned i = 0; i < 20; i++) { /* reads a little, loses more */
		read_some(4096);
		assert_int_equal(sink->ops->flush(sink), 0);
		overflow(1);
	}
	read_all();
	give(EV_exec);
	read_all();
	uint64_t total = lost();
	assert_int_equal(check_sequence(1), total);
}

/* A client that wants to see little must not wait for the next of that to be told. */
static void loss_is_told_to_the_choosy(void **state)
{
	(void)state;
	struct tail_config c = { .format = TAIL_json };
	c.filter.types = 1ULL << EV_exec;
	open_client(c);
	overflow(3);
	read_all();
	give(EV_exit); /* not shown */
	read_all();
	assert_int_equal(check_sequence(1), 3);
}

static void alerts_can_be_lost_too(void **state)
{
	(void)state;
	open_client((struct tail_config){ .format = TAIL_json, .filter.alerts_only = true });
	for (unsigned n = 1; lost() < 4; n++)
		assert_int_equal(give_alert(n), 0);
	read_all();
	give_alert(1);
	read_all();
	assert_int_equal(check_sequence(1), 4);
}

/* Always a little behind, never caught up: the memory held must not grow with what went through. */
static void steady_lag(void **state)
{
	(void)state;
	bool waiting;
	open_client((struct tail_config){ .format = TAIL_json });
	give_big(EV_ARGS_MAX);
	read_all();
	size_t line = got.len, through = 0;
	for (unsigned i = 0; i < 8; i++)
		give_big(EV_ARGS_MAX);
	struct mallinfo2 before = mallinfo2();
	for (size_t i = 1; i <= 1000; i++) {
		assert_int_equal(give_big(EV_ARGS_MAX), 0);
		size_t target = i * line;
		while (through < target) {
			buf_reset(&got);
			read_some(8192);
			through += got.len;
			assert_int_equal(tail_client_write(sink, &waiting), 0);
			assert_true(waiting);
		}
	}
	struct mallinfo2 after = mallinfo2();
	assert_int_equal(lost(), 0);
	assert_true(through > 4 * TAIL_CLIENT_BACKLOG);
	size_t held = after.uordblks + after.hblkhd, held_before = before.uordblks + before.hblkhd;
	assert_true(held < held_before + 3 * TAIL_CLIENT_BACKLOG);
}

static void count_of_a_client(void **state)
{
	(void)state;
	size_t at = 0, n = 0;
	open_client((struct tail_config){ .format = TAIL_json, .count = 2 });
	assert_int_equal(give(EV_exec), 0);
	give(EV_exec);
	assert_int_equal(sink->ops->flush(sink), 1);
	assert_int_equal(give(EV_exec), 1);
	read_some(1 << 18);
	for (json_t *j; (j = next_line(&at)); json_decref(j))
		n++;
	assert_int_equal(n, 2);
}

static void client_gone(void **state)
{
	(void)state;
	bool waiting;
	open_client((struct tail_config){ .format = TAIL_json });
	for (unsigned i = 0; i < 10; i++)
		give_big(EV_ARGS_MAX);
	assert_int_equal(tail_client_write(sink, &waiting), 0);
	assert_true(waiting);
	close(reader);
	reader = -1;
	give(EV_exec);
	assert_int_equal(tail_client_write(sink, &waiting), 1);
	assert_int_equal(sink->ops->flush(sink), 1);
	/* Closing does not wait for it. */
	uint64_t began = clock_monotonic();
	sink->ops->close(sink, began + 5 * NSEC_PER_SEC);
	sink = NULL;
	assert_true(clock_monotonic() - began < NSEC_PER_SEC);
}

/* One that does not read can hold up the end until the deadline, no longer. */
static void close_keeps_the_deadline(void **state)
{
	(void)state;
	open_client((struct tail_config){ .format = TAIL_json });
	for (unsigned i = 0; i < 10; i++)
		give_big(EV_ARGS_MAX);
	uint64_t began = clock_monotonic();
	sink->ops->close(sink, began + NSEC_PER_SEC / 5);
	sink = NULL;
	uint64_t took = clock_monotonic() - began;
	assert_in_range(took, NSEC_PER_SEC / 5, 2 * NSEC_PER_SEC);
	read_some(1 << 18);
	assert_true(got.len > 0);
	char byte;
	while (read(reader, &byte, 1) == 1)
		;
	assert_int_equal(read(reader, &byte, 1), 0); /* closed with the sink */
}

#define T(name_) cmocka_unit_test_teardown(name_, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(backlog_is_bounded),	     T(loss_is_told),
		T(loss_that_goes_on),	     T(loss_is_told_to_the_choosy),
		T(alerts_can_be_lost_too),   T(steady_lag),
		T(count_of_a_client),	     T(client_gone),
		T(close_keeps_the_deadline),
	};
	return cmocka_run_group_tests_name("tail_client", tests, setup, NULL);
}
