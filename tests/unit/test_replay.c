/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings: written by the record sink, read back, cut and damaged in every place. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "pipeline.h"
#include "sink/record.h"
#include "source/replay.h"
#include "stream_ends.h"

static char dir[] = "/tmp/redshank-test-XXXXXX";
static char path[64]; /* a file in it */
static struct buf file; /* what is to be in it */
static struct buf seen; /* the records that came out of it */
static unsigned nseen;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/recording", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&file);
	buf_free(&seen);
	unlink(path);
	return rmdir(dir); /* nothing else was made in it */
}

static void write_file(const void *p, size_t len)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	fclose(f);
}

static int see(void *ctx, const void *rec, size_t len)
{
	(void)ctx;
	assert_int_equal((uintptr_t)rec % 8, 0);
	assert_int_equal(((const struct ev_hdr *)rec)->len, len);
	buf_put(&seen, rec, len);
	nseen++;
	return 0;
}

/* Opens and reads to the end; the first error, or -ENODATA. */
static int replay(const char *name, struct err *e)
{
	struct source *s;
	memset(e, 0, sizeof(*e));
	buf_reset(&seen);
	nseen = 0;
	int rc = replay_open(name, &s, e);
	if (rc)
		return rc;
	assert_int_equal(s->ops->fd(s), -1);
	do
		rc = s->ops->drain(s, see, NULL, 2, e);
	while (rc == 1);
	assert_int_not_equal(rc, 0);
	if (rc == -ENODATA) /* and it stays at the end */
		assert_int_equal(s->ops->drain(s, see, NULL, 2, e), -ENODATA);
	s->ops->close(s);
	return rc;
}

/* The error speaks of the file and of this byte of it. */
static void assert_offset(const struct err *e, size_t offset)
{
	char want[128];
	snprintf(want, sizeof(want), "%s: offset %zu: ", path, offset);
	if (strncmp(e->text, want, strlen(want)) != 0)
		fail_msg("%s, but it is at %zu", e->text, offset);
}

static void put_magic(void)
{
	buf_reset(&file);
	buf_put(&file, RECORDING_MAGIC, RECORDING_MAGIC_LEN);
}

/* Appends the record, as long as the kernel would make it, and frees it. */
static void put_record(void *rec)
{
	struct ev_hdr *h = rec;
	h->len = (h->len + 7) & ~7U;
	buf_put(&file, rec, h->len);
	rec_free(rec);
}

static void *exec_rec(const char *exe)
{
	struct ev_exec *r = REC_NEW(exec);
	REC_STR(exec, r, exe, exe);
	return r;
}

static void no_recordings(void **state)
{
	(void)state;
	static const struct {
		const char *p;
		size_t len;
	} bad[] = { { "", 0 },
		    { "redshank-rec-01", 15 },
		    { "redshank-rec-02\n", 16 },
		    { "redshank-rec-01\0", 16 },
		    { "REDSHANK-REC-01\n", 16 },
		    { "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", 17 } };
	struct err e;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file(bad[i].p, bad[i].len);
		assert_int_equal(replay(path, &e), -EBADMSG);
		assert_offset(&e, 0);
	}
	assert_int_equal(replay(dir, &e), -EISDIR);
	assert_non_null(strstr(e.text, dir));
	assert_int_equal(replay("/nonexistent/x", &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/x"));
	assert_int_equal(replay("", &e), -ENOENT);
}

static void only_the_magic(void **state)
{
	(void)state;
	struct err e;
	write_file(RECORDING_MAGIC, RECORDING_MAGIC_LEN);
	assert_int_equal(replay(path, &e), -ENODATA);
	assert_int_equal(nseen, 0);
}

static void cut_at_every_byte(void **state)
{
	(void)state;
	struct err e;
	size_t start[4];
	put_magic();
	start[0] = file.len;
	put_record(exec_rec("/bin/one"));
	start[1] = file.len;
	put_record(rec_new(EV_fork));
	start[2] = file.len;
	put_record(exec_rec("/bin/three"));
	start[3] = file.len;
	for (size_t len = 0; len <= file.len; len++) {
		write_file(file.data, len);
		int rc = replay(path, &e);
		unsigned whole = 0;
		while (whole < 3 && len >= start[whole + 1])
			whole++;
		assert_int_equal(nseen, whole);
		if (len < RECORDING_MAGIC_LEN) {
			assert_int_equal(rc, -EBADMSG);
			assert_offset(&e, 0);
		} else if (len == start[whole]) {
			assert_int_equal(rc, -ENODATA);
			assert_int_equal(seen.len, len - RECORDING_MAGIC_LEN);
			assert_true(!seen.len ||
				    !memcmp(seen.data, file.data + RECORDING_MAGIC_LEN, seen.len));
		} else {
			assert_int_equal(rc, -EBADMSG);
			assert_offset(&e, start[whole]);
		}
	}
}

static void impossible_lengths(void **state)
{
	(void)state;
	static const uint32_t bad[] = { 0,
					1,
					7,
					sizeof(struct ev_hdr) - 8,
					sizeof(struct ev_hdr) - 1,
					sizeof(struct ev_hdr) + 1,
					sizeof(struct ev_hdr) + 4,
					EV_LEN_MAX + 1,
					EV_LEN_MAX + 8,
					65536,
					0x7fffffff,
					0x80000000,
					0xfffffff8,
					0xffffffff };
	struct err e;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_magic();
		put_record(rec_new(EV_fork));
		size_t at = file.len;
		put_record(exec_rec("/bin/x"));
		put_record(exec_rec("/bin/y"));
		memcpy(file.data + at, &bad[i], sizeof(bad[i]));
		write_file(file.data, file.len);
		assert_int_equal(replay(path, &e), -EBADMSG);
		assert_offset(&e, at);
		assert_int_equal(nseen, 1); /* nothing behind it is believed */
	}
}

