/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that rose outside the known ways.
 *
 * What a process may become is bounded by what it was when its program was started (struct image,
 * which children without an exec of their own share): one whose three user ids were not 0 and which
 * had no capability to change them, in the initial user namespace, can become root only by
 * executing a set-user-id file or one with file capabilities. Any record of it that says root all
 * the same, exec, fork, exit or another, is the trace of a kernel exploit, or of a debugger that
 * changed the kernel's memory. The way there does not matter, and no hook has to see it.
 *
 * With the capability it is a known way, and rare outside of the programs made for it: lower.
 */
#include "detect/d_cred_rise.h"

#include <string.h>
#include <sys/stat.h>

#include "abi/knobs.h"
#include "enrich/proctree.h"

#define INITIAL_USER_NS 0xEFFFFFFDU /* PROC_USER_INIT_INO, include/linux/proc_ns.h */

/* include/uapi/linux/capability.h: those by which a process can come to have user id 0. */
#define CAP_SETUID_BIT	   (1ULL << 7)
#define CAP_SYS_PTRACE_BIT (1ULL << 19)
#define CAP_SYS_ADMIN_BIT  (1ULL << 21)
#define CAPS_OF_ROOT	   (CAP_SETUID_BIT | CAP_SYS_PTRACE_BIT | CAP_SYS_ADMIN_BIT)

/* What the process had when its program was started; NULL: not known. */
static const struct image *before(const struct event *ev)
{
	if (!ev->proc)
		return NULL;
	return ev->rec->type == EV_exec ? ev->proc->prev_image : ev->proc->image;
}

static bool is_root(const struct ev_hdr *h)
{
	return !h->uid || !h->euid;
}

static bool was_root(const struct image *im)
{
	return !im->uid || !im->euid || !im->suid;
}

static void evidence(const struct event *ev, const struct image *im, struct verdict *v)
{
	verdict_evidence(v, "redshank.creds.old_uid", "%u", im->uid);
	verdict_evidence(v, "redshank.creds.old_euid", "%u", im->euid);
	verdict_evidence(v, "process.real_user.id", "%u", ev->rec->uid);
	verdict_evidence(v, "process.user.id", "%u", ev->rec->euid);
	if (im->exe_len)
		verdict_evidence(v, "redshank.previous.executable", "%.*s", (int)im->exe_len,
				 im->exe);
}

/* Root's set-user-id file: whoever executes it is to become root. */
static bool grants_root(const struct ev_exec *x)
{
	return x->exe_mode & S_ISUID && !x->exe_uid;
}

static void on_root(const struct event *ev, const struct image *im, struct verdict *v)
{
	bool held = im->userns == INITIAL_USER_NS && im->cap_permitted & CAPS_OF_ROOT;

	if (ev->rec->type == EV_creds && held) {
		v->severity = SEVERITY_low;
		verdict_message(v, "user %u became root by a capability of the program %.*s",
				im->uid, (int)im->exe_len, im->exe);
		evidence(ev, im, v);
		return;
	}
	if (held)
		return;
	v->severity = SEVERITY_critical;
	verdict_message(v, "a process of user %u is root now, and no known way leads there",
			im->uid);
	evidence(ev, im, v);
}

/* Without a file's capabilities (AT_SECURE) an exec gives none that were not there. */
static void on_capabilities(const struct event *ev, const struct image *im, struct verdict *v)
{
	const struct ev_exec *x = EVENT_AS(exec, ev);
	u64 risen = x->cap_permitted & ~im->cap_permitted;

	if (!risen || x->secure || x->userns != im->userns || is_root(ev->rec))
		return;
	v->severity = SEVERITY_high;
	verdict_message(v, "a process of user %u has capabilities that no known way gave it",
			ev->rec->uid);
	verdict_evidence(v, "process.thread.capabilities.permitted", "0x%llx",
			 (unsigned long long)x->cap_permitted);
	evidence(ev, im, v);
}

static int on_event(void *state, const struct event *ev, struct verdict *v)
{
	const struct image *im = before(ev);

	(void)state;
	if (!im || !im->userns || was_root(im))
		return 0;
	/* Of two ring buffers one may be behind: it says what the process was before this program.
	 */
	if (ev->rec->type != EV_exec && ev->rec->time < ev->proc->exec_time)
		return 0;
	if (ev->rec->type == EV_exec && grants_root(EVENT_AS(exec, ev)))
		return 0;
	if (is_root(ev->rec) || (ev->rec->type == EV_creds &&
				 (!EVENT_AS(creds, ev)->new_uid || !EVENT_AS(creds, ev)->new_euid)))
		on_root(ev, im, v);
	else if (ev->rec->type == EV_exec)
		on_capabilities(ev, im, v);
	return 0;
}

static const struct technique techniques[] = {
	{ "T1068", "Exploitation for Privilege Escalation", "Privilege Escalation" },
	{ NULL, NULL, NULL },
};

static const enum ev_type wants[] = { EV_exec,	 EV_fork,	  EV_exit,   EV_creds,
				      EV_access, EV_bpf_load,	  EV_module, EV_uring,
				      EV_ns,	 EV_kernel_write, EV_none };

const struct detector detector_cred_rise = {
	.info = {
		.id = "redshank.privilege.cred_rise",
		.name = "Privileges rose outside the known ways",
		.doc = "A process that was not root, and could not become it by anything that the kernel "
		       "offers, has root's user id or new capabilities: most likely the kernel was "
		       "exploited. Contain the host; what ran before in the same process is the exploit: "
		       "save its file from /proc/PID/exe and look at what the process has done since.",
		.false_positives =
			"Programs that hold CAP_SETUID by file capabilities (level low, said so in the "
			"message). A process whose start the sensor has not seen is not judged.",
		.techniques = techniques,
	},
	.wants = wants,
	.on_event = on_event,
};
