/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From files to rules. Input is hostile: sizes, depths and counts are bounded, and what can't be
 * understood is a problem with file, line and column, never a rule that silently can't match.
 */
#ifndef REDSHANK_SIGMA_PARSE_H
#define REDSHANK_SIGMA_PARSE_H

#include "base/err.h"
#include "sigma/rule.h"

#define SIGMA_FILE_MAX	 ((size_t)4 << 20) /* bytes of one file */
#define SIGMA_RULES_MAX	 50000
#define SIGMA_MEMORY_MAX ((size_t)512 << 20) /* bytes of the arena of one set */

int sigma_rules_new(struct sigma_rules **ret);
/* Also what the compiler left (sigma_compiled_free()). */
void sigma_rules_free(struct sigma_rules *r);

/*
 * Adds the documents of one file's text: rules, correlations, filters; global/reset/repeat actions
 * of rule collections. file is for messages. What is wrong becomes a problem; the other documents
 * are still taken. 0, or -ENOMEM when the bounds of the set are reached (also a problem).
 */
int sigma_parse(struct sigma_rules *r, const char *file, const char *text, size_t len);

/*
 * Adds a file, or all *.yml and *.yaml below a directory, in the order of strcmp() on paths.
 * A path that can't be read is a problem. Directories: no symbolic links out of it are followed,
 * depth 16 at most, names that begin with '.' are left out.
 */
int sigma_load(struct sigma_rules *r, const char *path);

/*
 * After the last file: finds what correlations refer to (unknown, ambiguous, cycles: problems),
 * applies filters to the rules that they name and whose logsource fits (rule and not filter), marks
 * silent rules, collects wanted fields, reports duplicate ids. Once per set.
 */
int sigma_link(struct sigma_rules *r);

/*
 * The detection part alone, as exceptions in the configuration use it: a map of FIELD|modifier:
 * value, ANDed. NULL with a problem if it is not one. pos is where the text stands.
 */
const struct sigma_expr *sigma_parse_map(struct sigma_rules *r, struct sigma_pos pos,
					 const char *text, size_t len);

#endif
