/* SPDX-License-Identifier: Apache-2.0 */
/* The tables agree with the structs, and schema_check() lets nothing through that is not sound. */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enrich/fields.h"
#include "records.h"

static unsigned wire_size(enum field_wire w)
{
	static const unsigned sizes[] = {
		[WIRE_u8] = 1,	[WIRE_u16] = 2, [WIRE_u32] = 4,	  [WIRE_u64] = 8,
		[WIRE_s32] = 4, [WIRE_str] = 4, [WIRE_comm] = 16,
	};
	return sizes[w];
}

/* --- the tables --- */

/* Holes would carry bytes that nobody wrote. Where a field begins, the one before it must end. */
static unsigned layout(const char *of, const struct field *f, unsigned n, unsigned at)
{
	for (unsigned i = 0; i < n; i++) {
		if (f[i].off != at)
			fail_msg("%s %s: at %u, expected %u", of, f[i].name, f[i].off, at);
		at += wire_size(f[i].wire);
	}
	return at;
}

static void structs_have_no_holes(void **state)
{
	(void)state;
	assert_int_equal(layout("header", header_fields, header_nfields, 0), sizeof(struct ev_hdr));
	assert_int_equal(sizeof(struct ev_hdr) % 8, 0);
	for (unsigned id = 0; id < EV_TYPE_MAX; id++) {
		const struct ev_desc *d = ev_desc(id);
		if (!d)
			continue;
		unsigned end = layout(d->key, d->fields, d->nfields, sizeof(struct ev_hdr));
		/* The end may be padded to 8 bytes: the writer clears it. */
		assert_true(d->size >= end && d->size - end < 8);
		assert_int_equal(d->size % 8, 0);
		assert_true(d->size <= UINT16_MAX);
		for (unsigned i = 0; i < d->nfields; i++)
			assert_int_equal(d->fields[i].index, i);
	}
}

static void check_name(const char *of, const char *name)
{
	if (!strcmp(name, "@timestamp"))
		return;
	if (!islower((unsigned char)name[0]) || !isalnum((unsigned char)name[strlen(name) - 1]) ||
	    strstr(name, ".."))
		fail_msg("%s: field name '%s'", of, name);
	for (const char *c = name; *c; c++)
		if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) &&
		    !(c > name && strchr("._", *c)))
			fail_msg("%s: field name '%s'", of, name);
}

static void names(void **state)
{
	(void)state;
	for (unsigned id = 0; id < EV_TYPE_MAX; id++) {
		const struct ev_desc *d = ev_desc(id);
		const char *all[128];
		unsigned n = 0;
		if (!d)
			continue;
		for (unsigned i = 0; i < header_nfields; i++)
			if (header_fields[i].fmt != FMT_NONE)
				all[n++] = header_fields[i].name;
		for (unsigned i = 0; i < d->nfields; i++)
			all[n++] = d->fields[i].name;
		for (unsigned i = 0; i < n; i++) {
			check_name(d->key, all[i]);
			for (unsigned k = 0; k < i; k++)
				if (!strcmp(all[i], all[k]))
					fail_msg("%s has %s twice", d->key, all[i]);
		}
	}
}

static void formats_fit_wire_types(void **state)
{
	(void)state;
	for (unsigned id = 0; id < EV_TYPE_MAX; id++) {
		const struct ev_desc *d = ev_desc(id);
		for (unsigned i = 0; d && i < d->nfields; i++) {
			const struct field *f = &d->fields[i];
			bool text =
				f->fmt == FMT_STR || f->fmt == FMT_LIST || f->fmt == FMT_SOCKADDR;
			if (text != (f->wire == WIRE_str) || f->fmt == FMT_NONE)
				fail_msg("%s %s: format and wire type", d->key, f->name);
			if (!f->doc || !*f->doc)
				fail_msg("%s %s has no doc", d->key, f->name);
		}
	}
}

