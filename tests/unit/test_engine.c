/* SPDX-License-Identifier: Apache-2.0 */
/* The engine and its memfd_exec detector: which execs raise an alert, how high, saying what. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "detect/alert.h"
#include "enrich/exe_check.h"
#include "processes.h"

#define SEALED	 (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define OWN_SIZE 4096 /* of the program that ran before */

/* What the last event raised: copies, as alerts are borrowed. */
static struct engine *engine;
static unsigned nalerts;
static struct alert alert;
static struct verdict verdict;

static void on_alert(void *ctx, const struct alert *al)
{
	assert_ptr_equal(ctx, &nalerts);
	assert_ptr_equal(al->event->tree, tree);
	nalerts++;
	alert = *al;
	verdict = *al->verdict;
}

static int setup(void **state)
{
	struct err e;
	(void)state;
	tree_new(64, 1 << 20);
	nalerts = 0;
	return engine_new(&engine, &e);
}

static int teardown(void **state)
{
	(void)state;
	engine_free(engine);
	tree_free();
	return 0;
}

/* Gives the record, which it frees, to table and engine; the severity, or SEVERITY_none. */
static enum severity judge(void *rec)
{
	struct event ev = rec_event(rec);
	unsigned before = nalerts;
	assert_int_equal(schema_check(rec, ev.rec->len, NULL), 0);
	proctree_update(tree, &ev);
	engine_event(engine, &ev, on_alert, &nalerts);
	/* What is the same as before is kept back for a while. */
	engine_tick(engine, UINT64_MAX, ev.host, tree, on_alert, &nalerts);
	rec_free(rec);
	assert_true(nalerts <= before + 1);
	return nalerts > before ? verdict.severity : SEVERITY_none;
}

/* An exec of a memfd, by a process that ran /usr/bin/own (OWN_SIZE bytes) before. */
static struct ev_exec *memfd(u32 seals, enum same_content same)
{
	struct ev_exec *r = REC_NEW(exec);
	set_ids(&r->hdr, id(100, 2), id(10, 1));
	REC_STR(exec, r, exe, "/memfd:x (deleted)");
	REC_STR(exec, r, filename, "/proc/self/fd/5");
	r->exe_origin = EXE_ORIGIN_memfd;
	r->exe_seals = seals;
	r->exe_size = OWN_SIZE;
	r->same_content = same;
	return r;
}

static void runs_before(enum exe_origin origin, u64 size)
{
	struct ev_exec *r = REC_NEW(exec);
	set_ids(&r->hdr, id(100, 2), id(10, 1));
	REC_STR(exec, r, exe, "/usr/bin/own");
	r->exe_origin = origin;
	r->exe_size = size;
	update(r);
}

static const char *evidence(const char *key)
{
	for (unsigned i = 0; i < verdict.nevidence; i++)
		if (!strcmp(verdict.evidence[i].key, key))
			return verdict.evidence[i].value;
	return NULL;
}

static void memfd_alerts(void **state)
{
	(void)state;
	/* Nothing known of what ran before. */
	assert_int_equal(judge(memfd(0, SAME_CONTENT_unknown)), SEVERITY_high);
	assert_non_null(strstr(verdict.message, "/memfd:x (deleted)"));
	assert_string_equal(evidence("redshank.exec.filename"), "/proc/self/fd/5");
	assert_string_equal(evidence("redshank.exe.origin"), "memfd");
	assert_string_equal(evidence("redshank.exe.size"), "4096");
	assert_null(evidence("redshank.previous.executable"));
	assert_string_equal(alert.rule->id, "redshank.fileless.memfd_exec");
	assert_string_equal(alert.rule->techniques[0].id, "T1620");
	assert_int_equal(alert.time, 5000000000 + rec_host.unix_offset);
}

