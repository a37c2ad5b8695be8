/* SPDX-License-Identifier: Apache-2.0 */
/* Memory maps, honest and hostile: lines as fs/proc/task_mmu.c makes them, and as it never would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "scan/maps.h"

static const struct {
	const char *line;
	uint64_t start, end, offset, inode;
	uint32_t dev;
	enum mapping_kind kind;
	const char *perms, *name;
} good[] = {
	{ "00400000-0040b000 r-xp 00002000 fd:01 1053 /usr/bin/cat", 0x400000, 0x40b000, 0x2000,
	  1053, 0xfd << 20 | 1, MAPPING_file, "r-xp", "/usr/bin/cat" },
	{ "7f00000000-7f00001000 rw-p 00000000 00:00 0 ", 0x7f00000000, 0x7f00001000, 0, 0, 0,
	  MAPPING_anon, "rw-p", "" },
	{ "01a3e000-01a5f000 rw-p 00000000 00:00 0                                  [heap]",
	  0x1a3e000, 0x1a5f000, 0, 0, 0, MAPPING_anon, "rw-p", "[heap]" },
	{ "7ffd000-7ffe000 rwxp 00000000 00:00 0 [stack]", 0x7ffd000, 0x7ffe000, 0, 0, 0,
	  MAPPING_anon, "rwxp", "[stack]" },
	{ "7ffd000-7ffe000 r-xp 00000000 00:00 0 [anon:v8 code]", 0x7ffd000, 0x7ffe000, 0, 0, 0,
	  MAPPING_anon, "r-xp", "[anon:v8 code]" },
	{ "7ffd000-7ffe000 r-xp 00000000 00:00 0 [vdso]", 0x7ffd000, 0x7ffe000, 0, 0, 0,
	  MAPPING_special, "r-xp", "[vdso]" },
	{ "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]", 0xffffffffff600000,
	  0xffffffffff601000, 0, 0, 0, MAPPING_special, "--xp", "[vsyscall]" },
	/* A name of the process's choice is no kernel's page. */
	{ "7ffd000-7ffe000 r-xp 00000000 00:00 0 [anon:[vdso]]", 0x7ffd000, 0x7ffe000, 0, 0, 0,
	  MAPPING_anon, "r-xp", "[anon:[vdso]]" },
	/* Files may be called anything. */
	{ "7ffd000-7ffe000 r-xp 00000000 00:1a 7 [vdso]", 0x7ffd000, 0x7ffe000, 0, 7, 0x1a,
	  MAPPING_file, "r-xp", "[vdso]" },
	{ "7ffd000-7ffe000 r-xs 00000000 00:01 9 /memfd:x (deleted)", 0x7ffd000, 0x7ffe000, 0, 9, 1,
	  MAPPING_file, "r-xs", "/memfd:x (deleted)" },
	{ "7ffd000-7ffe000 r--p 00000000 fd:01 9 /a  b\\012c", 0x7ffd000, 0x7ffe000, 0, 9,
	  0xfd << 20 | 1, MAPPING_file, "r--p", "/a  b\\012c" },
	{ "7ffd000-7ffe000 r--p 00000000 00:0f 0 anon_inode:[perf_event]", 0x7ffd000, 0x7ffe000, 0,
	  0, 0xf, MAPPING_file, "r--p", "anon_inode:[perf_event]" },
};

static const char *const bad[] = {
	"",
	"\n",
	"-",
	"00400000",
	"00400000-0040b000",
	"00400000-0040b000 ",
	"00400000-0040b000 r-xp",
	"00400000-0040b000 r-xp 00002000 fd:01 1053", /* the kernel puts a space behind it */
	"00400000-0040b000 r-xq 00002000 fd:01 1053 ",
	"00400000-0040b000 rxwp 00002000 fd:01 1053 ",
	"00400000-0040b000 r-x 00002000 fd:01 1053 ",
	"0040b000-00400000 r-xp 00002000 fd:01 1053 ",
	"00400000-00400000 r-xp 00002000 fd:01 1053 ",
	" 00400000-0040b000 r-xp 00002000 fd:01 1053 ",
	"0x400000-0x40b000 r-xp 00002000 fd:01 1053 ",
	"10000000000000000-10000000000001000 r-xp 00000000 fd:01 1 ",
	"00400000-0040b000 r-xp 00002000 fd:01 99999999999999999999 ",
	"00400000-0040b000 r-xp 00002000 1000:01 1 ",
	"00400000-0040b000 r-xp 00002000 fd:100000 1 ",
	"00400000-0040b000 r-xp 00002000 fd-01 1 ",
	"00400000-0040b000 r-xp 00002000 fd:01 1a ",
	"00400000-0040b000 r-xp -0002000 fd:01 1 ",
};

static void lines(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const char *name;
		size_t len;
		struct map m;
		assert_int_equal(map_parse(good[i].line, strlen(good[i].line), &m, &name, &len), 0);
		assert_true(m.start == good[i].start && m.end == good[i].end);
		assert_true(m.offset == good[i].offset && m.inode == good[i].inode);
		assert_int_equal(m.dev, good[i].dev);
		assert_int_equal(m.kind, good[i].kind);
		assert_string_equal(m.perms, good[i].perms);
		assert_int_equal(len, strlen(good[i].name));
		assert_memory_equal(name, good[i].name, len);
	}
}

