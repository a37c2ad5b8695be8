/* SPDX-License-Identifier: Apache-2.0 */
/* Memory maps, and what is read out of memory: a process chooses both. */
#include "fuzz.h"
#include "scan/code.h"
#include "scan/elf.h"
#include "scan/maps.h"

static void of_maps(const char *text, size_t size, size_t piece)
{
	static struct maps m;

	maps_reset(&m);
	for (size_t at = 0; at < size; at += piece)
		must(!maps_add(&m, text + at, size - at < piece ? size - at : piece));
	for (unsigned i = 0; i < m.n; i++) {
		must(m.map[i].start < m.map[i].end);
		must(!i || m.map[i - 1].end <= m.map[i].start);
		must(m.map[i].name + strlen(map_name(&m, &m.map[i])) < m.names.len);
		must(maps_at(&m, m.map[i].start) == &m.map[i]);
	}
}

static void of_memory(const uint8_t *p, size_t size)
{
	struct elf_image im;
	struct code_diff d;

	if (elf_parse(p, size, &im))
		must(im.nexec <= ELF_SEGMENTS_MAX);
	for (int m = CODE_x86; m <= CODE_arm64; m++) {
		must(code_syscall((enum code_machine)m, p, size) < (ptrdiff_t)size);
		code_compare((enum code_machine)m, p, p + size / 2, size / 2, 0x1000, 0x2000,
			     0x3000, &d);
		must(d.other <= d.differing && d.differing <= size / 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	uint8_t *p = fuzz_copy(data + 1, size - 1);
	of_maps((const char *)p, size - 1, 1 + data[0]);
	of_memory(p, size - 1);
	free(p);
	return 0;
}
