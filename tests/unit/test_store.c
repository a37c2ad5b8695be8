/* SPDX-License-Identifier: Apache-2.0 */
/* The alert store: what it keeps and gives back, its bounds, its cursors, several handles of it. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "base/utf8.h"
#include "encode/alert_pb.h"
#include "store_fixture.h"

/* --- what it keeps --- */

static int check_content(void *ctx, const struct store_alert *al)
{
	char want[ALERT_ID_LEN];
	unsigned n = ++*(unsigned *)ctx;

	snprintf(want, sizeof(want), "%s", test_alert_number(&ta, n)->id);
	assert_string_equal(al->id, want);
	assert_int_equal(al->row, n);
	assert_int_equal(al->seq, n);
	assert_int_equal(al->time, n * 1000000000ull);
	assert_int_equal(al->severity, SEVERITY_high);
	assert_string_equal(al->rule_id, "test.rule");
	assert_string_equal(al->rule_name, "Test rule");
	assert_string_equal(al->message, "x was run from memory");
	assert_int_equal(al->json_len, strlen(al->json));
	assert_true(al->json[0] == '{' && al->json[al->json_len - 1] == '}');
	assert_non_null(strstr(al->json, want));
	Redshank__V1__Alert *pb = alert_unpack(al->pb, al->pb_len);
	assert_non_null(pb);
	assert_string_equal(pb->id, want);
	assert_int_equal(pb->process->pid, 4242);
	redshank__v1__alert__free_unpacked(pb, NULL);
	return 0;
}

static void test_content_in_order(void **state)
{
	(void)state;
	unsigned n = 0;
	struct err e;

	fill(1, 5);
	struct store *s = open_store(0);
	assert_int_equal(store_each(s, &(struct store_query){ 0 }, check_content, &n, &e), 0);
	assert_int_equal(n, 5);
	store_close(s);
}

static void test_queries(void **state)
{
	(void)state;
	struct seen r;
	struct sink *k = sink_open(0);

	ta.verdict.severity = SEVERITY_low;
	put(k, 1, 10);
	ta.verdict.severity = SEVERITY_critical;
	put(k, 11, 20);
	k->ops->close(k, 0);

	r = query(&(struct store_query){ .after_row = 7, .limit = 3 });
	assert_true(r.n == 3 && r.seq[0] == 8 && r.seq[2] == 10);
	r = query(&(struct store_query){ .newest_first = 1, .limit = 2 });
	assert_true(r.n == 2 && r.seq[0] == 20 && r.seq[1] == 19);
	r = query(&(struct store_query){ .severity_min = SEVERITY_medium });
	assert_true(r.n == 10 && r.seq[0] == 11);
	r = query(&(struct store_query){ .since = 15000000000 });
	assert_true(r.n == 6 && r.seq[0] == 15);
	r = query(&(struct store_query){ .since = UINT64_MAX });
	assert_int_equal(r.n, 0);
	r = query(&(struct store_query){ .rule_id = "test.rule" });
	assert_int_equal(r.n, 20);
	r = query(&(struct store_query){ .rule_id = "test' OR 1=1 --" });
	assert_int_equal(r.n, 0);
	r = query(&(struct store_query){ .id = "0000001" }); /* 0x10 to 0x14 */
	assert_true(r.n == 5 && r.seq[0] == 16);
	r = query(&(struct store_query){ .id = "00000011-0000-8000-8000-000000000000" });
	assert_true(r.n == 1 && r.seq[0] == 17);
	r = query(&(struct store_query){ .id = "%" });
	assert_int_equal(r.n, 0);
}

static void test_callback_stops(void **state)
{
	(void)state;
	struct seen r = { .stop_at = 2 };
	struct err e;

	fill(1, 5);
	struct store *s = open_store(0);
	assert_int_equal(store_each(s, &(struct store_query){ 0 }, see, &r, &e), 77);
	assert_int_equal(r.n, 2);
	store_close(s);
}

static int check_utf8(void *ctx, const struct store_alert *al)
{
	++*(unsigned *)ctx;
	assert_true(utf8_valid(al->message, strlen(al->message)));
	assert_true(utf8_valid(al->json, al->json_len));
	assert_non_null(strstr(al->message, UTF8_REPLACEMENT "; DROP TABLE alert; '"));
	return 0;
}

