/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyara, where it is there. Memory is given to it in pieces, of pages that are present only: what
 * a process never touched stays untouched. A string that lies across two pieces is not found; whole
 * runs of up to SCAN_CHUNK bytes are one piece.
 */
#include "scan/yara.h"

#include "scan/scan_private.h"

#ifndef REDSHANK_YARA

#include <errno.h>

bool scan_has_yara(void)
{
	return false;
}

int yara_new(const char *const *paths, unsigned n, struct yara **ret, struct err *e)
{
	(void)n;
	(void)ret;
	return err_set(e, -ENOTSUP, "%s: YARA rules: this redshank was built without libyara",
		       paths[0]);
}

void yara_free(struct yara *y)
{
	(void)y;
}

unsigned yara_rules(const struct yara *y)
{
	(void)y;
	return 0;
}

int yara_scan(struct yara *y, struct scanner *s)
{
	(void)y;
	(void)s;
	return 0;
}

#else

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yara.h>

#define RULES_FILE_MAX (16 << 20)
#define STACK_PIECES   100000 /* of memory, in one process */

struct yara {
	YR_RULES *rules;
	unsigned n;
};

bool scan_has_yara(void)
{
	return true;
}

/* --- compiling --- */

struct compiling {
	YR_COMPILER *compiler;
	struct err *e;
	bool failed;
	unsigned files;
};

static void on_problem(int level, const char *file, int line, const YR_RULE *rule, const char *text,
		       void *ctx)
{
	struct compiling *c = ctx;

	(void)rule;
	if (level != YARA_ERROR_LEVEL_ERROR || c->failed)
		return;
	c->failed = true;
	err_set(c->e, -EINVAL, "%s:%d: %s", file ? file : "rules", line, text);
}

static int add_file(struct compiling *c, const char *path)
{
	struct stat st;
	int rc = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		rc = -errno;
	else if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > RULES_FILE_MAX)
		rc = -EINVAL;
	if (rc)
		err_set(c->e, rc, "%s: %s", path,
			rc == -EINVAL ? "not a file of at most 16 MiB" : strerror(-rc));
	/* Each file is a namespace of its own: rules of two packs may have the same name. */
	else if (yr_compiler_add_fd(c->compiler, fd, path, path))
		rc = c->failed ? -EINVAL : err_set(c->e, -EINVAL, "%s: not YARA rules", path);
	if (fd >= 0)
		close(fd);
	c->files += !rc;
	return rc;
}

static int is_rules(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');
	return dot && (!strcmp(dot, ".yar") || !strcmp(dot, ".yara"));
}

