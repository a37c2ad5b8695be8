#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that exist only in memory: each way to run one raises one alert, honest copies none."""
import json
import os
import shutil
import signal
import subprocess
import sys

from sensor import PATIENCE, TRIGGERS, Sensor, Trigger, directory, get, start
from tap import equal, run, test

RULE = "redshank.fileless.memfd_exec"
WAYS = {  # mode of memfd_exec: what the alert says of the way in
    "execveat": "execveat or fexecve on a descriptor",
    "fexecve": "execveat or fexecve on a descriptor",
    "dirfd": "execveat or fexecve on a descriptor",
    "devfd": "execveat or fexecve on a descriptor",
    "procfd": "execve of /proc/self/fd",
    "threadself": "execve of /proc/thread-self/fd",
    "passed": "execveat or fexecve on a descriptor",
    "otherproc": "execve of /proc/PID/fd",
    "thread": "execveat or fexecve on a descriptor",
    "symlink": "execve of a path that leads to it",
}


def ours():
    """This process and its ancestors, nearest first."""
    chain = [os.getpid()]
    while chain[-1] != 1:
        with open(f"/proc/{chain[-1]}/status") as f:
            chain.append(next(int(line.split()[1]) for line in f if line.startswith("PPid:")))
    return chain


def the_alert(sensor, pid):
    sensor.wait(pid=pid, kind="alert")
    alerts = sensor.sync().alerts(pid)
    equal(len(alerts), 1, f"number of alerts of pid {pid}")
    return alerts[0]


def check_alert(alert, level="high"):
    equal(get(alert, "rule.id"), RULE)
    equal(get(alert, "redshank.alert.level"), level, "level")
    equal(get(alert, "threat.technique.id"), ["T1620"])
    equal(get(alert, "threat.tactic.name"), ["Defense Evasion"])
    assert get(alert, "message"), "no message"
    assert get(alert, "event.id"), "no alert id"


def attack(sensor, mode, *options):
    with Trigger("memfd_exec", mode, *options) as t:
        alert = the_alert(sensor, t.pid)
    check_alert(alert)
    evidence = get(alert, "redshank.alert.evidence")
    equal(get(alert, "redshank.exe.origin"), "memfd")
    equal(evidence["redshank.exe.origin"], "memfd")
    assert "memfd_name" in evidence["redshank.exe.flags"], evidence
    assert "memfd:kworker" in get(alert, "process.executable"), get(alert, "process.executable")
    equal(get(alert, "process.args"), ["kworker/0:1", "payload", get(alert, "process.args")[2]])
    chain = [a["pid"] for a in get(alert, "redshank.ancestors")]
    if t.pid != t.process.pid:
        equal(chain.pop(0), t.process.pid, "the nearest ancestor")
    # Where the kernel's task iterator keeps pid 1 to itself, the chain ends before it.
    assert ours() in (chain, chain + [1]), f"ancestors {chain}, expected {ours()}"
    equal(evidence["redshank.previous.executable"], os.path.join(TRIGGERS, "memfd_exec"))
    return alert


def way_in(mode):
    def body(sensor):
        options = [os.path.join(directory(), "tool")] if mode == "symlink" else []
        for variant in "cloexec", "nocloexec":
            if mode == "symlink" and variant == "nocloexec":
                os.unlink(options[-1])
            alert = attack(sensor, mode, variant, "stay", *options)
            equal(get(alert, "redshank.alert.evidence")["redshank.exec.way"], WAYS[mode])

    body.__name__ = mode
    body.__doc__ = f"A memfd run by {mode} alerts once, high, T1620, with ancestors and evidence"
    return test(body)


for mode in WAYS:
    way_in(mode)


@test
def gone_at_once(sensor):
    """It alerts just as well when the program has ended before anybody looked."""
    for _ in range(20):
        attack(sensor, "execveat", "cloexec", "exit")


