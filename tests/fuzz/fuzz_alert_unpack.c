/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as a damaged or forged store gives them back: shown, packed again, put into a request. */
#include "encode/otlp.h"
#include "reading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pb_arena arena;
	static struct buf b;
	void *copy = fuzz_copy(data, size);
	Redshank__V1__Alert *al = alert_unpack(copy, size);

	free(copy);
	if (!al)
		return 0;
	text_alert(&b, al, true);
	must(!b.failed);
	buf_reset(&b);
	text_alert(&b, al, false);
	reading_text(&b);

	alert_pack(&b, al);
	must(!b.failed);
	Redshank__V1__Alert *again = alert_unpack(b.data, b.len);
	must(again);
	redshank__v1__alert__free_unpacked(again, NULL);
	buf_reset(&b);

	must(!otlp_pack(&b, &arena, &al, 1, 1700000000000000000));
	buf_reset(&b);
	pb_arena_reset(&arena);
	redshank__v1__alert__free_unpacked(al, NULL);
	return 0;
}
