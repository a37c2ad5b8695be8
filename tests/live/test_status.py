#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How a sensor tells that it works: status, heartbeats, and what is loaded for whom."""
import json
import os
import subprocess
import sys
import time

from sensor import (PATIENCE, REDSHANK, Lines, Sensor, Trigger, bpf_held_by, directory, get, start,
                    until)
from tap import equal, run, test

OK, DEGRADED, UNAVAILABLE = 0, 1, 69
FAST = "heartbeat:\n  interval: 1\n"


def status(socket, *args):
    """Exit code, and what it says: JSON, or text."""
    done = subprocess.run([REDSHANK, "status", "--socket", socket, *args], capture_output=True,
                          text=True, timeout=PATIENCE)
    return done.returncode, json.loads(done.stdout) if "json" in args else done.stdout


def names_held_by(sensor):
    """Names of the programs that the sensor has in the kernel."""
    held = {number for kind, number in bpf_held_by(sensor.pid) if kind == "prog"}
    listing = subprocess.run(["bpftool", "-j", "prog", "list"], capture_output=True, text=True,
                             timeout=PATIENCE, check=True)
    return {p.get("name", "") for p in json.loads(listing.stdout) if p["id"] in held}


def hook(told, name):
    return next(h for h in told["coverage"] if name in (h.get("event"), h.get("fact")))


