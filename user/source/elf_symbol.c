/* SPDX-License-Identifier: Apache-2.0 */
/* Exported functions of a library, by its table of dynamic symbols (gABI, "Symbol Table"). */
#include "source/elf_symbol.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#endif

#define SEGMENTS_MAX 64
#define SECTIONS_MAX 256
#define TABLE_MAX    (1 << 20) /* bytes of a table; libpam's have a few KiB */

/* A copy of a part of the file, to be freed. NULL with errno if it is not there as a whole. */
static void *part(int fd, uint64_t off, uint64_t size)
{
	if (!size || size > TABLE_MAX || off > INT64_MAX - size) {
		errno = EINVAL;
		return NULL;
	}
	char *p = malloc(size);
	for (size_t got = 0; p && got < size;) {
		ssize_t n = pread(fd, p + got, size - got, (off_t)(off + got));
		if (n > 0) {
			got += (size_t)n;
			continue;
		}
		int error = n ? errno : EINVAL;
		free(p);
		errno = error;
		return NULL;
	}
	return p;
}

static bool is_own_library(const Elf64_Ehdr *h)
{
	return !memcmp(h->e_ident, ELFMAG, SELFMAG) && h->e_ident[EI_CLASS] == ELFCLASS64 &&
	       h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_machine == MACHINE &&
	       h->e_type == ET_DYN && h->e_phentsize == sizeof(Elf64_Phdr) &&
	       h->e_shentsize == sizeof(Elf64_Shdr) && h->e_phnum <= SEGMENTS_MAX &&
	       h->e_shnum <= SECTIONS_MAX;
}

/* The offset in the file of an address in a segment of code; 0: there is none. */
static uint64_t offset_of(const Elf64_Phdr *p, unsigned n, uint64_t addr)
{
	for (unsigned i = 0; i < n; i++)
		if (p[i].p_type == PT_LOAD && p[i].p_flags & PF_X && addr >= p[i].p_vaddr &&
		    addr - p[i].p_vaddr < p[i].p_filesz)
			return addr - p[i].p_vaddr + p[i].p_offset;
	return 0;
}

struct tables {
	Elf64_Phdr *segments;
	Elf64_Sym *symbols;
	char *strings; /* ends with a zero */
	size_t nsegments, nsymbols, nstrings;
};

static int read_tables(int fd, struct tables *t)
{
	Elf64_Ehdr h;
	int rc = 0;

	if (pread(fd, &h, sizeof(h), 0) != sizeof(h) || !is_own_library(&h))
		return -EINVAL;
	Elf64_Shdr *s = part(fd, h.e_shoff, (uint64_t)h.e_shnum * sizeof(*s));
	t->segments = part(fd, h.e_phoff, (uint64_t)h.e_phnum * sizeof(*t->segments));
	t->nsegments = h.e_phnum;
	unsigned i = 0;
	while (s && i < h.e_shnum && s[i].sh_type != SHT_DYNSYM)
		i++;
	if (!s || !t->segments || i == h.e_shnum || s[i].sh_link >= h.e_shnum) {
		rc = -EINVAL;
	} else {
		const Elf64_Shdr *str = &s[s[i].sh_link];
		t->symbols = part(fd, s[i].sh_offset, s[i].sh_size);
		t->strings = part(fd, str->sh_offset, str->sh_size);
		t->nsymbols = s[i].sh_size / sizeof(*t->symbols);
		t->nstrings = str->sh_size;
		if (!t->symbols || !t->strings || t->strings[t->nstrings - 1])
			rc = -EINVAL;
	}
	free(s);
	return rc;
}

int elf_symbols(int fd, const char *const *names, unsigned n, uint64_t *ret)
{
	struct tables t = { 0 };
	int found = 0, rc = read_tables(fd, &t);

	memset(ret, 0, n * sizeof(*ret));
	for (size_t i = 0; !rc && i < t.nsymbols; i++) {
		const Elf64_Sym *s = &t.symbols[i];
		if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_name >= t.nstrings)
			continue;
		for (unsigned k = 0; k < n; k++) {
			if (ret[k] || strcmp(names[k], &t.strings[s->st_name]))
				continue;
			ret[k] = offset_of(t.segments, (unsigned)t.nsegments, s->st_value);
			found += ret[k] != 0;
		}
	}
	free(t.segments);
	free(t.symbols);
	free(t.strings);
	return rc ? rc : found;
}
