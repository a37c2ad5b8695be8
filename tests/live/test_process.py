#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the sensor says of a process, against what /proc, stat(2) and wait(2) say of it."""
import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time

from facts import (CGROUPS, FACTS, check_all, check_exe, check_ids, check_place, raw, read, stay)
from sensor import CLOCK_ERROR, PATIENCE, REDSHANK, Sensor, Trigger, directory, get, until
from tap import equal, run, test


@test
def all_facts(sensor):
    """Ids, capabilities, namespaces, cgroup, start, file and arguments are those of /proc."""
    with stay("one", "", "three words here") as t:
        event = sensor.exec_of(t.pid)
        check_all(event, t.pid)
        equal(get(event, "process.args_count"), 6)
        equal(get(event, "process.name"), "exec_facts")
        equal(get(event, "process.parent.pid"), t.said[0]["ppid"], "what it says itself")
        equal(get(event, "process.interactive"), False)


@test
def other_ids(sensor):
    """They are after a change of user, group and capabilities."""
    def change():
        os.setgroups([])
        os.setresgid(1234, 2345, 3456)
        os.setresuid(4321, 0, 65534)

    with stay(preexec_fn=change) as t:
        event = sensor.exec_of(t.pid)
        check_ids(event, t.pid)
        equal(get(event, "user.id"), "4321")
        equal(get(event, "user.effective.id"), "0")
    with Trigger("", "--inh-caps=+net_raw,+chown", "--bounding-set=-sys_admin,-bpf", FACTS, "stay",
                 program="setpriv") as t:
        event = sensor.exec_of(t.pid)
        check_ids(event, t.pid)
        assert "CAP_BPF" not in get(event, "process.thread.capabilities.effective")
        equal(get(event, "redshank.capabilities.inheritable"), ["CAP_CHOWN", "CAP_NET_RAW"])


@test
def set_id(sensor):
    """A set-user-id program is seen with its mode, its owner and the privilege gained."""
    path = os.path.join(directory(), "suid")
    os.chmod(os.path.dirname(path), 0o755)
    shutil.copy(FACTS, path)
    os.chown(path, 4444, 5555)
    os.chmod(path, 0o6755)
    with stay(program=path, user=65534, group=65534, extra_groups=[]) as t:
        event = sensor.exec_of(t.pid)
        check_ids(event, t.pid)
        check_exe(event, t.pid)
    equal(get(event, "redshank.exe.mode"), "6755")
    equal((get(event, "user.id"), get(event, "user.effective.id")), ("65534", "4444"))
    equal(get(event, "redshank.exec.secure"), True)


@test
def namespaces(sensor):
    """In namespaces of its own, pids are told in both and the numbers are the namespaces'."""
    with Trigger("", "-nuimpC", "--fork", "--kill-child", "--mount-proc", FACTS, "stay",
                 program="unshare") as t:
        equal(t.pid, 1, "its own pid there")
        inside = sensor.sync().children("exec", t.process.pid)[-1]
        check_place(inside, pid := get(inside, "process.pid"))
        check_ids(inside, pid)
        equal(get(inside, "process.vpid"), 1)


@test
def terminal(sensor):
    """The controlling terminal is named."""
    master, slave = pty.openpty()
    name = os.ttyname(slave)

    def take():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    with stay(preexec_fn=take, pass_fds=[slave]) as t:
        event = sensor.exec_of(t.pid)
        check_place(event, t.pid)
    equal("/dev/" + get(event, "redshank.tty").replace("pts", "pts/").replace("//", "/"), name)
    equal(get(event, "process.interactive"), True)
    os.close(slave)
    os.close(master)


