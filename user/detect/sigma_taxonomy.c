/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables: Sigma's logsources and field names for our events. The page docs/rules.md is checked
 * against them.
 */
#include "detect/sigma_auth.h"
#include "detect/sigma_feeds.h"
#include "detect/sigma_reach.h"

#define PLAIN	 SIGMA_FEED_plain
#define KEYWORD	 SIGMA_FEED_keyword
#define CONSTANT SIGMA_FEED_constant

/* What every event of a process can say under names of our own. */
static const struct sigma_feed native[] = {
	{ "AncestorImage", NULL, sigma_feed_ancestor_image, PLAIN,
	  "executables of all ancestors, the creator first" },
	{ "AncestorCommandLine", NULL, sigma_feed_ancestor_args, PLAIN,
	  "command lines of all ancestors, the creator first" },
	{ "ContainerId", "container.id", NULL, PLAIN, "id of the container" },
	{ "ContainerRuntime", "container.runtime", NULL, PLAIN, "docker, podman, …" },
	SIGMA_FEED_STRUCTURE,
	{ "EnvVars", "process.env_vars", NULL, PLAIN, "NAME=value of the configured variables" },
	{ "ExecWay", "redshank.exec.way", NULL, PLAIN,
	  "how a descriptor or /proc was named as the program; else absent" },
	{ "ExeFlags", "redshank.exe.flags", NULL, PLAIN,
	  "facts behind ExeOrigin: unhashed, never_linked, detached, fresh, …" },
	{ "ExeFsType", "redshank.exe.fs_type", NULL, PLAIN, "file system of the executable" },
	{ "ExeMode", "redshank.exe.mode", NULL, PLAIN,
	  "permissions of the executable, octal: 4755" },
	{ "ExeNlink", "redshank.exe.nlink", NULL, PLAIN, "link count of the executable" },
	{ "ExeOrigin", "redshank.exe.origin", NULL, PLAIN, "where the code comes from" },
	{ "ExeSeals", "redshank.exe.seals", NULL, PLAIN, "seals of an executed memfd" },
	{ "ExeSize", "redshank.exe.size", NULL, PLAIN, "size of the executable, bytes" },
	{ "ExeUid", "redshank.exe.uid", NULL, PLAIN, "owner of the executable" },
	{ "Interactive", "process.interactive", NULL, PLAIN, "has a controlling terminal" },
	{ "LoginUser", "redshank.login.user", NULL, PLAIN, "who logged in, whoever it is now" },
	{ "ParentConnections", "redshank.parent.connections", NULL, PLAIN,
	  "connected internet sockets of the creator" },
	{ "ParentConnectedStdio", "redshank.parent.connected_stdio", NULL, PLAIN,
	  "how many of the creator's standard streams are such" },
	{ "MemfdDescriptor", "redshank.fd.memfd.number", NULL, PLAIN,
	  "highest descriptor above 2 that is a memfd" },
	{ "PipeDescriptor", "redshank.fd.pipe.number", NULL, PLAIN,
	  "highest descriptor above 2 that is a pipe" },
	{ "PreviousImage", "redshank.previous.executable", NULL, PLAIN,
	  "what the process ran before" },
	{ "PreviousSameFile", "redshank.previous.same_file", NULL, PLAIN,
	  "it ran the very same file before, by device and inode" },
	{ "LoaderOrigin", "redshank.loader.origin", NULL, PLAIN,
	  "where the program interpreter (ld.so) is" },
	{ "ScriptOrigin", "redshank.script.origin", NULL, PLAIN, "where a script is" },
	{ "Secure", "redshank.exec.secure", NULL, PLAIN, "privilege was gained by this exec" },
	{ "StderrType", "redshank.stderr.type", NULL, PLAIN, "as StdinType" },
	{ "StdinType", "redshank.stdin.type", NULL, PLAIN,
	  "file, pipe, unix_socket, inet_socket, tty, null, memfd, closed, …" },
	{ "StdinOrigin", "redshank.stdin.origin", NULL, PLAIN,
	  "where the file is that standard input is, if it is none of the ordinary sort" },
	{ "StdoutType", "redshank.stdout.type", NULL, PLAIN, "as StdinType" },
	{ "Tty", "redshank.tty", NULL, PLAIN, "controlling terminal" },
	{ "WriterImage", "redshank.exec.written.executable", NULL, PLAIN,
	  "executable of the process that wrote a fresh program or script" },
	{ 0 },
};

