#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/redshank.service: installed by `make install`, started by systemd in a container.

systemd runs as pid 1 of a container (boot), so the sensor in it sees the whole kernel's events, but
in /proc its own pid namespace alone: what is to be known of other processes is for the live tests.
"""
import atexit
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

from sensor import OUT, PATIENCE, ROOT, TRIGGERS, directory, get, start, until
from tap import equal, run, test

HERE = os.path.dirname(os.path.abspath(__file__))
EXPOSURE_MAX = 30  # tenths; systemd's own scale from 0 (safe) to 100
WATCHDOG = 3  # seconds; the shipped unit's would take the test half a minute
STOP_MAX = 2
UNIT = "redshank.service"
EX_CONFIG = 78


def hierarchies():
    """Where systemd makes cgroups: cgroup v2, and the v1 hierarchy of its own if there is one."""
    for line in open("/proc/mounts"):
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" or kind == "cgroup" and "name=systemd" in options.split(","):
            yield where


class Cgroup:
    """A cgroup of our own, so that the container's are not left behind anywhere."""

    def __init__(self):
        self.paths = [os.path.join(h, f"redshank-test-{os.getpid()}") for h in hierarchies()]
        for path in self.paths:
            os.mkdir(path)

    def enter(self):
        for path in self.paths:
            with open(os.path.join(path, "cgroup.procs"), "w") as f:
                f.write("0")

    def remove(self):
        for path in self.paths:
            for below, _, _ in os.walk(path, topdown=False):
                os.rmdir(below)


