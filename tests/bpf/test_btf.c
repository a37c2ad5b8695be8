/* SPDX-License-Identifier: Apache-2.0 */
/* Programs are the same whether libbpf looks through all of the kernel's types or the reduced ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "source/bpf_obj.h"

#include "redshank.skel.h"
#include "source/bpf_btf.h"

/* The programs that each kernel loads: those for tracepoints. */
static struct redshank_bpf *load(const char *btf)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf);
	struct redshank_bpf *o = redshank_bpf__open_opts(&opts);
	struct bpf_program *p;

	assert_non_null(o);
	bpf_object__for_each_program(p, o->obj)
	{
		const char *kind = variant_kind(bpf_program__name(p));
		bpf_program__set_autoload(p, !strcmp(kind, "raw_tp") || !strcmp(kind, "tp_btf"));
	}
	assert_int_equal(redshank_bpf__load(o), 0);
	return o;
}

/* Addresses of maps and functions differ from load to load. */
static bool is_address(const struct bpf_insn *i)
{
	return i->code == (BPF_LD | BPF_DW | BPF_IMM) && i->src_reg;
}

static void compare(const struct bpf_program *a, const struct bpf_program *b)
{
	const struct bpf_insn *x = bpf_program__insns(a), *y = bpf_program__insns(b);
	size_t n = bpf_program__insn_cnt(a);

	assert_int_equal(n, bpf_program__insn_cnt(b));
	for (size_t i = 0; i < n; i++) {
		if (is_address(&x[i]) && is_address(&y[i]))
			i++;
		else if (memcmp(&x[i], &y[i], sizeof(*x)))
			fail_msg("%s: instruction %zu differs", bpf_program__name(a), i);
	}
}

static void same_programs(void **state)
{
	struct redshank_bpf *whole = load(NULL), *small;
	struct bpf_program *p;
	char path[64];
	unsigned n = 0;

	(void)state;
	assert_int_equal(bpf_btf_reduce(whole->obj, NULL, path, sizeof(path)), 0);
	small = load(path);
	bpf_object__for_each_program(p, whole->obj)
	{
		if (!bpf_program__autoload(p))
			continue;
		compare(p, bpf_object__find_program_by_name(small->obj, bpf_program__name(p)));
		n++;
	}
	assert_true(n >= 10);
	redshank_bpf__destroy(whole);
	redshank_bpf__destroy(small);
}

static void refuses_other_files(void **state)
{
	struct redshank_bpf *o = redshank_bpf__open();
	char path[64] = "";

	(void)state;
	assert_non_null(o);
	assert_int_not_equal(bpf_btf_reduce(o->obj, "/etc/passwd", path, sizeof(path)), 0);
	assert_int_not_equal(bpf_btf_reduce(o->obj, "/nowhere", path, sizeof(path)), 0);
	assert_string_equal(path, "");
	redshank_bpf__destroy(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_programs),
		cmocka_unit_test(refuses_other_files),
	};
	return cmocka_run_group_tests_name("btf", tests, NULL, NULL);
}
