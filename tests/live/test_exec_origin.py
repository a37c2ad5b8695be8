#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where executed code comes from: each kind of file has its verdict and its alert, and files that
only look like one have none. Programs and scripts in memfds: test_memfd.py."""
import json
import os
import shutil
import signal
import subprocess
import sys

from sensor import PATIENCE, ROOT, TRIGGERS, Sensor, Trigger, directory, get, start
from tap import Skip, equal, run, test

RULES = os.path.join(ROOT, "rules/fileless")
DELETED = "Program executed from a deleted file"
DELETED_TMPFS = "Program executed from a deleted file on a tmpfs"
NEVER_LINKED = "Program executed from a file that never had a name (O_TMPFILE)"
AGAIN = "Program runs itself once more after its file was deleted"
AGAIN_TEMPORARY = "Program in a temporary directory deleted its file and runs itself once more"
SHM = "Program executed from shared memory (/dev/shm)"
TMPFS = "Program executed from a temporary directory in memory"
FUSE = "Program executed from a file system in user space (FUSE)"
HIDDEN = "Hidden program executed moments after it was written"
DOWNLOAD = "Downloaded program executed at once"
LAYER = "Container runs a program that it wrote itself"
SERVICE = "Network service wrote a program and executes it"
LEVELS = {DELETED: "high", DELETED_TMPFS: "high", NEVER_LINKED: "high", AGAIN: "low",
          AGAIN_TEMPORARY: "medium", SHM: "medium", TMPFS: "low", FUSE: "low", HIDDEN: "medium",
          DOWNLOAD: "low", LAYER: "low", SERVICE: "high"}
_directories = []


def disk():
    """A new directory that is on no tmpfs, and not where temporary files are."""
    path = os.path.join("/root", os.path.basename(directory()))
    os.mkdir(path)
    _directories.append(path)
    return path


def shm():
    """A new directory on a tmpfs."""
    path = os.path.join("/dev/shm", os.path.basename(directory()))
    os.mkdir(path)
    _directories.append(path)
    return path


def the_exec(sensor, pid, path=None, args=None):
    """The exec event by which it runs that file, or with these arguments."""
    def right(event):
        return (path in (None, get(event, "process.executable"))
                and (args is None or get(event, "process.args") == args))
    sensor.sync()
    return sensor.wait("exec", pid, where=right)


def check(sensor, event, origin, alerts, flags=(), without=()):
    """The event's origin and flags, and all alerts about its process by name, at their levels."""
    equal(get(event, "redshank.exe.origin"), origin, "origin")
    said = get(event, "redshank.exe.flags", [])
    assert set(flags) <= set(said) and not set(without) & set(said), f"flags {said}"
    entity = get(event, "process.entity_id")
    found = {(get(a, "rule.name"), get(a, "redshank.alert.level"))
             for a in sensor.sync().find(kind="alert")
             if get(a, "process.entity_id") == entity}
    equal(found, {(name, LEVELS[name]) for name in alerts}, "alerts")


def payload(sensor, mode, *args, origin, alerts=(), flags=(), without=()):
    """Runs the trigger; the event of its payload."""
    with Trigger("exec_origin", mode, *args) as t:
        event = the_exec(sensor, t.pid, args=["payload", "payload"])
        check(sensor, event, origin, alerts, flags, without)
    return event


@test
def unlinked(sensor):
    """A deleted file: unlinked, high"""
    event = payload(sensor, "unlinked", disk(), origin="unlinked", alerts=[DELETED],
                    flags=["unhashed", "fresh"], without=["never_linked"])
    equal(get(event, "redshank.exe.nlink"), 0)
    equal(get(event, "redshank.exec.way"), "execveat or fexecve on a descriptor")


@test
def tmpfile(sensor):
    """O_TMPFILE, with and without O_EXCL: unlinked, marked as never linked, high"""
    for mode in "tmpfile", "tmpfile-excl":
        for folder in disk(), shm():
            payload(sensor, mode, folder, origin="unlinked", alerts=[NEVER_LINKED],
                    flags=["unhashed", "never_linked"])


@test
def tmpfs_unlinked(sensor):
    """A file on a tmpfs, deleted before it is executed: unlinked, high"""
    event = payload(sensor, "unlinked", shm(), origin="unlinked", alerts=[DELETED_TMPFS],
                    without=["never_linked"])
    equal(get(event, "redshank.exe.fs_type"), "tmpfs")


@test
def dev_shm(sensor):
    """A file in /dev/shm: tmpfs, medium"""
    payload(sensor, "file", shm(), origin="tmpfs", alerts=[SHM])


@test
def other_tmpfs(sensor):
    """A tmpfs or ramfs under a name of its own in /tmp: tmpfs by its superblock, low"""
    for kind in "tmpfs", "ramfs":
        with_mount = directory()
        assert with_mount.startswith("/tmp/"), "temporary files are elsewhere"
        event = payload(sensor, "mount", with_mount, kind, "x", origin="tmpfs", alerts=[TMPFS])
        equal(get(event, "redshank.exe.fs_type"), kind)


