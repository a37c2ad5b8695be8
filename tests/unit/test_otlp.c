/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP requests and answers. That another implementation reads the same in a request is the task
 * of tests/otlp.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../otlp/sample.h"
#include "encode/otlp.h"
#include "heartbeats.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"

#define MESSAGE 64

static Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *pack(
	struct pb_arena *a, Redshank__V1__Alert *const *alerts, size_t n)
{
	struct buf b = { 0 };

	assert_int_equal(otlp_pack(&b, a, alerts, n, 42), 0);
	Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *r =
		opentelemetry__proto__collector__logs__v1__export_logs_service_request__unpack(
			NULL, b.len, (uint8_t *)b.data);
	assert_non_null(r);
	assert_int_equal(r->n_resource_logs, 1);
	assert_int_equal(r->resource_logs[0]->n_scope_logs, 1);
	assert_int_equal(r->resource_logs[0]->scope_logs[0]->n_log_records, n);
	buf_free(&b);
	return r;
}

static void unpack_free(Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *r)
{
	opentelemetry__proto__collector__logs__v1__export_logs_service_request__free_unpacked(r,
											      NULL);
}

/* The value of an attribute; keys are unique. */
static const Opentelemetry__Proto__Common__V1__AnyValue *find(
	const Opentelemetry__Proto__Logs__V1__LogRecord *r, const char *key)
{
	const Opentelemetry__Proto__Common__V1__AnyValue *found = NULL;

	for (size_t i = 0; i < r->n_attributes; i++)
		if (!strcmp(r->attributes[i]->key, key)) {
			assert_null(found);
			found = r->attributes[i]->value;
		}
	return found;
}

static void heartbeat(void **state)
{
	union rec_buf rec;
	struct event ev = { .rec = &rec.hdr, .seq = 5, .host = &rec_host };
	struct pb_arena a = { 0 };
	struct buf b = { 0 };

	(void)state;
	heartbeat_sample(&rec);
	ev.desc = ev_desc(EV_heartbeat);
	assert_int_equal(otlp_pack_event(&b, &a, &ev, 42), 0);
	Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *r =
		opentelemetry__proto__collector__logs__v1__export_logs_service_request__unpack(
			NULL, b.len, (uint8_t *)b.data);
	assert_non_null(r);
	const Opentelemetry__Proto__Logs__V1__LogRecord *l =
		r->resource_logs[0]->scope_logs[0]->log_records[0];
	assert_string_equal(l->event_name, "redshank.heartbeat");
	assert_int_equal(l->severity_number, 9); /* logs data model: INFO */
	assert_string_equal(l->severity_text, "INFO");
	assert_int_equal(l->time_unix_nano, rec.hdr.time + (uint64_t)rec_host.unix_offset);
	assert_int_equal(l->observed_time_unix_nano, 42);
	assert_int_equal(find(l, "redshank.heartbeat.alerts")->int_value, 3);
	assert_int_equal(find(l, "redshank.seq")->int_value, 5);
	assert_string_equal(find(l, "agent.version")->string_value, REDSHANK_VERSION);
	assert_int_equal(find(l, "redshank.heartbeat.hooks")->array_value->n_values, 4);
	/* What the record and the resource have. */
	assert_null(find(l, "@timestamp"));
	assert_null(find(l, "host.name"));
	unpack_free(r);
	buf_free(&b);
	pb_arena_free(&a);
}

static void severities(void **state)
{
	static const struct {
		enum severity severity;
		int number;
		const char *text;
	} levels[] = {
		{ SEVERITY_informational, 9, "informational" },
		{ SEVERITY_low, 13, "low" },
		{ SEVERITY_medium, 17, "medium" },
		{ SEVERITY_high, 18, "high" },
		{ SEVERITY_critical, 19, "critical" },
		{ SEVERITY_none, 0, "" },
		{ (enum severity)77, 0, "" },
	};
	struct pb_arena a = { 0 };
	struct sample s;

	(void)state;
	sample_init(&s, 1);
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		s.verdict.severity = levels[i].severity;
		Redshank__V1__Alert *al = alert_to_pb(&a, &s.alert);
		Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *r =
			pack(&a, &al, 1);
		Opentelemetry__Proto__Logs__V1__LogRecord *rec =
			r->resource_logs[0]->scope_logs[0]->log_records[0];
		assert_int_equal(rec->severity_number, levels[i].number);
		assert_string_equal(rec->severity_text, levels[i].text);
		assert_string_equal(rec->event_name, "redshank.alert");
		assert_true(rec->observed_time_unix_nano == 42);
		unpack_free(r);
	}
	sample_free(&s);
	pb_arena_free(&a);
}

