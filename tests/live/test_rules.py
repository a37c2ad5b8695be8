#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sigma rules on the live stream: alerts of rules and correlations, exceptions, reload, restart."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from sensor import PATIENCE, REDSHANK, Sensor, directory, get, pid_of, start, until
from tap import equal, run, test

RULES = """
title: A marked program
id: 5b0f6ad6-0a3c-4d0c-9a2e-000000000001
description: What it means. What to do next.
tags: [attack.execution, attack.t1059.004]
logsource: {product: linux, category: process_creation}
detection:
  selection:
    CommandLine|contains: rs-mark
  filter:
    CommandLine|contains: rs-harmless
  condition: selection and not filter
falsepositives: [None is known]
level: high
---
title: A marked audit record
id: 5b0f6ad6-0a3c-4d0c-9a2e-000000000002
logsource: {product: linux, service: auditd}
detection:
  selection: {type: EXECVE, a0: /bin/true, a1: rs-audit}
  condition: selection
level: low
---
title: An attempt
name: attempt
id: 5b0f6ad6-0a3c-4d0c-9a2e-000000000003
logsource: {product: linux, category: process_creation}
detection:
  selection: {Arguments: rs-attempt}
  condition: selection
---
title: Many attempts
id: 5b0f6ad6-0a3c-4d0c-9a2e-000000000004
level: medium
correlation:
  type: event_count
  rules: [attempt]
  group-by: [ParentProcessGuid]
  timespan: 10m
  condition: {gt: 3}
"""
MARKED, AUDITED, ATTEMPT, ATTEMPTS = (f"5b0f6ad6-0a3c-4d0c-9a2e-00000000000{n}" for n in "1234")

EXCEPTION = """
title: Our own memory program
description: For the test.
logsource: {product: linux, category: process_creation}
expires: 2999-12-31
filter:
  rules: [5b0f6ad6-0a3c-4d0c-9a2e-000000000001]
  selection: {CommandLine|contains: rs-excepted}
  condition: selection
"""


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


def call(*args):
    """Runs /bin/true with these arguments; its pid, when it has ended."""
    child = start(["/bin/true", *args])
    child.wait()
    return child.pid


def alerts_of(sensor, rule, pid=None):
    return [a for a in sensor.sync().find(pid=pid, kind="alert") if get(a, "rule.id") == rule]


