/* SPDX-License-Identifier: Apache-2.0 */
/* Loading, reloading and keeping the rules. */
#include "rules.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "state.h"

#define PROBLEMS_SHOWN 20

/* --- loading --- */

static void show_problem(void *ctx, const struct sigma_problem *p)
{
	unsigned *shown = ctx;

	if (p->kind != SIGMA_ERROR || ++*shown > PROBLEMS_SHOWN)
		return;
	log_warning("%s:%u:%u: %s", p->pos.file ? p->pos.file : "rules", p->pos.line, p->pos.col,
		    p->text);
}

const char *rules_pack_path(void)
{
	static const char *const beside[] = { "/../rules", "/../share/redshank/rules" };
	static char path[4096];
	char exe[3072];

	if (!access(RULES_PATH_PACK, R_OK))
		return RULES_PATH_PACK;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	char *slash = strrchr(exe, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s", exe, beside[i]);
		if (!access(path, R_OK))
			return path;
	}
	return NULL;
}

/* The path to load, or NULL to leave out a default that is not there. */
static const char *existing(const char *path)
{
	if (!strcmp(path, RULES_PATH_PACK))
		return rules_pack_path();
	if (!strcmp(path, RULES_PATH_LOCAL) && access(path, F_OK))
		return NULL;
	return path;
}

/* NAME=VALUE entries of one name are its values; they are put side by side. */
void rules_placeholders(const struct config *c, struct rules_placeholders *ret)
{
	bool taken[RULES_PLACEHOLDERS_MAX] = { false };
	unsigned nvalues = 0;

	ret->n = 0;
	for (unsigned i = 0; i < c->rules_placeholders; i++) {
		memcpy(ret->text[i], c->rules_placeholder[i], sizeof(ret->text[i]));
		*strchr(ret->text[i], '=') = '\0';
	}
	for (unsigned i = 0; i < c->rules_placeholders; i++) {
		if (taken[i])
			continue;
		struct sigma_placeholder *p = &ret->p[ret->n++];
		*p = (struct sigma_placeholder){ .name = ret->text[i],
						 .values = { 0, &ret->value[nvalues] } };
		for (unsigned k = i; k < c->rules_placeholders; k++) {
			if (strcmp(ret->text[k], p->name))
				continue;
			taken[k] = true;
			ret->value[nvalues++] = ret->text[k] + strlen(ret->text[k]) + 1;
			p->values.n++;
		}
	}
}

int rules_load(const struct config *c, struct ruleset **ret, struct err *e)
{
	struct rule_pack packs[2 * RULES_PATHS_MAX];
	struct rules_placeholders *ph = calloc(1, sizeof(*ph));
	unsigned shown = 0;

	if (!ph)
		return err_set(e, -ENOMEM, "rules: out of memory");
	rules_placeholders(c, ph);
	struct ruleset_config rc = {
		.pack = packs,
		.level_min = severity_by_name(c->rules_level_min),
		.engine.compile = { .nplaceholders = ph->n, .placeholder = ph->p },
	};
	for (unsigned i = 0; i < c->rules_paths; i++) {
		const char *path = existing(c->rules_path[i]);
		if (path)
			packs[rc.npacks++] = (struct rule_pack){ path, SEVERITY_none };
	}
	for (unsigned i = 0; i < c->rules_imported_paths; i++)
		packs[rc.npacks++] =
			(struct rule_pack){ c->rules_imported[i],
					    severity_by_name(c->rules_imported_level_max) };
	int error = ruleset_new(&rc, show_problem, &shown, ret, e);
	free(ph);
	if (!error && shown > PROBLEMS_SHOWN)
		log_warning("rules: %u more errors; redshank rules check lists all",
			    shown - PROBLEMS_SHOWN);
	return error;
}

int rules_only(struct config *c, const char *const *paths, unsigned n, struct err *e)
{
	c->rules_paths = c->rules_imported_paths = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!*paths[i])
			continue;
		if (strlen(paths[i]) >= CONFIG_TEXT)
			return err_set(e, -EINVAL, "longer than %d bytes: %.80s…", CONFIG_TEXT - 1,
				       paths[i]);
		strcpy(c->rules_path[c->rules_paths++], paths[i]); /* checked: fits */
	}
	return 0;
}

