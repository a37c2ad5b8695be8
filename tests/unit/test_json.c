/* SPDX-License-Identifier: Apache-2.0 */
/* JSON lines, read back by another implementation (jansson), which refuses what is not UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "encode/json.h"
#include "enrich/fields.h"
#include "enrich/users.h"
#include "records.h"

static struct buf out;

static int setup(void **state)
{
	(void)state;
	users_disable();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

/* Parses what is in out: one object, one line, every key once. */
static json_t *parse(void)
{
	json_error_t e;

	assert_false(out.failed);
	assert_null(memchr(out.data, '\n', out.len));
	json_t *j = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
	if (!j)
		fail_msg("%s at %d in %s", e.text, e.position, buf_str(&out));
	assert_true(json_is_object(j));
	return j;
}

static json_t *of_event(const struct event *ev, uint64_t seq)
{
	buf_reset(&out);
	json_event(&out, ev, seq);
	return parse();
}

/* Follows a path of keys ended by NULL. */
static json_t *at(json_t *j, ...)
{
	va_list ap;
	const char *key;

	va_start(ap, j);
	while (j && (key = va_arg(ap, const char *)))
		j = json_object_get(j, key);
	va_end(ap);
	return j;
}

#define AT(...)	  at(__VA_ARGS__, NULL)
#define TEXT(...) json_string_value(AT(__VA_ARGS__))
#define NUM(...)  json_integer_value(AT(__VA_ARGS__))

static void exec_event(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	r->exe_ino = 1234567890123;
	r->exe_mode = 0104755;
	r->cap_effective = 1 << 21;
	r->argc = 3;
	r->hdr.euid = 0;
	REC_STR(exec, r, exe, "/usr/bin/caf\xc3\xa9");
	REC_LIST(exec, r, args, "sh", "-c", "echo \"a\\b\"\t\n");
	json_t *j = of_event(&ev, 17);
	assert_string_equal(TEXT(j, "@timestamp"), "2023-11-14T22:13:25.000000000Z");
	assert_string_equal(TEXT(j, "ecs", "version"), "9.0.0");
	assert_string_equal(TEXT(j, "event", "kind"), "event");
	assert_string_equal(TEXT(j, "event", "action"), "exec");
	assert_string_equal(json_string_value(json_array_get(AT(j, "event", "category"), 0)),
			    "process");
	assert_string_equal(json_string_value(json_array_get(AT(j, "event", "type"), 0)), "start");
	assert_int_equal(NUM(j, "event", "sequence"), 17);
	assert_int_equal(NUM(j, "process", "pid"), 4242);
	assert_int_equal(NUM(j, "process", "parent", "pid"), 1234);
	assert_int_equal(NUM(j, "process", "args_count"), 3);
	assert_string_equal(TEXT(j, "process", "executable"), "/usr/bin/caf\xc3\xa9");
	assert_int_equal(json_array_size(AT(j, "process", "args")), 3);
	assert_string_equal(json_string_value(json_array_get(AT(j, "process", "args"), 2)),
			    "echo \"a\\b\"\t\n");
	assert_string_equal(TEXT(j, "process", "command_line"), "sh -c echo \"a\\b\"\t\n");
	assert_string_equal(TEXT(j, "process", "start"), "2023-11-14T22:13:24.000000000Z");
	assert_string_equal(TEXT(j, "user", "id"), "1000");
	assert_string_equal(TEXT(j, "user", "effective", "id"), "0");
	assert_string_equal(TEXT(j, "process", "user", "id"), "0");
	assert_string_equal(TEXT(j, "host", "name"), "testhost");
	assert_string_equal(TEXT(j, "host", "boot", "id"), rec_host.boot_id);
	assert_int_equal(NUM(j, "redshank", "exe", "inode"), 1234567890123);
	assert_string_equal(TEXT(j, "redshank", "exe", "mode"), "4755");
	assert_true(json_is_false(AT(j, "redshank", "exec", "secure")));
	assert_int_equal(NUM(j, "redshank", "seq"), 1);
	json_t *caps = AT(j, "process", "thread", "capabilities", "effective");
	assert_string_equal(json_string_value(json_array_get(caps, 0)), "CAP_SYS_ADMIN");
	/* What is absent is not there at all. */
	assert_null(AT(j, "redshank", "raw"));
	assert_null(AT(j, "redshank", "truncated"));
	assert_null(AT(j, "redshank", "login"));
	assert_null(AT(j, "process", "working_directory"));
	assert_null(AT(j, "container"));
	assert_null(AT(j, "rule"));
	json_decref(j);

	j = of_event(&ev, 0);
	assert_null(AT(j, "event", "sequence"));
	json_decref(j);
	rec_free(r);
}

