/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that log people in, by the name of their file: whose lines are understood how, and what
 * it means when they ask for a password.
 */
#ifndef REDSHANK_AUTH_PROGRAM_H
#define REDSHANK_AUTH_PROGRAM_H

#include <stddef.h>

enum auth_program {
	AUTH_PROGRAM_other,
	AUTH_PROGRAM_sshd,
	AUTH_PROGRAM_dropbear,
	AUTH_PROGRAM_su,
	AUTH_PROGRAM_sudo,
	AUTH_PROGRAM_doas,
	AUTH_PROGRAM_login,
	AUTH_PROGRAM_vsftpd,
	AUTH_PROGRAM_proftpd,
	AUTH_PROGRAM_passwd,
	AUTH_PROGRAM_display, /* graphical login */
	AUTH_PROGRAM_busybox, /* which of these it is only its text tells */
	AUTH_PROGRAM_quiet, /* opens sessions for nobody: cron, systemd; or helps another */
	AUTH_PROGRAM_relay, /* hands on the text of others */
};

/* By the last component of a path, or the tag of a line. */
enum auth_program auth_program_of(const char *path, size_t len);

/* Does it make another user of who is logged in already? */
static inline int auth_program_becomes(enum auth_program p)
{
	return p == AUTH_PROGRAM_su || p == AUTH_PROGRAM_sudo || p == AUTH_PROGRAM_doas;
}

/* Does who it lets in get a session, so that an accepted password alone is not yet a login? */
static inline int auth_program_logs_in(enum auth_program p)
{
	return p == AUTH_PROGRAM_sshd || p == AUTH_PROGRAM_dropbear || p == AUTH_PROGRAM_login ||
	       p == AUTH_PROGRAM_display;
}

#endif
