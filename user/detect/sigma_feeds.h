/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the taxonomy that need code: elements of lists, ancestors, names by pattern. */
#ifndef REDSHANK_DETECT_SIGMA_FEEDS_H
#define REDSHANK_DETECT_SIGMA_FEEDS_H

#include "detect/sigma_source.h"

/* The row for a field whose name has a number or a variable's name in it; NULL if it is none. */
const struct sigma_feed *sigma_pattern_find(const struct sigma_source *s, const char *name);
/* Those patterns, for lists of fields: name is "a0, a1, …"; ended by one without a name. */
extern const struct sigma_feed sigma_patterns[];

void sigma_feed_user(const struct event *ev, const char *name, struct sigma_fill *f);
void sigma_feed_parent_user(const struct event *ev, const char *name, struct sigma_fill *f);
void sigma_feed_ancestor_image(const struct event *ev, const char *name, struct sigma_fill *f);
void sigma_feed_ancestor_args(const struct event *ev, const char *name, struct sigma_fill *f);

/* What every process has, in all logsources: its file's hash, its container, and its login. */
#define SIGMA_FEED_STRUCTURE                                                                     \
	{ "sha256", NULL, sigma_feed_sha256, SIGMA_FEED_plain, "SHA-256 of the executable" },    \
		{ "Hashes", NULL, sigma_feed_hashes, SIGMA_FEED_plain, "the same as SHA256=…" }, \
		{ "ContainerImage", "redshank.container.image", NULL, SIGMA_FEED_plain,          \
		  "image of the container as it was asked for: NAME:TAG" },                      \
		{ "ContainerImage", "container.image.name", NULL, SIGMA_FEED_plain,              \
		  "the same without the tag" },                                                  \
		{ "ContainerName", "container.name", NULL, SIGMA_FEED_plain,                     \
		  "name of the container" },                                                     \
		{ "SessionId", "redshank.session.id", NULL, SIGMA_FEED_plain,                    \
		  "session that was logged in to from elsewhere" },                              \
		{ "SessionSourceIp", "redshank.session.source.ip", NULL, SIGMA_FEED_plain,       \
		  "from where" },                                                                \
		{ "SessionSourcePort", "redshank.session.source.port", NULL, SIGMA_FEED_plain,   \
		  "port there" },                                                                \
	{                                                                                        \
		"SessionSourceUser", "redshank.session.source.user", NULL, SIGMA_FEED_plain,     \
			"who logged in"                                                          \
	}

void sigma_feed_sha256(const struct event *ev, const char *name, struct sigma_fill *f);
void sigma_feed_hashes(const struct event *ev, const char *name, struct sigma_fill *f);

#endif
