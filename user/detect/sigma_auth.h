/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the taxonomy for logins: what happened (auth), and what was said of it (auth_text). */
#ifndef REDSHANK_DETECT_SIGMA_AUTH_H
#define REDSHANK_DETECT_SIGMA_AUTH_H

#include "detect/sigma_source.h"

extern const struct sigma_feed sigma_feed_auth[], sigma_feed_claim[], sigma_feed_audit_user[],
	sigma_feed_log[], sigma_feed_sudo[];

/* Which of these an auth_text is. */
bool sigma_is_audit(const struct event *ev); /* an audit message */
bool sigma_is_syslog(const struct event *ev);
bool sigma_is_auth(const struct event *ev); /* of the facility auth or authpriv */
bool sigma_is_sshd(const struct event *ev); /* of a program that calls itself so */
bool sigma_is_sudo(const struct event *ev);
bool sigma_is_vsftpd(const struct event *ev);

/* Of the process that said it. */
#define SIGMA_FEED_SPEAKER                                                                      \
	{ "Image", "process.executable", NULL, SIGMA_FEED_plain, "executable of the process" }, \
		{ "CommandLine", "process.command_line", NULL, SIGMA_FEED_plain,                \
		  "its arguments joined by spaces" },                                           \
		{ "UserId", "user.id", NULL, SIGMA_FEED_plain, "its real user id" },            \
		{ "EffectiveUserId", "process.user.id", NULL, SIGMA_FEED_plain,                 \
		  "its effective user id" },                                                    \
		{ "ProcessId", "process.pid", NULL, SIGMA_FEED_plain, "process id" },           \
		{ "ProcessGuid", "process.entity_id", NULL, SIGMA_FEED_plain,                   \
		  "unique id of the process" },                                                 \
		{ "ProcessName", "process.name", NULL, SIGMA_FEED_plain, "thread name" },       \
		{ "ParentImage", "process.parent.executable", NULL, SIGMA_FEED_plain,           \
		  "executable of the creator" },                                                \
		{ "Computer", "host.name", NULL, SIGMA_FEED_plain, "host name" },               \
	{                                                                                       \
		"UtcTime", "@timestamp", NULL, SIGMA_FEED_plain, "when it happened"             \
	}

#define SIGMA_FEED_ADDRESSES                                                         \
	{ "SourceIp", "source.ip", NULL, SIGMA_FEED_plain,                           \
	  "the other end of the connection, by the kernel" },                        \
		{ "SourcePort", "source.port", NULL, SIGMA_FEED_plain, "its port" }, \
		{ "SourceNet", "redshank.source.net", NULL, SIGMA_FEED_plain,        \
		  "what to count by: the IPv4 address, the /64 of an IPv6 one" },    \
	{                                                                            \
		"DestinationAddress", "destination.address", NULL, SIGMA_FEED_plain, \
			"this end of it"                                             \
	}

#endif
