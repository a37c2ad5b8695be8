/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ends of system calls: what was sent or written about logins. The text is looked at when the call
 * is done; who changes it meanwhile could have sent it so.
 */
#ifndef REDSHANK_LIB_CALLS_AUTH_H
#define REDSHANK_LIB_CALLS_AUTH_H

#include "auth.h"
#include "sees.h"

#define MESSAGES_MAX 8 /* of a sendmmsg(2) */
#define ECONNREFUSED 111 /* include/uapi/asm-generic/errno.h */
/* include/uapi/linux/net.h: what socketcall(2) does */
#define SYS_SEND    9
#define SYS_SENDTO  11
#define SYS_SENDMSG 16

/* The descriptor is looked at last: hardly anything that is sent looks like a text about logins. */
static __always_inline int on_sent(struct said *m, u32 call, u32 fd)
{
	if (!looks_like_auth(m))
		return 0;
	if (call == CALL_sendto)
		m->name = call_arg(current_regs(), m->compat, 4);
	m->file = current_file(fd);
	return on_said(m);
}

/* struct user_msghdr: msg_name, msg_namelen, msg_iov, msg_iovlen: each as wide as a word. */
static __always_inline void take_message(struct said *m, u64 at)
{
	m->name = user_word(at, 0, m->compat);
	set_pieces(m, user_word(at, 2, m->compat), user_word(at, 3, m->compat));
}

/* A global function, as after_said(). */
__weak __noinline int after_message(u32 fd, u32 compat, u64 at)
{
	struct said m = { .user = true, .compat = compat };

	take_message(&m, at);
	return on_sent(&m, CALL_sendmsg, fd);
}

/* struct mmsghdr: a struct user_msghdr of seven words, and a number. Not below after_said(): their
 * stacks would add up. */
static __always_inline int after_messages(u32 fd, bool compat, u64 at, u32 n)
{
	u32 size = 8 * (compat ? sizeof(u32) : sizeof(u64));

	for (u32 i = 0; i < MESSAGES_MAX && i < n; i++)
		after_message(fd, compat, at + i * size);
	return 0;
}

/* Which call it is, and its arguments, from an array of words. Of sendmmsg(2) libraries make the
 * newer call. */
static __always_inline u32 unpack_socketcall(u64 *first, u64 *second, u64 *third, u64 *fifth)
{
	u32 call = *first;
	u64 args = *second;

	*first = user_word(args, 0, true);
	*second = user_word(args, 1, true);
	*third = user_word(args, 2, true);
	switch (call) {
	case SYS_SENDTO:
		*fifth = user_word(args, 4, true);
		return CALL_socketcall;
	case SYS_SEND:
		return CALL_socketcall;
	case SYS_SENDMSG:
		return CALL_sendmsg;
	}
	return CALL_other;
}

/*
 * A call that was not refused, and its first arguments. A global function, so that it does not
 * multiply what the verifier has to look at in the program that has all of the calls.
 */
__weak __noinline int after_said(u32 call, u32 compat, u64 first, u64 second, u64 third)
{
	struct said m = { .user = true, .compat = compat };

	if (call == CALL_socketcall)
		call = unpack_socketcall(&first, &second, &third, &m.name);
	if (call == CALL_other)
		return 0;
	if (call == CALL_sendmsg)
		take_message(&m, second);
	else
		take_written(&m, call, second, third);
	bool write = call == CALL_write || call == CALL_writev;
	if (write && (u32)first == STDERR_FD && sees_fact(FACT_auth_stderr) && named_as_daemon())
		return on_stderr(&m);
	return sees_event(EV_auth_text) ? on_sent(&m, call, first) : 0;
}

static __always_inline bool sees_said(void)
{
	return sees_event(EV_auth_text) || sees_fact(FACT_auth_stderr);
}

/* What was not sent will be said again. But where the kernel has no audit, its messages are
 * refused. */
static __always_inline bool was_said(long ret)
{
	return (s32)ret >= 0 || (s32)ret == -ECONNREFUSED;
}

#endif
