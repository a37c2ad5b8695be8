/* SPDX-License-Identifier: Apache-2.0 */
/* Process numbers of our own pid namespace. */
#include "source/pid_here.h"

#include <sys/stat.h>
#include <unistd.h>

#define INITIAL_PID_NS 0xEFFFFFFCU /* PROC_PID_INIT_INO, include/linux/proc_ns.h */

static ino_t own_namespace(void)
{
	static ino_t own; /* it never changes, for a process that is running */
	struct stat st;

	if (!own)
		own = stat("/proc/self/ns/pid", &st) ? INITIAL_PID_NS : st.st_ino;
	return own;
}

u32 pid_here(const struct ev_hdr *h)
{
	if (own_namespace() == INITIAL_PID_NS)
		return h->pid;
	return h->pidns == own_namespace() ? h->vpid : 0;
}

u32 pid_initial(void)
{
	return own_namespace() == INITIAL_PID_NS ? (u32)getpid() : 0;
}
