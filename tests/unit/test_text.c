/* SPDX-License-Identifier: Apache-2.0 */
/* What people read: columns, templates and reports, and that hostile bytes stay text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <time.h>

#include "alerts.h"
#include "base/utf8.h"
#include "encode/text.h"
#include "encode/text_put.h"
#include "enrich/fields.h"
#include "enrich/proctree.h"
#include "enrich/users.h"

static struct buf out;
static struct pb_arena arena;

static int setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	users_disable();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&out);
	pb_arena_free(&arena);
	return 0;
}

static const char *event_text(const void *rec, bool colour)
{
	struct event ev = rec_event(rec);
	buf_reset(&out);
	text_event(&out, &ev, colour);
	return buf_str(&out);
}

/* Nothing that a terminal would act on, and still UTF-8. */
static void assert_harmless(const char *s, bool lines)
{
	assert_true(utf8_valid(s, strlen(s)));
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		size_t k = utf8_seq(p, strlen((const char *)p));
		if (!(lines && *p == '\n'))
			assert_false(utf8_acts(p, k));
		p += k - 1;
	}
}

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part))
		return;
	print_error("no \"%s\" in:\n%s\n", part, text);
	fail();
}

static void assert_has_not(const char *text, const char *part)
{
	if (!strstr(text, part))
		return;
	print_error("\"%s\" in:\n%s\n", part, text);
	fail();
}

static struct ev_exec *exec_record(void)
{
	struct ev_exec *x = REC_NEW(exec);
	memcpy(x->hdr.name, "ls\0", 3);
	REC_STR(exec, x, exe, "/usr/bin/ls");
	REC_LIST(exec, x, args, "ls", "-l", "/tmp");
	return x;
}

/* --- events --- */

static void test_columns(void **state)
{
	(void)state;
	struct ev_exec *x = exec_record();

	/* 1700000000 + 5 s of the record: 2023-11-14T22:13:25Z */
	assert_string_equal(event_text(x, false), "22:13:25.000  exec        4242  1000      "
						  "ls                   /usr/bin/ls ls -l /tmp");
	x->hdr.time += 123456789;
	x->hdr.pid = 4194304;
	memcpy(x->hdr.name, "fifteen-columns", 16);
	assert_string_equal(event_text(x, false), "22:13:25.123  exec     4194304  1000      "
						  "fifteen-columns      /usr/bin/ls ls -l /tmp");
	rec_free(x);
}

static void test_every_template_is_known(void **state)
{
	(void)state;

	for (unsigned id = 0; id < EV_TYPE_MAX; id++) {
		if (!ev_desc(id))
			continue;
		void *rec = rec_new(id);
		const char *s = event_text(rec, false);
		assert_has(s, ev_desc(id)->key);
		assert_has_not(s, "{"); /* a field that no event of this type has */
		assert_has_not(s, "\n");
		rec_free(rec);
	}
}

static void test_missing_is_dash(void **state)
{
	(void)state;
	struct ev_exec *x = REC_NEW(exec);
	struct ev_gap *g = REC_NEW(gap);

	memset(x->hdr.name, 0, sizeof(x->hdr.name));
	assert_string_equal(event_text(x, false), "22:13:25.000  exec        4242  1000      "
						  "-                    - -");
	g->lost = 7;
	g->event = EV_exec;
	g->cause = GAP_ring_full;
	assert_string_equal(event_text(g, false),
			    "22:13:25.000  gap            -  -         "
			    "-                    7 exec records LOST: ring_full");
	rec_free(x);
	rec_free(g);
}

static void test_exit_by_signal(void **state)
{
	(void)state;
	struct ev_exit *x = REC_NEW(exit);

	x->code = 3;
	assert_has(event_text(x, false), "exit code 3");
	x->code = UINT32_MAX; /* absent */
	assert_has(event_text(x, false), "exit code -");
	rec_free(x);
}

