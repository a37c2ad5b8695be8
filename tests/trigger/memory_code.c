/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code in memory that is not as a file has it, for a memory scan to find. Stays until its standard
 * input ends; what it prints as pid is the process to look at.
 *
 *   memory_code shellcode        a child that waits in a system call made from anonymous memory
 *   memory_code shellcode-writable  the same, and the memory is writable
 *   memory_code dormant          code that would make system calls, never called
 *   memory_code small            one writable page with a return instruction
 *   memory_code image            this program's segments loaded by hand, as its headers say
 *   memory_code image-rwx        this program's whole file in one writable and executable region
 *   memory_code memfd            this program's file in a memfd, mapped executable
 *   memory_code memfd-blank      a memfd without any ELF file, mapped executable
 *   memory_code memfd-twice      the same, mapped once writable and once executable
 *   memory_code text             a jump written over the beginning of a function of this program
 *   memory_code text-same        a page of code written to with what was there
 *   memory_code breakpoint       a breakpoint instruction there instead
 *   memory_code vdso             a byte changed in the vDSO
 *   memory_code unlink PATH      a copy of this program at PATH, which removes it once it runs
 *   memory_code replace PATH     the same, but another file takes its place
 */
#include "trigger.h"

#include <elf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/wait.h>

#define PAGE 4096UL

#if defined(__x86_64__)
/* mov eax, 34 (pause); syscall; jmp back */
static const unsigned char code[] = { 0xb8, 0x22, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7 };
static const unsigned char jump[] = { 0xe9, 0x44, 0x33, 0x22, 0x11 };
static const unsigned char breakpoint[] = { 0xcc };
static const unsigned char leave[] = { 0xc3 };
#elif defined(__aarch64__)
/* ppoll(NULL, 0, NULL, NULL): movz x0..x4, 0; movz x8, 73; svc 0; b back */
static const unsigned char code[] = { 0x00, 0, 0x80, 0xd2, 0x01, 0,    0x80, 0xd2,
				      0x02, 0, 0x80, 0xd2, 0x03, 0,    0x80, 0xd2,
				      0x04, 0, 0x80, 0xd2, 0x28, 0x09, 0x80, 0xd2,
				      0x01, 0, 0,    0xd4, 0xf9, 0xff, 0xff, 0x17 };
static const unsigned char jump[] = { 0x11, 0x11, 0, 0x14 };
static const unsigned char breakpoint[] = { 0, 0, 0x20, 0xd4 };
static const unsigned char leave[] = { 0xc0, 0x03, 0x5f, 0xd6 };
#endif