@test
def script(sensor):
    """A script in a memfd alerts, with the interpreter as its program."""
    for mode in "script", "script-execveat":
        with Trigger("memfd_exec", mode) as t:
            alert = the_alert(sensor, t.pid)
        check_alert(alert)
        equal(get(alert, "redshank.exec.interpreter"), "/bin/sh")
        equal(get(alert, "process.executable"), os.path.realpath("/bin/sh"))
        assert "script_memfd" in get(alert, "redshank.exe.flags"), alert


@test
def honest(sensor):
    """A program that runs a sealed copy of its own file does not alert."""
    with Trigger("reexec_sealed", "honest") as t:
        event = sensor.exec_of(t.pid)
        equal(sensor.alerts(t.pid), [])
    equal(get(event, "redshank.exe.origin"), "memfd")
    equal(get(event, "redshank.exe.same_content"), "yes")
    equal(get(event, "redshank.exe.seals"),
          ["F_SEAL_SEAL", "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE"])


@test
def gone_honest(sensor):
    """One that ends too soon to be compared alerts low or not at all."""
    for _ in range(20):
        with Trigger("reexec_sealed", "gone") as t:
            pass
        levels = [get(a, "redshank.alert.level")
                  for a in sensor.sync().alerts(t.pid)]
        assert levels in ([], ["low"]), levels


def pretender(mode, why):
    def body(sensor):
        with Trigger("reexec_sealed", mode) as t:
            equal(t.said[-1]["changed"], mode == "impostor", "the trigger's own words")
            alert = the_alert(sensor, t.pid)
        check_alert(alert)
        assert "runc_cloned:/proc/self/exe" in get(alert, "process.executable")

    body.__name__ = mode
    body.__doc__ = f"Under runc's name, {why}: alerts high"
    return test(body)


pretender("impostor", "sealed, with the size and the first 4 KiB of its file, but other content")
pretender("other", "sealed, but another size")
pretender("unsealed", "the same content but not sealed")
pretender("half", "the same content but not sealed against writing")


@test
def deleted(sensor):
    """A sealed copy of a file that was removed is not passed over."""
    path = os.path.join(directory(), "dropped")
    shutil.copy(os.path.join(TRIGGERS, "reexec_sealed"), path)
    with Trigger("", "deleted", program=path) as t:
        alert = the_alert(sensor, t.pid)
    equal(get(alert, "rule.id"), RULE)


SPELLINGS = ("/proc/self/fd/{}", "/proc/self/fd//{}", "/proc/self/fd/./{}", "/dev/fd/{}",
             "/proc/thread-self/fd/{}", "/proc/self/fd ./{}", "/proc/self fd/{}")
SPELL = """import os, sys
fd = os.memfd_create("x", 0)
os.write(fd, b"#!/bin/sh\\nexit 0\\n")
folder, _, name = sys.argv[1].rpartition(" ")
if folder:
    os.chdir(folder)
os.set_inheritable(fd, True)
os.execv(name.format(fd), ["x"])
"""


@test
def script_spelled(sensor):
    """A script in a memfd alerts however its descriptor is spelled."""
    for spelling in SPELLINGS:
        child = start([sys.executable, "-c", SPELL, spelling])
        alert = the_alert(sensor, child.pid)
        child.wait(PATIENCE)
        check_alert(alert)
        assert "script_memfd" in get(alert, "redshank.exe.flags"), spelling


@test
def memfd_in_name_only(sensor):
    """A file that is called memfd:x is no memfd."""
    path = os.path.join(directory(), "memfd:x (deleted)")
    shutil.copy(os.path.join(TRIGGERS, "exec_facts"), path)
    with Trigger("", "stay", program=path) as t:
        event = sensor.exec_of(t.pid)
        equal(sensor.alerts(t.pid), [])
    # Where temporary files are: on a disk, a tmpfs, or a container's upper layer.
    assert get(event, "redshank.exe.origin") in ("regular", "tmpfs", "overlay_upper"), event
    equal(get(event, "process.executable"), path)


