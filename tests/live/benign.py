# SPDX-License-Identifier: Apache-2.0
"""Honest programs that only look like an attack: each is a test, run under the whole default
configuration (every detector, the whole pack of rules), and judged by all alerts of its processes.

A program is a shell script in a directory of its own, with a home of its own; what it starts is
followed by entity ids, through daemons too. Nothing of it outlives its test.
"""
import contextlib
import ctypes
import fcntl
import glob
import os
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time

from sensor import PATIENCE, ROOT, Sensor, directory, get, start
from tap import Skip, run, test

HARMLESS = "informational", "low"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SKIPPED = 77  # exit status of a script that lacks something; its last words are the reason
LINGER = 30  # seconds that a daemon may take to end: ssh-agent looks for its parent every 10
PR_SET_CHILD_SUBREAPER = 36


def program_of(line):
    """What an event's process is called: by its file, its first arguments (a script is among them)."""
    names = [get(line, "process.executable", ""), *get(line, "process.args", [])[:3]]
    return {os.path.basename(name) for name in names}


class Tree:
    """Processes that a test starts, and all that they start."""

    def __init__(self, sensor):
        self.sensor, self.roots = sensor, []
        self.since = len(sensor.more())

    def start(self, argv, **options):
        child = start(argv, **options)
        self.roots.append(child.pid)
        return child

    def lines(self):
        """All that was seen of them."""
        lines = self.sensor.sync().more()[self.since:]
        ids, found = {self.sensor.entity(pid) for pid in self.roots}, []
        for line in lines:
            if get(line, "process.parent.entity_id") in ids and get(line, "event.action") == "fork":
                ids.add(get(line, "process.entity_id"))
            if get(line, "process.entity_id") in ids:
                found.append(line)
        return found

    def judge(self, needs):
        """Were these programs seen, and does none of the processes alert above low?"""
        lines = self.lines()
        seen = set().union(*(program_of(line) for line in lines
                             if get(line, "event.action") == "exec"))
        assert seen >= set(needs), f"not seen: {set(needs) - seen}, but {seen}"
        bad = [line for line in lines if get(line, "event.kind") == "alert"
               and get(line, "redshank.alert.level") not in HARMLESS]
        assert not bad, "".join(sorted({
            f"\n{get(a, 'redshank.alert.level')}: {get(a, 'rule.name')} ({get(a, 'rule.id')})"
            f"\n  {get(a, 'process.executable')}: {get(a, 'process.command_line')}"
            f"\n  {get(a, 'redshank.alert.evidence')}" for a in bad}))


def orphans(known):
    """Processes that were left to us, without those that we know."""
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            with open(stat, errors="replace") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
            pid = int(stat.split("/")[2])
            if parent == os.getpid() and pid not in known:
                found.append(pid)
    return found


def reap(known):
    """Waits for what the test left; ends what does not end by itself, and names it."""
    deadline, late = time.monotonic() + LINGER, set()
    while pids := orphans(known):
        for pid in pids:
            if time.monotonic() > deadline:
                with contextlib.suppress(OSError):
                    with open(f"/proc/{pid}/cmdline") as f:
                        late.add(f.read().replace("\0", " "))
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)
    return late


@contextlib.contextmanager
def nothing_left():
    """What is started within must have ended at the end."""
    known = set(orphans(()))
    try:
        yield
    finally:
        late = reap(known)
    assert not late, f"left behind: {late}"


def place():
    """A directory for a test, and the environment of a program in it."""
    where = directory()
    os.chmod(where, 0o711)
    os.mkdir(os.path.join(where, "home"), 0o700)
    return where, {"PATH": PATH, "HOME": os.path.join(where, "home"), "T": where, "LANG": "C",
                   "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash", "TERM": "vt100",
                   "BUILD": os.environ.get("OUT", os.path.join(ROOT, "build"))}


def require(needs):
    """needs: {command: package}."""
    for command, package in needs.items():
        if not shutil.which(command, path=PATH):
            raise Skip(f"{command} is in the package {package}")


@contextlib.contextmanager
def terminal(keys, log):
    """Options for a process at a terminal of its own, at which somebody types keys."""
    ours, theirs = os.openpty()

    def take():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def read():
        with contextlib.suppress(OSError), open(log, "wb") as f:
            while text := os.read(ours, 65536):
                f.write(text)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    os.write(ours, keys)
    try:
        yield {"stdin": theirs, "stdout": theirs, "stderr": theirs, "preexec_fn": take}
    finally:
        os.close(theirs)
        reader.join(LINGER)
        os.close(ours)


def shell(tree, script, keys=None):
    """Runs a script to its end. keys: at a terminal, where these are typed."""
    where, env = place()
    job, log = os.path.join(where, "job"), os.path.join(where, "log")
    with open(job, "w") as f:
        f.write(script)
    argv, patience = ["/bin/sh", "-e", job], PATIENCE
    if keys is None:
        with open(log, "wb") as f:
            status = tree.start(argv, cwd=where, env=env, stdin=subprocess.DEVNULL, stdout=f,
                                stderr=f).wait(patience)
    else:
        with terminal(keys, log) as streams:
            status = tree.start(argv, cwd=where, env=env, **streams).wait(patience)
    with open(log, errors="replace") as f:
        said = f.read()[-4000:]
    if status == SKIPPED:
        raise Skip(said.strip())
    assert status == 0, f"it ended with {status}:\n{said}"


def quiet(name, does, script, needs, keys=None):
    """A test: the script works, its programs are seen and raise nothing above low."""
    def body(sensor):
        require(needs)
        tree = Tree(sensor)
        with nothing_left():
            shell(tree, script, keys)
        tree.judge(needs)

    body.__name__ = name
    body.__doc__ = f"{does}: nothing above low"
    return test(body)


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    sensor = Sensor(rules=[os.path.join(ROOT, "rules")])
    code = run(sensor)
    sensor.stop()
    sys.exit(code)
