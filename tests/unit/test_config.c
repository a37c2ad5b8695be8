/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: every key, every bound, and that mistakes are told with their place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

static char path[64]; /* of the file below, in memory */
static int file = -1;

static int load_bytes(struct config *c, const void *p, size_t len, struct err *e)
{
	if (file < 0) {
		file = memfd_create("config", MFD_CLOEXEC);
		assert_true(file >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	assert_return_code(ftruncate(file, 0), errno);
	assert_int_equal(pwrite(file, p, len, 0), (ssize_t)len);
	memset(e, 0, sizeof(*e));
	config_defaults(c);
	return config_load(c, path, e);
}

static void takes(struct config *c, const char *text)
{
	struct err e;
	int rc = load_bytes(c, text, strlen(text), &e);
	if (rc)
		fail_msg("refused (%s):\n%s", e.text, text);
}

/* Refused, with the place (line:column, or NULL: any) and a word of the reason. */
static void refuses(const char *text, const char *place, const char *word)
{
	struct config c;
	struct err e;
	unsigned line, column;
	char want[96];

	if (load_bytes(&c, text, strlen(text), &e) != -EINVAL)
		fail_msg("not refused:\n%s", text);
	snprintf(want, sizeof(want), "%s:%s", path, place ? place : "");
	if (strncmp(e.text, want, strlen(want)) != 0)
		fail_msg("%s: not at %s:\n%s", e.text, place, text);
	assert_int_equal(sscanf(e.text + strlen(path), ":%u:%u: ", &line, &column), 2);
	if (word && !strstr(e.text, word))
		fail_msg("does not speak of %s: %s", word, e.text);
	assert_null(strchr(e.text, '\n'));
}

static void assert_same(const struct config *a, const struct config *b)
{
	assert_string_equal(a->output, b->output);
	assert_int_equal(a->alerts_only, b->alerts_only);
	assert_string_equal(a->socket, b->socket);
	assert_string_equal(a->store_path, b->store_path);
	assert_int_equal(a->store_alerts_max, b->store_alerts_max);
	assert_string_equal(a->otlp_url, b->otlp_url);
	assert_string_equal(a->otlp_headers_file, b->otlp_headers_file);
	assert_string_equal(a->otlp_ca_file, b->otlp_ca_file);
	assert_int_equal(a->otlp_timeout_ms, b->otlp_timeout_ms);
	assert_int_equal(a->otlp_heartbeat, b->otlp_heartbeat);
	assert_int_equal(a->heartbeat_s, b->heartbeat_s);
	assert_int_equal(a->ring_main_kib, b->ring_main_kib);
	assert_int_equal(a->ring_bulk_kib, b->ring_bulk_kib);
	assert_int_equal(a->processes_max, b->processes_max);
	assert_int_equal(a->process_strings_mib, b->process_strings_mib);
	assert_int_equal(a->env_count, b->env_count);
	for (unsigned i = 0; i < a->env_count; i++)
		assert_string_equal(a->env_name[i], b->env_name[i]);
}

/* The file is the reference: over other values, it must give every default back. */
static void reference_file(void **state)
{
	(void)state;
	struct config c, defaults;
	struct err e;

	config_defaults(&defaults);
	memset(&c, 0x7f, sizeof(c));
	c.alerts_only = true;
	int rc = config_load(&c, "deploy/redshank.yaml", &e);
	if (rc)
		fail_msg("%s", e.text);
	assert_same(&c, &defaults);
}

static void every_key(void **state)
{
	(void)state;
	struct config c;
	takes(&c, "output:\n  format: proto\n  alerts_only: true\n"
		  "socket: /tmp/s\n"
		  "store: {path: /tmp/db, alerts_max: 7}\n"
		  "otlp:\n  url: http://localhost:1/v1/logs\n  headers_file: /h\n"
		  "  ca_file: /ca\n  timeout_ms: 100\n  heartbeat: false\n"
		  "heartbeat: {interval: 86400}\n"
		  "story: {notes: 0, per_process: 64, per_alert: 1}\n"
		  "containers: {root: /host}\n"
		  "limits:\n  ring_main_kib: 64\n  ring_bulk_kib: 1048576\n"
		  "  processes: 1024\n  process_strings_mib: 4096\n"
		  "env: [A, _b2]\n");
	struct config want = {
		.output = "proto",
		.alerts_only = true,
		.socket = "/tmp/s",
		.store_path = "/tmp/db",
		.store_alerts_max = 7,
		.otlp_url = "http://localhost:1/v1/logs",
		.otlp_headers_file = "/h",
		.otlp_ca_file = "/ca",
		.otlp_timeout_ms = 100,
		.otlp_heartbeat = false,
		.heartbeat_s = 86400,
		.story_notes = 0,
		.story_process = 64,
		.story_alert = 1,
		.host_root = "/host",
		.ring_main_kib = 64,
		.ring_bulk_kib = 1048576,
		.processes_max = 1024,
		.process_strings_mib = 4096,
		.env_count = 2,
		.env_name = { "A", "_b2" },
	};
	assert_same(&c, &want);
	/* One key leaves the others as they were. */
	struct config defaults;
	config_defaults(&defaults);
	takes(&c, "socket: \"\"\n");
	assert_string_equal(c.socket, "");
	strcpy(c.socket, defaults.socket);
	assert_same(&c, &defaults);
	takes(&c, "env: []\n");
	assert_int_equal(c.env_count, 0);
}

static void nothing_in_it(void **state)
{
	(void)state;
	static const char *const texts[] = { "",	   "\n\n", "# only\n# comments\n", "---\n",
					     "---\n...\n", "{}\n", "\xef\xbb\xbf# BOM\n" };
	struct config c, defaults;
	config_defaults(&defaults);
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		takes(&c, texts[i]);
		assert_same(&c, &defaults);
	}
}

static void mistakes(void **state)
{
	(void)state;
	refuses("outptu:\n  format: json\n", NULL, "outptu");
	refuses("output:\n  fromat: json\n", "2:11", "output.fromat");
	refuses("socket: /a\nbogus: 1\n", "2:8", "bogus");
	refuses("format: json\n", "1:9", "format");
	refuses("output.format: json\n", "1:1", "output.format"); /* keys are not paths */
	refuses("output:\n  format: xml\n", "2:11", "xml");
	refuses("output:\n  format: \"\"\n", "2:11", "output.format");
	refuses("output:\n  alerts_only: yes\n", "2:16", "true or false");
	refuses("output:\n  format:\n    deep: 1\n", NULL, "output.format");
	refuses("a:\n  b:\n    c:\n      d: 1\n", NULL, NULL);
	refuses("socket: [/a]\n", "1:9", "list");
	refuses("socket: {a: b}\n", NULL, "socket");
	refuses("output: json\n", "1:9", "output");
	refuses("- output\n", "1:1", "map");
	refuses("just text\n", "1:1", "map");
	refuses("[a]: b\n", NULL, NULL);
	refuses("{a: b}: c\n", NULL, NULL);
	refuses("? [x]\n: y\n", NULL, NULL);
	refuses("socket: &a /x\nstore:\n  path: *a\n", "3:9", "alias");
	refuses("*a\n", NULL, NULL);
	refuses("env: LD_PRELOAD\n", "1:6", "env");
	refuses("env: {a: b}\n", NULL, "env");
	refuses("env: [[A]]\n", "1:7", "env");
	refuses("env: [A, \"\"]\n", "1:10", "env");
	refuses("env: [A=B]\n", NULL, "A=B");
	refuses("env: [SIXTEEN_LETTERS_]\n", "1:7", "15");
	refuses("env: [A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q]\n", "1:39", "16");
	refuses("output:\n  env: [A]\n", NULL, "output.env");
}

static void given_twice(void **state)
{
	(void)state;
	refuses("socket: /a\nsocket: /b\n", "2:9", "twice");
	refuses("output: {format: json}\noutput: {format: text}\n", "2:18", "twice");
	refuses("env: [A]\nenv: [B]\n", "2:6", "twice");
	refuses("socket: /a\n---\nsocket: /b\n", "3:9", "twice"); /* a second document */
}

static void numbers(void **state)
{
	(void)state;
	static const struct {
		const char *section, *key;
		unsigned min, max;
		bool power;
	} n[] = {
		{ "store", "alerts_max", 1, 10000000, false },
		{ "otlp", "timeout_ms", 100, 600000, false },
		{ "limits", "ring_main_kib", 64, 1048576, true },
		{ "limits", "ring_bulk_kib", 64, 1048576, true },
		{ "limits", "processes", 1024, 4194304, false },
		{ "limits", "process_strings_mib", 1, 4096, false },
	};
	static const char *const bad[] = { "-1",
					   "+5000",
					   "0x1000",
					   "1e5",
					   "8192.0",
					   "8192k",
					   "8 192",
					   "\"\"",
					   "~",
					   "null",
					   "99999999999999999999999",
					   "4294967296",
					   "18446744073709551680" };
	struct config c;
	char text[128];
	for (unsigned i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		snprintf(text, sizeof(text), "%s: {%s: %u}\n", n[i].section, n[i].key, n[i].min);
		takes(&c, text);
		snprintf(text, sizeof(text), "%s: {%s: %u}\n", n[i].section, n[i].key, n[i].max);
		takes(&c, text);
		snprintf(text, sizeof(text), "%s: {%s: %u}\n", n[i].section, n[i].key,
			 n[i].min - 1);
		refuses(text, NULL, n[i].key);
		snprintf(text, sizeof(text), "%s: {%s: %u}\n", n[i].section, n[i].key,
			 n[i].max + 1);
		refuses(text, NULL, n[i].key);
		for (unsigned k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
			snprintf(text, sizeof(text), "%s: {%s: %s}\n", n[i].section, n[i].key,
				 bad[k]);
			refuses(text, NULL, n[i].key);
		}
		snprintf(text, sizeof(text), "%s: {%s: 3000}\n", n[i].section, n[i].key);
		if (n[i].power)
			refuses(text, NULL, "power of two");
		else
			takes(&c, text);
	}
	takes(&c, "limits: {ring_main_kib: \"0128\"}\n"); /* decimal, also with a zero before it */
	assert_int_equal(c.ring_main_kib, 128);
}

static void long_texts(void **state)
{
	(void)state;
	struct config c;
	char text[CONFIG_TEXT + 64];

	snprintf(text, sizeof(text), "store: {path: %0*d}\n", CONFIG_TEXT - 1, 0);
	takes(&c, text);
	assert_int_equal(strlen(c.store_path), CONFIG_TEXT - 1);
	snprintf(text, sizeof(text), "store: {path: %0*d}\n", CONFIG_TEXT, 0);
	refuses(text, "1:15", "store.path");
	snprintf(text, sizeof(text), "socket: /%0*d\n", 106, 0);
	takes(&c, text);
	snprintf(text, sizeof(text), "socket: /%0*d\n", 107, 0);
	refuses(text, "1:9", "107");
	/* A key that is longer than what keys are compared in, one that differs behind that. */
	snprintf(text, sizeof(text), "%0*d: 1\n", 400, 0);
	refuses(text, NULL, NULL);
	snprintf(text, sizeof(text), "%0*d: {a: 1}\n", 400, 0);
	refuses(text, NULL, NULL);
	snprintf(text, sizeof(text), "output: {%0*d: 1}\n", 400, 0);
	refuses(text, NULL, NULL);
}

static void bytes_that_are_no_text(void **state)
{
	(void)state;
	static const struct {
		const char *p;
		size_t len;
	} bad[] = {
		{ "socket: \"/a\\0b\"\n", 15 }, /* an escaped NUL */
		{ "\"socket\\0x\": /a\n", 16 },
		{ "env: [\"A\\0B\"]\n", 14 },
		{ "socket: /a\0b\n", 13 },
		{ "socket: /\xff\xfe\n", 12 },
		{ "\xff\xfe\x00\xd8", 4 },
		{ "socket: \"/a", 11 },
		{ "socket: [", 9 },
		{ "socket: {", 9 },
		{ "a: b: c\n", 8 },
		{ "\tsocket: /a\n", 12 },
		{ "%YAML 9.9\n---\nsocket: /a\n", 25 },
		{ "socket: @x\n", 11 },
		{ "\x7f"
		  "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
		  16 },
	};
	struct config c;
	struct err e;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (load_bytes(&c, bad[i].p, bad[i].len, &e) != -EINVAL)
			fail_msg("number %u is not refused", i);
		assert_non_null(strchr(e.text, ':'));
	}
}

