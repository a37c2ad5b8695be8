/* SPDX-License-Identifier: Apache-2.0 */
/* What an alert tells of what was before it: whose events, in which order, how many at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "enrich/story.h"
#include "processes.h"

static struct story *story;
static uint64_t seq;
static struct ev_hdr judged; /* a record of the process that alerts */

static int start(const struct story_limits *l)
{
	struct proctree_stats ps;

	tree_new(64, 1 << 20);
	seq = 0;
	proctree_get_stats(tree, &ps);
	return story_new(l, (unsigned)ps.slots, &story);
}

static int setup(void **state)
{
	(void)state;
	return start(&(struct story_limits){ .notes = 1000, .per_process = 8, .per_alert = 24 });
}

static int teardown(void **state)
{
	(void)state;
	story_free(story);
	tree_free();
	return 0;
}

/* Gives the record, which it frees, to table and story. */
static const struct proc *tell(void *rec, const char *text)
{
	struct event ev = rec_event(rec);

	((struct ev_hdr *)rec)->time = ++now;
	ev.seq = ++seq;
	proctree_update(tree, &ev);
	if (story_wants(story, &ev) || ev.desc->id == EV_exit)
		story_add(story, &ev, text, strlen(text));
	rec_free(rec);
	return ev.proc;
}

static void runs(struct proc_id self, struct proc_id parent, u64 cgroup, const char *text)
{
	struct ev_exec *r = REC_NEW(exec);

	set_ids(&r->hdr, self, parent);
	r->hdr.cgroup = cgroup;
	tell(r, text);
}

static void maps(struct proc_id self, struct proc_id parent, const char *text)
{
	struct ev_map *r = REC_NEW(map);

	set_ids(&r->hdr, self, parent);
	r->hdr.cgroup = 7;
	tell(r, text);
}

static void reaches(struct proc_id self, struct proc_id parent, struct proc_id target,
		    const char *text)
{
	struct ev_access *r = REC_NEW(access);

	set_ids(&r->hdr, self, parent);
	r->target_pid = target.pid;
	r->target_start = target.start;
	tell(r, text);
}

static void ends(struct proc_id self, struct proc_id parent)
{
	struct ev_exit *r = REC_NEW(exit);

	set_ids(&r->hdr, self, parent);
	tell(r, "");
}

static unsigned of(struct proc_id self, uint64_t but, const struct story_note **ret)
{
	judged = (struct ev_hdr){ .type = EV_map };
	struct event ev = { .rec = &judged,
			    .desc = ev_desc(EV_map),
			    .seq = but,
			    .host = &rec_host,
			    .tree = tree,
			    .proc = proctree_find(tree, self.pid, self.start) };
	assert_non_null(ev.proc);
	return story_of(story, &ev, ret);
}

/* The texts, joined by a comma. */
static const char *told(struct proc_id self)
{
	static char all[STORY_ALERT_MAX * (STORY_TEXT + 1)];
	const struct story_note *n[STORY_ALERT_MAX];
	unsigned count = of(self, UINT64_MAX, n);
	char *at = all;

	*at = '\0';
	for (unsigned i = 0; i < count; i++)
		at += sprintf(at, "%s%.*s", i ? "," : "", (int)n[i]->len, n[i]->text);
	return all;
}

static const struct proc_id init = { 1, 1 }, shell = { 10, 1000 }, fetch = { 11, 2000 },
			    payload = { 12, 3000 }, stranger = { 13, 3500 };

/* curl | sh: what was fetched stands in the story of what it became. */
static void what_a_shell_started(void **state)
{
	(void)state;
	runs(shell, init, 7, "bash");
	runs(fetch, shell, 7, "curl http://x");
	runs(payload, shell, 7, "./x");
	maps(payload, shell, "made memory executable");
	assert_string_equal(told(payload), "bash,curl http://x,./x,made memory executable");
	assert_string_equal(told(fetch), "bash,curl http://x,./x");
	ends(fetch, shell);
	assert_string_equal(told(payload), "bash,curl http://x,./x,made memory executable");
}

/* Other services of a service manager are no part of it, nor is what init starts. */
static void what_is_not_related(void **state)
{
	struct proc_id manager = { 5, 500 };
	(void)state;
	runs(init, (struct proc_id){ 0, 0 }, 1, "init");
	runs(manager, init, 1, "manager");
	runs(shell, manager, 7, "service");
	runs(stranger, manager, 8, "another service");
	runs((struct proc_id){ 14, 3600 }, init, 7, "of init");
	assert_string_equal(told(shell), "init,manager,service");
}

/* What others did to a process is its story too. */
static void what_was_done_to_it(void **state)
{
	(void)state;
	runs(payload, init, 7, "victim");
	runs(stranger, init, 9, "injector");
	reaches(stranger, init, payload, "poked");
	assert_string_equal(told(payload), "victim,poked");
	assert_string_equal(told(stranger), "injector,poked");
}

static void judged_event_is_not_before_itself(void **state)
{
	const struct story_note *n[STORY_ALERT_MAX];
	(void)state;
	runs(shell, init, 7, "bash");
	maps(shell, init, "once");
	assert_int_equal(of(shell, seq, n), 1);
	/* Of a repeated one the former times are. */
	maps(shell, init, "once");
	assert_int_equal(of(shell, seq, n), 2);
	assert_int_equal(n[1]->count, 2);
	assert_int_equal(n[1]->seq, seq);
	assert_true(n[1]->first < n[1]->last);
}

static void repeats_take_one_note(void **state)
{
	struct story_stats st;
	const struct story_note *n[STORY_ALERT_MAX];
	(void)state;
	runs(shell, init, 7, "bash");
	for (unsigned i = 0; i < 10000; i++)
		maps(shell, init, "the same");
	assert_string_equal(told(shell), "bash,the same");
	of(shell, UINT64_MAX, n);
	assert_int_equal(n[1]->count, 10000);
	story_get_stats(story, &st);
	assert_int_equal(st.notes, 2);
}