@test
def again(sensor):
    """A program whose file was deleted while it ran and that runs itself once more: low"""
    event = payload(sensor, "again", disk(), origin="unlinked", alerts=[AGAIN])
    equal(get(event, "redshank.previous.same_file"), True)


@test
def again_temporary(sensor):
    """The same in /dev/shm: medium, beside the alert of its start"""
    payload(sensor, "again", shm(), origin="unlinked", alerts=[AGAIN_TEMPORARY, SHM])


@test
def overlay_upper(sensor):
    """A new file in an overlay: overlay_upper; no alert outside of containers"""
    payload(sensor, "overlay", directory(), origin="overlay_upper", flags=["overlay_upper"])


@test
def fuse(sensor):
    """A file that a process serves: fuse, low, also where its link count is 0"""
    if not os.path.exists("/dev/fuse"):
        raise Skip("no /dev/fuse")
    for mode in "fuse", "fuse-gone":
        event = payload(sensor, mode, directory(), origin="fuse", alerts=[FUSE])
        equal(get(event, "redshank.exe.fs_type"), "fuse")
        equal(get(event, "redshank.exe.nlink"), 1 if mode == "fuse" else 0)


@test
def names(sensor):
    """Files that are called memfd:x, "x (deleted)" and "#1" are what their inode is"""
    for name in "memfd:x", "x (deleted)", "#1":
        path = os.path.join(disk(), name)
        shutil.copy(os.path.join(TRIGGERS, "exec_facts"), path)
        with Trigger("", "stay", program=path) as t:
            check(sensor, the_exec(sensor, t.pid, path), "regular", [],
                  without=["never_linked", "unhashed", "memfd_name"])


@test
def removed_name(sensor):
    """A file whose one name was removed and that has another: not unlinked"""
    folder = disk()
    path, other = os.path.join(folder, "x"), os.path.join(folder, "y")
    shutil.copy(os.path.join(TRIGGERS, "exec_facts"), path)
    os.link(path, other)
    fd = os.open(path, os.O_RDONLY)
    os.unlink(path)
    child = start([f"/proc/self/fd/{fd}", "stay"], pass_fds=[fd], stdin=subprocess.PIPE,
                  stdout=subprocess.DEVNULL)
    check(sensor, the_exec(sensor, child.pid, args=[f"/proc/self/fd/{fd}", "stay"]), "regular", [],
          flags=["unhashed"])
    child.stdin.close()
    child.wait(PATIENCE)


# --- fresh ---

