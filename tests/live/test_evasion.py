#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is meant not to be seen: the same techniques by other names, entries, threads, descriptors and
mounts come as the same events and raise the same alerts."""
import os
import shutil
import subprocess
import sys

from sensor import PATIENCE, ROOT, TRIGGERS, Sensor, Trigger, directory, get, start, until
from tap import Skip, equal, run, test
from test_reach import ATTACHED, INJECTED, VDSO, alerted, in_container

RULES = os.path.join(ROOT, "rules/fileless")
CORE_PATTERN = "/proc/sys/kernel/core_pattern"
EVADE = os.path.join(TRIGGERS, "evade")
MEMFD = "redshank.fileless.memfd_exec"
SETTING = ("Handler of crashes or of executable formats opened for writing", "medium")
MODULE = ("Kernel module from memory or a deleted file", "high")
DEVICE = ("Block device mounted in a container", "high")
SENSITIVE = ("Sensitive file by io_uring", "high")
FLOOD = ("Flood of io_uring requests that name files", "low")
SWAPPED = ("Descriptor exchanged while a file was opened for writing", "low")
REFUSED = ("Reaching into another process was refused", "low")


def act(sensor, *args, **options):
    """The pid of what a trigger led to, when all of it has been seen."""
    try:
        with Trigger("evade" if args[0] == "run" else "evade_reach", *args, stderr=subprocess.PIPE, **options) as t:
            pid = t.pid
            sensor.settle()
    except AssertionError as why:
        raise Skip(f"this kernel can't: {why}") from why
    sensor.settle()
    return pid


def verdicts(sensor, pid):
    return {(get(a, "rule.id"), get(a, "redshank.alert.level")) for a in sensor.alerts(pid)}


# --- programs in memory ---

def from_memory(sensor, pid):
    """The process runs a memfd, and that is an alert."""
    event = sensor.find("exec", pid)[-1]
    equal(get(event, "redshank.exe.origin"), "memfd")
    assert (MEMFD, "high") in verdicts(sensor, pid), verdicts(sensor, pid)
    return event


def runs(way, doc, argument=lambda: ()):
    def body(sensor):
        from_memory(sensor, act(sensor, "run", way, *argument()))
    body.__name__ = f"run_{way}"
    body.__doc__ = f"memfd executed {doc}"
    return test(body)


@test
def run_path(sensor):
    """memfd executed under every spelling of its descriptor"""
    for path in ("/proc/self/fd/%d", "/dev/fd/%d", "//proc///self/./fd/%d", "/proc/thread-self/fd/%d",
                 "/proc/self/task/../fd/%d", "/proc/self/root/proc/self/fd/%d",
                 "/proc/self/cwd/../proc/self/fd/%d"):
        from_memory(sensor, act(sensor, "run", "path", path, cwd="/usr"))
    from_memory(sensor, act(sensor, "run", "path", "self/fd/%d", cwd="/proc"))


runs("link", "by a symbolic link", lambda: [os.path.join(directory(), "ls")])
runs("bind", "by a procfs bound elsewhere", lambda: [directory()])
runs("chroot", "in a new root directory", lambda: [directory()])
runs("argv", "without arguments")
runs("long", "with 1.8 MB of arguments")
runs("storm", "by a great-grandchild whose ancestors are gone")
runs("sibling", "by a sibling (CLONE_PARENT)")
runs("vfork", "by a child that shares memory")
runs("leaderless", "by a thread whose first thread is gone")
runs("int80", "by the 32-bit entry")
runs("uring", "by a descriptor that io_uring opened")


@test
def run_pidns(sensor):
    """memfd executed by a second procfs in a pid namespace; the pid is the host's"""
    with Trigger("evade", "run", "pidns", directory()) as t:
        sensor.settle()
    outer = t.process.pid
    found = sensor.children("exec", outer)
    equal(len(found), 1, "programs that its child ran")
    equal(get(found[0], "redshank.exe.origin"), "memfd")
    pid = get(found[0], "process.pid")
    assert pid > 1, pid
    assert (MEMFD, "high") in verdicts(sensor, pid), verdicts(sensor, pid)


@test
def renamed(sensor):
    """A program that calls itself a kernel thread: its name changes nothing"""
    program = os.path.join(directory(), "kworker.0")
    shutil.copy(EVADE, program)
    with Trigger("[kworker/0:0]", "run", "argv", program=program) as t:
        sensor.settle()
    event = from_memory(sensor, t.pid)
    equal(get(event, "process.parent.pid"), os.getpid())