/* Names of Sysmon for Linux's event 1, as the taxonomy has them. */
static const struct sigma_feed process_creation[] = {
	/* Debian's sh is dash: rules name one or the other. */
	{ "Image", "process.executable", NULL, KEYWORD, "executable, resolved by the kernel" },
	{ "Image", "redshank.exec.filename", NULL, KEYWORD, "the path that was invoked" },
	{ "CommandLine", "process.command_line", NULL, KEYWORD, "arguments joined by spaces" },
	{ "Arguments", "process.args", NULL, KEYWORD, "each argument" },
	{ "CurrentDirectory", "process.working_directory", NULL, KEYWORD, "working directory" },
	{ "User", NULL, sigma_feed_user, KEYWORD, "name of the real and of the effective user" },
	{ "UserId", "user.id", NULL, PLAIN, "real user id" },
	{ "EffectiveUserId", "process.user.id", NULL, PLAIN, "effective user id" },
	{ "LogonId", "redshank.login.uid", NULL, PLAIN, "audit loginuid" },
	{ "TerminalSessionId", "redshank.login.session", NULL, PLAIN, "audit session" },
	{ "ProcessId", "process.pid", NULL, PLAIN, "process id" },
	{ "ProcessGuid", "process.entity_id", NULL, PLAIN, "unique id of the process" },
	{ "ProcessName", "process.name", NULL, PLAIN, "thread name" },
	{ "Interpreter", "redshank.exec.interpreter", NULL, PLAIN, "of a script" },
	{ "ParentProcessId", "process.parent.pid", NULL, PLAIN, "process id of the creator" },
	{ "ParentProcessGuid", "process.parent.entity_id", NULL, PLAIN,
	  "unique id of the creator" },
	{ "ParentImage", "process.parent.executable", NULL, PLAIN, "executable of the creator" },
	{ "ParentCommandLine", "process.parent.command_line", NULL, PLAIN,
	  "its arguments joined by spaces" },
	{ "ParentUser", NULL, sigma_feed_parent_user, PLAIN, "its real user" },
	{ "Computer", "host.name", NULL, PLAIN, "host name" },
	{ "UtcTime", "@timestamp", NULL, PLAIN, "when it happened" },
	{ 0 },
};

/* Fields of all audit records of one system call. */
static const struct sigma_feed audit_common[] = {
	{ "pid", "process.pid", NULL, PLAIN, "process id" },
	{ "node", "host.name", NULL, PLAIN, "host name" },
	{ 0 },
};

static const struct sigma_feed audit_execve[] = {
	{ "type", "EXECVE", NULL, CONSTANT, "record type" },
	{ "argc", "process.args_count", NULL, PLAIN, "number of arguments" },
	{ "argv", "process.args", NULL, KEYWORD, "each argument" },
	{ 0 },
};

static const struct sigma_feed audit_syscall[] = {
	{ "type", "SYSCALL", NULL, CONSTANT, "record type" },
	{ "SYSCALL", "execve", NULL, CONSTANT, "name of the system call" },
	{ "syscall", "execve", NULL, CONSTANT, "name of the system call" },
	{ "success", "yes", NULL, CONSTANT, "only calls that succeeded are seen" },
	{ "exit", "0", NULL, CONSTANT, "return value" },
	{ "ppid", "process.parent.pid", NULL, PLAIN, "process id of the creator" },
	{ "auid", "redshank.login.uid", NULL, PLAIN, "audit loginuid" },
	{ "AUID", "redshank.login.user", NULL, PLAIN, "its name" },
	{ "uid", "process.real_user.id", NULL, PLAIN, "real user id" },
	{ "UID", "user.name", NULL, PLAIN, "its name" },
	{ "gid", "process.real_group.id", NULL, PLAIN, "real group id" },
	{ "euid", "process.user.id", NULL, PLAIN, "effective user id" },
	{ "EUID", "user.effective.name", NULL, PLAIN, "its name, where it is not the real one" },
	{ "egid", "process.group.id", NULL, PLAIN, "effective group id" },
	{ "suid", "process.saved_user.id", NULL, PLAIN, "saved user id" },
	{ "sgid", "process.saved_group.id", NULL, PLAIN, "saved group id" },
	{ "ses", "redshank.login.session", NULL, PLAIN, "audit session" },
	{ "tty", "redshank.tty", NULL, PLAIN, "controlling terminal" },
	{ "comm", "process.name", NULL, KEYWORD, "thread name" },
	{ "exe", "process.executable", NULL, KEYWORD, "executable" },
	{ 0 },
};

