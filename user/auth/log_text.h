/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that programs write about logins, to the system's log or their standard error. What a line
 * means depends on who wrote it: the caller says which program that is, by its file, not by the tag
 * that the line has.
 */
#ifndef REDSHANK_AUTH_LOG_TEXT_H
#define REDSHANK_AUTH_LOG_TEXT_H

#include "auth/pattern.h"
#include "auth/program.h"
#include "auth/report.h"

struct log_line {
	struct auth_piece tag; /* empty: there is none */
	struct auth_piece text;
};

/*
 * Takes a datagram for the system's log apart, as syslog(3) of glibc and musl makes it: "<PRI>", a
 * time, "TAG[PID]: ", text. What is not there is left out; the text always is.
 */
void log_line_split(const char *p, size_t len, struct log_line *ret);

/* The same for standard error: dropbear writes "[PID] time " before its text. */
void log_stderr_split(const char *p, size_t len, struct log_line *ret);

/*
 * Understands the text of one line. peer: the address of the program's connection as text, where
 * the kernel knows it (len 0: it does not). cut: the text is only a beginning. False: it says
 * nothing of a login; *ret is changed all the same.
 */
bool log_text_parse(enum auth_program program, struct auth_piece text, struct auth_piece peer,
		    bool cut, struct auth_report *ret);

/* Lines of PAM's modules, "pam_unix(sshd:auth): …", which any program may write. */
bool log_pam_parse(struct auth_piece text, struct auth_report *ret);

#endif
