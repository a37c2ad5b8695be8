/* SPDX-License-Identifier: Apache-2.0 */
/* Where functions are in a library's file, for programs that are put there. */
#ifndef REDSHANK_SOURCE_ELF_SYMBOL_H
#define REDSHANK_SOURCE_ELF_SYMBOL_H

#include <stdint.h>

/*
 * Looks for functions that a shared library of this machine's own kind (64 bits) exports; the file
 * may be anybody's. ret[i] is the offset of names[i] in the file, 0 if it is not there. Returns how
 * many were found, or -EINVAL if it is no such library, or -errno.
 */
int elf_symbols(int fd, const char *const *names, unsigned n, uint64_t *ret);

#endif
