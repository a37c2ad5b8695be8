/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's socket, server side. */
#include "control.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "control_wire.h"
#include "coverage.h"
#include "encode/json_writer.h"

#define NOTE_MAX 400 /* bytes of a note: an answer's first line is short */

struct client {
	struct control *control;
	int fd; /* -1: free */
	struct sink *sink; /* its stream; NULL: it has not asked for one */
	bool waiting; /* for a reload to be done */
	uint64_t since; /* CLOCK_MONOTONIC ns */
	size_t len;
	char request[CONTROL_REQUEST_MAX];
};

struct control {
	struct pipeline *pipeline;
	int fd;
	char path[CONTROL_PATH_MAX];
	void (*status)(void *ctx, struct buf *out);
	void *status_ctx;
	int (*reload)(void *ctx, struct err *e);
	void *reload_ctx;
	struct client client[CONTROL_CLIENTS_MAX];
};

static void drop(struct client *c)
{
	loop_unwatch(pipeline_loop(c->control->pipeline), c->fd);
	if (c->sink) {
		pipeline_remove_sink(c->control->pipeline, c->sink);
		c->sink->ops->close(c->sink, 0); /* closes fd */
	} else {
		close(c->fd);
	}
	c->fd = -1;
	c->sink = NULL;
}

/* A short answer; a client that does not take it at once goes without. */
static void answer(struct client *c, const char *text, size_t len)
{
	ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n;
}

static void refuse(struct client *c, const char *why)
{
	char line[600];
	json_t *o = json_pack("{s:s}", "error", why);
	char *text = json_dumps(o, JSON_COMPACT);
	int n = snprintf(line, sizeof(line), "%s\n", text ? text : "{\"error\":\"?\"}");
	answer(c, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
	free(text);
	json_decref(o);
	drop(c);
}

static void give_object(struct client *c, enum control_command command)
{
	struct control *control = c->control;
	struct buf b = { 0 };

	if (command == CONTROL_status && !control->status) {
		refuse(c, "this sensor does not tell its status");
		return;
	}
	buf_puts(&b, "{\"ok\":true}\n");
	if (command == CONTROL_status)
		control->status(control->status_ctx, &b);
	else
		pipeline_stats_json(control->pipeline, &b);
	buf_putc(&b, '\n');
	answer(c, b.data, b.len);
	buf_free(&b);
	drop(c);
}

/* The answer comes with control_reloaded(). */
static void begin_reload(struct client *c)
{
	struct err e = { "this sensor has no rules" };

	if (!c->control->reload || c->control->reload(c->control->reload_ctx, &e))
		refuse(c, e.text);
	else
		c->waiting = true;
}

/* Yes, and which of the events asked for will not come. */
static void accept_tail(struct client *c, const struct tail_config *t)
{
	struct buf b = { 0 }, note = { 0 };
	unsigned n;
	const struct hook_state *h = pipeline_hooks(c->control->pipeline, &n);

	coverage_missing(&note, h, n, filter_types(&t->filter));
	buf_puts(&b, "{\"ok\":true");
	if (note.len) {
		buf_puts(&b, ",\"note\":");
		json_quote(&b, note.data, note.len < NOTE_MAX ? note.len : NOTE_MAX);
	}
	buf_puts(&b, "}\n");
	answer(c, b.data, b.len);
	buf_free(&b);
	buf_free(&note);
}

static void give_tail(struct client *c, const struct tail_config *t)
{
	struct sink *s;

	accept_tail(c, t);
	if (tail_open(c->fd, t, &s)) {
		drop(c);
		return;
	}
	c->sink = s;
	if (pipeline_add_sink(c->control->pipeline, s, false)) {
		c->sink = NULL;
		s->ops->close(s, 0);
		loop_unwatch(pipeline_loop(c->control->pipeline), c->fd);
		c->fd = -1;
	}
}

static void handle(struct client *c)
{
	struct control_request req;
	struct err e;

	if (control_request_parse(c->request, c->len, &req, &e))
		refuse(c, e.text);
	else if (req.command == CONTROL_tail)
		give_tail(c, &req.tail);
	else if (req.command == CONTROL_reload)
		begin_reload(c);
	else
		give_object(c, req.command);
}

static void on_client(void *ctx, uint32_t events)
{
	struct client *c = ctx;
	bool waiting = false;

	if (c->sink) {
		/* A stream's client has nothing more to say: readable means gone. */
		if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) ||
		    tail_client_write(c->sink, &waiting)) {
			drop(c);
			return;
		}
		loop_change(pipeline_loop(c->control->pipeline), c->fd,
			    EPOLLIN | (waiting ? EPOLLOUT : 0));
		return;
	}
	ssize_t n = recv(c->fd, c->request + c->len, sizeof(c->request) - c->len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	c->len += (size_t)n;
	if (memchr(c->request, '\n', c->len))
		handle(c);
	else if (c->len == sizeof(c->request))
		refuse(c, "request line too long");
}

static bool may_use(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return false;
	return !cred.uid || cred.uid == geteuid();
}