static void large_numbers(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	r->exe_ino = UINT64_MAX; /* jansson has no unsigned numbers */
	buf_reset(&out);
	json_event(&out, &ev, 0);
	assert_non_null(strstr(buf_str(&out), "\"inode\":18446744073709551615"));
	r->exe_ino = INT64_MAX;
	json_t *j = of_event(&ev, 0);
	assert_int_equal(NUM(j, "redshank", "exe", "inode"), INT64_MAX);
	json_decref(j);
	rec_free(r);
}

static void bytes_that_are_no_text(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	REC_STR(exec, r, exe, "/tmp/\xff\xfe");
	REC_STR(exec, r, cwd, "/fine");
	REC_LIST(exec, r, args, "ok", "\x80", "");
	REC_TRUNCATED(exec, r, args);
	REC_TRUNCATED(exec, r, cwd);
	json_t *j = of_event(&ev, 0), *raw = AT(j, "redshank", "raw");
	assert_string_equal(TEXT(j, "process", "executable"), "/tmp/\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(TEXT(raw, "process.executable"), "L3RtcC///g==");
	/* The list's bytes: elements separated by NUL. */
	assert_string_equal(TEXT(raw, "process.args"), "b2sAgAA=");
	assert_string_equal(TEXT(j, "process", "command_line"), "ok \xef\xbf\xbd ");
	assert_int_equal(json_object_size(raw), 2);

	json_t *cut = AT(j, "redshank", "truncated"), *name;
	size_t i;
	char names[256] = "";
	json_array_foreach(cut, i, name)
	{
		strncat(names, json_string_value(name), 64);
		strncat(names, "|", 2);
	}
	assert_string_equal(names, "process.args|process.command_line|process.working_directory|");
	json_decref(j);
	rec_free(r);
}

/* Lines end up on terminals too. */
static void nothing_that_acts(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	REC_STR(exec, r, exe, "a\x1b[2J\r\x7f\xc2\x9b\xe2\x80\xae z");
	json_t *j = of_event(&ev, 0);
	assert_string_equal(TEXT(j, "process", "executable"),
			    "a\x1b[2J\r\x7f\xc2\x9b\xe2\x80\xae z");
	assert_null(AT(j, "redshank", "raw"));
	json_decref(j);
	assert_non_null(strstr(buf_str(&out), "a\\u001b[2J\\u000d\\u007f\\u009b\\u202e z"));
	for (size_t i = 0; i < out.len; i++)
		assert_true((unsigned char)out.data[i] >= 0x20);
	rec_free(r);
}

static void no_process(void **state)
{
	(void)state;
	struct ev_gap *r = REC_NEW(gap);
	struct event ev = rec_event(r);

	r->lost = 5;
	r->event = EV_exec;
	r->cause = GAP_ring_full;
	json_t *j = of_event(&ev, 3);
	assert_null(AT(j, "process"));
	assert_null(AT(j, "user"));
	assert_int_equal(NUM(j, "redshank", "gap", "lost"), 5);
	assert_string_equal(TEXT(j, "redshank", "gap", "event"), "exec");
	assert_string_equal(TEXT(j, "host", "name"), "testhost");
	json_decref(j);
	rec_free(r);
}

/* A process that has everything, in one allocation. */
static struct proc *proc_new(uint32_t pid, const char *name, struct image *im)
{
	struct proc *p = calloc(1, sizeof(*p));
	assert_non_null(p);
	p->pid = pid;
	p->start = 1000000000;
	p->uid = 33;
	memcpy(p->comm, name, strlen(name));
	p->image = im;
	return p;
}

static const struct technique techniques[] = {
	{ "T1620", "Reflective Code Loading", "Defense Evasion" },
	{ "T1055", "Process Injection", "Defense Evasion" },
	{ "T1055", "Process Injection", "Privilege Escalation" },
	{ NULL, NULL, NULL },
};
static const struct rule_info rule = {
	.id = "test.rule", .name = "A rule", .doc = "What it \"means\".", .techniques = techniques
};

static void alert(void **state)
{
	(void)state;
	static const char args[] = "nginx\0-g\0\xff";
	struct image im = {
		.exe = "/usr/sbin/nginx", .exe_len = 15, .args = args, .args_len = sizeof(args) - 1
	};
	struct proc *parent = proc_new(10, "nginx", &im), *init = proc_new(1, "init\xff", NULL);
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);
	struct verdict v = { .severity = SEVERITY_high, .nevidence = 3 };
	struct alert al = {
		.id = "4a52bdb7-a6a4-8ea0-9f66-9a4b4d0c0ffe",
		.seq = 9,
		.time = 1700000005000000001,
		.rule = &rule,
		.verdict = &v,
		.event = &ev,
		.nancestors = 2,
		.ancestors = { parent, init },
	};

	strcpy(v.message, "It ran \xff");
	v.evidence[0].key = "process.executable";
	strcpy(v.evidence[0].value, "/memfd:x");
	v.evidence[1].key = "redshank.exe.inode";
	strcpy(v.evidence[1].value, "\xfe");
	v.evidence[2] = v.evidence[0]; /* no detector should, but the line must stay sound */
	REC_STR(exec, r, exe, "\xfd");
	buf_reset(&out);
	json_alert(&out, &al, 4);
	json_t *j = parse();
	assert_string_equal(TEXT(j, "@timestamp"), "2023-11-14T22:13:25.000000001Z");
	assert_string_equal(TEXT(j, "event", "kind"), "alert");
	assert_string_equal(TEXT(j, "event", "action"), "exec");
	assert_string_equal(TEXT(j, "event", "id"), al.id);
	assert_int_equal(NUM(j, "event", "severity"), 73);
	assert_int_equal(NUM(j, "event", "sequence"), 4);
	assert_string_equal(TEXT(j, "message"), "It ran \xef\xbf\xbd");
	assert_string_equal(TEXT(j, "rule", "id"), "test.rule");
	assert_string_equal(TEXT(j, "rule", "name"), "A rule");
	assert_string_equal(TEXT(j, "rule", "description"), "What it \"means\".");
	assert_string_equal(TEXT(j, "threat", "framework"), "MITRE ATT&CK");
	assert_int_equal(json_array_size(AT(j, "threat", "technique", "id")), 3);
	assert_int_equal(json_array_size(AT(j, "threat", "technique", "name")), 3);
	json_t *tactics = AT(j, "threat", "tactic", "name");
	assert_int_equal(json_array_size(tactics), 2);
	assert_string_equal(json_string_value(json_array_get(tactics, 1)), "Privilege Escalation");

	json_t *own = AT(j, "redshank", "alert");
	assert_string_equal(TEXT(own, "id"), al.id);
	assert_int_equal(NUM(own, "seq"), 9);
	assert_string_equal(TEXT(own, "level"), "high");
	assert_int_equal(json_object_size(AT(own, "evidence")), 2);
	assert_string_equal(TEXT(own, "evidence", "process.executable"), "/memfd:x");

	json_t *raw = AT(j, "redshank", "raw");
	assert_int_equal(json_object_size(raw), 3);
	assert_string_equal(TEXT(raw, "message"), "SXQgcmFuIP8=");
	assert_string_equal(TEXT(raw, "process.executable"), "/Q==");
	assert_string_equal(TEXT(raw, "redshank.alert.evidence.redshank.exe.inode"), "/g==");

	json_t *a = json_array_get(AT(j, "redshank", "ancestors"), 0);
	char id[ENTITY_ID_LEN];
	entity_id(&rec_host, 10, 1000000000, id);
	assert_int_equal(NUM(a, "pid"), 10);
	assert_string_equal(TEXT(a, "entity_id"), id);
	assert_string_equal(TEXT(a, "name"), "nginx");
	assert_string_equal(TEXT(a, "executable"), "/usr/sbin/nginx");
	assert_string_equal(TEXT(a, "command_line"), "nginx -g \xef\xbf\xbd");
	assert_string_equal(TEXT(a, "raw", "args"), "bmdpbngALWcA/w==");
	assert_string_equal(TEXT(a, "start"), "2023-11-14T22:13:21.000000000Z");
	assert_string_equal(TEXT(a, "user", "id"), "33");
	a = json_array_get(AT(j, "redshank", "ancestors"), 1);
	assert_int_equal(NUM(a, "pid"), 1);
	assert_string_equal(TEXT(a, "raw", "name"), "aW5pdP8=");
	assert_null(AT(a, "executable"));
	assert_int_equal(json_array_size(AT(j, "redshank", "ancestors")), 2);
	json_decref(j);
	free(parent);
	free(init);
	rec_free(r);
}

