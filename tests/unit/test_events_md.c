/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/events.md, the reference page, is what the tables give: `test_events_md --print` writes the
 * page (make docs), and the test compares it with the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "encode/json_parts.h"
#include "enrich/fields.h"
#include "enrich/login.h"
#include "page.h"
#include "records.h"

#define PAGE "docs/events.md"

/* How a field is shown: its JSON type, and what is in it. A new format without a line here does
 * not compile. */
static const char *format_doc(enum field_fmt f)
{
	switch (f) {
	case FMT_NONE:
		break;
	case FMT_DEC:
	case FMT_OPT:
	case FMT_POS:
		return "number";
	case FMT_ID:
		return "decimal text";
	case FMT_HEX:
		return "text `0x…`";
	case FMT_OCT:
		return "text, four octal digits";
	case FMT_BOOL:
		return "true, false";
	case FMT_TIME:
		return "time";
	case FMT_DEV:
		return "text `major:minor`";
	case FMT_CAPS:
		return "list of capability names";
	case FMT_SEALS:
		return "list of seal names";
	case FMT_EXE_FLAGS:
		return "list of [facts](#redshankexeflags)";
	case FMT_UNSEEN:
		return "list of [names](#redshankunseen)";
	case FMT_EXE_ORIGIN:
		return "[origin](#redshankexeorigin)";
	case FMT_FD_TYPE:
		return "[descriptor](#redshankstdintype)";
	case FMT_SAME_CONTENT:
		return "[answer](#redshankexesame_content)";
	case FMT_GAP_CAUSE:
		return "[cause](#redshankgapcause)";
	case FMT_SCAN_KIND:
		return "[finding](#redshankscanfinding)";
	case FMT_SCAN_FLAGS:
		return "list of [facts](#redshankscanflags)";
	case FMT_ACCESS_OP:
		return "[operation](#redshankaccessop)";
	case FMT_ACCESS_FLAGS:
		return "list of [relations](#redshankaccessflags)";
	case FMT_MODULE_OP:
		return "[call](#redshankmoduleop)";
	case FMT_KERNEL_FILE:
		return "[file](#redshankkernel_file)";
	case FMT_NS_OP:
		return "[call](#redshanknsop)";
	case FMT_NS_KINDS:
		return "list of [kinds](#redshanknschanged)";
	case FMT_CREDS_OP:
		return "[call](#redshankcredsop)";
	case FMT_URING_OP:
		return "[operation](#redshankuringop)";
	case FMT_AUTH_SOURCE:
		return "[source](#redshankauthsource)";
	case FMT_AUTH_SOURCES:
		return "list of [sources](#redshankauthsources)";
	case FMT_AUTH_TRUST:
		return "[trust](#redshankauthtrust)";
	case FMT_PAM_OP:
		return "[function](#redshankpamop)";
	case FMT_AUTH_ACTION:
		return "[action](#redshankauthaction)";
	case FMT_AUTH_OUTCOME:
		return "[outcome](#eventoutcome)";
	case FMT_AUTH_REASON:
		return "[reason](#redshankauthreason)";
	case FMT_AUTH_METHOD:
		return "[method](#redshankauthmethod)";
	case FMT_BPF_TYPE:
		return "[type](#redshankbpftype)";
	case FMT_SOCKADDR:
		return "text, `address:port`";
	case FMT_EVENT:
		return "an event's name";
	case FMT_MAP_OP:
		return "[operation](#redshankmapop)";
	case FMT_MAP_KIND:
		return "[kind](#redshankmapkind)";
	case FMT_ANON_CALL:
		return "[call](#redshankanon_execcall)";
	case FMT_MAP_FACTS:
		return "list of [facts](#redshankmapfacts)";
	case FMT_MAP_PROT:
		return "text `rwx`, `-` for what is not allowed";
	case FMT_SIGNAL:
		return "signal name";
	case FMT_STR:
		return "text";
	case FMT_LIST:
		return "list of texts";
	case FMT_COMM:
		return "text, at most 15 bytes";
	}
	return NULL;
}

static const char *wire_name(enum field_wire w)
{
	static const char *const names[] = {
		[WIRE_u8] = "u8",   [WIRE_u16] = "u16", [WIRE_u32] = "u32",   [WIRE_u64] = "u64",
		[WIRE_s32] = "s32", [WIRE_str] = "str", [WIRE_comm] = "comm",
	};
	return names[w];
}

