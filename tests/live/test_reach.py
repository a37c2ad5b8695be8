#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Processes that reach into others and into the kernel: each way comes as its event and raises exactly
its alert; debuggers, tracers and container runtimes stay below medium."""
import json
import os
import pty
import shutil
import subprocess
import sys
import time

from sensor import PATIENCE, ROOT, TRIGGERS, Sensor, Trigger, directory, get, start, until
from tap import Skip, equal, run, test

RULES = os.path.join(ROOT, "rules/fileless")
LEVELS = {"informational": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}
INJECTED = ("Process writes into the memory of an unrelated process", "high")
ATTACHED = ("Process attaches to an unrelated process", "low")
VDSO = ("vDSO of a process is overwritten", "high")
CHILD = ("Debugger writes into a process of the same user", "low")
CONTAINER = "0c0ffee1" * 8
CGROUPS = "/sys/fs/cgroup/unified" if os.path.isdir("/sys/fs/cgroup/unified") else "/sys/fs/cgroup"

# mode: what is seen (action, operation), and what is alerted
ON_PROCESS = {
    "attach": ([("access", "ptrace_attach")], {ATTACHED}),
    "seize": ([("access", "ptrace_seize")], {ATTACHED}),
    "poke": ([("access", "ptrace_attach"), ("access", "ptrace_poke_text")], {ATTACHED, INJECTED}),
    "regs": ([("access", "ptrace_attach"), ("access", "ptrace_set_regs")], {ATTACHED, INJECTED}),
    "writev": ([("access", "vm_write")], {INJECTED}),
    "readv": ([("access", "vm_read")],
              {("Process reads the memory of an unrelated process", "low")}),
    "memwrite": ([("access", "mem_write")], {INJECTED}),
    "getfd": ([("access", "pidfd_getfd")],
              {("Descriptor is taken out of another process", "medium")}),
    "vdso": ([("access", "ptrace_attach"), ("access", "ptrace_poke_data")],
             {ATTACHED, INJECTED, VDSO}),
}
ALONE = {
    "self": ([("access", "mem_write")], {("Process writes into its own memory by /proc", "high")}),
    "bpf": ([("bpf_load", "socket_filter")], {("BPF program by an unknown loader", "medium")}),
    "setuid": ([("creds", "setuid")], set()),
    "unshare": ([("ns", "unshare")], set()),
}
OPERATION = {"access": "redshank.access.op", "module": "redshank.module.op",
             "bpf_load": "redshank.bpf.type", "creds": "redshank.creds.op",
             "ns": "redshank.ns.op", "uring": "redshank.uring.op",
             "kernel_write": "redshank.kernel_file", "userfault": "redshank.userfault.flags"}


def seen(sensor, pid):
    return [(get(e, "event.action"), get(e, OPERATION[get(e, "event.action")]))
            for e in sensor.find(pid=pid) if get(e, "event.action") in OPERATION]


def alerted(sensor, pid):
    return {(get(a, "rule.name"), get(a, "redshank.alert.level")) for a in sensor.alerts(pid)}


def act(sensor, *args, **options):
    """What is seen of a trigger, and what is alerted."""
    try:
        with Trigger("reach", *args, stderr=subprocess.PIPE, **options) as t:
            pid = t.pid
    except AssertionError as why:
        raise Skip(f"this kernel can't: {why}") from why
    sensor.settle()
    return pid, sorted(seen(sensor, pid)), alerted(sensor, pid)


def on_process(mode):
    def body(sensor):
        with Trigger("reach", "idle") as idle:
            pid, events, alerts = act(sensor, mode, str(idle.pid))
            found = sensor.find("access", pid)
            equal({get(e, "redshank.access.target.pid") for e in found}, {idle.pid}, "target")
            equal({get(e, "redshank.access.target.entity_id") for e in found},
                  {sensor.entity(idle.pid)}, "the target's id")
            equal({get(e, "redshank.access.target.executable") for e in found},
                  {os.path.join(TRIGGERS, "reach")}, "the target's program")
        equal(events, sorted(ON_PROCESS[mode][0]))
        equal(alerts, ON_PROCESS[mode][1])
    body.__name__ = mode
    body.__doc__ = f"{mode} of an unrelated process is seen and alerted"
    return test(body)


def alone(mode):
    def body(sensor):
        _, events, alerts = act(sensor, mode)
        equal(events, sorted(ALONE[mode][0]))
        equal(alerts, ALONE[mode][1])
    body.__name__ = mode
    body.__doc__ = f"{mode} is seen and alerted"
    return test(body)


for name in ON_PROCESS:
    on_process(name)
for name in ALONE:
    alone(name)


@test
def compat(sensor):
    """ptrace(2) by int 0x80 is seen as such"""
    with Trigger("reach", "idle") as idle:
        _, events, alerts = act(sensor, "int80", str(idle.pid))
    equal(events, [("access", "ptrace_attach")])
    equal(alerts, {ATTACHED})


@test
def hollowing(sensor):
    """A child that lets itself be traced, and is written to: low"""
    _, events, alerts = act(sensor, "traceme")
    assert ("access", "ptrace_poke_text") in events, events
    equal(alerts, {CHILD})


@test
def userfault(sensor):
    """userfaultfd by an unprivileged process; for user mode only no alert"""
    _, events, alerts = act(sensor, "userfault")
    equal([e for e in events if e[0] == "userfault"], [("userfault", "0x1")])
    equal(alerts, set())


@test
def modules(sensor):
    """A module from a memfd, also one that is refused"""
    _, events, alerts = act(sensor, "finit")
    if not events:
        raise Skip("only calls that succeed are seen here")
    equal(events, [("module", "finit_module")])
    equal(alerts, {("Kernel module from memory or a deleted file", "high")})


@test
def settings(sensor):
    """Files that steer the kernel, under another name too; reading them is nothing"""
    work = directory()
    link = os.path.join(work, "innocent")
    os.symlink("/proc/self/root/proc/sys/kernel/core_pattern", link)
    pid, events, alerts = act(sensor, "open", link)
    equal(events, [("kernel_write", "core_pattern")])
    equal(get(sensor.find("kernel_write", pid)[0], "file.path"), "/proc/sys/kernel/core_pattern")
    equal(alerts, {("Handler of crashes or of executable formats opened for writing", "medium")})
    child = start(["/bin/cat", link], stdout=subprocess.DEVNULL)
    child.wait(PATIENCE)
    sensor.settle()
    equal(seen(sensor, child.pid), [])


@test
def namespaces(sensor):
    """setns(2) into a namespace of pid 1's says so; a mount in one's own namespace says of what"""
    # To have another one first: the same namespace again is no change, and not seen everywhere.
    inner = ["/usr/bin/unshare", "--net", os.path.join(TRIGGERS, "reach"), "setns",
             str(os.getpid()), "net"]
    with Trigger("-", *inner[1:], program=inner[0]) as t:
        pid = t.pid
    sensor.settle()
    event = sensor.find("ns", pid, where=lambda e: get(e, "redshank.ns.op") == "setns")[0]
    equal(get(event, "redshank.ns.changed"), ["net"])
    equal(get(event, "redshank.ns.host"), ["net"])
    equal(alerted(sensor, pid), set())
    pid, _, alerts = act(sensor, "mount")
    event = sensor.find("ns", pid, where=lambda e: get(e, "redshank.ns.op") == "mount")[0]
    equal([get(event, "redshank.mount.source"), get(event, "redshank.mount.fs_type"),
           get(event, "file.path")], ["rs-source", "tmpfs", "/tmp"])
    equal(alerts, set())


def in_container():
    group = os.path.join(CGROUPS, f"docker-{CONTAINER}.scope")
    try:
        os.mkdir(group)
    except OSError as why:
        raise Skip(f"no control group can be made: {why}") from why

    def enter():
        with open(os.path.join(group, "cgroup.procs"), "w") as f:
            f.write("0")
    return group, enter


@test
def escape(sensor):
    """From a container: pid 1's mount namespace entered, core_pattern opened"""
    group, enter = in_container()
    try:
        inner = ["/usr/bin/unshare", "--mount", os.path.join(TRIGGERS, "reach"), "setns",
                 str(os.getpid()), "mnt"]
        with Trigger("-", *inner[1:], program=inner[0], preexec_fn=enter) as t:
            pid = t.pid
        sensor.settle()
        equal(alerted(sensor, pid), {("Container process enters the host's namespaces", "high")})
        _, _, alerts = act(sensor, "open", "/proc/sys/kernel/core_pattern", preexec_fn=enter)
        equal(alerts, {("core_pattern opened for writing in a container", "high"),
                       ("Handler of crashes or of executable formats opened for writing", "medium")})
    finally:
        until(lambda: not open(os.path.join(group, "cgroup.procs")).read(), "control group empty")
        os.rmdir(group)


