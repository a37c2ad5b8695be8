/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the daemon: what is understood, and that nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "control.h"
#include "control_wire.h"

/* From an allocation of exactly its size, so that a sanitizer sees what reads on. */
static int parse_bytes(const char *p, size_t len, struct control_request *ret, struct err *e)
{
	char *copy = malloc(len ? len : 1);
	assert_non_null(copy);
	memcpy(copy, p, len);
	memset(ret, 0x5a, sizeof(*ret));
	memset(e, 0, sizeof(*e));
	int rc = control_request_parse(copy, len, ret, e);
	free(copy);
	return rc;
}

static void takes(const char *line, struct control_request *ret)
{
	struct err e;
	if (parse_bytes(line, strlen(line), ret, &e))
		fail_msg("%s: %s", line, e.text);
}

static void refuses_bytes(const char *p, size_t len)
{
	struct control_request r;
	struct err e;
	int rc = parse_bytes(p, len, &r, &e);
	if (rc != -EINVAL)
		fail_msg("%d for %.*s", rc, (int)len, p);
	assert_true(memchr(e.text, 0, sizeof(e.text)) && *e.text);
	assert_null(strchr(e.text, '\n'));
}

static void refuses(const char *line)
{
	refuses_bytes(line, strlen(line));
}

static void commands(void **state)
{
	(void)state;
	struct control_request r;
	takes("{\"command\":\"stats\"}", &r);
	assert_int_equal(r.command, CONTROL_stats);
	takes("{\"command\":\"stats\"}\nwhatever follows \xff", &r);
	assert_int_equal(r.command, CONTROL_stats);
	takes("{\"command\":\"status\"}", &r);
	assert_int_equal(r.command, CONTROL_status);
	takes("  { \"command\" : \"tail\" }  ", &r);
	assert_int_equal(r.command, CONTROL_tail);
	assert_int_equal(r.tail.format, TAIL_text);
	assert_true(r.tail.client);
	assert_false(r.tail.colour);
	assert_int_equal(r.tail.count, 0);
	assert_int_equal(r.tail.filter.types, 0);
	assert_int_equal(r.tail.filter.pid, 0);
	assert_string_equal(r.tail.filter.comm, "");
	assert_string_equal(r.tail.filter.container, "");
	assert_false(r.tail.filter.alerts_only);
}

static void every_option(void **state)
{
	(void)state;
	struct control_request r;
	takes("{\"command\":\"tail\",\"format\":\"proto\",\"colour\":true,\"alerts_only\":true,"
	      "\"types\":6,\"pid\":4294967295,\"comm\":\"ba*\",\"container\":\"0c\","
	      "\"count\":9223372036854775807}",
	      &r);
	assert_int_equal(r.tail.format, TAIL_proto);
	assert_true(r.tail.colour);
	assert_true(r.tail.filter.alerts_only);
	assert_int_equal(r.tail.filter.types, 6);
	assert_int_equal(r.tail.filter.pid, UINT32_MAX);
	assert_string_equal(r.tail.filter.comm, "ba*");
	assert_string_equal(r.tail.filter.container, "0c");
	assert_int_equal(r.tail.count, INT64_MAX);
	takes("{\"command\":\"tail\",\"types\":-9223372036854775808}", &r); /* the topmost bit */
	assert_int_equal(r.tail.filter.types, 1ULL << 63);
	/* A newer client's: ignored. */
	takes("{\"command\":\"tail\",\"tomorrow\":[1,{}]}", &r);
}

static void no_requests(void **state)
{
	(void)state;
	refuses("");
	refuses("\n");
	refuses("\n{\"command\":\"stats\"}"); /* the first line counts */
	refuses("tail");
	refuses("null");
	refuses("1");
	refuses("\"tail\"");
	refuses("[]");
	refuses("[\"command\",\"tail\"]");
	refuses("[{\"command\":\"tail\"}]");
	refuses("{}");
	refuses("{\"Command\":\"tail\"}");
	refuses("{\"command\":\"\"}");
	refuses("{\"command\":\"tails\"}");
	refuses("{\"command\":\"TAIL\"}");
	refuses("{\"command\":null}");
	refuses("{\"command\":1}");
	refuses("{\"command\":[\"tail\"]}");
	refuses("{\"command\":{\"tail\":1}}");
	refuses("{\"command\":\"tail\"");
	refuses("{\"command\":\"tail\"}}");
	refuses("{\"command\":\"tail\"} {\"command\":\"tail\"}");
	refuses("{\"command\":\"stats\",\"command\":\"tail\"}"); /* which of them? */
	refuses("{\"command\":\"tail\",\"pid\":1,\"pid\":2}");
	refuses("{'command':'tail'}");
	refuses("{\"command\":\"tail\",}");
	refuses("{\"command\":\"%s%s%n\"}");
	refuses("{\"command\":\"\xff\xfe\"}");
	refuses("{\"command\":"
		"\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
		"\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4x\xc3\xa4\"}");
	refuses("{\"command\":\"ta\\u0000il\"}");
	refuses("{\"command\":\"tail\\u0000\"}");
	refuses("{\"command\":\"\\ud800\"}");
	refuses_bytes("{\"command\":\"tail\"}\0", 19);
	refuses_bytes("{\"command\":\"tail\0\"}", 19);
	refuses_bytes("\0\0\0\0", 4);
}

