/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: defaults that need no file, a YAML file over them, command-line options over
 * both. Its reference, with every default, is deploy/redshank.yaml.
 */
#ifndef REDSHANK_CONFIG_H
#define REDSHANK_CONFIG_H

#include <stdbool.h>

#include "abi/knobs.h"
#include "base/err.h"

#define CONFIG_PATH_DEFAULT "/etc/redshank/redshank.yaml"
#define CONFIG_TEXT	    512 /* bytes of a text value */
#define CONFIG_FILE_MAX	    (1U << 20) /* bytes of the file */

struct config {
	char output[16]; /* text, json, proto or none */
	bool alerts_only; /* what goes to output */
	char socket[CONFIG_TEXT]; /* of the daemon's stream; "": none. At most 107 bytes (sun_path)
				   */
	char store_path[CONFIG_TEXT];
	unsigned store_alerts_max;
	char otlp_url[CONFIG_TEXT]; /* "": no forwarding */
	char otlp_headers_file[CONFIG_TEXT];
	char otlp_ca_file[CONFIG_TEXT];
	unsigned otlp_timeout_ms;
	char btf[CONFIG_TEXT]; /* "": the kernel's own, or found in the usual places */
	char hooks[CONFIG_TEXT]; /* "": the best of each */
	unsigned ring_main_kib, ring_bulk_kib; /* powers of two */
	unsigned processes_max;
	unsigned process_strings_mib;
	unsigned env_count;
	char env_name[ENV_NAMES_MAX][ENV_NAME_LEN];
};

void config_defaults(struct config *c);

/*
 * Reads the file over *c. 0; -ENOENT if there is no such file; else negative errno. *e has file,
 * line and column.
 */
int config_load(struct config *c, const char *path, struct err *e);

#endif
