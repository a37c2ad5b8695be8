#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cases written from the specification of Sigma, put to the program and to the reference.

conformance/*.yaml: what must match and what must not. conformance/bad/: rules that must be
refused, with the place of what is wrong; their first line tells the line and the words expected.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timezone

import yaml

import reference
from common import HERE, SANITIZED, Ran, Tap, program_matches, reference_matches, write, write_events

EPOCH = 1767225600  # 2026-01-01
TIME_MAX, MEMORY_MAX = 2, 300 << 20  # to refuse one bad file


def cases():
    for path in sorted(glob.glob(os.path.join(HERE, "conformance", "*.yaml"))):
        with open(path, encoding="utf-8") as f:
            for case in yaml.load(f, reference.Loader):
                yield os.path.basename(path).removesuffix(".yaml"), case


def event_of(event):
    if "at" not in event:
        return event
    event = dict(event)
    when = datetime.fromtimestamp(EPOCH + event.pop("at"), timezone.utc)
    return {"_time": when.strftime("%Y-%m-%dT%H:%M:%SZ"), **event}


def unfolded(case):
    """The case as (text of rules, events, expected titles for each)."""
    if "rules" in case:
        return case["rules"], [event_of(e) for e in case["events"]], case["expect"]
    found = dict(case["detection"])
    found.setdefault("condition", "selection")
    text = yaml.dump({"title": "t", "id": "00000000-0000-4000-8000-000000000001",
                      "logsource": {"product": "linux"}, "detection": found},
                     Dumper=reference.Dumper, allow_unicode=True, sort_keys=False)
    events = [*case["hit"], *case["miss"]]
    return text, events, [["t"]] * len(case["hit"]) + [[]] * len(case["miss"])


def difference(matches, events, expect):
    titles = [[m["title"] for m in one] for one in matches]
    if len(titles) != len(expect):
        return f"{len(titles)} answers to {len(expect)} events"
    bad = [f"{json.dumps(event, ensure_ascii=False)}\n    got {got}, expected {want}"
           for event, got, want in zip(events, titles, expect) if got != want]
    return "\n".join(bad) or None


def check_case(tap, group, case):
    text, events, expect = unfolded(case)
    name = f"{group}: {case['name']}"
    with tempfile.TemporaryDirectory() as directory:
        rules = write(directory, "rules.yml", text)
        try:
            matches, err = program_matches([rules], write_events(directory, events))
            problem = difference(matches, events, expect)
            if ": error: " in err:
                problem = err
            elif problem:
                problem += "\n" + err
        except (AssertionError, ValueError, KeyError) as e:
            problem = str(e)
    tap.result(name, problem and f"spec: {case['spec']}\n{text}\n{problem}")
    try:
        problem = difference(reference_matches([text], events), events, expect)
    except reference.RuleError as e:
        problem = str(e)
    tap.result(f"{name} (reference)", problem)


def check_bad(tap, path):
    """First line of the file: "# LINE words": an error on that line, saying those words."""
    name = os.path.basename(path)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    line, _, words = text.splitlines()[0].removeprefix("# ").partition(" ")
    found = refused(tap, f"refused: {name}", path)
    if found is not None:
        told = [m for m in found if m[0] == line and words.lower() in m[2].lower()]
        tap.result(f"refused: {name}, on line {line}, with the reason",
                   None if told else f"expected line {line}, {words!r}; got {found}")
    try:
        reference.Rules([text])
        problem = "the reference took it"
    except reference.RuleError:
        problem = None
    tap.result(f"refused: {name} (reference)", problem)


def refused(tap, name, path):
    """(line, column, text) of each error of `rules check`, which must fail, within bounds."""
    ran = Ran("rules", "check", path)
    errors = re.findall(rf"^{re.escape(path)}:(\d+):(\d+): error: (.+)$", ran.err + ran.out, re.M)
    whole = re.findall(rf"^{re.escape(path)}: error: .+$", ran.err + ran.out, re.M)
    problem = None
    if ran.rc <= 0:
        problem = f"exit status {ran.rc}"
    elif not errors and not whole:
        problem = f"no error with a place\n{ran.err}\n{ran.out[:2000]}"
    elif ran.seconds > TIME_MAX and not SANITIZED:
        problem = f"took {ran.seconds:.1f} s"
    elif ran.bytes > MEMORY_MAX and not SANITIZED:
        problem = f"took {ran.bytes >> 20} MiB"
    elif re.search(r"[\x00-\x08\x0b-\x1f\x7f]", ran.err + ran.out):
        problem = "control characters in the messages"
    tap.result(name, problem)
    return errors if problem is None else None


RULE = "title: t\nlogsource: {{product: linux}}\ndetection:\n    a: {}\n    condition: {}\n"


def made_files():
    """Files too large, deep or ugly to keep: (name, writer of bytes)."""
    def pieces(piece, count):
        return lambda f: [f.write(piece) for _ in range(count)]

    def once(text):
        return lambda f: f.write(text if isinstance(text, bytes) else text.encode())

    bombs = "".join(f"b{i}: &b{i} [{', '.join([f'*b{i - 1}'] * 10)}]\n" for i in range(1, 10))
    deep_map = "".join("  " * i + "k:\n" for i in range(2000))
    yield "100 MB of zeros", pieces(bytes(1 << 20), 100)
    yield "100 MB of text", pieces(b"a comment, much too long\n" * 40960, 100)
    yield "100 MB of one line", pieces(b"x" * (1 << 20), 100)
    yield "100 MB of rules", pieces(RULE.format("{A: 1}", "a").encode() * 8000 + b"---\n", 160)
    yield "a program", once(open(sys.executable, "rb").read(1 << 20))
    yield "bytes that are not UTF-8", once(b"title: t\nlogsource: {product: linux}\n"
                                           b"detection:\n    a: {A: \xff\xfe}\n    condition: a\n")
    yield "aliases of aliases", once("b0: &b0 [x, x, x]\n" + bombs + RULE.format("*b9", "a"))
    yield "aliases of aliases in a list of values", once(
        "b0: &b0 [x, x, x]\n" + bombs + RULE.format("{A: *b9}", "a"))
    yield "an alias of itself", once(RULE.format("&a [*a]", "a"))
    yield "lists nested 100,000 deep", once(RULE.format("[" * 100000 + "]" * 100000, "a"))
    yield "maps nested 2,000 deep", once("title: t\n" + deep_map)
    yield "parentheses nested 100,000 deep", once(
        RULE.format("{A: 1}", "(" * 100000 + "a" + ")" * 100000))
    yield "not 100,000 times", once(RULE.format("{A: 1}", "not " * 100000 + "a"))
    yield "parentheses that are never closed", once(RULE.format("{A: 1}", "(" * 10000))
    yield "a regular expression nested 10,000 deep", once(
        RULE.format("{A|re: '" + "(" * 10000 + "x" + ")" * 10000 + "'}", "a"))
    yield "a regular expression that would be huge", once(
        RULE.format("{A|re: '((((x{900}){900}){900}){900})'}", "a"))
    yield "a modifier 10,000 times", once(RULE.format("{A" + "|contains" * 10000 + ": x}", "a"))


def check_made(tap, name, fill):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "bad.yml")
        with open(path, "wb") as f:
            fill(f)
        refused(tap, f"refused: {name}", path)


def check_duplicates(tap):
    """An id twice, in two files."""
    with tempfile.TemporaryDirectory() as directory:
        for name in "one", "two":
            write(directory, name + ".yml",
                  "id: 00000000-0000-4000-8000-000000000001\n" + RULE.format("{A: 1}", "a"))
        ran = Ran("rules", "check", directory)
        ok = ran.rc > 0 and re.search(r"two\.yml:\d+:\d+: error: .*00000000-0000-4000-8000-000000",
                                      ran.err + ran.out)
        tap.result("refused: an id in two files", None if ok else ran.err + ran.out)


def check_good_beside_bad(tap):
    """What is wrong with one document does not take the others."""
    text = RULE.format("{A|nonsense: 1}", "a") + "---\n" + RULE.format("{A: 1}", "a").replace(
        "title: t", "title: good")
    with tempfile.TemporaryDirectory() as directory:
        rules = write(directory, "r.yml", text)
        try:
            matches, err = program_matches([rules], write_events(directory, [{"A": 1}]))
            problem = difference(matches, [{"A": 1}], [["good"]])
            if not problem and not re.search(r"r\.yml:4:\d+: error: ", err):
                problem = "no error told: " + err
        except AssertionError as e:
            problem = str(e)
    tap.result("a good document beside a bad one is used", problem)


def check_slow(tap):
    """Patterns that are slow by nature, over long values: still an answer, and soon."""
    rules = {
        "nested quantifiers": "{A|re: '^(a+)+$'}",
        "alternatives that overlap": "{A|re: '(a|aa)+b'}",
        "many wildcards": "{A: '" + "*a" * 30 + "*b'}",
        "single wildcards": "{A|contains: '" + "a?" * 30 + "b'}",
        "a long repetition": "{A|re: '(.){200,}(x|y)$'}",
        "40 dashes": "{A|windash|contains: '" + " -a" * 40 + "'}",
    }
    event = {"A": "a" * 100000 + "!"}
    with tempfile.TemporaryDirectory() as directory:
        events = write_events(directory, [event] * 3)
        for name, item in rules.items():
            path = write(directory, "slow.yml", RULE.format(item, "a"))
            ran = Ran("rules", "match", path, "--events", events, "-o", "json", limit=20)
            soon = ran.seconds < 5 or SANITIZED
            fine = ran.rc == 0 and ran.out.count("\n") == 3 and '"title"' not in ran.out and soon
            tap.result(f"slow by nature: {name}",
                       None if fine else f"{ran.rc} in {ran.seconds:.1f} s {ran.out}{ran.err}")


def check_lines(tap):
    """What is no event does not stop the events after it."""
    lines = [b"", b"{", b"[1]", b"5", b"\xff\xfe", b"{'A': 1}", b'{"A": 1} x', b'{"A": "\xff"}',
             b'{"A":' * 5000, b"[" * 100000, b'{"A": 1e999}', b'{"A": "\\ud800"}', b'{"A": 01}']
    with tempfile.TemporaryDirectory() as directory:
        rules = write(directory, "r.yml", RULE.format("{A: 1}", "a"))
        path = os.path.join(directory, "events.jsonl")
        with open(path, "wb") as f:
            f.write(b"".join(line + b'\n{"A": 1}\n' for line in lines))
        ran = Ran("rules", "match", rules, "--events", path, "-o", "json")
    answers = [json.loads(line) for line in ran.out.splitlines()]
    problem = None
    if ran.rc < 0 or len(answers) != 2 * len(lines):
        problem = f"exit status {ran.rc}, {len(answers)} answers"
    elif any(not a["matches"] for a in answers[1::2]):
        problem = f"an event after a bad line is not matched: {ran.out}"
    elif any(a["matches"] for a in answers[0::2]):
        problem = f"a bad line is matched: {ran.out}"
    tap.result("lines that are no events", problem)


def check_reference_program(tap):
    """reference.py by itself, as people use it."""
    with tempfile.TemporaryDirectory() as directory:
        rules = write(directory, "r.yml", RULE.format("{A: 1}", "a"))
        events = write_events(directory, [{"A": 1}, {"A": 2}])
        ran = subprocess.run([sys.executable, os.path.join(HERE, "reference.py"), rules,
                              "--events", events], capture_output=True, text=True, check=False)
    lines = [[m["title"] for m in json.loads(line)["matches"]] for line in ran.stdout.splitlines()]
    tap.result("reference.py from the command line",
               None if lines == [["t"], []] else ran.stdout + ran.stderr)


def main():
    tap = Tap()
    only = sys.argv[1:]
    for group, case in cases():
        if not only or any(word in case["name"] for word in only):
            check_case(tap, group, case)
    if not only:
        for path in sorted(glob.glob(os.path.join(HERE, "conformance", "bad", "*.yml"))):
            check_bad(tap, path)
        for name, fill in made_files():
            check_made(tap, name, fill)
        check_duplicates(tap)
        check_good_beside_bad(tap)
        check_slow(tap)
        check_lines(tap)
        check_reference_program(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
