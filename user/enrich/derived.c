/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that no record has: from the process table, the host and the user table. */
#include "enrich/fields.h"

#include <string.h>

#include "enrich/address.h"
#include "enrich/container.h"
#include "enrich/container_info.h"
#include "enrich/exec_way.h"
#include "enrich/proctree.h"
#include "enrich/session.h"
#include "enrich/users.h"

/* Fields of exec and proc records that other events have from the process table. */
enum own { OWN_args, OWN_cgpath, OWN_tty, OWN_COUNT };

/* NULL if the event has no such field of its own. Looked up once per event type. */
static const struct field *own(const struct ev_desc *d, enum own which)
{
	static const char *const names[OWN_COUNT] = {
		[OWN_args] = "process.args",
		[OWN_cgpath] = "redshank.cgroup.path",
		[OWN_tty] = "redshank.tty",
	};
	static struct {
		bool known;
		const struct field *f[OWN_COUNT];
	} cache[EV_TYPE_MAX];

	if (!cache[d->id].known) {
		for (unsigned i = 0; i < OWN_COUNT; i++)
			cache[d->id].f[i] = field_find(d, names[i]);
		cache[d->id].known = true;
	}
	return cache[d->id].f[which];
}

static const struct image *image(const struct event *ev)
{
	return ev->proc ? ev->proc->image : NULL;
}

static const struct proc *parent(const struct event *ev)
{
	return ev->proc && ev->tree ? proctree_parent(ev->tree, ev->proc) : NULL;
}

static const struct image *parent_image(const struct event *ev)
{
	const struct proc *p = parent(ev);
	return p ? p->image : NULL;
}

static void put_text(struct value *v, const char *s)
{
	value_str(v, s, strlen(s));
}

/* In tmp, because the user table may be read again before the value is used. */
static void put_user_name(struct value *v, uint32_t uid, uint32_t mntns)
{
	value_printf(v, "%s", user_name(uid, mntns));
}

static void put_time(const struct event *ev, struct value *v, uint64_t boottime)
{
	if (!boottime)
		return;
	v->kind = VALUE_time;
	v->num = boottime + (uint64_t)ev->host->unix_offset;
}

static void put_args(struct value *v, const struct image *im)
{
	if (!im || !im->args_len)
		return;
	v->kind = VALUE_list;
	v->p = im->args;
	v->len = im->args_len;
	v->truncated = im->args_truncated;
	if (!v->p[v->len - 1])
		v->len--;
}

static void get_args(const struct event *ev, struct value *v)
{
	const struct field *f = own(ev->desc, OWN_args);

	if (f)
		value_get(ev, f, v);
	else
		put_args(v, image(ev));
}

static void get_command_line(const struct event *ev, struct value *v)
{
	get_args(ev, v);
	v->joined = true;
}

static void get_cgpath(const struct event *ev, struct value *v)
{
	const struct field *f = own(ev->desc, OWN_cgpath);

	if (f)
		value_get(ev, f, v);
	else if (image(ev))
		value_str(v, image(ev)->cgpath, image(ev)->cgpath_len);
}

static void get_tty(const struct event *ev, struct value *v)
{
	const struct field *f = own(ev->desc, OWN_tty);

	if (f)
		value_get(ev, f, v);
	else if (image(ev))
		value_str(v, image(ev)->tty, image(ev)->tty_len);
}

static void get_interactive(const struct event *ev, struct value *v)
{
	if (!own(ev->desc, OWN_tty) && !image(ev))
		return;
	get_tty(ev, v);
	v->num = v->kind == VALUE_str;
	v->kind = VALUE_bool;
}

static void get_container_id(const struct event *ev, struct value *v)
{
	get_cgpath(ev, v);
	v->kind = VALUE_none;
	if (container_id(v->p, v->len, &v->p, &v->len))
		value_str(v, v->p, v->len);
}

static void get_container_runtime(const struct event *ev, struct value *v)
{
	get_cgpath(ev, v);
	put_text(v, container_runtime(v->p, v->len));
}

static const struct container_info *info_of(const struct event *ev)
{
	struct value id;

	value_str(&id, "", 0);
	get_container_id(ev, &id);
	return id.kind == VALUE_str ? container_info(id.p, id.len) : NULL;
}

