/* SPDX-License-Identifier: Apache-2.0 */
/* What functions of libpam returned. */
#ifndef REDSHANK_AUTH_PAM_RET_H
#define REDSHANK_AUTH_PAM_RET_H

#include "auth/report.h"
#include "schema/event.h"

/* Of a pam event. False: it says nothing of a login; *ret is changed all the same. */
bool auth_pam_report(const struct event *ev, struct auth_report *ret);

#endif
