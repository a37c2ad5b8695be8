/* SPDX-License-Identifier: Apache-2.0 */
/* ELF files, as far as a memory scan has to know them. Their bytes are hostile. */
#ifndef REDSHANK_SCAN_ELF_H
#define REDSHANK_SCAN_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 32

struct elf_image {
	uint16_t machine;
	unsigned nexec; /* executable segments, of those that could be read */
	struct {
		uint64_t start, end; /* where it is to be, relative to the header */
	} exec[ELF_SEGMENTS_MAX];
};

/*
 * Does a loadable ELF file begin here: a program or a shared object for a machine that Linux runs
 * on? *ret gets what its program headers say, as far as they are within len.
 */
bool elf_parse(const void *p, size_t len, struct elf_image *ret);

/* Does the file ask for relocations in its code (DT_TEXTREL, DF_TEXTREL)? False if it can't be
 * told. */
bool elf_relocates_text(int fd);

#endif