/* In tmp, because another container may take the place before the value is used. */
static void put_info(struct value *v, const char *text)
{
	if (*text)
		value_printf(v, "%s", text);
}

#define CONTAINER_GETTER(member_)                                                    \
	static void get_container_##member_(const struct event *ev, struct value *v) \
	{                                                                            \
		const struct container_info *c = info_of(ev);                        \
		put_info(v, c ? c->member_ : "");                                    \
	}
CONTAINER_GETTER(name)
CONTAINER_GETTER(image)
CONTAINER_GETTER(image_name)
CONTAINER_GETTER(image_tag)
CONTAINER_GETTER(image_id)
#undef CONTAINER_GETTER

static void get_sha256(const struct event *ev, struct value *v)
{
	if (image(ev) && *image(ev)->sha256)
		put_text(v, image(ev)->sha256);
}

static void get_sha256_missing(const struct event *ev, struct value *v)
{
	if (image(ev) && !*image(ev)->sha256 && image(ev)->sha256_missing)
		put_text(v, image(ev)->sha256_missing);
}

static void get_entity_id(const struct event *ev, struct value *v)
{
	char id[ENTITY_ID_LEN];

	if (!ev->rec->pid)
		return;
	entity_id(ev->host, ev->rec->pid, ev->rec->start, id);
	value_printf(v, "%s", id);
}

static void get_executable(const struct event *ev, struct value *v)
{
	if (image(ev))
		value_str(v, image(ev)->exe, image(ev)->exe_len);
}

static void get_cwd(const struct event *ev, struct value *v)
{
	if (image(ev))
		value_str(v, image(ev)->cwd, image(ev)->cwd_len);
}

static void get_exe_origin(const struct event *ev, struct value *v)
{
	const char *name = image(ev) ? exe_origin_name(image(ev)->exe_origin) : NULL;

	if (name)
		put_text(v, name);
}

static void get_exec_time(const struct event *ev, struct value *v)
{
	if (ev->proc && ev->desc->id != EV_exec)
		put_time(ev, v, ev->proc->exec_time);
}

static void get_previous_executable(const struct event *ev, struct value *v)
{
	const struct image *im = ev->proc ? ev->proc->prev_image : NULL;

	if (im && ev->desc->id == EV_exec)
		value_str(v, im->exe, im->exe_len);
}

/* A program that starts itself again, also one that was removed meanwhile. */
static void get_same_file(const struct event *ev, struct value *v)
{
	const struct ev_exec *x = EVENT_AS(exec, ev);
	const struct image *im = ev->proc ? ev->proc->prev_image : NULL;

	if (ev->desc->id != EV_exec || !im || im->exe_ino != x->exe_ino ||
	    im->exe_dev != x->exe_dev)
		return;
	v->kind = VALUE_bool;
	v->num = true;
}

static void get_exec_way(const struct event *ev, struct value *v)
{
	const struct ev_exec *x = EVENT_AS(exec, ev);
	size_t name_len, cwd_len;

	if (ev->desc->id != EV_exec)
		return;
	const char *name = rec_str(ev->rec, x->filename, &name_len);
	const char *cwd = rec_str(ev->rec, x->cwd, &cwd_len);
	const char *way = exec_way(name, name_len, cwd, cwd_len);
	if (way)
		put_text(v, way);
}

static void get_written_executable(const struct event *ev, struct value *v)
{
	const struct ev_exec *x = EVENT_AS(exec, ev);
	const struct proc *p = ev->desc->id == EV_exec && x->writer && ev->tree
				       ? proctree_find(ev->tree, x->writer, x->writer_start)
				       : NULL;

	if (p && p->image)
		value_str(v, p->image->exe, p->image->exe_len);
}

static void get_parent_pid(const struct event *ev, struct value *v)
{
	value_num(v, parent(ev) ? parent(ev)->pid : ev->rec->ppid);
}

static void get_parent_start(const struct event *ev, struct value *v)
{
	put_time(ev, v, parent(ev) ? parent(ev)->start : ev->rec->parent_start);
}

