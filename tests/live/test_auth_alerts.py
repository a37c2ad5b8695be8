#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Guessing, as the default pack of rules sees it: counted by who and from where, one alert that grows."""
import concurrent.futures
import os
import sys

from auth_cases import events_of, settled
from auth_world import RIGHT, USERS, WRONG, Client, Terminal, World
from sensor import ROOT, Sensor, get, until
from tap import equal, run, test

BRUTE = "Many failed logins from one address"
BROKEN = "Login succeeded after many failures from the same address"
SPRAY = "Failed logins to many users from one address"
SPREAD = "Failed logins to one user from many addresses"
SU = "Many failed attempts to become another user"
LOCKED = "Account locked after failed logins"
SOURCES = {name: f"127.0.10.{n}" for n, name in enumerate(("brute", "patient", "sprayer", "broken", "locker"), 1)}
world = None
port = None
inside = []  # what was done in the session of who guessed right


def attempt(source, user, *words, command=("true",), **settings):
    client = Client(port, ip=source)
    ssh = client.ssh(world, user, *command, NumberOfPasswordPrompts=len(words), **settings)
    ssh.answer("assword: ", *words)
    ssh.end()
    return client


def brute():
    for _ in range(3):
        attempt(SOURCES["brute"], "rsone", WRONG, WRONG)


def patient():
    attempt(SOURCES["patient"], "rsone", WRONG, WRONG, WRONG)


def sprayer():
    for user in [*USERS][:3] + ["nosuch77", "nosuch78"]:
        attempt(SOURCES["sprayer"], user, WRONG)


def broken():
    attempt(SOURCES["broken"], "rstwo", *[WRONG] * 5)
    inside.append(attempt(SOURCES["broken"], "rstwo", RIGHT, command=("id -u; exit 3",)))


def locker():
    for _ in "12":
        attempt(SOURCES["locker"], "rslock", WRONG)


def spread():
    for n in range(5):
        attempt(f"127.0.11.{n + 1}", "nosuch79", WRONG)


def su():
    for _ in range(4):
        terminal = Terminal(world, ["su", "rstwo", "-c", "true"], user="rsone")
        terminal.answer("assword: ", WRONG)
        terminal.end()


def sudo():
    for _ in range(2):
        terminal = Terminal(world, ["sudo", "true"], user="rsadmin")
        terminal.answer("password for .*: ", *[WRONG] * 3)
        terminal.end()


ACTS = brute, patient, sprayer, broken, locker, spread, su, sudo


def alerts_of(sensor, rule, **fields):
    """The lines of this rule's alerts with these values, by the alert's id."""
    found = {}
    for a in sensor.find(kind="alert", where=lambda a: get(a, "redshank.ns.mnt") == world.mntns):
        if get(a, "rule.name") == rule and all(get(a, k.replace("__", ".")) == v for k, v in fields.items()):
            found.setdefault(get(a, "redshank.alert.id"), []).append(a)
    return found


def one(sensor, rule, **fields):
    """The lines of the only such alert."""
    found = alerts_of(sensor, rule, **fields)
    equal(len(found), 1, f"alerts of {rule!r} with {fields}")
    return next(iter(found.values()))


@test
def brute_force(sensor):
    """The fourth failure from an address raises an alert, the others update it"""
    lines = one(sensor, BRUTE, source__ip=SOURCES["brute"])
    until(lambda: get(one(sensor, BRUTE, source__ip=SOURCES["brute"])[-1], "redshank.alert.count") == 3,
          "6 failures: the fourth and two more")
    equal(get(lines[0], "redshank.alert.level"), "medium", "level")


@test
def three_failures(sensor):
    """Three failures raise none"""
    equal(alerts_of(sensor, BRUTE, source__ip=SOURCES["patient"]), {}, "alerts")


@test
def spraying(sensor):
    """Five users from one address"""
    one(sensor, SPRAY, source__ip=SOURCES["sprayer"])
    equal(alerts_of(sensor, SPRAY, source__ip=SOURCES["brute"]), {}, "alerts for one user")


@test
def many_sources(sensor):
    """One user from five addresses"""
    one(sensor, SPREAD, user__target__name="nosuch79")


@test
def success_after_failures(sensor):
    """A login after five failures is a high alert"""
    line = one(sensor, BROKEN, source__ip=SOURCES["broken"])[0]
    equal(get(line, "redshank.alert.level"), "high", "level")
    equal(get(line, "user.target.name"), "rstwo", "user")


@test
def in_the_session(sensor):
    """All that is done in that session says where it was logged in to from"""
    login = [e for e in events_of(sensor, inside[0]) if get(e, "event.outcome") == "success"][0]
    done = [e for e in sensor.find("exec", where=lambda e: get(e, "process.real_user.id") == str(USERS["rstwo"][0]))
            if get(e, "redshank.ns.mnt") == world.mntns and "id" in get(e, "process.args", [])]
    assert done, "no program in the session"
    for e in done:
        equal(get(e, "redshank.session.source.ip"), SOURCES["broken"], "source of the session")
        equal(get(e, "redshank.session.source.user"), "rstwo", "user of the session")
        equal(get(e, "redshank.session.id"), get(login, "process.entity_id"), "session")


@test
def account_locked(sensor):
    """The lock of an account is told"""
    one(sensor, LOCKED, user__target__name="rslock")


@test
def su_failures(sensor):
    """su and sudo, by who asks"""
    for invoker in "rsone", "rsadmin":
        one(sensor, SU, redshank__auth__invoker=invoker)


if __name__ == "__main__":
    world = World()
    port = world.sshd()
    sensor = Sensor(rules=[os.path.join(ROOT, "rules")])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(f) for f in ACTS]:
            done.result()
    settled(sensor)
    status = run(sensor)
    world.end()
    sys.exit(status)