static void on_connect(void *ctx, uint32_t events)
{
	struct control *c = ctx;
	(void)events;
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (!may_use(fd)) {
		close(fd);
		return;
	}
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *cl = &c->client[i];
		if (cl->fd >= 0)
			continue;
		cl->control = c;
		cl->fd = fd;
		cl->sink = NULL;
		cl->waiting = false;
		cl->len = 0;
		cl->since = clock_monotonic();
		if (!loop_watch(pipeline_loop(c->pipeline), fd, EPOLLIN, on_client, cl))
			return;
		cl->fd = -1;
		break;
	}
	static const char full[] = "{\"error\":\"the sensor has as many clients as it takes\"}\n";
	ssize_t n = send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n;
	close(fd);
}

static void on_finish(void *ctx, struct sink *s)
{
	struct control *c = ctx;
	bool waiting;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *cl = &c->client[i];
		if (cl->fd >= 0 && cl->sink == s && tail_client_write(s, &waiting))
			drop(cl);
	}
}

void control_on_status(struct control *c, void (*fn)(void *ctx, struct buf *out), void *ctx)
{
	c->status = fn;
	c->status_ctx = ctx;
}

void control_on_reload(struct control *c, int (*fn)(void *ctx, struct err *e), void *ctx)
{
	c->reload = fn;
	c->reload_ctx = ctx;
}

void control_reloaded(struct control *c, bool ok, const char *line)
{
	struct buf b = { 0 };

	buf_puts(&b, "{\"ok\":true}\n");
	json_quote(&b, line, strlen(line));
	buf_putc(&b, '\n');
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *cl = &c->client[i];
		if (cl->fd < 0 || !cl->waiting)
			continue;
		if (!ok) {
			refuse(cl, line);
			continue;
		}
		answer(cl, b.data, b.len);
		drop(cl);
	}
	buf_free(&b);
}

void control_tick(struct control *c)
{
	uint64_t now = clock_monotonic();
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *cl = &c->client[i];
		if (cl->fd < 0)
			continue;
		if (!cl->sink) {
			if (!cl->waiting && now - cl->since > CONTROL_REQUEST_NS)
				drop(cl);
			continue;
		}
		bool waiting;
		if (tail_client_write(cl->sink, &waiting))
			drop(cl);
		else if (waiting)
			loop_change(pipeline_loop(c->pipeline), cl->fd, EPOLLIN | EPOLLOUT);
	}
}

/* The directory of the socket, for us alone. Only its last part is made. */
static int make_directory(const char *path, struct err *e)
{
	char dir[CONTROL_PATH_MAX];
	struct stat st;

	snprintf(dir, sizeof(dir), "%s", path);
	char *slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_set(e, -errno, "socket directory %s: %s", dir, strerror(errno));
	if (stat(dir, &st))
		return err_set(e, -errno, "socket directory %s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode) || (st.st_uid != geteuid() && st.st_uid))
		return err_set(e, -EACCES, "socket directory %s belongs to uid %u, not to us", dir,
			       st.st_uid);
	return 0;
}

/* connect(2) refuses other files with the same error, and those are not ours to remove. */
static bool is_socket(const char *path)
{
	struct stat st;
	return !lstat(path, &st) && S_ISSOCK(st.st_mode);
}

static int bind_socket(int fd, const char *path, struct err *e)
{
	struct sockaddr_un a;
	int rc = control_address(path, &a, e);
	if (rc)
		return rc;
	/* A socket that nobody answers at is left over from a sensor that was killed. */
	/* Non-blocking: a sensor that is stopped, its backlog full, is one that runs. */
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe >= 0 && (!connect(probe, (struct sockaddr *)&a, sizeof(a)) || errno == EAGAIN))
		rc = err_set(e, -EADDRINUSE,
			     "a sensor is running already (%s); redshank tail shows what it sees",
			     path);
	else if (probe >= 0 && errno == ECONNREFUSED && is_socket(path))
		unlink(path);
	if (probe >= 0)
		close(probe);
	if (rc)
		return rc;
	mode_t old = umask(0177);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 16))
		rc = err_set(e, -errno, "socket %s: %s", path, strerror(errno));
	umask(old);
	return rc;
}

int control_open(struct pipeline *p, const char *path, struct control **ret, struct err *e)
{
	int rc = strlen(path) < CONTROL_PATH_MAX
			 ? make_directory(path, e)
			 : err_set(e, -EINVAL, "socket path too long: %s", path);
	if (rc)
		return rc;
	struct control *c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(e, -ENOMEM, "out of memory");
	c->pipeline = p;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->client[i].fd = -1;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		rc = err_set(e, -errno, "socket: %s", strerror(errno));
	if (!rc)
		rc = bind_socket(c->fd, path, e);
	if (!rc) {
		snprintf(c->path, sizeof(c->path), "%s", path);
		rc = loop_watch(pipeline_loop(p), c->fd, EPOLLIN, on_connect, c);
		if (rc)
			err_set(e, rc, "epoll: %s", strerror(-rc));
	}
	if (rc) {
		control_close(c);
		return rc;
	}
	pipeline_on_finish(p, on_finish, c);
	*ret = c;
	return 0;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	if (c->fd >= 0) {
		loop_unwatch(pipeline_loop(c->pipeline), c->fd);
		close(c->fd);
	}
	pipeline_on_finish(c->pipeline, NULL, NULL);
	if (*c->path)
		unlink(c->path);
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->client[i].fd >= 0 && !c->client[i].sink)
			drop(&c->client[i]);
	free(c);
}
