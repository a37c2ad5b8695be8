/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a process hands over to somebody who keeps it: its text from user memory, and the record of
 * it.
 */
#ifndef REDSHANK_LIB_SAID_H
#define REDSHANK_LIB_SAID_H

#include "peer.h"
#include "trust.h"

#define TEXT_MAX     2048
#define PIECES_MAX   8
#define NLMSG_HDRLEN 16 /* include/uapi/linux/netlink.h */

/*
 * What a process hands over: pieces of user memory, told of by an array of struct iovec, or a
 * single one at `first`.
 */
struct said {
	struct file *file; /* of the socket; else where standard error leads */
	u64 first, len; /* the first piece */
	u64 pieces; /* address of the array; 0: there is one piece */
	u64 name; /* address of the struct sockaddr that it is sent to; 0: to whom the socket is
		     connected */
	u32 npieces;
	bool user; /* array and name are in user memory */
	bool compat; /* ... of a 32-bit program */
	u32 source, number;
};

static __always_inline u32 user_u32(u64 at)
{
	u32 value = 0;
	bpf_probe_read_user(&value, sizeof(value), (void *)at);
	return value;
}

/* Of an array of words in user memory, the n-th. */
static __always_inline u64 user_word(u64 at, u32 n, bool compat)
{
	u64 value = 0;

	if (compat)
		return user_u32(at + n * sizeof(u32));
	bpf_probe_read_user(&value, sizeof(value), (void *)(at + n * sizeof(u64)));
	return value;
}

static __always_inline void set_pieces(struct said *m, u64 pieces, u32 n)
{
	m->pieces = pieces;
	m->npieces = n;
	m->first = user_word(pieces, 0, m->compat);
	m->len = user_word(pieces, 1, m->compat);
}

static __always_inline void take_written(struct said *m, u32 call, u64 at, u64 n)
{
	if (call == CALL_writev) {
		set_pieces(m, at, n);
		return;
	}
	m->first = at;
	m->len = n;
}

/*
 * A program that runs as root may say what its user tells it to, into what its user opened for it:
 * `sudo -p TEXT 2>socket`. So it is worth no more than who opened that; the kernel takes audit
 * messages by the same rule (netlink_capable()).
 */
static __always_inline u32 said_trust(const struct said *m)
{
	u32 task = task_trust();

	if (m->source == AUTH_SOURCE_stderr)
		return task;
	struct file *f = m->file; /* CO-RE would relocate m->file, too */
	u32 opener = cred_trust(BPF_CORE_READ(f, f_cred));
	return opener < task ? opener : task;
}

/* --- the record --- */

#define PIECES_USER   1
#define PIECES_COMPAT 2

/* Appends the pieces of an array to the record in the scratch of a slot: s->text. A global
 * function, so that its loop is judged for itself. */
__weak __noinline int put_pieces(u32 slot, u64 array, u32 n, u32 flags)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &slot);
	struct ev_str piece;

	if (!s)
		return 0;
	s->text.off = s->off;
	for (u32 i = 0; i < PIECES_MAX && i < n; i++) {
		struct iovec v = {};
		u32 v32[2] = {};
		if (flags & PIECES_COMPAT) {
			bpf_probe_read_user(v32, sizeof(v32), (void *)(array + i * sizeof(v32)));
			v.iov_base = (void *)(u64)v32[0];
			v.iov_len = v32[1];
		} else if (flags & PIECES_USER) {
			bpf_probe_read_user(&v, sizeof(v), (void *)(array + i * sizeof(v)));
		} else {
			bpf_probe_read_kernel(&v, sizeof(v), (void *)(array + i * sizeof(v)));
		}
		rec_put(s, &piece, EVF_auth_text_text, v.iov_base, v.iov_len, TEXT_MAX, REC_USER);
	}
	s->text.len = s->off - s->text.off;
	return 0;
}

/* An audit message begins with its header; strings may end with zeros. */
static __always_inline void trim_text(struct scratch *s, struct ev_str *text, u32 source)
{
	struct ev_hdr *h = (void *)s->rec;
	u32 len = text->len, off = text->off;

	if (!len)
		return;
	if (source == AUTH_SOURCE_audit) {
		u32 head = len < NLMSG_HDRLEN ? len : NLMSG_HDRLEN;
		off += head;
		len -= head;
	}
	if (len > TEXT_MAX) {
		len = TEXT_MAX;
		h->truncated |= 1ULL << EVF_auth_text_text;
	}
	for (int i = 0; i < 4; i++) {
		u32 last = (off + len - 1) & REC_OFF_MASK;
		if (len && !s->rec[last])
			len--;
	}
	text->off = off;
	text->len = len;
	s->off = off + len; /* nothing of what was cut stays */
}

static __noinline int tell_said(const struct said *m)
{
	u32 slot = 0, trust = said_trust(m);
	struct scratch *s = rec_begin_cpu(&slot, EV_auth_text, sizeof(struct ev_auth_text));

	if (!s)
		return 0;
	struct ev_auth_text *e = (void *)s->rec;
	hdr_fill(&e->hdr, current_task());
	e->source = m->source;
	e->number = m->number;
	e->trust = trust;
	PEER_FILL(s, slot, e, auth_text);
	if (m->pieces) {
		put_pieces(slot, m->pieces, m->npieces,
			   (m->user ? PIECES_USER : 0) | (m->compat ? PIECES_COMPAT : 0));
		e->text = s->text;
	} else {
		rec_put(s, &e->text, EVF_auth_text_text, (void *)m->first, m->len,
			TEXT_MAX + NLMSG_HDRLEN, REC_USER);
	}
	trim_text(s, &e->text, m->source);
	auth_submit(s, trust, EV_auth_text);
	return 0;
}

#endif
