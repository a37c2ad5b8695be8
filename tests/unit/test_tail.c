/* SPDX-License-Identifier: Apache-2.0 */
/* The live view to standard output: its formats, numbers and ends. A client's: _client.c. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "encode/alert_pb.h"
#include "tail_stream.h"

static int writer;

static void open_pipe(struct tail_config c)
{
	int fds[2];
	assert_return_code(pipe2(fds, O_CLOEXEC), errno);
	fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	reader = fds[0];
	writer = fds[1];
	assert_int_equal(tail_open(writer, &c, &sink), 0);
}

/* Ends the stream and reads all of it. */
static void close_pipe(void)
{
	sink->ops->close(sink, 0);
	sink = NULL;
	assert_return_code(close(writer), errno); /* not the sink's to close */
	for (size_t before = 1; before != got.len;) {
		before = got.len;
		read_some(1 << 20);
	}
}

static void json_lines(void **state)
{
	(void)state;
	size_t at = 0, n = 0;
	open_pipe((struct tail_config){ .format = TAIL_json });
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(give(EV_exec), 0);
		assert_int_equal(give(EV_proc), 0); /* not shown: takes no number */
		assert_int_equal(give_alert(i), 0);
		assert_int_equal(give(EV_gap), 0);
	}
	close_pipe();
	for (json_t *j; (j = next_line(&at)); json_decref(j))
		assert_int_equal(number(j, "event", "sequence", NULL), ++n);
	assert_int_equal(n, 150);
}

static void text_lines(void **state)
{
	(void)state;
	open_pipe((struct tail_config){ .format = TAIL_text });
	assert_int_equal(give(EV_exit), 0);
	assert_int_equal(give_alert(1), 0);
	assert_int_equal(give(EV_gap), 0);
	close_pipe();
	const char *text = buf_str(&got);
	assert_non_null(strstr(text, "exit"));
	assert_non_null(strstr(text, "x was run from memory\n"));
	assert_non_null(strstr(text, "LOST"));
	assert_null(strchr(text, '\x1b'));
	assert_int_equal(text[got.len - 1], '\n');
}

static void proto_records(void **state)
{
	(void)state;
	open_pipe((struct tail_config){ .format = TAIL_proto });
	assert_int_equal(give(EV_exec), 0);
	assert_int_equal(give_alert(7), 0);
	close_pipe();
	const uint8_t *p = (const uint8_t *)got.data, *end = p + got.len;
	for (unsigned n = 1; n <= 2; n++) {
		size_t len = 0;
		for (unsigned shift = 0;; shift += 7) {
			assert_true(p < end);
			len |= (size_t)(*p & 0x7f) << shift;
			if (!(*p++ & 0x80))
				break;
		}
		assert_true(len <= (size_t)(end - p));
		Redshank__V1__Record *r = redshank__v1__record__unpack(NULL, len, p);
		assert_non_null(r);
		assert_int_equal(r->sequence, n);
		assert_int_equal(r->kind_case, n == 1 ? REDSHANK__V1__RECORD__KIND_EVENT
						      : REDSHANK__V1__RECORD__KIND_ALERT);
		if (n == 1)
			assert_string_equal(r->event->type, "exec");
		else
			assert_int_equal(r->alert->sequence, 7);
		redshank__v1__record__free_unpacked(r, NULL);
		p += len;
	}
	assert_ptr_equal(p, end);
}

static void counts_lines(void **state)
{
	(void)state;
	size_t at = 0, n = 0;
	open_pipe((struct tail_config){ .format = TAIL_json, .count = 3 });
	assert_int_equal(give(EV_exec), 0);
	assert_int_equal(give(EV_host), 0);
	assert_int_equal(give(EV_gap), 0); /* nobody asked for it */
	assert_int_equal(give_alert(1), 0);
	read_some(1 << 20);
	assert_int_equal(give(EV_exec), 1); /* the last one, and written at once */
	size_t before = got.len;
	read_some(1 << 20);
	assert_true(got.len > before);
	assert_int_equal(give(EV_exec), 1);
	assert_int_equal(give_alert(2), 1);
	close_pipe();
	for (json_t *j; (j = next_line(&at)); json_decref(j))
		n++;
	assert_int_equal(n, 4);
}

static void filters(void **state)
{
	(void)state;
	size_t at = 0, n = 0;
	open_pipe((struct tail_config){ .format = TAIL_json, .filter.alerts_only = true });
	give(EV_exec);
	give_alert(1);
	give(EV_exit);
	give(EV_gap);
	close_pipe();
	for (json_t *j; (j = next_line(&at)); json_decref(j))
		assert_int_equal(number(j, "event", "sequence", NULL), ++n);
	assert_int_equal(n, 2);
}

static void written_at_flush(void **state)
{
	(void)state;
	open_pipe((struct tail_config){ .format = TAIL_json });
	give(EV_exec);
	assert_int_equal(sink->ops->flush(sink), 0);
	read_some(1 << 20);
	assert_true(got.len > 0 && got.data[got.len - 1] == '\n');
	close_pipe();
}

static void reader_of_the_pipe_gone(void **state)
{
	(void)state;
	open_pipe((struct tail_config){ .format = TAIL_json });
	close(reader);
	reader = -1;
	int rc = give(EV_exec);
	assert_true(rc == 0 || rc == 1);
	assert_int_equal(sink->ops->flush(sink), 1);
	assert_int_equal(give(EV_exec), 1);
	sink->ops->close(sink, 0);
	sink = NULL;
	close(writer);
}

static void names_of_formats(void **state)
{
	(void)state;
	enum tail_format f;
	assert_int_equal(tail_format_by_name("text", &f), 0);
	assert_int_equal(f, TAIL_text);
	assert_int_equal(tail_format_by_name("json", &f), 0);
	assert_int_equal(f, TAIL_json);
	assert_int_equal(tail_format_by_name("proto", &f), 0);
	assert_int_equal(f, TAIL_proto);
	assert_int_equal(tail_format_by_name("", &f), -EINVAL);
	assert_int_equal(tail_format_by_name("JSON", &f), -EINVAL);
	assert_int_equal(tail_format_by_name("none", &f), -EINVAL);
	assert_int_equal(f, TAIL_proto);
}

#define T(name_) cmocka_unit_test_teardown(name_, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(json_lines),
		T(text_lines),
		T(proto_records),
		T(counts_lines),
		T(filters),
		T(written_at_flush),
		T(reader_of_the_pipe_gone),
		cmocka_unit_test(names_of_formats),
	};
	return cmocka_run_group_tests_name("tail", tests, setup, NULL);
}