@test
def ordinary(sensor):
    """Shells, pipes and files on a tmpfs do not alert."""
    path = os.path.join("/dev/shm", os.path.basename(directory()))
    shutil.copy(os.path.join(TRIGGERS, "exec_facts"), path)
    try:
        with Trigger("", "stay", program=path) as t:
            equal(get(sensor.exec_of(t.pid), "redshank.exe.origin"), "tmpfs")
            equal(sensor.alerts(t.pid), [])
    finally:
        os.unlink(path)
    shell = start(["/bin/sh", "-c", "ls / | grep . >/dev/null; exit 0"])
    shell.wait()
    sensor.sync()
    family = tree_of(sensor, shell.pid)
    assert len(family) >= 2, family
    equal([get(a, "message") for a in sensor.find(kind="alert") if entity(a) in family], [])


def entity(line):
    return get(line, "process.entity_id")


def tree_of(sensor, root):
    """Entity ids of the process and all that it started, as the sensor has it."""
    ids = {sensor.entity(root)}
    for event in sensor.find("fork"):
        if get(event, "process.parent.entity_id") in ids:
            ids.add(entity(event))
    return ids


def run_container(sensor, *as_user, spec_options=()):
    """Runs one that runc makes; exec events and alerts of all its processes and runc's."""
    bundle = directory()
    os.makedirs(os.path.join(bundle, "rootfs/bin"))
    shutil.copy(shutil.which("busybox"), os.path.join(bundle, "rootfs/bin/busybox"))
    os.symlink("busybox", os.path.join(bundle, "rootfs/bin/sh"))
    if as_user:
        subprocess.run(["chown", "-hR", "65534:65534", bundle], check=True)
    env = dict(os.environ, HOME=bundle, XDG_RUNTIME_DIR=bundle)
    subprocess.run([*as_user, "runc", "spec", *spec_options], cwd=bundle, env=env, check=True)
    spec = os.path.join(bundle, "config.json")
    with open(spec) as f:
        config = json.load(f)
    config["process"].update(terminal=False, args=["sh", "-c", "echo inside; read x; exit 0"])
    with open(spec, "w") as f:
        json.dump(config, f)
    container = start([*as_user, "runc", "--root", os.path.join(bundle, "state"), "run",
                       "redshank-" + os.path.basename(bundle)], cwd=bundle, env=env,
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    equal(container.stdout.readline(), b"inside\n", "the container's output")
    container.stdin.close()
    equal(container.wait(PATIENCE), 0, "runc's exit status")
    container.stdout.close()
    family = tree_of(sensor.sync(), container.pid)
    execs = [e for e in sensor.find("exec") if entity(e) in family]
    assert any(get(e, "process.executable") == "/bin/busybox" for e in execs), \
        "the container's own program was not seen"
    return execs, [get(a, "message") for a in sensor.find(kind="alert") if entity(a) in family]


@test
def runc(sensor):
    """A container that runc starts does not alert."""
    execs, alerts = run_container(sensor)
    equal(alerts, [])


@test
def rootless_runc(sensor):
    """Nor does one of an unprivileged user, where runc runs a sealed copy of itself."""
    execs, alerts = run_container(
        sensor, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
        spec_options=["--rootless"])
    copies = [e for e in execs if get(e, "redshank.exe.origin") == "memfd"]
    assert copies, "runc did not run from a memfd: this test shows nothing"
    equal(alerts, [])


@test
def running_already(_):
    """A program that runs from an unsealed memfd since before the sensor alerts."""
    with Trigger("memfd_exec", "execveat", "stay") as t:
        late = Sensor()
        alert = the_alert(late, t.pid)
        equal(late.stop()[0], 0)
    check_alert(alert)
    assert "was running already" in get(alert, "message"), get(alert, "message")
    equal(get(alert, "event.action"), "proc")


if __name__ == "__main__":
    common = Sensor()
    code = run(common)
    common.stop(signal.SIGTERM)
    sys.exit(code)
