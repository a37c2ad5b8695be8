/* SPDX-License-Identifier: Apache-2.0 */
/* The same finding again is an update; no count is lost, whatever is kept back or evicted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alerts.h"
#include "base/clock.h"
#include "detect/alert_fold.h"

#define T0 (1700000000 * NSEC_PER_SEC)

struct told {
	unsigned n;
	uint64_t count, first, last; /* of the last one */
	char id[ALERT_ID_LEN];
	bool had_event;
};

static struct alert_fold *f;
static struct test_alert ta;
static struct told told;

static void on_alert(void *ctx, struct alert *al)
{
	struct told *t = ctx;
	t->n++;
	t->count = al->count;
	t->first = al->first;
	t->last = al->last;
	memcpy(t->id, al->id, sizeof(t->id));
	t->had_event = al->event && al->event->rec->type == EV_exec && al->event->host;
	assert_non_null(al->verdict);
	assert_non_null(al->rule);
}

static int setup(void **state)
{
	(void)state;
	memset(&told, 0, sizeof(told));
	test_alert_init(&ta);
	return alert_fold_new(&f);
}

static int teardown(void **state)
{
	(void)state;
	alert_fold_free(f);
	test_alert_free(&ta);
	return 0;
}

static void add(uint64_t key, unsigned id, uint64_t time)
{
	struct alert al = *test_alert_number(&ta, id);
	al.time = time;
	alert_fold_add(f, &(struct alert_fold_keys){ .same = key }, &al, on_alert, &told);
}

static void first_is_told_at_once(void **state)
{
	(void)state;
	add(1, 1, T0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.first, T0);
	add(2, 2, T0);
	assert_int_equal(told.n, 2);
	assert_int_equal(told.count, 1);
}

static void repeats_are_updates_at_doublings(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		add(7, i + 1, T0 + i);
	assert_int_equal(told.n, 10); /* 1 2 4 … 512 */
	assert_int_equal(told.count, 512);
	assert_string_equal(told.id, "00000001-0000-8000-8000-000000000000");
	alert_fold_flush(f, T0 + NSEC_PER_SEC, ta.event.host, on_alert, &told);
	assert_int_equal(told.n, 10); /* not yet */
	alert_fold_flush(f, T0 + 1000 + ALERT_FOLD_PAUSE_NS, ta.event.host, on_alert, &told);
	assert_int_equal(told.n, 11);
	assert_int_equal(told.count, 1000);
	assert_int_equal(told.first, T0);
	assert_int_equal(told.last, T0 + 999);
	assert_true(told.had_event);
	alert_fold_flush(f, UINT64_MAX, ta.event.host, on_alert, &told);
	assert_int_equal(told.n, 11); /* once */
}

static void a_pause_makes_an_update(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		add(7, 1, T0);
	assert_int_equal(told.n, 2);
	add(7, 1, T0 + ALERT_FOLD_PAUSE_NS + 1);
	assert_int_equal(told.n, 3);
	add(7, 1, T0 + ALERT_FOLD_PAUSE_NS + 2);
	assert_int_equal(told.n, 3);
	add(7, 1, T0 + 2 * ALERT_FOLD_PAUSE_NS + 2);
	assert_int_equal(told.n, 4);
	assert_int_equal(told.count, 6);
}

static void after_the_window_it_is_news(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		add(7, 1, T0);
	add(7, 9, T0 + ALERT_FOLD_WINDOW_NS + 1);
	/* The third of the old ones, and then the new one. */
	assert_int_equal(told.n, 4);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.id, "00000009-0000-8000-8000-000000000000");
	/* A clock that was set back does not make a window. */
	add(7, 9, T0);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.last, T0 + ALERT_FOLD_WINDOW_NS + 1);
}

