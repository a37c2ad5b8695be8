/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of libpam, and the processes that use them: by /proc. */
#ifndef REDSHANK_SOURCE_PAM_FILE_H
#define REDSHANK_SOURCE_PAM_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct pam_file {
	int fd; /* O_PATH */
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	bool root; /* it is root's: others can't have made it */
	uint32_t user; /* a process of the mount namespace that it was found in; 0: none is left */
	uint64_t mntns; /* inode number of that namespace */
};

typedef void pam_file_fn(void *ctx, struct pam_file *f);

/* The copy that a process has mapped. 0, or -ENOENT. */
int pam_file_of(uint32_t pid, struct pam_file *ret);
/* Those of all processes; who takes one closes it. */
void pam_files_scan(pam_file_fn *fn, void *ctx);

bool pam_file_same(const struct pam_file *a, const struct pam_file *b);
bool pam_file_gone(const struct pam_file *f); /* it has no name any more */
/* Is its process still there? */
bool pam_file_in_use(const struct pam_file *f);
/* Looks for another process of each one's mount namespace: user. */
void pam_files_find_users(struct pam_file **f, unsigned n);
/* elf_symbols() of it. */
int pam_file_symbols(const struct pam_file *f, const char *const *names, unsigned n, uint64_t *ret);
void pam_file_close(struct pam_file *f);

/* Of an address in our own program the offset in its file; 0: not found. */
uint64_t pam_own_offset(uintptr_t addr);

#endif
