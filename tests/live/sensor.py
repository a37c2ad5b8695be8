# SPDX-License-Identifier: Apache-2.0
"""A sensor of the test's own, the programs that give it something to see, and what it said.

The machine is busy with other things, so events are found by the pid of what the test started (and
by when: a busy machine uses pids again within seconds), and nothing is waited for by sleeping: a process that is run for the purpose marks the place in the
stream up to which everything has been seen (Sensor.sync).
"""
import atexit
import collections
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.environ.get("OUT", os.path.join(ROOT, "build"))
REDSHANK = os.environ.get("REDSHANK", os.path.join(OUT, "redshank"))
TRIGGERS = os.path.join(OUT, "tests/trigger")
PATIENCE = 90  # seconds; a machine with other work to do is no failure
CLOCK_ERROR = 0.005  # seconds between two readings of one moment

_children = []
_directories = []


def _clean_up():
    for child in _children:
        if child.poll() is None:
            child.kill()
            child.wait()
    for directory in _directories:
        shutil.rmtree(directory, ignore_errors=True)


atexit.register(_clean_up)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def directory():
    """A new one that only we can enter, removed at the end."""
    path = tempfile.mkdtemp(prefix="redshank-test.")
    _directories.append(path)
    return path


class Pid(int):
    """Of one process, not of those that had the number before or have it afterwards."""

    def __new__(cls, number, since):
        """since: Unix time before which the process did not start."""
        pid = super().__new__(cls, number)
        pid.since = since
        return pid

    def of(self, lines):
        """Those of the lines, all with this number, that are about this process."""
        later = [line for line in lines if started(line) >= self.since - CLOCK_ERROR]
        first = min(map(started, later), default=0)
        return [line for line in later if started(line) == first]


def started(line):
    """When the line's process started, Unix time."""
    stamp = get(line, "process.start")
    return datetime.datetime.fromisoformat(stamp[:26].rstrip("Z") + "+00:00").timestamp()


def start(args, **options):
    """A process that does not outlive the suite."""
    since = time.time()
    child = subprocess.Popen(args, **options)
    child.pid = Pid(child.pid, since)
    _children.append(child)
    return child


def until(condition, what, patience=PATIENCE):
    """The first true value of condition()."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what}: not within {patience} s"
        time.sleep(0.02)


def get(line, name, default=None):
    """A nested member by its dotted name."""
    for part in name.split("."):
        if not isinstance(line, dict) or part not in line:
            return default
        line = line[part]
    return line


def pid_of(line):
    return get(line, "process.pid")


class Lines:
    """JSON Lines that somebody is still writing."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "rb")
        self.rest = b""
        self.lines = []
        self.by_pid = collections.defaultdict(list)

    def more(self):
        *whole, self.rest = (self.rest + self.file.read()).split(b"\n")
        for line in whole:
            self.lines.append(json.loads(line.decode("utf-8")))
            self.by_pid[pid_of(self.lines[-1])].append(self.lines[-1])
        return self.lines

    def find(self, action=None, pid=None, kind="event", where=None):
        """All lines that match: an action is exec, exit, …"""
        return [line for line in self.of(pid)
                if get(line, "event.kind") == kind
                and action in (None, get(line, "event.action"))
                and (where is None or where(line))]

    def of(self, pid):
        """All lines of a process; of all, if pid is None."""
        lines = self.more()
        if pid is None:
            return lines
        lines = self.by_pid.get(pid, [])
        return pid.of(lines) if isinstance(pid, Pid) else lines

    def entity(self, pid):
        """The process's entity id."""
        return get(self.of(pid)[-1], "process.entity_id")

    def children(self, action, pid):
        """The events of processes that this one created."""
        parent = self.entity(pid)
        return self.find(action, where=lambda e: get(e, "process.parent.entity_id") == parent)

    def wait(self, action=None, pid=None, kind="event", where=None):
        """The first line that matches."""
        found = until(lambda: self.find(action, pid, kind, where),
                      f"{kind} {action or ''} of pid {pid}")
        return found[0]

    def alerts(self, pid):
        return self.find(pid=pid, kind="alert")