static void whole_alert_is_inside(void **state)
{
	struct pb_arena a = { 0 };
	struct buf b = { 0 };
	struct sample s;

	(void)state;
	sample_init(&s, 3);
	Redshank__V1__Alert *al = alert_to_pb(&a, &s.alert);
	alert_pack(&b, al);
	Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *r = pack(&a, &al, 1);
	const Opentelemetry__Proto__Common__V1__AnyValue *v =
		find(r->resource_logs[0]->scope_logs[0]->log_records[0], "redshank.alert");
	assert_int_equal(v->value_case,
			 OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BYTES_VALUE);
	assert_int_equal(v->bytes_value.len, b.len);
	assert_memory_equal(v->bytes_value.data, b.data, b.len);
	unpack_free(r);
	buf_free(&b);
	sample_free(&s);
	pb_arena_free(&a);
}

/* A stored alert of another version may lack anything, or hold evidence of any kind. */
static void unusual_alerts(void **state)
{
	struct pb_arena a = { 0 };
	Redshank__V1__Alert empty = REDSHANK__V1__ALERT__INIT, odd = REDSHANK__V1__ALERT__INIT;
	Redshank__V1__Attribute number = REDSHANK__V1__ATTRIBUTE__INIT, flag = number,
				twice = number, none = number, bad = number;
	Redshank__V1__Attribute *evidence[40] = { &number, &flag, &twice, &none, &bad };
	Redshank__V1__Alert *alerts[] = { &empty, &odd };

	(void)state;
	number.key = twice.key = "n";
	number.value_case = twice.value_case = REDSHANK__V1__ATTRIBUTE__VALUE_NUMBER;
	number.number = UINT64_MAX;
	flag.key = "f";
	flag.value_case = REDSHANK__V1__ATTRIBUTE__VALUE_FLAG;
	flag.flag = true;
	none.key = "none";
	bad.key = "bad\xff";
	bad.value_case = REDSHANK__V1__ATTRIBUTE__VALUE_TEXT;
	bad.text = "\xff";
	for (unsigned i = 5; i < 40; i++)
		evidence[i] = &none;
	odd.evidence = evidence;
	odd.n_evidence = 40;
	Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *r =
		pack(&a, alerts, 2);
	const Opentelemetry__Proto__Logs__V1__LogRecord *rec =
		r->resource_logs[0]->scope_logs[0]->log_records[1];
	assert_string_equal(find(rec, "redshank.evidence.n")->string_value, "18446744073709551615");
	assert_true(find(rec, "redshank.evidence.f")->bool_value);
	assert_null(find(rec, "redshank.evidence.none"));
	assert_string_equal(find(rec, "redshank.evidence.bad" UTF8_REPLACEMENT)->string_value,
			    UTF8_REPLACEMENT);
	assert_int_equal(rec->dropped_attributes_count, 40 - EVIDENCE_MAX);
	unpack_free(r);
	pb_arena_free(&a);
}

/* --- answers --- */

struct answer {
	const char *bytes;
	size_t len;
	int result;
	int64_t rejected;
	const char *message;
};

#define BYTES(s_) s_, sizeof(s_) - 1