static void longest_record(void **state)
{
	(void)state;
	struct err e;
	struct ev_hdr *h = rec_new(EV_fork);
	put_magic();
	h->len = EV_LEN_MAX;
	put_record(h);
	put_record(rec_new(EV_fork));
	write_file(file.data, file.len);
	assert_int_equal(replay(path, &e), -ENODATA);
	assert_int_equal(nseen, 2);
}

static int refuse_third(void *ctx, const void *rec, size_t len)
{
	(void)rec;
	(void)len;
	return ++*(unsigned *)ctx == 3 ? -EPERM : 0;
}

static void error_of_the_taker(void **state)
{
	(void)state;
	unsigned n = 0;
	struct err e;
	struct source *s;
	size_t at = 0;
	put_magic();
	for (unsigned i = 0; i < 5; i++) {
		at = i == 2 ? file.len : at;
		put_record(exec_rec("/bin/x"));
	}
	write_file(file.data, file.len);
	assert_int_equal(replay_open(path, &s, &e), 0);
	strcpy(e.text, "why");
	assert_int_equal(s->ops->drain(s, refuse_third, &n, 100, &e), -EPERM);
	assert_offset(&e, at);
	assert_non_null(strstr(e.text, ": why"));
	assert_int_equal(n, 3);
	s->ops->close(s);
}

/* Through the pipeline: what comes out, and what the error says. */
static int pipe_through(struct keeper *out, struct pipeline_stats *st, struct err *e)
{
	struct source *s;
	struct pipeline *p;
	*out = KEEPER;
	memset(e, 0, sizeof(*e));
	assert_int_equal(replay_open(path, &s, e), 0);
	struct pipeline_config c = { .source = s, .proc_slots = 64 };
	assert_int_equal(pipeline_new(&c, &p, e), 0);
	assert_int_equal(pipeline_add_sink(p, &out->sink, true), 0);
	int rc = pipeline_run(p, 0, e);
	pipeline_get_stats(p, st);
	pipeline_free(p, 0);
	return rc;
}

static void of_other_builds(void **state)
{
	(void)state;
	static struct keeper out;
	struct pipeline_stats st;
	struct err e;
	struct ev_hdr *h;

	put_magic();
	put_record(rec_new(EV_fork));
	h = rec_new(EV_exit); /* an event of the future */
	h->type = EV_TYPE_MAX + 1000;
	put_record(h);
	h = rec_new(EV_exec); /* an exec of the past */
	h->len = h->fixed = sizeof(*h) + 8;
	put_record(h);
	h = rec_new(EV_fork); /* a fork with fields of the future */
	h->fixed = (u16)(h->fixed + 64);
	h->len = h->fixed;
	put_record(h);
	write_file(file.data, file.len);
	if (pipe_through(&out, &st, &e))
		fail_msg("%s", e.text);
	assert_int_equal(out.n, 3);
	assert_int_equal(out.kept[0].type, EV_fork);
	assert_int_equal(out.kept[1].type, EV_exec);
	assert_int_equal(out.kept[2].type, EV_fork);
	assert_int_equal(out.kept[2].seq, 3);
	assert_int_equal(st.unknown, 1);
	assert_int_equal(st.invalid, 0);
}