static void test_hostile_bytes(void **state)
{
	(void)state;
	unsigned n = 0;
	struct err e;

	snprintf(ta.verdict.message, MESSAGE_MAX,
		 "\xff\xc0\xaf\x1b[31m\n\xed\xa0\x80; DROP TABLE alert; '");
	REC_STR(exec, ta.rec, exe, "/tmp/\xfe\xff");
	fill(1, 1);
	struct store *s = open_store(0);
	assert_int_equal(store_each(s, &(struct store_query){ 0 }, check_utf8, &n, &e), 0);
	assert_int_equal(n, 1);
	store_close(s);
}

static void test_pending_is_bounded(void **state)
{
	(void)state;
	struct sink *k = sink_open(0);

	for (unsigned n = 1; n <= 1500; n++)
		assert_int_equal(k->ops->alert(k, test_alert_number(&ta, n)), 0);
	assert_true(stat_of(k, "stored") >= 476 && stat_of(k, "pending") <= 1024);
	k->ops->close(k, 0); /* writes the rest */
	assert_int_equal(query(&(struct store_query){ 0 }).n, 1500);
}

static void test_notify(void **state)
{
	(void)state;
	struct sink *k = NULL;
	struct err e;
	uint64_t v;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_int_equal(store_sink_open(path, 0, fd, &k, &e), 0);
	assert_string_equal(e.text, "");
	assert_int_equal(k->ops->flush(k), 0); /* nothing to say */
	assert_int_equal(eventfd_read(fd, &v), -1);
	put(k, 1, 3);
	assert_int_equal(eventfd_read(fd, &v), 0);
	k->ops->close(k, 0);
	close(fd);
}

/* --- bounds and cursors --- */

static void test_trim_and_missed(void **state)
{
	(void)state;
	struct sink *k = sink_open(10);
	struct store *s = open_store(1);
	struct err e;
	int64_t row = -1;
	uint64_t missed = 99;

	assert_int_equal(store_cursor_get(s, "a", &row, &e), 0);
	assert_int_equal(row, 0);
	put(k, 1, 25);
	assert_int_equal(stat_of(k, "trimmed"), 15);
	assert_int_equal(stat_of(k, "rows"), 10);
	struct seen r = query(&(struct store_query){ 0 });
	assert_true(r.n == 10 && r.row[0] == 16 && r.row[9] == 25);

	/* "a" had registered and missed them; "b" comes only now and did not. */
	assert_int_equal(store_missed(s, "a", &missed, &e), 0);
	assert_int_equal(missed, 15);
	assert_int_equal(store_cursor_get(s, "b", &row, &e), 0);
	assert_int_equal(store_missed(s, "b", &missed, &e), 0);
	assert_int_equal(missed, 0);
	assert_int_equal(store_cursor_set(s, "a", 20, &e), 0);
	put(k, 26, 35); /* 26 to 35 are left */
	assert_int_equal(store_missed(s, "a", &missed, &e), 0);
	assert_int_equal(missed, 15 + 5);
	assert_int_equal(store_missed(s, "b", &missed, &e), 0);
	assert_int_equal(missed, 10);
	assert_int_equal(store_missed(s, "nobody", &missed, &e), 0);
	assert_int_equal(missed, 0);

	/* A batch that was under way when its rows were trimmed does not move the cursor back. */
	assert_int_equal(store_cursor_set(s, "a", 22, &e), 0);
	assert_int_equal(store_cursor_get(s, "a", &row, &e), 0);
	assert_int_equal(row, 25);
	store_close(s);
	k->ops->close(k, 0);
}

static void test_trim_by_bytes(void **state)
{
	(void)state;
	struct store_extent ext = { 0 };
	struct stat before, after;

	fill(1, 400);
	assert_int_equal(stat(path, &before), 0);
	struct store *s = open_store(1);
	uint64_t half = (uint64_t)before.st_size / 2;
	assert_int_equal(store_trim(s, 1000, half, &ext), SQLITE_OK);
	assert_true(ext.rows > 100 && ext.rows < 300);
	assert_int_equal(ext.rows + ext.trimmed, 400);
	assert_int_equal(store_trim(s, 1000, half, &ext), SQLITE_OK);
	assert_int_equal(ext.trimmed, 0);
	assert_int_equal(store_trim(s, 1000, 1, &ext), SQLITE_OK);
	assert_int_equal(ext.rows, 1); /* the newest stays */
	store_close(s);

	struct seen r = query(&(struct store_query){ 0 });
	assert_true(r.n == 1 && r.row[0] == 400);
	fill(401, 600); /* into the freed pages */
	assert_int_equal(stat(path, &after), 0);
	assert_true(after.st_size <= before.st_size);
}

