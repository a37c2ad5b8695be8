/* SPDX-License-Identifier: Apache-2.0 */
/* One record of any bytes: what schema_check() lets pass must be safe to read in every way. */
#include "enrich/users.h"
#include "reading.h"

static const struct host host = { .boot_id = "4a52bdb7-a6a4-4ea0-9f66-9a4b4d0c0ffe" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ev_hdr *rec = reading_accept(data, size);

	if (!rec)
		return 0;
	users_disable();
	struct event ev = { .rec = rec, .desc = ev_desc(rec->type), .seq = 1, .host = &host };
	reading_event(&ev);
	free(rec);
	return 0;
}