static void get_parent_entity_id(const struct event *ev, struct value *v)
{
	const struct proc *p = parent(ev);
	char id[ENTITY_ID_LEN];

	if (!p && !ev->rec->ppid)
		return;
	entity_id(ev->host, p ? p->pid : ev->rec->ppid, p ? p->start : ev->rec->parent_start, id);
	value_printf(v, "%s", id);
}

static void get_parent_name(const struct event *ev, struct value *v)
{
	const struct proc *p = parent(ev);

	if (p)
		value_str(v, p->comm, strnlen(p->comm, sizeof(p->comm)));
}

static void get_parent_executable(const struct event *ev, struct value *v)
{
	const struct image *im = parent_image(ev);

	if (im)
		value_str(v, im->exe, im->exe_len);
}

static void get_parent_args(const struct event *ev, struct value *v)
{
	put_args(v, parent_image(ev));
}

static void get_parent_command_line(const struct event *ev, struct value *v)
{
	put_args(v, parent_image(ev));
	v->joined = true;
}

static void get_reparent_pid(const struct event *ev, struct value *v)
{
	const struct proc *p = parent(ev);

	if (p && p->pid != ev->rec->ppid)
		value_num(v, ev->rec->ppid);
}

static void get_user_id(const struct event *ev, struct value *v)
{
	value_printf(v, "%u", ev->rec->uid);
}

static void get_user_name(const struct event *ev, struct value *v)
{
	put_user_name(v, ev->rec->uid, ev->rec->mntns);
}

static void get_effective_id(const struct event *ev, struct value *v)
{
	if (ev->rec->euid != ev->rec->uid)
		value_printf(v, "%u", ev->rec->euid);
}

static void get_effective_name(const struct event *ev, struct value *v)
{
	if (ev->rec->euid != ev->rec->uid)
		put_user_name(v, ev->rec->euid, ev->rec->mntns);
}

static void get_login_user(const struct event *ev, struct value *v)
{
	if (ev->rec->loginuid != UINT32_MAX)
		put_user_name(v, ev->rec->loginuid, USERS_HOST);
}

/* The process that an access event reaches; NULL for other events, and where it is not known. */
static const struct proc *target(const struct event *ev)
{
	const struct ev_access *a = EVENT_AS(access, ev);

	if (ev->desc->id != EV_access || !ev->tree)
		return NULL;
	return proctree_find(ev->tree, a->target_pid, a->target_start);
}

static void get_target_entity_id(const struct event *ev, struct value *v)
{
	const struct ev_access *a = EVENT_AS(access, ev);
	char id[ENTITY_ID_LEN];

	if (ev->desc->id != EV_access)
		return;
	entity_id(ev->host, a->target_pid, a->target_start, id);
	value_printf(v, "%s", id);
}

static void get_target_executable(const struct event *ev, struct value *v)
{
	const struct proc *p = target(ev);

	if (p && p->image)
		value_str(v, p->image->exe, p->image->exe_len);
}

static void get_target_command_line(const struct event *ev, struct value *v)
{
	const struct proc *p = target(ev);

	put_args(v, p ? p->image : NULL);
	v->joined = true;
}

static void get_seq(const struct event *ev, struct value *v)
{
	value_num(v, ev->seq);
}

static void get_host_name(const struct event *ev, struct value *v)
{
	put_text(v, ev->host->hostname);
}

static void get_host_id(const struct event *ev, struct value *v)
{
	put_text(v, ev->host->machine_id);
}

static void get_boot_id(const struct event *ev, struct value *v)
{
	put_text(v, ev->host->boot_id);
}

static void get_kernel(const struct event *ev, struct value *v)
{
	put_text(v, ev->host->kernel);
}

static void get_arch(const struct event *ev, struct value *v)
{
	put_text(v, ev->host->arch);
}

