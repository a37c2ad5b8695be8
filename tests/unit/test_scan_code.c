/* SPDX-License-Identifier: Apache-2.0 */
/* What the scan reads out of machine code and ELF headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include "scan/code.h"
#include "scan/elf.h"

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

/* --- system calls --- */

static const struct {
	const char *what;
	const uint8_t *p;
	size_t len;
	ptrdiff_t at; /* -1: no system call */
} x86[] = {
	{ "mov eax, 59; syscall", BYTES(0xb8, 59, 0, 0, 0, 0x0f, 0x05), 5 },
	{ "mov rax, 59; syscall", BYTES(0x48, 0xc7, 0xc0, 59, 0, 0, 0, 0x0f, 0x05), 7 },
	{ "execve(\"/bin//sh\"), the classic",
	  BYTES(0x31, 0xf6, 0x48, 0xbb, '/', 'b', 'i', 'n', '/', '/', 's', 'h', 0x56, 0x53, 0x54,
		0x5f, 0x6a, 0x3b, 0x58, 0x31, 0xd2, 0x0f, 0x05),
	  21 },
	{ "push 41; pop rax; cdq; push 2; pop rdi; push 1; pop rsi; syscall: a connect-back stager",
	  BYTES(0x6a, 0x29, 0x58, 0x99, 0x6a, 0x02, 0x5f, 0x6a, 0x01, 0x5e, 0x0f, 0x05), 10 },
	{ "xor eax, eax; mov al, 11; int 0x80", BYTES(0x31, 0xc0, 0xb0, 0x0b, 0xcd, 0x80), 4 },
	{ "mov eax, 1; mov edi, 1; lea rsi, [rip + 9]; mov edx, 14; syscall",
	  BYTES(0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, 0x48, 0x8d, 0x35, 9, 0, 0, 0, 0xba, 14, 0, 0, 0,
		0x0f, 0x05),
	  22 },
	{ "the two bytes alone", BYTES(0x0f, 0x05), -1 },
	{ "a number, then data", BYTES(0xb8, 59, 0, 0, 0, 0xff, 0xee, 0x0f, 0x05), -1 },
	{ "a large constant", BYTES(0xb8, 59, 0, 1, 0, 0x0f, 0x05), -1 },
	{ "the two bytes within another instruction", /* mov eax, 59; mov ebx, 0x050f */
	  BYTES(0xb8, 59, 0, 0, 0, 0xbb, 0x0f, 0x05, 0, 0), -1 },
	{ "a pointer that ends in them", BYTES(0x0f, 0x05, 0x34, 0xbf, 0x1c, 0x7f, 0, 0), -1 },
	{ "too far away",
	  BYTES(0xb8, 59, 0, 0, 0, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
		0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
		0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
		0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x0f, 0x05),
	  -1 },
	{ "zeros", BYTES(0, 0, 0, 0, 0, 0, 0, 0), -1 },
	{ "nothing", NULL, 0, -1 },
};

static const struct {
	const char *what;
	const uint8_t *p;
	size_t len;
	ptrdiff_t at;
} arm64[] = {
	{ "mov x8, 221; svc 0", BYTES(0xa8, 0x1b, 0x80, 0xd2, 0x01, 0, 0, 0xd4), 4 },
	{ "mov w8, 64; mov x0, 1; svc 0",
	  BYTES(0x08, 0x08, 0x80, 0x52, 0x20, 0, 0x80, 0xd2, 0x01, 0, 0, 0xd4), 8 },
	{ "svc 0 alone", BYTES(0x1f, 0x20, 0x03, 0xd5, 0x01, 0, 0, 0xd4), -1 },
	{ "not at an instruction", BYTES(0, 0, 0xa8, 0x1b, 0x80, 0xd2, 0x01, 0, 0, 0xd4, 0, 0),
	  -1 },
};