static void severities(void **state)
{
	(void)state;
	static const int expected[] = { 0, 1, 21, 47, 73, 99 };
	struct rule_info bare = rule;
	struct ev_fork *r = REC_NEW(fork);
	struct event ev = rec_event(r);

	bare.techniques = NULL;
	for (unsigned s = SEVERITY_none; s <= SEVERITY_critical; s++) {
		struct verdict v = { .severity = (enum severity)s };
		struct alert al = { .rule = &bare, .verdict = &v, .event = &ev };
		buf_reset(&out);
		json_alert(&out, &al, 0);
		json_t *j = parse();
		assert_int_equal(NUM(j, "event", "severity"), expected[s]);
		assert_null(AT(j, "threat"));
		assert_null(AT(j, "redshank", "ancestors"));
		assert_null(AT(j, "redshank", "alert", "evidence"));
		json_decref(j);
	}
	rec_free(r);
}

/* All that a record can hold as random bytes, with a bias to those that matter. */
static void hostile(void **state)
{
	(void)state;
	static const char pool[] =
		"\"\\/\0\n\x1b\x7f\x80\xc0\xc2\xe2\x80\xae\xed\xa0\xf0\x9f\x98\xff";
	srand(3);
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned id = 0; id < EV_TYPE_MAX; id++) {
			const struct ev_desc *d = ev_desc(id);
			if (!d)
				continue;
			struct ev_hdr *h = rec_new(id);
			for (size_t i = offsetof(struct ev_hdr, truncated); i < d->size; i++)
				((unsigned char *)h)[i] = (unsigned char)rand();
			/* Only what jansson can hold: numbers are tried in large_numbers(). */
			for (unsigned i = 0; i < header_nfields + d->nfields; i++) {
				const struct field *f = i < header_nfields
								? &header_fields[i]
								: &d->fields[i - header_nfields];
				if (f->wire == WIRE_u64 && (f->fmt == FMT_DEC || f->fmt == FMT_POS))
					((unsigned char *)h)[f->off + 7] &= 0x7f;
				if (f->wire != WIRE_str)
					continue;
				char bytes[600];
				size_t n = (size_t)rand() % sizeof(bytes);
				for (size_t k = 0; k < n; k++)
					bytes[k] = rand() % 2 ? (char)rand()
							      : pool[(size_t)rand() % sizeof(pool)];
				rec_add_str(h, (struct ev_str *)(void *)((char *)h + f->off), bytes,
					    n);
			}
			assert_int_equal(schema_check(h, h->len, NULL), 0);
			struct event ev = rec_event(h);
			json_decref(of_event(&ev, round));
			struct verdict v = { .severity = SEVERITY_low, .nevidence = EVIDENCE_MAX };
			struct alert al = { .rule = &rule, .verdict = &v, .event = &ev };
			static const char *const keys[EVIDENCE_MAX] = { "a", "b", "c", "d",
									"e", "f", "g", "h",
									"i", "j", "k", "l",
									"m", "n", "o", "p" };
			for (unsigned i = 0; i < EVIDENCE_MAX; i++) { /* not terminated */
				v.evidence[i].key = keys[i];
				for (unsigned k = 0; k < EVIDENCE_VALUE; k++)
					v.evidence[i].value[k] = (char)(1 + rand() % 255);
			}
			for (unsigned k = 0; k < MESSAGE_MAX; k++)
				v.message[k] = (char)(1 + rand() % 255);
			buf_reset(&out);
			json_alert(&out, &al, 1);
			json_decref(parse());
			rec_free(h);
		}
	}
}

