/* SPDX-License-Identifier: Apache-2.0 */
/* Each format of a field's value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "records.h"
#include "schema/value.h"

static struct value v;

/* Reads the field; the value must not keep anything of the one before. */
static const struct value *get(const struct event *ev, const char *name)
{
	const struct field *f = field_find(ev->desc, name);
	assert_non_null(f);
	memset(&v, 0xee, sizeof(v));
	value_get(ev, f, &v);
	assert_false(v.joined);
	return &v;
}

static void is_text(const struct value *got, const char *expected)
{
	assert_int_equal(got->kind, VALUE_str);
	if (got->len != strlen(expected) || memcmp(got->p, expected, got->len) != 0)
		fail_msg("'%.*s', expected '%s'", (int)got->len, got->p, expected);
}

static void is_num(const struct value *got, uint64_t expected)
{
	assert_int_equal(got->kind, VALUE_num);
	assert_int_equal(got->num, expected);
}

static void is_absent(const struct value *got)
{
	assert_int_equal(got->kind, VALUE_none);
}

/* The elements, each followed by '|'. */
static void is_list(const struct value *got, const char *expected)
{
	char text[2048] = "";
	size_t pos = 0, len, n = 0;
	const char *p;

	assert_int_equal(got->kind, VALUE_list);
	while (value_next(got, &pos, &p, &len))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s|", (int)len, p);
	assert_string_equal(text, expected);
}

static void numbers(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	r->exe_ino = UINT64_MAX;
	is_num(get(&ev, "redshank.exe.inode"), UINT64_MAX);
	r->exe_nlink = 0;
	is_num(get(&ev, "redshank.exe.nlink"), 0); /* a deleted file has none: that is a value */
	r->hdr.uid = 4294967294;
	is_text(get(&ev, "process.real_user.id"), "4294967294");
	r->exe_magic = 0x01021994;
	is_text(get(&ev, "redshank.exe.fs_magic"), "0x1021994");
	r->exe_mode = 0104755;
	is_text(get(&ev, "redshank.exe.mode"), "4755");
	r->exe_mode = 0100644;
	is_text(get(&ev, "redshank.exe.mode"), "0644");
	is_text(get(&ev, "process.real_group.id"), "1000");
	rec_free(r);
}

static void optional_numbers(void **state)
{
	(void)state;
	struct ev_exit *r = REC_NEW(exit);
	struct event ev = rec_event(r);

	is_absent(get(&ev, "redshank.login.uid")); /* (uid_t)-1: not set */
	r->hdr.loginuid = 0;
	is_num(get(&ev, "redshank.login.uid"), 0);
	is_num(get(&ev, "process.exit_code"), 0);
	r->code = UINT32_MAX;
	is_absent(get(&ev, "process.exit_code"));
	rec_free(r);
}

static void booleans_and_times(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	assert_int_equal(get(&ev, "redshank.exec.secure")->kind, VALUE_bool);
	assert_int_equal(v.num, 0);
	r->secure = 256;
	assert_int_equal(get(&ev, "redshank.exec.secure")->num, 1);

	assert_int_equal(get(&ev, "@timestamp")->kind, VALUE_time);
	assert_int_equal(v.num, 1700000005000000000);
	r->hdr.parent_start = 0;
	is_absent(get(&ev, "process.parent.start"));
	rec_free(r);
}

static void devices(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	is_absent(get(&ev, "redshank.exe.dev"));
	r->exe_dev = 254 << 20 | 3; /* the kernel's own layout, include/linux/kdev_t.h */
	is_text(get(&ev, "redshank.exe.dev"), "254:3");
	r->exe_dev = 0xfffff;
	is_text(get(&ev, "redshank.exe.dev"), "0:1048575");
	rec_free(r);
}

