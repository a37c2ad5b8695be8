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
#include "detect/exception.h"

#define CONFIG_PATH_DEFAULT "/etc/redshank/redshank.yaml"
#define CONFIG_TEXT	    512 /* bytes of a text value */
#define CONFIG_FILE_MAX	    (1U << 20) /* bytes of the file */

#define RULES_PATHS_MAX	       8 /* of each list */
#define RULES_PLACEHOLDERS_MAX 64
#define SCAN_YARA_MAX	       8
#define RULES_PATH_PACK	       "/usr/share/redshank/rules" /* or beside the program */
#define RULES_PATH_LOCAL       "/etc/redshank/rules.d"

struct config {
	char file[CONFIG_TEXT]; /* that it was read from; "": defaults only */
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
	bool otlp_heartbeat; /* forwards heartbeats too */
	unsigned heartbeat_s; /* 0: none */
	unsigned rules_paths, rules_imported_paths, rules_placeholders;
	char rules_path[RULES_PATHS_MAX][CONFIG_TEXT];
	char rules_imported[RULES_PATHS_MAX][CONFIG_TEXT];
	char rules_placeholder[RULES_PLACEHOLDERS_MAX][256]; /* NAME=VALUE */
	char rules_level_min[16], rules_imported_level_max[16]; /* "": none */
	char rules_state[CONFIG_TEXT]; /* windows of correlations, over restarts; "": not kept */
	unsigned scan_interval_s; /* between two memory scans; 0: none */
	unsigned scan_cpu; /* percent of one CPU */
	unsigned scan_process_s; /* CPU time for one process */
	unsigned scan_yaras;
	char scan_yara[SCAN_YARA_MAX][CONFIG_TEXT];
	unsigned nexceptions;
	struct exception exception[EXCEPTIONS_MAX];
	char host_root[CONFIG_TEXT]; /* "": found by itself */
	char btf[CONFIG_TEXT]; /* "": the kernel's own, or found in the usual places */
	char hooks[CONFIG_TEXT]; /* "": the best of each */
	unsigned ring_main_kib, ring_bulk_kib; /* powers of two */
	unsigned processes_max;
	unsigned process_strings_mib;
	unsigned story_notes, story_process, story_alert;
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
