#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is known of logins lasts: counts over restarts of the sensor, the address of a session beyond its end."""
import os
import sys

from auth_cases import settled
from auth_world import RIGHT, WRONG, Client, World
from sensor import ROOT, Sensor, directory, get, until
from tap import equal, run, test

PACK = os.path.join(ROOT, "rules", "authentication")
BRUTE = "Many failed logins from one address"
BROKEN = "Login succeeded after many failures from the same address"
RULE = """
title: A program of the test
id: 0ad2f8f4-0f5e-4f0e-9d55-2f3f3a9f7d10
logsource: {product: linux, category: process_creation}
detection:
  selection:
    Arguments: rs-left-behind
    SessionSourceIp|cidr: 127.0.12.0/24
  condition: selection
level: medium
"""
world = None
port = None


def attempt(source, user, *words, command=("true",)):
    client = Client(port, ip=source)
    ssh = client.ssh(world, user, *command, NumberOfPasswordPrompts=len(words))
    ssh.answer("assword: ", *words)
    ssh.end()
    return client


def sensor_with(state, *rules):
    return Sensor(rules=[PACK, *rules], config=f"rules:\n  state: {state}\n")


def alerts(sensor, rule, source):
    settled(sensor)
    return [a for a in sensor.find(kind="alert") if get(a, "rule.name") == rule and get(a, "source.ip") == source]


def counted(alert):
    return int(get(alert, "redshank.alert.evidence")["redshank.correlation.count"])


@test
def over_a_restart():
    """Failures before and after a restart add up, and the alert goes on under its id, with its count"""
    state = os.path.join(directory(), "state")
    sensor = sensor_with(state)
    attempt("127.0.12.1", "rsone", WRONG, WRONG)
    equal(alerts(sensor, BRUTE, "127.0.12.1"), [], "two failures")
    equal(sensor.stop()[0], 0, "status")
    sensor = sensor_with(state)
    attempt("127.0.12.1", "rsone", WRONG, WRONG)
    first, = alerts(sensor, BRUTE, "127.0.12.1")
    equal(counted(first), 4, "failures")
    sensor.stop()
    sensor = sensor_with(state)
    attempt("127.0.12.1", "rsone", WRONG, RIGHT)
    until(lambda: alerts(sensor, BRUTE, "127.0.12.1"), "an update")
    again = alerts(sensor, BRUTE, "127.0.12.1")[-1]
    equal(get(again, "redshank.alert.id"), get(first, "redshank.alert.id"), "id")
    equal((counted(again), get(again, "redshank.alert.count")), (5, 2), "failures, and findings")
    equal(get(again, "redshank.alert.first"), get(first, "@timestamp"), "first")
    broken, = alerts(sensor, BROKEN, "127.0.12.1")
    equal(get(broken, "redshank.alert.level"), "high", "level of the login behind them")
    sensor.stop()


@test
def over_a_kill():
    """A sensor that is killed loses what came in the last seconds, not all"""
    state = os.path.join(directory(), "state")
    sensor = sensor_with(state)
    attempt("127.0.12.2", "rsone", WRONG, WRONG)
    settled(sensor)
    until(lambda: os.path.exists(state) and os.path.getsize(state) and b"127.0.12.2" in open(state, "rb").read(),
          "saved")
    attempt("127.0.12.3", "rsone", WRONG)  # what is saved with this one has both of the others
    settled(sensor)
    until(lambda: b"127.0.12.3" in open(state, "rb").read(), "saved again")
    sensor.process.kill()
    sensor.process.wait()
    sensor = sensor_with(state)
    attempt("127.0.12.2", "rsone", WRONG, WRONG)
    found, = alerts(sensor, BRUTE, "127.0.12.2")
    equal(counted(found), 4, "failures")
    sensor.stop()


@test
def left_behind():
    """What was left in the background tells the session's address when that has ended, and so does its alert"""
    rules = os.path.join(directory(), "rules.yml")
    with open(rules, "w") as f:
        f.write(RULE)
    sensor = sensor_with("", rules)
    client = attempt("127.0.12.4", "rstwo", RIGHT, command=(
        "setsid sh -c 'until test -e /run/rs-go; do sleep 0.05; done; /bin/true rs-left-behind' "
        "</dev/null >/dev/null 2>&1 &",))
    ended = sensor.wait("auth", where=lambda e: get(e, "source.address") == client.address
                        and get(e, "redshank.auth.action") == "session_end")
    until(lambda: sensor.exits_of(get(ended, "process.pid")), "the end of the connection")
    world.write("/run/rs-go", "")
    alert = sensor.wait(kind="alert", where=lambda a: get(a, "rule.name") == "A program of the test")
    equal(get(alert, "redshank.session.source.ip"), "127.0.12.4", "address")
    equal(get(alert, "redshank.session.source.port"), client.source, "port")
    equal(get(alert, "redshank.session.source.user"), "rstwo", "user")
    login = sensor.find("auth", where=lambda e: get(e, "source.address") == client.address
                        and get(e, "event.outcome") == "success")[0]
    equal(get(alert, "redshank.session.id"), get(login, "redshank.session.id"), "session")
    equal(get(login, "redshank.session.id"), get(login, "process.entity_id"), "who reported it")
    sensor.stop()


@test
def session_over_a_restart():
    """What is done in a session after a restart of the sensor tells the session's address"""
    state = os.path.join(directory(), "state")
    sensor = sensor_with(state)
    client = Client(port, ip="127.0.12.5")
    ssh = client.ssh(world, "rstwo", "until test -e /run/rs-on; do sleep 0.05; done; /bin/true rs-later",
                     NumberOfPasswordPrompts=1)
    ssh.answer("assword: ", RIGHT)
    login = sensor.wait("auth", where=lambda e: get(e, "source.address") == client.address
                        and get(e, "event.outcome") == "success")
    equal(sensor.stop()[0], 0, "status")
    sensor = sensor_with(state)
    world.write("/run/rs-on", "")
    later = sensor.wait("exec", where=lambda e: "rs-later" in get(e, "process.args", [])
                        and get(e, "process.name") == "true")
    ssh.end()
    equal(get(later, "redshank.session.source.ip"), "127.0.12.5", "address")
    equal(get(later, "redshank.session.source.user"), "rstwo", "user")
    equal(get(later, "redshank.session.id"), get(login, "process.entity_id"), "session")
    sensor.stop()


if __name__ == "__main__":
    world = World()
    port = world.sshd()
    status = run()
    world.end()
    sys.exit(status)