static void flags(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	is_absent(get(&ev, "process.thread.capabilities.effective"));
	r->cap_effective = 1 | 1 << 21 | 1ULL << 40;
	is_list(get(&ev, "process.thread.capabilities.effective"),
		"CAP_CHOWN|CAP_SYS_ADMIN|CAP_CHECKPOINT_RESTORE|");
	r->cap_effective = 1ULL << 63; /* of a kernel newer than this build */
	is_list(get(&ev, "process.thread.capabilities.effective"), "bit63|");
	r->cap_effective = UINT64_MAX; /* all of them fit */
	get(&ev, "process.thread.capabilities.effective");
	size_t pos = 0, len, n = 0;
	const char *p = NULL;
	while (value_next(&v, &pos, &p, &len))
		n++;
	assert_int_equal(n, 64);
	assert_memory_equal(p, "bit63", 5);

	is_absent(get(&ev, "redshank.unseen"));
	r->hdr.unseen = UNSEEN_script | UNSEEN_kernel | 1u << 31;
	is_list(get(&ev, "redshank.unseen"), "script|kernel|bit31|");
	r->hdr.unseen = 0;
	is_absent(get(&ev, "redshank.exe.seals"));
	r->exe_seals = 0xf; /* F_SEAL_SEAL, _SHRINK, _GROW, _WRITE */
	is_list(get(&ev, "redshank.exe.seals"),
		"F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW|F_SEAL_WRITE|");
	r->exe_flags = EXE_F_INTERNAL_MOUNT | EXE_F_UNHASHED | EXE_F_MEMFD_NAME | 1U << 31;
	is_list(get(&ev, "redshank.exe.flags"), "internal_mount|unhashed|memfd_name|bit31|");
	r->exe_flags = EXE_F_OVERLAY_UPPER | EXE_F_DETACHED | EXE_F_SCRIPT | EXE_F_SCRIPT_MEMFD;
	is_list(get(&ev, "redshank.exe.flags"), "overlay_upper|detached|script|script_memfd|");
	rec_free(r);
}

static void enums(void **state)
{
	(void)state;
	static const char *const origins[] = { NULL,	   "regular", "memfd",
					       "unlinked", "tmpfs",   "overlay_upper" };
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	is_absent(get(&ev, "redshank.exe.origin"));
	for (unsigned i = EXE_ORIGIN_regular; i <= EXE_ORIGIN_overlay_upper; i++) {
		r->exe_origin = i;
		is_text(get(&ev, "redshank.exe.origin"), origins[i]);
		assert_string_equal(exe_origin_name(i), origins[i]);
	}
	r->exe_origin = 99;
	is_text(get(&ev, "redshank.exe.origin"), "99");
	assert_null(exe_origin_name(99));
	is_absent(get(&ev, "redshank.exe.same_content"));
	r->same_content = SAME_CONTENT_yes;
	is_text(get(&ev, "redshank.exe.same_content"), "yes");
	r->same_content = SAME_CONTENT_no;
	is_text(get(&ev, "redshank.exe.same_content"), "no");
	rec_free(r);
}

static void event_names_and_causes(void **state)
{
	(void)state;
	struct ev_gap *r = REC_NEW(gap);
	struct event ev = rec_event(r);

	r->event = EV_exec;
	is_text(get(&ev, "redshank.gap.event"), "exec");
	r->event = 63;
	is_text(get(&ev, "redshank.gap.event"), "63");
	r->event = UINT32_MAX;
	is_text(get(&ev, "redshank.gap.event"), "4294967295");
	r->cause = GAP_ring_full;
	is_text(get(&ev, "redshank.gap.cause"), "ring_full");
	r->cause = GAP_invalid;
	is_text(get(&ev, "redshank.gap.cause"), "invalid");
	r->cause = 0;
	is_absent(get(&ev, "redshank.gap.cause"));
	rec_free(r);
}

static void signals(void **state)
{
	(void)state;
	struct ev_exit *r = REC_NEW(exit);
	struct event ev = rec_event(r);

	is_absent(get(&ev, "redshank.exit.signal"));
	r->signal = 9;
	is_text(get(&ev, "redshank.exit.signal"), "SIGKILL");
	r->signal = 11;
	is_text(get(&ev, "redshank.exit.signal"), "SIGSEGV");
	r->signal = 31;
	is_text(get(&ev, "redshank.exit.signal"), "SIGSYS");
	r->signal = 34; /* real time */
	is_text(get(&ev, "redshank.exit.signal"), "34");
	rec_free(r);
}

