#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an alert tells besides the finding: what led to it, whose file and image it was; how a flood
becomes few alerts; what is excepted by structure."""
import hashlib
import json
import os
import shutil
import subprocess
import sys

from sensor import PATIENCE, REDSHANK, TRIGGERS, Sensor, Trigger, directory, get, start, until
from tap import Skip, equal, run, test

MEMFD = "redshank.fileless.memfd_exec"
RULES = """
title: A marked program
id: 7d0f6ad6-0a3c-4d0c-9a2e-000000000001
description: For the test.
tags: [attack.execution, attack.t1059.004]
logsource: {product: linux, category: process_creation}
detection:
  selection: {CommandLine|contains: rs-story}
  condition: selection
falsepositives: [None is known]
level: medium
---
title: In an image
id: 7d0f6ad6-0a3c-4d0c-9a2e-000000000002
description: For the test.
tags: [attack.execution, attack.t1059.004]
logsource: {product: linux, category: process_creation}
detection:
  selection: {ContainerImage: 'localhost/rs-story:*', ContainerName: rs-story-*, CommandLine|contains: rs-inside}
  condition: selection
falsepositives: [None is known]
level: medium
---
title: By hash
id: 7d0f6ad6-0a3c-4d0c-9a2e-000000000003
description: For the test.
tags: [attack.execution, attack.t1059.004]
logsource: {product: linux, category: process_creation}
detection:
  selection: {Hashes|contains: 'SHA256=%s'}
  condition: selection
falsepositives: [None is known]
level: medium
---
title: Memory made executable
id: 7d0f6ad6-0a3c-4d0c-9a2e-000000000004
description: For the test.
tags: [attack.execution, attack.t1059.004]
logsource: {product: linux, category: image_load}
detection:
  selection: {MapKind: shm, CommandLine|contains: rs-maps}
  condition: selection
