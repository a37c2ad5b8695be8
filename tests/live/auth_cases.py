# SPDX-License-Identifier: Apache-2.0
"""Attempts to log in as tests. A case acts in a World and says who acted; the others of its suite act at the
same time. When all is over, each case is judged: exactly these `auth` events are about it, no more, no fewer.
"""
import concurrent.futures
import functools
import sys
import time

from auth_world import Client
from sensor import Sensor, get, until
from tap import run, test

AT_ONCE = 4  # cases
LONGEST = 17  # seconds that an attempt can be open whose connection has ended
FIELDS = {"action": "redshank.auth.action", "outcome": "event.outcome", "reason": "redshank.auth.reason",
          "method": "redshank.auth.method", "user": "user.target.name", "invoker": "redshank.auth.invoker",
          "service": "redshank.auth.service", "source": "source.address", "keys": "redshank.auth.keys_refused",
          "verified": "redshank.auth.verified", "host": "redshank.auth.claimed_host",
          "trust": "redshank.auth.trust", "sources": "redshank.auth.sources"}

_cases = {}  # name: Case


def fails(reason="bad_credentials", **fields):
    return {"action": "login", "outcome": "failure", "reason": reason, "verified": True, **fields}


def works(reason="ok", **fields):
    return {"action": "login", "outcome": "success", "reason": reason, "verified": True, **fields}


def ends(**fields):
    return {"action": "session_end", "outcome": "success", "reason": "ok", "verified": True, **fields}


class Case:
    def __init__(self, act, expected):
        self.act, self.expected = act, expected
        self.actors, self.failed = [], None

    def run(self):
        try:
            actors = self.act()
            self.actors = actors if isinstance(actors, list) else [actors]
        except Exception as why:  # is told when the case is judged
            self.failed = why

    def judge(self, sensor):
        if self.failed:
            raise self.failed
        for number, actor in enumerate(self.actors):
            said = events_of(sensor, actor)
            wanted = [e for e in self.expected if e.get("of", 0) == number]
            source = actor.address if isinstance(actor, Client) else None
            missing = [{"source": source, **{k: v for k, v in e.items() if k != "of"}} for e in wanted]
            extra = []
            for event in said:
                match = next((e for e in missing if all(get(event, FIELDS[k]) == v for k, v in e.items())), None)
                if match:
                    missing.remove(match)
                else:
                    extra.append({k: get(event, name) for k, name in FIELDS.items()})
            assert not missing and not extra, f"{actor}: not told: {missing}; told instead: {extra}"


class InSession:
    """What is attempted in the session of a client."""

    def __init__(self, client):
        self.client = client

    def __str__(self):
        return f"the session of {self.client}"


def case(*expected):
    """What is expected of an actor that is not the first one has its number in `of`."""
    def add(act):
        _cases[act.__name__] = Case(act, expected)

        @test
        @functools.wraps(act)
        def judge(sensor):
            _cases[act.__name__].judge(sensor)
        return judge
    return add


def events_of(sensor, actor):
    """The auth events of a connection; of a session; of a process and of what it started."""
    events = sensor.find("auth")
    if isinstance(actor, Client):
        return [e for e in events if get(e, "source.address") == actor.address]
    if isinstance(actor, InSession):
        of = actor.client.ip, actor.client.source
        return [e for e in events if not get(e, "source.address")
                and (get(e, "redshank.session.source.ip"), get(e, "redshank.session.source.port")) == of]
    family = {sensor.entity(actor.pid)}
    for line in sensor.more():
        if get(line, "process.parent.entity_id") in family:
            family.add(get(line, "process.entity_id"))
    return [e for e in events if get(e, "process.entity_id") in family]


def settled(sensor):
    """Waits until nothing is open that could still become an event; attempts of others, who may be at it all the
    time, only as long as one of ours could be."""
    sensor.sync()
    end = time.monotonic() + LONGEST
    until(lambda: sensor.stats()["auth"]["open"] == 0 or time.monotonic() > end, "every attempt closed")
    sensor.sync()


def act(sensor):
    """Runs the chosen cases, and waits until all is told of them."""
    chosen = [c for name, c in _cases.items() if not sys.argv[1:] or name in sys.argv[1:]]
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(Case.run, chosen):
            pass
    acted = time.monotonic()
    settled(sensor)
    print(f"#: {len(chosen)} cases acted in {acted - begin:.1f} s, settled in {time.monotonic() - acted:.1f} s",
          flush=True)


def unclaimed(sensor, *worlds):
    """auth events of the worlds that no case is about."""
    spaces = {w.mntns for w in worlds}
    told = [e for c in _cases.values() for a in c.actors for e in events_of(sensor, a)]
    return [e for e in sensor.find("auth", where=lambda e: get(e, "redshank.ns.mnt") in spaces) if e not in told]


def main(worlds, before=lambda: None, **options):
    """Acts, and judges: the tests get the sensor."""
    sensor = Sensor(**options)
    before()
    act(sensor)
    status = run(sensor)
    for world in worlds:
        world.end()
    return status
