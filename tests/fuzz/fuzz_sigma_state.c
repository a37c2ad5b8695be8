/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State of correlations as a damaged or forged file gives it back: refused with nothing changed, or
 * taken so that events can follow and it can be saved again. The checksum is made right here.
 */
#include <errno.h>

#include "base/siphash.h"
#include "fuzz.h"
#include "sigma/compile.h"
#include "sigma/correlate.h"
#include "sigma/parse.h"

#define CORRELATION(name_, type_, rules_, more_)                               \
	"---\ntitle: " name_ "\nname: " name_ "\ncorrelation:\n  type: " type_ \
	"\n  rules: [" rules_ "]\n  group-by: [User]\n  timespan: 10s\n" more_ "\n"
#define RULE(name_)                           \
	"---\ntitle: " name_ "\nname: " name_ \
	"\nlogsource: {product: linux}\ndetection: {s: {K: " name_ "}, condition: s}\n"

static const char yaml[] = RULE("a") RULE("b") CORRELATION("c", "event_count", "a",
							   "  condition: {gte: 2}")
	CORRELATION("v", "value_count", "a", "  condition: {field: Ip, gte: 2}")
		CORRELATION("s", "value_sum", "a", "  condition: {field: N, gte: 2}")
			CORRELATION("m", "value_median", "a", "  condition: {field: N, gte: 2}")
				CORRELATION("t", "temporal", "a, b", "")
					CORRELATION("o", "temporal_ordered", "a, b", "")
						CORRELATION("e", "event_count", "o",
							    "  condition: {gte: 1}");

static struct sigma_rules *rules;
static struct sigma_view *view;

static void on_fired(void *ctx, const struct sigma_correlated *m)
{
	uint64_t *sum = ctx;

	must(m->ngroup == 1 && m->episode && m->first <= m->last && m->count);
	for (size_t i = 0; i < m->group[0].len; i++)
		*sum += (unsigned char)m->group[0].text[i];
}

static void open_rules(void)
{
	must(!sigma_rules_new(&rules) && !sigma_parse(rules, "fuzz", yaml, strlen(yaml)));
	must(!sigma_link(rules) && !sigma_compile(rules, NULL) && !rules->problems.errors);
	must(!sigma_view_new(rules, NULL, &view));
}

static void feed(struct sigma_correlator *c, unsigned n, uint64_t time)
{
	struct sigma_scalar s = { .type = SIGMA_str, .text = "12", .len = 2 };
	struct sigma_values value = { true, 1, &s }, values[8];
	struct sigma_match both[] = { { .rule = rules->rule[0] }, { .rule = rules->rule[1] } };
	struct sigma_record rec = { .field = values };
	uint64_t sum = 0;

	must(sigma_view_nfields(view) <= 8);
	for (unsigned i = 0; i < 8; i++)
		values[i] = value;
	for (unsigned i = 0; i < n; i++) {
		rec.time = time ? time + i * 1000000000ULL : 0;
		sigma_correlator_match(c, both + i % 2, 1 + (i & 2 && !(i & 1)), view, &rec,
				       on_fired, &sum);
	}
}

/*
 * The bytes to restore: the input as it is; or, if its first byte is odd, what was saved just now
 * with parts of it overwritten: 2 bytes of place, 1 of length, 8 of content, again and again.
 */
static void make_state(struct buf *b, const struct sigma_correlator *c, const uint8_t *data,
		       size_t size)
{
	static const struct siphash_key no_key;
	uint16_t at;

	if (size && !(data[0] & 1)) {
		buf_put(b, data, size);
	} else if (size) {
		sigma_correlator_save(c, b);
		must(!b->failed);
		b->len -= sizeof(uint64_t);
		for (data++, size--; size >= 11; data += 11, size -= 11) {
			memcpy(&at, data, sizeof(at));
			size_t n = data[2] % 9, from = at % b->len;
			memcpy(b->data + from, data + 3, n < b->len - from ? n : b->len - from);
		}
	}
	uint64_t check = siphash(&no_key, b->data, b->len);
	buf_put(b, &check, sizeof(check));
	must(!b->failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sigma_correlator_options small = { .groups_max = 64, .memory_max = 1 << 20 };
	struct sigma_correlator_stats before, after;
	struct sigma_correlator *c;
	struct buf b = { 0 };

	if (!rules)
		open_rules();
	must(!sigma_correlator_new(rules, &small, &c, NULL));
	feed(c, 6, 1700000000000000000);
	sigma_correlator_get_stats(c, &before);
	make_state(&b, c, data, size);
	void *copy = fuzz_copy(b.data, b.len);
	int rc = sigma_correlator_restore(c, copy, b.len);
	must(rc == 0 || rc == -EBADMSG);
	free(copy);
	sigma_correlator_get_stats(c, &after);
	if (rc)
		must(!memcmp(&before, &after, sizeof(before)));
	must(after.bytes <= after.bytes_max && after.groups <= after.groups_max);
	feed(c, 16, 0);
	feed(c, 16, 1700000000000000000);
	buf_reset(&b);
	sigma_correlator_save(c, &b);
	must(!b.failed && !sigma_correlator_restore(c, b.data, b.len));
	buf_free(&b);
	sigma_correlator_free(c);
	return 0;
}
