/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What led to an alert: the last notable events of each process, of the programs that its children
 * started, and of what others did to it, each as the line of text that a person would read.
 *
 * Bounded: a fixed number of notes for all processes together, a few for each. What is told again
 * is counted in the note that there is. When all are in use, those of ended processes go first, the
 * oldest before the others. Nothing is allocated after story_new().
 */
#ifndef REDSHANK_ENRICH_STORY_H
#define REDSHANK_ENRICH_STORY_H

#include "enrich/proctree.h"

#define STORY_TEXT	  240 /* bytes of a line; longer ones are cut */
#define STORY_PROCESS_MAX 64 /* most notes of one process */
#define STORY_ALERT_MAX	  64 /* most notes of one alert */

struct story_limits {
	unsigned notes; /* of all processes together; 0: no story */
	unsigned per_process; /* at most STORY_PROCESS_MAX */
	unsigned per_alert; /* at most STORY_ALERT_MAX */
};

struct story_note {
	uint64_t first, last; /* CLOCK_BOOTTIME ns */
	uint64_t seq; /* of the last event */
	uint64_t count; /* of events with this text */
	uint64_t start; /* of the process that did it */
	uint32_t pid;
	uint32_t type; /* enum ev_type */
	char name[EV_COMM_LEN]; /* of the process then */
	uint32_t len;
	char text[STORY_TEXT]; /* valid UTF-8, printable */
	/* Owned by story.c: */
	uint64_t hash; /* of type and text */
	uint32_t owner, sibling, prev, next;
	bool dead;
};

struct story_stats {
	uint64_t notes, notes_max;
	uint64_t evicted; /* notes of running processes that were lost for lack of room */
};

struct story;

/* slots: of the process table (proctree_stats). 0 or -ENOMEM. */
int story_new(const struct story_limits *l, unsigned slots, struct story **ret);
void story_free(struct story *s);

/* Is the event one that a story tells? Not what every process does: forks, exits, renames. */
bool story_wants(const struct story *s, const struct event *ev);

/*
 * Notes an event, with its line of text (printable UTF-8), for its process; a program that was
 * started also for the process that created this one; what was done to another process also for
 * that one. ev->proc must be up to date. The end of a process is to be told too, with any text.
 */
void story_add(struct story *s, const struct event *ev, const char *text, size_t len);

/*
 * The notes of a process and its ancestors, oldest first; returns how many. Of an ancestor what
 * others did counts only if it runs in the same cgroup, and is not init: what else a service
 * manager started is no part of the story. Without ev itself.
 */
unsigned story_of(const struct story *s, const struct event *ev,
		  const struct story_note *ret[STORY_ALERT_MAX]);

void story_get_stats(const struct story *s, struct story_stats *ret);

#endif
