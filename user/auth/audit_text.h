/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit messages of user space (linux/audit.h, 1100 to 2300), as libaudit writes them:
 *
 *   op=PAM:authentication grantors=? acct="bob" exe="/usr/sbin/sshd" hostname=h addr=1.2.3.4
 *   terminal=ssh res=failed
 *
 * A value that holds a space, a quote or a control character is written as hexadecimal digits, so
 * nothing that a client chooses can end its field; what it was ends the line.
 */
#ifndef REDSHANK_AUTH_AUDIT_TEXT_H
#define REDSHANK_AUTH_AUDIT_TEXT_H

#include "auth/report.h"

/*
 * Understands one message. False: it says nothing of a login; *ret is changed all the same.
 * cut: the text is only a beginning.
 */
bool audit_text_parse(unsigned type, const char *text, size_t len, bool cut,
		      struct auth_report *ret);

#endif