static void put_field(struct buf *b, const struct field *f)
{
	buf_printf(b, "| `%s` | %s | %s | %s |\n", f->name, wire_name(f->wire), format_doc(f->fmt),
		   f->doc);
}

static void put_head(struct buf *b)
{
	buf_puts(b, "| field | wire | shown as | meaning |\n|---|---|---|---|\n");
}

static void put_event(struct buf *b, const struct ev_desc *d)
{
	buf_printf(b, "## %s\n%s\n\n", d->key, d->doc);
	buf_printf(b, "Id %d; `event.category` %s, `event.type` %s; %u bytes and its strings.\n\n",
		   (int)d->id, d->category, d->type, d->size);
	if (d->nfields)
		put_head(b);
	else
		buf_puts(b, "No fields of its own.\n");
	for (unsigned i = 0; i < d->nfields; i++)
		put_field(b, &d->fields[i]);
	buf_putc(b, '\n');
}

/* The words that values of this field can be, found by asking for each. */
static void put_values(struct buf *b, enum ev_type type, const char *name, bool flags)
{
	struct ev_hdr *rec = rec_new(type);
	struct event ev = rec_event(rec);
	const struct field *f = field_find(ev.desc, name);
	char unknown[16];
	struct value v;

	assert_non_null(f);
	assert_int_equal(f->wire, WIRE_u32);
	buf_printf(b, "### %s\n", name);
	for (unsigned i = flags ? 0 : 1; i < 32; i++) {
		u32 n = flags ? 1U << i : i;
		memcpy((char *)rec + f->off, &n, sizeof(n));
		value_get(&ev, f, &v);
		snprintf(unknown, sizeof(unknown), flags ? "bit%u" : "%u", i);
		if (v.len == strlen(unknown) && !memcmp(v.p, unknown, v.len))
			break;
		buf_printf(b, "%s`%.*s`", i > !flags ? ", " : "", (int)v.len, v.p);
	}
	buf_puts(b, "\n\n");
	rec_free(rec);
}

/* Facts that hooks of their own add, then the rest; of each, what it means that it is listed. */
static void put_unseen(struct buf *b)
{
	buf_puts(b, "### redshank.unseen\n");
#define FACT(id_, name_, event_, doc_) buf_puts(b, "- `" #name_ "`: not known: " doc_ "\n");
#define UNSEEN(bit_, name_, doc_)      buf_puts(b, "- `" #name_ "`: " doc_ "\n");
#include "abi/facts.def"
#include "abi/unseen.def"
#undef FACT
#undef UNSEEN
	buf_putc(b, '\n');
}

static void put_derived(struct buf *b, const struct derived *f, unsigned n)
{
	buf_puts(b, "| field | meaning |\n|---|---|\n");
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "| `%s` | %s |\n", f[i].name, f[i].doc);
	buf_putc(b, '\n');
}

static void put_parts(struct buf *b, bool always)
{
	bool first = true;

	for (unsigned i = 0; i < json_nparts; i++) {
		if (!json_parts[i].has != always)
			continue;
		buf_printf(b, "%s`%s`", first ? "" : ", ", json_parts[i].name);
		first = false;
	}
	buf_puts(b, ".\n\n");
}

