#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loss is counted to the record and told in the stream, where it happened."""
import collections
import signal
import sys

from sensor import Sensor, Trigger, get, start, until
from tap import equal, run, test

SMALL = "limits:\n  ring_main_kib: 64\n"
STORM = 1500
RAW = {"auth_text", "pam"}  # told only to who asks for them: not in the stream of the other sensor


def key(event):
    """The same for the same thing at any sensor."""
    return (get(event, "event.action"), get(event, "process.entity_id"),
            get(event, "process.executable") if get(event, "event.action") == "exec" else "")


def mark(*sensors):
    """A moment that each sensor's stream has: the index of its event there."""
    process = start(["/bin/true"])
    process.wait()
    return [sensor.more().index(sensor.wait("exit", process.pid)) for sensor in sensors]


def lost(sensor):
    """Records lost by type, as the stream tells."""
    told = collections.Counter()
    for gap in sensor.find("gap"):
        equal(get(gap, "redshank.gap.cause"), "ring_full")
        told[get(gap, "redshank.gap.event")] += get(gap, "redshank.gap.lost")
    return told


def flood(small, reference):
    """Makes one sensor lose records while the other sees all; what it missed, by type."""
    begin = mark(small, reference)
    small.process.send_signal(signal.SIGSTOP)
    with Trigger("exec_facts", "storm", str(STORM)) as storm:
        pass
    small.process.send_signal(signal.SIGCONT)
    until(lambda: small.find("gap"), "a gap")
    end = mark(small, reference)
    equal(reference.find("gap"), [], "gaps of the sensor with enough room")
    equal(len(reference.children("exec", storm.pid)), STORM, "programs of the storm")
    happened = collections.Counter(
        key(e) for e in reference.lines[begin[1]:end[1]] if get(e, "event.kind") == "event")
    seen = collections.Counter(key(e) for e in small.lines if get(e, "event.kind") == "event")
    return collections.Counter(k[0] for k in (happened - seen).elements())


@test
def overflow(_):
    """When the ring overflows, what was seen and what was lost add up to what happened."""
    # The rest of the machine may make so small a ring overflow before and after as well.
    for attempt in 1, 2, 3:
        small, reference = Sensor(config=SMALL), Sensor()
        missing = flood(small, reference)
        assert missing["exec"] > STORM / 2, f"hardly anything was lost: {missing}"
        told = {of: n for of, n in lost(small).items() if of not in RAW}
        if told == missing or attempt == 3:
            break
        small.stop(), reference.stop()
    equal(told, dict(missing), "records lost, by type")

    until(lambda: small.stats()["source"]["lost"] == sum(lost(small).values()), "stats agree")
    equal(reference.stats()["source"]["lost"], 0, "stats of the other")
    lines = small.more()
    equal([get(e, "event.sequence") for e in lines], list(range(1, len(lines) + 1)), "sequence")
    last = {}
    for gap in small.find("gap"):  # each kind's total goes on from the one before
        kind = get(gap, "redshank.gap.event"), get(gap, "redshank.gap.cpu")
        last[kind] = last.get(kind, 0) + get(gap, "redshank.gap.lost")
        equal(get(gap, "redshank.gap.total"), last[kind], "total so far")
    for sensor in small, reference:
        equal(sensor.stop()[0], 0)


@test
def sees_again(_):
    """After a loss the sensor sees and judges as before."""
    sensor = Sensor(config=SMALL)
    sensor.process.send_signal(signal.SIGSTOP)
    with Trigger("exec_facts", "storm", "500"):
        pass
    sensor.process.send_signal(signal.SIGCONT)
    until(lambda: sensor.find("gap"), "a gap")
    with Trigger("memfd_exec", "execveat", "stay") as t:
        alert = sensor.wait(pid=t.pid, kind="alert")
    equal(get(alert, "redshank.alert.level"), "high")
    equal(len(sensor.sync().find("exec", t.pid)), 2)
    equal(sensor.stop()[0], 0)


if __name__ == "__main__":
    sys.exit(run(None))