/* Cut anywhere, the reference file is either refused or means what it says up to there. */
static void cut_anywhere(void **state)
{
	(void)state;
	static char text[16384];
	struct config c;
	struct err e;
	FILE *f = fopen("deploy/redshank.yaml", "r");
	assert_non_null(f);
	size_t len = fread(text, 1, sizeof(text), f);
	fclose(f);
	for (size_t n = 0; n < len; n++) {
		int rc = load_bytes(&c, text, n, &e);
		assert_true(rc == 0 || rc == -EINVAL);
	}
	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		size_t at = (size_t)rand() % len;
		char old = text[at];
		text[at] = (char)rand();
		int rc = load_bytes(&c, text, len, &e);
		assert_true(rc == 0 || rc == -EINVAL);
		if (i % 8)
			text[at] = old;
	}
}

static void what_is_no_file(void **state)
{
	(void)state;
	struct config c;
	struct err e;

	config_defaults(&c);
	assert_int_equal(config_load(&c, "/nonexistent/redshank.yaml", &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/redshank.yaml"));
	assert_int_equal(config_load(&c, "/", &e), -EINVAL);
	assert_int_equal(config_load(&c, "/dev/zero", &e), -EINVAL);
	assert_int_equal(config_load(&c, "/dev/null", &e), -EINVAL);
	assert_int_equal(config_load(&c, "", &e), -ENOENT);
	assert_int_not_equal(config_load(&c, "deploy/redshank.yaml/x", NULL), 0);
}

static void size_limit(void **state)
{
	(void)state;
	char *text = malloc(CONFIG_FILE_MAX + 1);
	struct config c;
	struct err e;

	assert_non_null(text);
	memset(text, '#', CONFIG_FILE_MAX + 1);
	assert_int_equal(load_bytes(&c, text, CONFIG_FILE_MAX, &e), 0);
	assert_int_equal(load_bytes(&c, text, CONFIG_FILE_MAX + 1, &e), -EINVAL);
	memset(text, 'a', CONFIG_FILE_MAX);
	assert_int_equal(load_bytes(&c, text, CONFIG_FILE_MAX, &e), -EINVAL);
	free(text);
}

static void exceptions(void **state)
{
	struct config c;
	(void)state;
	takes(&c, "exceptions:\n"
		  "  - rules: [redshank.fileless.memfd_exec, \"Shell *\"]\n"
		  "    reason: known\n"
		  "    image: /opt/a\n"
		  "    sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
		  "    container_image: registry/a:*\n"
		  "    user: backup\n"
		  "    parent: /usr/sbin/cron\n"
		  "    ancestor: /sbin/init\n"
		  "    expires: 2027-03-31\n"
		  "  - {rules: '*', reason: known, user: '0'}\n");
	assert_int_equal(c.nexceptions, 2);
	assert_int_equal(c.exception[0].nrules, 2);
	assert_string_equal(c.exception[0].rule[1], "Shell *");
	assert_string_equal(c.exception[0].reason, "known");
	assert_string_equal(c.exception[0].key[EXCEPTION_image], "/opt/a");
	assert_string_equal(c.exception[0].key[EXCEPTION_container_image], "registry/a:*");
	assert_string_equal(c.exception[0].key[EXCEPTION_user], "backup");
	assert_string_equal(c.exception[0].key[EXCEPTION_parent], "/usr/sbin/cron");
	assert_string_equal(c.exception[0].key[EXCEPTION_ancestor], "/sbin/init");
	assert_int_equal(strlen(c.exception[0].key[EXCEPTION_sha256]), 64);
	assert_true(c.exception[0].expires == 1806537600000000000); /* 2027-04-01 */
	assert_int_equal(c.exception[1].nrules, 1);
	assert_string_equal(c.exception[1].key[EXCEPTION_image], "");
	assert_true(c.exception[1].expires == 0);
	takes(&c, "exceptions:\n");
	assert_int_equal(c.nexceptions, 0);
}

/* What would hold for more than was meant, or never, is refused. */
static void exceptions_with_mistakes(void **state)
{
	static const struct {
		const char *one, *word;
	} cases[] = {
		{ "{rules: [a], reason: r}", "nothing says" },
		{ "{rules: [a], reason: r, image: '*'}", "nothing says" },
		{ "{rules: [], reason: r, image: /a}", "rules" },
		{ "{reason: r, image: /a}", "rules" },
		{ "{rules: [a], image: /a}", "reason" },
		{ "{rules: [a], reason: r, imgae: /a}", "imgae" },
		{ "{rules: [a], reason: r, image: ''}", "image" },
		{ "{rules: [a], reason: r, image: {a: b}}", "image" },
		{ "{rules: [a], reason: r, image: /a, image: /b}", "twice" },
		{ "{rules: a, rules: b, reason: r, image: /a}", "twice" },
		{ "{rules: [a], rules: [b], reason: r, image: /a}", "one text" },
		{ "{rules: {a: b}, reason: r, image: /a}", "rules" },
		{ "{rules: [a], reason: r, sha256: abc}", "64" },
		{ "{rules: [a], reason: r, image: /a, expires: soon}", "expires" },
		{ "{rules: [a,b,c,d,e,f,g,h,i], reason: r, image: /a}", "8" },
		{ "text", "maps" },
	};
	char text[600];
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "exceptions:\n  - %s\n", cases[i].one);
		refuses(text, NULL, cases[i].word);
	}
	refuses("exceptions: {rules: [a]}\n", NULL, "exceptions");
	refuses("exceptions: text\n", NULL, "exceptions");
	refuses("exceptions: []\nexceptions: []\n", NULL, "twice");
	snprintf(text, sizeof(text), "exceptions: [{rules: [a], reason: r, image: /%0300d}]\n", 1);
	refuses(text, NULL, "255");
	char *many = malloc(100000);
	assert_non_null(many);
	char *end = stpcpy(many, "exceptions:\n");
	for (unsigned i = 0; i <= EXCEPTIONS_MAX; i++)
		end = stpcpy(end, "  - {rules: [a], reason: r, image: /a}\n");
	refuses(many, NULL, "64");
	free(many);
}