static const struct sigma_feed audit_path[] = {
	{ "type", "PATH", NULL, CONSTANT, "record type" },
	{ "nametype", "NORMAL", NULL, CONSTANT, "the file was there" },
	{ "item", "0", NULL, CONSTANT, "number of the path" },
	{ "name", "redshank.exec.filename", NULL, KEYWORD, "path as it was given" },
	{ "inode", "redshank.exe.inode", NULL, PLAIN, "inode number" },
	{ "dev", "redshank.exe.dev", NULL, PLAIN, "device, major:minor" },
	{ "ouid", "redshank.exe.uid", NULL, PLAIN, "owner" },
	{ "ogid", "redshank.exe.gid", NULL, PLAIN, "group" },
	{ 0 },
};

static const struct sigma_feed audit_cwd[] = {
	{ "type", "CWD", NULL, CONSTANT, "record type" },
	{ "cwd", "process.working_directory", NULL, KEYWORD, "working directory" },
	{ 0 },
};

static const struct sigma_feed audit_proctitle[] = {
	{ "type", "PROCTITLE", NULL, CONSTANT, "record type" },
	{ "proctitle", "process.command_line", NULL, KEYWORD, "command line, as text" },
	{ 0 },
};

/* Sysmon's event 7 has no equivalent in Sysmon for Linux; names as on Windows where they fit. */
static const struct sigma_feed image_load[] = {
	{ "ImageLoaded", "redshank.map.path", NULL, KEYWORD,
	  "the mapped file, resolved by the kernel; absent for memory without one" },
	{ "MapOperation", "redshank.map.op", NULL, PLAIN, "mmap, mprotect, pkey_mprotect, shmat" },
	{ "MapProtectionBefore", "redshank.map.protection_before", NULL, PLAIN,
	  "before mprotect, where a hook can tell" },
	{ "MapFlags", "redshank.map.flags", NULL, PLAIN, "flags of mmap(2)" },
	{ "MapCount", "redshank.map.count", NULL, PLAIN, "how many of this sort so far" },
	{ "MapError", "redshank.map.error", NULL, PLAIN, "errno, if it was refused" },
	{ 0 },
};

static const struct sigma_feed anon_exec[] = {
	{ "Call", "redshank.anon_exec.call", NULL, PLAIN, "exec, fork, socket, connect, …" },
	{ "CallCount", "redshank.anon_exec.count", NULL, PLAIN, "how many such calls so far" },
	{ "MapRegions", "redshank.anon_exec.regions", NULL, PLAIN,
	  "how often the program made anonymous memory executable" },
	{ "ImageLoaded", "redshank.map.path", NULL, KEYWORD, "the memfd that the code is in" },
	{ 0 },
};

