/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the daemon: parsing, and the client's side. */
#include "control_wire.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"

#define ANSWER_MAX (1U << 20) /* bytes of an answer */

static int take_text(const json_t *o, const char *key, char *to, size_t cap, struct err *e)
{
	const json_t *v = json_object_get(o, key);
	if (!v)
		return 0;
	const char *text = json_string_value(v);
	if (!text || json_string_length(v) >= cap)
		return err_set(e, -EINVAL, "%s: a string of less than %zu bytes is expected", key,
			       cap);
	memcpy(to, text, json_string_length(v) + 1);
	return 0;
}

static int take_number(const json_t *o, const char *key, json_int_t min, json_int_t max,
		       uint64_t *ret, struct err *e)
{
	const json_t *v = json_object_get(o, key);
	json_int_t n = json_integer_value(v);
	if (!v)
		return 0;
	if (!json_is_integer(v) || n < min || n > max)
		return err_set(e, -EINVAL,
			       "%s: a number from %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT
			       " is expected",
			       key, min, max);
	*ret = (uint64_t)n;
	return 0;
}

static int take_bool(const json_t *o, const char *key, bool *ret, struct err *e)
{
	const json_t *v = json_object_get(o, key);
	if (v && !json_is_boolean(v))
		return err_set(e, -EINVAL, "%s: true or false is expected", key);
	*ret = json_is_true(v);
	return 0;
}

static int parse_tail(const json_t *o, struct tail_config *t, struct err *e)
{
	char format[16] = "text";
	uint64_t pid = 0;
	int rc = take_text(o, "format", format, sizeof(format), e);
	if (!rc)
		rc = take_text(o, "comm", t->filter.comm, sizeof(t->filter.comm), e);
	if (!rc)
		rc = take_text(o, "container", t->filter.container, sizeof(t->filter.container), e);
	if (!rc)
		rc = take_bool(o, "colour", &t->colour, e);
	if (!rc)
		rc = take_bool(o, "alerts_only", &t->filter.alerts_only, e);
	/* A bit per type: the topmost one is JSON's sign. */
	if (!rc)
		rc = take_number(o, "types", INT64_MIN, INT64_MAX, &t->filter.types, e);
	if (!rc)
		rc = take_number(o, "pid", 0, UINT32_MAX, &pid, e);
	if (!rc)
		rc = take_number(o, "count", 0, INT64_MAX, &t->count, e);
	if (!rc && tail_format_by_name(format, &t->format))
		rc = err_set(e, -EINVAL, "there is no format \"%s\"", format);
	if (rc)
		return rc;
	t->client = true;
	t->filter.pid = (uint32_t)pid;
	return 0;
}

int control_request_parse(const char *line, size_t len, struct control_request *ret, struct err *e)
{
	json_error_t je;
	const char *nl = memchr(line, '\n', len);
	json_t *o = json_loadb(line, nl ? (size_t)(nl - line) : len, JSON_REJECT_DUPLICATES, &je);
	const char *command = json_string_value(json_object_get(o, "command"));
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	if (!command) {
		rc = err_set(e, -EINVAL, "request: %s", o ? "no command" : je.text);
	} else if (!strcmp(command, "stats")) {
		ret->command = CONTROL_stats;
	} else if (!strcmp(command, "status")) {
		ret->command = CONTROL_status;
	} else if (!strcmp(command, "reload")) {
		ret->command = CONTROL_reload;
	} else if (!strcmp(command, "tail")) {
		ret->command = CONTROL_tail;
		rc = parse_tail(o, &ret->tail, e);
	} else {
		rc = err_set(e, -EINVAL, "there is no command \"%.40s\"", command);
	}
	json_decref(o);
	return rc;
}

int control_address(const char *path, struct sockaddr_un *ret, struct err *e)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return err_set(e, -EINVAL, "socket path too long: %s", path);
	strcpy(ret->sun_path, path); /* checked: fits */
	return 0;
}

/* The first line of the answer, byte by byte: what follows it belongs to the caller. A note in it
 * goes to *e. */
static int read_answer(int fd, struct err *e)
{
	char line[600];
	size_t n = 0;

	while (n < sizeof(line) - 1) {
		ssize_t k = read(fd, line + n, 1);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return err_set(e, -EIO,
				       "the sensor closed the connection (is it yours to use?)");
		if (line[n++] == '\n')
			break;
	}
	json_t *o = json_loadb(line, n, 0, NULL);
	const char *error = json_string_value(json_object_get(o, "error"));
	int rc = 0;
	if (error)
		rc = err_set(e, -EINVAL, "sensor: %s", error);
	else if (!json_is_true(json_object_get(o, "ok")))
		rc = err_set(e, -EBADMSG, "the socket is not a sensor's");
	else if (json_is_string(json_object_get(o, "note")))
		err_set(e, 0, "%s", json_string_value(json_object_get(o, "note")));
	json_decref(o);
	return rc;
}

static int request(const char *path, json_t *o, struct err *e)
{
	struct sockaddr_un a;
	int rc = control_address(path, &a, e);
	char *text = json_dumps(o, JSON_COMPACT);
	int fd = -1;

	json_decref(o);
	if (!rc)
		err_set(e, 0, "%s", "");
	if (!rc && !text)
		rc = err_set(e, -EINVAL, "request: not UTF-8, or out of memory");
	if (!rc) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
			rc = err_set(e, -errno, "no sensor is running here (%s: %s)", path,
				     strerror(errno));
	}
	if (!rc &&
	    (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 || send(fd, "\n", 1, MSG_NOSIGNAL) < 0))
		rc = err_set(e, -errno, "socket %s: %s", path, strerror(errno));
	if (!rc)
		rc = read_answer(fd, e);
	free(text);
	if (!rc)
		return fd;
	if (fd >= 0)
		close(fd);
	return rc;
}

int control_request_tail(const char *path, const struct tail_config *t, struct err *e)
{
	static const char *const formats[] = {
		[TAIL_text] = "text", [TAIL_json] = "json", [TAIL_proto] = "proto"
	};
	return request(path,
		       json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:s, s:s, s:I}", "command", "tail",
				 "format", formats[t->format], "colour", t->colour, "alerts_only",
				 t->filter.alerts_only, "types", (json_int_t)t->filter.types, "pid",
				 (json_int_t)t->filter.pid, "comm", t->filter.comm, "container",
				 t->filter.container, "count", (json_int_t)t->count),
		       e);
}

/* All that the sensor sends until it closes the connection, which is closed here too. */
static int read_all(int fd, struct buf *ret, struct err *e)
{
	int rc = 0;

	for (;;) {
		char *to = buf_reserve(ret, 4096);
		if (!to || ret->len > ANSWER_MAX) {
			rc = err_set(e, -EBADMSG, "answer too long");
			break;
		}
		ssize_t n = read(fd, to, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = err_set(e, -errno, "socket: %s", strerror(errno));
		if (n <= 0)
			break;
		ret->len += (size_t)n;
	}
	close(fd);
	return rc;
}

int control_request_answer(const char *path, const char *command, struct buf *ret, struct err *e)
{
	int fd = request(path, json_pack("{s:s}", "command", command), e);
	return fd < 0 ? fd : read_all(fd, ret, e);
}
