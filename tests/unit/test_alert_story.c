/* SPDX-License-Identifier: Apache-2.0 */
/* The story, the hash and the container of an alert in each form that leaves the sensor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "../otlp/sample.h"
#include "encode/json.h"
#include "encode/otlp.h"
#include "encode/text.h"
#include "enrich/users.h"

#define SECOND 1000000000ULL
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct sample s;
static struct image *image;
static struct proc self = { .pid = 4242, .start = 4000000000 };
static const struct story_note fetched = {
	.first = 4 * SECOND,
	.last = 4 * SECOND,
	.seq = 17,
	.count = 1,
	.start = 2 * SECOND,
	.pid = 99,
	.type = EV_exec,
	.name = "cu\xffl",
	.len = 22,
	.text = "/usr/bin/curl http://x",
};
static const struct story_note mapped = {
	.first = 4 * SECOND + 1,
	.last = 5 * SECOND,
	.seq = 30,
	.count = 12,
	.start = 4000000000,
	.pid = 4242,
	.type = EV_map,
	.name = "b",
	.len = 24,
	.text = "made memory \\xff exec…",
};

static int setup(void **state)
{
	(void)state;
	users_disable();
	sample_init(&s, 1);
	image = sample_image();
	self.image = image;
	s.event.proc = &self;
	s.alert.nstory = 2;
	s.alert.story[0] = &fetched;
	s.alert.story[1] = &mapped;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(image);
	sample_free(&s);
	return 0;
}

static const char *text_at(json_t *j, const char *key)
{
	const char *t = json_string_value(json_object_get(j, key));
	assert_non_null(t);
	return t;
}

static void as_json(void **state)
{
	struct buf b = { 0 };
	(void)state;
	strcpy(image->sha256, SHA256);
	json_alert(&b, &s.alert, 1);
	json_t *j = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	json_t *story = json_object_get(json_object_get(j, "redshank"), "story");
	assert_int_equal(json_array_size(story), 2);
	json_t *a = json_array_get(story, 0), *m = json_array_get(story, 1);
	assert_string_equal(text_at(a, "time"), "2023-11-14T22:13:24.000000000Z");
	assert_string_equal(text_at(a, "action"), "exec");
	assert_int_equal(json_integer_value(json_object_get(a, "seq")), 17);
	assert_int_equal(json_integer_value(json_object_get(a, "pid")), 99);
	assert_string_equal(text_at(a, "entity_id"), "4a52bdb7a6a44ea0-77359400-63");
	assert_string_equal(text_at(a, "name"), "cu\xEF\xBF\xBDl");
	assert_string_equal(text_at(a, "text"), "/usr/bin/curl http://x");
	assert_null(json_object_get(a, "count"));
	assert_int_equal(json_integer_value(json_object_get(m, "count")), 12);
	assert_string_equal(text_at(m, "last"), "2023-11-14T22:13:25.000000000Z");
	json_t *hash = json_object_get(json_object_get(j, "process"), "hash");
	assert_string_equal(text_at(hash, "sha256"), SHA256);
	json_decref(j);
	buf_free(&b);
}

/* Packed, unpacked as the store's reader does it, packed again: the same bytes. */
static void as_protobuf(void **state)
{
	struct pb_arena a = { 0 };
	struct buf b = { 0 }, again = { 0 };
	(void)state;
	image->sha256_missing = "it was too large";
	Redshank__V1__Alert *pb = alert_to_pb(&a, &s.alert);
	assert_non_null(pb);
	alert_pack(&b, pb);
	pb_arena_free(&a);
	pb = alert_unpack(b.data, b.len);
	assert_non_null(pb);
	assert_int_equal(pb->n_story, 2);
	assert_string_equal(pb->story[0]->action, "exec");
	assert_string_equal(pb->story[0]->text, "/usr/bin/curl http://x");
	assert_int_equal(pb->story[0]->sequence, 17);
	assert_int_equal(pb->story[0]->pid, 99);
	assert_int_equal(pb->story[0]->name_raw.len, 4);
	assert_int_equal(pb->story[1]->count, 12);
	assert_true(pb->story[1]->last_unix_nano > pb->story[1]->time_unix_nano);
	assert_string_equal(pb->process->executable_sha256, "");
	assert_string_equal(pb->process->executable_sha256_missing, "it was too large");
	alert_pack(&again, pb);
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.data, b.data, b.len);
	redshank__v1__alert__free_unpacked(pb, NULL);
	buf_free(&b);
	buf_free(&again);
}

static void has(struct buf *b, const char *text)
{
	if (!memmem(b->data, b->len, text, strlen(text)))
		fail_msg("no \"%s\" in:\n%s", text, buf_str(b));
}

static void as_text(void **state)
{
	struct pb_arena a = { 0 };
	struct buf b = { 0 };
	(void)state;
	strcpy(image->sha256, SHA256);
	Redshank__V1__Alert *pb = alert_to_pb(&a, &s.alert);
	pb->process->container_name = "web-1";
	pb->process->container_image_name = "registry/nginx";
	pb->process->container_image_tag = "1.25";
	text_alert(&b, pb, false);
	has(&b, "\n  before  ");
	has(&b, "       99  exec      cu\\xffl: /usr/bin/curl http://x\n");
	has(&b, "     4242  map       b: made memory \\xff exec…  (12 times, last ");
	has(&b, "SHA-256 " SHA256);
	has(&b, "container web-1");
	has(&b, "registry/nginx:1.25\n");
	pb_arena_free(&a);
	buf_free(&b);
}

static void as_otlp(void **state)
{
	struct pb_arena a = { 0 };
	struct buf b = { 0 };
	(void)state;
	strcpy(image->sha256, SHA256);
	Redshank__V1__Alert *pb = alert_to_pb(&a, &s.alert);
	pb->process->container_image_tag = "1.25";
	assert_int_equal(otlp_pack(&b, &a, &pb, 1, 7), 0);
	has(&b, "redshank.story");
	has(&b, "2023-11-14T22:13:24.000000000Z exec 99 /usr/bin/curl http://x");
	has(&b, "process.hash.sha256");
	has(&b, SHA256);
	has(&b, "container.image.tags");
	pb_arena_free(&a);
	buf_free(&b);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(as_json), T(as_protobuf), T(as_text), T(as_otlp) };
	return cmocka_run_group_tests_name("alert_story", tests, NULL, NULL);
}