class Sensor(Lines):
    """redshank run -o json, ready when it is there. Without rules unless paths of them are given."""

    def __init__(self, *args, by=(), config=None, store=None, rules=(), **options):
        self.dir = directory()
        self.socket = os.path.join(self.dir, "socket")
        self.store = store or os.path.join(self.dir, "alerts.db")
        self.stderr_path = os.path.join(self.dir, "stderr")
        out = os.path.join(self.dir, "stdout")
        argv = [*by, REDSHANK, "run", "-o", "json", "--socket", self.socket, "--store", self.store]
        if config is not None:
            path = os.path.join(self.dir, "redshank.yaml")
            with open(path, "w") as f:
                f.write(config)
            argv += ["-c", path]
        for path in rules or [""]:
            argv += ["--rules", path]
        with open(out, "wb") as stdout, open(self.stderr_path, "wb") as stderr:
            self.process = start([*argv, *args], stdin=subprocess.DEVNULL, stdout=stdout,
                                 stderr=stderr, **options)
        super().__init__(out)
        until(self.ready, "sensor ready")

    def ready(self):
        assert self.process.poll() is None, f"the sensor ended: {self.stderr()}"
        return os.path.exists(self.socket) and self.stats() is not None

    @property
    def pid(self):
        return self.process.pid

    def stderr(self):
        with open(self.stderr_path, errors="replace") as f:
            return f.read()

    def stats(self):
        """Its counters; None while nobody answers."""
        answer = subprocess.run([REDSHANK, "stats", "-o", "json", "--socket", self.socket],
                                capture_output=True, text=True, timeout=PATIENCE)
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def streams(self):
        """How many streams it serves, its own output among them."""
        return sum(sink["name"] == "tail" for sink in self.stats()["sinks"])

    def sync(self):
        """Returns when all that happened before has been seen."""
        def passed():
            # On 7.x the kernel may leave an event out (and the sensor counts it): then the next one.
            mark = start(["/bin/true"], stdin=subprocess.DEVNULL)
            mark.wait()
            end = time.monotonic() + PATIENCE / 4
            while not self.find("exit", mark.pid) and time.monotonic() < end:
                time.sleep(0.02)
            return self.find("exit", mark.pid)

        until(passed, "a mark in the stream")
        return self

    def settle(self):
        """As sync(), for both ring buffers: rename comes by the other one."""
        mark = start(["/bin/sh", "-c", "printf rs-mark >/proc/$$/comm"])
        mark.wait()
        self.wait("rename", mark.pid)
        return self.sync()

    def exec_of(self, pid):
        """The last exec event of the process, after a sync."""
        found = self.sync().find("exec", pid)
        assert found, f"no exec event of pid {pid}"
        return found[-1]

    def exits_of(self, pid):
        return self.sync().find("exit", pid)

    def stop(self, how=signal.SIGTERM):
        """Exit status, and how many seconds it took."""
        begin = time.monotonic()
        self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        return status, time.monotonic() - begin


class Tail(Lines):
    """redshank tail at a sensor, subscribed when it is there."""

    def __init__(self, sensor, *args, output="json"):
        self.out = os.path.join(directory(), "out")
        before = sensor.streams()
        with open(self.out, "wb") as stdout:
            self.process = start([REDSHANK, "tail", "--socket", sensor.socket, "-o", output, *args],
                                 stdin=subprocess.DEVNULL, stdout=stdout)
        super().__init__(self.out)
        until(lambda: sensor.streams() > before, "tail subscribed")

    def end(self):
        """Its lines, when it has been told to stop."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(PATIENCE)
        assert status == 0, f"exit status {status}"
        return self.more()


class Trigger:
    """A program of tests/trigger, or another one that says what it does in lines of JSON."""

    def __init__(self, *args, program=None, lines=1, cwd=None, **options):
        argv = [program or os.path.join(TRIGGERS, args[0]), *args[1:]]
        self.process = start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd,
                             **options)
        self.said = []
        for _ in range(lines):
            line = self.process.stdout.readline()
            assert line, f"{argv}: ended with {self.process.wait(PATIENCE)} and said nothing"
            self.said.append(json.loads(line))
            self.said[-1]["pid"] = Pid(self.said[-1]["pid"], self.process.pid.since)

    @property
    def pid(self):
        """Of the process that matters, which may be a child of the one we started."""
        return self.said[-1]["pid"] if self.said else self.process.pid

    def end(self):
        """Lets it go; its exit status as wait(2) has it: negative for a signal."""
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.process.stdin.closed:  # children may read it when the process itself is gone
            self.end()


def bpf_held_by(pid):
    """Programs and links that the process holds, as {("prog" or "link", id)}."""
    held = set()
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}") as f:
                lines = dict(line.split(":", 1) for line in f if ":" in line)
        except FileNotFoundError:
            continue
        for kind in "prog", "link":
            if f"{kind}_id" in lines:
                held.add((kind, int(lines[f"{kind}_id"])))
    return held


def bpf_existing():
    """Ids of all programs and links in the kernel."""
    found = set()
    for kind in "prog", "link":
        listing = subprocess.run(["bpftool", "-j", kind, "list"], capture_output=True, text=True,
                                 timeout=PATIENCE, check=True)
        found |= {(kind, entry["id"]) for entry in json.loads(listing.stdout)}
    return found