static void page(struct buf *b)
{
	buf_puts(b,
		 "# Events and their fields\n"
		 "Made from `bpf/abi/header.def`, `bpf/abi/events.def` and "
		 "`user/enrich/derived.c` by `make docs`; edit those.\n\n"
		 "The same names are used by `tail -o json`, by the attributes of the protobuf "
		 "event, and by whatever reads events in user space. Names are those of the "
		 "Elastic Common Schema where it has one, else they begin with `redshank.`.\n\n"
		 "- An empty, unset or unknown value is absent, not null.\n"
		 "- A name with dots is nested in JSON: `{\"process\":{\"pid\":1}}`.\n"
		 "- Times are UTC with nanoseconds. Text that is not UTF-8 has U+FFFD in place of "
		 "each bad byte, and its bytes in base64 under `redshank.raw`.\n"
		 "- What did not fit is cut, and its field's name is listed in "
		 "`redshank.truncated`.\n"
		 "- *wire* is the type in the record ([ADR 1](adr/0001-record-format.md)): `str` "
		 "is an offset and a length in the record's tail, `comm` 16 bytes.\n\n"
		 "Where one name stands in two tables, an event's own field counts before a "
		 "derived one, and a derived one before the header's. The events host, gap and "
		 "heartbeat are about the sensor: they have `@timestamp`, `redshank.seq` and "
		 "`host.*`, and "
		 "nothing about a process.\n\n"
		 "# Fields of every event\n"
		 "## From the record's header\n");
	put_head(b);
	for (unsigned i = 0; i < header_nfields; i++)
		if (*header_fields[i].name)
			put_field(b, &header_fields[i]);
	buf_puts(b, "\n## From the process table, the host and the user table\n"
		    "Absent when the process, or the fact, is not known.\n\n");
	put_derived(b, derived_fields, derived_nfields);
	buf_puts(b, "## In JSON only\nIn each line: ");
	put_parts(b, true);
	buf_puts(b, "In alerts, or where there is reason: ");
	put_parts(b, false);
	buf_puts(b, "# Events\n");
	for (unsigned i = 0; i < EV_TYPE_MAX; i++)
		if (ev_desc(i))
			put_event(b, ev_desc(i));
	buf_puts(b, "## auth: made of its fields\n`asim.*` are the names of Microsoft Sentinel's "
		    "ASIM.\n\n");
	put_derived(b, login_fields, login_nfields);
	buf_puts(b, "# Values\nWhat they mean is told in `bpf/abi/event.h`.\n\n");
	put_values(b, EV_exec, "redshank.exe.origin", false);
	put_values(b, EV_exec, "redshank.exe.flags", true);
	put_values(b, EV_exec, "redshank.exe.seals", true);
	put_values(b, EV_exec, "redshank.exe.same_content", false);
	put_values(b, EV_exec, "redshank.stdin.type", false);
	put_values(b, EV_gap, "redshank.gap.cause", false);
	put_values(b, EV_scan, "redshank.scan.finding", false);
	put_values(b, EV_scan, "redshank.scan.flags", true);
	put_values(b, EV_map, "redshank.map.op", false);
	put_values(b, EV_map, "redshank.map.kind", false);
	put_values(b, EV_map, "redshank.map.facts", true);
	put_values(b, EV_anon_exec, "redshank.anon_exec.call", false);
	put_values(b, EV_access, "redshank.access.op", false);
	put_values(b, EV_access, "redshank.access.flags", true);
	put_values(b, EV_module, "redshank.module.op", false);
	put_values(b, EV_bpf_load, "redshank.bpf.type", false);
	put_values(b, EV_kernel_write, "redshank.kernel_file", false);
	put_values(b, EV_uring, "redshank.uring.op", false);
	put_values(b, EV_creds, "redshank.creds.op", false);
	put_values(b, EV_ns, "redshank.ns.op", false);
	put_values(b, EV_ns, "redshank.ns.changed", true);
	put_values(b, EV_auth_text, "redshank.auth.source", false);
	put_values(b, EV_auth_text, "redshank.auth.trust", false);
	put_values(b, EV_pam, "redshank.pam.op", false);
	put_values(b, EV_auth, "redshank.auth.action", false);
	put_values(b, EV_auth, "event.outcome", false);
	put_values(b, EV_auth, "redshank.auth.reason", false);
	put_values(b, EV_auth, "redshank.auth.method", false);
	put_values(b, EV_auth, "redshank.auth.sources", true);
	put_unseen(b);
	b->len--; /* no empty line at the end */
}

static void page_is_current(void **state)
{
	(void)state;
	page_compare(PAGE, page);
}

/* Readers find each field once, with a meaning. */
static void fields_are_told(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EV_TYPE_MAX; i++) {
		const struct ev_desc *d = ev_desc(i);
		for (unsigned k = 0; d && k < d->nfields; k++) {
			const struct field *f = &d->fields[k];
			if (!*f->name || !*f->doc || !format_doc(f->fmt) || strchr(f->doc, '|'))
				fail_msg("%s.%s: no name, doc or format to show", d->key, f->name);
			for (unsigned j = 0; j < k; j++)
				if (!strcmp(d->fields[j].name, f->name))
					fail_msg("%s has two fields %s", d->key, f->name);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_is_current),
		cmocka_unit_test(fields_are_told),
	};

	if (page_printed(argc, argv, page))
		return 0;
	return cmocka_run_group_tests_name("events_md", tests, NULL, NULL);
}