falsepositives: [None is known]
level: medium
"""
MARKED, IN_IMAGE, BY_HASH, MAPPED = (f"7d0f6ad6-0a3c-4d0c-9a2e-00000000000{n}" for n in "1234")
EXPECTED = directory()  # programs in here are excepted
HOST = directory()  # where the container engine of this test keeps its files
CONFIG = """
containers: {root: %s}
exceptions:
  - {rules: [%s], reason: for the test, parent: %s/*}
  - {rules: [%s], reason: for the test, sha256: %s}
  - {rules: [A marked *], reason: for the test, image: %s/*, user: root}
  - {rules: [A marked *], reason: for the test, user: root, ancestor: %s/*, expires: 2020-01-01}
  - {rules: [In an *], reason: for the test, container_image: "localhost/rs-story:2"}
"""


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def copy(name, to, more=b""):
    path = os.path.join(to, os.path.basename(name))
    shutil.copy(name, path)
    with open(path, "ab") as f:
        f.write(more)
    return path


MEMFD_EXEC = os.path.join(TRIGGERS, "memfd_exec")
KNOWN = copy(MEMFD_EXEC, directory(), b"known")  # excepted by its hash


def alerts_of(sensor, rule, pid=None):
    return [a for a in sensor.sync().find(pid=pid, kind="alert") if get(a, "rule.id") == rule]


def texts(alert):
    return [s["text"] for s in get(alert, "redshank.story", [])]


@test
def led_to_it(sensor):
    """An alert tells what its process and those before it did, what they fetched among it"""
    script = f"cp /bin/true {HOST}/fetched; sh -c '/bin/echo rs-fetch >&2; exec {MEMFD_EXEC} execveat'"
    shell = start(["/bin/bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                  stderr=subprocess.DEVNULL)
    pid = json.loads(shell.stdout.readline())["pid"]
    shell.stdout.close()
    equal(shell.wait(PATIENCE), 0)
    alert, = alerts_of(sensor, MEMFD, pid)
    story = get(alert, "redshank.story")
    lines = texts(alert)
    places = [next(i for i, line in enumerate(lines) if line.startswith(begin))
              for begin in (f"/usr/bin/bash /bin/bash -c cp /bin/true {HOST}",
                            f"/usr/bin/cp cp /bin/true {HOST}", "/usr/bin/echo /bin/echo rs-fetch",
                            f"{MEMFD_EXEC} {MEMFD_EXEC} execveat")]
    equal(places, sorted(places), f"order of {lines}")
    assert not any("kworker" in line for line in lines), f"the event itself: {lines}"
    fetched = story[places[1]]
    event, = sensor.find("exec", fetched["pid"], where=lambda e: get(e, "redshank.seq") == fetched["seq"])
    equal(get(event, "process.entity_id"), fetched["entity_id"])
    equal(get(event, "@timestamp"), fetched["time"])
    shown = subprocess.run([REDSHANK, "alerts", "--store", sensor.store, "show",
                            get(alert, "redshank.alert.id")], capture_output=True, text=True)
    assert f"cp: /usr/bin/cp cp /bin/true {HOST}/fetched" in shown.stdout, shown.stdout + shown.stderr
    assert "  before  " in shown.stdout, shown.stdout


@test
def what_it_ran(sensor):
    """An alert has the SHA-256 of the program, or why it has none"""
    with Trigger("memfd_exec", "execveat", "stay") as t:
        alert = sensor.wait("exec", t.pid, kind="alert")
        equal(get(alert, "process.hash.sha256"), sha256(MEMFD_EXEC))
    with Trigger("memfd_exec", "execveat", "exit") as t:
        t.process.wait(PATIENCE)
        alert = sensor.wait("exec", t.pid, kind="alert")
        known, missing = get(alert, "process.hash.sha256"), get(alert, "redshank.exe.hash_missing")
        assert known == sha256(MEMFD_EXEC) or missing, alert["process"]


@test
def flood(sensor):
    """A thousand times the same thing under ever new names are few alerts with the right count"""
    script = "i=0; while [ $i -lt 1000 ]; do /bin/true rs-story $i; i=$((i+1)); done"
    shell = start(["/bin/sh", "-c", script])
    equal(shell.wait(PATIENCE), 0)
    parent = sensor.sync().entity(shell.pid)

    def counts():
        """By id, the last count of each alert."""
        return {get(a, "redshank.alert.id"): get(a, "redshank.alert.count")
                for a in alerts_of(sensor, MARKED) if get(a, "process.parent.entity_id") == parent}

    until(lambda: sum(counts().values()) == 1000, "all of them counted")
    equal(len(counts()), 501, "alerts")
    told = [a for a in alerts_of(sensor, MARKED) if get(a, "process.parent.entity_id") == parent]
    assert len(told) < 550, f"{len(told)} alerts and updates"


@test
def ten_thousand_times(sensor):
    """One process that does the same ten thousand times is one alert that says so"""
    script = "import mmap\nfor _ in range(10000): mmap.mmap(-1, 4096, prot=7).close()"
    child = start([sys.executable, "-c", script, "rs-maps"])
    equal(child.wait(PATIENCE), 0)

    def found():
        return alerts_of(sensor, MAPPED, child.pid)

    # The kernel tells of the first few, then when their number has doubled.
    until(lambda: get(found()[-1], "redshank.alert.count") >= 8192, "the last number that was told")
    equal(len({get(a, "redshank.alert.id") for a in found()}), 1)
    assert get(found()[-1], "redshank.alert.count") <= 10000, found()[-1]
    assert len(found()) < 20, f"{len(found())} alerts and updates"
    assert len(texts(found()[-1])) <= 24, texts(found()[-1])


@test
def excepted(sensor):
    """What the configuration excepts by parent, by hash or by path does not alert"""
    expected = copy(MEMFD_EXEC, EXPECTED)
    before = get(sensor.stats(), "detect.excepted")
    for program in (expected, KNOWN):
        with Trigger("memfd_exec", "passed" if program == expected else "execveat", "stay",
                     program=program) as t:
            sensor.exec_of(t.pid)
            equal(alerts_of(sensor, MEMFD, t.pid), [], program)
    true = copy(shutil.which("true"), EXPECTED)
    pid = start([true, "rs-story"]).pid
    sensor.wait("exit", pid)
    equal(alerts_of(sensor, MARKED, pid), [])
    equal(get(sensor.stats(), "detect.excepted"), before + 3)


@test
def not_excepted(sensor):
    """What is only like it does: another file of that name, another user, after the last day"""
    other = copy(MEMFD_EXEC, directory(), b"other")
    with Trigger("memfd_exec", "execveat", "stay", program=other) as t:
        sensor.exec_of(t.pid)
        alert, = alerts_of(sensor, MEMFD, t.pid)
        equal(get(alert, "process.hash.sha256"), sha256(other))
    os.chmod(EXPECTED, 0o755)
    true = copy(shutil.which("true"), EXPECTED)
    pid = start(["setpriv", "--reuid=65534", "--clear-groups", true, "rs-story"]).pid
    sensor.wait("exit", pid)
    assert any(get(a, "process.executable") == true for a in alerts_of(sensor, MARKED, pid))


@test
def hash_in_a_rule(sensor):
    """A rule can ask for the hash of what is started"""
    child = start([shutil.which("busybox"), "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    sensor.wait("exec", child.pid)
    equal(len(alerts_of(sensor, BY_HASH, child.pid)), 1)
    child.stdin.close()
    child.wait(PATIENCE)


def podman(*args, **options):
    storage = os.path.join(HOST, "var/lib/containers/storage")
    return subprocess.run(["podman", "--root", storage, "--runroot", os.path.join(HOST, "run"),
                           "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--runtime", "runc",
                           *args], capture_output=True, timeout=PATIENCE, **options)


def in_container(sensor, tag):
    """Runs something marked in a container of that image; its exec event and alerts."""
    name = "rs-story-" + os.path.basename(HOST) + tag
    image = f"localhost/rs-story:{tag}"
    root = directory()
    os.makedirs(os.path.join(root, "bin"))
    shutil.copy(shutil.which("busybox"), os.path.join(root, "bin/busybox"))
    tar = subprocess.run(["tar", "-C", root, "-c", "."], capture_output=True, check=True)
    made = podman("import", "-", image, input=tar.stdout)
    if made.returncode:
        raise Skip("podman can't import an image here")
    ran = podman("run", "--name", name, "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit",
                 "nproc=1024:1024", image, "/bin/busybox", "echo", "rs-inside" + tag)
    podman("rm", "-f", name)
    podman("rmi", "-f", image)
    if ran.returncode:
        raise Skip("podman can't run a container here")
    inside = f"echo rs-inside{tag}"
    event = sensor.sync().wait("exec", where=lambda e: get(e, "process.executable") == "/bin/busybox"
                               and inside in get(e, "process.command_line", ""))
    if not get(event, "container.id"):
        raise Skip("podman makes no cgroup of its own here")
    return name, event, alerts_of(sensor, IN_IMAGE, get(event, "process.pid"))


@test
def container_image(sensor):
    """Events and alerts of a container name it and its image; rules and exceptions can ask for it"""
    if not shutil.which("podman"):
        raise Skip("no podman")
    name, event, alerts = in_container(sensor, "1")
    equal(get(event, "container.image.name"), "localhost/rs-story")
    equal(get(event, "container.image.tag"), "1")
    equal(get(event, "container.name"), name)
    equal(len(alerts), 1)
    equal(get(alerts[0], "container.image.name"), "localhost/rs-story")
    _, event, alerts = in_container(sensor, "2")
    equal(get(event, "container.image.tag"), "2")
    equal(alerts, [], "of the image that is excepted")


@test
def last_count(sensor):
    """What was kept back is told when the sensor ends, and it is in the store"""
    for _ in range(7):
        start(["/bin/true", "rs-story", "last"]).wait()
    sensor.sync()
    equal(sensor.stop()[0], 0)
    listed = subprocess.run([REDSHANK, "alerts", "--store", sensor.store, "-o", "json", "--rule", MARKED],
                            capture_output=True, text=True, check=True)
    counts = {}
    for a in map(json.loads, listed.stdout.splitlines()):
        if get(a, "process.command_line") == "/bin/true rs-story last":
            counts[get(a, "redshank.alert.id")] = get(a, "redshank.alert.count")
    equal(sum(counts.values()), 7)


if __name__ == "__main__":
    rules = os.path.join(directory(), "rules.yml")
    with open(rules, "w") as f:
        f.write(RULES % sha256(shutil.which("busybox")))
    config = CONFIG % (HOST, MEMFD, EXPECTED, MEMFD, sha256(KNOWN), EXPECTED, EXPECTED)
    sys.exit(run(Sensor(config=config, rules=[rules])))