/* seals, same_content, what ran before → how high; note: does the message tell more? */
static const struct verdict_case {
	const char *what;
	u32 seals;
	enum same_content same;
	enum exe_origin before;
	u64 size;
	enum severity want;
	const char *note;
} cases[] = {
	{ "honest copy", SEALED, SAME_CONTENT_yes, EXE_ORIGIN_regular, OWN_SIZE, SEVERITY_none,
	  NULL },
	{ "honest copy, all seals", SEALED | F_SEAL_SEAL, SAME_CONTENT_yes, EXE_ORIGIN_regular,
	  OWN_SIZE, SEVERITY_none, NULL },
	{ "gone too soon", SEALED, SAME_CONTENT_unknown, EXE_ORIGIN_regular, OWN_SIZE, SEVERITY_low,
	  ";" },
	{ "other content", SEALED, SAME_CONTENT_no, EXE_ORIGIN_regular, OWN_SIZE, SEVERITY_high,
	  ";" },
	{ "other size", SEALED, SAME_CONTENT_unknown, EXE_ORIGIN_regular, OWN_SIZE + 1,
	  SEVERITY_high, NULL },
	{ "other size and content", SEALED, SAME_CONTENT_no, EXE_ORIGIN_regular, 1, SEVERITY_high,
	  NULL },
	{ "unsealed copy", 0, SAME_CONTENT_yes, EXE_ORIGIN_regular, OWN_SIZE, SEVERITY_high, NULL },
	{ "unsealed, gone", 0, SAME_CONTENT_unknown, EXE_ORIGIN_regular, OWN_SIZE, SEVERITY_high,
	  NULL },
	{ "not sealed against writing", F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, SAME_CONTENT_yes,
	  EXE_ORIGIN_regular, OWN_SIZE, SEVERITY_high, NULL },
	{ "not sealed against growing", F_SEAL_SHRINK | F_SEAL_WRITE, SAME_CONTENT_yes,
	  EXE_ORIGIN_regular, OWN_SIZE, SEVERITY_high, NULL },
	{ "not sealed against shrinking", F_SEAL_GROW | F_SEAL_WRITE, SAME_CONTENT_unknown,
	  EXE_ORIGIN_regular, OWN_SIZE, SEVERITY_high, NULL },
	{ "from memory to memory", SEALED, SAME_CONTENT_unknown, EXE_ORIGIN_memfd, OWN_SIZE,
	  SEVERITY_high, NULL },
	{ "after a deleted program", SEALED, SAME_CONTENT_unknown, EXE_ORIGIN_unlinked, OWN_SIZE,
	  SEVERITY_high, NULL },
	{ "after one of unknown origin", SEALED, SAME_CONTENT_unknown, EXE_ORIGIN_unknown, OWN_SIZE,
	  SEVERITY_high, NULL },
	{ "runtime in a container", SEALED, SAME_CONTENT_unknown, EXE_ORIGIN_overlay_upper,
	  OWN_SIZE, SEVERITY_low, ";" },
	{ "no such answer", SEALED, (enum same_content)99, EXE_ORIGIN_regular, OWN_SIZE,
	  SEVERITY_high, "" },
};

static void copies_of_oneself(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const struct verdict_case *c = &cases[i / 2];
		enum severity want = c->want;
		struct ev_exec *r = memfd(c->seals, c->same);
		r->hdr.euid = i % 2 ? 1000 : 0;
		if (want == SEVERITY_low && r->hdr.euid)
			want = SEVERITY_medium; /* runtimes are root's */
		runs_before(c->before, c->size);
		enum severity got = judge(r);
		if (got != want)
			fail_msg("%s: %s, not %s", c->what, severity_name(got),
				 severity_name(want));
		if (c->note && !strstr(verdict.message, c->note))
			fail_msg("%s: message does not say more: %s", c->what, verdict.message);
		if (!c->note && got && strchr(verdict.message, ';'))
			fail_msg("%s: message says too much: %s", c->what, verdict.message);
		if (got)
			assert_string_equal(evidence("redshank.previous.executable"),
					    "/usr/bin/own");
	}
}

/* Of a program that anybody could have put there, or that is never compared, nothing follows. */
static void programs_of_others(void **state)
{
	(void)state;
	static const struct {
		u32 uid, mode;
		u64 size;
	} before[] = { { 1000, 0755, OWN_SIZE },
		       { 0, 0757, OWN_SIZE },
		       { 0, 0755, EXE_CHECK_MAX + 1 } };
	for (unsigned i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		struct ev_exec *r = REC_NEW(exec);
		set_ids(&r->hdr, id(100, 2), id(10, 1));
		r->exe_origin = EXE_ORIGIN_regular;
		r->exe_uid = before[i].uid;
		r->exe_mode = 0100000 | before[i].mode;
		r->exe_size = before[i].size;
		update(r);
		r = memfd(SEALED, SAME_CONTENT_unknown);
		r->exe_size = before[i].size;
		r->hdr.euid = 0;
		assert_int_equal(judge(r), SEVERITY_high);
	}
}

