/* SPDX-License-Identifier: Apache-2.0 */
/* One file of rules against the events beside it. */
#include "cmd_rules_testfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd_rules.h"
#include "lines.h"
#include "sigma/json_record.h"

#define CASE_NAME_MAX 200

/* The rules of one file, and the case that runs. */
struct testing {
	const char *file;
	struct sigma_engine *engine; /* of the running case: made anew for each */
	struct sigma_json *json;
	char name[CASE_NAME_MAX]; /* of the case; "": none yet */
	unsigned nrules;
	bool *alerted; /* by index: at this line */
	bool *hit, *missed; /* at some line */
	struct buf why; /* what is wrong with the case, as comments */
	unsigned *count, *failed; /* tests of the run */
};

/* One result; why, if there is something in it, is what is wrong. */
static void result(struct testing *t, const char *what)
{
	struct buf b = { 0 };
	bool bad = t->why.len > 0;

	++*t->count;
	*t->failed += bad;
	buf_printf(&b, "%sok %u - ", bad ? "not " : "", *t->count);
	cmd_rules_put(&b, t->file);
	buf_puts(&b, ": ");
	for (const char *s = what; *s; s++) /* "#" begins a directive */
		if (*s != '#')
			cmd_rules_put(&b, (char[]){ *s, '\0' });
	buf_putc(&b, '\n');
	fwrite(b.data, 1, b.len, stdout);
	if (bad)
		fwrite(t->why.data, 1, t->why.len, stdout);
	buf_free(&b);
	buf_reset(&t->why);
}

static int load(struct testing *t)
{
	struct sigma_rules *r;
	struct err e;

	sigma_engine_free(t->engine);
	t->engine = NULL;
	int rc = sigma_rules_new(&r);
	if (rc)
		return rc;
	rc = sigma_load(r, t->file);
	if (!rc)
		return sigma_engine_new(r, NULL, &t->engine, &e);
	sigma_rules_free(r);
	return rc;
}

static void on_alert(void *ctx, const struct sigma_alert *a)
{
	struct testing *t = ctx;
	t->alerted[a->rule->index] = true;
}

/* Can it alert at all? */
static bool alerts(const struct sigma_rule *rule)
{
	return rule->kind != SIGMA_FILTER && !rule->broken && !rule->silent;
}

/* The logsource of the first rule that has one: of what a correlation counts, too. */
static const struct sigma_logsource *default_logsource(const struct sigma_rules *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->rule[i]->kind == SIGMA_RULE)
			return &r->rule[i]->logsource;
	return NULL;
}

static bool names(const struct jn_node *n, const struct sigma_rule *rule)
{
	const char *s = n->scalar.text;

	return n->kind == JN_scalar && n->scalar.type == SIGMA_str &&
	       (!strcasecmp(s, rule->id) || !strcasecmp(s, rule->title) ||
		(rule->name && !strcmp(s, rule->name)));
}

static void complain(struct testing *t, uint64_t line, const char *what, const char *title)
{
	buf_printf(&t->why, "# line %llu: %s", (unsigned long long)line, what);
	if (title)
		cmd_rules_put(&t->why, title);
	buf_putc(&t->why, '\n');
}

/* _match is a list: exactly these rules alert. */
static void compare_list(struct testing *t, uint64_t line, const struct jn_node *n,
			 const struct jn_node *end)
{
	const struct sigma_rules *r = sigma_engine_rules(t->engine);

	for (const struct jn_node *name = n; name < end; name++) {
		bool known = name->kind == JN_array;
		for (unsigned i = 0; i < r->n && !known; i++)
			known = alerts(r->rule[i]) && names(name, r->rule[i]);
		if (!known)
			complain(t, line, "_match: no rule of this file that alerts is called ",
				 name->kind == JN_scalar ? name->scalar.text : "this");
	}
	for (unsigned i = 0; i < r->n; i++) {
		bool wanted = false;
		for (const struct jn_node *name = n; name < end && !wanted; name++)
			wanted = alerts(r->rule[i]) && names(name, r->rule[i]);
		if (wanted && !t->alerted[i])
			complain(t, line, "no alert of ", r->rule[i]->title);
		else if (!wanted && t->alerted[i])
			complain(t, line, "an alert that is not expected: ", r->rule[i]->title);
	}
}

/* _match is true or false: does some rule of the file alert? */
static void compare_bool(struct testing *t, uint64_t line, bool wanted)
{
	const struct sigma_rules *r = sigma_engine_rules(t->engine);
	bool any = false;

	for (unsigned i = 0; i < r->n; i++) {
		any |= t->alerted[i];
		if (!wanted && t->alerted[i])
			complain(t, line, "an alert that is not expected: ", r->rule[i]->title);
	}
	if (wanted && !any)
		complain(t, line, "no alert", NULL);
}

static void compare(struct testing *t, uint64_t line)
{
	const struct jn_node *end, *n = sigma_json_get(t->json, "_match", &end);
	const struct sigma_rules *r = sigma_engine_rules(t->engine);

	for (unsigned i = 0; i < r->n; i++) {
		t->hit[i] |= t->alerted[i];
		t->missed[i] |= !t->alerted[i];
	}
	if (n && (n->kind == JN_array || n->scalar.type == SIGMA_str))
		compare_list(t, line, n, end);
	else if (n && n->kind == JN_scalar && n->scalar.type == SIGMA_bool)
		compare_bool(t, line, n->scalar.i);
	else
		complain(t, line, "_match: true, false or a list is expected", NULL);
}

