#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kernels, containers and services that lack something: the sensor does with what there is, or says in
one line what is missing and what to change."""
import ctypes
import json
import os
import platform
import re
import resource
import shutil
import struct
import subprocess
import sys

from facts import FACTS, check_exe, check_ids, check_place
from sensor import PATIENCE, REDSHANK, Sensor, Trigger, directory, get
from tap import Skip, equal, run, test

UNAVAILABLE, TEMPFAIL, NOPERM = 69, 75, 77  # sysexits.h
BTF = "/sys/kernel/btf"
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
# Numbers of bpf(2) and of what fork(3) calls; AUDIT_ARCH_*.
SYSCALLS = {"x86_64": (321, (56, 57, 58), 0xc000003e), "aarch64": (280, (220,), 0xc00000b7)}
RELEASE = tuple(int(n) for n in re.match(r"(\d+)\.(\d+)", os.uname().release).groups())


# --- what is taken away, before the sensor is executed ---

def own_mounts():
    assert LIBC.unshare(CLONE_NEWNS) == 0
    assert LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0


def mount(kind, where, data=None):
    assert LIBC.mount(kind.encode(), where.encode(), kind.encode(), 0, data) == 0, where


def hide(*places):
    """An empty file system over each."""
    def change():
        own_mounts()
        for place in places:
            if os.path.isdir(place):
                mount("tmpfs", place)
    return change


def seccomp(numbers, error):
    """These system calls fail with the error."""
    arch = SYSCALLS[platform.machine()][2]
    code = [(0x20, 0, 0, 4), (0x15, 1, 0, arch), (0x06, 0, 0, 0x7fff0000), (0x20, 0, 0, 0)]
    for n in numbers:
        code += [(0x15, 0, 1, n), (0x06, 0, 0, 0x00050000 | error)]
    code.append((0x06, 0, 0, 0x7fff0000))
    text = b"".join(struct.pack("HBBI", *line) for line in code)

    def change():
        buffer = ctypes.create_string_buffer(text)
        program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
        assert LIBC.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
        assert LIBC.prctl(22, 2, ctypes.c_char_p(program), 0, 0) == 0  # PR_SET_SECCOMP
    return change


def capabilities(change):
    """A command that runs another one with the bounding set so changed."""
    return ["setpriv", f"--bounding-set={change}"]


def refused(code, says, by=(), **options):
    """Every command that would watch says the same, in one line."""
    top = directory()
    for args in (["run", "--socket", f"{top}/s", "--store", f"{top}/db"], ["tail", "--alone"],
                 ["record", f"{top}/recording"], ["probe", "-o", "json"]):
        done = subprocess.run([*by, REDSHANK, *args], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE, **options)
        equal(done.returncode, code, f"{args}: exit status ({done.stderr.strip()})")
        equal(len(done.stderr.splitlines()), 1, f"{args}: lines on stderr ({done.stderr})")
        for word in says.split("|"):
            assert word in done.stderr, f"{args}: {word!r} is not in {done.stderr!r}"
        equal(bool(done.stdout), args[0] == "probe", f"{args}: stdout")
    equal(os.listdir(top), [], "files left")


def works(*args, by=(), **options):
    """A sensor, after it has seen a program."""
    sensor = Sensor(*args, by=by, **options)
    return sensor.sync()


def btf_places():
    release = os.uname().release
    return [f"/etc/redshank/btf/{release}.btf", f"/boot/vmlinux-{release}",
            f"/usr/lib/debug/boot/vmlinux-{release}", f"/usr/lib/debug/lib/modules/{release}/vmlinux",
            f"/lib/modules/{release}/vmlinux-{release}", f"/lib/modules/{release}/build/vmlinux"]


# --- the kernel ---

@test
def no_btf():
    """Without BTF it names the option and the places where it looked"""
    if any(map(os.path.exists, btf_places())):
        raise Skip("this machine has its kernel's BTF in a file")
    refused(UNAVAILABLE, "BTF|--btf|CONFIG_DEBUG_INFO_BTF", preexec_fn=hide(BTF, "/var/lib"))


def without_btf(sensor):
    variants = coverage(sensor)
    equal((variants["exec"], variants["fork"], variants["proc"]), ("raw_tp", "raw_tp", "procfs"))
    equal(sensor.stop()[0], 0)


def coverage(sensor):
    """What it said at its start: {"exec": "raw_tp", …}"""
    return dict(re.findall(r"seen by (\w+?)__(\w+)", sensor.stderr()))


@test
def btf_file():
    """With BTF from a file it sees programs, and takes what ran before from /proc"""
    path = shutil.copy(f"{BTF}/vmlinux", os.path.join(directory(), "kernel.btf"))
    without_btf(works("--btf", path, preexec_fn=hide(BTF)))


@test
def btf_usual_place():
    """It finds the file in /var/lib/redshank/btf by itself"""
    kept = shutil.copy(f"{BTF}/vmlinux", os.path.join(directory(), "kernel.btf"))

    def change():
        hide(BTF, "/var/lib")()
        os.makedirs("/var/lib/redshank/btf")
        shutil.copy(kept, f"/var/lib/redshank/btf/{os.uname().release}.btf")

    without_btf(works(preexec_fn=change))


@test
def old_kernel():
    """A kernel without ring buffers is refused with the version that is needed"""
    refused(UNAVAILABLE, "ring_buffer|5.8",
            preexec_fn=seccomp([SYSCALLS[platform.machine()][0]], 22))


@test
def no_tracefs():
    """Without tracefs it works; probe tells how to mount it"""
    change = hide("/sys/kernel/tracing", "/sys/kernel/debug")
    equal(works(preexec_fn=change).stop()[0], 0)
    done = subprocess.run([REDSHANK, "probe", "-o", "json"], capture_output=True, text=True,
                          timeout=PATIENCE, preexec_fn=change)
    feature = json.loads(done.stdout)["features"]["tracefs"]
    equal((done.returncode, feature["state"]), (0, "no"))
    assert "mount -t tracefs" in feature["detail"], feature


@test
def interpreter():
    """It works where BPF programs are not compiled (net.core.bpf_jit_enable=0)"""
    switch = "/proc/sys/net/core/bpf_jit_enable"
    if "REDSHANK_PROBE" not in os.environ:
        raise Skip("a switch of the whole machine: done where the machine is the test's own")
    with open(switch) as f:
        before = f.read()
    try:
        try:
            with open(switch, "w") as f:
                f.write("0")
        except OSError:
            raise Skip("this kernel can only compile (CONFIG_BPF_JIT_ALWAYS_ON)") from None
        equal(works().stop()[0], 0)
    finally:
        with open(switch, "w") as f:
            f.write(before)


# --- privileges ---

@test
def three_capabilities():
    """CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE are enough"""
    def unbounded():
        if RELEASE < (5, 11):
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)

    equal(works(by=capabilities("-all,+bpf,+perfmon,+sys_ptrace"), preexec_fn=unbounded).stop()[0], 0)


@test
def no_capabilities():
    """A root without capabilities is told which are missing"""
    refused(NOPERM, "missing CAP_BPF CAP_PERFMON CAP_SYS_PTRACE|root", by=capabilities("-all"))
    refused(NOPERM, "missing CAP_PERFMON:", by=capabilities("-all,+bpf,+sys_ptrace"))


@test
def user_namespace():
    """In a user namespace it says that capabilities don't count there"""
    if subprocess.run(["unshare", "-Ur", "true"], stderr=subprocess.DEVNULL).returncode:
        raise Skip("no user namespaces here")
    refused(NOPERM, "user namespace|userns=host", by=["unshare", "-Ur"])