# What a request has opened is seen since 5.19.
OPENED = tuple(map(int, os.uname().release.split(".")[:2])) >= (5, 19)


def by_uring(sensor, mode):
    path = os.path.join(directory(), "file")
    pid, events, alerts = act(sensor, mode, path)
    ops = ["connect", "openat", *(["opened"] if OPENED else []), "renameat", "unlinkat"]
    equal([e for e in events if e[0] == "uring"], [("uring", op) for op in ops])
    found = {get(e, "redshank.uring.op"): e for e in sensor.find("uring", pid)}
    equal(get(found["openat"], "file.path"), path)
    if OPENED:
        equal(get(found["opened"], "file.path"), path)
    equal(get(found["renameat"], "redshank.uring.new_path"), path + ".renamed")
    equal(get(found["unlinkat"], "file.path"), path + ".renamed")
    equal(get(found["connect"], "destination.address"), "127.0.0.1:9")
    equal(alerts, set())
    return found


@test
def uring(sensor):
    """io_uring: open, rename, unlink, connect with their objects"""
    equal({get(e, "redshank.uring.sqpoll") for e in by_uring(sensor, "uring").values()}, {False})


@test
def sqpoll(sensor):
    """The same submitted by a kernel thread"""
    equal({get(e, "redshank.uring.sqpoll") for e in by_uring(sensor, "sqpoll").values()}, {True})