/* A copy excuses only the process that made it. */
static void another_process_ran_it(void **state)
{
	(void)state;
	runs_before(EXE_ORIGIN_regular, OWN_SIZE);
	struct ev_exec *r = memfd(SEALED, SAME_CONTENT_unknown);
	set_ids(&r->hdr, id(100, 3), id(10, 1)); /* the same pid, later */
	assert_int_equal(judge(r), SEVERITY_high);
}

static void scripts(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	REC_STR(exec, r, exe, "/bin/sh");
	REC_STR(exec, r, filename, "/dev/fd/3");
	REC_STR(exec, r, interp, "/bin/sh -e");
	r->exe_origin = EXE_ORIGIN_regular;
	r->exe_flags = EXE_F_SCRIPT;
	r->exe_seals = SEALED;
	r->same_content = SAME_CONTENT_yes;
	assert_int_equal(judge(r), SEVERITY_none); /* a script in a file */

	r = REC_NEW(exec);
	REC_STR(exec, r, exe, "/bin/sh");
	REC_STR(exec, r, filename, "/dev/fd/3");
	REC_STR(exec, r, interp, "/bin/sh -e");
	r->exe_origin = EXE_ORIGIN_regular;
	r->exe_flags = EXE_F_SCRIPT | EXE_F_SCRIPT_MEMFD;
	r->exe_seals = SEALED;
	r->same_content = SAME_CONTENT_yes; /* of the interpreter: excuses nothing */
	assert_int_equal(judge(r), SEVERITY_high);
	assert_string_equal(evidence("redshank.exec.interpreter"), "/bin/sh -e");
	assert_non_null(strstr(verdict.message, "script"));
	assert_non_null(strstr(evidence("redshank.exec.way"), "descriptor"));
}

static void what_has_a_file(void **state)
{
	(void)state;
	static const enum exe_origin origins[] = { EXE_ORIGIN_unknown, EXE_ORIGIN_regular,
						   EXE_ORIGIN_unlinked, EXE_ORIGIN_tmpfs,
						   EXE_ORIGIN_overlay_upper };
	for (unsigned i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		/* Whatever it is called: the origin decides. */
		struct ev_exec *r = REC_NEW(exec);
		REC_STR(exec, r, exe, "/tmp/memfd:x (deleted)");
		REC_STR(exec, r, filename, "/proc/self/fd/9");
		r->exe_origin = origins[i];
		r->exe_flags = EXE_F_MEMFD_NAME | EXE_F_UNHASHED | EXE_F_INTERNAL_MOUNT;
		r->same_content = SAME_CONTENT_no;
		assert_int_equal(judge(r), SEVERITY_none);
		struct ev_proc *p = REC_NEW(proc);
		p->exe_origin = origins[i];
		assert_int_equal(judge(p), SEVERITY_none);
	}
	assert_int_equal(judge(REC_NEW(fork)), SEVERITY_none);
	assert_int_equal(judge(REC_NEW(exit)), SEVERITY_none);
	assert_int_equal(judge(REC_NEW(host)), SEVERITY_none);
	assert_int_equal(judge(REC_NEW(gap)), SEVERITY_none);
}

static void already_running(void **state)
{
	(void)state;
	struct ev_proc *r = REC_NEW(proc);
	REC_STR(proc, r, exe, "/memfd:y (deleted)");
	r->exe_origin = EXE_ORIGIN_memfd;
	assert_int_equal(judge(r), SEVERITY_high);
	assert_non_null(strstr(verdict.message, "/memfd:y (deleted)"));
	r = REC_NEW(proc);
	r->exe_origin = EXE_ORIGIN_memfd;
	r->exe_seals = SEALED;
	assert_int_equal(judge(r), SEVERITY_low);
}