const struct derived derived_fields[] = {
	{ "container.id", "container of the process, from its cgroup path", get_container_id },
	{ "container.image.id", "id of the container's image, where its runtime's files tell",
	  get_container_image_id },
	{ "container.image.name", "name of the container's image, without its tag",
	  get_container_image_name },
	{ "container.image.tag", "tag of the container's image", get_container_image_tag },
	{ "container.name", "name of the container", get_container_name },
	{ "container.runtime", "best guess of what runs the container", get_container_runtime },
	{ "destination.ip", "address of destination.address", address_get_destination_ip },
	{ "destination.port", "port of destination.address", address_get_destination_port },
	{ "host.architecture", "machine architecture", get_arch },
	{ "host.boot.id", "random id of this boot", get_boot_id },
	{ "host.id", "machine id (/etc/machine-id)", get_host_id },
	{ "host.name", "host name", get_host_name },
	{ "host.os.kernel", "kernel release", get_kernel },
	{ "process.args", "argument vector", get_args },
	{ "process.command_line", "arguments joined by spaces", get_command_line },
	{ "process.entity_id", "id of the process: unique over pid reuse, reboots and hosts",
	  get_entity_id },
	{ "process.executable", "path of the executable", get_executable },
	{ "process.hash.sha256",
	  "SHA-256 of the executable; in alerts, and where a rule or exception has asked for it",
	  get_sha256 },
	{ "process.interactive", "the process has a controlling terminal", get_interactive },
	{ "process.parent.args", "argument vector of the creator", get_parent_args },
	{ "process.parent.command_line", "arguments of the creator joined by spaces",
	  get_parent_command_line },
	{ "process.parent.entity_id", "id of the process that created this one",
	  get_parent_entity_id },
	{ "process.parent.executable", "path of the creator's executable", get_parent_executable },
	{ "process.parent.name", "thread name of the creator", get_parent_name },
	{ "process.parent.pid", "process id of the creator; of the parent if it is not known",
	  get_parent_pid },
	{ "process.parent.start", "when the creator started", get_parent_start },
	{ "process.working_directory", "working directory when the program started", get_cwd },
	{ "redshank.access.target.command_line", "arguments of the process that was reached",
	  get_target_command_line },
	{ "redshank.access.target.entity_id", "id of the process that was reached",
	  get_target_entity_id },
	{ "redshank.access.target.executable", "executable of the process that was reached",
	  get_target_executable },
	{ "redshank.cgroup.path", "cgroup path when the program started", get_cgpath },
	{ "redshank.container.image", "the container's image as it was asked for: NAME:TAG",
	  get_container_image },
	{ "redshank.exe.hash_missing", "why process.hash.sha256 is not known", get_sha256_missing },
	{ "redshank.exe.origin", "where the code comes from", get_exe_origin },
	{ "redshank.exec.time", "when the process started its program", get_exec_time },
	{ "redshank.exec.way", "how a descriptor or /proc was named as the program; else absent",
	  get_exec_way },
	{ "redshank.exec.written.executable", "what the process runs that wrote a fresh program",
	  get_written_executable },
	{ "redshank.login.user", "name of redshank.login.uid on the host", get_login_user },
	{ "redshank.previous.executable", "what the process ran before", get_previous_executable },
	{ "redshank.previous.same_file", "true where the process ran the very same file before",
	  get_same_file },
	{ "redshank.reparent.pid", "the parent, where it is not the creator any more",
	  get_reparent_pid },
	{ "redshank.seq", "number of the event at this sensor, from 1, without holes", get_seq },
	{ "redshank.session.id", "entity id of the process that reported the login of this session",
	  session_get_id },
	{ "redshank.session.source.ip", "where the session was logged in to from", session_get_ip },
	{ "redshank.session.source.port", "port there", session_get_port },
	{ "redshank.session.source.user", "who logged in, by name", session_get_user },
	{ "redshank.source.net", "whom source.ip stands for: of IPv6 the /64", address_get_net },
	{ "redshank.tty", "controlling terminal", get_tty },
	{ "source.ip", "address of source.address", address_get_ip },
	{ "source.port", "port of source.address", address_get_port },
	{ "user.effective.id", "effective user id, where it is not the real one",
	  get_effective_id },
	{ "user.effective.name", "name of the effective user id on the host", get_effective_name },
	{ "user.id", "real user id", get_user_id },
	{ "user.name", "name of the real user id on the host", get_user_name },
};
const unsigned derived_nfields = sizeof(derived_fields) / sizeof(derived_fields[0]);