@test
def resolved_path(sensor):
    """The path is the file's, not what was typed: links, dots, relative names, bind mounts."""
    top = directory()
    os.makedirs(f"{top}/real/bin")
    shutil.copy(FACTS, f"{top}/real/bin/tool")
    os.symlink("real", f"{top}/link")
    for typed, cwd in ((f"{top}/link/bin/../bin/./tool", "/"), ("./link/bin/tool", top),
                       ("../../link/bin/tool", f"{top}/real/bin")):
        with stay(program=typed, cwd=cwd) as t:
            event = sensor.exec_of(t.pid)
            check_exe(event, t.pid)
        equal(get(event, "process.executable"), f"{top}/real/bin/tool")
        equal(get(event, "redshank.exec.filename"), typed, "what was typed")
        equal(get(event, "process.working_directory"), cwd)
    os.link(f"{top}/real/bin/tool", f"{top}/second")
    with stay(program=f"{top}/second") as t:
        event = sensor.exec_of(t.pid)
        check_exe(event, t.pid)
    equal(get(event, "redshank.exe.nlink"), 2)
    os.mkdir(f"{top}/mounted")
    with Trigger("", "-m", "sh", "-c", f"mount --bind {top}/real {top}/mounted && exec "
                 f"{top}/mounted/bin/tool stay", program="unshare") as t:
        event = sensor.exec_of(t.pid)
        check_exe(event, t.pid)
    equal(get(event, "process.executable"), f"{top}/mounted/bin/tool")


@test
def chroot(sensor):
    """In another root directory, paths are as the process sees them."""
    root = directory()
    os.makedirs(f"{root}/usr/tools")
    shutil.copy(FACTS, f"{root}/usr/tools/tool")

    def enter():
        os.chroot(root)
        os.chdir("/usr")

    with stay(program="tools/tool", preexec_fn=enter) as t:
        event = sensor.exec_of(t.pid)
    equal(get(event, "process.executable"), "/usr/tools/tool")
    equal(get(event, "process.working_directory"), "/usr")


@test
def long_paths(sensor):
    """Paths of 60 components and of 4000 bytes are whole."""
    for components, length in (60, 3), (16, 245):
        top = os.getcwd()
        base = path = directory()
        os.chdir(base)
        try:
            for i in range(components):
                name = f"{i:02}".ljust(length, "d")
                os.mkdir(name)
                os.chdir(name)
                path += "/" + name
            shutil.copy(FACTS, "tool")
            with stay(program="./tool") as t:
                event = sensor.exec_of(t.pid)
                equal(get(event, "process.executable"), path + "/tool")
                equal(get(event, "process.working_directory"), path)
                equal(get(event, "redshank.truncated"), None)
        finally:
            os.chdir(top)
    assert len(path) > 3900, len(path)


@test
def not_utf8(sensor):
    """Paths and arguments that are not UTF-8 keep their bytes beside a readable form."""
    path = os.fsencode(directory()) + b"/\xff\xfe tool"
    shutil.copy(FACTS, path)
    args = [b"\xc3\x28", b"caf\xc3\xa9", b"line\nbreak\t\x01\x7f\"\\"]
    with stay(*args, program=path) as t:
        event = sensor.exec_of(t.pid)
        check_exe(event, t.pid)
    equal(raw(event, "process.executable"), path)
    assert "\ufffd" in get(event, "process.executable")
    equal(get(event, "process.args")[4:], ["café", "line\nbreak\t\x01\x7f\"\\"])


@test
def many_arguments(sensor):
    """Of 40 KB of arguments 20 KB are kept, and it is said how many there were."""
    args = [f"{i:07}" for i in range(5000)]
    with stay(*args) as t:
        event = sensor.exec_of(t.pid)
        check_exe(event, t.pid)
    kept = get(event, "process.args")
    assert "process.args" in get(event, "redshank.truncated"), get(event, "redshank.truncated")
    equal(get(event, "process.args_count"), 5003)
    equal(len("\0".join(kept)) in (20479, 20480), True, f"{len(chr(0).join(kept))} bytes kept")
    equal(kept[3:1000], args[:997])