static void test_truncated_ends_with_ellipsis(void **state)
{
	(void)state;
	struct ev_exec *x = exec_record();

	REC_TRUNCATED(exec, x, args);
	assert_has(event_text(x, false), "/usr/bin/ls ls -l /tmp" TEXT_ELLIPSIS);
	REC_TRUNCATED(exec, x, exe);
	assert_has(event_text(x, false), "/usr/bin/ls" TEXT_ELLIPSIS " ls -l");
	rec_free(x);
}

static void test_long_values_are_cut(void **state)
{
	(void)state;
	struct ev_exec *x = REC_NEW(exec);
	char text[4001];

	for (size_t i = 0; i < 4000; i += 2)
		memcpy(text + i, "\xC3\xA4", 3); /* cut in the middle of one, or not */
	REC_LIST(exec, x, args, "sh", "-c", text, "after");
	const char *s = event_text(x, false);
	assert_true(strlen(s) < 1300);
	assert_true(utf8_valid(s, strlen(s)));
	assert_string_equal(s + strlen(s) - 5, "\xC3\xA4" TEXT_ELLIPSIS);
	assert_has_not(s, "\\x");
	rec_free(x);

	x = REC_NEW(exec);
	memset(text, 'a', 1024);
	text[1024] = '\0';
	REC_LIST(exec, x, args, text); /* just fits */
	s = event_text(x, false);
	assert_int_equal(s[strlen(s) - 1], 'a');
	rec_free(x);
}

static void test_hostile_event(void **state)
{
	(void)state;
	struct ev_exec *x = REC_NEW(exec);

	memcpy(x->hdr.name,
	       "\x1b[2J\r\n\xff"
	       "{evil}",
	       14);
	REC_STR(exec, x, exe,
		"/tmp/\x1b]0;owned\x07/\xE2\x80\xAE"
		"cod.exe");
	REC_LIST(exec, x, args, "a\nb",
		 "\x9b"
		 "31m",
		 "\xC2\x9b"
		 "31m",
		 "{process.pid}", "");
	const char *s = event_text(x, false);
	assert_harmless(s, false);
	assert_has(s, "\\x1b]0;owned\\x07/\\xe2\\x80\\xaecod.exe");
	assert_has(s, "a\\x0ab \\x9b31m");
	assert_has(s, "{process.pid}"); /* values are not templates */
	rec_free(x);
}

static void test_colours(void **state)
{
	(void)state;
	struct ev_exec *x = exec_record();
	char plain[512];
	size_t n = 0;

	const char *s = event_text(x, true);
	assert_has(s, "\x1b[32mexec");
	/* Without its escape sequences it is the plain line. */
	for (; *s; s++) {
		if (*s == '\x1b')
			s = strchr(s, 'm');
		else
			plain[n++] = *s;
	}
	plain[n] = '\0';
	assert_string_equal(plain, event_text(x, false));
	rec_free(x);
}

/* --- alerts --- */

static struct image *image_new(const char *exe, const char *args, size_t args_len)
{
	struct image *im = calloc(1, sizeof(*im));
	assert_non_null(im);
	im->exe = exe;
	im->exe_len = (uint32_t)strlen(exe);
	im->args = args;
	im->args_len = (uint32_t)args_len;
	im->tty = im->cwd = im->cgpath = "";
	return im;
}

static const char *alert_text(const struct alert *al, bool colour)
{
	pb_arena_reset(&arena);
	Redshank__V1__Alert *pb = alert_to_pb(&arena, al);
	assert_non_null(pb);
	buf_reset(&out);
	text_alert(&out, pb, colour);
	return buf_str(&out);
}