/* Of memory, and of the process that it is in. */
static const struct sigma_feed memory[] = {
	{ "MapKind", "redshank.map.kind", NULL, PLAIN,
	  "file, anon, stack, heap, memfd, shm, secret, vdso" },
	{ "MapOrigin", "redshank.map.origin", NULL, PLAIN, "where the file is: as ExeOrigin" },
	{ "MapFacts", "redshank.map.facts", NULL, PLAIN, "shared, written, by_memory, others, …" },
	{ "MapProtection", "redshank.map.protection", NULL, PLAIN, "rwx, r-x, …" },
	{ "MapAddress", "redshank.map.address", NULL, PLAIN, "where it begins" },
	{ "MapLength", "redshank.map.length", NULL, PLAIN, "its bytes" },
	{ "MapFileFlags", "redshank.map.file_flags", NULL, PLAIN, "facts behind MapOrigin" },
	{ "MapFsType", "redshank.map.fs_type", NULL, PLAIN, "file system of the file" },
	{ "MapNlink", "redshank.map.nlink", NULL, PLAIN, "link count of the file" },
	{ "MapMode", "redshank.map.mode", NULL, PLAIN, "permissions of the file" },
	{ "MapUid", "redshank.map.uid", NULL, PLAIN, "owner of the file" },
	{ "MapSeals", "redshank.map.seals", NULL, PLAIN, "seals of a memfd" },
	{ "Image", "process.executable", NULL, KEYWORD, "executable of the process" },
	{ "ExeOrigin", "redshank.exe.origin", NULL, PLAIN, "where it is" },
	{ "CommandLine", "process.command_line", NULL, KEYWORD, "arguments joined by spaces" },
	{ "CurrentDirectory", "process.working_directory", NULL, PLAIN, "working directory" },
	{ "User", NULL, sigma_feed_user, PLAIN, "name of the real and of the effective user" },
	{ "UserId", "user.id", NULL, PLAIN, "real user id" },
	{ "EffectiveUserId", "process.user.id", NULL, PLAIN, "effective user id" },
	{ "ProcessId", "process.pid", NULL, PLAIN, "process id" },
	{ "ProcessGuid", "process.entity_id", NULL, PLAIN, "unique id of the process" },
	{ "ProcessName", "process.name", NULL, PLAIN, "thread name" },
	{ "ParentImage", "process.parent.executable", NULL, PLAIN, "executable of the creator" },
	{ "ParentCommandLine", "process.parent.command_line", NULL, PLAIN,
	  "its arguments joined by spaces" },
	{ "AncestorImage", NULL, sigma_feed_ancestor_image, PLAIN,
	  "executables of all ancestors, the creator first" },
	{ "AncestorCommandLine", NULL, sigma_feed_ancestor_args, PLAIN,
	  "command lines of all ancestors, the creator first" },
	{ "PreviousImage", "redshank.previous.executable", NULL, PLAIN,
	  "what the process ran before" },
	{ "LoginUser", "redshank.login.user", NULL, PLAIN, "who logged in, whoever it is now" },
	{ "Tty", "redshank.tty", NULL, PLAIN, "controlling terminal" },
	{ "ContainerId", "container.id", NULL, PLAIN, "id of the container" },
	{ "ContainerRuntime", "container.runtime", NULL, PLAIN, "docker, podman, …" },
	SIGMA_FEED_STRUCTURE,
	{ "Computer", "host.name", NULL, PLAIN, "host name" },
	{ "UtcTime", "@timestamp", NULL, PLAIN, "when it happened" },
	{ 0 },
};

#define PROCESS_CREATION                          \
	{                                         \
		"linux", "process_creation", NULL \
	}
#define AUDITD                          \
	{                               \
		"linux", NULL, "auditd" \
	}

#define SERVICE(name_)               \
	{                            \
		"linux", NULL, name_ \
	}

#define CATEGORY(name_)              \
	{                            \
		"linux", name_, NULL \
	}

const struct sigma_source sigma_judged[] = {
	{ PROCESS_CREATION, EV_exec, "programs started", process_creation, native, NULL },
	{ PROCESS_CREATION, EV_proc, "programs that ran before the sensor", process_creation,
	  native, NULL },
	{ PROCESS_CREATION, EV_scan, "programs whose memory was scanned", process_creation, native,
	  NULL },
	{ CATEGORY("image_load"), EV_map, "memory made executable", image_load, memory, NULL },
	{ CATEGORY("anon_exec"), EV_anon_exec, "calls by code in no file", anon_exec, memory,
	  NULL },
	{ PROCESS_CREATION, EV_fork, "processes that made others", process_creation, native, NULL },
	{ PROCESS_CREATION, EV_exit, "processes that ended", process_creation, native, NULL },
	{ PROCESS_CREATION, EV_connect, "processes that connected", process_creation, native,
	  NULL },
	{ CATEGORY("process_access"), EV_access, "processes that reach into others",
	  sigma_feed_access, sigma_feed_acting, NULL },
	{ CATEGORY("bpf_load"), EV_bpf_load, "BPF programs loaded", sigma_feed_bpf,
	  sigma_feed_acting, NULL },
	{ CATEGORY("kernel_setting"), EV_kernel_write, "kernel settings opened for writing",
	  sigma_feed_kernel_write, sigma_feed_acting, NULL },
	{ CATEGORY("privilege_change"), EV_creds, "becoming root by a system call",
	  sigma_feed_creds, sigma_feed_acting, NULL },
	{ CATEGORY("driver_load"), EV_module, "modules and kernels handed to the kernel",
	  sigma_feed_module, sigma_feed_acting, NULL },
	{ CATEGORY("io_uring"), EV_uring, "io_uring requests", sigma_feed_uring, sigma_feed_acting,
	  NULL },
	{ CATEGORY("namespace_change"), EV_ns, "namespaces and mounts", sigma_feed_ns,
	  sigma_feed_acting, NULL },
	{ CATEGORY("authentication"), EV_auth, "logins", sigma_feed_auth, sigma_feed_acting, NULL },
};
const unsigned sigma_njudged = sizeof(sigma_judged) / sizeof(sigma_judged[0]);