static void *map(size_t len, int prot, int fd, int how)
{
	void *p = mmap(NULL, len, prot, how | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static void protect(const void *p, size_t len, int prot)
{
	if (mprotect((void *)(uintptr_t)p, len, prot))
		die("mprotect");
}

/* Executable memory that holds these bytes. */
static void *code_region(const void *bytes, size_t len, int prot)
{
	char *p = map(PAGE, PROT_READ | PROT_WRITE, -1, MAP_PRIVATE);
	memcpy(p + 64, bytes, len);
	protect(p, PAGE, prot);
	return p + 64;
}

static void report(const char *mode, pid_t pid, const void *at)
{
	say("{\"pid\":%d,\"what\":\"%s\",\"address\":%lu}", pid, mode,
	    (unsigned long)(uintptr_t)at);
}

/* --- what runs --- */

static int shellcode(const char *mode, int prot)
{
	unsigned char *p = code_region(code, sizeof(code), prot);
	pid_t child = fork();

	if (!child) {
		union {
			void *p;
			void (*call)(void);
		} enter = { .p = p };
		enter.call();
	}
	if (child < 0)
		die("fork");
	usleep(100000); /* it gets there */
	report(mode, child, p);
	wait_for_eof();
	kill(child, SIGKILL);
	return waitpid(child, NULL, 0) != child;
}

/* --- images --- */

/* Loads segments as the kernel would, but into anonymous memory. */
static void *load_by_hand(const char *file)
{
	const Elf64_Ehdr *h = (const void *)file;
	const Elf64_Phdr *ph = (const void *)(file + h->e_phoff);
	uint64_t first = UINT64_MAX, end = 0;

	for (unsigned i = 0; i < h->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		first = ph[i].p_vaddr < first ? ph[i].p_vaddr : first;
		end = ph[i].p_vaddr + ph[i].p_memsz;
	}
	first &= ~(PAGE - 1);
	char *base = map(end - first, PROT_READ | PROT_WRITE, -1, MAP_PRIVATE);
	for (unsigned i = 0; i < h->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			memcpy(base + (ph[i].p_vaddr - first), file + ph[i].p_offset,
			       ph[i].p_filesz);
	for (unsigned i = 0; i < h->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		uint64_t start = (ph[i].p_vaddr & ~(PAGE - 1)) - first;
		uint64_t stop = ph[i].p_vaddr + ph[i].p_memsz - first;
		protect(base + start, stop - start,
			(ph[i].p_flags & PF_R ? PROT_READ : 0) |
				(ph[i].p_flags & PF_W ? PROT_WRITE : 0) |
				(ph[i].p_flags & PF_X ? PROT_EXEC : 0));
	}
	return base;
}

static void *memory_file(const char *mode)
{
	size_t size = PAGE;
	bool blank = strcmp(mode, "memfd");
	char *file = blank ? calloc(1, PAGE) : read_self(&size);
	int fd = memfd_with("library", 0, file, size);

	if (!strcmp(mode, "memfd-twice"))
		map(size, PROT_READ | PROT_WRITE, fd, MAP_SHARED);
	return map(size, PROT_READ | PROT_EXEC, fd, blank ? MAP_SHARED : MAP_PRIVATE);
}

/* --- changed code --- */

/* Never called, on pages of its own. */
__attribute__((noinline, aligned(4096), used)) static int victim(int x)
{
	return x * 3 + 1;
}

static const void *change(const void *at, const void *bytes, size_t len)
{
	char *page = (char *)((uintptr_t)at & ~(PAGE - 1));
	/* Executable all the time: what does the writing may be on the same page. */
	protect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	memcpy((void *)(uintptr_t)at, bytes, len);
	protect(page, PAGE, PROT_READ | PROT_EXEC);
	return at;
}

/* Its protection can be changed as a whole only, and how long it is nobody says. */
static const void *change_vdso(void)
{
	char *vdso = (char *)getauxval(AT_SYSINFO_EHDR);
	size_t len = PAGE;

	while (vdso && len <= 16 * PAGE && mprotect(vdso, len, PROT_READ | PROT_WRITE | PROT_EXEC))
		len += PAGE;
	if (!vdso || len > 16 * PAGE)
		die("vDSO");
	vdso[9]++; /* EI_PAD: nobody reads it */
	protect(vdso, len, PROT_READ | PROT_EXEC);
	return vdso + 9;
}

/* --- files --- */

__attribute__((noreturn)) static void run_copy(const char *path, const char *mode)
{
	size_t size;
	char *self = read_self(&size);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

	if (fd < 0)
		die(path);
	write_all(fd, self, size);
	close(fd);
	execl(path, "memory_code", mode, path, NULL);
	die("execl");
}

static void lose_file(const char *path, bool replace)
{
	if (unlink(path))
		die("unlink");
	int fd = replace ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755) : -1;
	if (fd >= 0)
		write_all(fd, "new\n", 4);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "", *path = argc > 2 ? argv[2] : "";
	const int rx = PROT_READ | PROT_EXEC, rwx = rx | PROT_WRITE;
	const void *at = NULL, *here = (const void *)(uintptr_t)victim;
	size_t size;

	if (!strcmp(mode, "unlink") || !strcmp(mode, "replace"))
		run_copy(path, !strcmp(mode, "unlink") ? "unlinked" : "replaced");
	if (!strcmp(mode, "shellcode"))
		return shellcode(mode, rx);
	if (!strcmp(mode, "shellcode-writable"))
		return shellcode(mode, rwx);
	if (!strcmp(mode, "dormant")) {
		at = code_region(code, sizeof(code), rx);
	} else if (!strcmp(mode, "small")) {
		at = code_region(leave, sizeof(leave), rwx);
	} else if (!strcmp(mode, "image")) {
		at = load_by_hand(read_self(&size));
	} else if (!strcmp(mode, "image-rwx")) {
		char *self = read_self(&size);
		at = memcpy(map(size, rwx, -1, MAP_PRIVATE), self, size);
	} else if (!strncmp(mode, "memfd", 5)) {
		at = memory_file(mode);
	} else if (!strcmp(mode, "text")) {
		at = change(here, jump, sizeof(jump));
	} else if (!strcmp(mode, "text-same")) {
		at = change(here, here, 1);
	} else if (!strcmp(mode, "breakpoint")) {
		at = change(here, breakpoint, sizeof(breakpoint));
	} else if (!strcmp(mode, "vdso")) {
		at = change_vdso();
	} else if (!strcmp(mode, "unlinked") || !strcmp(mode, "replaced")) {
		lose_file(path, !strcmp(mode, "replaced"));
	} else {
		fprintf(stderr, "memory_code: what?\n");
		return 64;
	}
	report(mode, getpid(), at);
	wait_for_eof();
	return 0;
}
