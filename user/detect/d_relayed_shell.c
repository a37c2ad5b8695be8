/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shell that waits for commands and does not hold the connection that they come by: its creator
 * does, and moves the bytes over pipes, a socket pair or a terminal. That is a reverse or bind
 * shell with a relay (socat EXEC, python's pty.spawn and subprocess, C2 agents). A shell with the
 * connection itself as standard input is a rule's (shell_on_network_socket).
 *
 * sshd has exactly this structure: an installed file of its name is left out. So have terminals in
 * a browser, editors and build agents: how bad it is depends on what the creator is.
 */
#include "detect/d_relayed_shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/interpreter.h"
#include "enrich/proctree.h"

static bool is_login_service(const struct image *im)
{
	static const char *const services[] = { "sshd",	 "sshd-session", "in.telnetd",
						"login", "mosh-server",	 "dropbear" };
	const char *name;
	size_t len = image_name(im, &name);

	for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strlen(services[i]) == len && !memcmp(services[i], name, len))
			return image_is_installed(im);
	return false;
}

static bool is_relay(u32 type)
{
	return type == FD_TYPE_pipe || type == FD_TYPE_fifo || type == FD_TYPE_unix_socket ||
	       type == FD_TYPE_tty;
}

/* By how likely the creator is one that somebody installed for this. */
static enum severity judge(const struct ev_exec *x, const struct program_sizes *sizes,
			   const struct image *creator)
{
	struct program_use use = program_use(sizes, creator);
	bool tty = x->stdin_type == FD_TYPE_tty;

	if (x->parent_inet_stdio) /* it speaks by the connection itself */
		return SEVERITY_high;
	switch (use.kind) {
	case PROGRAM_network:
		return SEVERITY_high;
	case PROGRAM_shell:
	case PROGRAM_interpreter:
		if (use.code != CODE_file)
			return SEVERITY_high;
		return tty ? SEVERITY_low : SEVERITY_medium;
	default:
		if (image_is_installed(creator))
			return SEVERITY_low;
		return tty ? SEVERITY_medium : SEVERITY_high;
	}
}

static int on_event(void *state, const struct event *ev, struct verdict *v)
{
	struct program_sizes *sizes = state;
	const struct image *im = ev->proc ? ev->proc->image : NULL;

	if (!im)
		return 0;
	program_learn(sizes, im);
	if (ev->rec->type != EV_exec)
		return 0;
	const struct ev_exec *x = EVENT_AS(exec, ev);
	const struct proc *p = ev->tree ? proctree_parent(ev->tree, ev->proc) : NULL;
	struct program_use use = program_use(sizes, im);
	if (!x->parent_inet || !is_relay(x->stdin_type) || !is_relay(x->stdout_type))
		return 0;
	if (use.kind != PROGRAM_shell || use.code != CODE_stdin || !p || !p->image ||
	    is_login_service(p->image))
		return 0;
	v->severity = judge(x, sizes, p->image);
	verdict_message(v, "%.*s waits for commands from %.*s, which holds a network connection",
			(int)im->exe_len, im->exe, (int)p->image->exe_len, p->image->exe);
	static const char *const keys[] = {
		"redshank.stdin.type",
		"redshank.stdout.type",
		"redshank.parent.connections",
		"redshank.parent.connected_stdio",
	};
	verdict_fields(v, ev, keys, sizeof(keys) / sizeof(keys[0]));
	verdict_evidence(v, "process.parent.executable", "%.*s", (int)p->image->exe_len,
			 p->image->exe);
	verdict_evidence(v, "process.parent.pid", "%u", p->pid);
	return 0;
}

static int init(void **ret)
{
	*ret = calloc(1, sizeof(struct program_sizes));
	return *ret ? 0 : -ENOMEM;
}

static const struct technique techniques[] = {
	{ "T1059.004", "Unix Shell", "Execution" },
	{ "T1095", "Non-Application Layer Protocol", "Command and Control" },
	{ NULL, NULL, NULL },
};

static const enum ev_type wants[] = { EV_proc, EV_exec, EV_none };

const struct detector detector_relayed_shell = {
	.info = {
		.id = "redshank.fileless.relayed_shell",
		.name = "Shell behind a process with a network connection",
		.doc = "A shell waits for commands, and the process that started it holds a connection and "
		       "passes them on: a reverse or bind shell with a relay between. Look at whom the "
		       "creator is connected to (ss -tnp), what created it, and what the shell ran.",
		.false_positives =
			"Terminals in a browser or an editor and build agents that feed a shell by a pipe: "
			"level low where their program is installed, medium where it is a user's own or a "
			"script. Except them by AncestorImage. sshd, telnetd and mosh-server are left out, "
			"where packages install them.",
		.techniques = techniques,
	},
	.wants = wants,
	.init = init,
	.on_event = on_event,
	.free = free,
};