/* `open` ten thousand times: neither a deep stack nor time may be needed to say no. */
static void nested(const char *start, const char *open)
{
	size_t each = strlen(open), at = strlen(start);
	char *text = malloc(at + each * 10000 + 1);
	assert_non_null(text);
	memcpy(text, start, at + 1);
	for (unsigned i = 0; i < 10000; i++, at += each)
		memcpy(text + at, open, each + 1);
	refuses(text, NULL, NULL);
	free(text);
}

static void bombs(void **state)
{
	(void)state;
	static const char *const starts[] = {
		"",	    "socket: ",		"env: ", "exceptions: ", "exceptions: [{rules: ",
		"output: ", "output: {format: "
	};
	static const char *const opens[] = { "[", "{", "{a: ", "[[a], ", "- ", "? ", "!!map {" };
	for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		for (unsigned k = 0; k < sizeof(opens) / sizeof(opens[0]); k++)
			nested(starts[i], opens[k]);

	refuses("a: &a [x,x,x,x,x,x,x,x,x]\n"
		"b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
		"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
		"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
		NULL, NULL);
	refuses("socket: &a [*a]\n", NULL, NULL);
	refuses("<<: {socket: /a}\n", NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_file), cmocka_unit_test(every_key),
		cmocka_unit_test(nothing_in_it),  cmocka_unit_test(mistakes),
		cmocka_unit_test(given_twice),	  cmocka_unit_test(numbers),
		cmocka_unit_test(long_texts),	  cmocka_unit_test(bytes_that_are_no_text),
		cmocka_unit_test(cut_anywhere),	  cmocka_unit_test(what_is_no_file),
		cmocka_unit_test(size_limit),	  cmocka_unit_test(bombs),
		cmocka_unit_test(exceptions),	  cmocka_unit_test(exceptions_with_mistakes),
	};
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
