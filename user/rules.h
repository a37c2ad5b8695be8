/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a sensor: loaded from the paths of the configuration; loaded again, beside the
 * running ones, on SIGHUP or `redshank rules reload`; their windows kept in a file over restarts.
 *
 * A reload reads and compiles in a thread of its own and takes effect between two events, so that
 * nothing is lost while it works; when it fails the running set stays.
 */
#ifndef REDSHANK_RULES_H
#define REDSHANK_RULES_H

#include "base/buf.h"
#include "config.h"
#include "detect/ruleset.h"
#include "pipeline.h"

/*
 * Loads the rules of the configuration. Problems are logged, one line each (the first 20 of them).
 * A path of the defaults that is not there is left out; one that somebody wrote must be there.
 */
int rules_load(const struct config *c, struct ruleset **ret, struct err *e);

/* Where the default pack is: RULES_PATH_PACK, or beside the program that runs. NULL: nowhere. */
const char *rules_pack_path(void);

/* The configuration's NAME=VALUE entries as the compiler wants them. Points into itself. */
struct rules_placeholders {
	unsigned n;
	struct sigma_placeholder p[RULES_PLACEHOLDERS_MAX];
	const char *value[RULES_PLACEHOLDERS_MAX];
	char text[RULES_PLACEHOLDERS_MAX][256];
};
void rules_placeholders(const struct config *c, struct rules_placeholders *ret);

/* Has these files and directories taken, instead of all that c names; one "": no rules. */
int rules_only(struct config *c, const char *const *paths, unsigned n, struct err *e);

struct rules;

/*
 * Gives the pipeline these rules and brings back their windows. c must outlive *ret; set is taken
 * over, also on error.
 */
int rules_start(struct pipeline *p, const struct config *c, struct ruleset *set, struct rules **ret,
		struct err *e);
/* Told in one line what came of a reload. */
typedef void rules_done_fn(void *ctx, bool ok, const char *line);
/* Begins a reload; fn (may be NULL) is called when it is done. -EALREADY: one is under way. */
int rules_reload(struct rules *r, rules_done_fn *fn, void *ctx, struct err *e);
/* Once a second: saves the windows now and then. */
void rules_tick(struct rules *r);
/* Waits for a reload that is under way and saves the windows. Before pipeline_free(). */
void rules_stop(struct rules *r);

#endif
