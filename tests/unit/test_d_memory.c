/* SPDX-License-Identifier: Apache-2.0 */
/* Detectors of memory: code at work in no file, the dynamic loader as launcher. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "detect/d_anon_exec.h"
#include "detect/d_loader.h"
#include "processes.h"

#define LOADER_INO 500
#define DEV	   0x800001

static void *state_of_loader;
static struct verdict verdict;

static int setup(void **state)
{
	(void)state;
	tree_new(64, 1 << 20);
	return detector_loader.init(&state_of_loader);
}

static int teardown(void **state)
{
	(void)state;
	detector_loader.free(state_of_loader);
	tree_free();
	return 0;
}

/* The detector's severity for the record, which is freed. */
static enum severity judge(const struct detector *d, void *rec)
{
	struct event ev = rec_event(rec);
	void *state = d == &detector_loader ? state_of_loader : NULL;

	memset(&verdict, 0, sizeof(verdict));
	assert_int_equal(schema_check(rec, ev.rec->len, NULL), 0);
	proctree_update(tree, &ev);
	assert_int_equal(d->on_event(state, &ev, &verdict), 0);
	rec_free(rec);
	return verdict.severity;
}

static const char *evidence(const char *key)
{
	for (unsigned i = 0; i < verdict.nevidence; i++)
		if (!strcmp(verdict.evidence[i].key, key))
			return verdict.evidence[i].value;
	return NULL;
}

/* --- code at work --- */

static struct ev_anon_exec *call(u32 what, u32 kind, u32 regions)
{
	struct ev_anon_exec *r = REC_NEW(anon_exec);

	set_ids(&r->hdr, id(100, 2), id(10, 1));
	r->call = what;
	r->kind = kind;
	r->regions = regions;
	r->ip = 0x7f0000001014;
	r->address = 0x7f0000001000;
	return r;
}

static void code_alerts(void **state)
{
	(void)state;
	assert_int_equal(judge(&detector_anon_exec, call(ANON_CALL_exec, MAP_KIND_stack, 0)),
			 SEVERITY_high);
	assert_non_null(strstr(verdict.message, "executed a program by code in the stack"));
	assert_string_equal(evidence("redshank.map.ip"), "0x7f0000001014");
	assert_int_equal(judge(&detector_anon_exec, call(ANON_CALL_socket, MAP_KIND_anon, 1)),
			 SEVERITY_high);
	/* What a later sensor may send. */
	assert_int_equal(judge(&detector_anon_exec, call(77, 77, 0)), SEVERITY_high);
}

/* A translator's cache: many regions. Only for memory of the kind that such a cache has. */
static void translators_alert_less(void **state)
{
	(void)state;
	assert_int_equal(judge(&detector_anon_exec, call(ANON_CALL_fork, MAP_KIND_anon, 63)),
			 SEVERITY_high);
	assert_int_equal(judge(&detector_anon_exec, call(ANON_CALL_fork, MAP_KIND_anon, 64)),
			 SEVERITY_medium);
	assert_int_equal(judge(&detector_anon_exec, call(ANON_CALL_fork, MAP_KIND_stack, 1000)),
			 SEVERITY_high);
}

static struct ev_map *map(u32 kind, u32 facts, const char *path)
{
	struct ev_map *r = REC_NEW(map);

	set_ids(&r->hdr, id(100, 2), id(10, 1));
	r->op = MAP_OP_mmap;
	r->kind = kind;
	r->facts = facts;
	r->count = 1;
	r->exe_origin = path ? EXE_ORIGIN_regular : EXE_ORIGIN_unknown;
	r->exe_ino = 900;
	r->exe_dev = DEV;
	if (path)
		REC_STR(map, r, exe, path);
	return r;
}

static void compilers_do_not_alert(void **state)
{
	(void)state;
	assert_int_equal(judge(&detector_anon_exec, map(MAP_KIND_anon, 0, NULL)), SEVERITY_none);
	assert_int_equal(judge(&detector_anon_exec, map(MAP_KIND_memfd, MAP_F_SHARED, "/memfd:x")),
			 SEVERITY_none);
	assert_int_equal(judge(&detector_anon_exec, map(MAP_KIND_anon, MAP_F_BY_MEMORY, NULL)),
			 SEVERITY_high);
}

/* --- the loader --- */

static void runs(const char *exe, u64 ino, u64 loader, const char *const *args, size_t n)
{
	struct ev_exec *r = REC_NEW(exec);

	set_ids(&r->hdr, id(100, 2), id(10, 1));
	REC_STR(exec, r, exe, exe);
	rec_add_list(r, &r->args, args, n);
	r->exe_origin = EXE_ORIGIN_regular;
	r->exe_ino = ino;
	r->exe_dev = DEV;
	r->loader_ino = loader;
	r->loader_dev = DEV;
	r->loader_origin = loader ? EXE_ORIGIN_regular : EXE_ORIGIN_unknown;
	assert_int_equal(judge(&detector_loader, r), SEVERITY_none);
}

