/* SPDX-License-Identifier: Apache-2.0 */
/* The request line of control.h, both ways. */
#ifndef REDSHANK_CONTROL_WIRE_H
#define REDSHANK_CONTROL_WIRE_H

#include <sys/un.h>

#include "base/err.h"
#include "sink/tail.h"

#define CONTROL_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

enum control_command { CONTROL_tail, CONTROL_stats, CONTROL_status, CONTROL_reload };

struct control_request {
	enum control_command command;
	struct tail_config tail; /* client is set */
};

/* Parses a request line (up to its newline). 0 or -EINVAL. */
int control_request_parse(const char *line, size_t len, struct control_request *ret, struct err *e);

int control_address(const char *path, struct sockaddr_un *ret, struct err *e);

#endif