@test
def long_path(sensor):
    """A path of 60 components with newlines, escapes and bytes that are no UTF-8 is whole"""
    top = os.fsencode(directory())
    name = b"\n\x1b[2J\xff\xc3" + b"x" * 57
    path = top
    while len(path) < 3900:
        path = os.path.join(path, name)
    os.makedirs(path)
    program = os.path.join(path, b"ls")
    shutil.copy(EVADE, program)
    child = start([program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    child.wait(PATIENCE)
    event = sensor.exec_of(child.pid)
    seen = get(event, "process.executable")
    equal(seen.count("/"), program.count(b"/"), "components")
    assert seen.startswith(os.fsdecode(top)) and seen.endswith("/ls"), seen[-80:]
    assert "\n" in seen and "\x1b" in seen, "control characters are kept, escaped by the encoding"


@test
def not_a_program(sensor):
    """A memfd that is no program (ENOEXEC) is no execution"""
    fd = os.memfd_create("data", 0)
    os.write(fd, b"no program")
    os.set_inheritable(fd, True)
    child = start([sys.executable, "-c",
                   f"import os\ntry: os.execve({fd}, ['x'], {{}})\nexcept OSError as e: print(e.errno)"],
                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, pass_fds=[fd])
    equal(child.communicate(timeout=PATIENCE)[0], b"8\n")
    sensor.settle()
    equal(len(sensor.find("exec", child.pid)), 1, "programs")
    equal(verdicts(sensor, child.pid), set())


@test
def unmounted(sensor):
    """Programs on a tmpfs that is unmounted lazily, or never was mounted, are told as such"""
    for way, args in ("lazy", [directory()]), ("loose", []):
        pid = act(sensor, "run", way, *args)
        event = sensor.find("exec", pid)[-1]
        equal(get(event, "redshank.exe.origin"), "tmpfs", way)
        assert "detached" in get(event, "redshank.exe.flags"), get(event, "redshank.exe.flags")


# --- other processes ---

def reached(sensor, way):
    with Trigger("evade_reach", "idle") as idle:
        pid = act(sensor, "reach", way, str(idle.pid))
        found = sensor.find("access", pid)
    equal({get(e, "redshank.access.target.pid") for e in found} - {idle.pid}, set(), "other targets")
    return found, alerted(sensor, pid)


@test
def vectors(sensor):
    """process_vm_writev into the vDSO behind a harmless first vector"""
    found, alerts = reached(sensor, "vectors")
    assert "vdso" in get(found[0], "redshank.access.flags"), found
    equal(alerts, {INJECTED, VDSO})


@test
def again(sensor):
    """The same by another program of the same process is told again"""
    found, alerts = reached(sensor, "twice")
    equal([get(e, "redshank.access.op") for e in found], ["vm_write"] * 2)
    equal(alerts, {INJECTED})


@test
def thread(sensor):
    """process_vm_writev by a thread whose first thread is gone"""
    found, alerts = reached(sensor, "thread")
    assert found, "nothing was seen"
    equal(alerts, {INJECTED})


@test
def refused(sensor):
    """An attempt that the kernel refuses: low"""
    found, alerts = reached(sensor, "refused")
    if not found:
        raise Skip("another security module refuses it before it is seen here")
    if not get(found[0], "redshank.access.error"):
        raise Skip("attempts are seen before they are refused here")
    equal(get(found[0], "redshank.access.error"), 1)
    equal(alerts, {REFUSED})


@test
def reach_int80(sensor):
    """ptrace(2) and process_vm_writev(2) by the 32-bit entry"""
    found, alerts = reached(sensor, "int80")
    assert "ptrace_attach" in {get(e, "redshank.access.op") for e in found}, found
    assert ATTACHED in alerts, alerts


@test
def register(sensor):
    """The instruction pointer by PTRACE_POKEUSER, which is no memory"""
    equal(reached(sensor, "register")[1], {ATTACHED, INJECTED})


@test
def enters_host(sensor):
    """A container enters pid 1's mount namespace by a pidfd"""
    group, enter = in_container()
    try:
        pid = act(sensor, "reach", "setns", str(os.getpid()), preexec_fn=enter)
        equal(alerted(sensor, pid), {("Container process enters the host's namespaces", "high")})
    finally:
        until(lambda: not open(os.path.join(group, "cgroup.procs")).read(), "control group empty")
        os.rmdir(group)


# --- the kernel ---

def opened(way, doc):
    def body(sensor):
        pid = act(sensor, "set", way, CORE_PATTERN)
        family = [pid] if way != "passed" else [
            get(e, "process.pid") for e in sensor.children("fork", pid)]
        found = [e for p in family for e in sensor.find("kernel_write", p)]
        equal([get(e, "redshank.kernel_file") for e in found], ["core_pattern"])
        equal(get(found[0], "file.path"), CORE_PATTERN)
        equal(alerted(sensor, family[0]), {SETTING})
    body.__name__ = f"set_{way}"
    body.__doc__ = f"core_pattern opened {doc}"
    return test(body)


opened("openat2", "by openat2(2)")
opened("creat", "by creat(2)")
opened("int80", "by the 32-bit entry")
opened("again", "by the link of a descriptor that could do nothing")
opened("passed", "by a child, and handed over: told of the child")


@test
def raced(sensor):
    """A descriptor that another thread exchanges: what was opened is told, or that it is not known"""
    pid = act(sensor, "race", CORE_PATTERN, "5000")
    found = [get(e, "redshank.kernel_file") for e in sensor.find("kernel_write", pid)]
    assert set(found) <= {"core_pattern", "swapped"} and "core_pattern" in found, set(found)
    alerts = alerted(sensor, pid)
    assert SETTING in alerts, alerts
    equal(SWAPPED in alerts, "swapped" in found)
    print(f"# {found.count('swapped')} exchanged, {found.count('core_pattern')} told of 5000")


@test
def set_elsewhere(sensor):
    """core_pattern by another procfs, by a bind mount of the file, relative to a new root"""
    here = directory()
    script = (f"mount -t proc x {here}/p && mount --bind {CORE_PATTERN} {here}/f && "
              f"exec {EVADE}_reach set creat $0")
    os.mkdir(os.path.join(here, "p"))
    open(os.path.join(here, "f"), "w").close()
    for path in f"{here}/p/sys/kernel/core_pattern", f"{here}/f":
        with Trigger("-", "-m", "/bin/sh", "-c", script, path, program="/usr/bin/unshare") as t:
            sensor.settle()
        equal(alerted(sensor, t.pid), {SETTING}, path)


@test
def uring_write(sensor):
    """A setting that io_uring opens without a descriptor is told when it is written to"""
    pid = act(sensor, "uring", "write", "/proc/sys/kernel/hostname")
    equal({get(e, "redshank.kernel_file") for e in sensor.find("kernel_write", pid)},
          {"sysctl_kernel"})


@test
def uring_set(sensor):
    """core_pattern opened for writing by io_uring"""
    with Trigger("evade_reach", "uring", "set", CORE_PATTERN) as t:
        sensor.settle()
    assert SETTING in alerted(sensor, t.pid), alerted(sensor, t.pid)


@test
def uring_behind(sensor):
    """A sensitive file behind hundreds of harmless requests of io_uring"""
    pid = act(sensor, "uring", "open", "/etc/shadow", "300")
    equal(alerted(sensor, pid), {SENSITIVE})


@test
def uring_names(sensor):
    """A sensitive file by a relative name and by a symbolic link"""
    link = os.path.join(directory(), "innocent")
    os.symlink("/etc/shadow", link)
    for path, cwd in ("shadow", "/etc"), (link, "/"):
        pid = act(sensor, "uring", "open", path, cwd=cwd)
        equal(alerted(sensor, pid), {SENSITIVE}, path)
        found = sensor.find("uring", pid, where=lambda e: get(e, "redshank.uring.op") == "opened")
        equal(get(found[-1], "file.path"), "/etc/shadow")


@test
def uring_flood(sensor):
    """More requests of io_uring than are told: that is told"""
    pid = act(sensor, "uring", "open", "/dev/null", "20000")
    assert FLOOD in alerted(sensor, pid), alerted(sensor, pid)


@test
def module(sensor):
    """Modules from a memfd that are refused, by the 32-bit entry too"""
    pid = act(sensor, "module")
    found = sensor.find("module", pid)
    if not found:
        raise Skip("this kernel refuses them before a hook sees them")
    equal({get(e, "redshank.file.origin") for e in found}, {"memfd"})
    equal(alerted(sensor, pid), {MODULE})


@test
def mounts(sensor):
    """A mount with the flags of old programs, by the 32-bit entry, and one without a place"""
    for way, op in ("old", "mount"), ("int80", "mount"), ("loose", "fsmount"):
        pid = act(sensor, "mount", way, "rs-source", "tmpfs")
        found = [e for e in sensor.find("ns", pid) if get(e, "redshank.ns.op") == op]
        if not found and op == "fsmount":
            raise Skip("fsmount(2) has no hook here")
        equal(get(found[-1], "redshank.mount.fs_type"), "tmpfs", way)


@test
def disk(sensor):
    """A disk mounted in a container by a device node of another name"""
    work = directory()
    image, node = os.path.join(work, "image"), os.path.join(work, "innocent")
    with open(image, "wb") as f:
        f.truncate(1 << 20)
    if not shutil.which("mkfs.ext4") or subprocess.run(
            ["mkfs.ext4", "-q", image], check=False, capture_output=True).returncode:
        raise Skip("no file system can be made")
    loop = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True,
                          check=False)
    if loop.returncode:
        raise Skip(f"no loop device: {loop.stderr}")
    group, enter = in_container()
    try:
        os.mknod(node, 0o60600, os.stat(loop.stdout.strip()).st_rdev)
        pid = act(sensor, "mount", "old", node, "ext4", preexec_fn=enter)
        if get(sensor.find("ns", pid)[-1], "redshank.mount.dev") is None:
            raise Skip("only the name is known here")
        equal(alerted(sensor, pid), {DEVICE})
    finally:
        until(lambda: not open(os.path.join(group, "cgroup.procs")).read(), "control group empty")
        os.rmdir(group)
        subprocess.run(["losetup", "-d", loop.stdout.strip()], check=True)


if __name__ == "__main__":
    common = Sensor(rules=[RULES])
    code = run(common)
    common.stop()
    sys.exit(code)
