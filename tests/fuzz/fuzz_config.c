/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file: whatever it is, what was taken from it is within its bounds. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "control_wire.h"
#include "fuzz.h"
#include "source/bpf_obj.h"

#define ended(text_) memchr(text_, 0, sizeof(text_))

/* One that names nothing would except everything. */
static void check_exception(const struct exception *x)
{
	unsigned keys = 0;

	must(x->nrules && x->nrules <= EXCEPTION_RULES_MAX && ended(x->reason) && *x->reason);
	for (unsigned i = 0; i < x->nrules; i++)
		must(ended(x->rule[i]) && *x->rule[i]);
	for (unsigned i = 0; i < EXCEPTION_KEYS; i++) {
		must(ended(x->key[i]));
		keys += *x->key[i] != '\0';
	}
	must(keys);
}

static void check(const struct config *c)
{
	static const char *const formats[] = { "text", "json", "proto", "none" };
	unsigned known = 0;

	for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		known += !strcmp(c->output, formats[i]);
	must(known == 1);
	must(ended(c->socket) && strlen(c->socket) < CONTROL_PATH_MAX);
	must(ended(c->store_path) && ended(c->otlp_url));
	must(ended(c->otlp_headers_file) && ended(c->otlp_ca_file));
	must(c->store_alerts_max && c->processes_max && c->process_strings_mib);
	must(c->otlp_timeout_ms >= 100);
	must(c->ring_main_kib && !(c->ring_main_kib & (c->ring_main_kib - 1)));
	must(c->ring_bulk_kib && !(c->ring_bulk_kib & (c->ring_bulk_kib - 1)));
	must(c->nexceptions <= EXCEPTIONS_MAX);
	for (unsigned i = 0; i < c->nexceptions; i++)
		check_exception(&c->exception[i]);
	must(c->env_count <= ENV_NAMES_MAX);
	for (unsigned i = 0; i < c->env_count; i++)
		must(ended(c->env_name[i]) && !env_name_check(c->env_name[i], NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[32];
	struct config c;
	struct err e = { { 0 } };

	if (fd < 0) {
		fd = memfd_create("config", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	must(!ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
	config_defaults(&c);
	int rc = config_load(&c, path, &e);
	must(rc == 0 || rc == -EINVAL);
	if (rc)
		must(ended(e.text) && !strncmp(e.text, path, strlen(path)));
	else
		check(&c);
	return 0;
}
