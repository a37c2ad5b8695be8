#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Memory that becomes executable, code at work in it, libraries from nowhere, the dynamic loader as
launcher: each alerts once, ordinary programs and compilers at run time do not."""
import glob
import json
import os
import shutil
import signal
import struct
import subprocess
import sys

from sensor import (PATIENCE, REDSHANK, ROOT, TRIGGERS, Sensor, Trigger, directory, get, start,
                    until)
from tap import Skip, equal, run, test
from test_variants import probe

ANON_EXEC = "redshank.fileless.anon_exec"
LOADER = "redshank.fileless.loader"
RULES = os.path.join(ROOT, "rules/fileless")
LEVELS = ["informational", "low", "medium", "high", "critical"]

# What mem_exec is asked for: kind of memory, system call, protection from then on.
MEMORY = {
    "wx": ("anon", "mmap", "rwx"),
    "wtox": ("anon", "mprotect", "r-x"),
    "pkey": ("anon", "pkey_mprotect", "r-x"),
    "int80": ("anon", "mprotect", "r-x"),
    "zero": ("anon", "mmap", "rwx"),
    "implied": ("anon", "mmap", "rwx"),
    "behind": ("anon", "mprotect", "r-x"),
    "shared": ("shm", "mmap", "rwx"),
    "sysv": ("shm", "shmat", "rwx"),
    "two-views": ("memfd", "mmap", "r-x"),
    "memfd": ("memfd", "mmap", "r-x"),
    "memfd-protect": ("memfd", "mprotect", "r-x"),
    "heap": ("heap", "mprotect", "r-x"),
    "stack": ("stack", "mprotect", "rwx"),
    "data": ("file", "mprotect", "r-x"),
    "decoy": ("file", "mprotect", "r-x"),
    "file-copy": ("file", "mmap", "rwx"),
    "two-views-unlinked": ("file", "mmap", "r-x"),
    "vdso": ("vdso", "mprotect", "rwx"),
    "mremap": ("anon", "mprotect", "r-x"),
    "fixed": ("anon", "mmap", "rwx"),
    "userfault": ("anon", "mmap", "r-x"),
}
CALLS = {"socket": "socket", "connect": "connect", "fork": "fork", "exec": "exec", "map": None,
         "open": "open", "setuid": "setuid"}
ONLY_AT_CALLS = "connect", "open", "setuid"
# Rules that alert besides, by title.
OF_MEMORY = {
    "memfd": ["Shared object loaded from memory (memfd)"],
    "memfd-protect": ["Shared object loaded from memory (memfd)"],
    "heap": ["Heap made executable"],
    "stack": ["Stack made executable while a program runs"],
    "data": ["Changed pages of a file made executable"],
    "decoy": ["Changed pages of a file made executable"],
    "vdso": ["The kernel's own code page of a process changed"],
}


def only_x86(what):
    if what == "int80" and os.uname().machine != "x86_64":
        raise Skip("x86 has it")


def at_call_exit(sensor, fact):
    """Is it seen where system calls end?"""
    told = subprocess.run([REDSHANK, "status", "-o", "json", "--socket", sensor.socket],
                          capture_output=True, text=True, timeout=PATIENCE).stdout
    hook = next(h for h in json.loads(told)["coverage"] if h.get("fact") == fact)
    return hook["variant"].endswith(("tp_btf", "raw_tp"))


def maps(sensor, pid, at_least=1):
    """Its map events, which come by a ring of their own."""
    if at_least:
        sensor.wait("map", pid)
    return sensor.sync().find("map", pid)


def alerts(sensor, pid, level="informational"):
    found = [a for a in sensor.sync().alerts(pid)
             if LEVELS.index(get(a, "redshank.alert.level")) >= LEVELS.index(level)]
    return {get(a, "redshank.alert.id"): a for a in found}.values()  # the last update of each


def names(found):
    return sorted(get(a, "rule.name") for a in found)


def of_memory(what):
    def body(sensor):
        only_x86(what)
        kind, op, prot = MEMORY[what]
        with Trigger("mem_exec", what, "socket") as t:
            event = maps(sensor, t.pid)[0]
            sensor.wait("anon_exec", t.pid)
            found = list(alerts(sensor, t.pid))
            call = sensor.find("anon_exec", t.pid)[0]
        equal([get(event, f"redshank.map.{f}") for f in ("kind", "op", "protection")],
              [kind, op, prot])
        equal(get(event, "redshank.map.count"), 1)
        equal(get(call, "redshank.anon_exec.call"), "socket")
        equal(get(call, "redshank.map.kind"), kind)
        equal(names(found), sorted(["Code at work in memory that no file holds",
                                    *OF_MEMORY.get(what, [])]))
        alert = [a for a in found if get(a, "rule.id") == ANON_EXEC][0]
        equal(get(alert, "redshank.alert.level"), "high")
        assert "T1620" in get(alert, "threat.technique.id"), alert
        facts = get(event, "redshank.map.facts", [])
        equal("compat" in facts, what == "int80", "by a 32-bit call")
        equal("read_implies_exec" in facts, what == "implied", "implied by the personality")

    body.__name__ = what.replace("-", "_")
    body.__doc__ = f"Code in {what} memory that makes a socket: the memory and the call are seen, one alert"
    return test(body)


for memory in MEMORY:
    of_memory(memory)


def of_call(action):
    def body(sensor):
        if action in ONLY_AT_CALLS and not at_call_exit(sensor, "anon_net"):
            raise Skip("seen where system calls are looked at; elsewhere socket(2) alone is")
        with Trigger("mem_exec", "wtox", action) as t:
            pid = t.said[-1]["pid"]
            if action == "exec":  # by a child
                child = sensor.sync().children("fork", pid)[0]
                pid = get(child, "process.pid")
            sensor.wait(pid=pid, kind="alert")
            found = alerts(sensor, pid)
        equal([get(a, "rule.id") for a in found], [ANON_EXEC])
        if CALLS[action]:
            equal(get(sensor.find("anon_exec", pid)[0], "redshank.anon_exec.call"), CALLS[action])
        else:
            events = maps(sensor, pid)
            assert "by_memory" in get(events[-1], "redshank.map.facts"), events

    body.__name__ = "call_" + action
    body.__doc__ = f"Code in anonymous memory: {action} alerts once, high"
    return test(body)


for call in CALLS:
    of_call(call)


@test
def data_maps(sensor):
    """Code in a program's data that makes more memory executable alerts, too"""
    with Trigger("mem_exec", "data", "map") as t:
        sensor.wait(pid=t.pid, kind="alert", where=lambda a: get(a, "rule.id") == ANON_EXEC)
        found = [a for a in alerts(sensor, t.pid) if get(a, "rule.id") == ANON_EXEC]
    equal(len(found), 1)


