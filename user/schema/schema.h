/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables expanded from bpf/abi/events.def, and schema_check(): the trust boundary. Nothing
 * behind it checks a record's lengths and offsets again; nothing before it may look into one.
 */
#ifndef REDSHANK_SCHEMA_SCHEMA_H
#define REDSHANK_SCHEMA_SCHEMA_H

#include <stddef.h>

#include "abi/event.h"
#include "base/err.h"

enum field_wire { WIRE_u8, WIRE_u16, WIRE_u32, WIRE_u64, WIRE_s32, WIRE_str, WIRE_comm };

/* How a field's wire value becomes a struct value (value.h says of which kind). */
enum field_fmt {
	FMT_NONE, /* framing: never shown */
	FMT_DEC, /* number */
	FMT_ID, /* number that ECS calls a keyword: decimal text */
	FMT_OPT, /* number; absent when all bits are set */
	FMT_POS, /* number; absent when 0 */
	FMT_HEX, /* "0x…" */
	FMT_OCT, /* "0755"; absent when all bits are set */
	FMT_BOOL,
	FMT_TIME, /* CLOCK_BOOTTIME ns; absent when 0 */
	FMT_DEV, /* kernel dev_t as "major:minor"; absent when 0 */
	FMT_CAPS, /* capability bits as CAP_* names */
	FMT_SEALS, /* F_SEAL_* names; absent when 0 */
	FMT_EXE_FLAGS, /* enum exe_flag names; absent when 0 */
	FMT_UNSEEN, /* enum unseen names; absent when 0 */
	FMT_EXE_ORIGIN, /* enum exe_origin name; absent when 0, as the enums below */
	FMT_SAME_CONTENT,
	FMT_FD_TYPE,
	FMT_GAP_CAUSE,
	FMT_SCAN_KIND,
	FMT_SCAN_FLAGS, /* enum scan_flag names; absent when 0 */
	FMT_MAP_OP,
	FMT_MAP_KIND,
	FMT_ANON_CALL,
	FMT_MAP_FACTS, /* enum map_fact names; absent when 0 */
	FMT_MAP_PROT, /* "r-x"; absent when all bits are set */
	FMT_ACCESS_OP, /* words of words.def; absent when 0 */
	FMT_ACCESS_FLAGS, /* flags of it; absent when 0, as those below */
	FMT_MODULE_OP,
	FMT_KERNEL_FILE,
	FMT_NS_OP,
	FMT_NS_KINDS,
	FMT_CREDS_OP,
	FMT_URING_OP,
	FMT_AUTH_SOURCE,
	FMT_AUTH_SOURCES,
	FMT_AUTH_TRUST,
	FMT_PAM_OP,
	FMT_AUTH_ACTION,
	FMT_AUTH_OUTCOME,
	FMT_AUTH_REASON,
	FMT_AUTH_METHOD,
	FMT_BPF_TYPE, /* enum bpf_prog_type's name, lower case */
	FMT_SOCKADDR, /* bytes of a struct sockaddr as "ADDRESS:PORT" */
	FMT_EVENT, /* enum ev_type as the event's name */
	FMT_SIGNAL, /* signal number as SIG* name; absent when 0 */
	FMT_STR, /* bytes, expected to be text; absent when empty */
	FMT_LIST, /* NUL-separated byte strings; absent when empty */
	FMT_COMM, /* as STR, in a fixed array */
};

struct field {
	const char *name, *doc;
	enum field_wire wire;
	enum field_fmt fmt;
	unsigned off; /* in the record */
	int index; /* bit in hdr.truncated; -1 for the header's fields */
};

struct ev_desc {
	enum ev_type id;
	const char *key; /* "exec": event.action, --type */
	const char *category, *type; /* ECS event.category, event.type */
	const char *text, *doc;
	unsigned size; /* sizeof(struct ev_<key>) */
	unsigned nfields;
	const struct field *fields; /* the event's own, in wire order */
};

extern const struct field header_fields[];
extern const unsigned header_nfields;

/* NULL for an id that no event has. */
const struct ev_desc *ev_desc(unsigned id);
const struct ev_desc *ev_desc_by_key(const char *key);

/* A header field or one of the event's own, by its full name; NULL if it has none such. */
const struct field *field_find(const struct ev_desc *d, const char *name);

/*
 * Is this a whole and consistent record? p must be 8-byte aligned, len what the source framed.
 * 0; -ENOTSUP for a type this build does not know (skip it); -EBADMSG for anything else wrong;
 * -ESTALE when it is sound but from an older build: pass it through schema_upgrade().
 * ret (may be NULL) says what is wrong.
 */
int schema_check(const void *p, size_t len, struct err *ret);

/*
 * Rewrites a record for which schema_check() said -ESTALE in the present layout: new fields are 0.
 * out has room for cap bytes, 8-byte aligned. Length of the new record, or -EMSGSIZE.
 */
int schema_upgrade(const struct ev_hdr *rec, void *out, size_t cap);

/* The bytes of a checked record's string field. Never NULL; *ret_len is 0 if it is empty. */
static inline const char *rec_str(const struct ev_hdr *rec, struct ev_str s, size_t *ret_len)
{
	*ret_len = s.len;
	return (const char *)rec + s.off;
}

#endif