static void test_reopen(void **state)
{
	(void)state;
	struct err e;
	int64_t row = 0;

	fill(1, 3);
	struct store *s = open_store(1);
	assert_int_equal(store_cursor_set(s, "otlp https://example.org", 2, &e), 0);
	assert_int_equal(store_cursor_set(s, "", 2, &e), -EINVAL);
	store_close(s);
	fill(4, 6);
	s = open_store(0);
	assert_int_equal(store_cursor_get(s, "otlp https://example.org", &row, &e), 0);
	assert_int_equal(row, 2);
	assert_int_equal(store_cursor_get(s, "new", &row, &e), 0); /* also without writing */
	assert_int_equal(row, 0);
	assert_true(store_cursor_set(s, "new", 1, &e) < 0);
	store_close(s);
	struct seen r = query(&(struct store_query){ .after_row = 2 });
	assert_true(r.n == 4 && r.row[0] == 3 && r.row[3] == 6 && r.seq[3] == 6);
}

/* --- several handles --- */

static atomic_int writer_done;

static int check_ascending(void *ctx, const struct store_alert *al)
{
	int64_t *last = ctx;
	if (al->row <= *last || (int64_t)al->seq != al->row)
		return 1;
	*last = al->row;
	return 0;
}

/* Rows may be trimmed between their listing and their reading; those that are read ascend. */
static void *read_all_the_time(void *arg)
{
	struct err e = { "" };

	while (!writer_done) {
		int64_t last = 0;
		if (store_each(arg, &(struct store_query){ 0 }, check_ascending, &last, &e))
			return strdup(e.text);
	}
	return NULL;
}

static void test_reader_beside_writer(void **state)
{
	(void)state;
	struct sink *k = sink_open(100);
	struct store *s = open_store(0), *cursors = open_store(1);
	pthread_t t;
	void *result;
	struct err e;

	writer_done = 0;
	assert_int_equal(pthread_create(&t, NULL, read_all_the_time, s), 0);
	for (unsigned n = 0; n < 60; n++) {
		put(k, n * 10 + 1, n * 10 + 10);
		assert_int_equal(store_cursor_set(cursors, "a", n * 10 + 1, &e), 0);
	}
	writer_done = 1;
	pthread_join(t, &result);
	if (result)
		fail_msg("reader: %s", (const char *)result);
	int64_t last = 0;
	assert_int_equal(store_each(s, &(struct store_query){ 0 }, check_ascending, &last, &e), 0);
	assert_int_equal(last, 600);
	/* On a loaded machine a transaction may be put off for the other writer; none is dropped.
	 */
	assert_int_equal(stat_of(k, "dropped"), 0);
	store_close(s);
	store_close(cursors);
	k->ops->close(k, 0);
}

static int write_meanwhile(void *ctx, const struct store_alert *al)
{
	struct sink *k = ctx;
	put(k, (unsigned)al->seq + 1000, (unsigned)al->seq + 1000);
	return 0;
}

/* A pager that waits must not keep the -wal from being used again. */
static void test_slow_reader_holds_nothing(void **state)
{
	(void)state;
	struct sink *k = sink_open(0);
	struct err e;
	char wal[160];
	struct stat st;

	put(k, 1, 900);
	struct store *s = open_store(0);
	assert_int_equal(store_each(s, &(struct store_query){ 0 }, write_meanwhile, k, &e), 0);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	assert_int_equal(stat(wal, &st), 0);
	assert_true(st.st_size < 16 << 20);
	store_close(s);
	k->ops->close(k, 0);
	assert_int_equal(query(&(struct store_query){ 0 }).n, 1800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_content_in_order),
		T(test_queries),
		T(test_callback_stops),
		T(test_hostile_bytes),
		T(test_pending_is_bounded),
		T(test_notify),
		T(test_trim_and_missed),
		T(test_trim_by_bytes),
		T(test_reopen),
		T(test_reader_beside_writer),
		T(test_slow_reader_holds_nothing),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