static void a_restart_loses_nothing(void **state)
{
	(void)state;
	struct buf b = { 0 };

	for (unsigned i = 0; i < 5; i++)
		add(7, i + 1, T0 + i);
	add(8, 100, T0);
	alert_fold_flush(f, UINT64_MAX, ta.event.host, on_alert, &told);
	alert_fold_save(f, &b);
	alert_fold_free(f);
	assert_int_equal(alert_fold_new(&f), 0);
	assert_int_equal(alert_fold_restore(f, b.data, b.len - 1), -EBADMSG);
	assert_int_equal(alert_fold_restore(f, b.data, b.len), 0);
	add(7, 200, T0 + 2 * ALERT_FOLD_PAUSE_NS);
	assert_int_equal(told.count, 6);
	assert_int_equal(told.first, T0);
	assert_string_equal(told.id, "00000001-0000-8000-8000-000000000000");
	add(8, 200, T0 + 2 * ALERT_FOLD_PAUSE_NS);
	assert_int_equal(told.count, 2);
	add(9, 201, T0);
	assert_int_equal(told.count, 1);
	buf_free(&b);
}

static void counting(void *ctx, struct alert *al)
{
	uint64_t *counts = ctx;
	unsigned n;
	assert_int_equal(sscanf(al->id, "%x", &n), 1);
	counts[n] = al->count;
}

/* More findings than there is room for: each is told of all that was counted when it goes. */
static void eviction_loses_no_count(void **state)
{
	(void)state;
	enum { N = ALERT_FOLD_ENTRIES + 5000 };
	static uint64_t counts[N + 1];

	for (unsigned i = 1; i <= N; i++)
		for (unsigned k = 0; k < 3; k++) {
			struct alert al = *test_alert_number(&ta, i);
			al.time = T0;
			alert_fold_add(f, &(struct alert_fold_keys){ .same = i }, &al, counting,
				       counts);
		}
	alert_fold_flush(f, UINT64_MAX, ta.event.host, counting, counts);
	for (unsigned i = 1; i <= N; i++)
		assert_int_equal(counts[i], 3);
}

/* Of many processes that do the same, the first have alerts of their own. */
static void what_is_alike_folds_later(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 100; i++) {
		struct alert al = *test_alert_number(&ta, i);
		al.time = T0 + i;
		alert_fold_add(f, &(struct alert_fold_keys){ .same = i, .alike = 1000 }, &al,
			       on_alert, &told);
		if (i <= ALERT_FOLD_ALIKE + 1) {
			assert_int_equal(told.n, i);
			assert_int_equal(told.count, 1);
			assert_string_equal(told.id, al.id);
		}
	}
	/* 1 2 4 … 64 of the 80 that are folded */
	assert_int_equal(told.n, ALERT_FOLD_ALIKE + 7);
	alert_fold_flush(f, UINT64_MAX, ta.event.host, on_alert, &told);
	assert_int_equal(told.count, 100 - ALERT_FOLD_ALIKE);
	assert_int_equal(told.first, T0 + ALERT_FOLD_ALIKE + 1);
	assert_int_equal(told.last, T0 + 100);
	/* After a quiet time they are news again, each for itself. */
	for (unsigned i = 201; i <= 203; i++) {
		struct alert al = *test_alert_number(&ta, i);
		al.time = T0 + 2 * ALERT_FOLD_WINDOW_NS;
		alert_fold_add(f, &(struct alert_fold_keys){ .same = i, .alike = 1000 }, &al,
			       on_alert, &told);
		assert_int_equal(told.count, 1);
		assert_string_equal(told.id, al.id);
	}
}

/* One process that finds ever new words for the same thing is one alert in the end. */
static void what_is_akin_folds_last(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 10000; i++) {
		struct alert al = *test_alert_number(&ta, i);
		al.time = T0 + i;
		alert_fold_add(f,
			       &(struct alert_fold_keys){
				       .same = i, .alike = 100000 + i, .kin = 1ULL << 40 },
			       &al, on_alert, &told);
	}
	assert_int_equal(told.n, ALERT_FOLD_KIN + 14); /* 1 2 4 … 8192 of 9500 */
	alert_fold_flush(f, UINT64_MAX, ta.event.host, on_alert, &told);
	assert_int_equal(told.n, ALERT_FOLD_KIN + 15);
	assert_int_equal(told.count, 10000 - ALERT_FOLD_KIN);
}

