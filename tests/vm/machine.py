# SPDX-License-Identifier: Apache-2.0
"""One boot of one kernel in QEMU, and what came out of it."""
import atexit
import json
import os
import platform
import re
import subprocess
import time

# Without wide registers and fast string moves: QEMU emulates these slowly, and libc and kernel use
# them where they are. Measured once: the suite memfd on 6.1, 95 s in place of 137 s beside it.
CPU = "max,-avx,-avx2,-f16c,-fma,-xsave,-erms,-fsrm"

LIMIT = 1500  # seconds; a suite has less, see guest/suites.py
STARTS_WITHIN = 120  # seconds until the guest says its first word
TRIES = 4
MEMORY = "1024"
RESULT = re.compile(r"(not )?ok\b *\d* *-? *(.*)$")
PLAN = re.compile(r"1\.\.(\d+)")
SKIP = re.compile(r"(.*?)\s*# SKIP\S*\s*(.*)$", re.I)
CONSOLE_TAIL = 25
# By Debian's name of an architecture: its number in an ELF header, QEMU's name of it, what to tell
# QEMU, the serial port that is the console's, and the one that what is said goes out by.
MACHINES = {
    "amd64": (62, "x86_64", ["-cpu", CPU], "ttyS0", "ttyS1"),
    "arm64": (183, "aarch64", ["-M", "virt", "-cpu", "cortex-a72"], "ttyAMA0", "ttyS0"),
}

_running = set()


def architecture(program):
    """Debian's name of what a program runs on: that of the kernels to run it on."""
    with open(program, "rb") as f:
        number = int.from_bytes(f.read(20)[18:], "little")
    return next(name for name, machine in MACHINES.items() if machine[0] == number)


def _kill_all():
    for process in list(_running):
        process.kill()


atexit.register(_kill_all)


class Test:
    """One result: ok, and why it was skipped ("" if it was not), and what was said about it."""

    def __init__(self, name, ok, skip="", said=()):
        self.name, self.ok, self.skip, self.said = name, ok, skip, list(said)


class Boot:
    """A kernel with a command line; after run(): tests, records (JSON by name), seconds."""

    def __init__(self, arch, kernel, cmdline, arguments, suites):
        self.arch = arch
        self.kernel, self.cmdline = kernel, cmdline
        self.name = f"{kernel} {cmdline}"
        self.suites = suites
        self.arguments = [*arguments, "redshank.suites=" + ",".join(suites)]
        self.tests, self.records = [], {}
        self.seconds = 0
        self.retries = 0

    def run(self, files, log):
        """files: where vmlinuz, initramfs and disk are. log: path of the logs, less its suffix."""
        start = time.monotonic()
        ended = self.qemu(files, log)
        while self.emulator_failed(log) and self.retries < TRIES - 1:
            self.retries += 1
            ended = self.qemu(files, log)
        self.seconds = time.monotonic() - start
        finished = self.read(self.said(log))
        with open(log + ".console", errors="replace") as f:
            console = f.read().splitlines()
        self.tests.append(Test("boot: The kernel starts, runs all suites and stops", finished, said=[
            ended, *console[-CONSOLE_TAIL:]]))

    def emulator_failed(self, log):
        """Is it QEMU's fault, or that of the machine it runs on? Certainly so before there was a
        sensor; and where a CPU stumbled over code that another was just changing, which QEMU does
        not keep apart as hardware does."""
        with open(log + ".console", errors="replace") as f:
            return not self.said(log) or "Oops: int3" in f.read()

    def wait(self, process, log):
        """The exit status; None if it does not start or does not end in time."""
        start = time.monotonic()
        limit = STARTS_WITHIN
        while time.monotonic() - start < limit:
            try:
                return process.wait(1)
            except subprocess.TimeoutExpired:
                limit = LIMIT if self.said(log) else STARTS_WITHIN
        process.kill()
        process.wait()
        return None

    def qemu(self, files, log):
        """Boots; how it ended, in words."""
        for suffix in ".console", ".out":
            open(log + suffix, "w").close()
        _, name, machine, console, say = MACHINES[self.arch]
        accel = "tcg,thread=multi"
        if name == platform.machine():
            accel = os.environ.get("REDSHANK_VM_ACCEL", accel)
        cpu = ["-cpu", "host"] if accel.startswith("kvm") else []
        line = [f"console={console}", f"say=/dev/{say}", "quiet", "panic=-1", "oops=panic",
                "mitigations=off", "maxcpus=1", *self.arguments]
        command = [f"qemu-system-{name}", "-accel", accel, *machine, *cpu, "-smp", "2", "-m", MEMORY,
                   "-nodefaults", "-no-reboot", "-display", "none",
                   "-kernel", files["vmlinuz"], "-initrd", files["initramfs"],
                   "-drive", f"file={files['disk']},format=raw,if=virtio,snapshot=on",
                   "-append", " ".join(line),
                   "-serial", f"file:{log}.console", "-chardev", f"file,id=say,path={log}.out",
                   "-device", f"{'isa' if self.arch == 'amd64' else 'pci'}-serial,chardev=say"]
        with open(log + ".qemu", "w+") as stderr:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stderr,
                                       stderr=stderr, env=dict(os.environ, TMPDIR=os.path.dirname(log)))
            _running.add(process)
            try:
                code = self.wait(process, log)
            finally:
                _running.discard(process)
            if code is None:
                return f"still running after {LIMIT if self.said(log) else STARTS_WITHIN} s; the console's last lines:"
            stderr.seek(0)
            return f"QEMU ended with {code} {stderr.read().strip()}; the console's last lines:"

    @staticmethod
    def said(log):
        with open(log + ".out", errors="replace") as f:
            return f.read().splitlines()

    def read(self, lines):
        """Takes in what the guest said. True if it came to its end."""
        suite = None
        for line in lines:
            word, _, rest = line.removeprefix("@vm@ ").partition(" ")
            if not line.startswith("@vm@ "):
                if suite:
                    suite.line(line)
            elif word == "suite":
                suite = Suite(rest, self.tests)
            elif word == "done":
                suite.done(rest.split()[0])
                suite = None
            elif word == "end":
                return rest == "0"
            elif word != "init":
                self.records[word] = json.loads(rest) if rest else None
        return False


class Suite:
    """What one suite says."""

    def __init__(self, name, tests):
        self.name, self.tests = name, tests
        self.plan = None
        self.mine = []

    def add(self, title, *args):
        self.mine.append(Test(f"{self.name}: {title}", *args))
        self.tests.append(self.mine[-1])

    def line(self, line):
        result, plan = RESULT.match(line), PLAN.match(line)
        if result:
            skip = SKIP.match(result[2])
            title, why = (skip[1], skip[2] or "no reason given") if skip else (result[2], "")
            self.add(title, not result[1], why)
        elif plan:
            self.plan = int(plan[1])
        elif self.mine:
            self.mine[-1].said.append(line)

    def done(self, status):
        failed = any(not test.ok for test in self.mine)
        if status == "timeout":
            self.add("still running when its time was over", False)
        elif self.plan != len(self.mine):
            self.add(f"planned {self.plan} tests, ran {len(self.mine)}", False)
        elif status != "0" and not failed:
            self.add(f"exit status {status}, but no test failed", False)