/* --- the running ones --- */

struct rules {
	struct pipeline *pipeline;
	const struct config *config;
	struct state *state;
	bool under_way;
	pthread_t thread;
	int done_fd; /* eventfd: the thread has ended */
	rules_done_fn *fn;
	void *ctx;
	/* The thread's result: */
	struct ruleset *fresh;
	int error;
	struct err err;
};

static struct ruleset *running(const struct rules *r)
{
	return pipeline_rules(r->pipeline);
}

static void *load_thread(void *arg)
{
	struct rules *r = arg;
	uint64_t one = 1;

	r->error = rules_load(r->config, &r->fresh, &r->err);
	/* An eventfd takes this always. */
	return write(r->done_fd, &one, sizeof(one)) < 0 ? arg : NULL;
}

static void finish(struct rules *r)
{
	struct ruleset_stats st = { 0 }, old;
	char line[700];

	pthread_join(r->thread, NULL);
	r->under_way = false;
	if (!r->error) {
		ruleset_get_stats(r->fresh, &st);
		ruleset_get_stats(running(r), &old);
		/* At the start a mistake costs its rule; a mistake made since costs nothing. */
		if (st.errors > old.errors) {
			r->error = err_set(&r->err, -EINVAL, "%u errors, see redshank rules check",
					   st.errors);
			ruleset_free(r->fresh);
		}
	}
	if (r->error)
		snprintf(line, sizeof(line), "rules not reloaded, the old ones go on: %s",
			 r->err.text);
	else
		snprintf(line, sizeof(line), "rules reloaded: %u rules, %u correlations, %u errors",
			 st.rules, st.correlations, st.errors);
	if (!r->error)
		pipeline_set_rules(r->pipeline, r->fresh);
	r->fresh = NULL;
	if (r->error)
		log_warning("%s", line);
	else
		log_info("%s", line);
	if (r->fn)
		r->fn(r->ctx, !r->error, line);
}

static void on_done(void *ctx, uint32_t events)
{
	struct rules *r = ctx;
	uint64_t n;

	(void)events;
	if (read(r->done_fd, &n, sizeof(n)) == sizeof(n))
		finish(r);
}

int rules_start(struct pipeline *p, const struct config *c, struct ruleset *set, struct rules **ret,
		struct err *e)
{
	struct rules *r = calloc(1, sizeof(*r));
	int rc = 0;

	if (!r) {
		ruleset_free(set);
		return err_set(e, -ENOMEM, "out of memory");
	}
	r->pipeline = p;
	r->config = c;
	pipeline_set_rules(p, set);
	r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = r->done_fd < 0 ? -errno
			    : loop_watch(pipeline_loop(p), r->done_fd, EPOLLIN, on_done, r);
	if (!rc)
		rc = state_open(p, c->rules_state, &r->state);
	if (rc) {
		if (r->done_fd >= 0)
			close(r->done_fd);
		free(r);
		return err_set(e, rc, "rules: %s", strerror(-rc));
	}
	*ret = r;
	return 0;
}

int rules_reload(struct rules *r, rules_done_fn *fn, void *ctx, struct err *e)
{
	if (r->under_way)
		return err_set(e, -EALREADY, "a reload of the rules is under way");
	r->fn = fn;
	r->ctx = ctx;
	int rc = -pthread_create(&r->thread, NULL, load_thread, r);
	if (rc)
		return err_set(e, rc, "rules: %s", strerror(-rc));
	r->under_way = true;
	return 0;
}

/* An exception ends on its day, not at the next restart. */
static void reload_expired(struct rules *r)
{
	uint64_t when = ruleset_expires(running(r));
	struct err e;

	if (when && when <= clock_unix() && rules_reload(r, NULL, NULL, &e) && !r->under_way)
		log_warning("%s", e.text);
}

void rules_tick(struct rules *r)
{
	reload_expired(r);
	state_tick(r->state);
}

void rules_stop(struct rules *r)
{
	if (!r)
		return;
	if (r->under_way) {
		pthread_join(r->thread, NULL);
		if (!r->error)
			ruleset_free(r->fresh);
	}
	state_close(r->state);
	loop_unwatch(pipeline_loop(r->pipeline), r->done_fd);
	close(r->done_fd);
	free(r);
}
