/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alert in memory for the tests of its encoding: a program in a memfd, with bytes that are not
 * UTF-8 where Linux allows them, judged by a detector of the test's own, and its ancestors.
 */
#ifndef REDSHANK_TESTS_SAMPLE_H
#define REDSHANK_TESTS_SAMPLE_H

#include <stdio.h>

#include "../unit/records.h"
#include "base/utf8.h"
#include "detect/alert.h"

/* 0xff is never part of UTF-8; 0xed 0xa0 0x80 would be half of a surrogate pair. */
#define SAMPLE_EXE     \
	"/memfd:b\xff" \
	"d (deleted)"
#define SAMPLE_EXE_TEXT "/memfd:b" UTF8_REPLACEMENT "d (deleted)"
#define SAMPLE_CWD	"/tmp/\xc3\xa9\xed\xa0\x80"
#define SAMPLE_CWD_TEXT "/tmp/\xc3\xa9" UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT
#define SAMPLE_ARG \
	"b\xff"    \
	"d"
#define SAMPLE_ARG_TEXT	 "b" UTF8_REPLACEMENT "d"
#define SAMPLE_CONTAINER "0c0f1d2e3a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f901a2b3c4d5e"

static const struct technique sample_techniques[] = {
	{ "T1620", "Reflective Code Loading", "Defense Evasion" },
	{ "T1059", "Command and Scripting Interpreter", "Execution" },
	{ 0 },
};

static const struct rule_info sample_detector = {
	.id = "redshank.test.sample",
	.name = "Sample",
	.doc = "What it means and what to do next",
	.techniques = sample_techniques,
};

struct sample {
	struct ev_exec *rec;
	struct event event;
	struct verdict verdict;
	struct image *image;
	struct proc known, unknown; /* ancestors, with and without an image */
	struct alert alert;
};

static inline struct image *sample_image(void)
{
	static const char args[] = "bash\0-c\0\xfe"; /* and a NUL */
	struct image *im = calloc(1, sizeof(*im));

	assert(im);
	im->exe = "/usr/bin/bash";
	im->exe_len = (uint32_t)strlen(im->exe);
	im->args = args;
	im->args_len = sizeof(args);
	im->cwd = im->tty = im->cgpath = "";
	im->exe_origin = EXE_ORIGIN_regular;
	return im;
}

static inline void sample_init(struct sample *s, unsigned seq)
{
	memset(s, 0, sizeof(*s));
	s->rec = REC_NEW(exec);
	REC_STR(exec, s->rec, exe, SAMPLE_EXE);
	REC_STR(exec, s->rec, cwd, SAMPLE_CWD);
	REC_STR(exec, s->rec, tty, "pts/3");
	REC_STR(exec, s->rec, cgpath, "/system.slice/docker-" SAMPLE_CONTAINER ".scope");
	REC_LIST(exec, s->rec, args, SAMPLE_ARG, "", "--flag");
	s->rec->argc = 3;
	s->rec->exe_origin = EXE_ORIGIN_memfd;
	s->event = rec_event(s->rec);

	s->verdict.severity = SEVERITY_high;
	snprintf(s->verdict.message, sizeof(s->verdict.message), "Ran \xff from memory, number %u",
		 seq);
	s->verdict.nevidence = 2;
	s->verdict.evidence[0].key = "redshank.exe.origin";
	strcpy(s->verdict.evidence[0].value, "memfd");
	s->verdict.evidence[1].key = "process.executable";
	strcpy(s->verdict.evidence[1].value, SAMPLE_EXE);

	s->image = sample_image();
	s->known = (struct proc){
		.pid = 1234, .ppid = 1, .start = 3000000000, .comm = "bash", .image = s->image
	};
	s->unknown = (struct proc){
		.pid = 1, .start = 1000000000, .comm = "init", .exit_time = 6000000000
	};

	snprintf(s->alert.id, sizeof(s->alert.id), "00000000-0000-8000-8000-%012u", seq);
	s->alert.seq = seq;
	s->alert.time = s->rec->hdr.time + (uint64_t)rec_host.unix_offset;
	s->alert.rule = &sample_detector;
	s->alert.verdict = &s->verdict;
	s->alert.event = &s->event;
	s->alert.nancestors = 2;
	s->alert.ancestors[0] = &s->known;
	s->alert.ancestors[1] = &s->unknown;
}

static inline void sample_free(struct sample *s)
{
	rec_free(s->rec);
	free(s->image);
}

#endif