static int add_path(struct compiling *c, const char *path)
{
	struct dirent **names;
	struct stat st;
	char file[4096];
	int rc = 0;

	if (stat(path, &st))
		return err_set(c->e, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return add_file(c, path);
	int n = scandir(path, &names, is_rules, alphasort);
	if (n < 0)
		return err_set(c->e, -errno, "%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		if (!rc)
			rc = add_file(c, file);
		free(names[i]);
	}
	free(names);
	return rc;
}

static int get_rules(struct compiling *c, struct yara *y)
{
	YR_RULE *rule;

	if (!c->files)
		return err_set(c->e, -ENOENT, "no YARA rules there (*.yar, *.yara)");
	if (yr_compiler_get_rules(c->compiler, &y->rules))
		return err_set(c->e, -ENOMEM, "YARA: out of memory");
	yr_rules_foreach(y->rules, rule) y->n += !RULE_IS_PRIVATE(rule);
	return 0;
}

int yara_new(const char *const *paths, unsigned n, struct yara **ret, struct err *e)
{
	struct compiling c = { .e = e };
	struct yara *y = calloc(1, sizeof(*y));
	int rc = 0;

	if (!y || yr_initialize()) {
		free(y);
		return err_set(e, -ENOMEM, "YARA: out of memory");
	}
	if (yr_compiler_create(&c.compiler))
		rc = err_set(e, -ENOMEM, "YARA: out of memory");
	else
		yr_compiler_set_callback(c.compiler, on_problem, &c);
	for (unsigned i = 0; !rc && i < n; i++)
		rc = add_path(&c, paths[i]);
	if (!rc)
		rc = get_rules(&c, y);
	if (c.compiler)
		yr_compiler_destroy(c.compiler);
	if (rc) {
		yara_free(y);
		return rc;
	}
	*ret = y;
	return 0;
}

void yara_free(struct yara *y)
{
	if (!y)
		return;
	if (y->rules)
		yr_rules_destroy(y->rules);
	yr_finalize();
	free(y);
}

unsigned yara_rules(const struct yara *y)
{
	return y ? y->n : 0;
}

/* --- memory, in pieces --- */

struct pieces {
	struct scanner *s;
	unsigned map;
	uint64_t at; /* in that map; 0: at its start */
	unsigned n;
	int error;
	size_t len; /* of the piece in s->chunk */
	YR_MEMORY_BLOCK block;
};

/* What is worth looking at: all that is not the unchanged content of a file. */
static bool wanted(const struct scanner *s, const struct map *v)
{
	return v->perms[0] == 'r' && v->kind != MAPPING_special &&
	       (v->perms[3] == 'p' || scan_is_memory_file(s, v));
}

static const uint8_t *fetch(YR_MEMORY_BLOCK *b)
{
	struct pieces *p = b->context;
	return p->s->chunk;
}

static YR_MEMORY_BLOCK *next_piece(YR_MEMORY_BLOCK_ITERATOR *it)
{
	struct pieces *p = it->context;
	const struct maps *m = &p->s->target.maps;
	uint64_t start;
	size_t len;

	it->last_error = ERROR_SUCCESS;
	for (; p->map < m->n; p->map++, p->at = 0) {
		const struct map *v = &m->map[p->map];
		if (!wanted(p->s, v))
			continue;
		p->at = p->at ? p->at : v->start;
		bool own = v->kind == MAPPING_file && v->perms[3] == 'p';
		while (scan_next_run(p->s, &p->at, v->end, SCAN_CHUNK, false, own, &start, &len)) {
			p->error = p->n++ < STACK_PIECES ? pace_step(&p->s->pace) : -ETIME;
			if (p->error)
				return NULL;
			len = target_read(&p->s->target, start, p->s->chunk, len);
			if (!len)
				continue;
			p->s->st.bytes += len;
			p->block = (YR_MEMORY_BLOCK){
				.base = start, .size = len, .context = p, .fetch_data = fetch
			};
			return &p->block;
		}
	}
	return NULL;
}

static YR_MEMORY_BLOCK *first_piece(YR_MEMORY_BLOCK_ITERATOR *it)
{
	struct pieces *p = it->context;

	p->map = 0;
	p->at = 0;
	return next_piece(it);
}

/* --- matches --- */

static void add_text(char *list, size_t *len, const char *text)
{
	size_t n = strlen(text) + (*len != 0);

	if (*len + n > SCAN_LIST_MAX)
		return;
	if (*len)
		list[(*len)++] = '\0';
	memcpy(list + *len, text, strlen(text));
	*len += strlen(text);
}

static void put_rule(struct scan_finding *f, const YR_RULE *rule)
{
	const char *tag;
	YR_META *meta;
	char text[300];

	f->rule = rule->identifier;
	yr_rule_tags_foreach(rule, tag) add_text(f->tags, &f->tags_len, tag);
	yr_rule_metas_foreach(rule, meta)
	{
		if (meta->type == META_TYPE_STRING)
			snprintf(text, sizeof(text), "%s=%s", meta->identifier, meta->string);
		else
			snprintf(text, sizeof(text), "%s=%lld", meta->identifier,
				 (long long)meta->integer);
		add_text(f->meta, &f->meta_len, text);
	}
}

/* Where the first of its strings was found. */
static void put_match(struct scan_finding *f, YR_SCAN_CONTEXT *context, YR_RULE *rule,
		      const struct maps *m)
{
	YR_STRING *string;
	YR_MATCH *match;

	yr_rule_strings_foreach(rule, string)
	{
		yr_string_matches_foreach(context, string, match)
		{
			f->at = (uint64_t)(match->base + match->offset);
			f->map = maps_at(m, f->at);
			f->nbytes = match->data_length < SCAN_BYTES ? (unsigned)match->data_length
								    : SCAN_BYTES;
			memcpy(f->bytes, match->data, f->nbytes);
			return;
		}
	}
}

static int on_match(YR_SCAN_CONTEXT *context, int message, void *data, void *ctx)
{
	struct pieces *p = ctx;
	struct scan_finding f = { .kind = SCAN_yara, .regions = 1 };

	if (message != CALLBACK_MSG_RULE_MATCHING)
		return CALLBACK_CONTINUE;
	put_rule(&f, data);
	put_match(&f, context, data, &p->s->target.maps);
	scan_found(p->s, &f);
	return CALLBACK_CONTINUE;
}

int yara_scan(struct yara *y, struct scanner *s)
{
	struct pieces p = { .s = s };
	YR_MEMORY_BLOCK_ITERATOR it = { .context = &p, .first = first_piece, .next = next_piece };
	YR_SCANNER *scanner;

	if (yr_scanner_create(y->rules, &scanner))
		return 0;
	yr_scanner_set_callback(scanner, on_match, &p);
	/* Its handlers of SIGBUS and SIGSEGV are for mapped files; ours is plain memory. */
	yr_scanner_set_flags(scanner, SCAN_FLAGS_PROCESS_MEMORY | SCAN_FLAGS_REPORT_RULES_MATCHING |
					      SCAN_FLAGS_NO_TRYCATCH);
	/* Of the clock, not of the CPU: a single piece must not take for ever. */
	yr_scanner_set_timeout(scanner, (int)(s->pace.process_ns / 1000000000ULL) * 100 /
						(int)s->pace.percent);
	int rc = yr_scanner_scan_mem_blocks(scanner, &it);
	s->cut |= rc != ERROR_SUCCESS;
	yr_scanner_destroy(scanner);
	return p.error;
}

#endif