def reload(sensor):
    done = subprocess.run([REDSHANK, "rules", "reload", "--socket", sensor.socket],
                          capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


@test
def by_rule(sensor):
    """A rule that matches raises an alert that says what, why and what to do"""
    pid = call("rs-mark", "it")
    alert, = alerts_of(sensor, MARKED, pid)
    equal(get(alert, "redshank.alert.level"), "high")
    equal(get(alert, "rule.name"), "A marked program")
    equal(get(alert, "rule.description"), "What it means. What to do next.")
    equal(get(alert, "threat.technique.id"), ["T1059.004"])
    equal(get(alert, "threat.tactic.name"), ["Execution"])
    equal(get(alert, "redshank.alert.evidence"), {"CommandLine": "/bin/true rs-mark it"})
    assert "/bin/true rs-mark it" in alert["message"], alert["message"]
    assert get(alert, "redshank.ancestors"), "no ancestors"
    equal(get(alert, "redshank.alert.count"), 1)


@test
def by_filter(sensor):
    """What the rule's own filter leaves out raises none"""
    equal(alerts_of(sensor, MARKED, call("rs-mark", "rs-harmless")), [])


@test
def by_audit_record(sensor):
    """A rule about audit records matches the same event in that shape, once"""
    pid = call("rs-audit")
    equal(len(alerts_of(sensor, AUDITED, pid)), 1)
    equal(alerts_of(sensor, MARKED, pid), [])


@test
def folded(sensor):
    """Each process has its alert; when many do the same, the rest is one with a count"""
    script = "m=mark; for i in $(seq 100); do /bin/true rs-$m again; done"
    start(["/bin/sh", "-c", script]).wait()

    def found():
        return [a for a in alerts_of(sensor, MARKED)
                if get(a, "redshank.alert.evidence.CommandLine") == "/bin/true rs-mark again"]

    lines = until(lambda: get(found()[-1], "redshank.alert.count") == 80 and found(),
                  "an update with all of the rest")
    counts = {}
    for a in lines:
        counts[get(a, "redshank.alert.id")] = get(a, "redshank.alert.count")
    equal(sorted(counts.values()), [1] * 20 + [80])
    assert len(lines) <= 32, f"{len(lines)} alerts and updates"
    assert get(lines[-1], "redshank.alert.first") < get(lines[-1], "redshank.alert.last")
    listed = subprocess.run([REDSHANK, "alerts", "--store", sensor.store, "-o", "json", "--rule",
                             MARKED], capture_output=True, text=True, check=True)
    kept = [json.loads(line) for line in listed.stdout.splitlines()]
    stored = [get(a, "redshank.alert.count") for a in kept
              if get(a, "redshank.alert.id") == get(lines[-1], "redshank.alert.id")]
    equal(stored, [80], "in the store")


@test
def correlated(sensor):
    """The fourth attempt raises the correlation's alert, attempts alone none; then it is updated"""
    for n in range(3):
        call("rs-attempt", str(n))
    equal(alerts_of(sensor, ATTEMPTS), [])
    call("rs-attempt", "3")
    alert, = alerts_of(sensor, ATTEMPTS)
    equal(get(alert, "redshank.alert.level"), "medium")
    equal(get(alert, "redshank.alert.evidence")["redshank.correlation.count"], "4")
    equal(get(alert, "redshank.alert.evidence")["ParentProcessGuid"],
          get(alert, "process.parent.entity_id"))
    call("rs-attempt", "4")
    again = alerts_of(sensor, ATTEMPTS)
    equal({get(a, "redshank.alert.id") for a in again}, {get(alert, "redshank.alert.id")})
    equal(get(again[-1], "redshank.alert.count"), 2)
    equal(alerts_of(sensor, ATTEMPT), [])


@test
def reloaded(_):
    """A reload takes new rules, keeps windows, and leaves the old ones when the new are wrong"""
    rules = write(os.path.join(directory(), "rules.yml"), RULES)
    sensor = Sensor(rules=[rules])
    for n in range(2):
        call("rs-attempt", str(n))
    write(rules, RULES.replace("rs-mark", "rs-other"))
    status, said = reload(sensor)
    assert status == 0 and "reloaded: 3 rules, 1 correlations" in said, said
    for n in range(2):
        call("rs-attempt", str(n + 2))
    equal(alerts_of(sensor, MARKED, call("rs-mark")), [])
    equal(len(alerts_of(sensor, MARKED, call("rs-other"))), 1)
    equal(len(alerts_of(sensor, ATTEMPTS)), 1, "the window went on")
    write(rules, RULES.replace("condition: selection and not filter", "condition: nothing"))
    status, said = reload(sensor)
    assert status != 0 and "old ones go on" in said, said
    equal(len(alerts_of(sensor, MARKED, call("rs-other", "2"))), 1)
    write(rules, RULES)
    sensor.process.send_signal(signal.SIGHUP)
    until(lambda: sensor.stderr().count("rules reloaded") == 2, "reload by SIGHUP")
    equal(len(alerts_of(sensor, MARKED, call("rs-mark", "3"))), 1)
    sensor.stop()


@test
def no_event_is_lost_by_a_reload(_):
    """Programs that run while rules are loaded again are judged, every one of them"""
    rules = write(os.path.join(directory(), "rules.yml"), RULES)
    sensor = Sensor(rules=[rules])
    storm = start(["/bin/sh", "-c", "m=mark i=0; while [ $i -lt 150 ]; do "
                                    "/bin/true rs-$m $i; i=$((i+1)); done"])
    while storm.poll() is None:
        status, said = reload(sensor)
        assert status == 0, said
    found = {pid_of(a) for a in alerts_of(sensor, MARKED)}
    children = sensor.children("exec", storm.pid)
    equal([e for e in children if pid_of(e) not in found], [], "programs without an alert")
    lost = sensor.stats()["source"].get("exec.lost", 0)
    assert len(children) <= 150 <= len(children) + lost, f"{len(children)} seen, {lost} lost"
    assert lost < 5, f"{lost} programs lost"
    sensor.stop()


@test
def exception(_):
    """A filter with a last day is an exception: for a rule, and for a detector by its id"""
    top = directory()
    write(os.path.join(top, "rules.yml"), RULES)
    write(os.path.join(top, "exception.yml"), EXCEPTION)
    sensor = Sensor(rules=[top])
    equal(alerts_of(sensor, MARKED, call("rs-mark", "rs-excepted")), [])
    equal(len(alerts_of(sensor, MARKED, call("rs-mark", "other"))), 1)
    write(os.path.join(top, "exception.yml"), EXCEPTION.replace("2999-12-31", "2001-01-01"))
    equal(reload(sensor)[0], 0)
    equal(len(alerts_of(sensor, MARKED, call("rs-mark", "rs-excepted"))), 1)
    sensor.stop()


@test
def over_a_restart(_):
    """The windows of correlations survive a restart of the sensor"""
    top = directory()
    rules = write(os.path.join(top, "rules.yml"), RULES)
    config = f"rules:\n  state: {top}/state\n"
    sensor = Sensor(rules=[rules], config=config)
    for n in range(3):
        call("rs-attempt", str(n))
    sensor.sync()
    equal(sensor.stop()[0], 0)
    mode = os.stat(f"{top}/state").st_mode
    equal(oct(mode & 0o777), "0o600", "mode of the state")
    sensor = Sensor(rules=[rules], config=config)
    call("rs-attempt", "3")
    alerts = alerts_of(sensor, ATTEMPTS)
    equal(len(alerts), 1)
    sensor.stop()
    sensor = Sensor(rules=[rules], config=config)
    call("rs-attempt", "4")
    again = alerts_of(sensor, ATTEMPTS)
    equal([get(a, "event.id") for a in again], [get(alerts[0], "event.id")], "the same alert")
    equal(get(again[0], "redshank.alert.count"), 2, "and its count")
    equal(get(again[0], "redshank.alert.first"), get(alerts[0], "@timestamp"))
    sensor.stop()
    for spoiled in (b"x" * 4096, os.urandom(100000)):
        with open(f"{top}/state", "wb") as f:
            f.write(spoiled)
        sensor = Sensor(rules=[rules], config=config)
        assert "begin anew" in sensor.stderr(), sensor.stderr()
        with open(f"{top}/state.damaged", "rb") as f:
            equal(f.read(), spoiled, "what was put aside")
        call("rs-attempt", "4")
        equal(alerts_of(sensor, ATTEMPTS), [])
        sensor.stop()


@test
def over_a_kill(_):
    """A sensor that is killed loses some seconds of them, not all"""
    top = directory()
    rules = write(os.path.join(top, "rules.yml"), RULES)
    config = f"rules:\n  state: {top}/state\n"
    sensor = Sensor(rules=[rules], config=config)
    for n in range(3):
        call("rs-attempt", str(n))
    sensor.sync()
    seen = time.time()
    start(["/bin/sh", "-c", "/bin/true rs-attempt another; :"]).wait()  # one more to be saved
    until(lambda: os.path.exists(f"{top}/state") and os.stat(f"{top}/state").st_mtime > seen,
          "saved")
    sensor.process.kill()
    sensor.process.wait()
    sensor = Sensor(rules=[rules], config=config)
    call("rs-attempt", "3")
    equal(len(alerts_of(sensor, ATTEMPTS)), 1)
    sensor.stop()


@test
def what_is_wrong(_):
    """A rule with a mistake is told with file, line and column; the others work"""
    top = directory()
    write(os.path.join(top, "a.yml"), RULES)
    bad = write(os.path.join(top, "bad.yml"), RULES.split("---")[0]
                .replace("CommandLine|contains: rs-mark", "CommandLine|contians: rs-mark")
                .replace("000001", "000009"))
    sensor = Sensor(rules=[top])
    assert f"{bad}:9:" in sensor.stderr() and "contians" in sensor.stderr(), sensor.stderr()
    equal(sensor.stats()["rules"]["errors"], 1)
    equal(len(alerts_of(sensor, MARKED, call("rs-mark", "5"))), 1)
    sensor.stop()
    done = subprocess.run([REDSHANK, "run", "--rules", f"{top}/none", "--socket", "", "--store",
                           f"{top}/s/alerts.db", "--duration", "1"], capture_output=True, text=True)
    assert done.returncode and f"{top}/none" in done.stderr, done.stderr
    shutil.rmtree(top)


if __name__ == "__main__":
    common = Sensor(rules=[write(os.path.join(directory(), "rules.yml"), RULES)])
    code = run(common)
    common.stop()
    sys.exit(code)
