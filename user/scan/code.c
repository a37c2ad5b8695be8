/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at machine code. */
#include "scan/code.h"

#include <stdbool.h>
#include <string.h>

#define NEAR_X86   48 /* bytes before a system call where its number is looked for */
#define NEAR_ARM64 8 /* instructions */

static uint32_t word_at(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* --- system calls: Intel SDM volume 2, Arm ARM C6.2 --- */

/* Is eax given a system call's number by the instruction at p? At most n bytes may be read. */
static bool x86_sets_number(const uint8_t *p, size_t n)
{
	if (n >= 5 && p[0] == 0xb8 && word_at(p + 1) < CODE_SYSCALL_MAX) /* mov eax, imm32 */
		return true;
	if (n >= 7 && p[0] == 0x48 && p[1] == 0xc7 && p[2] == 0xc0 && /* mov rax, imm32 */
	    word_at(p + 3) < CODE_SYSCALL_MAX)
		return true;
	if (n >= 3 && p[0] == 0x6a && p[1] < 0x80 && p[2] == 0x58) /* push imm8; pop rax */
		return true;
	/* xor eax, eax; mov al, imm8 */
	return n >= 4 && (p[0] == 0x31 || p[0] == 0x33) && p[1] == 0xc0 && p[2] == 0xb0;
}

static bool x86_is_syscall(const uint8_t *p)
{
	return (p[0] == 0x0f && p[1] == 0x05) || /* syscall */
	       (p[0] == 0xcd && p[1] == 0x80); /* int 0x80 */
}

/* Bytes of ModRM, SIB and displacement; more than n if they are cut. */
static size_t x86_modrm_len(const uint8_t *p, size_t n)
{
	if (!n)
		return 1;
	unsigned mod = p[0] >> 6, rm = p[0] & 7;
	if (mod == 3)
		return 1;
	if (rm == 4 && n < 2)
		return n + 1;
	size_t len = rm == 4 ? 2 : 1;
	if (mod == 0)
		return len + (rm == 5 || (rm == 4 && (p[1] & 7) == 5) ? 4 : 0);
	return len + (mod == 1 ? 1 : 4);
}

/*
 * Length of an instruction of those that set up arguments: moves, pushes and pops, arithmetic on
 * registers. 0: another one. More than n if it is cut.
 */
static size_t x86_setup_len(const uint8_t *p, size_t n)
{
	bool rex = (p[0] & 0xf0) == 0x40;
	size_t at = rex;

	if (n < at + 1)
		return n + 1;
	uint8_t op = p[at++];
	if (op >= 0x50 && op <= 0x5f) /* push, pop */
		return at;
	if (op >= 0xb0 && op <= 0xb7) /* mov r8, imm8 */
		return at + 1;
	if (op >= 0xb8 && op <= 0xbf) /* mov r, imm */
		return at + (rex && p[0] & 8 ? 8 : 4);
	switch (op) {
	case 0x90: /* nop */
	case 0x99: /* cdq */
		return at;
	case 0x6a: /* push imm8 */
		return at + 1;
	case 0x68: /* push imm32 */
		return at + 4;
	case 0x0f: /* movzx, movsx */
		if (n > at && (p[at] & 0xf6) == 0xb6)
			return at + 1 + x86_modrm_len(p + at + 1, n - at - 1);
		return 0;
	case 0xff: /* inc, dec; the others jump */
		if (n > at && (p[at] >> 3 & 7) > 1)
			return 0;
		return at + x86_modrm_len(p + at, n - at);
	case 0x01: /* add, or, and, sub, xor; mov; lea */
	case 0x09:
	case 0x21:
	case 0x29:
	case 0x31:
	case 0x33:
	case 0x88:
	case 0x89:
	case 0x8a:
	case 0x8b:
	case 0x8d:
		return at + x86_modrm_len(p + at, n - at);
	case 0x83: /* the same with imm8; shifts; mov m8, imm8 */
	case 0xc1:
	case 0xc6:
		return at + x86_modrm_len(p + at, n - at) + 1;
	case 0x81: /* with imm32 */
	case 0xc7:
		return at + x86_modrm_len(p + at, n - at) + 4;
	default:
		return 0;
	}
}

/* Do instructions that set up arguments lead from p exactly to its end? */
static bool x86_leads_to(const uint8_t *p, size_t n)
{
	while (n) {
		size_t len = x86_setup_len(p, n);
		if (!len || len > n)
			return false;
		p += len;
		n -= len;
	}
	return true;
}

static ptrdiff_t x86_syscall(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 2 <= len; i++) {
		if (!x86_is_syscall(p + i))
			continue;
		size_t from = i > NEAR_X86 ? i - NEAR_X86 : 0;
		for (size_t k = from; k < i; k++)
			if (x86_sets_number(p + k, i - k) && x86_leads_to(p + k, i - k))
				return (ptrdiff_t)i;
	}
	return -1;
}

static ptrdiff_t arm64_syscall(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 4 <= len; i += 4) {
		if (word_at(p + i) != 0xd4000001) /* svc #0 */
			continue;
		size_t from = i > NEAR_ARM64 * 4 ? i - NEAR_ARM64 * 4 : 0;
		for (size_t k = from; k < i; k += 4) {
			uint32_t w = word_at(p + k);
			/* movz w8 or x8, imm16 */
			if ((w & 0x7fe0001f) == 0x52800008 && (w >> 5 & 0xffff) < CODE_SYSCALL_MAX)
				return (ptrdiff_t)i;
		}
	}
	return -1;
}

ptrdiff_t code_syscall(enum code_machine m, const uint8_t *p, size_t len)
{
	return m == CODE_x86 ? x86_syscall(p, len) : arm64_syscall(p, len);
}

/* --- differences --- */

/* Bytes of the breakpoint at offset i, which is where a difference begins; 0: it is none. */
static size_t breakpoint_len(enum code_machine m, const uint8_t *mem, size_t i, size_t len,
			     uint64_t addr, uint64_t tramp, uint64_t tramp_end)
{
	if (m == CODE_arm64) /* brk #imm16, whatever its number; i is at an instruction */
		return i + 4 <= len && (word_at(mem + i) & 0xffe0001f) == 0xd4200000 ? 4 : 0;
	if (mem[i] == 0xcc)
		return 1;
	if (mem[i] != 0xe8 || i + 5 > len || tramp == tramp_end)
		return 0;
	uint64_t to = addr + i + 5 + (uint64_t)(int64_t)(int32_t)word_at(mem + i + 1);
	return to >= tramp && to < tramp_end ? 5 : 0;
}

void code_compare(enum code_machine m, const uint8_t *mem, const uint8_t *file, size_t len,
		  uint64_t addr, uint64_t tramp, uint64_t tramp_end, struct code_diff *ret)
{
	size_t step = m == CODE_arm64 ? 4 : 1;

	*ret = (struct code_diff){ .first = len };
	if (!memcmp(mem, file, len))
		return;
	for (size_t i = 0; i < len;) {
		size_t n = len - i < step ? len - i : step;
		if (!memcmp(mem + i, file + i, n)) {
			i += n;
			continue;
		}
		size_t bp = breakpoint_len(m, mem, i, len, addr, tramp, tramp_end);
		if (ret->first == len || (!bp && !ret->other))
			ret->first = i;
		size_t end = i + (bp ? bp : n);
		for (; i < end; i++) {
			bool differs = mem[i] != file[i];
			ret->differing += differs;
			ret->other += differs && !bp;
		}
		ret->breakpoints += bp != 0;
	}
}