#define RUNS(exe_, ino_, loader_, ...)                                  \
	runs(exe_, ino_, loader_, (const char *const[]){ __VA_ARGS__ }, \
	     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void launcher(void **state)
{
	(void)state;
	RUNS("/bin/true", 7, LOADER_INO, "true");
	/* Its name says nothing; an ordinary program has told which file is a loader. */
	RUNS("/lib/x", LOADER_INO, 0, "x", "--library-path", "/opt", "link");
	assert_int_equal(judge(&detector_loader,
			       map(MAP_KIND_file, MAP_F_NO_LOADER, "/opt/payload")),
			 SEVERITY_medium);
	assert_string_equal(evidence("redshank.map.path"), "/opt/payload");
	assert_non_null(strstr(verdict.message, "/opt/payload was run by the dynamic loader"));

	struct ev_map *m = map(MAP_KIND_memfd, MAP_F_NO_LOADER, "/memfd:x");
	m->exe_origin = EXE_ORIGIN_memfd;
	assert_int_equal(judge(&detector_loader, m), SEVERITY_high);
}

/* Never seen as anybody's interpreter: then its arguments tell. */
static void unknown_loader(void **state)
{
	(void)state;
	RUNS("/tmp/kworker", 8, 0, "kworker", "./payload");
	assert_int_equal(judge(&detector_loader,
			       map(MAP_KIND_file, MAP_F_NO_LOADER, "/opt/payload")),
			 SEVERITY_medium);
	RUNS("/tmp/kworker", 8, 0, "kworker", "link");
	assert_int_equal(judge(&detector_loader,
			       map(MAP_KIND_file, MAP_F_NO_LOADER, "/opt/payload")),
			 SEVERITY_medium);
	RUNS("/usr/libexec/valgrind", 10, 0, "valgrind", "payload");
	assert_int_equal(judge(&detector_loader,
			       map(MAP_KIND_file, MAP_F_NO_LOADER, "/opt/payload")),
			 SEVERITY_low);
	RUNS("/sbin/static", 9, 0, "static", "--user", "nobody");
	assert_int_equal(judge(&detector_loader,
			       map(MAP_KIND_file, MAP_F_NO_LOADER, "/lib/libnss_files.so.2")),
			 SEVERITY_none);
}

/* As valgrind: root's, installed, and no loader. What one of these is not is a copy of a loader. */
static void emulator(void **state)
{
	static const struct {
		const char *exe;
		u64 ino;
		u32 uid, mode, origin, severity;
	} cases[] = {
		{ "/usr/libexec/emulator", 8, 0, 0100755, EXE_ORIGIN_regular, SEVERITY_low },
		{ "/usr/libexec/emulator", 8, 1000, 0100755, EXE_ORIGIN_regular, SEVERITY_medium },
		{ "/usr/libexec/emulator", 8, 0, 0100775, EXE_ORIGIN_regular, SEVERITY_medium },
		{ "/usr/libexec/emulator", 8, 0, 0100755, EXE_ORIGIN_overlay_upper,
		  SEVERITY_medium },
		{ "/root/emulator", 8, 0, 0100755, EXE_ORIGIN_regular, SEVERITY_medium },
		{ "/usr/lib32/ld-2.36.so", 8, 0, 0100755, EXE_ORIGIN_regular, SEVERITY_medium },
		{ "/usr/lib/ld.so", LOADER_INO, 0, 0100755, EXE_ORIGIN_regular, SEVERITY_medium },
	};

	(void)state;
	RUNS("/bin/true", 7, LOADER_INO, "true");
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ev_exec *r = REC_NEW(exec);
		set_ids(&r->hdr, id(100, 2), id(10, 1));
		REC_STR(exec, r, exe, cases[i].exe);
		rec_add_list(r, &r->args, (const char *const[]){ "emulator", "true" }, 2);
		r->exe_ino = cases[i].ino;
		r->exe_dev = DEV;
		r->exe_uid = cases[i].uid;
		r->exe_mode = cases[i].mode;
		r->exe_origin = cases[i].origin;
		assert_int_equal(judge(&detector_loader, r), SEVERITY_none);
		assert_int_equal(judge(&detector_loader,
				       map(MAP_KIND_file, MAP_F_NO_LOADER, "/bin/true")),
				 cases[i].severity);
	}
}