@test
def nearly_many_arguments(sensor):
    """20480 bytes of arguments are whole, and one more is not."""
    with stay() as t:
        fixed = len(read(f"/proc/{t.pid}/cmdline"))
    for size, cut in (20480, False), (20481, True):
        with stay("x" * (size - fixed - 1)) as t:
            event = sensor.exec_of(t.pid)
            equal(get(event, "redshank.args.size"), size)
        equal("process.args" in (get(event, "redshank.truncated") or []), cut, f"{size} bytes cut")


@test
def environment(sensor):
    """Of the environment what was chosen is seen, wherever it stands; the rest never leaves."""
    secret = "hunter2-" + os.urandom(8).hex()
    env = {"AWS_SECRET_ACCESS_KEY": secret, "LD_PRELOADED": secret, "XLD_PRELOAD": secret}
    env |= {f"VARIABLE_{i}": f"{secret}{i}" for i in range(240)}
    env |= {"LD_PRELOAD": "/lib/hide.so", "PYTHONPATH": "/tmp/p", "SUDO_USER": "mallory"}
    with stay(env=env) as t:
        event = sensor.exec_of(t.pid)
    equal(sorted(get(event, "process.env_vars")),
          ["LD_PRELOAD=/lib/hide.so", "PYTHONPATH=/tmp/p", "SUDO_USER=mallory"])
    with stay(env={"HOME": secret}) as t:
        equal(get(sensor.exec_of(t.pid), "process.env_vars"), None)
    for path in sensor.path, sensor.stderr_path:
        assert secret.encode() not in read(path), f"{path} has a secret"


@test
def long_environment(sensor):
    """What stands too far behind to be looked at is said to be missing."""
    env = {f"VARIABLE_{i}": str(i) for i in range(3000)} | {"LD_PRELOAD": "/lib/hide.so"}
    with stay(env=env) as t:
        event = sensor.exec_of(t.pid)
    seen = get(event, "process.env_vars") == ["LD_PRELOAD=/lib/hide.so"]
    cut = "process.env_vars" in (get(event, "redshank.truncated") or [])
    assert seen or cut, "neither seen nor said to be missing"


@test
def script(sensor):
    """A script's interpreter is told, and both names."""
    path = os.path.join(directory(), "script")
    with open(path, "w") as f:
        f.write(f"#!{FACTS} stay\n")
    os.chmod(path, 0o755)
    with Trigger("", "5", program=path) as t:
        event = sensor.exec_of(t.pid)
        check_exe(event, t.pid)
    equal(get(event, "redshank.exec.interpreter"), FACTS)
    equal(get(event, "redshank.exec.filename"), path)
    assert "script" in get(event, "redshank.exe.flags")
    equal(get(event, "process.executable"), os.path.realpath(FACTS))


@test
def endings(sensor):
    """Each process ends once, with the exit code or the signal that wait(2) gives."""
    cases = [(["exit", str(n)], 0) for n in (0, 1, 77, 255)]
    cases += [(["signal", str(n)], 1) for n in (1, 6, 9, 11, 15, 31)]
    cases += [(["threads", "16", "9"], 1), (["leader-first", "3"], 1), (["stay", "42"], 1)]
    for args, lines in cases:
        with Trigger("exec_facts", *args, lines=lines) as t:
            pid = t.process.pid
        code = t.process.returncode
        ends = sensor.exits_of(pid)
        equal(len(ends), 1, f"{args}: exit events")
        equal(get(ends[0], "process.exit_code"), code if code >= 0 else None, f"{args}: code")
        equal(get(ends[0], "redshank.exit.signal"),
              signal.Signals(-code).name if code < 0 else None, f"{args}: signal")
        equal(get(ends[0], "process.name"), "exec_facts")


@test
def one_ending(sensor):
    """A process whose threads all end at the same moment ends once."""
    pids = []
    for _ in range(100):
        with Trigger("exec_facts", "threads", "64", "0") as t:
            pids.append(t.pid)
    sensor.sync()
    equal([len(sensor.find("exit", pid)) for pid in pids], [1] * 100, "exit events of each")