static void responses(void **state)
{
	static const struct answer cases[] = {
		{ BYTES(""), 0, 0, "" },
		{ BYTES("\x0a\x00"), 0, 0, "" }, /* as the Collector answers */
		{ BYTES("\x0a\x02\x08\x03"), 0, 3, "" },
		{ BYTES("\x0a\x07\x08\x03\x12\x03"
			"bad"),
		  0, 3, "bad" },
		{ BYTES("\x0a\x05\x12\x03"
			"hmm"),
		  0, 0, "hmm" },
		/* submessages in pieces are merged, the last scalar wins */
		{ BYTES("\x0a\x02\x08\x03\x0a\x07\x08\x04\x12\x03"
			"bad"),
		  0, 4, "bad" },
		/* -1 as int64 */
		{ BYTES("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, -1, "" },
		/* fields that we don't know, of every type */
		{ BYTES("\x10\x05\x19"
			"12345678"
			"\x25"
			"1234"
			"\x2a\x02zz\x0a\x02\x08\x01"),
		  0, 1, "" },
		/* known number, other type: unknown */
		{ BYTES("\x08\x07\x0a\x03\x10\x09\x10"), -EBADMSG, 0, "" },
		{ BYTES("\x08\x07\x0a\x02\x10\x09"), 0, 0, "" },
		/* cut, overlong, of no field, groups, reserved types */
		{ BYTES("\x0a"), -EBADMSG, 0, "" },
		{ BYTES("\x0a\x05\x08"), -EBADMSG, 0, "" },
		{ BYTES("\x0a\x02\x12\x05"), -EBADMSG, 0, "" },
		{ BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), -EBADMSG, 0, "" },
		{ BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), -EBADMSG, 0, "" },
		{ BYTES("\x02\x00"), -EBADMSG, 0, "" },
		{ BYTES("\x0b\x0c"), -EBADMSG, 0, "" },
		{ BYTES("\x0e\x00"), -EBADMSG, 0, "" },
		{ BYTES("\x19"
			"1234567"),
		  -EBADMSG, 0, "" },
		{ BYTES("<html>"), -EBADMSG, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char message[MESSAGE] = "untouched";
		int64_t rejected = 77;
		assert_int_equal(otlp_response(cases[i].bytes, cases[i].len, &rejected, message,
					       sizeof(message)),
				 cases[i].result);
		assert_true(rejected == (cases[i].result ? 77 : cases[i].rejected));
		assert_string_equal(message, cases[i].result ? "untouched" : cases[i].message);
	}
}

static void statuses(void **state)
{
	static const struct answer cases[] = {
		{ BYTES(""), 0, 0, "" },
		{ BYTES("\x08\x03\x12\x04"
			"nope"),
		  0, 0, "nope" },
		{ BYTES("\x08\x03\x12\x04"
			"nope"
			"\x1a\x02xx"),
		  0, 0, "nope" },
		{ BYTES("\x12\x05"
			"nope"),
		  0, 0, "" },
		{ BYTES("not found\n"), 0, 0, "" },
		/* nothing that drives a terminal or forges a line */
		{ BYTES("\x12\x09"
			"a\x1b[2J\n\r\x9b"
			"b"),
		  0, 0, "a\\x1b[2J\\x0a\\x0d\\x9bb" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char message[MESSAGE] = "";
		otlp_status(cases[i].bytes, cases[i].len, message, sizeof(message));
		assert_string_equal(message, cases[i].message);
	}
}

static void messages_are_cut_between_characters(void **state)
{
	static const char status[] = "\x12\x0e"
				     "ab\xe2\x82\xac\xff"
				     "cdefghij";
	static const char *const cut[] = { "",
					   "a",
					   "ab",
					   "ab",
					   "ab",
					   "ab\xe2\x82\xac",
					   "ab\xe2\x82\xac",
					   "ab\xe2\x82\xac",
					   "ab\xe2\x82\xac",
					   "ab\xe2\x82\xac\\xff",
					   "ab\xe2\x82\xac\\xff"
					   "c" };

	(void)state;
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		char message[MESSAGE];
		memset(message, '#', sizeof(message));
		otlp_status(status, sizeof(status) - 1, message, i + 1);
		assert_string_equal(message, cut[i]);
		assert_int_equal(message[i + 1], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(severities),
		cmocka_unit_test(heartbeat),
		cmocka_unit_test(whole_alert_is_inside),
		cmocka_unit_test(unusual_alerts),
		cmocka_unit_test(responses),
		cmocka_unit_test(statuses),
		cmocka_unit_test(messages_are_cut_between_characters),
	};

	return cmocka_run_group_tests_name("otlp", tests, NULL, NULL);
}
