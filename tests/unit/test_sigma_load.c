/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories of rules, in a directory that is made for it. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sigma_text.h"

static char root[] = "/tmp/test_sigma_load.XXXXXX";

static const char *in_root(const char *name)
{
	static char path[2][256];
	static unsigned turn;
	char *to = path[turn++ % 2];

	snprintf(to, sizeof(path[0]), "%s/%s", root, name);
	return to;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(in_root(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void put_rule(const char *name, const char *title)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "title: %s\nlogsource: {product: p}\ndetection: {a: [x], condition: a}\n", title);
	put(name, text);
}

static void make(const char *name)
{
	assert_int_equal(mkdir(in_root(name), 0755), 0);
}

static void link_to(const char *to, const char *name)
{
	assert_int_equal(symlink(to, in_root(name)), 0);
}

static struct sigma_rules *loaded(const char *path)
{
	struct sigma_rules *r;

	assert_int_equal(sigma_rules_new(&r), 0);
	assert_int_equal(sigma_load(r, path), 0);
	return r;
}

static void assert_titles(const struct sigma_rules *r, const char *want)
{
	struct buf b = { 0 };

	for (unsigned i = 0; i < r->n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", r->rule[i]->title);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void assert_only(const struct sigma_rules *r, enum sigma_problem_kind kind, const char *file,
			const char *text)
{
	assert_int_equal(r->problems.n, 1);
	assert_int_equal(r->problems.problem[0].kind, kind);
	assert_string_equal(r->problems.problem[0].pos.file, file);
	assert_string_equal(r->problems.problem[0].text, text);
}

static void tree(void **state)
{
	(void)state;
	make("tree");
	make("tree/b");
	make("tree/.hidden");
	put_rule("tree/c.yml", "c");
	put_rule("tree/a.yaml", "a");
	put_rule("tree/b/z.yml", "b/z");
	put_rule("tree/b-.yml", "b-");
	put_rule("tree/.hidden/h.yml", "hidden");
	put_rule("tree/.dot.yml", "dot");
	put_rule("tree/d.yml.bak", "backup");
	put("tree/README.md", "no rule");
	/* strcmp() puts '-' before '/'. */
	struct sigma_rules *r = loaded(in_root("tree"));
	assert_no_problems(r);
	assert_titles(r, "a b- b/z c");
	assert_string_equal(r->rule[0]->pos.file, in_root("tree/a.yaml"));
	sigma_rules_free(r);
	r = loaded(in_root("tree/"));
	assert_titles(r, "a b- b/z c");
	sigma_rules_free(r);
}

static void links(void **state)
{
	(void)state;
	make("links");
	make("links/..2024");
	make("links/sub");
	put_rule("links/..2024/volume.yml", "volume");
	put_rule("links/own.yml", "own");
	put_rule("outside.yml", "outside");
	/* As Kubernetes mounts a ConfigMap. */
	link_to("..2024", "links/..data");
	link_to("..data/volume.yml", "links/volume.yml");
	/* To what is read anyway; round in a circle; out. */
	link_to("../own.yml", "links/sub/again.yml");
	link_to("..", "links/sub/up");
	link_to("../outside.yml", "links/out.yml");
	struct sigma_rules *r = loaded(in_root("links"));
	assert_titles(r, "own volume");
	assert_only(r, SIGMA_WARNING, in_root("links/out.yml"),
		    "a symbolic link out of the directory: left out");
	sigma_rules_free(r);
	/* One that is named is followed. */
	link_to("outside.yml", "named.yml");
	r = loaded(in_root("named.yml"));
	assert_titles(r, "outside");
	sigma_rules_free(r);
}

static void what_is_no_rule(void **state)
{
	(void)state;
	make("other");
	put("other/compose.yml", "services: {a: b}\n");
	put_rule("other/rule.yml", "rule");
	struct sigma_rules *r = loaded(in_root("other"));
	assert_titles(r, "rule");
	assert_only(r, SIGMA_WARNING, in_root("other/compose.yml"), "no Sigma rule: left out");
	sigma_rules_free(r);
	/* Named, it was meant to be one. */
	r = loaded(in_root("other/compose.yml"));
	assert_only(r, SIGMA_ERROR, in_root("other/compose.yml"),
		    "no Sigma rule: a map with title, logsource and detection is");
	sigma_rules_free(r);

	make("empty");
	r = loaded(in_root("empty"));
	assert_only(r, SIGMA_WARNING, in_root("empty"), "no *.yml or *.yaml in this directory");
	sigma_rules_free(r);
	r = loaded(in_root("nowhere"));
	assert_only(r, SIGMA_ERROR, in_root("nowhere"), "No such file or directory");
	sigma_rules_free(r);
}

static void special_files(void **state)
{
	(void)state;
	make("special");
	assert_int_equal(mkfifo(in_root("special/fifo.yml"), 0600), 0);
	put_rule("special/rule.yml", "rule");
	struct sigma_rules *r = loaded(in_root("special"));
	assert_no_problems(r);
	assert_titles(r, "rule");
	sigma_rules_free(r);
	r = loaded("/dev/zero");
	assert_only(r, SIGMA_ERROR, "/dev/zero", "larger than 4 MiB");
	sigma_rules_free(r);

	FILE *f = fopen(in_root("special/large.yml"), "w");
	assert_non_null(f);
	assert_int_equal(ftruncate(fileno(f), 100 << 20), 0);
	assert_int_equal(fclose(f), 0);
	r = loaded(in_root("special"));
	assert_titles(r, "rule");
	assert_only(r, SIGMA_ERROR, in_root("special/large.yml"), "larger than 4 MiB");
	sigma_rules_free(r);
}

static void depth(void **state)
{
	char name[256] = "deep";

	(void)state;
	make(name);
	for (unsigned i = 0; i < 17; i++) {
		strcat(name, "/d");
		make(name);
	}
	struct sigma_rules *r = loaded(in_root("deep"));
	assert_int_equal(r->problems.n, 2);
	assert_string_equal(r->problems.problem[0].text, "directories this deep are left out");
	sigma_rules_free(r);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree),
		cmocka_unit_test(links),
		cmocka_unit_test(what_is_no_rule),
		cmocka_unit_test(special_files),
		cmocka_unit_test(depth),
	};
	return cmocka_run_group_tests_name("sigma_load", tests, set_up, tear_down);
}
