/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts and events as protobuf messages, and the arena they are built in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../otlp/sample.h"
#include "encode/alert_pb.h"
#include "enrich/fields.h"

#define UNIX(boottime_) ((boottime_) + 1700000000000000000ULL)

/* --- helpers --- */

/* Every string at every depth is UTF-8, whatever the message is. */
static void check_strings(const ProtobufCMessage *m)
{
	for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		const char *at = (const char *)m + f->offset;
		size_t n = 1;
		if (f->label == PROTOBUF_C_LABEL_REPEATED) {
			n = *(const size_t *)((const char *)m + f->quantifier_offset);
			at = *(const char *const *)at;
		} else if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
			   *(const uint32_t *)((const char *)m + f->quantifier_offset) != f->id) {
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			if (f->type == PROTOBUF_C_TYPE_STRING) {
				const char *s = ((const char *const *)at)[k];
				assert_non_null(s);
				assert_true(utf8_valid(s, strlen(s)));
			} else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
				const ProtobufCMessage *sub = ((ProtobufCMessage *const *)at)[k];
				if (sub)
					check_strings(sub);
			}
		}
	}
}

static const Redshank__V1__Attribute *attr(const Redshank__V1__Event *ev, const char *key)
{
	const Redshank__V1__Attribute *found = NULL;

	for (size_t i = 0; i < ev->n_attributes; i++)
		if (!strcmp(ev->attributes[i]->key, key)) {
			assert_null(found);
			found = ev->attributes[i];
		}
	return found;
}

static void assert_raw(ProtobufCBinaryData raw, const char *p, size_t len)
{
	assert_int_equal(raw.len, len);
	if (len)
		assert_memory_equal(raw.data, p, len);
}

/* --- arena --- */

static void arena_memory(void **state)
{
	struct pb_arena a = { 0 };
	char *p[1000];

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			size_t n = i % 7 == 0 ? 100000 : i;
			p[i] = pb_alloc(&a, n);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 8, 0);
			for (size_t k = 0; k < n; k++)
				assert_int_equal(p[i][k], 0);
			memset(p[i], (int)(i & 0xff), n);
		}
		for (unsigned i = 0; i < 1000; i++) {
			size_t n = i % 7 == 0 ? 100000 : i;
			for (size_t k = 0; k < n; k++)
				assert_int_equal((unsigned char)p[i][k], i & 0xff);
		}
		pb_arena_reset(&a);
	}
	pb_arena_free(&a);
	pb_arena_free(NULL);
}

static void arena_failure(void **state)
{
	struct pb_arena a = { 0 };
	struct sample s;

	(void)state;
	assert_null(pb_alloc(&a, SIZE_MAX - 3));
	assert_true(a.failed);
	assert_null(pb_alloc(&a, 8));
	assert_string_equal(pb_text(&a, "abc", 3, NULL), "");
	sample_init(&s, 1);
	assert_null(alert_to_pb(&a, &s.alert));
	assert_null(event_to_pb(&a, &s.event));
	pb_arena_reset(&a);
	assert_non_null(alert_to_pb(&a, &s.alert));
	sample_free(&s);
	pb_arena_free(&a);
}

static void text(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
		bool raw;
	} cases[] = {
		{ "", 0, "", false },
		{ "plain", 5, "plain", false },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		  false },
		{ "a\xff"
		  "b",
		  3, "a" UTF8_REPLACEMENT "b", true },
		{ "a\0b", 3, "a" UTF8_REPLACEMENT "b", true },
		{ "\xe2\x82", 2, UTF8_REPLACEMENT UTF8_REPLACEMENT, true },
		{ "\xc0\x80", 2, UTF8_REPLACEMENT UTF8_REPLACEMENT, true },
	};
	struct pb_arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ProtobufCBinaryData raw = { 0 };
		assert_string_equal(pb_text(&a, cases[i].in, cases[i].len, &raw), cases[i].out);
		assert_string_equal(pb_text(&a, cases[i].in, cases[i].len, NULL), cases[i].out);
		assert_raw(raw, cases[i].in, cases[i].raw ? cases[i].len : 0);
	}
	pb_arena_free(&a);
}

/* --- alerts --- */