static void descriptions(void **state)
{
	(void)state;
	unsigned n = 0;
	for (unsigned id = 0; id < EV_TYPE_MAX; id++) {
		const struct ev_desc *d = ev_desc(id);
		if (!d)
			continue;
		n++;
		assert_int_equal(d->id, id);
		assert_ptr_equal(ev_desc_by_key(d->key), d);
		assert_true(*d->category && *d->type && *d->text && *d->doc);
		/* Every {name} of the text is a field. */
		for (const char *p = strchr(d->text, '{'); p; p = strchr(p + 1, '{')) {
			char name[64];
			struct any_field f;
			const char *end = strchr(p, '}');
			assert_non_null(end);
			snprintf(name, sizeof(name), "%.*s", (int)(end - p - 1), p + 1);
			if (!any_field_find(d, name, &f))
				fail_msg("%s: text names {%s}", d->key, name);
		}
	}
	assert_true(n >= 6);
	assert_null(ev_desc(0));
	assert_null(ev_desc(EV_TYPE_MAX));
	assert_null(ev_desc(UINT32_MAX));
	assert_null(ev_desc_by_key("nonsense"));
	assert_null(ev_desc_by_key(""));
}

static void find_field(void **state)
{
	(void)state;
	const struct ev_desc *d = ev_desc(EV_exec);
	assert_int_equal(field_find(d, "process.pid")->off, offsetof(struct ev_hdr, pid));
	assert_int_equal(field_find(d, "redshank.exe.inode")->off,
			 offsetof(struct ev_exec, exe_ino));
	assert_int_equal(field_find(d, "process.args")->index, EVF_exec_args);
	assert_null(field_find(d, "process.exit_code"));
	assert_null(field_find(d, "")); /* framing has no name */
	assert_null(field_find(ev_desc(EV_fork), ""));
}

/* --- schema_check --- */

static int check(void *rec)
{
	return schema_check(rec, ((struct ev_hdr *)rec)->len, NULL);
}

static void sound_records(void **state)
{
	(void)state;
	for (unsigned id = 0; id < EV_TYPE_MAX; id++) {
		const struct ev_desc *d = ev_desc(id);
		if (!d)
			continue;
		struct ev_hdr *h = rec_new(id);
		assert_int_equal(check(h), 0);
		for (unsigned i = 0; i < d->nfields; i++)
			if (d->fields[i].wire == WIRE_str)
				rec_add_str(h,
					    (struct ev_str *)(void *)((char *)h + d->fields[i].off),
					    "xyz", 3);
		assert_int_equal(check(h), 0);
		h->fixed = (u16)(h->fixed + 8); /* of a newer build, that appended 8 bytes */
		h->len += 8;
		for (unsigned i = 0; i < d->nfields; i++)
			if (d->fields[i].wire == WIRE_str) {
				struct ev_str *s =
					(struct ev_str *)(void *)((char *)h + d->fields[i].off);
				s->off = (u16)(s->off + 8);
			}
		assert_int_equal(check(h), 0);
		rec_free(h);
	}
}

static void bad_framing(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct ev_hdr *h = &r->hdr, saved = *h;
	struct err e;

	assert_int_equal(schema_check(h, 0, NULL), -EBADMSG);
	assert_int_equal(schema_check(h, 3, NULL), -EBADMSG);
	assert_int_equal(schema_check(h, sizeof(*h) - 1, NULL), -EBADMSG);
	assert_int_equal(schema_check(h, h->len - 1, NULL), -EBADMSG);
	assert_int_equal(schema_check(h, h->len + 8, NULL), -EBADMSG);
	assert_int_equal(schema_check(h, SIZE_MAX, NULL), -EBADMSG);
	e.text[0] = '\0';
	assert_int_equal(schema_check((char *)h + 4, h->len, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "aligned"));

	h->len = UINT32_MAX;
	assert_int_equal(check(h), -EBADMSG);
	*h = saved;
	h->fixed = 0;
	assert_int_equal(check(h), -EBADMSG);
	h->fixed = sizeof(*h) - 8;
	assert_int_equal(check(h), -EBADMSG);
	h->fixed = (u16)(saved.fixed + 4); /* structs are multiples of 8 */
	h->len = saved.len + 4;
	assert_int_equal(check(h), -EBADMSG);
	h->fixed = (u16)(saved.fixed + 8); /* beyond the end */
	h->len = saved.len;
	assert_int_equal(check(h), -EBADMSG);
	h->fixed = UINT16_MAX;
	assert_int_equal(check(h), -EBADMSG);
	*h = saved;
	assert_int_equal(check(h), 0);
	rec_free(r);
}

