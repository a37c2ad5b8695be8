/* SPDX-License-Identifier: Apache-2.0 */
/* ELF headers; System V ABI, chapters 4 and 5. */
#include "scan/elf.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#define DYNAMIC_MAX 4096 /* bytes of the dynamic section that are read */

/* What both classes have in common. */
struct header {
	bool wide; /* ELFCLASS64 */
	uint16_t machine, phnum;
	uint64_t phoff;
};

static bool parse_header(const char *p, size_t len, struct header *ret)
{
	Elf64_Ehdr h;
	Elf32_Ehdr n;

	if (len < sizeof(h) || memcmp(p, ELFMAG, SELFMAG))
		return false;
	memcpy(&h, p, sizeof(h));
	memcpy(&n, p, sizeof(n));
	ret->wide = h.e_ident[EI_CLASS] == ELFCLASS64;
	/* Type, machine and version are at the same place in both. */
	if ((!ret->wide && h.e_ident[EI_CLASS] != ELFCLASS32) ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_version != EV_CURRENT ||
	    (h.e_type != ET_EXEC && h.e_type != ET_DYN))
		return false;
	ret->machine = h.e_machine;
	ret->phnum = ret->wide ? h.e_phnum : n.e_phnum;
	ret->phoff = ret->wide ? h.e_phoff : n.e_phoff;
	uint16_t each = ret->wide ? h.e_phentsize : n.e_phentsize;
	if (each != (ret->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) || !ret->phnum)
		return false;
	switch (ret->machine) {
	case EM_X86_64:
	case EM_386:
	case EM_AARCH64:
	case EM_ARM:
		return true;
	default:
		return false;
	}
}

static bool get_segment(const struct header *h, const char *p, size_t len, unsigned i,
			Elf64_Phdr *ret)
{
	size_t each = h->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	Elf32_Phdr n;

	if (h->phoff > len || (i + 1) * each > len - h->phoff)
		return false;
	if (h->wide) {
		memcpy(ret, p + h->phoff + i * each, each);
		return true;
	}
	memcpy(&n, p + h->phoff + i * each, each);
	*ret = (Elf64_Phdr){ .p_type = n.p_type,
			     .p_flags = n.p_flags,
			     .p_offset = n.p_offset,
			     .p_vaddr = n.p_vaddr,
			     .p_filesz = n.p_filesz,
			     .p_memsz = n.p_memsz };
	return true;
}

bool elf_parse(const void *bytes, size_t len, struct elf_image *ret)
{
	const char *p = bytes;
	struct header h;
	Elf64_Phdr s;
	uint64_t base = 0;
	bool known = false;

	if (!parse_header(p, len, &h))
		return false;
	*ret = (struct elf_image){ .machine = h.machine };
	for (unsigned i = 0; i < h.phnum && get_segment(&h, p, len, i, &s); i++) {
		if (s.p_type != PT_LOAD)
			continue;
		if (!known) /* the first holds the header */
			base = s.p_vaddr - s.p_offset;
		known = true;
		if (!(s.p_flags & PF_X) || ret->nexec == ELF_SEGMENTS_MAX ||
		    s.p_memsz > UINT64_MAX / 4)
			continue;
		ret->exec[ret->nexec].start = s.p_vaddr - base;
		ret->exec[ret->nexec++].end = s.p_vaddr - base + s.p_memsz;
	}
	return true;
}

bool elf_relocates_text(int fd)
{
	char head[4096], dynamic[DYNAMIC_MAX];
	struct header h;
	Elf64_Phdr s;
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n <= 0 || !parse_header(head, (size_t)n, &h))
		return false;
	for (unsigned i = 0; i < h.phnum && get_segment(&h, head, (size_t)n, i, &s); i++) {
		if (s.p_type != PT_DYNAMIC || s.p_offset > INT64_MAX)
			continue;
		ssize_t k = pread(fd, dynamic, sizeof(dynamic), (off_t)s.p_offset);
		size_t each = h.wide ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
		for (size_t at = 0; k > 0 && at + each <= (size_t)k; at += each) {
			Elf64_Dyn d;
			Elf32_Dyn e;
			memcpy(&d, dynamic + at, h.wide ? each : 0);
			memcpy(&e, dynamic + at, h.wide ? 0 : each);
			int64_t tag = h.wide ? d.d_tag : e.d_tag;
			uint64_t val = h.wide ? d.d_un.d_val : e.d_un.d_val;
			if (tag == DT_NULL)
				break;
			if (tag == DT_TEXTREL || (tag == DT_FLAGS && val & DF_TEXTREL))
				return true;
		}
	}
	return false;
}
