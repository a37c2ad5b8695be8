/* SPDX-License-Identifier: Apache-2.0 */
/* Running one BPF program and looking at the record that it left in the scratch. */
#ifndef REDSHANK_TEST_BPF_HELPERS_H
#define REDSHANK_TEST_BPF_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* In this order: cmocka needs those above. */
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/knobs.h"
#include "schema/schema.h"

#define SLOT 1 /* as in the .bpf.c files */

/* Before load: one entry of statistics for each CPU. */
static inline void size_stats(struct bpf_map *stats)
{
	int cpus = libbpf_num_possible_cpus();
	assert_int_equal(bpf_map__set_max_entries(stats, cpus > 0 ? (uint32_t)cpus : 1), 0);
}

/* Returns what the program returned. */
static inline unsigned run(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), 0);
	return opts.retval;
}

/* The scratch's record, which is its last member. To be freed. */
static inline void *record_of(struct bpf_map *scratches)
{
	size_t size = bpf_map__value_size(scratches);
	char *value = malloc(size);
	uint32_t slot = SLOT;

	assert_non_null(value);
	assert_int_equal(bpf_map__lookup_elem(scratches, &slot, sizeof(slot), value, size, 0), 0);
	memmove(value, value + size - EV_LEN_MAX, EV_LEN_MAX);
	return value;
}

static inline void assert_str_is(const void *rec, struct ev_str s, const char *want)
{
	size_t len;
	const char *p = rec_str(rec, s, &len);
	if (len != strlen(want) || memcmp(p, want, len))
		fail_msg("\"%.*s\" is not \"%s\"", (int)len, p, want);
}

static inline int is_truncated(const void *rec, unsigned bit)
{
	return ((const struct ev_hdr *)rec)->truncated >> bit & 1;
}

#endif
