/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a batch of alerts from the store. */
#include "sink/otlp_batch.h"

#include <stdbool.h>
#include <string.h>

static bool same_sensor(const Redshank__V1__Host *a, const Redshank__V1__Host *b)
{
	if (!a || !b)
		return !a && !b;
	return !strcmp(a->sensor_id, b->sensor_id) && !strcmp(a->boot_id, b->boot_id) &&
	       !strcmp(a->id, b->id) && !strcmp(a->name, b->name);
}

static int take(void *ctx, const struct store_alert *al)
{
	struct otlp_batch *b = ctx;

	if (b->n && b->bytes + al->pb_len > OTLP_BATCH_BYTES)
		return 1;
	Redshank__V1__Alert *pb = alert_unpack(al->pb, al->pb_len);
	if (pb && b->n && !same_sensor(pb->host, b->alert[0]->host)) {
		redshank__v1__alert__free_unpacked(pb, NULL);
		return 1;
	}
	b->last_row = al->row;
	if (!pb) {
		b->unreadable++;
		return 0;
	}
	b->alert[b->n] = pb;
	b->row[b->n++] = al->row;
	b->bytes += al->pb_len;
	return b->n == OTLP_BATCH_ALERTS;
}

int otlp_batch_read(struct otlp_batch *b, struct store *s, int64_t after, struct err *e)
{
	const struct store_query q = { .after_row = after, .limit = OTLP_BATCH_ALERTS };
	int r = store_each(s, &q, take, b, e);

	if (r >= 0)
		return 0;
	otlp_batch_clear(b);
	return r;
}

void otlp_batch_clear(struct otlp_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		redshank__v1__alert__free_unpacked(b->alert[i], NULL);
	b->n = b->bytes = 0;
	b->last_row = 0;
	b->unreadable = 0;
}