/* A filter that was not understood must not be taken for none: it would show what it should not. */
static void wrong_types(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"\"format\":1",
		"\"format\":null",
		"\"format\":\"xml\"",
		"\"format\":\"\"",
		"\"format\":\"JSON\"",
		"\"format\":[\"json\"]",
		"\"comm\":1",
		"\"comm\":[]",
		"\"comm\":true",
		"\"container\":{}",
		"\"container\":0",
		"\"pid\":\"1\"",
		"\"pid\":-1",
		"\"pid\":4294967296",
		"\"pid\":1.5",
		"\"pid\":[1]",
		"\"pid\":true",
		"\"pid\":null",
		"\"count\":-1",
		"\"count\":\"5\"",
		"\"count\":1e3",
		"\"types\":\"exec\"",
		"\"types\":[1]",
		"\"types\":1.0",
		"\"alerts_only\":1",
		"\"alerts_only\":\"true\"",
		"\"colour\":\"yes\"",
		"\"colour\":0",
		"\"pid\":99999999999999999999999999",
		"\"count\":1e999",
		"\"count\":-99999999999999999999999999",
		"\"types\":18446744073709551615",
		"\"comm\":\"a\\u0000b\"",
	};
	char line[256];
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "{\"command\":\"tail\",%s}", bad[i]);
		refuses(line);
	}
}

static void long_texts(void **state)
{
	(void)state;
	struct control_request r;
	char line[CONTROL_REQUEST_MAX], name[FILTER_TEXT + 1];
	memset(name, 'x', sizeof(name));
	name[FILTER_TEXT - 1] = '\0';
	snprintf(line, sizeof(line), "{\"command\":\"tail\",\"comm\":\"%s\",\"container\":\"%s\"}",
		 name, name);
	takes(line, &r);
	assert_string_equal(r.tail.filter.comm, name);
	assert_string_equal(r.tail.filter.container, name);
	name[FILTER_TEXT - 1] = 'x';
	name[FILTER_TEXT] = '\0';
	snprintf(line, sizeof(line), "{\"command\":\"tail\",\"comm\":\"%s\"}", name);
	refuses(line);
	snprintf(line, sizeof(line), "{\"command\":\"tail\",\"container\":\"%s\"}", name);
	refuses(line);
	snprintf(line, sizeof(line), "{\"command\":\"tail\",\"format\":\"%s\"}", name);
	refuses(line);
	snprintf(line, sizeof(line), "{\"command\":\"%03900d\"}", 0);
	refuses(line);
}

static void deep_nesting(void **state)
{
	(void)state;
	static const char *const opens[] = { "[", "{\"a\":", "[[],", "{\"command\":" };
	char *line = malloc(100 * CONTROL_REQUEST_MAX + 16);
	assert_non_null(line);
	for (unsigned i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
		size_t n = 0;
		while (n < 100 * CONTROL_REQUEST_MAX)
			n += (size_t)sprintf(line + n, "%s", opens[i]);
		refuses_bytes(line, n);
		refuses_bytes(line, CONTROL_REQUEST_MAX);
	}
	free(line);
}

/* Any bytes, and requests with bytes changed: the answer is yes or -EINVAL, and texts end. */
static void random_bytes(void **state)
{
	(void)state;
	static const char good[] = "{\"command\":\"tail\",\"format\":\"json\",\"types\":6,"
				   "\"pid\":12,\"comm\":\"sh\",\"count\":3,\"colour\":true}";
	char line[sizeof(good)];
	struct control_request r;
	struct err e;
	srand(1);
	for (unsigned i = 0; i < 50000; i++) {
		size_t len = (size_t)rand() % sizeof(good);
		memcpy(line, good, sizeof(good));
		for (int k = rand() % 4; k >= 0; k--)
			line[(size_t)rand() % sizeof(good)] = (char)rand();
		int rc = parse_bytes(line, i % 2 ? len : sizeof(good) - 1, &r, &e);
		assert_true(rc == 0 || rc == -EINVAL);
		if (rc)
			continue;
		assert_true(memchr(r.tail.filter.comm, 0, FILTER_TEXT));
		assert_true(memchr(r.tail.filter.container, 0, FILTER_TEXT));
		assert_in_range(r.tail.format, TAIL_text, TAIL_proto);
	}
}

static void addresses(void **state)
{
	(void)state;
	struct sockaddr_un a;
	struct err e;
	char path[CONTROL_PATH_MAX + 1];
	memset(path, 'p', sizeof(path));
	path[CONTROL_PATH_MAX] = '\0';
	assert_int_equal(control_address(path, &a, &e), -EINVAL);
	path[CONTROL_PATH_MAX - 1] = '\0';
	assert_int_equal(control_address(path, &a, &e), 0);
	assert_string_equal(a.sun_path, path);
	assert_int_equal(a.sun_family, AF_UNIX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),	cmocka_unit_test(every_option),
		cmocka_unit_test(no_requests),	cmocka_unit_test(wrong_types),
		cmocka_unit_test(long_texts),	cmocka_unit_test(deep_nesting),
		cmocka_unit_test(random_bytes), cmocka_unit_test(addresses),
	};
	return cmocka_run_group_tests_name("control_wire", tests, NULL, NULL);
}
