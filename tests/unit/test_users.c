/* SPDX-License-Identifier: Apache-2.0 */
/* User names from a passwd file of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "enrich/users.h"

#define NS 4026531841U

static char dir[] = "/tmp/redshank-users.XXXXXX";
static char file[64], other[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/passwd", dir);
	snprintf(other, sizeof(other), "%s/passwd.new", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file);
	unlink(other);
	return rmdir(dir);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void use(const char *text)
{
	write_file(file, text);
	users_use(file, NS);
}

static void names(void **state)
{
	(void)state;
	use("root:x:0:0:root:/root:/bin/sh\n"
	    "daemon:x:1:1::/:/bin/false\n"
	    "alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash\n"
	    "toor:x:0:0:second name of uid 0:/root:/bin/sh\n"
	    "last:x:4294967294:1::/:/bin/false\n");
	assert_string_equal(user_name(0, NS), "root"); /* as getpwuid(3): the first one */
	assert_string_equal(user_name(1, NS), "daemon");
	assert_string_equal(user_name(1000, NS), "alice");
	assert_string_equal(user_name(4294967294, NS), "last");
	assert_string_equal(user_name(2, NS), "");
	assert_string_equal(user_name(UINT32_MAX, NS), "");
}

static void other_namespaces(void **state)
{
	(void)state;
	use("root:x:0:0:root:/root:/bin/sh\n");
	assert_string_equal(user_name(0, NS + 1), "");
	assert_string_equal(user_name(0, 0), ""); /* not known to be the host's */
	assert_string_equal(user_name(0, USERS_HOST), "root");
	users_use(file,
		  0); /* the host's namespace is not known: nor is anything known to be in it */
	assert_string_equal(user_name(0, 0), "");
}

static void odd_lines(void **state)
{
	(void)state;
	char text[2048] = "";
	char name[400];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text),
		 "# comment\n\n+\n+::::::\n-bob:x:0:0::/:\nbroken\nnouid:x:abc:1::/:\n"
		 "%s:x:7:7::/:\nneg:x:-5:1::/:\nbig:x:99999999999:1::/:\nok:x:5:5::/:/bin/sh",
		 name);
	use(text);
	assert_string_equal(user_name(5, NS), "ok"); /* last line without newline */
	assert_string_equal(user_name(0, NS), ""); /* NIS lines have no uid of their own */
	assert_string_equal(user_name(7, NS), ""); /* longer than any login name */
}

static void no_file(void **state)
{
	(void)state;
	users_use("/nonexistent/passwd", NS);
	assert_string_equal(user_name(0, NS), "");
	users_use(dir, NS); /* a directory */
	assert_string_equal(user_name(0, NS), "");
	users_use("/dev/zero", NS); /* must not be read */
	assert_string_equal(user_name(0, NS), "");
	unlink(file);
	assert_int_equal(mkfifo(file, 0600), 0); /* must not block */
	users_use(file, NS);
	assert_string_equal(user_name(0, NS), "");
	unlink(file);
}

static void wait_for_check(void)
{
	nanosleep(&(struct timespec){ 1, 50000000 }, NULL);
}

static void changes(void **state)
{
	(void)state;
	use("one:x:1:1::/:\n");
	assert_string_equal(user_name(1, NS), "one");
	/* As useradd does it: a new file is renamed over the old one. */
	write_file(other, "two:x:1:1::/:\n");
	assert_int_equal(rename(other, file), 0);
	assert_string_equal(user_name(1, NS), "one"); /* not looked at again within a second */
	wait_for_check();
	assert_string_equal(user_name(1, NS), "two");
	write_file(file, "three:x:1:1::/:\n"); /* in place */
	wait_for_check();
	assert_string_equal(user_name(1, NS), "three");
	assert_int_equal(unlink(file), 0);
	wait_for_check();
	assert_string_equal(user_name(1, NS), "");
}

static void bounded(void **state)
{
	(void)state;
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	for (unsigned i = 0; i < USERS_MAX + 100; i++)
		fprintf(f, "u%u:x:%u:1::/:\n", i, USERS_MAX + 100 - i);
	assert_int_equal(fclose(f), 0);
	users_use(file, NS);
	assert_string_equal(user_name(USERS_MAX + 100, NS), "u0");
	assert_string_equal(user_name(101, NS), "u65535"); /* the last one that is kept */
	assert_string_equal(user_name(100, NS), "");
}

static void disabled(void **state)
{
	(void)state;
	use("root:x:0:0:root:/root:/bin/sh\n");
	assert_string_equal(user_name(0, NS), "root");
	users_disable();
	assert_string_equal(user_name(0, NS), "");
	assert_string_equal(user_name(0, USERS_HOST), "");
	users_disable();
	users_use(file, NS);
	assert_string_equal(user_name(0, NS), "root");
	users_disable();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),    cmocka_unit_test(other_namespaces),
		cmocka_unit_test(no_file),  cmocka_unit_test(odd_lines),
		cmocka_unit_test(changes),  cmocka_unit_test(bounded),
		cmocka_unit_test(disabled),
	};
	return cmocka_run_group_tests_name("users", tests, setup, teardown);
}
