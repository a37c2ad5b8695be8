/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of log lines. A pattern is literal text with these in it:
 *
 *   %u  target user: any bytes, as many as the rest of the pattern leaves, at least one
 *   %i  invoking user: no spaces, no colon
 *   %h  host: what an address or a host's name is made of; ADDRESS:PORT too
 *   %t  terminal: no spaces, no quotes
 *   %m  method: no spaces
 *   %w  a word, added to the key
 *   %n  number
 *   %r  the rest, at least one byte; %k likewise, added to the key
 *   %?  perhaps "invalid user " or "illegal user "; %A  "invalid user " or "authenticating user "
 *
 * A user's name is what a client chooses: it may look like the end of the line. So %u takes as much
 * as it can, and the end that the program wrote is found. Where a line goes on behind that (%r, %k)
 * and the client may choose that as well, only the address that the kernel knows can tell.
 */
#ifndef REDSHANK_AUTH_PATTERN_H
#define REDSHANK_AUTH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the text. */
struct auth_piece {
	const char *p;
	size_t len;
};

struct auth_pieces {
	struct auth_piece user, invoker, host, tty, method, key, rest;
	unsigned number;
	bool invalid; /* %? was there, or %A is "invalid" */
};

/*
 * Does all of the text match? host (may be NULL): only such a match counts of which %h is that.
 * Time: len × the length of the pattern.
 */
bool auth_pattern_match(const char *pattern, const char *text, size_t len,
			const struct auth_piece *host, struct auth_pieces *ret);

#endif
