/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sigma's field names for what processes do to each other and to the kernel. process_access and
 * driver_load are categories of Sigma's Windows taxonomy (Sysmon 10 and 6); the others are our own.
 */
#include "detect/sigma_reach.h"

#include "detect/sigma_feeds.h"

#define PLAIN SIGMA_FEED_plain

/* Who did it, as in process_creation. */
#define ACTOR                                                                                    \
	{ "Image", "process.executable", NULL, PLAIN, "executable of the process" },             \
		{ "CommandLine", "process.command_line", NULL, PLAIN,                            \
		  "its arguments joined by spaces" },                                            \
		{ "User", NULL, sigma_feed_user, PLAIN,                                          \
		  "name of the real and of the effective user" },                                \
		{ "UserId", "user.id", NULL, PLAIN, "real user id" },                            \
		{ "EffectiveUserId", "process.user.id", NULL, PLAIN, "effective user id" },      \
		{ "ProcessId", "process.pid", NULL, PLAIN, "process id" },                       \
		{ "ProcessGuid", "process.entity_id", NULL, PLAIN, "unique id of the process" }, \
		{ "ProcessName", "process.name", NULL, PLAIN, "thread name" },                   \
		{ "ParentImage", "process.parent.executable", NULL, PLAIN,                       \
		  "executable of the creator" },                                                 \
		{ "ParentCommandLine", "process.parent.command_line", NULL, PLAIN,               \
		  "its arguments joined by spaces" },                                            \
		{ "Computer", "host.name", NULL, PLAIN, "host name" },                           \
	{                                                                                        \
		"UtcTime", "@timestamp", NULL, PLAIN, "when it happened"                         \
	}

const struct sigma_feed sigma_feed_acting[] = {
	{ "AncestorImage", NULL, sigma_feed_ancestor_image, PLAIN,
	  "executables of all ancestors, the creator first" },
	{ "AncestorCommandLine", NULL, sigma_feed_ancestor_args, PLAIN,
	  "command lines of all ancestors, the creator first" },
	{ "ContainerId", "container.id", NULL, PLAIN, "id of the container" },
	{ "ContainerRuntime", "container.runtime", NULL, PLAIN, "docker, podman, …" },
	SIGMA_FEED_STRUCTURE,
	{ "ExeOrigin", "redshank.exe.origin", NULL, PLAIN, "where the process's code comes from" },
	{ "Interactive", "process.interactive", NULL, PLAIN, "has a controlling terminal" },
	{ "LoginUser", "redshank.login.user", NULL, PLAIN, "who logged in, whoever it is now" },
	{ "Tty", "redshank.tty", NULL, PLAIN, "controlling terminal" },
	{ 0 },
};

const struct sigma_feed sigma_feed_access[] = {
	ACTOR,
	{ "SourceImage", "process.executable", NULL, PLAIN, "executable of the process" },
	{ "SourceProcessId", "process.pid", NULL, PLAIN, "process id" },
	{ "SourceProcessGUID", "process.entity_id", NULL, PLAIN, "unique id of the process" },
	{ "SourceUser", NULL, sigma_feed_user, PLAIN, "its users" },
	{ "TargetImage", "redshank.access.target.executable", NULL, PLAIN,
	  "executable of the process that was reached" },
	{ "TargetCommandLine", "redshank.access.target.command_line", NULL, PLAIN,
	  "its arguments joined by spaces" },
	{ "TargetProcessId", "redshank.access.target.pid", NULL, PLAIN, "its process id" },
	{ "TargetProcessGUID", "redshank.access.target.entity_id", NULL, PLAIN, "its unique id" },
	{ "TargetName", "redshank.access.target.name", NULL, PLAIN, "its thread name" },
	{ "TargetUserId", "redshank.access.target.uid", NULL, PLAIN, "its real user id" },
	{ "Operation", "redshank.access.op", NULL, PLAIN,
	  "ptrace_attach, ptrace_poke_text, vm_write, mem_write, …" },
	{ "Relation", "redshank.access.flags", NULL, PLAIN,
	  "self, child, descendant, traced, same_user, same_container; vdso: what was written" },
	{ "Errno", "redshank.access.error", NULL, PLAIN, "why the kernel refused it" },
	{ 0 },
};