static void check_process(const Redshank__V1__Process *p)
{
	assert_true(strlen(p->entity_id) > 16);
	assert_int_equal(p->pid, 4242);
	assert_int_equal(p->parent_pid, 1234);
	assert_int_equal(p->vpid, 4242);
	assert_true(p->start_unix_nano == UNIX(4000000000));
	assert_true(p->exit_unix_nano == 0);
	assert_string_equal(p->name, "test");
	assert_raw(p->name_raw, NULL, 0);
	assert_string_equal(p->executable, SAMPLE_EXE_TEXT);
	assert_raw(p->executable_raw, SAMPLE_EXE, strlen(SAMPLE_EXE));
	assert_string_equal(p->working_directory, SAMPLE_CWD_TEXT);
	assert_raw(p->working_directory_raw, SAMPLE_CWD, strlen(SAMPLE_CWD));
	assert_int_equal(p->n_args, 3);
	assert_string_equal(p->args[0], SAMPLE_ARG_TEXT);
	assert_string_equal(p->args[1], "");
	assert_string_equal(p->args[2], "--flag");
	assert_int_equal(p->n_args_raw, 3);
	assert_raw(p->args_raw[0], SAMPLE_ARG, strlen(SAMPLE_ARG));
	assert_raw(p->args_raw[1], NULL, 0);
	assert_raw(p->args_raw[2], "--flag", 6);
	assert_false(p->args_truncated);
	assert_int_equal(p->real_user_id, 1000);
	assert_int_equal(p->login_user_id, UINT32_MAX);
	assert_string_equal(p->tty, "pts/3");
	assert_string_equal(p->executable_origin, "memfd");
	assert_string_equal(p->container_id, SAMPLE_CONTAINER);
}

static void check_ancestors(const Redshank__V1__Alert *pb)
{
	assert_int_equal(pb->n_ancestors, 2);
	const Redshank__V1__Process *bash = pb->ancestors[0], *init = pb->ancestors[1];
	assert_int_equal(bash->pid, 1234);
	assert_string_equal(bash->executable, "/usr/bin/bash");
	assert_raw(bash->executable_raw, NULL, 0);
	assert_string_equal(bash->executable_origin, "regular");
	assert_int_equal(bash->n_args, 3);
	assert_raw(bash->args_raw[2], "\xfe", 1);
	assert_true(bash->exit_unix_nano == 0);
	assert_string_equal(init->executable, "");
	assert_int_equal(init->n_args, 0);
	assert_string_equal(init->name, "init");
	assert_true(init->exit_unix_nano == UNIX(6000000000));
	assert_string_not_equal(init->entity_id, bash->entity_id);
}

static void alert(void **state)
{
	struct pb_arena a = { 0 };
	struct sample s;

	(void)state;
	sample_init(&s, 7);
	Redshank__V1__Alert *pb = alert_to_pb(&a, &s.alert);
	assert_non_null(pb);
	check_strings(&pb->base);
	assert_string_equal(pb->id, "00000000-0000-8000-8000-000000000007");
	assert_true(pb->sequence == 7);
	assert_true(pb->time_unix_nano == UNIX(5000000000));
	assert_int_equal(pb->severity, REDSHANK__V1__SEVERITY__SEVERITY_HIGH);
	assert_string_equal(pb->rule->id, "redshank.test.sample");
	assert_string_equal(pb->rule->false_positives, "");
	assert_int_equal(pb->n_techniques, 2);
	assert_string_equal(pb->techniques[1]->tactic, "Execution");
	assert_string_equal(pb->message, "Ran " UTF8_REPLACEMENT " from memory, number 7");
	assert_int_equal(pb->n_evidence, 2);
	assert_string_equal(pb->evidence[1]->text, SAMPLE_EXE_TEXT);
	assert_raw(pb->evidence[1]->raw, SAMPLE_EXE, strlen(SAMPLE_EXE));
	check_process(pb->process);
	check_ancestors(pb);
	assert_string_equal(pb->host->name, "testhost");
	assert_string_equal(pb->host->id, rec_host.machine_id);
	assert_string_equal(pb->host->boot_id, rec_host.boot_id);
	assert_string_equal(pb->host->architecture, "x86_64");
	sample_free(&s);
	pb_arena_free(&a);
}

