#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The memory scan: each kind of code without a file is found as what it is, honest programs are
quiet. On demand, and by the daemon."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from sensor import PATIENCE, REDSHANK, TRIGGERS, Sensor, Trigger, directory, get, start, until
from tap import Skip, equal, run, test

# Nothing of this machine's own configuration.
CONFIG = os.path.join(directory(), "redshank.yaml")
open(CONFIG, "w").close()
X86 = os.uname().machine == "x86_64"


def scan(*pids, options=()):
    """Exit status and lines of a scan of these processes."""
    argv = [REDSHANK, "scan", "-o", "json", "-c", CONFIG, *options]
    for pid in pids:
        argv += ["--pid", str(pid)]
    done = subprocess.run(argv, capture_output=True, timeout=PATIENCE)
    assert done.returncode in (0, 1), f"{argv}: {done.returncode}, {done.stderr}"
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def judged(pid, options=()):
    """Alerts of the scan's detectors about this process, as (rule, level); and the alerts."""
    status, lines = scan(pid, options=options)
    alerts = [a for a in lines if get(a, "event.kind") == "alert" and
              get(a, "rule.id").startswith("redshank.memory.")]
    assert all(get(a, "process.pid") == pid for a in alerts), alerts
    worst = {get(a, "redshank.alert.level") for a in lines if get(a, "event.kind") == "alert"}
    equal(status, int(bool(worst & {"medium", "high", "critical"})), "exit status")
    return [(get(a, "rule.id")[len("redshank.memory."):], get(a, "redshank.alert.level"))
            for a in alerts], alerts


def finds(name, mode, expected, kind, flags=(), techniques=("T1620", "T1055"), not_flags=()):
    def body(_):
        with Trigger("memory_code", mode) as t:
            found, alerts = judged(t.pid)
            equal(found, expected)
            for alert in alerts:
                equal(get(alert, "redshank.scan.finding"), kind)
                equal(tuple(get(alert, "threat.technique.id")), techniques)
                for flag in flags:
                    assert flag in get(alert, "redshank.scan.flags", []), alert
                for flag in not_flags:
                    assert flag not in get(alert, "redshank.scan.flags", []), alert
                assert get(alert, "message"), alert
                low = int(get(alert, "redshank.scan.address"), 16)
                assert low <= t.said[0]["address"] < low + get(alert, "redshank.scan.size"), alert

    body.__name__ = mode.replace("-", "_")
    body.__doc__ = name
    return test(body)


finds("Shellcode that waits in a system call: high", "shellcode", [("code", "high")], "anon_code",
      ["executing"], not_flags=["writable"])
finds("The same in writable memory: high", "shellcode-writable", [("code", "high")], "anon_code",
      ["executing", "writable"])
finds("Code that would make system calls, never called: medium", "dormant", [("code", "medium")],
      "anon_code", ["syscalls"], not_flags=["executing"])
finds("A small writable and executable page: low", "small", [("code", "low")], "anon_code",
      ["writable"], not_flags=["syscalls"])
finds("A program's file in executable memory: high", "image-rwx", [("image", "high")], "elf_image",
      ["elf", "writable"])
finds("A library in a memfd: high", "memfd", [("memory_file", "high")], "memory_file", ["elf"])
finds("An executable memfd without ELF file: low", "memfd-blank", [("memory_file", "low")],
      "memory_file", not_flags=["elf"])
finds("A function overwritten: high", "text", [("text", "high")], "text_changed",
      techniques=("T1055",), not_flags=["only_breakpoints"])
finds("A changed vDSO: high", "vdso", [("text", "high")], "text_changed", ["vdso"],
      techniques=("T1055",))
finds("A breakpoint without anybody tracing: informational", "breakpoint",
      [("text", "informational")], "text_changed", ["only_breakpoints"], techniques=("T1055",))
finds("A memfd mapped twice, as JIT compilers do: no alert", "memfd-twice", [], None)
finds("A page of code written to with the same bytes: no alert", "text-same", [], None)


@test
def image(_):
    """A program loaded by hand, segment by segment, with its header not executable: high"""
    with Trigger("memory_code", "image") as t:
        found, alerts = judged(t.pid)
        # Its code, which makes system calls, is a finding of its own.
        equal(sorted(found), [("code", "medium"), ("image", "high")])
        header = [a for a in alerts if get(a, "redshank.scan.finding") == "elf_image"][0]
        equal(int(get(header, "redshank.scan.at"), 16), t.said[0]["address"])
        assert get(header, "redshank.scan.bytes").startswith("7f454c46"), header


