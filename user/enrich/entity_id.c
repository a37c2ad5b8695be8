/* SPDX-License-Identifier: Apache-2.0 */
/* The id of a process. */
#include <stdio.h>

#include "enrich/proctree.h"

/* The first 16 hex digits of a boot id, without its dashes. */
static void boot_prefix(const char *boot_id, char ret[17])
{
	unsigned n = 0;
	for (const char *c = boot_id; *c && n < 16; c++)
		if (*c != '-')
			ret[n++] = *c;
	while (n < 16)
		ret[n++] = '0';
	ret[16] = '\0';
}

void entity_id(const struct host *h, uint32_t pid, uint64_t start, char ret[ENTITY_ID_LEN])
{
	char boot[17];
	boot_prefix(h->boot_id, boot);
	snprintf(ret, ENTITY_ID_LEN, "%s-%llx-%x", boot, (unsigned long long)start, pid);
}