static void ways_in(void **state)
{
	(void)state;
	static const char *const names[] = { "/proc/self/fd/3", "/proc/1/fd/3", "/dev/fd/3",
					     "./link",		"/proc/self/f", "" };
	char seen[6][EVIDENCE_VALUE];
	for (unsigned i = 0; i < 6; i++) {
		struct ev_exec *r = REC_NEW(exec);
		r->exe_origin = EXE_ORIGIN_memfd;
		REC_STR(exec, r, filename, names[i]);
		assert_int_equal(judge(r), SEVERITY_high);
		snprintf(seen[i], sizeof(seen[i]), "%s", evidence("redshank.exec.way"));
	}
	assert_string_not_equal(seen[0], seen[1]);
	assert_string_not_equal(seen[0], seen[2]);
	assert_string_not_equal(seen[2], seen[3]);
	assert_string_not_equal(seen[1], seen[4]);
	assert_string_equal(seen[3], seen[5]);
}

/* Strings as long as they get, formats, NULs: nothing is run over, nothing is left unended. */
static void hostile_strings(void **state)
{
	(void)state;
	static char big[20000];
	static const char nasty[] = "%s%n%1000000d\n\x1b[2J\0rest\xff\xc0";
	memset(big, 'A', sizeof(big));
	for (unsigned i = 0; i < 3; i++) {
		struct ev_exec *r = REC_NEW(exec);
		const char *text = i ? nasty : big;
		size_t len = i == 1 ? sizeof(nasty) : i ? 0 : sizeof(big);
		rec_add_str(r, &r->exe, text, len);
		rec_add_str(r, &r->filename, text, len);
		rec_add_str(r, &r->interp, text, i ? len : 10000);
		r->exe_origin = EXE_ORIGIN_memfd;
		r->exe_flags = i & 1 ? 0xffffffff : 0;
		r->exe_seals = 0xffffffff;
		assert_int_not_equal(judge(r), SEVERITY_none);
		assert_true(strnlen(verdict.message, MESSAGE_MAX) < MESSAGE_MAX);
		assert_true(verdict.nevidence <= EVIDENCE_MAX);
		for (unsigned k = 0; k < verdict.nevidence; k++) {
			size_t n = strnlen(verdict.evidence[k].value, EVIDENCE_VALUE);
			assert_true(n > 0 && n < EVIDENCE_VALUE);
		}
		if (i == 1)
			assert_non_null(strstr(verdict.message, "%s%n%1000000d"));
	}
}

static void evidence_is_bounded(void **state)
{
	(void)state;
	struct verdict v = { 0 };
	for (unsigned i = 0; i < EVIDENCE_MAX + 5; i++)
		verdict_evidence(&v, "k", "%u", i);
	assert_int_equal(v.nevidence, EVIDENCE_MAX);
	assert_string_equal(v.evidence[EVIDENCE_MAX - 1].value, "15");
	memset(&v, 0, sizeof(v));
	verdict_evidence(&v, "empty", "%s", "");
	assert_int_equal(v.nevidence, 0);
}

static void ids_and_numbers(void **state)
{
	(void)state;
	char first[ALERT_ID_LEN], ids[64][ALERT_ID_LEN];
	judge(memfd(0, SAME_CONTENT_unknown));
	memcpy(first, alert.id, sizeof(first));
	assert_int_equal(strlen(first), 36);
	assert_int_equal(first[14], '8'); /* UUID version 8, RFC 9562's variant */
	assert_non_null(strchr("89ab", first[19]));
	for (unsigned i = 0; i < 36; i++)
		assert_true(i == 8 || i == 13 || i == 18 || i == 23
				    ? first[i] == '-'
				    : !!strchr("0123456789abcdef", first[i]));
	assert_int_equal(alert.seq, 1);

	/* Told again, perhaps by a replay: the same id, with a number of its own. */
	judge(memfd(0, SAME_CONTENT_unknown));
	assert_string_equal(alert.id, first);
	assert_int_equal(alert.seq, 2);

	for (unsigned i = 0; i < 64; i++) {
		struct ev_exec *r = memfd(0, SAME_CONTENT_unknown);
		r->hdr.time += i % 4;
		r->hdr.start += i / 4 % 4;
		r->hdr.tid += i / 16;
		r->hdr.pid += i + 1; /* another process, of another one: not alike */
		r->hdr.ppid += i + 1;
		judge(r);
		memcpy(ids[i], alert.id, ALERT_ID_LEN);
		assert_int_equal(alert.seq, 3 + i);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(ids[i], ids[k]);
		judge(REC_NEW(fork)); /* what raises none takes no number */
	}
	struct engine_stats st;
	engine_get_stats(engine, &st);
	assert_int_equal(st.alerts, 66);
	assert_int_equal(st.events, 66 + 64);
	assert_int_equal(st.detector_errors, 0);

	/* The same on another machine is another alert. */
	struct host other = rec_host;
	other.boot_id[0] = '5';
	struct ev_exec *r = memfd(0, SAME_CONTENT_unknown);
	struct event ev = rec_event(r);
	ev.host = &other;
	ev.tree = tree;
	engine_event(engine, &ev, on_alert, &nalerts);
	assert_string_not_equal(alert.id, first);
	assert_int_equal(alert.nancestors, 0); /* the process is not known: no ancestors either */
	rec_free(r);
}