/* A record of the longest length is sound, one byte more is not. */
static void longest(void **state)
{
	(void)state;
	struct ev_hdr *h = aligned_alloc(8, EV_LEN_MAX + 8);
	struct ev_hdr *small = rec_new(EV_fork);
	assert_non_null(h);
	memset(h, 0, EV_LEN_MAX + 8);
	*h = *small;
	h->len = EV_LEN_MAX;
	assert_int_equal(check(h), 0);
	h->len = EV_LEN_MAX + 1;
	assert_int_equal(check(h), -EBADMSG);
	rec_free(small);
	free(h);
}

static void unknown_types(void **state)
{
	(void)state;
	struct ev_hdr *h = rec_new(EV_fork);
	static const u16 types[] = { 0, EV_TYPE_MAX - 1, EV_TYPE_MAX, 255, UINT16_MAX };
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		h->type = types[i];
		if (!ev_desc(types[i]))
			assert_int_equal(check(h), -ENOTSUP);
	}
	h->fixed = 4; /* a broken frame is broken whatever its type is */
	assert_int_equal(check(h), -EBADMSG);
	rec_free(h);
}

/* Every string of every event, pointed to every kind of wrong place. */
static void bad_strings(void **state)
{
	(void)state;
	for (unsigned id = 0; id < EV_TYPE_MAX; id++) {
		const struct ev_desc *d = ev_desc(id);
		for (unsigned i = 0; d && i < d->nfields; i++) {
			if (d->fields[i].wire != WIRE_str)
				continue;
			struct ev_hdr *h = rec_new(id);
			struct ev_str *s = (struct ev_str *)(void *)((char *)h + d->fields[i].off),
				      tail;
			rec_add_str(h, &tail, "0123456789", 10);
			const struct {
				unsigned off, len;
				int rc;
			} cases[] = {
				{ tail.off, 10, 0 },
				{ tail.off, 11, -EBADMSG },
				{ tail.off + 10u, 0, 0 },
				{ tail.off + 10u, 1, -EBADMSG },
				{ tail.off + 9u, 1, 0 },
				{ tail.off - 1u, 1, -EBADMSG }, /* into the fixed part */
				{ 0, 8, -EBADMSG }, /* the header */
				{ UINT16_MAX, 1, -EBADMSG },
				{ tail.off, UINT16_MAX, -EBADMSG },
				{ UINT16_MAX, UINT16_MAX, -EBADMSG },
				{ 0, 0, 0 },
				{ UINT16_MAX, 0, 0 }, /* empty: the offset means nothing */
			};
			for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
				struct err e = { "" };
				s->off = (u16)cases[k].off;
				s->len = (u16)cases[k].len;
				int rc = schema_check(h, h->len, &e);
				if (rc != cases[k].rc)
					fail_msg("%s %s at %u+%u: %d %s", d->key, d->fields[i].name,
						 s->off, s->len, rc, e.text);
				if (rc && !strstr(e.text, d->fields[i].name))
					fail_msg("error does not name the field: %s", e.text);
			}
			rec_free(h);
		}
	}
}

/* --- schema_upgrade --- */

/* A record as a build wrote it that knew only the first bytes of the fixed part. */
static struct ev_exec *old_exec(unsigned fixed, u16 *ret_shift)
{
	struct ev_exec *r = REC_NEW(exec), *old = rec_new(EV_exec);
	u16 shift = (u16)(sizeof(*r) - fixed);