static void syscalls(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(x86) / sizeof(x86[0]); i++)
		if (code_syscall(CODE_x86, x86[i].p, x86[i].len) != x86[i].at)
			fail_msg("x86: %s", x86[i].what);
	for (unsigned i = 0; i < sizeof(arm64) / sizeof(arm64[0]); i++)
		if (code_syscall(CODE_arm64, arm64[i].p, arm64[i].len) != arm64[i].at)
			fail_msg("arm64: %s", arm64[i].what);
}

/* Megabytes of anything have none by chance; and no byte behind the end is read. */
static void chance(void **state)
{
	const size_t size = 16 << 20;
	uint8_t *p = malloc(size);
	uint64_t x = 88172645463325252ULL;

	(void)state;
	for (size_t i = 0; i + 8 <= size; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(p + i, &x, 8);
	}
	assert_int_equal(code_syscall(CODE_x86, p, size), -1);
	assert_int_equal(code_syscall(CODE_arm64, p, size), -1);
	free(p);
	for (size_t n = 0; n < 23; n++) {
		uint8_t *cut = malloc(n + 1);
		memcpy(cut, x86[2].p, n);
		assert_int_equal(code_syscall(CODE_x86, cut, n), -1);
		free(cut);
	}
}

/* --- differences --- */

static struct code_diff compare(enum code_machine m, const uint8_t *mem, const uint8_t *file,
				size_t len)
{
	struct code_diff d;
	/* The trampoline is right behind the code. */
	code_compare(m, mem, file, len, 0x1000, 0x1000 + len, 0x2000 + len, &d);
	return d;
}

static void differences(void **state)
{
	uint8_t file[64], mem[64];
	struct code_diff d;

	(void)state;
	memset(file, 0x90, sizeof(file));
	memcpy(mem, file, sizeof(mem));
	d = compare(CODE_x86, mem, file, sizeof(mem));
	assert_true(!d.differing && !d.breakpoints && !d.other);
	mem[7] = 0xcc;
	mem[20] = 0xcc;
	d = compare(CODE_x86, mem, file, sizeof(mem));
	assert_true(d.differing == 2 && d.breakpoints == 2 && !d.other && d.first == 7);
	mem[40] = 0xe9; /* a hook: what no breakpoint explains is what is shown */
	mem[41] = 1;
	d = compare(CODE_x86, mem, file, sizeof(mem));
	assert_true(d.differing == 4 && d.breakpoints == 2 && d.other == 2 && d.first == 40);
	/* An optimized uprobe is a call into the kernel's page, any other call a hook. */
	memcpy(mem, file, sizeof(mem));
	memcpy(mem + 10, (const uint8_t[]){ 0xe8, 0x80, 0, 0, 0 }, 5);
	d = compare(CODE_x86, mem, file, sizeof(mem));
	assert_true(d.differing == 5 && d.breakpoints == 1 && !d.other && d.first == 10);
	mem[13] = 1;
	d = compare(CODE_x86, mem, file, sizeof(mem));
	assert_true(d.other == 5 && !d.breakpoints);
	/* One at the end, cut. */
	memcpy(mem, file, sizeof(mem));
	mem[63] = 0xe8;
	d = compare(CODE_x86, mem, file, sizeof(mem));
	assert_true(d.other == 1 && d.first == 63);
}

static void differences_arm64(void **state)
{
	uint8_t file[64] = { 0 }, mem[64] = { 0 };
	struct code_diff d;

	(void)state;
	memcpy(mem + 8, (const uint8_t[]){ 0xa0, 0, 0x20, 0xd4 }, 4); /* brk 5: a uprobe */
	d = compare(CODE_arm64, mem, file, sizeof(mem));
	assert_true(d.breakpoints == 1 && !d.other && d.first == 8);
	mem[16] = 1;
	d = compare(CODE_arm64, mem, file, sizeof(mem));
	assert_true(d.breakpoints == 1 && d.other == 1 && d.first == 16);
}

/* --- ELF --- */