const struct sigma_source sigma_sources[] = {
	{ PROCESS_CREATION, EV_exec, "programs started", process_creation, native, NULL },
	{ AUDITD, EV_exec, "their EXECVE records", audit_execve, audit_common, NULL },
	{ AUDITD, EV_exec, "their SYSCALL records", audit_syscall, audit_common, NULL },
	{ AUDITD, EV_exec, "their PATH records", audit_path, audit_common, NULL },
	{ AUDITD, EV_exec, "their CWD records", audit_cwd, audit_common, NULL },
	{ AUDITD, EV_exec, "their PROCTITLE records", audit_proctitle, audit_common, NULL },
	{ CATEGORY("image_load"), EV_map,
	  "memory that became executable with no ordinary file behind it", image_load, memory,
	  NULL },
	{ CATEGORY("anon_exec"), EV_anon_exec, "system calls by code that is in no file", anon_exec,
	  memory, NULL },
	{ CATEGORY("process_access"), EV_access, "processes that reach into others",
	  sigma_feed_access, sigma_feed_acting, NULL },
	{ CATEGORY("driver_load"), EV_module, "modules and kernels handed to the kernel",
	  sigma_feed_module, sigma_feed_acting, NULL },
	{ CATEGORY("bpf_load"), EV_bpf_load, "BPF programs loaded", sigma_feed_bpf,
	  sigma_feed_acting, NULL },
	{ CATEGORY("userfaultfd"), EV_userfault, "userfaultfd by unprivileged processes",
	  sigma_feed_userfault, sigma_feed_acting, NULL },
	{ CATEGORY("kernel_setting"), EV_kernel_write,
	  "files that steer the kernel, opened for writing", sigma_feed_kernel_write,
	  sigma_feed_acting, NULL },
	{ CATEGORY("io_uring"), EV_uring, "io_uring requests", sigma_feed_uring, sigma_feed_acting,
	  NULL },
	{ CATEGORY("privilege_change"), EV_creds, "becoming root by a system call",
	  sigma_feed_creds, sigma_feed_acting, NULL },
	{ CATEGORY("namespace_change"), EV_ns, "namespaces and mounts", sigma_feed_ns,
	  sigma_feed_acting, NULL },
	{ CATEGORY("authentication"), EV_auth, "attempts to log in, and ends of sessions",
	  sigma_feed_auth, sigma_feed_acting, NULL },
	{ CATEGORY("authentication_claim"), EV_auth_text, "what was said of logins",
	  sigma_feed_claim, sigma_feed_acting, NULL },
	{ AUDITD, EV_auth_text, "audit messages from programs", sigma_feed_audit_user, NULL,
	  sigma_is_audit },
	{ SERVICE("syslog"), EV_auth_text, "lines for the system's log about logins",
	  sigma_feed_log, sigma_feed_acting, sigma_is_syslog },
	{ SERVICE("auth"), EV_auth_text, "those of the facilities auth and authpriv",
	  sigma_feed_log, sigma_feed_acting, sigma_is_auth },
	{ SERVICE("sshd"), EV_auth_text, "those of sshd, and its standard error", sigma_feed_log,
	  sigma_feed_acting, sigma_is_sshd },
	{ SERVICE("sudo"), EV_auth_text, "those of sudo", sigma_feed_sudo, sigma_feed_acting,
	  sigma_is_sudo },
	{ SERVICE("vsftpd"), EV_auth_text, "those of vsftpd", sigma_feed_log, sigma_feed_acting,
	  sigma_is_vsftpd },
};
const unsigned sigma_nsources = sizeof(sigma_sources) / sizeof(sigma_sources[0]);