	r->exe_ino = 77;
	r->argc = 3;
	REC_STR(exec, r, exe, "/usr/bin/true");
	REC_LIST(exec, r, args, "true", "-x");
	r->exe.off = (u16)(r->exe.off - shift);
	r->args.off = (u16)(r->args.off - shift);
	memcpy(old, r, fixed);
	memcpy((char *)old + fixed, r + 1, r->hdr.len - sizeof(*r));
	old->hdr.len = r->hdr.len - shift;
	old->hdr.fixed = (u16)fixed;
	rec_free(r);
	*ret_shift = shift;
	return old;
}

static void upgrade(void **state)
{
	(void)state;
	/* With all strings, and cut in front of the exec-only part, the process part, everything.
	 */
	static const unsigned cuts[] = { sizeof(struct ev_exec) - 8,
					 offsetof(struct ev_exec, filename) / 8 * 8,
					 offsetof(struct ev_exec, cap_effective),
					 sizeof(struct ev_hdr) };
	for (unsigned i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		u16 shift;
		struct ev_exec *old = old_exec(cuts[i], &shift);
		struct ev_exec *now = rec_new(EV_exec);
		memset(now, 0xaa, EV_LEN_MAX);
		assert_int_equal(check(old), -ESTALE);
		int n = schema_upgrade(&old->hdr, now, EV_LEN_MAX);
		assert_int_equal(n, old->hdr.len + shift);
		assert_int_equal(now->hdr.len, n);
		assert_int_equal(now->hdr.fixed, sizeof(*now));
		assert_int_equal(check(now), 0);
		assert_int_equal(now->hdr.pid, 4242);
		/* What the old build did not know is 0, the rest is as it was. */
		size_t len;
		const char *p = rec_str(&now->hdr, now->exe, &len);
		if (cuts[i] > offsetof(struct ev_exec, exe)) {
			assert_int_equal(now->exe_ino, 77);
			assert_int_equal(len, 13);
			assert_memory_equal(p, "/usr/bin/true", 13);
		} else {
			assert_int_equal(now->exe_ino, 0);
			assert_int_equal(len, 0);
		}
		p = rec_str(&now->hdr, now->args, &len);
		if (cuts[i] > offsetof(struct ev_exec, args))
			assert_memory_equal(p, "true\0-x", 8);
		else
			assert_int_equal(len, 0);
		assert_int_equal(now->same_content, 0);
		rec_free(now);
		rec_free(old);
	}
}

static void upgrade_without_room(void **state)
{
	(void)state;
	u16 shift;
	struct ev_exec *old = old_exec(sizeof(struct ev_hdr), &shift);
	struct ev_exec *now = rec_new(EV_exec);

	size_t need = old->hdr.len + shift;
	assert_int_equal(schema_upgrade(&old->hdr, now, need - 1), -EMSGSIZE);
	assert_int_equal(schema_upgrade(&old->hdr, now, 0), -EMSGSIZE);
	assert_int_equal(schema_upgrade(&old->hdr, now, need), (int)need);
	/* An old record of the longest length has no room to grow: offsets are 16 bits wide. */
	old->hdr.len = EV_LEN_MAX;
	assert_int_equal(check(old), -ESTALE);
	void *huge = malloc(2 * EV_LEN_MAX);
	assert_non_null(huge);
	assert_int_equal(schema_upgrade(&old->hdr, huge, 2 * EV_LEN_MAX), -EMSGSIZE);
	free(huge);
	rec_free(now);
	rec_free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structs_have_no_holes),
		cmocka_unit_test(names),
		cmocka_unit_test(formats_fit_wire_types),
		cmocka_unit_test(descriptions),
		cmocka_unit_test(find_field),
		cmocka_unit_test(sound_records),
		cmocka_unit_test(bad_framing),
		cmocka_unit_test(longest),
		cmocka_unit_test(unknown_types),
		cmocka_unit_test(bad_strings),
		cmocka_unit_test(upgrade),
		cmocka_unit_test(upgrade_without_room),
	};
	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