static void test_report(void **state)
{
	(void)state;
	static const char *const names[] = { "bash", "sshd", "sshd", "sshd", "systemd" };
	static const char bash_args[] = "-bash", sh_args[] = "sh\0-c\0it's $HOME",
			  d_args[] = "sshd";
	struct proc p[5] = { 0 };
	struct image *im[3] = { image_new("/bin/bash", bash_args, sizeof(bash_args)),
				image_new("/bin/sh", sh_args, sizeof(sh_args)),
				image_new("/usr/sbin/sshd", d_args, sizeof(d_args)) };
	struct test_alert t;

	test_alert_init(&t);
	memcpy(t.rec->hdr.name, "memfd:x\0", 8);
	t.rec->hdr.pid = 1201;
	t.rec->hdr.loginuid = 1000;
	t.rec->hdr.session = 3;
	t.rec->hdr.euid = 0;
	REC_STR(exec, t.rec, cwd, "/root");
	REC_STR(exec, t.rec, tty, "pts0");
	verdict_evidence(&t.verdict, "redshank.exe.origin", "memfd");
	verdict_evidence(&t.verdict, "redshank.exe.nlink", "%d", 0);
	for (unsigned i = 0; i < 5; i++) {
		snprintf(p[i].comm, sizeof(p[i].comm), "%s", names[i]);
		p[i].pid = i == 4 ? 1 : 1200 - i;
		p[i].image = i < 3 ? im[i] : NULL;
		t.alert.ancestors[t.alert.nancestors++] = &p[i];
	}
	test_alert_number(&t, 1700000000);
	assert_string_equal(alert_text(&t.alert, false),
			    "HIGH      Test rule  [T1620]\n"
			    "  when    2023-11-14 22:13:20.000 +0000\n"
			    "  what    x was run from memory\n"
			    "  ATT&CK  T1620 Reflective Code Loading, Defense Evasion\n"
			    "  who     uid 1000, with the rights of uid 0, logged in as uid 1000, "
			    "session 3, terminal pts0\n"
			    "  where   host testhost (Linux 6.1.0-test)\n"
			    "  program /memfd:x (deleted), origin memfd, started in /root\n"
			    "  tree    systemd(1) > sshd(1197) > sshd(1198) > sshd(1199) > "
			    "bash(1200) > memfd:x(1201)\n"
			    "             1201  ./x -a 'two words'\n"
			    "             1200  -bash\n"
			    "             1199  sh -c 'it'\\''s $HOME'\n"
			    "             1198  sshd\n"
			    "  why     redshank.exe.origin = memfd\n"
			    "          redshank.exe.nlink = 0\n"
			    "  next    It means nothing. Look at the test that raised it.\n"
			    "  benign  Every one.\n"
			    "  id      6553f100-0000-8000-8000-000000000000  rule test.rule");
	for (unsigned i = 0; i < 3; i++)
		free(im[i]);
	test_alert_free(&t);
}

/* Whatever is done in a session that was logged in to from elsewhere, the report says from where.
 */
static void test_report_of_session(void **state)
{
	(void)state;
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct ev_auth *login = REC_NEW(auth);
	struct event ev = rec_event(login);
	struct proctree *tree;
	struct test_alert t;

	assert_int_equal(proctree_new(64, 1 << 20, &tree), 0);
	inet_pton(AF_INET, "203.0.113.9", &in.sin_addr);
	rec_add_str(login, &login->peer, &in, sizeof(in));
	REC_STR(auth, login, user, "bo\033b");
	login->hdr.pid = 1234;
	login->hdr.start = 3000000000;
	login->action = AUTH_login;
	login->outcome = AUTH_IS_success;
	login->verified = 1;
	proctree_update(tree, &ev);
	test_alert_init(&t);
	proctree_update(tree, &t.event); /* a child of that process */
	assert_has(alert_text(&t.alert, false),
		   "in a session from 203.0.113.9 as\n          bo\\x1bb\n");
	test_alert_free(&t);
	proctree_free(tree);
	rec_free(login);
}