struct image {
	Elf64_Ehdr h;
	Elf64_Phdr p[3];
};

static struct image make_image(void)
{
	struct image im = {
		.h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		       .e_type = ET_DYN,
		       .e_machine = EM_X86_64,
		       .e_version = EV_CURRENT,
		       .e_phoff = sizeof(Elf64_Ehdr),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 3 },
		.p = { { .p_type = PT_LOAD,
			 .p_flags = PF_R,
			 .p_vaddr = 0x400000,
			 .p_memsz = 0x800 },
		       { .p_type = PT_LOAD,
			 .p_flags = PF_R | PF_X,
			 .p_offset = 0x1000,
			 .p_vaddr = 0x401000,
			 .p_memsz = 0x234 },
		       { .p_type = PT_NOTE, .p_flags = PF_R | PF_X } },
	};
	return im;
}

static void headers(void **state)
{
	struct image im = make_image(), bad;
	struct elf_image e;

	(void)state;
	assert_true(elf_parse(&im, sizeof(im), &e));
	assert_int_equal(e.machine, EM_X86_64);
	assert_int_equal(e.nexec, 1);
	assert_int_equal(e.exec[0].start, 0x1000);
	assert_int_equal(e.exec[0].end, 0x1234);
	/* Of a header page alone, what is in it. */
	assert_true(elf_parse(&im, sizeof(im.h), &e));
	assert_int_equal(e.nexec, 0);
	assert_false(elf_parse(&im, sizeof(im.h) - 1, &e));
	bad = im;
	bad.h.e_type = ET_CORE;
	assert_false(elf_parse(&bad, sizeof(bad), &e));
	bad = im;
	bad.h.e_machine = EM_BPF;
	assert_false(elf_parse(&bad, sizeof(bad), &e));
	bad = im;
	bad.h.e_phentsize = 1;
	assert_false(elf_parse(&bad, sizeof(bad), &e));
	bad = im;
	bad.h.e_phoff = UINT64_MAX - 8; /* no sum may wrap */
	assert_true(elf_parse(&bad, sizeof(bad), &e));
	assert_int_equal(e.nexec, 0);
	bad = im;
	bad.h.e_phnum = UINT16_MAX;
	bad.p[1].p_memsz = UINT64_MAX;
	assert_true(elf_parse(&bad, sizeof(bad), &e));
	assert_int_equal(e.nexec, 0);
}

static void text_relocations(void **state)
{
	char path[] = "/tmp/test_scan_code.XXXXXX";
	Elf64_Dyn dynamic[] = { { DT_FLAGS, { DF_TEXTREL } }, { DT_NULL, { 0 } } };
	struct image im = make_image();
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_false(elf_relocates_text(fd));
	im.p[2] = (Elf64_Phdr){ .p_type = PT_DYNAMIC, .p_offset = 4096 };
	assert_int_equal(pwrite(fd, &im, sizeof(im), 0), sizeof(im));
	assert_false(elf_relocates_text(fd));
	assert_int_equal(pwrite(fd, dynamic, sizeof(dynamic), 4096), sizeof(dynamic));
	assert_true(elf_relocates_text(fd));
	dynamic[0].d_un.d_val = DF_SYMBOLIC;
	assert_int_equal(pwrite(fd, dynamic, sizeof(dynamic), 4096), sizeof(dynamic));
	assert_false(elf_relocates_text(fd));
	dynamic[0].d_tag = DT_TEXTREL;
	assert_int_equal(pwrite(fd, dynamic, sizeof(dynamic), 4096), sizeof(dynamic));
	assert_true(elf_relocates_text(fd));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syscalls),    cmocka_unit_test(chance),
		cmocka_unit_test(differences), cmocka_unit_test(differences_arm64),
		cmocka_unit_test(headers),     cmocka_unit_test(text_relocations),
	};
	return cmocka_run_group_tests_name("scan_code", tests, NULL, NULL);
}
