/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the configuration: the list `exceptions`, of maps. */
#ifndef REDSHANK_CONFIG_EXCEPTIONS_H
#define REDSHANK_CONFIG_EXCEPTIONS_H

#include <yaml.h>

#include "config.h"

/*
 * Reads the list after its beginning, up to its end. *mark is where we are, for messages; *e is
 * told without the place. 0 or -EINVAL.
 */
int config_exceptions_read(struct config *c, yaml_parser_t *parser, yaml_mark_t *mark,
			   struct err *e);

#endif