static void ancestors(void **state)
{
	(void)state;
	do_proc(id(1, 0), id(0, 0), "/sbin/init");
	do_exec(id(10, 1), id(1, 0), "/usr/sbin/sshd");
	do_fork(id(100, 2), id(10, 1));
	judge(memfd(0, SAME_CONTENT_unknown));
	assert_int_equal(alert.nancestors, 2);
	assert_int_equal(alert.ancestors[0]->pid, 10);
	assert_int_equal(alert.ancestors[1]->pid, 1);
}

static void levels(void **state)
{
	(void)state;
	static const char *const names[] = { "informational", "low", "medium", "high", "critical" };
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(severity_by_name(names[i]), SEVERITY_informational + i);
		assert_string_equal(severity_name((enum severity)(SEVERITY_informational + i)),
				    names[i]);
	}
	assert_int_equal(severity_by_name("none"), SEVERITY_none);
	assert_int_equal(severity_by_name("High"), SEVERITY_none);
	assert_int_equal(severity_by_name(""), SEVERITY_none);
	assert_string_equal(severity_name((enum severity)99), "none");
}

/* What every detector owes: a name, a doc, techniques that end, events that exist. */
static void table_of_detectors(void **state)
{
	(void)state;
	for (const struct detector *const *d = detectors; *d; d++) {
		unsigned n = 0;
		assert_true((*d)->info.id && (*d)->info.name && (*d)->info.doc &&
			    (*d)->info.false_positives);
		assert_int_equal(strncmp((*d)->info.id, "redshank.", 9), 0);
		for (const struct technique *t = (*d)->info.techniques; t->id; t++, n++)
			assert_true(t->name && t->tactic);
		assert_in_range(n, 1, TECHNIQUES_MAX);
		for (const enum ev_type *w = (*d)->wants; *w != EV_none; w++)
			assert_non_null(ev_desc(*w));
		for (const struct detector *const *o = detectors; o != d; o++)
			assert_string_not_equal((*o)->info.id, (*d)->info.id);
	}
}

/* An alert goes on under its id and with its count; bytes that nobody saved change nothing. */
static void over_a_restart(void **state)
{
	(void)state;
	struct buf b = { 0 };
	char first[ALERT_ID_LEN];
	struct err e;

	assert_int_equal(judge(memfd(0, SAME_CONTENT_unknown)), SEVERITY_high);
	memcpy(first, alert.id, sizeof(first));
	engine_save(engine, &b);
	assert_false(b.failed);
	engine_free(engine);
	assert_int_equal(engine_new(&engine, &e), 0);
	for (size_t i = 0; i < b.len; i += 7) {
		b.data[i] ^= 1;
		assert_int_equal(engine_restore(engine, b.data, b.len), -EBADMSG);
		b.data[i] ^= 1;
		assert_int_equal(engine_restore(engine, b.data, i), -EBADMSG);
	}
	assert_int_equal(engine_restore(engine, b.data, b.len), 0);
	struct ev_exec *r = memfd(0, SAME_CONTENT_unknown);
	r->hdr.time++; /* by itself it would have another id */
	judge(r);
	assert_int_equal(alert.count, 2);
	assert_string_equal(alert.id, first);
	assert_int_equal(alert.first, 5000000000 + rec_host.unix_offset);
	buf_free(&b);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(memfd_alerts),
		T(copies_of_oneself),
		T(programs_of_others),
		T(another_process_ran_it),
		T(scripts),
		T(what_has_a_file),
		T(already_running),
		T(ways_in),
		T(hostile_strings),
		T(ids_and_numbers),
		T(ancestors),
		T(over_a_restart),
		cmocka_unit_test(evidence_is_bounded),
		cmocka_unit_test(levels),
		cmocka_unit_test(table_of_detectors),
	};
	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