static void longest_record(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);
	static char args[EV_ARGS_MAX];

	memset(args, '\xff', sizeof(args));
	rec_add_str(r, &r->args, args, sizeof(args));
	json_t *j = of_event(&ev, 0);
	assert_int_equal(json_string_length(AT(j, "process", "command_line")), 3 * EV_ARGS_MAX);
	assert_int_equal(json_string_length(AT(j, "redshank", "raw", "process.args")),
			 (EV_ARGS_MAX + 2) / 3 * 4);
	json_decref(j);
	rec_free(r);
}

/* After the first line nothing is allocated: the buffer keeps its memory. */
static void no_allocation(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	json_decref(of_event(&ev, 1));
	const char *data = out.data;
	size_t cap = out.cap;
	for (unsigned i = 0; i < 1000; i++) {
		buf_reset(&out);
		json_event(&out, &ev, i);
	}
	assert_ptr_equal(out.data, data);
	assert_int_equal(out.cap, cap);
	rec_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exec_event),
		cmocka_unit_test(large_numbers),
		cmocka_unit_test(bytes_that_are_no_text),
		cmocka_unit_test(nothing_that_acts),
		cmocka_unit_test(no_process),
		cmocka_unit_test(alert),
		cmocka_unit_test(severities),
		cmocka_unit_test(hostile),
		cmocka_unit_test(longest_record),
		cmocka_unit_test(no_allocation),
	};
	return cmocka_run_group_tests_name("json", tests, setup, teardown);
}
