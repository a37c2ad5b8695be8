/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts and records of a stream as bytes. */
#include "encode/alert_pb.h"

void alert_pack(struct buf *out, const Redshank__V1__Alert *pb)
{
	size_t n = redshank__v1__alert__get_packed_size(pb);
	char *to = buf_reserve(out, n);
	if (to)
		out->len += redshank__v1__alert__pack(pb, (uint8_t *)to);
}

void record_pack(struct buf *out, Redshank__V1__Event *ev, Redshank__V1__Alert *al, uint64_t seq)
{
	Redshank__V1__Record r = REDSHANK__V1__RECORD__INIT;

	r.sequence = seq;
	if (al) {
		r.kind_case = REDSHANK__V1__RECORD__KIND_ALERT;
		r.alert = al;
	} else if (ev) {
		r.kind_case = REDSHANK__V1__RECORD__KIND_EVENT;
		r.event = ev;
	}
	size_t n = redshank__v1__record__get_packed_size(&r);
	for (size_t left = n;; left >>= 7) {
		buf_putc(out, (char)((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
		if (left <= 0x7f)
			break;
	}
	char *to = buf_reserve(out, n);
	if (to)
		out->len += redshank__v1__record__pack(&r, (uint8_t *)to);
}
