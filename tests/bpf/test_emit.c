/* SPDX-License-Identifier: Apache-2.0 */
/* lib/emit.h: lengths at, below and above every bound; what does not fit is counted. */
#include "helpers.h"

#include "emit.skel.h"

#define FIXED	   sizeof(struct ev_exec)
#define OFF_MAX	   0x7fff /* REC_OFF_MASK */
#define SHORT_MAX  256
#define TEXT_BYTES 26

static struct emit *obj;

static int setup(void **state)
{
	(void)state;
	obj = emit__open();
	if (!obj)
		return -1;
	size_stats(obj->maps.stats);
	bpf_map__set_max_entries(obj->maps.ring_main, (uint32_t)sysconf(_SC_PAGESIZE) * 16);
	if (emit__load(obj))
		return -1;
	for (size_t i = 0; i < sizeof(obj->bss->source); i++)
		obj->bss->source[i] = (char)('a' + i % TEXT_BYTES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	emit__destroy(obj);
	return 0;
}

/* Sum over CPUs of what the member at this offset of struct cpu_stats counts. */
static uint64_t counted(size_t offset)
{
	uint64_t sum = 0;
	struct cpu_stats st;
	for (uint32_t cpu = 0; cpu < bpf_map__max_entries(obj->maps.stats); cpu++) {
		assert_int_equal(bpf_map__lookup_elem(obj->maps.stats, &cpu, sizeof(cpu), &st,
						      sizeof(st), 0),
				 0);
		sum += *(const uint64_t *)((const char *)&st + offset);
	}
	return sum;
}

static size_t nth(size_t offset, unsigned type)
{
	return offset + type * sizeof(uint64_t);
}

/* Appends len bytes from the program's buffer with the record ending at `at`. */
static struct ev_exec *put(struct bpf_program *prog, uint64_t at, uint64_t len)
{
	obj->bss->begin_at = at;
	obj->bss->source_len = len;
	assert_int_equal(run(prog), 0);
	return record_of(obj->maps.scratches);
}

static void lengths(void **state)
{
	static const struct {
		uint64_t len;
		unsigned kept;
		int cut;
	} cases[] = {
		{ 0, 0, 0 },
		{ 1, 1, 0 },
		{ EV_ARGS_MAX - 1, EV_ARGS_MAX - 1, 0 },
		{ EV_ARGS_MAX, EV_ARGS_MAX, 0 },
		{ EV_ARGS_MAX + 1, EV_ARGS_MAX, 1 },
		{ UINT32_MAX, EV_ARGS_MAX, 1 },
		{ UINT64_MAX, EV_ARGS_MAX, 1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ev_exec *e = put(obj->progs.put_long, 0, cases[i].len);
		assert_int_equal(e->args.len, cases[i].kept);
		assert_int_equal(is_truncated(e, EVF_exec_args), cases[i].cut);
		assert_int_equal(e->args.off, cases[i].kept ? FIXED : 0);
		assert_int_equal(e->hdr.len, (FIXED + cases[i].kept + 7) / 8 * 8);
		assert_memory_equal((char *)e + FIXED, obj->bss->source, cases[i].kept);
		assert_int_equal(schema_check(e, e->hdr.len, NULL), 0);
		free(e);
	}
}

static void offsets(void **state)
{
	(void)state;
	struct ev_exec *e = put(obj->progs.put_long, OFF_MAX, EV_ARGS_MAX);
	assert_int_equal(e->args.off, OFF_MAX);
	assert_int_equal(e->args.len, EV_ARGS_MAX);
	assert_false(is_truncated(e, EVF_exec_args));
	assert_int_equal(schema_check(e, e->hdr.len, NULL), 0);
	free(e);

	e = put(obj->progs.put_long, OFF_MAX + 1, 1);
	assert_int_equal(e->args.len, 0);
	assert_true(is_truncated(e, EVF_exec_args));
	assert_int_equal(schema_check(e, e->hdr.len, NULL), 0);
	free(e);

	e = put(obj->progs.put_text, OFF_MAX + 1, 0);
	assert_int_equal(e->filename.len, 0);
	assert_true(is_truncated(e, EVF_exec_filename));
	free(e);
}

static void texts(void **state)
{
	static const struct {
		unsigned len, kept;
		int cut;
	} cases[] = { { 0, 0, 0 },
		      { 1, 1, 0 },
		      { SHORT_MAX - 2, SHORT_MAX - 2, 0 },
		      { SHORT_MAX, SHORT_MAX - 1, 1 },
		      { 10 * SHORT_MAX, SHORT_MAX - 1, 1 } };
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *end = &obj->bss->source[cases[i].len], was = *end;
		*end = '\0';
		struct ev_exec *e = put(obj->progs.put_text, 0, 0);
		*end = was;
		assert_int_equal(e->filename.len, cases[i].kept);
		assert_int_equal(is_truncated(e, EVF_exec_filename), cases[i].cut);
		assert_memory_equal((char *)e + FIXED, obj->bss->source, cases[i].kept);
		free(e);
	}
}

static void unreadable(void **state)
{
	const size_t errors = offsetof(struct cpu_stats, read_errors);
	(void)state;
	uint64_t before = counted(errors);
	obj->bss->user_address = 8;
	struct ev_exec *e = put(obj->progs.put_user, 0, 100);
	assert_int_equal(e->args.len, 0);
	assert_true(is_truncated(e, EVF_exec_args));
	assert_int_equal(counted(errors), before + 1);
	free(e);

	static const char mine[] = "from user memory";
	obj->bss->user_address = (uintptr_t)mine;
	e = put(obj->progs.put_user, 0, sizeof(mine) - 1);
	assert_str_is(e, e->args, mine);
	assert_int_equal(counted(errors), before + 1);
	free(e);
}

static void largest(void **state)
{
	const size_t emitted = nth(offsetof(struct cpu_stats, emitted), EV_exec);
	(void)state;
	uint64_t before = counted(emitted);
	struct ev_exec *e = put(obj->progs.put_all, 0, 0);
	assert_true(e->hdr.len <= EV_LEN_MAX);
	assert_int_equal(e->hdr.truncated, 0);
	assert_int_equal(e->args.len, EV_ARGS_MAX);
	assert_int_equal(e->args.off, FIXED + 4 * EV_PATH_MAX + EV_ENV_MAX);
	assert_int_equal(schema_check(e, e->hdr.len, NULL), 0);
	assert_int_equal(counted(emitted), before + 1);
	free(e);
}

static void busy(void **state)
{
	const size_t refused = nth(offsetof(struct cpu_stats, scratch_busy), EV_exit);
	(void)state;
	obj->bss->begin_at = 0;
	uint64_t before = counted(refused);
	assert_int_equal(run(obj->progs.nested), 0);
	assert_int_equal(counted(refused), before + 1);
	assert_int_equal(run(obj->progs.nested), 0); /* it was given back */
}

static void full(void **state)
{
	const size_t sent = nth(offsetof(struct cpu_stats, emitted), EV_exit);
	const size_t lost = nth(offsetof(struct cpu_stats, ring_full), EV_exit);
	const unsigned runs = 32, per_run = 64;
	(void)state;
	uint64_t before = counted(sent) + counted(lost);
	for (unsigned i = 0; i < runs; i++)
		assert_int_equal(run(obj->progs.fill_ring), 0);
	assert_true(counted(sent) > 0);
	assert_true(counted(lost) > 0);
	assert_int_equal(counted(sent) + counted(lost), before + runs * per_run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),    cmocka_unit_test(offsets), cmocka_unit_test(texts),
		cmocka_unit_test(unreadable), cmocka_unit_test(largest), cmocka_unit_test(busy),
		cmocka_unit_test(full),
	};
	return cmocka_run_group_tests_name("emit", tests, setup, teardown);
}
