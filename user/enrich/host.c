/* SPDX-License-Identifier: Apache-2.0 */
/* Host records to struct host. */
#include "enrich/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void host_init(struct host *h)
{
	memset(h, 0, sizeof(*h));
}

static void copy(char *to, size_t cap, const struct ev_hdr *rec, struct ev_str s)
{
	size_t n;
	const char *p = rec_str(rec, s, &n);

	if (n >= cap)
		n = cap - 1;
	for (size_t i = 0; i < n; i++)
		to[i] = p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '?';
	memset(to + n, 0, cap - n);
}

int host_update(struct host *h, const struct ev_hdr *rec)
{
	if (rec->type != EV_host)
		return -EINVAL;
	const struct ev_host *r = (const struct ev_host *)(const void *)rec;

	h->unix_offset = (int64_t)r->unix_offset;
	copy(h->boot_id, sizeof(h->boot_id), rec, r->boot_id);
	copy(h->hostname, sizeof(h->hostname), rec, r->hostname);
	copy(h->machine_id, sizeof(h->machine_id), rec, r->machine_id);
	copy(h->kernel, sizeof(h->kernel), rec, r->kernel);
	copy(h->arch, sizeof(h->arch), rec, r->arch);
	if (!*h->sensor_id)
		snprintf(h->sensor_id, sizeof(h->sensor_id), "%.18s-%llx", h->boot_id,
			 (unsigned long long)rec->time);
	return 0;
}