static void event(void **state)
{
	struct pb_arena a = { 0 };
	struct sample s;
	struct any_field fields[ANY_FIELDS_MAX];
	unsigned present = 0;

	(void)state;
	sample_init(&s, 1);
	REC_TRUNCATED(exec, s.rec, args);
	s.event.seq = 99;
	Redshank__V1__Event *pb = event_to_pb(&a, &s.event);
	assert_non_null(pb);
	check_strings(&pb->base);
	assert_string_equal(pb->type, "exec");
	assert_true(pb->sequence == 99);
	assert_true(pb->time_unix_nano == UNIX(5000000000));

	/* Exactly the fields that the record has. */
	unsigned n = any_fields(s.event.desc, fields);
	for (unsigned i = 0; i < n; i++) {
		struct value v;
		any_field_get(&fields[i], &s.event, &v);
		present += v.kind != VALUE_none;
		assert_int_equal(!!attr(pb, any_field_name(&fields[i])), v.kind != VALUE_none);
	}
	assert_int_equal(pb->n_attributes, present);

	const Redshank__V1__Attribute *at = attr(pb, "process.args");
	assert_int_equal(at->value_case, REDSHANK__V1__ATTRIBUTE__VALUE_LIST);
	assert_int_equal(at->list->n_values, 3);
	assert_string_equal(at->list->values[0], SAMPLE_ARG_TEXT);
	assert_raw(at->raw, SAMPLE_ARG "\0\0--flag", strlen(SAMPLE_ARG) + 8);
	assert_true(at->truncated);
	at = attr(pb, "process.command_line");
	assert_int_equal(at->value_case, REDSHANK__V1__ATTRIBUTE__VALUE_TEXT);
	assert_string_equal(at->text, SAMPLE_ARG_TEXT "  --flag");
	at = attr(pb, "process.args_count");
	assert_int_equal(at->value_case, REDSHANK__V1__ATTRIBUTE__VALUE_NUMBER);
	assert_true(at->number == 3);
	assert_false(at->truncated);
	at = attr(pb, "redshank.exec.secure");
	assert_int_equal(at->value_case, REDSHANK__V1__ATTRIBUTE__VALUE_FLAG);
	assert_false(at->flag);
	at = attr(pb, "process.start");
	assert_int_equal(at->value_case, REDSHANK__V1__ATTRIBUTE__VALUE_TIME_UNIX_NANO);
	assert_true(at->time_unix_nano == UNIX(4000000000));
	assert_null(attr(pb, "redshank.login.uid"));
	sample_free(&s);
	pb_arena_free(&a);
}

/* Records that say nothing about the program: the process table does, if it knows the process. */
static void process_from_table(void **state)
{
	struct pb_arena a = { 0 };
	struct sample s;
	struct ev_exit *r = REC_NEW(exit);
	struct proc p = { .pid = 4242 };

	(void)state;
	sample_init(&s, 1);
	p.image = s.image;
	s.event = rec_event(r);
	s.event.proc = &p;
	Redshank__V1__Alert *pb = alert_to_pb(&a, &s.alert);
	assert_string_equal(pb->process->executable, "/usr/bin/bash");
	assert_int_equal(pb->process->n_args, 3);
	assert_int_equal(pb->process->pid, 4242);
	assert_true(pb->process->exit_unix_nano == UNIX(5000000000));

	s.event.proc = NULL;
	pb = alert_to_pb(&a, &s.alert);
	assert_string_equal(pb->process->executable, "");
	assert_string_equal(pb->process->name, "test");
	assert_string_equal(pb->process->container_id, "");
	assert_int_equal(pb->process->n_args, 0);
	rec_free(r);
	sample_free(&s);
	pb_arena_free(&a);
}

/* A record of the process itself wins over what the table keeps of it. */
static void process_from_record(void **state)
{
	struct pb_arena a = { 0 };
	struct sample s;
	struct proc p = { .pid = 4242 };

	(void)state;
	sample_init(&s, 1);
	REC_TRUNCATED(exec, s.rec, args);
	p.image = s.image;
	s.event.proc = &p;
	Redshank__V1__Alert *pb = alert_to_pb(&a, &s.alert);
	assert_string_equal(pb->process->executable, SAMPLE_EXE_TEXT);
	assert_string_equal(pb->process->executable_origin, "memfd");
	assert_string_equal(pb->process->args[2], "--flag");
	assert_true(pb->process->args_truncated);
	sample_free(&s);
	pb_arena_free(&a);
}

/* Any bytes in any text field: every string stays UTF-8, and the bytes come back from raw. */
static void any_bytes(void **state)
{
	struct pb_arena a = { 0 };
	struct sample s;
	unsigned seed = 1;
	char bytes[300];

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		sample_init(&s, 1);
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1103515245 + 12345;
			bytes[i] = (char)(round & 1 ? seed >> 16 : (seed >> 16) % 3 ? 0x80 : 0);
		}
		struct ev_hdr *h = (struct ev_hdr *)s.event.rec;
		rec_add_str(h, &s.rec->exe, bytes, sizeof(bytes));
		rec_add_str(h, &s.rec->cwd, bytes + 1, 100);
		rec_add_str(h, &s.rec->args, bytes, sizeof(bytes));
		rec_add_str(h, &s.rec->cgpath, bytes, sizeof(bytes));
		rec_add_str(h, &s.rec->tty, bytes, 64);
		memcpy(h->name, bytes, sizeof(h->name));
		Redshank__V1__Alert *pb = alert_to_pb(&a, &s.alert);
		assert_non_null(pb);
		check_strings(&pb->base);
		assert_raw(pb->process->executable_raw, bytes, sizeof(bytes));
		sample_free(&s);
		pb_arena_reset(&a);
	}
	pb_arena_free(&a);
}

/* --- bytes --- */