@test
def evidence_of_text(_):
    """Of overwritten code, memory and file are shown"""
    with Trigger("memory_code", "text") as t:
        alert = judged(t.pid)[1][0]
    if X86:
        assert get(alert, "redshank.scan.bytes").startswith("e944332211"), alert
    offset = int(get(alert, "redshank.scan.file_offset"), 16)
    expected = bytes.fromhex(get(alert, "redshank.scan.expected"))
    with open(os.path.join(TRIGGERS, "memory_code"), "rb") as f:
        f.seek(offset)
        equal(f.read(len(expected)), expected, "what the file has there")
    equal(get(alert, "file.path"), os.path.join(TRIGGERS, "memory_code"))


PATCH_LIBC = """import ctypes, json, os, sys
libc = ctypes.CDLL(None)
at = ctypes.cast(libc.gethostid, ctypes.c_void_p).value
page = at & ~4095
assert libc.mprotect(ctypes.c_void_p(page), 8192, 3) == 0
ctypes.memmove(at, bytes([0xe9, 1, 2, 3, 4]), 5)
assert libc.mprotect(ctypes.c_void_p(page), 8192, 5) == 0
print(json.dumps({"pid": os.getpid(), "address": at}), flush=True)
sys.stdin.read()
"""


@test
def libc(_):
    """A hook written into the C library: high, named"""
    child = start([sys.executable, "-c", PATCH_LIBC], stdin=subprocess.PIPE,
                  stdout=subprocess.PIPE)
    said = json.loads(child.stdout.readline())
    found, alerts = judged(child.pid)
    child.stdin.close()
    child.wait(PATIENCE)
    found = [f for f in found if f[0] == "text"]
    equal(found, [("text", "high")])
    alert = [a for a in alerts if get(a, "redshank.scan.finding") == "text_changed"][0]
    assert "libc" in get(alert, "file.path"), alert
    equal(int(get(alert, "redshank.scan.at"), 16), said["address"])


def lost(mode, place, expected):
    """A program whose file goes away, in a directory of this mode."""
    folder = tempfile.mkdtemp(prefix="redshank-test.", dir=place)
    try:
        with Trigger("memory_code", mode, os.path.join(folder, "tool")) as t:
            found, alerts = judged(t.pid)
        equal(found, expected)
        equal(get(alerts[0], "redshank.scan.finding"), "deleted_exe")
        equal(get(alerts[0], "file.path"), os.path.join(folder, "tool (deleted)"))
    finally:
        shutil.rmtree(folder)


@test
def deleted(_):
    """A program that deleted its file from /tmp: medium; from elsewhere: low"""
    lost("unlink", "/tmp", [("deleted", "medium")])
    lost("unlink", "/var/lib", [("deleted", "low")])


@test
def replaced(_):
    """A program whose file was replaced, as by an upgrade: informational; in /tmp: low"""
    lost("replace", "/var/lib", [("deleted", "informational")])
    lost("replace", "/tmp", [("deleted", "low")])


@test
def several(_):
    """Of several processes each finding is told of its own"""
    with Trigger("memory_code", "small") as a, Trigger("memory_code", "text") as b:
        _, lines = scan(a.pid, b.pid)
        found = {get(x, "process.pid"): get(x, "rule.id") for x in lines
                 if get(x, "rule.id", "").startswith("redshank.memory.")}
    equal(found, {int(a.pid): "redshank.memory.code", int(b.pid): "redshank.memory.text"})


@test
def no_such_process(_):
    """A process that does not exist is an error, not silence"""
    done = subprocess.run([REDSHANK, "scan", "-c", CONFIG, "--pid", "4194303"],
                          capture_output=True, text=True, timeout=PATIENCE)
    equal(done.returncode, 66)
    assert "there is no process" in done.stderr, done.stderr


INSIDE = """set -e
mount --bind "$0" "$0"
cd "$0"
mkdir -p old tmp
pivot_root . old
/busybox umount -l old
exec /tool "$@"
"""


