/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands of `redshank rules` share: finding rules, printing. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/utf8.h"
#include "cmd.h"
#include "cmd_rules.h"
#include "config.h"
#include "detect/rule_info.h"
#include "rules.h"

static bool is_dir(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* A pack in the working directory is being worked on; else the installed one; and local rules. */
static char *const *default_paths(void)
{
	static char pack[4096], local[] = RULES_PATH_LOCAL;
	static char *paths[3];
	const char *found = is_dir("rules") ? "rules" : rules_pack_path();
	unsigned n = 0;

	if (found && snprintf(pack, sizeof(pack), "%s", found) < (int)sizeof(pack))
		paths[n++] = pack;
	if (is_dir(local))
		paths[n++] = local;
	paths[n] = NULL;
	return paths;
}

/* What the daemon would know, as far as this user may read it. */
static int read_config(struct rules_placeholders *ret, struct err *e)
{
	struct config c;

	config_defaults(&c);
	int rc = config_load(&c, CONFIG_PATH_DEFAULT, e);
	if (rc && rc != -ENOENT && rc != -EACCES)
		return rc;
	rules_placeholders(&c, ret);
	return 0;
}

int cmd_rules_load(char *const *paths, struct sigma_engine **ret)
{
	static struct rules_placeholders ph;
	struct sigma_engine_options o = { 0 };
	struct sigma_rules *r = NULL;
	struct stat st;
	struct err e;

	if (!*paths)
		paths = default_paths();
	if (!*paths) {
		log_error("no rules in ./rules, " RULES_PATH_PACK " or " RULES_PATH_LOCAL
			  ": name a PATH");
		return EX_NOINPUT;
	}
	for (char *const *p = paths; *p; p++) {
		if (stat(*p, &st)) {
			log_error("%s: %s", *p, strerror(errno));
			return errno == EACCES ? EX_NOPERM : EX_NOINPUT;
		}
	}
	int rc = read_config(&ph, &e);
	if (rc)
		return cmd_fail(rc, &e);
	o.compile.nplaceholders = ph.n;
	o.compile.placeholder = ph.p;
	rc = sigma_rules_new(&r);
	/* Bounds that are reached are problems too: the rules before them are used. */
	for (char *const *p = paths; *p && !rc; p++)
		if (sigma_load(r, *p))
			break;
	if (rc) {
		err_set(&e, rc, "out of memory");
		return cmd_fail(rc, &e);
	}
	r->foreign = DETECTOR_PREFIX;
	rc = sigma_engine_new(r, &o, ret, &e);
	return rc ? cmd_fail(rc, &e) : 0;
}

int cmd_rules_load_usable(char *const *paths, struct sigma_engine **ret)
{
	struct sigma_engine *g = NULL;
	int rc = cmd_rules_load(paths, &g);

	if (rc)
		return rc;
	const struct sigma_rules *r = sigma_engine_rules(g);
	cmd_rules_problems(&r->problems, stderr);
	for (unsigned i = 0; i < r->n; i++) {
		if (r->rule[i]->kind != SIGMA_FILTER && !r->rule[i]->broken) {
			*ret = g;
			return 0;
		}
	}
	log_error(r->problems.errors ? "no rule is without errors" : "no rules found");
	sigma_engine_free(g);
	return EX_DATAERR;
}

void cmd_rules_problems(const struct sigma_problems *p, FILE *to)
{
	struct buf b = { 0 };

	for (unsigned i = 0; i < p->n; i++) {
		const struct sigma_problem *m = &p->problem[i];
		buf_reset(&b);
		cmd_rules_put(&b, m->pos.file ? m->pos.file : "rules");
		if (m->pos.line)
			buf_printf(&b, ":%u:%u", m->pos.line, m->pos.col);
		buf_printf(&b, ": %s: %s\n", m->kind == SIGMA_ERROR ? "error" : "warning", m->text);
		fwrite(b.data, 1, b.len, to);
	}
	if (p->dropped)
		fprintf(to, "rules: %u more problems\n", p->dropped);
	buf_free(&b);
}

int cmd_rules_write(struct buf *b, bool flush, struct err *e)
{
	bool failed = b->failed || (b->len && fwrite(b->data, 1, b->len, stdout) != b->len);

	buf_reset(b);
	if (failed || (flush && fflush(stdout)))
		return err_set(e, -EIO, "the output could not be written (disk full?)");
	return 0;
}

void cmd_rules_put_logsource(struct buf *b, const struct sigma_logsource *ls)
{
	cmd_rules_put(b, ls->product ? ls->product : "*");
	if (ls->category) {
		buf_putc(b, '/');
		cmd_rules_put(b, ls->category);
	}
	if (ls->service) {
		buf_putc(b, '/');
		cmd_rules_put(b, ls->service);
	}
}

void cmd_rules_put(struct buf *b, const char *s)
{
	utf8_printable(b, s, strlen(s));
}