@test
def brk(sensor):
    """Code on a heap that grew executable, which no call tells, alerts"""
    with Trigger("mem_exec", "brk", "socket") as t:
        event = sensor.wait("anon_exec", t.pid)
        found = alerts(sensor, t.pid)
    equal(get(event, "redshank.map.kind"), "heap")
    equal([get(a, "rule.id") for a in found], [ANON_EXEC])


@test
def child(sensor):
    """Code in changed pages of a file is known in a child, too"""
    with Trigger("mem_exec", "data", "child") as t:
        pid = get(sensor.sync().children("fork", t.pid)[0], "process.pid")
        alert = sensor.wait(pid=pid, kind="alert")
    equal([get(alert, "rule.id"), get(alert, "redshank.alert.level")], [ANON_EXEC, "high"])


def through_libc(what, level):
    def body(sensor):
        with Trigger("mem_exec", what, "libc") as t:
            event = sensor.wait("anon_exec", t.pid)
            found = [a for a in alerts(sensor, t.pid) if get(a, "rule.id") == ANON_EXEC]
        assert "caller" in get(event, "redshank.map.facts"), event
        equal(get(event, "redshank.map.kind"), MEMORY[what][0])
        equal([get(a, "redshank.alert.level") for a in found], [level])

    body.__name__ = "libc_" + what
    body.__doc__ = f"Code in {what} memory that calls libc's socket: {level}"
    return test(body)


through_libc("wtox", "low")
through_libc("stack", "medium")
through_libc("data", "medium")


@test
def user_exec(sensor):
    """A static program loaded and started without execve alerts once, high"""
    with Trigger("user_exec", os.path.join(TRIGGERS, "exec_facts"), "stay") as t:
        event = sensor.wait("anon_exec", t.pid)
        found = alerts(sensor, t.pid)
    equal(get(event, "redshank.anon_exec.call"), "start")
    equal([(get(a, "rule.id"), get(a, "redshank.alert.level")) for a in found],
          [(ANON_EXEC, "high")])


