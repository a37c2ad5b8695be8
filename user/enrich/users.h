/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of numeric user ids, from the host's passwd file: never by NSS, where a dead LDAP server
 * would stall the pipeline. One table for the whole process, used by the pipeline's thread only.
 */
#ifndef REDSHANK_ENRICH_USERS_H
#define REDSHANK_ENRICH_USERS_H

#include <stdint.h>

/* In place of a mount namespace: a uid that is the host's wherever it is seen, as a loginuid is. */
#define USERS_HOST UINT32_MAX

#define USERS_MAX 65536 /* entries kept; later ones of the file have no name here */

/*
 * The name of a uid as the host's passwd file has it, for a process in the mount namespace mntns.
 * "" when there is none, and when mntns is not the host's: a container has its own passwd file.
 * The file is read at the first call and again when it changed, looked at once a second at most.
 * The name is valid until the next call.
 */
const char *user_name(uint32_t uid, uint32_t mntns);

/* From now on there are no names: a replay must not depend on the machine it runs on. */
void users_disable(void);

/* From now on names come from this file, for processes in this mount namespace. path is borrowed.
 */
void users_use(const char *path, uint32_t mntns);

#endif
