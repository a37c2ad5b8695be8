/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who made a report, as far as the kernel knows it: the process, its program by its file, what its
 * word is worth, and whom it is connected with.
 */
#ifndef REDSHANK_AUTH_SENDER_H
#define REDSHANK_AUTH_SENDER_H

#include "auth/pattern.h"
#include "auth/program.h"
#include "auth/report.h"
#include "schema/event.h"

/* A struct sockaddr_in or sockaddr_in6; len 0: none. IPv4 that came through IPv6 is IPv4. */
struct auth_address {
	uint8_t len;
	_Alignas(8) unsigned char bytes[28];
};

struct auth_sender {
	struct ev_hdr hdr; /* of the report */
	enum auth_program program;
	char name[32]; /* of the program's file */
	uint64_t exec_time; /* 0: it was forked and runs what its parent runs, or it is not known */
	uint64_t exe_ino; /* 0: not known */
	uint32_t exe_dev;
	/*
	 * The kernel took its audit message, or its program is root's own file and runs as root.
	 * Else it is a claim.
	 */
	bool verified;
	bool invoked; /* set-uid: what it is connected with is up to who started it */
	bool by_root; /* root started it */
	enum auth_trust trust;
	uint64_t sock; /* inode of its connection's socket; 0: none, or it has several */
	struct auth_address peer, local; /* of one of several where sock is 0 */
};

/*
 * Of an auth_text or pam event. tag: what a line for the system's log says who wrote it, or empty.
 * False: its word on logins is not to be looked at: it passes on what others say, or begins
 * sessions for nobody.
 */
bool auth_sender_of(const struct event *ev, struct auth_piece tag, struct auth_sender *ret);

/* The address without its port; "" if there is none. */
#define AUTH_ADDRESS_TEXT 46
void auth_address_text(const struct auth_address *a, char ret[AUTH_ADDRESS_TEXT]);

#endif
