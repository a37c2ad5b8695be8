/* SPDX-License-Identifier: Apache-2.0 */
/* What machine code tells: system calls that it makes, and why it differs from its file. */
#ifndef REDSHANK_SCAN_CODE_H
#define REDSHANK_SCAN_CODE_H

#include <stddef.h>
#include <stdint.h>

enum code_machine { CODE_x86, CODE_arm64 };

#if defined(__x86_64__)
#define CODE_NATIVE CODE_x86
#elif defined(__aarch64__)
#define CODE_NATIVE CODE_arm64
#else
#error "the machine's instructions are not known"
#endif

#define CODE_SYSCALL_MAX 1024 /* numbers of system calls are below */

/*
 * Offset of the first instruction that makes a system call, with one shortly before it that chooses
 * its number and nothing but the setting of arguments in between; -1: none. The two bytes of such
 * an instruction alone are common in megabytes of anything. A JIT does not make them: its code
 * calls the runtime for that.
 */
ptrdiff_t code_syscall(enum code_machine m, const uint8_t *p, size_t len);

struct code_diff {
	uint64_t differing; /* bytes */
	uint64_t breakpoints; /* places */
	uint64_t other; /* bytes that no breakpoint explains */
	size_t first; /* offset of the first byte that differs; of one in `other`, if there is any
		       */
};

/*
 * Compares len bytes of memory at address addr with those of the file. A breakpoint is the
 * machine's breakpoint instruction (debuggers, uprobes), or a call into [tramp, tramp_end), the
 * kernel's page for optimized uprobes (x86, since 6.18).
 */
void code_compare(enum code_machine m, const uint8_t *mem, const uint8_t *file, size_t len,
		  uint64_t addr, uint64_t tramp, uint64_t tramp_end, struct code_diff *ret);

#endif