/* A line that names another case ends the one before it. 0 or -ENOMEM. */
static int begin_case(struct testing *t)
{
	const struct jn_node *n = sigma_json_get(t->json, "_case", NULL);
	const char *name = n && n->kind == JN_scalar ? n->scalar.text : "";
	char shortened[CASE_NAME_MAX];

	snprintf(shortened, sizeof(shortened), "%s",
		 *name	    ? name
		 : *t->name ? t->name
			    : "events without _case");
	if (!strcmp(shortened, t->name))
		return 0;
	if (*t->name)
		result(t, t->name);
	memcpy(t->name, shortened, sizeof(shortened));
	return load(t);
}

static int judge(struct testing *t, uint64_t line, struct err *e)
{
	struct sigma_logsource given;
	struct sigma_record rec;
	uint64_t time;
	int rc = sigma_json_logsource(t->json, &given, e);
	if (rc < 0)
		return rc;
	const struct sigma_logsource *ls =
		rc ? &given : default_logsource(sigma_engine_rules(t->engine));
	rc = sigma_json_time(t->json, &time, e);
	if (rc)
		return rc;
	struct sigma_view *v = sigma_engine_view(t->engine, ls);
	if (!v || sigma_json_record(t->json, v, time, &rec))
		return err_set(e, -ENOMEM, "out of memory");
	memset(t->alerted, 0, t->nrules * sizeof(*t->alerted));
	sigma_engine_judge(t->engine, v, &rec, on_alert, t);
	compare(t, line);
	return 0;
}

/* A line of the .test file. 0 or -ENOMEM. */
static int test_line(struct testing *t, uint64_t number, const char *line, size_t len)
{
	struct err e;

	for (; len && (*line == ' ' || *line == '\t' || *line == '\r'); line++)
		len--;
	if (!len || *line == '#')
		return 0;
	int rc = sigma_json_read(t->json, line, len, &e);
	if (!rc) {
		rc = begin_case(t);
		if (rc)
			return rc;
		rc = judge(t, number, &e);
	}
	if (rc == -EBADMSG)
		complain(t, number, e.text, NULL);
	return rc == -EBADMSG ? 0 : rc;
}

static int test_lines(struct testing *t, const char *path)
{
	struct lines l = { .fd = lines_open(path) };
	const char *line;
	size_t len;
	int rc;

	if (l.fd < 0) {
		buf_printf(&t->why, "# %s: %s\n", path, strerror(-l.fd));
		result(t, "has tests");
		return 0;
	}
	while ((rc = lines_next(&l, &line, &len)) == 1) {
		rc = test_line(t, l.n, line, len);
		if (rc)
			break;
	}
	if (rc == -EMSGSIZE || rc == -EISDIR || rc == -EIO) {
		complain(t, l.n, strerror(-rc), NULL);
		rc = 0;
	}
	if (*t->name || t->why.len)
		result(t, *t->name ? t->name : "events");
	lines_free(&l);
	close(l.fd);
	return rc;
}

static void result_of_coverage(struct testing *t)
{
	const struct sigma_rules *r = sigma_engine_rules(t->engine);

	for (unsigned i = 0; i < r->n; i++) {
		const char *lacks = !t->hit[i] ? "a hit" : !t->missed[i] ? "a miss" : NULL;
		if (!alerts(r->rule[i]) || !lacks)
			continue;
		buf_printf(&t->why, "# there is no test of %s of ", lacks);
		cmd_rules_put(&t->why, r->rule[i]->title);
		buf_putc(&t->why, '\n');
	}
	result(t, "every rule has a hit and a miss");
}

static void result_of_loading(struct testing *t)
{
	const struct sigma_problems *p = &sigma_engine_rules(t->engine)->problems;

	for (unsigned i = 0; i < p->n; i++)
		if (p->problem[i].kind == SIGMA_ERROR)
			buf_printf(&t->why, "# %u:%u: %s\n", p->problem[i].pos.line,
				   p->problem[i].pos.col, p->problem[i].text);
	result(t, "loads");
}

int testfile_run(const char *file, unsigned *count, unsigned *failed)
{
	struct testing t = { .file = file, .count = count, .failed = failed };
	const char *dot = strrchr(file, '.');
	struct buf path = { 0 };
	int rc = load(&t);

	if (rc)
		return rc;
	t.nrules = sigma_engine_rules(t.engine)->n;
	t.json = sigma_json_new();
	t.alerted = calloc(t.nrules + 1, 1);
	t.hit = calloc(t.nrules + 1, 1);
	t.missed = calloc(t.nrules + 1, 1);
	buf_put(&path, file, dot ? (size_t)(dot - file) : strlen(file));
	buf_puts(&path, ".test");
	rc = t.json && t.alerted && t.hit && t.missed ? 0 : -ENOMEM;
	if (!rc) {
		result_of_loading(&t);
		rc = test_lines(&t, buf_str(&path));
	}
	if (!rc)
		result_of_coverage(&t);
	sigma_engine_free(t.engine);
	sigma_json_free(t.json);
	free(t.alerted);
	free(t.hit);
	free(t.missed);
	buf_free(&t.why);
	buf_free(&path);
	return rc;
}