def shell(sensor, script, path):
    """Runs it, and gives the exec event by which the path was executed."""
    child = start(["/bin/sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                  start_new_session=True)
    equal(child.wait(PATIENCE), 0, "the script's status")
    sensor.sync()
    event = sensor.wait("exec", where=lambda e: get(e, "process.executable") == path)
    return event


def fresh(sensor, event, by, alerts=()):
    check(sensor, event, "regular", alerts, flags=["fresh"])
    equal(get(event, "redshank.exec.written.name"), by)
    assert get(event, "redshank.exec.written.pid"), event
    assert get(event, "redshank.exec.written.time") <= get(event, "@timestamp"), event


@test
def copied(sensor):
    """cp and run: fresh, by cp"""
    path = os.path.join(disk(), "x")
    event = shell(sensor, f"cp /bin/true {path}; {path}", path)
    fresh(sensor, event, "cp")
    equal(get(event, "redshank.exec.written.executable"), os.path.realpath(shutil.which("cp")))


@test
def downloaded(sensor):
    """curl, chmod and run: fresh, low"""
    if not shutil.which("curl"):
        raise Skip("no curl")
    path = os.path.join(disk(), "x")
    fresh(sensor, shell(sensor, f"curl -so {path} file:///bin/true; chmod +x {path}; {path}", path),
          "curl", [DOWNLOAD])


@test
def compiled(sensor):
    """cc and run: fresh, by the linker, no alert"""
    if not shutil.which("cc"):
        raise Skip("no compiler")
    folder = disk()
    path = os.path.join(folder, "a.out")
    with open(path + ".c", "w") as f:
        f.write("int main(void) { return 0; }")
    check(sensor, shell(sensor, f"cd {folder} && cc a.out.c && ./a.out", path), "regular", [],
          flags=["fresh"])


@test
def unpacked(sensor):
    """tar and run: fresh, by tar, through a rename and a hard link"""
    if os.path.basename(os.path.realpath(shutil.which("tar"))) != "tar":
        raise Skip("tar is one name of a program that is a downloader as well")
    folder = disk()
    path = os.path.join(folder, "z")
    shutil.copy("/bin/true", os.path.join(folder, "y"))
    subprocess.run(["tar", "-C", folder, "-cf", os.path.join(folder, "t.tar"), "y"], check=True)
    fresh(sensor, shell(sensor, f"cd {folder} && rm y && tar xf t.tar && mv y w && ln w z && ./z",
                        path), "tar")


@test
def dropped(sensor):
    """A program that writes a file, renames it and runs it: fresh"""
    folder = disk()
    event = payload(sensor, "rename", folder, origin="regular", flags=["fresh"])
    equal(get(event, "redshank.exec.written.name"), "exec_origin")


@test
def hidden(sensor):
    """The same under a hidden name: medium"""
    path = os.path.join(disk(), ".x")
    fresh(sensor, shell(sensor, f"cp /bin/true {path}; {path}", path), "cp", [HIDDEN])


@test
def service(sensor):
    """A file that a network service's tree wrote and runs: high"""
    folder = disk()
    nginx, path = os.path.join(folder, "nginx"), os.path.join(folder, "x")
    shutil.copy(os.path.realpath("/bin/sh"), nginx)
    event = shell(sensor, f"{nginx} -c 'cp /bin/true {path}; {path}; :'", path)
    fresh(sensor, event, "cp", [SERVICE])


@test
def script(sensor):
    """A script that was written moments ago: fresh, where the hook `script` is at work"""
    path = os.path.join(disk(), "s")
    child = start(["/bin/sh", "-c", f"printf '#!/bin/sh\\nexit 0\\n' >{path}; chmod +x {path}; {path}"],
                  stdin=subprocess.DEVNULL)
    equal(child.wait(PATIENCE), 0)
    event = sensor.sync().wait("exec", where=lambda e: get(e, "redshank.exec.filename") == path)
    if "script" in get(event, "redshank.unseen", []):
        raise Skip("this kernel has no hook that sees scripts")
    check(sensor, event, get(event, "redshank.exe.origin"), [], flags=["script", "fresh"])


@test
def of_another(sensor):
    """A file that a process of another session wrote, whose parent is init: not fresh"""
    try:
        event = payload(sensor, "stranger", disk(), origin="regular", without=["fresh"])
    except AssertionError as why:
        if "said nothing" in str(why):
            raise Skip("orphans here are not init's") from why
        raise
    assert get(event, "redshank.exec.written.pid") is None, event


@test
def old(sensor):
    """A file that was only opened for reading, or created without being written to: not fresh"""
    path = os.path.join(disk(), "x")
    shutil.copy(os.path.join(TRIGGERS, "exec_facts"), path)
    other = Sensor(rules=[RULES])  # has not seen the writing
    child = start([path, "exit", "0"], stdin=open(path, "rb"), stdout=subprocess.DEVNULL)
    child.wait(PATIENCE)
    check(other, the_exec(other, child.pid, path), "regular", [], without=["fresh"])
    other.stop()


@test
def container(sensor):
    """A program that a running container wrote itself: overlay_upper, fresh, low"""
    if not shutil.which("runc") or not shutil.which("busybox"):
        raise Skip("no runc or no busybox")
    top = directory()
    subprocess.run(["mount", "-t", "tmpfs", "redshank-test", top], check=True)
    try:
        contain(sensor, top)
    finally:
        subprocess.run(["umount", "-l", top], check=True)


def contain(sensor, top):
    for name in "lower/bin", "upper", "work", "rootfs":
        os.makedirs(os.path.join(top, name))
    shutil.copy(shutil.which("busybox"), os.path.join(top, "lower/bin/busybox"))
    os.symlink("busybox", os.path.join(top, "lower/bin/sh"))
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                    f"lowerdir={top}/lower,upperdir={top}/upper,workdir={top}/work",
                    f"{top}/rootfs"], check=True)
    subprocess.run(["runc", "spec"], cwd=top, check=True)
    with open(os.path.join(top, "config.json")) as f:
        config = json.load(f)
    name = os.path.basename(top).replace(".", "-") + "0c0ffee0" * 8
    config["process"].update(terminal=False, args=[
        "sh", "-c", "busybox cp /bin/busybox /dropped && /dropped true; /bin/busybox true"])
    config["root"]["readonly"] = False
    config["linux"]["cgroupsPath"] = "/docker/" + "0c0ffee0" * 8
    with open(os.path.join(top, "config.json"), "w") as f:
        json.dump(config, f)
    child = start(["runc", "--root", f"{top}/state", "run", name], cwd=top,
                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    equal(child.wait(PATIENCE), 0, "runc's exit status")
    sensor.sync()
    event = sensor.wait("exec", where=lambda e: get(e, "process.executable") == "/dropped")
    if get(event, "container.id") is None:
        raise Skip("runc made no control group of that name")
    check(sensor, event, "overlay_upper", [LAYER, DOWNLOAD], flags=["fresh"])
    image = sensor.wait("exec", where=lambda e: get(e, "process.args") == ["/bin/busybox", "true"]
                        and get(e, "process.executable") == "/bin/busybox")
    check(sensor, image, "regular", [])


if __name__ == "__main__":
    common = Sensor(rules=[RULES])
    try:
        code = run(common)
        common.stop(signal.SIGTERM)
    finally:
        for folder in _directories:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)