static void pack_and_unpack(void **state)
{
	struct pb_arena a = { 0 };
	struct buf first = { 0 }, again = { 0 };
	struct sample s;

	(void)state;
	sample_init(&s, 7);
	alert_pack(&first, alert_to_pb(&a, &s.alert));
	assert_true(first.len > 100);
	Redshank__V1__Alert *pb = alert_unpack(first.data, first.len);
	assert_non_null(pb);
	check_process(pb->process);
	check_ancestors(pb);
	alert_pack(&again, pb);
	assert_int_equal(again.len, first.len);
	assert_memory_equal(again.data, first.data, first.len);
	redshank__v1__alert__free_unpacked(pb, NULL);

	for (size_t n = 0; n < first.len; n++) { /* cut short: an alert with less in it, or none */
		pb = alert_unpack(first.data, n);
		if (pb)
			redshank__v1__alert__free_unpacked(pb, NULL);
	}
	assert_null(alert_unpack("\xff\xff\xff", 3));
	assert_null(alert_unpack("\x0a\x01\xff", 3)); /* id is not UTF-8 */
	assert_null(alert_unpack("\x85\x00"
				 "1234",
				 6)); /* field 0, in two bytes */
	assert_null(alert_unpack("\x2a\x06\x85\x00"
				 "1234",
				 8)); /* and one level below */
	buf_free(&first);
	buf_free(&again);
	sample_free(&s);
	pb_arena_free(&a);
}

/* An empty text is a text: protobuf-c must not leave it out of its oneof. */
static void empty_text_is_kept(void **state)
{
	struct pb_arena a = { 0 };
	struct buf b = { 0 };
	struct sample s;

	(void)state;
	sample_init(&s, 1);
	s.verdict.evidence[0].value[0] = '\0';
	alert_pack(&b, alert_to_pb(&a, &s.alert));
	Redshank__V1__Alert *pb = alert_unpack(b.data, b.len);
	assert_non_null(pb);
	assert_int_equal(pb->evidence[0]->value_case, REDSHANK__V1__ATTRIBUTE__VALUE_TEXT);
	assert_string_equal(pb->evidence[0]->text, "");
	redshank__v1__alert__free_unpacked(pb, NULL);
	buf_free(&b);
	sample_free(&s);
	pb_arena_free(&a);
}

/* Reads one element of a stream and returns the bytes behind it. */
static const uint8_t *read_record(const uint8_t *p, const uint8_t *end, Redshank__V1__Record **ret)
{
	size_t n = 0;

	for (unsigned shift = 0;; shift += 7) {
		assert_true(p < end);
		n |= (size_t)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80))
			break;
	}
	assert_true(n <= (size_t)(end - p));
	*ret = redshank__v1__record__unpack(NULL, n, p);
	assert_non_null(*ret);
	return p + n;
}

static void stream(void **state)
{
	struct pb_arena a = { 0 };
	struct buf b = { 0 };
	struct sample s;
	Redshank__V1__Record *r;

	(void)state;
	sample_init(&s, 1);
	record_pack(&b, event_to_pb(&a, &s.event), NULL, 1);
	record_pack(&b, NULL, alert_to_pb(&a, &s.alert), 2);
	record_pack(&b, NULL, NULL, 3); /* shorter than 128 bytes: a length of one byte */

	const uint8_t *p = (uint8_t *)b.data, *end = p + b.len;
	p = read_record(p, end, &r);
	assert_int_equal(r->kind_case, REDSHANK__V1__RECORD__KIND_EVENT);
	assert_string_equal(r->event->type, "exec");
	assert_true(r->sequence == 1);
	redshank__v1__record__free_unpacked(r, NULL);
	p = read_record(p, end, &r);
	assert_int_equal(r->kind_case, REDSHANK__V1__RECORD__KIND_ALERT);
	assert_string_equal(r->alert->id, s.alert.id);
	redshank__v1__record__free_unpacked(r, NULL);
	p = read_record(p, end, &r);
	assert_int_equal(r->kind_case, REDSHANK__V1__RECORD__KIND__NOT_SET);
	assert_true(r->sequence == 3);
	redshank__v1__record__free_unpacked(r, NULL);
	assert_ptr_equal(p, end);
	buf_free(&b);
	sample_free(&s);
	pb_arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_memory),
		cmocka_unit_test(arena_failure),
		cmocka_unit_test(text),
		cmocka_unit_test(alert),
		cmocka_unit_test(event),
		cmocka_unit_test(process_from_table),
		cmocka_unit_test(process_from_record),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(pack_and_unpack),
		cmocka_unit_test(empty_text_is_kept),
		cmocka_unit_test(stream),
	};

	return cmocka_run_group_tests_name("alert_pb", tests, NULL, NULL);
}