static void test_report_wraps(void **state)
{
	(void)state;
	struct test_alert t;
	char word[MESSAGE_MAX - 100];

	test_alert_init(&t);
	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	snprintf(t.verdict.message, MESSAGE_MAX, "%.9s %.60s %.19s %.40s end", word, word, word,
		 word);
	const char *s = alert_text(&t.alert, false);
	assert_has(s, "\n          wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww end\n");
	for (const char *line = s; *line; line += strcspn(line, "\n"), line += *line == '\n')
		assert_true(strcspn(line, "\n") <= 100);

	snprintf(t.verdict.message, MESSAGE_MAX, "a %s", word); /* to be copied whole */
	s = alert_text(&t.alert, false);
	assert_has(s, word);
	test_alert_free(&t);
}

static void test_hostile_report(void **state)
{
	(void)state;
	struct test_alert t;

	test_alert_init(&t);
	t.rec->hdr.len = t.rec->hdr.fixed; /* without its strings */
	memcpy(t.rec->hdr.name, "\x1b[2J\nid\0", 9);
	REC_STR(exec, t.rec, exe, "/tmp/\xff\n  id      forged");
	REC_LIST(exec, t.rec, args, "x\n          1  init", "\xE2\x80\xAEtxt", "\xC2\x9b", "");
	REC_STR(exec, t.rec, tty, "\x1b[1m");
	REC_STR(exec, t.rec, cwd, "/\t");
	snprintf(t.verdict.message, MESSAGE_MAX, "ran \x1b[2J\n  id      forged \xff");
	verdict_evidence(&t.verdict, "key", "\r\xE2\x81\xA6\xfe");
	struct proc p = { .pid = 7, .comm = "\n\x1b\xff" };
	t.alert.ancestors[t.alert.nancestors++] = &p;
	const char *s = alert_text(&t.alert, false);
	assert_harmless(s, true);
	assert_has_not(s, "\n  id      forged");
	assert_has(s, "/tmp/\\xff\\x0a"); /* the bytes, not U+FFFD */
	assert_has(s, "\\x0a\\x1b\\xff(7) > \\x1b[2J\\x0aid(4242)");
	assert_has(s, "'x\\x0a          1  init' \\xe2\\x80\\xaetxt \\xc2\\x9b ''");
	test_alert_free(&t);
}

/* What a damaged store may hold: every part that can be absent is. */
static void test_empty_alert(void **state)
{
	(void)state;
	Redshank__V1__Alert al = REDSHANK__V1__ALERT__INIT;
	Redshank__V1__Process p = REDSHANK__V1__PROCESS__INIT;

	buf_reset(&out);
	text_alert(&out, &al, false);
	assert_has(buf_str(&out), "UNRATED   alert\n");
	al.severity = (Redshank__V1__Severity)4711;
	al.time_unix_nano = UINT64_MAX;
	al.process = &p;
	p.args_truncated = 1;
	buf_reset(&out);
	text_alert(&out, &al, true);
	assert_has(buf_str(&out), "host unknown");
	assert_has(buf_str(&out), "[]");
}

static void test_command_is_marked_as_cut(void **state)
{
	(void)state;
	struct test_alert t;

	test_alert_init(&t);
	REC_TRUNCATED(exec, t.rec, args);
	assert_has(alert_text(&t.alert, false), "./x -a 'two words" TEXT_ELLIPSIS "'\n");
	test_alert_free(&t);
}

#define T(f_) cmocka_unit_test(f_)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_columns),
		T(test_every_template_is_known),
		T(test_missing_is_dash),
		T(test_exit_by_signal),
		T(test_truncated_ends_with_ellipsis),
		T(test_long_values_are_cut),
		T(test_hostile_event),
		T(test_colours),
		T(test_report),
		T(test_report_of_session),
		T(test_report_wraps),
		T(test_hostile_report),
		T(test_empty_alert),
		T(test_command_is_marked_as_cut),
	};
	return cmocka_run_group_tests_name("text", tests, setup, teardown);
}