static void hostile_lines(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *name;
		size_t len;
		struct map m;
		if (map_parse(bad[i], strlen(bad[i]), &m, &name, &len) != -EBADMSG)
			fail_msg("taken for a line: %s", bad[i]);
	}
	/* Cut anywhere before the name, a good one is none; and nothing behind its end is read. */
	const char *whole = good[0].line;
	for (size_t n = 0; n < strlen(whole) - strlen(good[0].name); n++) {
		char *cut = malloc(n + 1);
		const char *name;
		size_t len;
		struct map m;
		memcpy(cut, whole, n);
		assert_int_equal(map_parse(cut, n, &m, &name, &len), -EBADMSG);
		free(cut);
	}
}

static void escapes(void **state)
{
	(void)state;
	char a[] = "/x\\012y\\01\\0123";
	size_t n = map_unescape(a, strlen(a));
	assert_int_equal(n, strlen("/x\ny\\01\n3"));
	assert_memory_equal(a, "/x\ny\\01\n3", n);
}

static void add(struct maps *m, const char *text)
{
	assert_int_equal(maps_add(m, text, strlen(text)), 0);
}

/* Whatever pieces read(2) gives. */
static void in_pieces(void **state)
{
	static const char text[] = "1000-2000 r-xp 00000000 fd:01 5 /bin/a\n"
				   "2000-3000 r--p 00001000 fd:01 5 /bin/a\n"
				   "nonsense\n"
				   "3000-4000 rwxp 00000000 00:00 0 \n";
	struct maps m = { 0 };

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		maps_reset(&m);
		for (size_t at = 0; at < sizeof(text) - 1; at += piece) {
			size_t n = sizeof(text) - 1 - at < piece ? sizeof(text) - 1 - at : piece;
			assert_int_equal(maps_add(&m, text + at, n), 0);
		}
		assert_int_equal(m.n, 3);
		assert_string_equal(map_name(&m, &m.map[0]), "/bin/a");
		assert_string_equal(map_name(&m, &m.map[1]), "/bin/a");
		assert_string_equal(map_name(&m, &m.map[2]), "");
		assert_true(map_executable(&m.map[2]) && map_writable(&m.map[2]));
		assert_false(m.cut);
	}
	assert_null(maps_at(&m, 0xfff));
	assert_ptr_equal(maps_at(&m, 0x1000), &m.map[0]);
	assert_ptr_equal(maps_at(&m, 0x1fff), &m.map[0]);
	assert_ptr_equal(maps_at(&m, 0x3fff), &m.map[2]);
	assert_null(maps_at(&m, 0x4000));
	maps_free(&m);
}

/* Out of order, too long, too many: left out and said, never more memory than is meant. */
static void bounds(void **state)
{
	struct maps m = { 0 };
	char *line = malloc(MAPS_LINE * 2);
	char text[64];

	(void)state;
	maps_reset(&m);
	add(&m, "5000-6000 r-xp 00000000 00:00 0 \n1000-2000 r-xp 00000000 00:00 0 \n");
	assert_int_equal(m.n, 1);
	memset(line, 'a', MAPS_LINE * 2);
	assert_int_equal(maps_add(&m, line, MAPS_LINE * 2), 0);
	assert_true(m.cut);
	add(&m, "\n7000-8000 r-xp 00000000 00:00 0 \n");
	assert_int_equal(m.n, 2);
	assert_int_equal(m.map[1].start, 0x7000);
	maps_reset(&m);
	assert_false(m.cut);
	for (unsigned i = 0; i < MAPS_MAX + 10; i++) {
		snprintf(text, sizeof(text), "%x-%x r-xp 00000000 00:00 0 \n", i + 1, i + 2);
		add(&m, text);
	}
	assert_int_equal(m.n, MAPS_MAX);
	assert_true(m.cut);
	maps_reset(&m);
	memset(line, 'n', 4096);
	for (unsigned i = 0; i < 2 * MAPS_NAMES / 4096; i++) {
		int n = snprintf(text, sizeof(text), "%x-%x r-xp 00000000 00:01 %u /%u", i + 1,
				 i + 2, i + 1, i);
		assert_int_equal(maps_add(&m, text, (size_t)n), 0);
		assert_int_equal(maps_add(&m, line, 4096), 0);
		add(&m, "\n");
	}
	assert_true(m.cut);
	assert_true(m.names.len <= MAPS_NAMES);
	free(line);
	maps_free(&m);
}

static void own(void **state)
{
	struct maps m = { 0 };
	int here = 0, dir = open("/proc/self", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_true(dir >= 0);
	assert_int_equal(maps_read(&m, dir), 0);
	const struct map *code = maps_at(&m, (uintptr_t)own),
			 *stack = maps_at(&m, (uintptr_t)&here);
	assert_non_null(code);
	assert_int_equal(code->kind, MAPPING_file);
	assert_true(map_executable(code));
	assert_non_null(stack);
	assert_int_equal(stack->kind, MAPPING_anon);
	assert_int_equal(maps_read(&m, open("/", O_RDONLY | O_DIRECTORY)), -ENOENT);
	close(dir);
	maps_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),   cmocka_unit_test(hostile_lines),
		cmocka_unit_test(escapes), cmocka_unit_test(in_pieces),
		cmocka_unit_test(bounds),  cmocka_unit_test(own),
	};
	return cmocka_run_group_tests_name("scan_maps", tests, NULL, NULL);
}