static void strings(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	is_absent(get(&ev, "process.executable"));
	REC_STR(exec, r, exe, "/bin/\xff");
	is_text(get(&ev, "process.executable"), "/bin/\xff");
	assert_false(v.truncated);
	REC_TRUNCATED(exec, r, exe);
	assert_true(get(&ev, "process.executable")->truncated);
	assert_false(get(&ev, "process.working_directory")->truncated);
	assert_false(get(&ev, "process.pid")->truncated);

	is_text(get(&ev, "process.name"), "test");
	memcpy(r->hdr.name, "0123456789abcdef", 16); /* not terminated */
	is_text(get(&ev, "process.name"), "0123456789abcdef");
	r->hdr.name[0] = '\0';
	is_absent(get(&ev, "process.name"));
	rec_free(r);
}

static void lists(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);

	is_absent(get(&ev, "process.args"));
	REC_LIST(exec, r, args, "sh", "-c", "id");
	is_list(get(&ev, "process.args"), "sh|-c|id|");
	REC_LIST(exec, r, args, "a", "", "b", "");
	is_list(get(&ev, "process.args"), "a||b||"); /* empty arguments count */
	REC_LIST(exec, r, args, "");
	is_list(get(&ev, "process.args"), "|"); /* argv of one empty string */
	rec_add_str(r, &r->args, "sh\0-c\0trunca", 12);
	is_list(get(&ev, "process.args"), "sh|-c|trunca|");
	rec_add_str(r, &r->args, "\0\0", 2);
	is_list(get(&ev, "process.args"), "||");
	rec_free(r);
}

static void printf_is_bounded(void **state)
{
	(void)state;
	char longest[2 * VALUE_TMP];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	value_printf(&v, "%s", longest);
	assert_int_equal(v.kind, VALUE_str);
	assert_int_equal(v.len, VALUE_TMP - 1);
	value_printf(&v, "%s", "");
	is_absent(&v);
	assert_string_equal(cap_name(0), "CAP_CHOWN");
	assert_null(cap_name(41));
	assert_null(gap_cause_name(0));
}

/* No format may read outside of a sound record, whatever its numbers are. */
static void any_bytes(void **state)
{
	(void)state;
	srand(7);
	for (unsigned round = 0; round < 2000; round++) {
		for (unsigned id = 0; id < EV_TYPE_MAX; id++) {
			const struct ev_desc *d = ev_desc(id);
			if (!d)
				continue;
			struct ev_hdr *h = rec_new(id);
			for (size_t i = offsetof(struct ev_hdr, truncated); i < d->size; i++)
				((unsigned char *)h)[i] = (unsigned char)rand();
			for (unsigned i = 0; i < d->nfields; i++)
				if (d->fields[i].wire == WIRE_str)
					rec_add_str(h,
						    (struct ev_str *)(void *)((char *)h +
									      d->fields[i].off),
						    "\0\xff\0", (size_t)rand() % 4);
			assert_int_equal(schema_check(h, h->len, NULL), 0);
			struct event ev = rec_event(h);
			for (unsigned i = 0; i < header_nfields + d->nfields; i++) {
				value_get(&ev,
					  i < header_nfields ? &header_fields[i]
							     : &d->fields[i - header_nfields],
					  &v);
				size_t pos = 0, len, n = 0;
				const char *p;
				while (v.kind == VALUE_list && value_next(&v, &pos, &p, &len))
					n += len + 1;
				if (v.kind == VALUE_list)
					assert_int_equal(n, v.len + 1);
			}
			rec_free(h);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(optional_numbers),
		cmocka_unit_test(booleans_and_times),
		cmocka_unit_test(devices),
		cmocka_unit_test(flags),
		cmocka_unit_test(enums),
		cmocka_unit_test(event_names_and_causes),
		cmocka_unit_test(signals),
		cmocka_unit_test(strings),
		cmocka_unit_test(lists),
		cmocka_unit_test(printf_is_bounded),
		cmocka_unit_test(any_bytes),
	};
	return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