@test
def secret(sensor):
    """memfd_secret that is mapped alerts, low; it can't be executable"""
    program = """
import ctypes, mmap, os, sys
fd = ctypes.CDLL(None).syscall(447, 0)
if fd >= 0:
    os.ftruncate(fd, 4096)
    kept = mmap.mmap(fd, 4096)
print(fd, flush=True)
sys.stdin.read()
"""
    child = start([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    fd = int(child.stdout.readline())
    if fd < 0:
        end(child)
        raise Skip("this kernel has no memfd_secret, or it is switched off")
    maps(sensor, child.pid)
    found = alerts(sensor, child.pid)
    end(child)
    equal(names(found), ["Secret memory mapped (memfd_secret)"])


@test
def unlinked(sensor):
    """A deleted file mapped executable alerts"""
    with Trigger("mem_exec", "unlinked", "none") as t:
        event = maps(sensor, t.pid)[0]
        found = alerts(sensor, t.pid)
    equal(get(event, "redshank.map.origin"), "unlinked")
    equal(get(event, "redshank.map.nlink"), 0)
    equal(names(found), ["Shared object loaded from a deleted file"])


def library():
    """A shared object that this Python has not loaded."""
    for path in sorted(glob.glob("/lib/*-linux-gnu/lib*.so.*") + glob.glob("/lib64/lib*.so.*")):
        if "libm.so" in path or "libz.so" in path:
            return os.path.realpath(path)
    raise Skip("no library to load")


LOAD = """
import ctypes, os, sys
how, path = sys.argv[1:]
if how == "path":
    ctypes.CDLL(path)
elif how == "shared":
    import mmap
    data = open(path, "rb").read()
    kept = mmap.mmap(-1, len(data))
    kept.write(data)
    begin = ctypes.addressof(ctypes.c_char.from_buffer(kept))
    name = [n for n in os.listdir("/proc/self/map_files") if n.startswith(f"{begin:x}-")][0]
    ctypes.CDLL("/proc/self/map_files/" + name)
elif how == "once":
    ctypes.CDLL(path)
    os.unlink(path)
else:
    fd = os.memfd_create("lib") if how == "memfd" else os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR)
    with open(path, "rb") as f:
        os.write(fd, f.read())
    ctypes.CDLL(f"/proc/self/fd/{fd}")
print(os.getpid(), flush=True)
sys.stdin.read()
"""


def load(how, path, **options):
    child = start([sys.executable, "-c", LOAD, how, path], stdin=subprocess.PIPE,
                  stdout=subprocess.PIPE, **options)
    assert child.stdout.readline(), "the library was not loaded"
    return child


def end(child):
    child.stdin.close()
    child.wait(PATIENCE)
    child.stdout.close()


@test
def dlopen_memfd(sensor):
    """dlopen of a memfd alerts once, high"""
    child = load("memfd", library())
    event = maps(sensor, child.pid)[0]
    found = alerts(sensor, child.pid, "low")
    end(child)
    equal(names(found), ["Shared object loaded from memory (memfd)"])
    equal(get(event, "redshank.map.origin"), "memfd")
    assert "memfd:lib" in get(event, "redshank.map.path"), event
    assert "by_loader" in get(event, "redshank.map.facts"), event


@test
def dlopen_unlinked(sensor):
    """dlopen of an O_TMPFILE file alerts once, high"""
    child = load("tmpfile", library())
    maps(sensor, child.pid)
    found = alerts(sensor, child.pid, "low")
    end(child)
    equal(names(found), ["Shared object loaded from a deleted file"])


@test
def dlopen_shared(sensor):
    """dlopen of shared anonymous memory by /proc/self/map_files alerts once, high"""
    child = load("shared", library())
    maps(sensor, child.pid)
    found = alerts(sensor, child.pid, "low")
    end(child)
    equal(names(found), ["Shared object loaded from memory (memfd)"])


@test
def dlopen_after_noise(sensor):
    """A memfd is told after any number of other odd mappings"""
    program = """
import mmap, sys
with open(sys.executable, "rb") as f:
    for _ in range(40):
        mmap.mmap(f.fileno(), 4096, mmap.MAP_PRIVATE,
                  mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
"""
    child = start([sys.executable, "-c", program + LOAD, "memfd", library()],
                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline(), "the library was not loaded"
    maps(sensor, child.pid)
    found = alerts(sensor, child.pid, "medium")
    end(child)
    equal(names(found), ["Shared object loaded from memory (memfd)"])


@test
def library_of_others(sensor):
    """Root loads a library that is another user's, or lies where others can replace it: medium"""
    for mode, owner in (0o755, 1000), (0o777, 0):
        where = directory()
        path = os.path.join(where, "libx.so")
        shutil.copy(library(), path)
        os.chmod(where, mode)
        os.chown(where, owner, owner)
        child = load("path", path)
        event = maps(sensor, child.pid)[-1]
        found = alerts(sensor, child.pid, "low")
        end(child)
        equal(get(event, "redshank.map.path"), path)
        assert "others" in get(event, "redshank.map.facts"), event
        equal(names(found), ["Library loaded by root that another user can change"])


@test
def ld_so_preload(sensor):
    """A library of another user that /etc/ld.so.preload names is told of what root runs"""
    path = os.path.join(directory(), "libx.so")
    shutil.copy(library(), path)
    os.chown(path, 1000, 1000)
    script = f"mount -t tmpfs none /etc && echo {path} >/etc/ld.so.preload && exec /bin/true"
    child = start(["unshare", "-m", "/bin/sh", "-c", script])
    if child.wait(PATIENCE):
        raise Skip("no mount here")
    event = maps(sensor, child.pid)[-1]
    found = alerts(sensor, child.pid, "medium")
    equal([get(event, f"redshank.map.{f}") for f in ("path", "uid")], [path, 1000])
    assert "Library loaded by root that another user can change" in names(found), found


@test
def audited(sensor):
    """LD_AUDIT of a memfd: the variable and the mapping alert"""
    fd = os.memfd_create("audit", 0)
    with open(library(), "rb") as f:
        os.write(fd, f.read())
    child = start(["/bin/true"], env={"LD_AUDIT": f"/proc/self/fd/{fd}"}, pass_fds=[fd],
                  stderr=subprocess.DEVNULL)
    child.wait(PATIENCE)
    os.close(fd)
    maps(sensor, child.pid)
    equal(names(alerts(sensor, child.pid)),
          ["Audit library for the dynamic loader",
           "Library preloaded from a directory that everybody can write to",
           "Shared object loaded from memory (memfd)"])


@test
def extracted(sensor):
    """A library that root unpacked below /tmp, loaded and deleted, as JNI does, is silent"""
    path = os.path.join(directory(), "libjni.so")
    shutil.copy(library(), path)
    child = load("once", path)
    found = alerts(sensor.sync(), child.pid, "low")
    end(child)
    equal(names(found), [])


@test
def upgraded(sensor):
    """Programs that run on with a library that was replaced are silent: calls, forks, threads"""
    path = os.path.join(directory(), "libc.so.6")
    libc = subprocess.run([sys.executable, "-c", "print([l.split()[-1] for l in open('/proc/self/maps')"
                           " if 'libc.so' in l or 'libc-2' in l][0])"],
                          capture_output=True, text=True, check=True).stdout.strip()
    shutil.copy(libc, path)
    program = ("import os, socket, subprocess, sys, threading\n"
               "sys.stdin.readline()\n"
               "socket.socket().close()\n"
               "threading.Thread(target=os.getpid).start()\n"
               "subprocess.run(['/bin/true'])\n"
               "print('done', flush=True)\nsys.stdin.read()")
    child = start([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                  env=dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(path)))
    until_mapped(child.pid, path)
    shutil.copy(libc, path + ".new")
    os.rename(path + ".new", path)
    child.stdin.write(b"go\n")
    child.stdin.flush()
    child.stdout.readline()
    sensor.sync()
    found = [a for pid in [child.pid, *(get(c, "process.pid") for c in
                                        sensor.children("fork", child.pid))]
             for a in alerts(sensor, pid)]
    end(child)
    equal(names(found), [])


def until_mapped(pid, path):
    def mapped():
        with open(f"/proc/{pid}/maps") as f:
            return path in f.read()
    until(mapped, f"{path} mapped")


def in_shm(name):
    path = os.path.join("/dev/shm", os.path.basename(directory()) + name)
    return path


@test
def dlopen_shm(sensor):
    """dlopen from /dev/shm alerts at level medium, also by a symbolic link"""
    path, link = in_shm(".so"), os.path.join(directory(), "libx.so")
    shutil.copy(library(), path)
    os.symlink(path, link)
    try:
        child = load("path", link)
        event = maps(sensor, child.pid)[0]
        found = alerts(sensor, child.pid, "low")
        end(child)
    finally:
        os.unlink(path)
    equal(get(event, "redshank.map.path"), path)
    equal(names(found), ["Shared object loaded from shared memory (/dev/shm)"])


@test
def preloaded(sensor):
    """LD_PRELOAD of a library in /dev/shm: both the variable and the mapping alert"""
    path = in_shm(".so")
    shutil.copy(library(), path)
    try:
        child = start(["/bin/cat"], env={"LD_PRELOAD": path}, stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE)
        maps(sensor, child.pid)
        found = alerts(sensor, child.pid)
        end(child)
    finally:
        os.unlink(path)
    equal(names(found), ["Library preloaded from a directory that everybody can write to",
                         "Shared object loaded from shared memory (/dev/shm)"])


@test
def dlopen_ordinary(sensor):
    """dlopen of an installed library makes no event"""
    child = load("path", library())
    found = sensor.sync().find("map", child.pid)
    end(child)
    paths = [get(e, "redshank.map.path") for e in found if get(e, "redshank.map.kind") == "file"]
    origins = {get(e, "redshank.map.origin") for e in found} - {None}
    assert not paths or "overlay_upper" in origins or "tmpfs" in origins, found
    equal(list(alerts(sensor, child.pid, "medium")), [])


# --- the dynamic loader as launcher ---

def loader():
    with open("/proc/self/maps") as f:
        found = [line.split()[-1] for line in f if "/ld-" in line or "/ld." in line]
    if not found:
        raise Skip("this Python is static")
    return found[0]


def launched(sensor, argv, **options):
    child = start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                  **options)
    child.stdin.close()
    child.wait(PATIENCE)
    child.stdout.close()
    return child.pid


@test
def launcher(sensor):
    """ld.so ./payload alerts once, and names the payload"""
    payload = os.path.join(directory(), "payload")
    shutil.copy("/bin/cat", payload)
    os.chmod(payload, 0o600)  # nobody may execute it
    pid = launched(sensor, [loader(), "./payload"], cwd=os.path.dirname(payload))
    sensor.wait(pid=pid, kind="alert")
    found = [a for a in alerts(sensor, pid) if get(a, "rule.id") == LOADER]
    equal(len(found), 1)
    equal(get(found[0], "redshank.alert.evidence")["redshank.map.path"], payload)
    assert get(found[0], "redshank.alert.level") in ("medium", "high"), found


@test
def launcher_copied(sensor):
    """A copy of ld.so under another name, with the payload in a memfd or on a tmpfs: high"""
    copy, payload = os.path.join(directory(), "kworker"), in_shm("")
    shutil.copy(loader(), copy)
    shutil.copy("/bin/cat", payload)
    try:
        pid = launched(sensor, ["[kworker/0:1]", payload], executable=copy)
        sensor.wait(pid=pid, kind="alert", where=lambda a: get(a, "rule.id") == LOADER)
        found = [a for a in alerts(sensor, pid) if get(a, "rule.id") == LOADER]
    finally:
        os.unlink(payload)
    equal([get(a, "redshank.alert.level") for a in found], ["high"])


@test
def launcher_noexec(sensor):
    """A payload on a noexec mount that the kernel refuses to map alerts, too"""
    where = directory()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec", "none", where]).returncode:
        raise Skip("no mount here")
    try:
        payload = os.path.join(where, "payload")
        shutil.copy("/bin/cat", payload)
        pid = launched(sensor, [loader(), payload])
        sensor.wait(pid=pid, kind="alert", where=lambda a: get(a, "rule.id") == LOADER)
        found = [a for a in alerts(sensor, pid) if get(a, "rule.id") == LOADER]
    finally:
        subprocess.run(["umount", "-l", where], check=True)
    equal(len(found), 1)
    equal(get(found[0], "redshank.alert.evidence")["redshank.map.path"], payload)


def payload_in(where, name="payload"):
    path = os.path.join(where, name)
    shutil.copy("/bin/cat", path)
    return path


def by_loader(sensor, pid):
    """The loader's findings of a process: (level, payload)."""
    sensor.wait("exit", pid)
    return [(get(a, "redshank.alert.level"), get(a, "redshank.alert.evidence")["redshank.map.path"])
            for a in alerts(sensor, pid) if get(a, "rule.id") == LOADER]


@test
def launcher_options(sensor):
    """ld.so with options, and with those that only look behind the payload: medium, named"""
    path = payload_in(directory())
    for argv in (["--library-path", "/tmp", path], ["--argv0", "sshd", path],
                 ["--inhibit-cache", path], [path, "--list"], [path, "--verify"]):
        equal(by_loader(sensor, launched(sensor, [loader(), *argv])), [("medium", path)], argv)


@test
def launcher_preload(sensor):
    """ld.so --preload: the program and the library are told"""
    where = directory()
    path, preload = payload_in(where), os.path.join(where, "libx.so")
    shutil.copy(library(), preload)
    pid = launched(sensor, [loader(), "--preload", preload, path])
    sensor.wait("exit", pid)
    told = [a for a in sensor.alerts(pid) if get(a, "rule.id") == LOADER]
    equal(sorted({get(a, "redshank.alert.evidence")["redshank.map.path"] for a in told}),
          sorted([path, preload]))


@test
def launcher_named_otherwise(sensor):
    """A copy of ld.so, the payload behind a symbolic link and a descriptor: named as mapped"""
    where = directory()
    path, link, copy = payload_in(where), os.path.join(where, "x"), os.path.join(where, "kworker")
    os.symlink(path, link)
    shutil.copy(loader(), copy)
    equal(by_loader(sensor, launched(sensor, ["kworker", link], executable=copy)),
          [("medium", path)])
    with open(path, "rb") as f:
        pid = launched(sensor, ["kworker", f"/proc/self/fd/{f.fileno()}"], executable=copy,
                       pass_fds=[f.fileno()])
    equal(by_loader(sensor, pid), [("medium", path)])


@test
def launcher_memfd(sensor):
    """ld.so runs a memfd: high"""
    fd = os.memfd_create("payload", 0)
    with open("/bin/cat", "rb") as f:
        os.write(fd, f.read())
    pid = launched(sensor, [loader(), f"/proc/self/fd/{fd}"], pass_fds=[fd])
    os.close(fd)
    equal(by_loader(sensor, pid), [("high", "/memfd:payload")])


@test
def launcher_in_memfd(sensor):
    """ld.so itself is in a memfd: both alert"""
    path, fd = payload_in(directory()), os.memfd_create("ld", 0)
    with open(loader(), "rb") as f:
        os.write(fd, f.read())
    pid = launched(sensor, ["ld", path], executable=f"/proc/self/fd/{fd}", pass_fds=[fd])
    os.close(fd)
    equal(by_loader(sensor, pid), [("medium", path)])
    assert "redshank.fileless.memfd_exec" in {get(a, "rule.id") for a in alerts(sensor, pid)}


@test
def launcher_script(sensor):
    """A script whose interpreter is ld.so runs the payload that its first line names"""
    where = directory()
    path, script = payload_in(where), os.path.join(where, "script")
    with open(script, "w") as f:
        f.write(f"#!{loader()} {path}\n")
    os.chmod(script, 0o700)
    equal(by_loader(sensor, launched(sensor, [script])), [("medium", path)])


@test
def launcher_32(sensor):
    """The 32-bit ld.so as launcher"""
    if not os.path.exists("/lib32/ld-linux.so.2"):
        raise Skip("no 32-bit libc is installed")
    path = os.path.join(directory(), "payload")
    shutil.copy("/lib32/libc.so.6", path)
    equal(by_loader(sensor, launched(sensor, ["/lib32/ld-linux.so.2", path])), [("medium", path)])


def musl():
    found = glob.glob("/lib/ld-musl-*.so.1")
    if not found or not shutil.which("musl-gcc"):
        raise Skip("musl is not installed")
    where = directory()
    program = os.path.join(where, "program")
    with open(program + ".c", "w") as f:
        f.write("int main(void) { return 0; }")
    subprocess.run(["musl-gcc", "-o", program, program + ".c"], check=True)
    return found[0], program


@test
def launcher_musl(sensor):
    """musl's loader as launcher; its own programs and --list do not alert"""
    ld, path = musl()
    equal(by_loader(sensor, launched(sensor, [ld, path])), [("medium", path)])
    equal(by_loader(sensor, launched(sensor, [path])), [])
    equal(by_loader(sensor, launched(sensor, [ld, "--list", path])), [])


@test
def launcher_looks(sensor):
    """ld.so --verify, --list and --help, and ldd of a library, stay below medium"""
    for argv in ["--verify", "/bin/cat"], ["--list", "/bin/cat"], ["--help"], ["--version"]:
        equal(by_loader(sensor, launched(sensor, [loader(), *argv])), [], argv)
    if not shutil.which("ldd"):
        raise Skip("no ldd")
    pid = launched(sensor, ["ldd", library()])
    sensor.wait("exit", pid)
    found = [a for c in sensor.children("fork", pid) for a in
             alerts(sensor, get(c, "process.pid"), "medium")]
    equal(found, [])


@test
def patched(sensor):
    """A program with a loader of its own, as Nix, conda and bundles have it, does not alert"""
    if not shutil.which("patchelf"):
        raise Skip("patchelf is not installed")
    where = directory()
    path, ld = payload_in(where, "program"), os.path.join(where, "ld.so")
    shutil.copy(loader(), ld)
    subprocess.run(["patchelf", "--set-interpreter", ld, path], check=True)
    pid = launched(sensor, [path])
    sensor.wait("exit", pid)
    equal(names(alerts(sensor, pid)), [])


# --- programs' own properties ---

@test
def stack_of_program(sensor):
    """A program whose file asks for an executable stack: its exec event says so, level low"""
    path = os.path.join(directory(), "execstack")
    with open(os.path.join(TRIGGERS, "exec_facts"), "rb") as f:
        elf = bytearray(f.read())
    at, size, count = (*struct.unpack_from("<Q", elf, 32), *struct.unpack_from("<HH", elf, 54))
    for i in range(count):
        kind, flags = struct.unpack_from("<II", elf, at + i * size)
        if kind == 0x6474e551:  # PT_GNU_STACK
            struct.pack_into("<I", elf, at + i * size + 4, flags | 1)
    with open(path, "wb") as f:
        f.write(elf)
    os.chmod(path, 0o700)
    with Trigger("", "stay", program=path) as t:
        event = sensor.exec_of(t.pid)
        found = alerts(sensor, t.pid)
    assert "stack_exec" in get(event, "redshank.exe.flags"), event
    equal(names(found), ["Program that starts with an executable stack"])


@test
def interpreter(sensor):
    """A program's interpreter is told by its inode; ordinary programs have an ordinary stack"""
    child = start(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    event = sensor.wait("exec", child.pid)  # start() may return before it
    equal(get(event, "redshank.loader.inode"), os.stat(loader()).st_ino)
    assert "stack_exec" not in get(event, "redshank.exe.flags", []), event
    end(child)
    with Trigger("exec_facts", "stay") as t:
        equal(get(sensor.exec_of(t.pid), "redshank.loader.inode"), None)  # a static one


# --- by each variant ---

KINDS = "lsm", "fentry", "kprobe", "tp_btf", "raw_tp"
HOOKS = "map_mmap", "map_prot", "anon_prog", "anon_net"


def works(hook, kind):
    return any(v["variant"] in (f"{hook}__{kind}", f"calls__{kind}") and v["fired"]
               for h in probe()["hooks"] if h["hook"] == hook for v in h["variants"])


def by_variant(kind):
    def body(_):
        if not works("map_mmap", kind):
            raise Skip("this kernel has no such programs, or they do not fire")
        other = "raw_tp" if kind == "raw_tp" else "tp_btf"
        hooks = [f"{h}={kind}" for h in HOOKS if works(h, kind)] + [f"anon_fork={other}"]
        sensor = Sensor(rules=[RULES], config=f'kernel:\n  hooks: "{",".join(hooks)}"\n')
        for what in "wx", "wtox", "shared", "memfd", "data", "stack":
            with Trigger("mem_exec", what, "socket") as t:
                event = maps(sensor, t.pid)[0]
                sensor.wait(pid=t.pid, kind="alert")
                found = alerts(sensor, t.pid)
            equal([get(event, f"redshank.map.{f}") for f in ("kind", "op", "protection")],
                  list(MEMORY[what]), what)
            before = get(event, "redshank.map.protection_before")
            if what == "wtox" and kind in ("lsm", "fentry", "kprobe"):
                equal(before, "rw-")
            equal(names(found), sorted(["Code at work in memory that no file holds",
                                        *OF_MEMORY.get(what, [])]), what)
        if works("anon_prog", kind):
            with Trigger("mem_exec", "wtox", "exec") as t:
                child = get(sensor.sync().children("fork", t.pid)[0], "process.pid")
                equal(get(sensor.wait(pid=child, kind="alert"), "rule.id"), ANON_EXEC)
        child = load("path", library())
        files = [e for e in maps(sensor, child.pid, 0) if get(e, "redshank.map.kind") == "file"]
        end(child)
        equal([e for e in files if get(e, "redshank.map.origin") == "regular"], [])
        equal(sensor.stop()[0], 0)

    body.__name__ = "by_" + kind
    body.__doc__ = f"The same by {kind} programs"
    return test(body)


for of_program in KINDS:
    by_variant(of_program)


# --- what only looks like it ---

MANY = """
import mmap
for _ in range(1000):
    mmap.mmap(-1, 8192, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
              mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
"""


@test
def many(sensor):
    """A thousand executable mappings of one program are a dozen events, and no alert"""
    child = start([sys.executable, "-c", MANY])
    child.wait(PATIENCE)
    counts = [get(e, "redshank.map.count") for e in maps(sensor, child.pid)]
    equal(counts, [1, 2, 3, 4, 8, 16, 32, 64, 128, 256, 512])
    equal(list(alerts(sensor, child.pid)), [])


def built(source, *options):
    if not shutil.which("gcc"):
        raise Skip("there is no compiler")
    path = os.path.join(directory(), "program")
    subprocess.run(["gcc", "-x", "c", "-", "-o", path, *options], input=source.encode(), check=True,
                   stderr=subprocess.DEVNULL)
    return path


@test
def writable_text(sensor):
    """A program whose own text is writable, and written to, does not alert"""
    if os.uname().machine != "x86_64":
        raise Skip("it is written for x86-64")
    path = built('volatile int d = 1; void _start(void) { d = 2;'
                 '__asm__ volatile("syscall" : : "a"(41), "D"(2), "S"(1), "d"(0) : "rcx", "r11");'
                 '__asm__ volatile("syscall" : : "a"(60), "D"(0)); }',
                 "-static", "-nostdlib", "-Wl,-N", "-Wl,--build-id=none")
    child = start([path])
    equal(child.wait(PATIENCE), 0)
    equal(names(alerts(sensor, child.pid)), [])


@test
def nested_functions(sensor):
    """Trampolines of nested functions, which are on the stack: low"""
    path = built("int f(int (*g)(void)) { return g(); }"
                 "int main(void) { int x = 3; int h(void) { return x; } return f(h) - 3; }")
    child = start([path])
    equal(child.wait(PATIENCE), 0)
    equal(names(alerts(sensor, child.pid)), ["Program that starts with an executable stack"])


@test
def many_mappings(sensor):
    """One mprotect over more mappings than are looked at: code in the last of them alerts"""
    with Trigger("mem_exec", "behind-many", "socket") as t:
        alert = sensor.wait(pid=t.pid, kind="alert", where=lambda a: get(a, "rule.id") == ANON_EXEC)
    equal(get(alert, "redshank.alert.level"), "high")


COMPILERS = {
    "node": ["node", "-e", "let s=0; for (let i=0;i<3e6;i++) s+=Math.sqrt(i); "
             "require('child_process').execFileSync('/bin/true'); require('net').createServer()"
             ".listen(0, '127.0.0.1', function () { this.close(); })"],
    "java": ["java", "-version"],
    "luajit": ["luajit", "-e", "local s=0 for i=1,1e7 do s=s+i end os.execute('true')"],
    "grep": ["grep", "-P", "^(a|b)*c?d+$", "/etc/passwd"],
    "ctypes": [sys.executable, "-c", "import ctypes, socket\n"
               "f = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)\n"
               "f(lambda x: socket.socket().close() or x)(1)"],
    "ruby": ["ruby", "--yjit", "--yjit-call-threshold=2", "-rsocket", "-e",
             "def f(n) = n * 2\n1000.times { |i| f(i) }\nTCPServer.new('127.0.0.1', 0).close\n"
             "system('true')"],
    "php": ["php", "-d", "opcache.enable_cli=1", "-d", "opcache.jit_buffer_size=8M", "-d",
            "opcache.jit=tracing", "-r",
            "for ($i = 0, $s = 0; $i < 1000000; $i++) $s += $i; preg_match('/^(a|b)*c/', 'ababc');"
            "fsockopen('udp://127.0.0.1', 9); exec('true');"],
    "guile": ["guile", "-c", "(let loop ((i 0)) (if (< i 1000000) (loop (+ i 1)))) (system* \"true\")"],
    "erlang": ["erl", "-noshell", "-eval", "lists:sum(lists:seq(1, 100000)), "
               "{ok, S} = gen_tcp:listen(0, []), gen_tcp:close(S), os:cmd(\"true\"), halt()."],
    "git": ["git", "-C", ROOT, "grep", "-P", "^(a|b)*c?d+$"],
    "luajit_ffi": ["luajit", "-e", "local ffi = require('ffi') "
                   "ffi.cdef('int socket(int, int, int); int close(int)') "
                   "for i = 1, 1000 do ffi.C.close(ffi.C.socket(2, 1, 0)) end"],
    "valgrind": ["valgrind", "--tool=none", "/bin/true"],
    "cffi": [sys.executable, "-c", "import cffi\nffi = cffi.FFI()\n"
             "ffi.callback('int(int)', lambda x: x)(1)"],
    "gdb": ["gdb", "-batch", "-ex", "break main", "-ex", "run", "/bin/true"],
    "strace": ["strace", "-f", "-o", "/dev/null", "/bin/sh", "-c", "/bin/true"],
    "ldd": ["ldd", "/bin/cat"],
}


def compiler(which):
    def body(sensor):
        argv = COMPILERS[which]
        if not shutil.which(argv[0]):
            raise Skip("it is not installed")
        child = start(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL)
        child.wait(PATIENCE)
        sensor.sync()
        ids, found = {sensor.entity(child.pid)}, []
        for event in sensor.more():
            if get(event, "event.action") == "fork" and get(event, "process.parent.entity_id") in ids:
                ids.add(get(event, "process.entity_id"))
        for event in sensor.more():
            if get(event, "event.kind") == "alert" and get(event, "process.entity_id") in ids:
                found.append((get(event, "redshank.alert.level"), get(event, "message")))
        equal([f for f in found if f[0] not in ("informational", "low")], [])

    body.__name__ = which
    body.__doc__ = f"{which} does not alert above low"
    return test(body)


for honest in COMPILERS:
    compiler(honest)


LAYERED = """mount -t tmpfs tmpfs $1 && mkdir $1/upper $1/work $1/all &&
mount -t overlay -o lowerdir=/,upperdir=$1/upper,workdir=$1/work overlay $1/all &&
mount --bind /dev $1/all/dev && cp "$2" $1/all/usr/local/bin/layered &&
exec chroot $1/all /usr/local/bin/layered -MSocket -e \
	'print qq(here\\n); socket(S, PF_UNIX, SOCK_STREAM, 0) or die; unless (fork) { exit } wait'"""


@test
def layer(sensor):
    """A program and its libraries in an overlay over a tmpfs, as containers have it, are no code in memory."""
    if not shutil.which("perl"):
        raise Skip("no perl")
    child = start(["unshare", "--mount", "sh", "-c", LAYERED, "sh", directory(), shutil.which("perl")],
                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said, complaint = child.communicate(timeout=PATIENCE)
    if b"here" not in said:
        raise Skip(f"no such overlay here: {complaint.decode(errors='replace').strip()}")
    sensor.sync()
    program = [e for e in sensor.find("exec", child.pid)
               if get(e, "redshank.exe.origin") == "overlay_upper"]
    equal(len(program), 1, "the program is in the upper layer")
    equal(sensor.find("anon_exec", child.pid), [])
    equal({get(e, "redshank.map.kind") for e in sensor.find("map", child.pid)} - {"file", "anon"}, set())
    equal([get(a, "message") for a in alerts(sensor, child.pid, "medium")], [])


if __name__ == "__main__":
    common = Sensor(rules=[RULES])
    code = run(common)
    common.stop(signal.SIGTERM)
    sys.exit(code)