class Listener(Lines):
    """redshank tail at a sensor, and what it says on stderr."""

    def __init__(self, sensor, *args):
        out = os.path.join(directory(), "out")
        self.err = out + ".err"
        with open(out, "wb") as stdout, open(self.err, "wb") as stderr:
            self.process = start([REDSHANK, "tail", "--socket", sensor.socket, "-o", "json", *args],
                                 stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        super().__init__(out)

    def warnings(self):
        with open(self.err) as f:
            return f.read().splitlines()


@test
def whole():
    """A sensor that sees all it can and loses nothing is whole, exit 0."""
    begin = time.time()
    sensor = Sensor()
    with Trigger("memfd_exec", "execveat", "stay") as t:
        sensor.wait(pid=t.pid, kind="alert")
    code, told = status(sensor.socket, "-o", "json")
    equal((code, told["running"], told["whole"], told["problems"]), (OK, True, True, []))
    equal((told["pid"], told["store"]), (sensor.pid, sensor.store))
    assert 0 <= told["uptime"] <= time.time() - begin + 1, told["uptime"]
    for event in "fork", "exec", "exit":
        h = hook(told, event)
        assert h["wanted"] and h["covered"] and h["fired"], h
        assert h["variant"].startswith(event + "__"), h
    assert told["stats"]["detect"]["alerts.high"] >= 1, told["stats"]["detect"]
    code, text = status(sensor.socket)
    equal(code, OK)
    assert f"pid {sensor.pid}," in text and "DEGRADED" not in text, text
    assert len(text.splitlines()) < 40, text
    equal(sensor.stop()[0], OK)


@test
def not_running():
    """Where no sensor runs, it says so, exit 69."""
    nowhere = os.path.join(directory(), "socket")
    code, text = status(nowhere)
    equal((code, text), (UNAVAILABLE, ""))
    code, told = status(nowhere, "-o", "json")
    equal((code, told["running"]), (UNAVAILABLE, False))


@test
def blind():
    """A sensor that can't see an event is degraded, exit 1, and names it."""
    sensor = Sensor(config='kernel:\n  hooks: "fork="\n')
    code, told = status(sensor.socket, "-o", "json")
    equal((code, told["whole"]), (DEGRADED, False))
    assert any("fork" in problem for problem in told["problems"]), told["problems"]
    h = hook(told, "fork")
    assert h["wanted"] and not h["covered"] and h["why"], h
    code, text = status(sensor.socket)
    equal(code, DEGRADED)
    assert "DEGRADED" in text and "fork" in text, text
    equal(sensor.stop()[0], OK)


@test
def backend_gone():
    """A sink that can't deliver is named, with its reason and its queue."""
    sensor = Sensor("--otlp", "http://127.0.0.1:9")  # the discard port: nobody listens
    with Trigger("memfd_exec", "execveat", "stay") as t:
        sensor.wait(pid=t.pid, kind="alert")
    told = until(lambda: (lambda s: s if s[0] == DEGRADED else None)(
        status(sensor.socket, "-o", "json")), "degraded")[1]
    assert any(p.startswith("sink otlp: ") for p in told["problems"]), told["problems"]
    otlp, = (s for s in told["stats"]["sinks"] if s["name"] == "otlp")
    assert otlp["trouble"] and otlp["lag"] >= 1, otlp
    equal(sensor.stop()[0], OK)


@test
def heartbeats():
    """Heartbeats come at the start and at each interval, numbered like other events."""
    path = os.path.join(directory(), "all.rsk")
    config = path + ".yaml"
    with open(config, "w") as f:
        f.write(FAST)
    subprocess.run([REDSHANK, "record", "--duration", "3.5", "-c", config, path], check=True,
                   stderr=subprocess.DEVNULL, timeout=PATIENCE)
    replay = subprocess.run([REDSHANK, "replay", "-o", "json", "-t", "heartbeat", path], check=True,
                            capture_output=True, text=True, timeout=PATIENCE)
    beats = [e for e in map(json.loads, replay.stdout.splitlines())
             if get(e, "event.action") == "heartbeat"]
    assert 3 <= len(beats) <= 5, f"{len(beats)} in 3.5 s"
    assert get(beats[0], "redshank.heartbeat.uptime") <= 1, beats[0]
    for one, next_one in zip(beats, beats[1:]):
        assert get(one, "redshank.seq") < get(next_one, "redshank.seq")
        assert get(one, "redshank.heartbeat.cpu_time") <= get(next_one, "redshank.heartbeat.cpu_time")
    told = beats[-1]["redshank"]["heartbeat"]
    equal(told["interval"], 1)
    assert told["memory"] > 1 << 20 and 0 < told["processes"] <= told["processes_max"], told
    hooks = dict(h.split("=") for h in told["hooks"])
    assert set(hooks) >= {"fork", "exec", "exit", "rename", "proc", "script"}, hooks
    assert "unwanted" not in hooks.values(), hooks
    equal(sorted(told.get("not_seen", [])), sorted(h for h in hooks if hooks[h] == "none"))


@test
def heartbeat_counts():
    """A heartbeat's counts go on with the stream; tail shows heartbeats only when asked."""
    sensor = Sensor(config=FAST)
    asked, unasked = Listener(sensor, "-t", "heartbeat"), Listener(sensor)
    before = get(asked.wait("heartbeat"), "redshank.heartbeat.alerts")
    with Trigger("memfd_exec", "execveat", "stay") as t:
        alert = sensor.wait(pid=t.pid, kind="alert")
        asked.wait("heartbeat", where=lambda e: get(e, "redshank.heartbeat.alerts") > before
                   and get(e, "redshank.seq") > get(alert, "redshank.seq"))
        unasked.wait(pid=t.pid, kind="alert")
    equal(sensor.find("heartbeat") + unasked.find("heartbeat"), [])
    equal(sensor.stop()[0], OK)


@test
def no_heartbeats():
    """heartbeat.interval: 0 switches them off."""
    sensor = Sensor(config="heartbeat:\n  interval: 0\n")
    tail = Listener(sensor, "-t", "heartbeat,exit")
    until(lambda: sum(s["name"] == "tail" for s in sensor.stats()["sinks"]) == 2, "subscribed")
    for _ in range(3):
        sensor.sync()
        time.sleep(0.7)
    equal(tail.find("heartbeat"), [])
    assert tail.find("exit"), "nothing came at all"
    equal(sensor.stop()[0], OK)


@test
def unwanted():
    """What no detector, rule or sink wants is not loaded; who asks for it later is told."""
    alone, all_of_it = Sensor("-o", "none"), Sensor()
    assert not any(n.startswith("rename__") for n in names_held_by(alone)), names_held_by(alone)
    assert any(n.startswith("rename__") for n in names_held_by(all_of_it))
    code, told = status(alone.socket, "-o", "json")
    equal((code, hook(told, "rename")["wanted"]), (OK, False), "status")
    for event in "fork", "exec", "exit":
        assert hook(told, event)["wanted"], event
    late = Listener(alone, "-t", "rename")
    until(late.warnings, "a warning")
    line, = late.warnings()
    assert "rename" in line and "not loaded" in line, line
    other = Listener(alone, "-t", "exec", "-n", "1")
    until(lambda: subprocess.run(["/bin/true"], check=True) and other.process.poll() is not None,
          "an exec event")
    equal(other.warnings(), [])
    for sensor in alone, all_of_it:
        equal(sensor.stop()[0], OK)


@test
def named():
    """A hook that the configuration names is loaded, whoever wants it."""
    sensor = Sensor("--alerts-only", config='kernel:\n  hooks: "rename=raw_tp"\n')
    assert "rename__raw_tp" in names_held_by(sensor), names_held_by(sensor)
    tail = Listener(sensor, "-t", "rename")
    until(lambda: sum(s["name"] == "tail" for s in sensor.stats()["sinks"]) == 2, "subscribed")
    shell = start(["/bin/sh", "-c", "printf rs-named >/proc/$$/comm; read line"],
                  stdin=subprocess.PIPE)
    tail.wait("rename", shell.pid)
    equal(tail.warnings(), [])
    shell.stdin.close()
    equal(sensor.stop()[0], OK)


if __name__ == "__main__":
    sys.exit(run())