@test
def seccomp_filter():
    """Where a seccomp filter forbids bpf(2), that is what it says"""
    bpf = [SYSCALLS[platform.machine()][0]]
    refused(NOPERM, "bpf(2)|seccomp", preexec_fn=seccomp(bpf, 1))
    refused(UNAVAILABLE, "bpf(2)|CONFIG_BPF_SYSCALL|seccomp", preexec_fn=seccomp(bpf, 38))


@test
def locked_memory():
    """A small RLIMIT_MEMLOCK is named where the kernel minds it, and no matter where it does not"""
    def small():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))

    by = capabilities("-sys_resource")
    if RELEASE < (5, 11):
        refused(NOPERM, "RLIMIT_MEMLOCK is 64 KiB|LimitMEMLOCK=infinity", by=by, preexec_fn=small)
    else:
        equal(works(by=by, preexec_fn=small).stop()[0], 0)


@test
def no_children():
    """Where it may start no process, it says that nothing can be seen to fire"""
    refused(TEMPFAIL, "seen to fire|Resource temporarily unavailable",
            preexec_fn=seccomp(SYSCALLS[platform.machine()][1], 11))


# --- /proc ---

@test
def no_proc():
    """Without /proc it says how to mount it"""
    refused(UNAVAILABLE, "proc|mount -t proc", preexec_fn=hide("/proc"))


@test
def inventory():
    """Without an iterator /proc tells of what ran before, under hidepid too"""
    def hidden():
        own_mounts()
        mount("proc", "/proc", b"hidepid=2")

    config = 'kernel:\n  hooks: "proc="\n'
    path = os.path.join(directory(), "redshank.yaml")
    with open(path, "w") as f:
        f.write(config)
    with Trigger("", "-c", f"cd /usr; {FACTS} stay '' b; :", program="/bin/sh") as t:
        late = works(config=config, preexec_fn=hidden)
        equal(coverage(late)["proc"], "procfs")
        done = subprocess.run(
            [REDSHANK, "tail", "--alone", "-c", path, "-o", "json", "-t", "proc", "--pid",
             str(t.pid), "--count", "1"], capture_output=True, text=True, timeout=PATIENCE,
            check=True, preexec_fn=hidden)
        line = json.loads(done.stdout.splitlines()[0])
        check_ids(line, t.pid)
        check_place(line, t.pid)
        check_exe(line, t.pid)
        equal(get(line, "redshank.unseen"), ["kernel"])
    end, = late.exits_of(t.pid)
    equal(get(end, "process.args"), [FACTS, "stay", "", "b"])
    equal(get(end, "process.working_directory"), "/usr")
    equal(get(end, "process.parent.executable"), os.path.realpath("/bin/sh"))
    equal(get(end, "process.parent.entity_id"), late.entity(t.process.pid), "the shell's own id")
    equal(late.stop()[0], 0)


@test
def inventory_memfd():
    """A program that runs from memory alerts by /proc alone"""
    with Trigger("memfd_exec", "execveat", "stay") as t:
        late = works(config='kernel:\n  hooks: "proc="\n')
        alert = late.wait(pid=int(t.pid), kind="alert")  # it began up to 10 ms earlier, says /proc
        equal((get(alert, "redshank.exe.origin"), get(alert, "redshank.exe.flags")),
              ("memfd", ["internal_mount", "memfd_name"]))
        equal(late.stop()[0], 0)


if __name__ == "__main__":
    sys.exit(run())