def contained(*args):
    """The trigger in namespaces of its own, with a root of its own; the child and its host pid."""
    root = directory()
    os.chmod(root, 0o755)
    shutil.copy(os.path.join(TRIGGERS, "memory_code"), os.path.join(root, "tool"))
    shutil.copy(shutil.which("busybox"), root)
    child = start(["unshare", "--pid", "--fork", "--mount", "/bin/sh", "-c", INSIDE, root, *args],
                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    equal(json.loads(child.stdout.readline())["pid"], 1, "its own number")
    return child, family(child.pid)[1]


@test
def container(_):
    """In another pid and mount namespace it is found under the host's numbers, with its own paths"""
    child, inside = contained("text")
    found, alerts = judged(inside)
    child.stdin.close()
    child.wait(PATIENCE)
    equal(found, [("text", "high")])
    equal(get(alerts[0], "process.vpid"), 1)
    equal(get(alerts[0], "file.path"), "/tool")


@test
def container_paths(_):
    """What replaced a program is looked for where the program was, in its container"""
    for mode, expected in ("unlinked", "low"), ("replaced", "informational"):
        child, inside = contained(mode, "/tool")
        found, alerts = judged(inside)
        child.stdin.close()
        child.wait(PATIENCE)
        equal(found, [("deleted", expected)])
        equal(get(alerts[0], "file.path"), "/tool (deleted)")


@test
def chroot(_):
    """So it is in a chroot without namespaces"""
    root = directory()
    os.chmod(root, 0o755)
    shutil.copy(os.path.join(TRIGGERS, "memory_code"), os.path.join(root, "tool"))
    child = start(["chroot", root, "/tool", "replaced", "/tool"], stdin=subprocess.PIPE,
                  stdout=subprocess.PIPE)
    child.stdout.readline()
    found, alerts = judged(child.pid)
    child.stdin.close()
    child.wait(PATIENCE)
    equal(get(alerts[0], "redshank.scan.flags"), ["replaced", "temporary"])


RULES = """rule marker : test { meta: author = "tests" level = "medium"
  strings: $a = "redshank-" ascii  $b = "yara-marker-1742" ascii
  condition: all of them }
rule never { strings: $a = "redshank-never-there-%d" condition: $a }
"""
HOLDS = """import json, os, sys
text = "-".join(["redshank", "yara", "marker", "1742"]) * 2
print(json.dumps({"pid": os.getpid()}), flush=True)
sys.stdin.read()
"""


@test
def yara(_):
    """A YARA rule that matches is an alert at the level that it asks for; a broken one an error"""
    path = os.path.join(directory(), "rules.yar")
    with open(path, "w") as f:
        f.write(RULES)
    child = start([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    argv = [REDSHANK, "scan", "-c", CONFIG, "-o", "json", "--pid", str(child.pid)]
    done = subprocess.run([*argv, "--yara", path], capture_output=True, text=True,
                          timeout=PATIENCE)
    if "without libyara" in done.stderr:
        equal(done.returncode, 69)
        raise Skip("built without libyara")
    alerts = [json.loads(line) for line in done.stdout.splitlines()]
    alerts = [a for a in alerts if get(a, "rule.id") == "redshank.memory.yara"]
    equal([get(a, "redshank.scan.yara.rule") for a in alerts], ["marker"])
    equal(get(alerts[0], "redshank.alert.level"), "medium")
    equal(get(alerts[0], "redshank.scan.yara.tags"), ["test"])
    assert "author=tests" in get(alerts[0], "redshank.scan.yara.meta"), alerts
    with open(path, "w") as f:
        f.write("rule broken { condition: nonsense }")
    done = subprocess.run([*argv, "--yara", os.path.dirname(path)], capture_output=True, text=True,
                          timeout=PATIENCE)
    child.stdin.close()
    child.wait(PATIENCE)
    equal(done.returncode, 78, done.stderr)
    assert "rules.yar:1" in done.stderr, done.stderr


# --- honest programs ---

def quiet(pid, allowed=("informational", "low")):
    found, alerts = judged(pid)
    loud = [a for a, f in zip(alerts, found) if f[1] not in allowed]
    assert not loud, [(get(a, "message"), get(a, "redshank.scan.flags"),
                       get(a, "redshank.scan.bytes")) for a in loud]
    return found


def honest(name, program, code, needs=None):
    def body(_):
        path = shutil.which(program)
        if not path:
            raise Skip(f"no {program} here")
        child = start([path, *code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                      stderr=subprocess.DEVNULL)
        line = child.stdout.readline()
        if not line and needs:
            raise Skip(f"no {needs} here")
        assert line, f"{program} said nothing"
        try:
            for pid in family(child.pid):
                quiet(pid)
        finally:
            child.kill()
            child.wait(PATIENCE)

    body.__name__ = "honest_" + (needs or program).replace(" ", "_").replace("-", "_")
    body.__doc__ = name
    return test(body)


def family(pid):
    """The process and its descendants."""
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as f:
            for child in f.read().split():
                found += family(int(child))
    return found


honest("node with compiled code is quiet", "node", ["-e", """
function f(i) { return i * 3 + Math.sqrt(i) }
let s = 0; for (let i = 0; i < 3e7; i++) s += f(i);
const r = /(a+)+b[0-9]*/; for (let i = 0; i < 1e5; i++) r.test('aaac' + i);
console.log(s); setTimeout(() => {}, 60000)"""])
honest("node with WebAssembly is quiet", "node", ["-e", """
const b = new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,
0,0,10,9,1,7,0,32,0,32,1,106,11]);
WebAssembly.instantiate(b).then(m => { console.log(m.instance.exports.add(1, 2));
setTimeout(() => {}, 60000) })"""], needs="node wasm")
honest("luajit is quiet", "luajit", ["-e", """
local s = 0; for i = 1, 5e7 do s = s + i % 7 end
print(s); io.stdout:flush(); io.read()"""])
honest("Python with ctypes callbacks is quiet", sys.executable, ["-c", """
import ctypes, sys
kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
calls = [kind(lambda a, b: 0) for _ in range(500)]
a = (ctypes.c_int * 5)(3, 1, 2, 5, 4)
ctypes.CDLL(None).qsort(a, 5, 4, calls[0])
print("ready", flush=True); sys.stdin.read()"""], needs="ctypes")
honest("Python with cffi callbacks is quiet", sys.executable, ["-c", """
import cffi, sys
ffi = cffi.FFI()
calls = [ffi.callback("int(int)", lambda x: x + 1) for _ in range(200)]
print(calls[0](1), flush=True); sys.stdin.read()"""], needs="cffi")
honest("grep -P with a compiled pattern is quiet", "sh", ["-c", "(echo xaab; echo ready; exec cat) "
       "| grep --line-buffered -P '(x(a+)+b|ready)'"], needs="grep -P")
honest("perl is quiet", "perl", ["-e", "$| = 1; print qq(ready\\n); sleep 60"])


@test
def honest_java(_):
    """A Java virtual machine with compiled code is quiet"""
    if not shutil.which("java"):
        raise Skip("no java here")
    folder = directory()
    source = os.path.join(folder, "A.java")
    with open(source, "w") as f:
        f.write("public class A { public static void main(String[] a) throws Exception {\n"
                "long s = 0; for (long i = 0; i < 300000000L; i++) s += i * i % 7;\n"
                "System.out.println(s); Thread.sleep(60000); } }\n")
    child = start(["java", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if not child.stdout.readline():
        raise Skip("java does not compile here")
    try:
        for pid in family(child.pid):
            quiet(pid)
    finally:
        child.kill()
        child.wait(PATIENCE)


@test
def honest_gdb(_):
    """A program with breakpoints under gdb is informational"""
    if not shutil.which("gdb"):
        raise Skip("no gdb here")
    target = start(["/bin/sleep", "60"])
    gdb = start(["gdb", "-q", "-nx", "-p", str(target.pid)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    gdb.stdin.write("set pagination off\nset breakpoint always-inserted on\n"
                    "break getppid\necho ready-\\n\n")
    gdb.stdin.flush()
    for line in gdb.stdout:
        if "ready-" in line:
            break
    try:
        found = quiet(target.pid, allowed=("informational",))
        # In the C library, and where gdb waits for libraries to be loaded.
        equal(set(found), {("text", "informational")})
        tracer = judged(target.pid)[1][0]
        equal(get(tracer, "redshank.scan.tracer"), int(gdb.pid))
        quiet(gdb.pid)
    finally:
        gdb.kill()
        gdb.wait(PATIENCE)
        target.kill()
        target.wait(PATIENCE)
        gdb.stdout.close()


def entry_offset(path):
    """Where a program's entry point is in its file."""
    with open(path, "rb") as f:
        head = f.read(4096)
    entry, phoff = (int.from_bytes(head[a:a + 8], "little") for a in (24, 32))
    for i in range(int.from_bytes(head[56:58], "little")):
        p = head[phoff + 56 * i:phoff + 56 * (i + 1)]
        kind = int.from_bytes(p[:4], "little")
        off, vaddr = (int.from_bytes(p[a:a + 8], "little") for a in (8, 16))
        size = int.from_bytes(p[32:40], "little")
        if kind == 1 and vaddr <= entry < vaddr + size:
            return entry - vaddr + off
    raise AssertionError("no entry point")


@test
def honest_uprobe(_):
    """A program with a uprobe is informational, before the probe was hit and after"""
    if not os.path.exists("/sys/bus/event_source/devices/uprobe"):
        raise Skip("no uprobes here")
    path = os.path.join(directory(), "probed")
    shutil.copy(os.path.join(TRIGGERS, "exec_facts"), path)
    offset = entry_offset(path)
    with Trigger("", "stay", program=path) as before:
        with Trigger("uprobe_attach", path, str(offset)):
            with Trigger("", "stay", program=path) as after:
                for t in before, after:
                    found, alerts = judged(t.pid)
                    equal(found, [("text", "informational")])
                    equal(get(alerts[0], "redshank.scan.breakpoints"), 1)
        equal(judged(before.pid)[0], [], "when it is gone")


def running(pid, name):
    """The descendant that runs this program."""
    try:
        for child in family(pid)[1:]:
            if os.path.basename(os.readlink(f"/proc/{child}/exe")) == name:
                return child
    except FileNotFoundError:
        pass  # strace tries out what the kernel can, in children
    return None


@test
def honest_strace(_):
    """A traced program without changes is quiet"""
    if not shutil.which("strace"):
        raise Skip("no strace here")
    folder = directory()
    tracer = start(["strace", "-f", "-o", os.path.join(folder, "out"), "sleep", "60"],
                   stderr=subprocess.DEVNULL)
    try:
        sleep = until(lambda: running(tracer.pid, "sleep"), "sleep under strace")
        equal(judged(sleep)[0], [])
        os.kill(sleep, 9)
    finally:
        tracer.wait(PATIENCE)


@test
def vanishing(_):
    """Processes that come and go while they are read do no harm"""
    storm = start([os.path.join(TRIGGERS, "exec_facts"), "storm", "3000"],
                  stdout=subprocess.DEVNULL)
    for _ in range(10):
        status, lines = scan(storm.pid, options=["--events"])
        equal([x for x in lines if get(x, "event.action") == "scan" and
               get(x, "process.pid") == storm.pid], [])
        if storm.poll() is not None:
            break
        done = subprocess.run([REDSHANK, "scan", "-c", CONFIG, "-o", "json"],
                              capture_output=True, timeout=PATIENCE)
        assert done.returncode in (0, 1), done.stderr
    storm.kill()
    storm.wait(PATIENCE)


# --- the daemon ---

@test
def periodic(_):
    """The daemon finds it, once, with the process that its other events are about"""
    sensor = Sensor(config="scan:\n  interval: 1\n  cpu_percent: 50\n")
    try:
        with Trigger("memory_code", "text") as t:
            alert = sensor.wait(pid=t.pid, kind="alert",
                                where=lambda a: get(a, "rule.id") == "redshank.memory.text")
            equal(get(alert, "process.entity_id"),
                  get(sensor.sync().find("exec", t.pid)[-1], "process.entity_id"))
            assert get(alert, "redshank.ancestors"), alert
            time.sleep(3)  # two more rounds
            alerts = [a for a in sensor.sync().alerts(t.pid)
                      if get(a, "rule.id") == "redshank.memory.text"]
            equal(len(alerts), 1, "alerts")
            equal(len(sensor.find("scan", t.pid)), 1, "events")
        quiet(sensor.pid)
        own = [a for a in sensor.alerts(sensor.pid)]
        equal(own, [], "alerts about the sensor itself")
    finally:
        status, seconds = sensor.stop()
    equal(status, 0)
    assert seconds < 2.5, seconds


@test
def excepted(_):
    """An exception by structure holds for findings of the scan"""
    path = os.path.join(directory(), "except.yml")
    with open(path, "w") as f:
        f.write("title: Patches itself\ndescription: tests\n"
                "logsource: {product: linux, category: process_creation}\n"
                "filter:\n  rules:\n    - redshank.memory.text\n"
                f"  selection:\n    Image: {TRIGGERS}/memory_code\n  condition: selection\n")
    sensor = Sensor(config="scan:\n  interval: 1\n", rules=[path])
    try:
        with Trigger("memory_code", "text") as t, Trigger("memory_code", "small") as other:
            sensor.wait("scan", t.pid)
            sensor.wait(pid=other.pid, kind="alert")
            equal([get(a, "rule.id") for a in sensor.sync().alerts(t.pid)], [])
    finally:
        sensor.stop()


@test
def switched_off(_):
    """With interval 0 there is none, and coverage says so"""
    sensor = Sensor(config="scan:\n  interval: 0\n")
    text = sensor.stderr()
    sensor.stop()
    assert "no periodic memory scan" in text, text


if __name__ == "__main__":
    sys.exit(run(None))
