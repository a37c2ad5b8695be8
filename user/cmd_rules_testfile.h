/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test of a file of rules: dir/x.test beside dir/x.yml, JSON Lines of events that say whether
 * the rule alerts at each.
 */
#ifndef REDSHANK_CMD_RULES_TESTFILE_H
#define REDSHANK_CMD_RULES_TESTFILE_H

/*
 * Prints a TAP line for each case, and for what every rule needs: to load, a hit and a miss. Adds
 * to the number of results, and of those that failed. 0 or -ENOMEM.
 */
int testfile_run(const char *file, unsigned *count, unsigned *failed);

#endif
