/* SPDX-License-Identifier: Apache-2.0 */
/* A client's request to the daemon. */
#include <errno.h>

#include "base/utf8.h"
#include "control_wire.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request req;
	struct err e = { { 0 } };
	char *line = fuzz_copy(data, size);
	int rc = control_request_parse(line, size, &req, &e);

	must(rc == 0 || rc == -EINVAL);
	if (rc) {
		must(*e.text && memchr(e.text, 0, sizeof(e.text)));
	} else if (req.command == CONTROL_tail) {
		const struct filter *f = &req.tail.filter;
		must(req.tail.client && req.tail.format <= TAIL_proto);
		must(memchr(f->comm, 0, sizeof(f->comm)) && utf8_valid(f->comm, strlen(f->comm)));
		must(memchr(f->container, 0, sizeof(f->container)));
	} else {
		must(req.command == CONTROL_stats || req.command == CONTROL_status ||
		     req.command == CONTROL_reload);
	}
	free(line);
	return 0;
}
