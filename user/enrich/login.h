/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Derived fields of auth events alone: what happened in one sentence, as a log of logins would have
 * it, and the names of Microsoft's ASIM schemas Authentication 0.1.3 and UserManagement 0.1.1.
 */
#ifndef REDSHANK_ENRICH_LOGIN_H
#define REDSHANK_ENRICH_LOGIN_H

#include "enrich/fields.h"

extern const struct derived login_fields[];
extern const unsigned login_nfields;

/* "sshd: failed password for alice from 10.0.0.5:53288 (bad credentials)"; raw bytes in names. */
void login_get_message(const struct event *ev, struct value *ret);

#endif