# --- what only looks like it ---

def in_terminal(argv):
    """Runs it with a terminal of its own; its pid."""
    pid, fd = pty.fork()
    if not pid:
        os.execvp(argv[0], argv)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if not os.read(fd, 4096):
                break
        except OSError:  # the other end is closed
            break
    os.waitpid(pid, 0)
    os.close(fd)
    return pid


def quiet(sensor, since):
    """No alert above low of what we did since; the machine has other things to do."""
    sensor.settle()
    us = f'"pid": {os.getpid()},'
    loud = [(get(a, "rule.name"), get(a, "redshank.alert.level"), get(a, "process.executable"))
            for a in sensor.find(kind="alert")[since:]
            if us in json.dumps(get(a, "redshank.ancestors")) + "," and LEVELS[get(a, "redshank.alert.level")] > 1]
    equal(loud, [], "alerts above low")


def look_alike(program, what, *argv, terminal=True, needs_target=False):
    def body(sensor):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
        sensor.settle()
        since = len(sensor.find(kind="alert"))
        idle = Trigger("reach", "idle") if needs_target else None
        args = [a.replace("PID", str(idle.pid)) if idle else a for a in argv]
        if terminal:
            in_terminal([program, *args])
        else:
            start([program, *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                  stderr=subprocess.DEVNULL).wait(PATIENCE)
        if idle:
            idle.end()
        quiet(sensor, since)
    body.__name__ = what.replace(" ", "_")
    body.__doc__ = f"Look-alike: {program} {what} stays below medium"
    return test(body)


GDB = ["-q", "-nx", "-batch", "-ex", "set confirm off"]
look_alike("gdb", "on its own child", *GDB, "-ex", "break exit", "-ex", "run", "/bin/true",
           terminal=False)
look_alike("gdb", "attached in a terminal", *GDB, "-p", "PID", "-ex", "set var *(long *)$sp = 0",
           "-ex", "detach", needs_target=True)
look_alike("strace", "of a command", "-f", "-o", "/dev/null", "/bin/sh", "-c", "/bin/true; :",
           terminal=False)
look_alike("strace", "attached in a terminal", "-o", "/dev/null", "-p", "PID", "-e", "trace=none",
           "-c", "-w", "-qq", "-V", needs_target=True)
look_alike("perf", "stat of a command", "stat", "-o", "/dev/null", "/bin/true", terminal=False)
look_alike("nsenter", "into pid 1's namespaces on the host", "-t", "1", "-m", "-n", "/bin/true",
           terminal=False)
look_alike("node", "a script", "-e", "require('fs').readFileSync('/etc/hostname'); fetch", "",
           terminal=False)


@test
def runc(sensor):
    """Look-alike: runc runs a container below medium"""
    if not shutil.which("runc") or not os.path.exists("/bin/busybox"):
        raise Skip("runc or busybox is not installed")
    bundle = directory()
    os.makedirs(os.path.join(bundle, "rootfs/bin"))
    shutil.copy("/bin/busybox", os.path.join(bundle, "rootfs/bin/sh"))
    subprocess.run(["runc", "spec"], cwd=bundle, check=True, timeout=PATIENCE)
    path = os.path.join(bundle, "config.json")
    with open(path) as f:
        spec = json.load(f)
    spec["process"].update(terminal=False, args=["/bin/sh", "-c", "exit 0"])
    with open(path, "w") as f:
        json.dump(spec, f)
    sensor.settle()
    since = len(sensor.find(kind="alert"))
    child = start(["runc", "run", f"rs-{os.getpid()}"], cwd=bundle, stdin=subprocess.DEVNULL,
                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    child.wait(PATIENCE)
    quiet(sensor, since)


if __name__ == "__main__":
    common = Sensor(rules=[RULES])
    code = run(common)
    common.stop()
    sys.exit(code)