/* What the kernel did not tell counts: as a number of repeats, or by the number of the finding. */
static void kernel_counts(void **state)
{
	(void)state;
	struct alert al = *test_alert_number(&ta, 1);
	al.time = T0;
	alert_fold_add(f, &(struct alert_fold_keys){ .same = 1, .times = 9 }, &al, on_alert, &told);
	assert_int_equal(told.count, 1); /* the first: those before were none of it */
	alert_fold_add(f, &(struct alert_fold_keys){ .same = 1, .times = 9 }, &al, on_alert, &told);
	assert_int_equal(told.count, 10);
	static const struct {
		uint64_t number, want;
	} numbers[] = { { 5, 1 }, { 6, 2 }, { 12, 8 }, { 2, 9 }, { 8192, 8188 } };
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		alert_fold_add(f,
			       &(struct alert_fold_keys){ .same = 2, .number = numbers[i].number },
			       &al, on_alert, &told);
		alert_fold_flush(f, UINT64_MAX, ta.event.host, on_alert, &told);
		assert_int_equal(told.count, numbers[i].want);
	}
}

static void held_is_whole(void *ctx, struct alert *al)
{
	unsigned *n = ctx;
	++*n;
	assert_string_equal(al->verdict->message, ta.verdict.message);
	assert_int_equal(al->verdict->severity, SEVERITY_high);
	if (al->verdict->nevidence) {
		assert_int_equal(al->verdict->nevidence, 2);
		assert_string_equal(al->verdict->evidence[1].key, "b");
		assert_string_equal(al->verdict->evidence[1].value, "two");
	}
	assert_int_equal(schema_check(al->event->rec, al->event->rec->len, NULL), 0);
}

/*
 * Large records of many findings: those that do not fit are kept without their strings, each tells
 * its count, and there is no alert for each repeat.
 */
static void what_is_held_is_bounded(void **state)
{
	enum { N = ALERT_FOLD_ENTRIES, TIMES = 100 };
	static char args[20000];
	unsigned n = 0, whole = 0;
	(void)state;
	verdict_evidence(&ta.verdict, "a", "one");
	verdict_evidence(&ta.verdict, "b", "two");
	memset(args, 'x', sizeof(args));
	rec_add_str(ta.rec, &ta.rec->filename, args, sizeof(args));
	for (unsigned i = 1; i <= N; i++)
		for (unsigned k = 0; k < TIMES; k++) {
			struct alert al = *test_alert_number(&ta, i);
			al.time = T0;
			alert_fold_add(f, &(struct alert_fold_keys){ .same = i }, &al,
				       held_is_whole, &n);
		}
	assert_int_equal(n, N * 7); /* 1 2 4 … 64 */
	static uint64_t counts[N + 1];
	alert_fold_flush(f, UINT64_MAX, ta.event.host, counting, counts);
	for (unsigned i = 1; i <= N; i++)
		whole += counts[i] == TIMES;
	assert_int_equal(whole, N);
}

/* Keys of one bucket are different findings. */
static void keys_that_collide(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		add((uint64_t)i * ALERT_FOLD_ENTRIES * 2, i + 1, T0);
	assert_int_equal(told.n, 100);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(first_is_told_at_once),     T(repeats_are_updates_at_doublings),
		T(a_pause_makes_an_update),   T(after_the_window_it_is_news),
		T(a_restart_loses_nothing),   T(eviction_loses_no_count),
		T(what_is_alike_folds_later), T(keys_that_collide),
		T(what_is_akin_folds_last),   T(kernel_counts),
		T(what_is_held_is_bounded),
	};
	return cmocka_run_group_tests_name("alert_fold", tests, NULL, NULL);
}