/* The last ones stay, and the program that does it. */
static void a_process_has_few(void **state)
{
	char text[16];
	(void)state;
	runs(shell, init, 7, "bash");
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%u", i);
		maps(shell, init, text);
	}
	assert_string_equal(told(shell), "bash,93,94,95,96,97,98,99");
}

/* Many calls of one program do not push out what another one did. */
static void what_was_rare_stays(void **state)
{
	char text[16];
	(void)state;
	runs(shell, init, 7, "bash");
	struct ev_exec *r = REC_NEW(exec);
	set_ids(&r->hdr, fetch, shell);
	r->hdr.cgroup = 7;
	memcpy(r->hdr.name, "curl", 5);
	tell(r, "curl http://x");
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "true %u", i);
		runs((struct proc_id){ 100 + i, 4000 + i }, shell, 7, text);
		ends((struct proc_id){ 100 + i, 4000 + i }, shell);
	}
	assert_string_equal(told(shell),
			    "bash,curl http://x,true 94,true 95,true 96,true 97,true 98,true 99");
}

static void an_alert_has_few_the_nearest(void **state)
{
	(void)state;
	story_free(story);
	tree_free();
	assert_int_equal(start(&(struct story_limits){ 1000, 8, 3 }), 0);
	runs(shell, init, 7, "bash");
	runs(payload, shell, 7, "x");
	maps(payload, shell, "a");
	maps(payload, shell, "b");
	assert_string_equal(told(payload), "x,a,b");
}

/* When all notes are taken: those of ended processes go first. */
static void all_notes_are_taken(void **state)
{
	struct story_stats st;
	char text[16];
	(void)state;
	story_free(story);
	tree_free();
	assert_int_equal(start(&(struct story_limits){ 6, 4, 24 }), 0);
	runs(shell, init, 7, "bash");
	runs(fetch, init, 8, "gone");
	maps(fetch, init, "with it");
	ends(fetch, init);
	maps(shell, init, "a");
	maps(shell, init, "b");
	maps(shell, init, "c");
	runs(payload, init, 9, "x");
	maps(payload, init, "y");
	assert_string_equal(told(shell), "bash,a,b,c");
	assert_string_equal(told(payload), "x,y");
	story_get_stats(story, &st);
	assert_int_equal(st.notes, 6);
	assert_int_equal(st.evicted, 0);
	maps(payload, init, "z");
	story_get_stats(story, &st);
	assert_int_equal(st.notes, 6);
	assert_int_equal(st.evicted, 1);
	assert_string_equal(told(shell), "a,b,c");
	/* Whatever comes: never more, and lists that are whole. */
	for (unsigned i = 0; i < 5000; i++) {
		struct proc_id p = { 100 + i % 90, 5000 + i };
		snprintf(text, sizeof(text), "%u", i);
		runs(p, i % 3 ? shell : init, 7, text);
		if (i % 2)
			ends(p, i % 3 ? shell : init);
	}
	story_get_stats(story, &st);
	assert_int_equal(st.notes, 6);
}

/* A slot that another process has now does not tell of the former one. */
static void a_slot_is_used_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct proc_id p = { 100 + i, 5000 + i };
		runs(p, init, 7, "mine");
		assert_string_equal(told(p), "mine");
		if (i % 2)
			ends(p, init);
	}
}

static void long_texts_are_cut_whole(void **state)
{
	static char text[STORY_TEXT * 2 + 1];
	const struct story_note *n[STORY_ALERT_MAX];
	(void)state;
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xC3\xA9", 2);
	runs(shell, init, 7, text + 0);
	assert_int_equal(of(shell, UINT64_MAX, n), 1);
	assert_true(n[0]->len <= STORY_TEXT && n[0]->len > STORY_TEXT - 3);
	assert_memory_equal(n[0]->text + n[0]->len - 3, "\xE2\x80\xA6", 3);
	assert_int_equal((n[0]->len - 3) % 2, 0);
}

static void none_is_wanted(void **state)
{
	const struct story_note *n[STORY_ALERT_MAX];
	(void)state;
	story_free(story);
	tree_free();
	assert_int_equal(start(&(struct story_limits){ 0, 8, 24 }), 0);
	runs(shell, init, 7, "bash");
	assert_int_equal(of(shell, UINT64_MAX, n), 0);
}

static void what_is_notable(void **state)
{
	static const enum ev_type not [] = { EV_fork,	EV_exit,      EV_proc,	    EV_host, EV_gap,
					     EV_rename, EV_heartbeat, EV_auth_text, EV_pam };
	(void)state;
	for (unsigned i = 1; i < EV_TYPE_MAX; i++) {
		struct ev_hdr h = { .type = (u16)i };
		struct event ev = { .rec = &h, .desc = ev_desc(i) };
		bool want = true;
		if (!ev.desc)
			continue;
		for (unsigned k = 0; k < sizeof(not ) / sizeof(not [0]); k++)
			want = want && not [k] != i;
		assert_int_equal(story_wants(story, &ev), want);
	}
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_a_shell_started),     T(what_is_not_related),
		T(what_was_done_to_it),	     T(judged_event_is_not_before_itself),
		T(repeats_take_one_note),    T(a_process_has_few),
		T(what_was_rare_stays),	     T(an_alert_has_few_the_nearest),
		T(all_notes_are_taken),	     T(a_slot_is_used_again),
		T(long_texts_are_cut_whole), T(none_is_wanted),
		T(what_is_notable),
	};
	return cmocka_run_group_tests_name("story", tests, NULL, NULL);
}
