# SPDX-License-Identifier: Apache-2.0
"""What the suites about rules share: results as TAP, and the program under test, run and measured."""
import json
import os
import resource
import subprocess
import sys
import tempfile

import reference

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REDSHANK = os.environ.get("REDSHANK", os.path.join(ROOT, "build", "redshank"))
SANITIZED = "asan" in REDSHANK  # memory and time are not those of the product then


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def result(self, name, problem=None):
        """problem: text that says what was wrong; None: nothing was."""
        self.n += 1
        if problem is not None:
            self.failed += 1
            print(f"not ok {self.n} - {name}")
            for line in problem.splitlines():
                print("#", line[:2000])
        else:
            print(f"ok {self.n} - {name}")
        sys.stdout.flush()

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.n}", flush=True)
        return 1 if self.failed else 0


class Ran:
    """One run of the program: rc (negative: the signal), out, err, seconds of CPU, bytes."""

    def __init__(self, *args, limit=60):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen([REDSHANK, *args], stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=err, preexec_fn=lambda: resource.setrlimit(
                                           resource.RLIMIT_CPU, (limit, limit)))
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = self.rc = os.waitstatus_to_exitcode(status)
            self.seconds = usage.ru_utime + usage.ru_stime
            self.bytes = usage.ru_maxrss * 1024
            out.seek(0)
            err.seek(0)
            self.out = out.read().decode(errors="replace")
            self.err = err.read().decode(errors="replace")


def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(text)
    return path


def write_events(directory, events):
    return write(directory, "events.jsonl",
                 "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events))


def program_matches(rules, events):
    """What the program says: (a list of matches for each event, what it wrote to stderr)."""
    ran = Ran("rules", "match", *rules, "--events", events, "-o", "json")
    if ran.rc:
        raise AssertionError(f"exit status {ran.rc}: {ran.err}")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    for number, line in enumerate(lines, 1):
        assert line["line"] == number and "error" not in line, line
    return [line["matches"] for line in lines], ran.err


def reference_matches(texts, events):
    rules = reference.Rules(texts)
    return [[{"id": r.id, "title": r.title, "level": r.level or ""}
             for r in rules.judge(reference.Event(event))] for event in events]