static void damaged_inside(void **state)
{
	(void)state;
	static struct keeper out;
	struct pipeline_stats st;
	struct err e;
	struct ev_exec *r = exec_rec("/bin/x");

	put_magic();
	put_record(rec_new(EV_fork));
	size_t at = file.len;
	r->exe.off = 8; /* into the header */
	put_record(r);
	put_record(rec_new(EV_fork));
	write_file(file.data, file.len);
	assert_int_equal(pipe_through(&out, &st, &e), -EBADMSG);
	assert_offset(&e, at);
	assert_non_null(strstr(e.text, "process.executable")); /* and what is wrong with it */
	assert_int_equal(out.n, 1);
}

static void standard_input(void **state)
{
	(void)state;
	struct err e;
	put_magic();
	put_record(exec_rec("/bin/x"));
	put_record(rec_new(EV_fork));
	write_file(file.data, file.len);
	assert_non_null(freopen(path, "r", stdin));
	assert_int_equal(replay("-", &e), -ENODATA);
	assert_int_equal(nseen, 2);
	write_file("x", 1);
	assert_non_null(freopen(path, "r", stdin));
	assert_int_equal(replay("-", &e), -EBADMSG);
	assert_int_equal(strncmp(e.text, "-: offset 0", 11), 0);
}

static void recorded_and_replayed(void **state)
{
	(void)state;
	struct sink *s;
	struct stat st;
	struct err e;

	unlink(path);
	assert_int_equal(record_open(path, &s, &e), 0);
	assert_return_code(stat(path, &st), errno);
	assert_int_equal(st.st_mode & 07777, 0600); /* command lines are in it */
	put_magic();
	for (unsigned i = 0; i < 500; i++) {
		struct ev_hdr *h = i % 3 ? exec_rec("/usr/bin/something") : rec_new(1 + i % 6);
		h->time = i;
		h->len = (h->len + 7) & ~7U;
		struct event ev = rec_event(h);
		assert_int_equal(s->ops->event(s, &ev), 0);
		put_record(h);
	}
	assert_int_equal(s->ops->flush(s), 0);
	const struct sink_ops *ops = s->ops;
	ops->close(s, 0);
	ops->close(NULL, 0);
	assert_int_equal(replay(path, &e), -ENODATA);
	assert_int_equal(nseen, 500);
	assert_int_equal(seen.len, file.len - RECORDING_MAGIC_LEN);
	assert_memory_equal(seen.data, file.data + RECORDING_MAGIC_LEN, seen.len);

	/* Never over a file that is there. */
	assert_int_equal(record_open(path, &s, &e), -EEXIST);
	assert_non_null(strstr(e.text, path));
	assert_int_equal(record_open("/nonexistent/x", &s, &e), -ENOENT);
}

/* A full disk must show before the end, not only at close. */
static void disk_full(void **state)
{
	(void)state;
	struct sink *s;
	struct err e;
	struct ev_hdr *h = rec_new(EV_fork);
	struct event ev = rec_event(h);
	int saved = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY);

	assert_true(saved >= 0 && full >= 0);
	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	int rc = record_open("-", &s, &e);
	dup2(saved, STDOUT_FILENO);
	assert_int_equal(rc, 0);
	s->ops->event(s, &ev);
	assert_true(s->ops->flush(s) < 0);
	s->ops->close(s, 0);
	close(saved);
	close(full);
	rec_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_recordings),     cmocka_unit_test(only_the_magic),
		cmocka_unit_test(cut_at_every_byte), cmocka_unit_test(impossible_lengths),
		cmocka_unit_test(longest_record),    cmocka_unit_test(error_of_the_taker),
		cmocka_unit_test(of_other_builds),   cmocka_unit_test(damaged_inside),
		cmocka_unit_test(standard_input),    cmocka_unit_test(recorded_and_replayed),
		cmocka_unit_test(disk_full),
	};
	return cmocka_run_group_tests_name("replay", tests, setup, teardown);
}