@test
def same_entity(sensor):
    """The entity id is the same from fork to exit, and the parent's is the parent's own."""
    with Trigger("", "-c", f"{FACTS} stay; exit 3", program="/bin/sh") as t:
        pass
    of_child = sensor.sync().find(pid=t.pid)
    equal([get(e, "event.action") for e in of_child], ["fork", "exec", "exit"])
    equal(len({get(e, "process.entity_id") for e in of_child}), 1, "entity ids")
    equal({get(e, "process.parent.entity_id") for e in of_child}, {sensor.entity(t.process.pid)})
    equal({get(e, "process.parent.pid") for e in of_child}, {t.process.pid})
    equal(get(of_child[1], "process.parent.command_line"), f"/bin/sh -c {FACTS} stay; exit 3")


@test
def pid_reuse(sensor):
    """Two processes with the same pid have different entity ids, and their own facts."""
    with stay() as t:
        pids = [t.pid]
    for code in "21", "22":
        time.sleep(2 * CLOCK_ERROR)  # so that we can tell the lives apart
        with Trigger("exec_facts", "as-pid", str(pids[0]), code) as t:
            pids.append(t.pid)
            equal(pids[-1], pids[0], "pid")
    lives = [sensor.sync().of(pid) for pid in pids]
    equal(len({get(e, "process.entity_id") for life in lives for e in life}), 3, "entity ids")
    for life, code in zip(lives, (0, 21, 22)):
        equal([get(e, "event.action") for e in life], ["fork", "exec", "exit"])
        equal(get(life[-1], "process.exit_code"), code)


@test
def creator(sensor):
    """Lineage is who created it: with CLONE_PARENT, and when the parent is gone."""
    with Trigger("exec_facts", "clone-parent") as t:
        child = t.said[0]
        forked = sensor.sync().find("fork", child["pid"])[0]
        equal(child["ppid"], os.getpid(), "its parent as the kernel has it")
        equal(get(forked, "process.parent.pid"), t.process.pid, "its creator")
    os.waitpid(child["pid"], 0)
    with Trigger("exec_facts", "orphan", lines=2) as t:
        event = sensor.exec_of(t.pid)
        check_exe(event, t.pid)
    orphan = t.said[0]
    assert orphan["ppid"] != orphan["creator"]
    equal(get(event, "process.parent.pid"), orphan["creator"])
    equal(get(event, "redshank.reparent.pid"), orphan["ppid"])
    until(lambda: sensor.exits_of(t.pid), "the orphan's end")


@test
def thread_exec(sensor):
    """A program that a second thread runs has the process's pid and identity."""
    with Trigger("exec_facts", "thread-exec") as t:
        event = sensor.exec_of(t.pid)
        check_all(event, t.pid)
        equal(len({get(e, "process.entity_id") for e in sensor.find(pid=t.pid)}), 1)


@test
def before_the_sensor(sensor):
    """What ran before the sensor has its facts, its identity and its ancestry too."""
    with Trigger("", "-c", f"cd /usr; {FACTS} stay '' b; :", program="/bin/sh") as t:
        sensor.sync()
        early = sensor.entity(t.pid), sensor.entity(t.process.pid)
        late = Sensor()
        inventory = subprocess.run(
            [REDSHANK, "tail", "--alone", "-o", "json", "-t", "proc", "--pid", str(t.pid),
             "--count", "1"], capture_output=True, text=True, timeout=PATIENCE, check=True)
        line = json.loads(inventory.stdout.splitlines()[0])
        equal(get(line, "event.action"), "proc")
        check_ids(line, t.pid)
        check_place(line, t.pid)
        check_exe(line, t.pid)
    end, = late.exits_of(t.pid)
    equal((get(end, "process.entity_id"), get(end, "process.parent.entity_id")), early)
    equal(get(end, "process.args"), [FACTS, "stay", "", "b"])
    equal(get(end, "process.working_directory"), "/usr")
    equal(get(end, "process.parent.executable"), os.path.realpath("/bin/sh"))
    equal(late.stop()[0], 0)