/* Only the script that is called ldd, by a shell that is root's, and not for what has no file. */
static void listed(void **state)
{
	static const struct {
		const char *shell, *script;
		u32 payload, severity;
	} cases[] = {
		{ "/usr/bin/bash", "/usr/bin/ldd", EXE_ORIGIN_regular, SEVERITY_low },
		{ "/usr/bin/bash", "/bin/ldd", EXE_ORIGIN_tmpfs, SEVERITY_low },
		{ "/usr/bin/bash", "/usr/bin/ldd", EXE_ORIGIN_memfd, SEVERITY_high },
		{ "/usr/bin/bash", "/tmp/ldd", EXE_ORIGIN_regular, SEVERITY_medium },
		{ "/usr/bin/bash", "/usr/bin/lddx", EXE_ORIGIN_regular, SEVERITY_medium },
		{ "/usr/bin/bash", "x", EXE_ORIGIN_tmpfs, SEVERITY_high },
		{ "/tmp/bash", "/usr/bin/ldd", EXE_ORIGIN_regular, SEVERITY_medium },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ev_exec *r = REC_NEW(exec);
		set_ids(&r->hdr, id(10, 1), id(1, 1));
		REC_STR(exec, r, exe, cases[i].shell);
		rec_add_list(r, &r->args, (const char *const[]){ "bash", cases[i].script, "ldd" },
			     3);
		r->exe_origin = EXE_ORIGIN_regular;
		r->loader_ino = LOADER_INO;
		r->loader_dev = DEV;
		r->loader_origin = EXE_ORIGIN_regular;
		assert_int_equal(judge(&detector_loader, r), SEVERITY_none);
		RUNS("/usr/lib/ld.so", LOADER_INO, 0, "ld.so", "./lib");
		struct ev_map *m = map(MAP_KIND_file, MAP_F_NO_LOADER, "/opt/lib");
		m->exe_origin = cases[i].payload;
		assert_int_equal(judge(&detector_loader, m), cases[i].severity);
	}
}

static void no_launcher(void **state)
{
	(void)state;
	RUNS("/bin/true", 7, LOADER_INO, "true");
	/* A library of an ordinary program. */
	assert_int_equal(judge(&detector_loader, map(MAP_KIND_file, 0, "/lib/libc.so.6")),
			 SEVERITY_none);
	RUNS("/lib/ld.so", LOADER_INO, 0, "ld.so", "--list", "/bin/true");
	assert_int_equal(judge(&detector_loader, map(MAP_KIND_file, MAP_F_NO_LOADER, "/bin/true")),
			 SEVERITY_none);
	RUNS("/lib/ld.so", LOADER_INO, 0, "ld.so", "--argv0", "--list", "/bin/true", "--verify");
	assert_int_equal(judge(&detector_loader, map(MAP_KIND_file, MAP_F_NO_LOADER, "/bin/true")),
			 SEVERITY_medium);
	RUNS("/lib/ld.so", LOADER_INO, 0, "ld.so", "/bin/true");
	/* Libraries after the payload. */
	struct ev_map *m = map(MAP_KIND_file, MAP_F_NO_LOADER, "/lib/libc.so.6");
	m->count = 2;
	assert_int_equal(judge(&detector_loader, m), SEVERITY_none);
	/* Memory of its own. */
	assert_int_equal(judge(&detector_loader, map(MAP_KIND_anon, MAP_F_NO_LOADER, NULL)),
			 SEVERITY_none);
}

/* More loaders than there is room for: the oldest is forgotten, nothing else happens. */
static void many_loaders(void **state)
{
	(void)state;
	for (u64 i = 0; i < 1000; i++)
		RUNS("/bin/true", 7, 10000 + i, "true");
	/* Only a known one is believed that it will list. */
	RUNS("/lib/x", 10999, 0, "x", "--list", "/p");
	assert_int_equal(judge(&detector_loader, map(MAP_KIND_file, MAP_F_NO_LOADER, "/p")),
			 SEVERITY_none);
	RUNS("/lib/x", 10000, 0, "x", "--list", "/p");
	assert_int_equal(judge(&detector_loader, map(MAP_KIND_file, MAP_F_NO_LOADER, "/p")),
			 SEVERITY_medium);
}

/* A process that is not in the table. */
static void unknown_process(void **state)
{
	(void)state;
	assert_int_equal(judge(&detector_loader, map(MAP_KIND_file, MAP_F_NO_LOADER, "/p")),
			 SEVERITY_none);
	assert_int_equal(judge(&detector_anon_exec, call(ANON_CALL_exec, MAP_KIND_heap, 0)),
			 SEVERITY_high);
}

#define TEST(f_) cmocka_unit_test_setup_teardown(f_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(code_alerts),
		TEST(translators_alert_less),
		TEST(compilers_do_not_alert),
		TEST(launcher),
		TEST(unknown_loader),
		TEST(emulator),
		TEST(listed),
		TEST(no_launcher),
		TEST(many_loaders),
		TEST(unknown_process),
	};
	return cmocka_run_group_tests_name("d_memory", tests, NULL, NULL);
}