const struct sigma_feed sigma_feed_module[] = {
	ACTOR,
	{ "ImageLoaded", "file.path", NULL, PLAIN,
	  "file of the module; absent when it is a buffer" },
	{ "Operation", "redshank.module.op", NULL, PLAIN,
	  "init_module, finit_module, kexec_load, kexec_file_load" },
	{ "FileOrigin", "redshank.file.origin", NULL, PLAIN, "where it is, as ExeOrigin" },
	{ "FileNlink", "redshank.file.nlink", NULL, PLAIN, "its link count" },
	{ "Errno", "redshank.module.error", NULL, PLAIN, "why the kernel refused it" },
	{ 0 },
};

const struct sigma_feed sigma_feed_bpf[] = {
	ACTOR,
	{ "BpfType", "redshank.bpf.type", NULL, PLAIN, "kprobe, tracing, lsm, xdp, …" },
	{ "BpfName", "redshank.bpf.name", NULL, PLAIN, "name of the program" },
	{ "BpfAttachType", "redshank.bpf.attach_type", NULL, PLAIN, "number" },
	{ 0 },
};

const struct sigma_feed sigma_feed_userfault[] = {
	ACTOR,
	{ "UserModeOnly", "redshank.userfault.user_mode_only", NULL, PLAIN,
	  "not for the kernel's own faults" },
	{ 0 },
};

const struct sigma_feed sigma_feed_kernel_write[] = {
	ACTOR,
	{ "TargetFilename", "file.path", NULL, PLAIN, "path, as the process sees it" },
	{ "KernelFile", "redshank.kernel_file", NULL, PLAIN,
	  "core_pattern, modprobe, release_agent, …: which one it is, under any path" },
	{ "FileName", "redshank.file.leaf", NULL, PLAIN, "last component, at most 15 bytes" },
	{ 0 },
};

const struct sigma_feed sigma_feed_uring[] = {
	ACTOR,
	{ "Operation", "redshank.uring.op", NULL, PLAIN,
	  "openat, connect, unlinkat, …; opened: path as resolved" },
	{ "TargetFilename", "file.path", NULL, PLAIN,
	  "path as submitted; of opened, as the kernel resolved it" },
	{ "NewFilename", "redshank.uring.new_path", NULL, PLAIN, "new path of a rename or link" },
	{ "DestinationAddress", "destination.address", NULL, PLAIN, "address:port of a connect" },
	{ "SqPoll", "redshank.uring.sqpoll", NULL, PLAIN, "submitted by a kernel thread" },
	{ "Flood", "redshank.uring.flood", NULL, PLAIN, "more than are told" },
	{ 0 },
};

const struct sigma_feed sigma_feed_creds[] = {
	ACTOR,
	{ "Operation", "redshank.creds.op", NULL, PLAIN, "setuid, setreuid, setresuid" },
	{ "OldUserId", "redshank.creds.old_uid", NULL, PLAIN, "real user id before" },
	{ "NewUserId", "redshank.creds.new_uid", NULL, PLAIN, "real user id now" },
	{ "Capabilities", "process.thread.capabilities.permitted", NULL, PLAIN, "permitted ones" },
	{ 0 },
};

const struct sigma_feed sigma_feed_ns[] = {
	ACTOR,
	{ "Operation", "redshank.ns.op", NULL, PLAIN,
	  "unshare, setns, mount, move_mount, fsmount, pivot_root" },
	{ "Namespaces", "redshank.ns.changed", NULL, PLAIN, "kinds that are others now" },
	{ "HostNamespaces", "redshank.ns.host", NULL, PLAIN,
	  "of these, those that are pid 1's now" },
	{ "MountSource", "redshank.mount.source", NULL, PLAIN, "what was mounted" },
	{ "MountPoint", "file.path", NULL, PLAIN, "where" },
	{ "MountFsType", "redshank.mount.fs_type", NULL, PLAIN, "type of file system" },
	{ "MountDevice", "redshank.mount.dev", NULL, PLAIN,
	  "block device that was mounted, whatever it is called" },
	{ 0 },
};
