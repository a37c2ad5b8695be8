/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program without execve(2), as loaders in user space do: reads a static ELF file, puts its
 * segments into anonymous memory where its headers want them, makes a stack as the kernel would,
 * and jumps. What is printed is up to that program. This one is linked to another address than
 * programs usually are (tests.mk), so that it need not unmap itself.
 *
 *   user_exec PROGRAM [ARGUMENT...]
 */
#include "trigger.h"

#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>

#define PAGE	   4096UL
#define STACK_SIZE (1UL << 20)
#define ARGS_MAX   64

static char *read_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *file;

	if (fd < 0 || fstat(fd, &st) || !(file = malloc((size_t)st.st_size)) ||
	    read(fd, file, (size_t)st.st_size) != st.st_size)
		die(path);
	close(fd);
	return file;
}

static int protection(uint32_t flags)
{
	return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
	       (flags & PF_X ? PROT_EXEC : 0);
}

static void load(const char *file, const Elf64_Phdr *p)
{
	uintptr_t start = p->p_vaddr & ~(PAGE - 1);
	size_t len = p->p_vaddr + p->p_memsz - start;
	void *at = mmap((void *)start, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (at != (void *)start)
		die("mmap");
	memcpy((void *)p->p_vaddr, file + p->p_offset, p->p_filesz);
	if (mprotect(at, len, protection(p->p_flags)))
		die("mprotect");
}

/* argc, argv, environment, auxiliary vector, as in the x86-64 and the AArch64 ABI. */
static uintptr_t *stack_for(const Elf64_Ehdr *eh, uintptr_t headers, int argc, char **argv)
{
	static unsigned char random[16];
	const uintptr_t auxv[] = { AT_PHDR,   headers,		 AT_PHENT,  eh->e_phentsize,
				   AT_PHNUM,  eh->e_phnum,	 AT_PAGESZ, PAGE,
				   AT_ENTRY,  eh->e_entry,	 AT_HWCAP,  getauxval(AT_HWCAP),
				   AT_RANDOM, (uintptr_t)random, AT_NULL,   0 };
	char *room =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		die("mmap");
	uintptr_t *top = (uintptr_t *)(room + STACK_SIZE / 2), *at = top;
	*at++ = (uintptr_t)argc;
	for (int i = 0; i < argc; i++)
		*at++ = (uintptr_t)argv[i];
	*at++ = 0;
	*at++ = 0; /* no environment */
	memcpy(at, auxv, sizeof(auxv));
	return top;
}

__attribute__((noreturn)) static void jump(uintptr_t entry, uintptr_t *stack)
{
#if defined(__x86_64__)
	__asm__ volatile("mov %0, %%rsp; xor %%edx, %%edx; jmp *%1" ::"r"(stack), "r"(entry)
			 : "rdx", "memory");
#elif defined(__aarch64__)
	__asm__ volatile("mov sp, %0; mov x0, #0; br %1" ::"r"(stack), "r"(entry) : "x0", "memory");
#endif
	__builtin_unreachable();
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > ARGS_MAX) {
		fprintf(stderr, "usage: user_exec PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	const char *file = read_file(argv[1]);
	const Elf64_Ehdr *eh = (const void *)file;
	const Elf64_Phdr *ph = (const void *)(file + eh->e_phoff);
	uintptr_t headers = 0;

	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_type != ET_EXEC) {
		fprintf(stderr, "%s: no static program for a fixed address\n", argv[1]);
		return 2;
	}
	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (eh->e_phoff >= ph[i].p_offset && eh->e_phoff < ph[i].p_offset + ph[i].p_filesz)
			headers = ph[i].p_vaddr + eh->e_phoff - ph[i].p_offset;
		load(file, &ph[i]);
	}
	jump(eh->e_entry, stack_for(eh, headers, argc - 1, argv + 1));
}
