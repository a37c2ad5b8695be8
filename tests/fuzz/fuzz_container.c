/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroup paths: a container chooses parts of its own. */
#include <ctype.h>

#include "enrich/container.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *path = fuzz_copy(data, size);
	const char *id;
	size_t len;

	if (container_id(path, size, &id, &len)) {
		must(len && id >= path && id + len <= path + size);
		for (size_t i = 0; i < len; i++)
			must(isalnum((unsigned char)id[i]) || strchr("-_.", id[i]));
	}
	must(container_runtime(path, size));
	free(path);
	return 0;
}