@test
def container(sensor):
    """A process in a container's cgroup has the container's id, and so does its end."""
    name = os.urandom(32).hex()
    group = os.path.join(CGROUPS, f"docker-{name}.scope")
    os.mkdir(group)
    try:
        def enter():
            with open(os.path.join(group, "cgroup.procs"), "w") as f:
                f.write("0")

        with stay(preexec_fn=enter) as t:
            event = sensor.exec_of(t.pid)
            check_place(event, t.pid)
        end, = sensor.exits_of(t.pid)
    finally:
        os.rmdir(group)
    for line in event, end:
        equal(get(line, "container.id"), name)
        equal(get(line, "container.runtime"), "docker")
        equal(get(line, "redshank.cgroup.path"), f"/docker-{name}.scope")


@test
def deep_cgroup(sensor):
    """Of a cgroup 20 levels deep the path's end is kept, and it is said that it was cut."""
    names = [f"level{i}-{os.getpid()}" for i in range(20)]
    paths = [os.path.join(CGROUPS, *names[:i + 1]) for i in range(20)]

    def enter():
        with open(os.path.join(paths[-1], "cgroup.procs"), "w") as f:
            f.write("0")

    try:
        for path in paths:
            os.mkdir(path)
        with stay(preexec_fn=enter) as t:
            event = sensor.exec_of(t.pid)
    finally:
        for path in filter(os.path.isdir, reversed(paths)):
            os.rmdir(path)
    assert ("/" + "/".join(names)).endswith(get(event, "redshank.cgroup.path"))
    assert get(event, "redshank.cgroup.path").endswith(names[-1])
    assert "redshank.cgroup.path" in get(event, "redshank.truncated", []), "not said to be cut"


@test
def origins(sensor):
    """Where code comes from: regular, deleted, tmpfs, overlay's upper and lower layers."""
    top = directory()
    for layer in "lower", "upper", "work", "merged":
        os.mkdir(f"{top}/{layer}")
    shutil.copy(FACTS, f"{top}/lower/tool")
    mount = (f"mount -t tmpfs t {top}/work && mkdir {top}/work/u {top}/work/w && mount -t overlay "
             f"o -o lowerdir={top}/lower,upperdir={top}/work/u,workdir={top}/work/w {top}/merged")
    copied = f"cp {top}/merged/tool {top}/merged/copy"
    cases = [("regular", f"exec {top}/merged/tool stay", f"{top}/merged/tool"),
             ("overlay_upper", f"{copied} && exec {top}/merged/copy stay", f"{top}/merged/copy"),
             ("tmpfs", f"cp {FACTS} {top}/work/tool && exec {top}/work/tool stay",
              f"{top}/work/tool")]
    for origin, command, path in cases:
        with Trigger("", "-m", "sh", "-c", f"{mount} && {command}", program="unshare") as t:
            event = sensor.exec_of(t.pid)
        equal(get(event, "redshank.exe.origin"), origin)
        equal(get(event, "process.executable"), path)
    path = f"{top}/gone"
    shutil.copy(FACTS, path)
    fd = os.open(path, os.O_RDONLY)
    os.unlink(path)
    with stay(program=f"/proc/self/fd/{fd}", pass_fds=[fd]) as t:
        event = sensor.exec_of(t.pid)
    os.close(fd)
    equal(get(event, "redshank.exe.origin"), "unlinked")
    equal(get(event, "process.executable"), path)
    equal(get(event, "redshank.exe.nlink"), 0)


if __name__ == "__main__":
    common = Sensor()
    code = run(common)
    common.stop()
    sys.exit(code)
