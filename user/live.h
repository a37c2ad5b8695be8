/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the sensor on this machine's kernel, as run, tail and record all do. */
#ifndef REDSHANK_LIVE_H
#define REDSHANK_LIVE_H

#include "config.h"
#include "pipeline.h"
#include "wanted.h"

/* What is looked up on this machine while it is watched: hashes of programs, images of containers.
 */
void live_lookups(const struct config *c);

/* The live source with hooks for what is wanted (beside what enrichment and detectors want), and a
 * pipeline on it. */
/* What is looked up on this machine while it is watched: hashes of programs, images of containers.
 */
void live_lookups(const struct config *c);

int live_open(const struct config *c, const struct wanted *wanted, struct pipeline **ret,
	      struct err *e);

/*
 * Has the BPF object take BTF from want, or from where it is found; path is its room. 0, -ENOTSUP
 * when there is none.
 */
int live_btf(const char *want, char *path, size_t cap, struct err *e);

/*
 * The configuration: the file named by path, or, when that is NULL, the default one if it exists.
 * 0 or negative errno.
 */
int live_config(const char *path, struct config *ret, struct err *e);

/* Seconds from text such as "5", "0.5", "90s", "10m", "2h" to ns. -EINVAL. */
int parse_duration(const char *text, uint64_t *ret_ns);
/* A decimal number from min to max. -EINVAL. */
int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

#endif
