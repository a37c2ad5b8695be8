/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the sensor. */
#include "live.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "enrich/container_info.h"
#include "enrich/exe_hash.h"
#include "source/bpf.h"
#include "source/features.h"

static void bpf_log(const char *line)
{
	log_debug("libbpf: %s", line);
}

int live_config(const char *path, struct config *ret, struct err *e)
{
	config_defaults(ret);
	int rc = config_load(ret, path ? path : CONFIG_PATH_DEFAULT, e);
	return rc == -ENOENT && !path ? 0 : rc;
}

int live_btf(const char *want, char *path, size_t cap, struct err *e)
{
	int rc = features_btf(want, path, cap, e);
	if (rc)
		return rc == -ENOENT && !want ? -ENOTSUP : rc;
	bpf_obj_btf(*path ? path : NULL);
	return 0;
}

void live_lookups(const struct config *c)
{
	exe_hash_enable();
	container_info_enable(*c->host_root ? c->host_root : NULL);
}

int live_open(const struct config *c, const struct wanted *wanted, struct pipeline **ret,
	      struct err *e)
{
	struct wanted w = *wanted;
	const char *env[ENV_NAMES_MAX];
	for (unsigned i = 0; i < c->env_count; i++)
		env[i] = c->env_name[i];
	wanted_by_enrichment(&w);
	wanted_by_detection(&w);
	wanted_by_fusion(&w);
	struct bpf_config bc = {
		.events = w.events,
		.facts = w.facts,
		.ring_main_bytes = c->ring_main_kib * 1024,
		.ring_bulk_bytes = c->ring_bulk_kib * 1024,
		.env_names = env,
		.env_count = c->env_count,
		.hooks = *c->hooks ? c->hooks : NULL,
	};
	static char btf[CONFIG_TEXT]; /* for as long as objects are opened */
	struct source *src;

	live_lookups(c);
	bpf_obj_log(bpf_log);
	int rc = live_btf(*c->btf ? c->btf : NULL, btf, sizeof(btf), e);
	if (rc)
		return rc;
	rc = bpf_source_open(&bc, &src, e);
	if (rc)
		return rc;
	struct story_limits story = {
		.notes = c->story_notes,
		.per_process = c->story_process,
		.per_alert = c->story_alert,
	};
	struct pipeline_config pc = {
		.story = &story,
		.exception = c->exception,
		.nexceptions = c->nexceptions,
		.source = src,
		.live = true,
		.proc_slots = c->processes_max,
		.proc_strings = (size_t)c->process_strings_mib << 20,
		.heartbeat_s = c->heartbeat_s,
	};
	return pipeline_new(&pc, ret, e);
}

int parse_duration(const char *text, uint64_t *ret_ns)
{
	char *end;
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	double v = strtod(text, &end);
	if (!strcmp(end, "m"))
		v *= 60;
	else if (!strcmp(end, "h"))
		v *= 3600;
	else if (*end && strcmp(end, "s"))
		return -EINVAL;
	if (!(v > 0) || v > 1e9)
		return -EINVAL;
	*ret_ns = (uint64_t)(v * (double)NSEC_PER_SEC);
	return 0;
}

int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	char *end;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || v < min || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}
