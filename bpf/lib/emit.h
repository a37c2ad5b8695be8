/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sending records, and counting every one that could not be sent.
 *
 * A record of fixed size is written in place: ev_reserve(), fill, ev_submit(). One with strings is
 * put together in a scratch: rec_begin(), fill, rec_put_*(), rec_submit().
 */
#ifndef REDSHANK_LIB_EMIT_H
#define REDSHANK_LIB_EMIT_H

#include "maps.h"

#define REC_OFF_MASK 0x7fff /* strings start below 32 KiB; the longest ends below EV_LEN_MAX */

static __always_inline struct cpu_stats *stats_get(void)
{
	u32 cpu = bpf_get_smp_processor_id();
	return bpf_map_lookup_elem(&stats, &cpu);
}

static __always_inline void count_emitted(u32 type)
{
	struct cpu_stats *st = stats_get();
	if (st && type < EV_TYPE_MAX)
		__sync_fetch_and_add(&st->emitted[type], 1);
}

static __always_inline void count_ring_full(u32 type)
{
	struct cpu_stats *st = stats_get();
	if (st && type < EV_TYPE_MAX)
		__sync_fetch_and_add(&st->ring_full[type], 1);
}

static __always_inline void count_scratch_busy(u32 type)
{
	struct cpu_stats *st = stats_get();
	if (st && type < EV_TYPE_MAX)
		__sync_fetch_and_add(&st->scratch_busy[type], 1);
}

static __always_inline void count_fact(u32 fact)
{
	struct cpu_stats *st = stats_get();
	if (st && fact < FACT_MAX)
		st->facts[fact]++;
}

static __always_inline void count_read_error(void)
{
	struct cpu_stats *st = stats_get();
	if (st)
		st->read_errors++;
}

/* A record without strings, zeroed but for its framing. NULL: no room, and counted. */
#define ev_reserve(ring_, key_)                                                      \
	({                                                                           \
		struct ev_##key_ *ev_ = bpf_ringbuf_reserve(ring_, sizeof(*ev_), 0); \
		if (ev_) {                                                           \
			__builtin_memset(ev_, 0, sizeof(*ev_));                      \
			ev_->hdr.type = EV_##key_;                                   \
			ev_->hdr.fixed = sizeof(*ev_);                               \
			ev_->hdr.len = sizeof(*ev_);                                 \
		} else {                                                             \
			count_ring_full(EV_##key_);                                  \
		}                                                                    \
		ev_;                                                                 \
	})

static __always_inline void ev_submit(void *ev, u32 type)
{
	bpf_ringbuf_submit(ev, 0);
	count_emitted(type);
}

/*
 * Takes a scratch, if nobody has it. Who interrupts us between the two lines finds it taken, and
 * gives back what he added.
 */
static __always_inline struct scratch *scratch_take(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &slot);
	if (!s)
		return NULL;
	__sync_fetch_and_add(&s->busy, 1);
	if (*(volatile u32 *)&s->busy == 1)
		return s;
	__sync_fetch_and_add(&s->busy, -1);
	return NULL;
}

static __always_inline struct scratch *rec_start(struct scratch *s, u32 type, u32 fixed)
{
	if (!s) {
		count_scratch_busy(type);
		return NULL;
	}
	s->off = fixed;
	__builtin_memset(s->rec, 0, fixed); /* a constant where this is inlined */
	struct ev_hdr *h = (void *)s->rec;
	h->type = type;
	h->fixed = fixed;
	return s;
}

/* Begins a record in the scratch of a slot. NULL, counted, when it is taken. */
static __always_inline struct scratch *rec_begin(u32 slot, u32 type, u32 fixed)
{
	return rec_start(scratch_take(slot), type, fixed);
}

/* Begins one in a scratch of this CPU; *ret_slot is which. */
static __always_inline struct scratch *rec_begin_cpu(u32 *ret_slot, u32 type, u32 fixed)
{
	u32 slot = bpf_get_smp_processor_id() * SCRATCHES_PER_CPU;
	struct scratch *s = NULL;

	for (u32 i = 0; i < SCRATCHES_PER_CPU && !s; i++, slot++) {
		s = scratch_take(slot);
		*ret_slot = slot;
	}
	return rec_start(s, type, fixed);
}

static __always_inline void rec_release(struct scratch *s)
{
	__sync_fetch_and_add(&s->busy, -1);
}

/* Pads the record to 8 bytes and returns its length. */
static __always_inline u64 rec_finish(struct scratch *s)
{
	u64 len = (s->off + 7) & ~7ULL;
	struct ev_hdr *h = (void *)s->rec;
	h->len = len;
	return len;
}

static __always_inline void rec_submit(struct scratch *s, void *ring, u32 type)
{
	u64 len = rec_finish(s);
	barrier_var(len);
	if (len <= EV_LEN_MAX) {
		if (bpf_ringbuf_output(ring, s->rec, len, 0))
			count_ring_full(type);
		else
			count_emitted(type);
	}
	rec_release(s);
}

enum rec_from { REC_KERNEL, REC_USER };

/*
 * Appends len bytes at src (kernel or user memory) and points *out at them; sets bit if they were
 * cut at max. max is a constant, at most EV_ARGS_MAX.
 */
static __always_inline void rec_put(struct scratch *s, struct ev_str *out, u32 bit, const void *src,
				    u64 len, u64 max, enum rec_from from)
{
	struct ev_hdr *h = (void *)s->rec;
	u64 off = s->off;

	if (len > max)
		h->truncated |= 1ULL << bit;
	if (off > REC_OFF_MASK) {
		h->truncated |= 1ULL << bit;
		return;
	}
	off &= REC_OFF_MASK;
	barrier_var(len);
	if (len > max)
		len = max;
	if (!len)
		return;
	long err = from == REC_USER ? bpf_probe_read_user(&s->rec[off], len, src)
				    : bpf_probe_read_kernel(&s->rec[off], len, src);
	if (err) {
		count_read_error();
		h->truncated |= 1ULL << bit;
		return;
	}
	out->off = off;
	out->len = len;
	s->off = off + len;
}

/* Appends a NUL-terminated string, without its NUL. max as in rec_put(). */
static __always_inline void rec_put_cstr_from(struct scratch *s, struct ev_str *out, u32 bit,
					      const void *src, u64 max, enum rec_from from)
{
	struct ev_hdr *h = (void *)s->rec;
	u64 off = s->off;

	if (off > REC_OFF_MASK) {
		h->truncated |= 1ULL << bit;
		return;
	}
	off &= REC_OFF_MASK;
	long n = from == REC_USER ? bpf_probe_read_user_str(&s->rec[off], max, src)
				  : bpf_probe_read_kernel_str(&s->rec[off], max, src);
	if (n < 0) {
		count_read_error();
		h->truncated |= 1ULL << bit;
		return;
	}
	if ((u64)n == max)
		h->truncated |= 1ULL << bit;
	if (n <= 1)
		return;
	out->off = off;
	out->len = n - 1;
	s->off = off + n - 1;
}

static __always_inline void rec_put_cstr(struct scratch *s, struct ev_str *out, u32 bit,
					 const void *src, u64 max)
{
	rec_put_cstr_from(s, out, bit, src, max, REC_KERNEL);
}

#endif
