/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules read out of a text about a login, which anybody may send. Input: a letter for where it
 * was sent to, one for the type of an audit message, then the text.
 */
#include "abi/event.h"
#include "detect/sigma_source.h"
#include "fuzz.h"

union record {
	struct ev_auth_text text;
	char bytes[EV_LEN_MAX];
};

static void ask(const struct sigma_source *s, const struct sigma_feed *feed, const struct event *ev,
		struct sigma_fill *fill)
{
	for (; feed && feed->name; feed++) {
		struct sigma_feeder f;
		must(sigma_feeder_find(s, feed->name, &f));
		sigma_fill_reset(fill);
		struct sigma_values v = sigma_fill_field(fill, &f, ev);
		for (unsigned i = 0; i < v.n; i++) {
			for (size_t k = 0; k < v.v[i].len; k++)
				(void)*(const volatile char *)(v.v[i].text + k);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct host host = { .boot_id = "0" };
	static struct sigma_fill fill;

	if (size < 2 || size > 4096)
		return 0;
	union record *r = calloc(1, sizeof(*r));
	must(r != NULL);
	r->text.source = data[0] % 4;
	r->text.number = 1000 + data[1] * 5u;
	r->text.text.off = sizeof(r->text);
	r->text.text.len = (uint16_t)(size - 2);
	r->text.hdr.type = EV_auth_text;
	r->text.hdr.fixed = sizeof(r->text);
	r->text.hdr.len = (uint32_t)(sizeof(r->text) + size - 2);
	memcpy(r->bytes + sizeof(r->text), data + 2, size - 2);
	struct ev_hdr *rec = (void *)fuzz_copy(r->bytes, r->text.hdr.len);
	struct event ev = { .rec = rec, .desc = ev_desc(EV_auth_text), .seq = 1, .host = &host };
	for (unsigned i = 0; i < sigma_nsources; i++) {
		const struct sigma_source *s = &sigma_sources[i];
		if (s->event != EV_auth_text)
			continue;
		if (s->fits)
			s->fits(&ev);
		ask(s, s->feed, &ev, &fill);
	}
	free(rec);
	free(r);
	return 0;
}