class Machine:
    def __init__(self):
        self.files = os.path.join(directory(), "files")
        self.process = None
        self.leader = None
        self.cgroup = None

    def install(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        subprocess.run(["make", "-s", "install", f"OUT={OUT}", f"DESTDIR={self.files}",
                        "PREFIX=/usr"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)

    def boot(self):
        self.cgroup = Cgroup()
        atexit.register(self.stop)
        self.console = os.path.join(directory(), "console")
        with open(self.console, "wb") as console:
            self.process = start(
                ["unshare", "--mount", "--propagation", "private", os.path.join(HERE, "boot"),
                 directory(), self.files, os.path.join(TRIGGERS, "memfd_exec")],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                preexec_fn=self.cgroup.enter)
        until(self.booted, "the machine")

    def booted(self):
        if self.process.poll() is not None:
            with open(self.console, errors="replace") as console:
                raise AssertionError(f"the machine ended: {console.read()[-4000:]}")
        with open(f"/proc/{self.process.pid}/comm") as f:
            if f.read().strip() != "systemd-nspawn":
                return False
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            self.leader = f.read().strip()
        return self.leader and "active" == self.output("systemctl", "is-active",
                                                       "redshank-test.target")

    def run(self, *argv):
        return subprocess.run(["nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", *argv],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE)

    def output(self, *argv):
        return self.run(*argv).stdout.strip()

    def must(self, *argv):
        done = self.run(*argv)
        assert done.returncode == 0, f"{argv}: {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def show(self, name):
        return self.output("systemctl", "show", "-P", name, UNIT)

    def alerts(self):
        """Those of detectors about this machine's own processes: others use the kernel, too, and
        what the pack says of a machine that boots is not asked here."""
        here = os.stat(f"/proc/{self.leader}/ns/pid").st_ino
        lines = self.must("redshank", "alerts", "-o", "json").splitlines()
        return [a for a in map(json.loads, lines) if get(a, "redshank.ns.pid") == here
                and get(a, "rule.id").startswith("redshank.")]

    def path(self, path):
        """The machine's file, seen from here."""
        return f"/proc/{self.leader}/root{path}"

    def journal(self):
        return self.output("journalctl", "-o", "cat", "-u", UNIT)

    def started(self, restarts):
        """Has systemd started it that many times again, and is it ready?"""
        return self.show("NRestarts") == str(restarts) and self.show("ActiveState") == "active"

    def stop(self):
        """An orderly power-off; a second signal pulls the plug."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.cgroup:
            until(self.cgroup_removed, "cgroups empty", 10)
            self.cgroup = None

    def cgroup_removed(self):
        try:
            self.cgroup.remove()
        except OSError:
            return False
        return True


@test
def files(m):
    """make install: the program, its unit, its configuration, its rules, nothing else."""
    m.install()
    pack = os.path.join(m.files, "usr/share/redshank/rules")
    rules = {os.path.relpath(p, pack) for p in glob.glob(pack + "/**", recursive=True)
             if os.path.isfile(p)}
    ours = os.path.join(ROOT, "rules")
    equal(rules, {os.path.relpath(p, ours) for p in glob.glob(ours + "/**/*.yml", recursive=True)},
          "rules")
    found = {os.path.relpath(p, m.files): oct(os.stat(p).st_mode & 0o777)
             for p in glob.glob(m.files + "/**", recursive=True)
             if os.path.isfile(p) and not p.startswith(pack)}
    equal(found, {"usr/sbin/redshank": "0o755",
                  "usr/lib/systemd/system/redshank.service": "0o644",
                  "etc/redshank/redshank.yaml": "0o644"}, "files and modes")


@test
def exposure(m):
    """systemd-analyze security: below the threshold."""
    done = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true",
                           f"--threshold={EXPOSURE_MAX}",
                           os.path.join(m.files, "usr/lib/systemd/system", UNIT)],
                          capture_output=True, text=True)
    equal(done.returncode, 0, done.stdout + done.stderr)


@test
def starts(m):
    """systemctl start: ready when the hooks are in the kernel, and each that can be seen to fire did."""
    m.boot()
    os.makedirs(m.path("/run/systemd/system/redshank.service.d"))
    with open(m.path("/run/systemd/system/redshank.service.d/test.conf"), "w") as f:
        f.write(f"[Service]\nWatchdogSec={WATCHDOG}\nTimeoutAbortSec=1\n")
    m.must("systemctl", "daemon-reload")
    m.must("systemctl", "start", UNIT)
    equal(m.show("ActiveState"), "active")
    equal(m.show("StatusText"), "watching")
    journal = m.journal()
    for hook in "fork", "exec", "exit", "proc":
        assert re.search(rf"^ *{hook} +seen by \S+ +fired$", journal, re.M), journal
    assert "NOT SEEN" not in journal, journal


@test
def verified(m):
    """systemd-analyze verify: nothing to say."""
    done = m.run("systemd-analyze", "verify", UNIT)
    equal((done.returncode, done.stdout + done.stderr), (0, ""))


@test
def confined(m):
    """The running sensor has the unit's capabilities and no others, a seccomp filter, no new privileges."""
    status = dict(line.split(":\t", 1) for line in
                  m.must("cat", f"/proc/{m.show('MainPID')}/status").splitlines() if ":\t" in line)
    want = sum(1 << bit for bit in (2, 19, 38, 39, 40))  # DAC_READ_SEARCH SYS_PTRACE PERFMON BPF CHECKPOINT_RESTORE
    equal({k: int(status[k], 16) for k in ("CapEff", "CapPrm", "CapBnd", "CapAmb")},
          {"CapEff": want, "CapPrm": want, "CapBnd": want, "CapAmb": 0})
    equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
    for path in "/var/lib/redshank", "/run/redshank":
        equal(oct(os.stat(m.path(path)).st_mode), "0o40700", path)


@test
def alerted(m):
    """A program run from a memfd is in redshank alerts."""
    with open(m.path("/run/systemd/system/attack.service"), "w") as f:
        f.write("[Service]\nType=oneshot\nRemainAfterExit=yes\n"
                "ExecStart=/usr/local/bin/memfd_exec execveat exit\n")
    m.must("systemctl", "start", "attack.service")
    pid = int(m.output("systemctl", "show", "-P", "ExecMainPID", "attack.service"))
    [alert] = until(m.alerts, "alert")
    equal(get(alert, "process.vpid"), pid)
    equal(get(alert, "rule.id"), "redshank.fileless.memfd_exec")
    assert get(alert, "process.executable").startswith("/memfd:"), alert
    # It was there before the sensor, and has another number here than in the kernel.
    equal(get(alert, "process.parent.name"), "systemd")
    with open(f"/proc/{m.leader}/cmdline") as f:
        equal(get(alert, "process.parent.args"), f.read().split("\0")[:-1])


@test
def fed(m):
    """The watchdog is fed."""
    time.sleep(WATCHDOG * 1.5)
    equal((m.show("ActiveState"), m.show("NRestarts")), ("active", "0"))


@test
def stuck(m):
    """A sensor that hangs is started again by the watchdog."""
    m.must("sh", "-c", "kill -STOP " + m.show("MainPID"))
    until(lambda: m.started(1), "restart")
    assert "watchdog" in m.journal().lower(), m.journal()


@test
def killed(m):
    """A sensor that is killed is started again; it has the alerts from before and sees new ones."""
    before = [get(a, "event.id") for a in m.alerts()]
    m.must("sh", "-c", "kill -KILL " + m.show("MainPID"))
    until(lambda: m.started(2), "restart")
    m.must("memfd_exec", "procfd", "exit")
    after = until(lambda: [i for i in (get(a, "event.id") for a in m.alerts())
                           if i not in before], "new alert")
    equal(len(after), 1, "new alerts")
    equal([get(a, "event.id") for a in m.alerts()], before + after, "alerts")


@test
def stopped(m):
    """systemctl stop: within 2 s, result success, its socket gone, its alerts kept."""
    begin = time.monotonic()
    m.must("systemctl", "stop", UNIT)
    took = time.monotonic() - begin
    assert took < STOP_MAX, f"{took:.1f} s"
    equal((m.show("ActiveState"), m.show("Result"), m.show("ExecMainStatus")),
          ("inactive", "success", "0"))
    assert not os.path.exists(m.path("/run/redshank"))
    equal(len(m.alerts()), 2, "alerts")


@test
def misconfigured(m):
    """A configuration that is wrong is told once, not tried again and again."""
    with open(m.path("/etc/redshank/redshank.yaml"), "a") as f:
        f.write("no_such_key: 1\n")
    assert m.run("systemctl", "start", UNIT).returncode != 0
    equal((m.show("ActiveState"), m.show("ExecMainStatus"), m.show("NRestarts")),
          ("failed", str(EX_CONFIG), "0"))
    assert "no_such_key" in m.journal(), m.journal()


@test
def powered_off(m):
    """At power-off nothing is left."""
    m.must("systemctl", "enable", UNIT)
    assert os.path.islink(m.path("/etc/systemd/system/multi-user.target.wants/" + UNIT))
    mine = m.cgroup.paths
    m.stop()
    equal(m.process.returncode, 0, "systemd-nspawn")
    equal([p for p in mine if os.path.exists(p)], [], "cgroups")


def missing():
    if os.geteuid():
        return "needs root"
    if not shutil.which("systemd-nspawn") or not shutil.which("systemd-analyze"):
        return "needs systemd-nspawn and systemd-analyze (package systemd-container)"
    return None


if __name__ == "__main__":
    why = missing()
    if why:
        print(f"1..0 # SKIP {why}")
        sys.exit(0)
    sys.exit(run(Machine()))
