#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of `redshank rules`: what they take, print and exit with."""
import json
import os
import subprocess
import sys
import tempfile
import time

from common import REDSHANK, SANITIZED, Ran, Tap, write

USAGE, DATAERR, NOINPUT = 64, 65, 66

PLAIN = """title: Curl
id: 00000000-0000-4000-8000-000000000001
name: curl
level: high
tags: [attack.t1105, attack.command-and-control]
logsource: {product: linux, category: process_creation}
detection:
    s: {Image|endswith: /curl}
    f: {CommandLine|contains: --help}
    condition: s and not f
"""
COUNTED = """title: Failed
name: failed
logsource: {product: linux, service: sshd}
detection:
    s: [Failed password]
    condition: s
---
title: Many failed
id: 00000000-0000-4000-8000-000000000002
level: critical
tags: [attack.t1110.001]
correlation:
    type: event_count
    rules: [failed]
    group-by: [ip]
    timespan: 1m
    condition: {gte: 3}
"""
FILTER = """title: Not by the updater
logsource: {product: linux, category: process_creation}
filter:
    rules: [curl]
    updater: {ParentImage: /usr/bin/updater}
    condition: updater
"""
UNFED = """title: On Windows
logsource: {product: windows, category: registry_set}
detection:
    s: {TargetObject: x}
    condition: s
"""
BAD = """title: Bad
logsource: {product: linux}
detection:
    s: {a|contans: x}
    condition: s
"""
HIT = {"Image": "/usr/bin/curl", "CommandLine": "curl x"}
CURL = {"id": "00000000-0000-4000-8000-000000000001", "title": "Curl", "level": "high"}
TESTS = [
    {"_case": "curl", "_match": True, **HIT},
    {"_match": False, "Image": "/usr/bin/wget"},
    {"_case": "help", "_match": False, "Image": "/usr/bin/curl", "CommandLine": "curl --help"},
]


def lines_of(events):
    return "".join(json.dumps(e) + "\n" for e in events)


def equal(got, want):
    assert got == want, f"got {got!r}, expected {want!r}"


def has(text, *words):
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"


class Match:
    """`rules match` over bytes: rc, err, and the answers."""

    def __init__(self, data, rules, *options, stdin=False):
        if isinstance(data, str):
            data = data.encode()
        with tempfile.TemporaryDirectory() as directory:
            paths = [write(directory, f"{i}.yml", r) for i, r in enumerate(rules)]
            events = os.path.join(directory, "events.jsonl")
            with open(events, "wb") as f:
                f.write(data)
            with open(events, "rb") as f:
                ran = subprocess.run([REDSHANK, "rules", "match", *paths, "--events",
                                      "-" if stdin else events, *options],
                                     stdin=f if stdin else subprocess.DEVNULL,
                                     capture_output=True, check=False, timeout=120)
        self.rc, self.out, self.err = ran.returncode, ran.stdout.decode(), ran.stderr.decode()

    def answers(self):
        answers = [json.loads(line) for line in self.out.splitlines()]
        equal([a["line"] for a in answers], list(range(1, len(answers) + 1)))
        return answers

    def titles(self):
        return [[m["title"] for m in a["matches"]] for a in self.answers()]


def match_form():
    """match: one object per line, with and without -o json"""
    for options in [], ["-o", "json"], ["--output=json"]:
        m = Match(lines_of([HIT, {"Image": "x"}]), [PLAIN], *options)
        equal(m.out.splitlines()[0], '{"line":1,"matches":[' + json.dumps(
            CURL, separators=(",", ":")) + "]}")
        equal(m.out.splitlines()[1:], ['{"line":2,"matches":[]}'])
        equal((m.rc, m.err), (0, ""))
    equal(Match(lines_of([HIT]), [PLAIN], stdin=True).titles(), [["Curl"]])


def match_text():
    """match -o text: only what matches"""
    m = Match(lines_of([{}, HIT]) + "x\n", [PLAIN], "-o", "text")
    first, second = m.out.splitlines()
    equal(first, "line 2: high: Curl (00000000-0000-4000-8000-000000000001)")
    has(second, "line 3: error: ")


def match_bad_lines():
    """match: a line that is no object has an error, the next one is judged"""
    bad = [b"{", b"[]", b"null", b"1", b'"x"', b"{}x", b'{"a":01}', b"[" * 100000, b"\0",
           b'{"a":1,}', b"\xff"]
    data = b"".join(line + b"\n" + json.dumps(HIT).encode() + b"\n" for line in bad)
    m = Match(data, [PLAIN])
    equal(m.rc, DATAERR)
    answers = m.answers()
    equal(len(answers), 2 * len(bad))
    for broken, good in zip(answers[::2], answers[1::2]):
        equal(broken["matches"], [])
        assert broken["error"], broken
        equal(good["matches"], [CURL])
        assert "error" not in good


def match_blank_lines():
    """match: blank lines keep the output aligned; the last line needs no newline"""
    m = Match("\n  \t\r\n" + json.dumps(HIT) + "\r\n\n" + json.dumps(HIT), [PLAIN])
    equal(m.rc, 0)
    equal(m.titles(), [[], [], ["Curl"], [], ["Curl"]])
    equal(Match("", [PLAIN]).out, "")
    equal(Match(b"\xef\xbb\xbf" + json.dumps(HIT).encode(), [PLAIN]).titles(), [["Curl"]])


def match_bytes():
    """match: bytes that are not UTF-8, NUL and huge numbers lose no line"""
    lines = [b'{"Image":"\xff\xfe/curl"}', b'{"Image":"/curl","x":"\xc3"}',
             b'{"Image":"/curl","x\\u0000":"\\u0000"}', b'{"Image":"/curl","\xff":1}',
             b'{"Image":"/curl","x":[1e999,123456789012345678901234567890,-0,1.5E-400]}',
             b'{"Image":"/curl","x":"\\ud800"}', b'{"Image":"\\u0000/curl"}',
             b'{"Image":"/curl\\u0000"}']
    m = Match(b"\n".join(lines), [PLAIN])
    equal(m.rc, 0)
    equal(m.titles(), [["Curl"]] * 7 + [[]])


def match_shapes():
    """match: nested, dotted and repeated fields"""
    rule = PLAIN.replace("{Image|endswith: /curl}", "{proc.exe.path: /curl}")
    lines = ['{"proc":{"exe":{"path":"/curl"}}}', '{"proc.exe.path":"/curl"}',
             '{"proc":{"exe.path":"/curl"}}', '{"proc":[{"exe":{"path":["x","/curl"]}}]}',
             '{"proc.exe.path":"/curl","proc.exe.path":"x"}',
             '{"_proc":1,"exe":{"path":"/curl"}}']
    equal(Match("\n".join(lines), [rule]).titles(), [["Curl"]] * 5 + [[]])


def match_logsource():
    """match: _logsource chooses the rules, _ names are not fields"""
    keyword = "title: K\nlogsource: {product: linux, service: sshd}\ndetection:\n" \
              "    s: [needle]\n    condition: s\n"
    events = [
        {**HIT, "x": "needle"},
        {**HIT, "x": "needle", "_logsource": {"product": "linux", "category": "process_creation"}},
        {**HIT, "x": "needle", "_logsource": "linux/process_creation"},
        {**HIT, "x": "needle", "_logsource": {"product": "linux", "service": "sshd"}},
        {**HIT, "x": "needle", "_logsource": "linux/sshd"},
        {**HIT, "x": "needle", "_logsource": {"product": "windows"}},
        {"_note": "needle", "_logsource": "linux/sshd"},
        {"x": {"_note": "needle"}, "_logsource": "linux/sshd"},
    ]
    m = Match(lines_of(events), [PLAIN, keyword])
    equal(m.titles(), [["Curl", "K"], ["Curl"], ["Curl"], ["K"], ["K"], [], [], ["K"]])
    equal(m.rc, 0)
    m = Match(lines_of([{**HIT, "_logsource": 1}, HIT]), [PLAIN])
    equal((m.rc, m.titles()), (DATAERR, [[], ["Curl"]]))


def match_many_logsources():
    """match: more logsources in the input than an engine serves"""
    events = [{**HIT, "_logsource": {"product": "linux", "service": f"s{i}"}}
              for i in range(2000)] + [{**HIT, "_logsource": "linux/process_creation"}]
    m = Match(lines_of(events), [PLAIN])
    equal((m.rc, m.titles()[-1]), (0, ["Curl"]))


def match_time():
    """match: _time in every form that logs have; a wrong one is told, the line still judged"""
    def at(*times):
        events = [{"m": "Failed password", "ip": "10.0.0.1", "_time": t} for t in times]
        return Match(lines_of(events), [COUNTED])
    forms = ["2026-08-01T18:14:03Z", "2026-08-01T20:14:03.5+02:00", "2026-08-01 18:14:04",
             1785608043, 1785608043.25, "1785608043.25", 1785608043250, 1785608043250000,
             1785608043250000000]
    for form in forms:
        equal(at(1785608040, 1785608041, form).titles(), [[], [], ["Many failed"]])
    equal(at(1785608040, 1785608041, 1785609041).titles(), [[], [], []])
    m = Match(lines_of([{**HIT, "_time": "soon"}]), [PLAIN])
    equal((m.rc, m.answers()[0]["matches"]), (DATAERR, [CURL]))
    has(m.answers()[0]["error"], "_time")


def match_correlation():
    """match: a correlation is in the line that makes it true; what it counts is silent"""
    events = [{"m": "Failed password", "ip": ip, "_time": 1000 + n} for n, ip in
              enumerate(["a", "b", "a", "b", "a", "b", "c"])]
    m = Match(lines_of(events), [COUNTED])
    equal(m.titles(), [[], [], [], [], ["Many failed"], ["Many failed"], []])
    equal(m.answers()[4]["matches"][0]["level"], "critical")
    loud = COUNTED.replace("    type:", "    generate: true\n    type:")
    equal(Match(lines_of(events), [loud]).titles()[4:], [
        ["Failed", "Many failed"], ["Failed", "Many failed"], ["Failed"]])


def match_bad_rules():
    """match: bad rules are told and left out; without a good one it refuses"""
    m = Match(lines_of([HIT]), [BAD, PLAIN])
    equal((m.rc, m.titles()), (0, [["Curl"]]))
    has(m.err, "0.yml:4:", ": error: ")
    m = Match(lines_of([HIT]), [BAD])
    equal((m.rc, m.out), (DATAERR, ""))
    has(m.err, ": error: ")


def match_usage():
    """match: what is missing is said"""
    with tempfile.TemporaryDirectory() as directory:
        rules = write(directory, "r.yml", PLAIN)
        equal(Ran("rules", "match", rules).rc, USAGE)
        equal(Ran("rules", "match", rules, "--events").rc, USAGE)
        equal(Ran("rules", "match", rules, "--events", "/dev/null", "-o", "xml").rc, USAGE)
        equal(Ran("rules", "match", rules, "--events", directory + "/none").rc, NOINPUT)
        equal(Ran("rules", "match", directory + "/none", "--events", "/dev/null").rc, NOINPUT)
        equal(Ran("rules", "match", rules, "--events", "/dev/null").rc, 0)


def match_long_lines():
    """match: a line of 20 MB, and many values, in seconds"""
    big = json.dumps({**HIT, "CommandLine": "x" * 20_000_000})
    wide = json.dumps({**HIT, "x": list(range(500_000))})
    deep = '{"a":' * 100 + json.dumps(HIT) + "}" * 100
    keys = json.dumps({**HIT, "y" * 1000: {f"k{i}": i for i in range(200_000)}})
    started = time.monotonic()
    m = Match("\n".join([big, wide, deep, keys, json.dumps(HIT)]), [PLAIN])
    equal((m.rc, m.titles()), (0, [["Curl"], ["Curl"], [], ["Curl"], ["Curl"]]))
    assert SANITIZED or time.monotonic() - started < 10, "too slow"


def match_too_long():
    """match: a line longer than memory may grow is passed over"""
    m = Match(b'{"x":"' + b"y" * (40 << 20) + b'"}\n' + json.dumps(HIT).encode(), [PLAIN])
    equal((m.rc, m.titles()), (DATAERR, [[], ["Curl"]]))
    has(m.answers()[0]["error"], "longer")


def match_memory():
    """match: memory does not grow with the number of lines"""
    peak = []
    with tempfile.TemporaryDirectory() as directory:
        rules = write(directory, "r.yml", PLAIN + "---\n" + COUNTED)
        for count in 1000, 20000 if SANITIZED else 300000:
            events = os.path.join(directory, "events")
            with open(events, "w", encoding="ascii") as f:
                for i in range(count):
                    f.write(f'{{"Image":"/bin/{i}","m":"Failed password","ip":"10.0.0.1",'
                            f'"_time":{1000 + i},"_logsource":"linux/sshd"}}\n')
            peak.append(Ran("rules", "match", rules, "--events", events).bytes)
    limit = (300 if SANITIZED else 8) << 20
    assert peak[1] - peak[0] < limit, f"{peak[0] >> 10} KiB, then {peak[1] >> 10} KiB"


def match_streams():
    """match: an answer comes before the next line does"""
    with tempfile.TemporaryDirectory() as directory:
        rules = write(directory, "r.yml", PLAIN)
        with subprocess.Popen([REDSHANK, "rules", "match", rules, "--events", "-"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                for number in 1, 2:
                    process.stdin.write(json.dumps(HIT).encode() + b"\n")
                    process.stdin.flush()
                    equal(json.loads(process.stdout.readline())["line"], number)
                process.stdin.close()
                equal(process.wait(30), 0)
            finally:
                process.kill()


def pack(directory):
    write(directory, "curl.yml", PLAIN)
    write(directory, "failed.yml", COUNTED)
    write(directory, "unfed.yaml", UNFED)
    write(directory, "filter.yml", FILTER)
    write(directory, "notes.txt", BAD)
    return directory


def check_report():
    """check: problems with their place, what can't be fed with the reason, a summary"""
    with tempfile.TemporaryDirectory() as directory:
        pack(directory)
        ran = Ran("rules", "check", directory)
        equal(ran.rc, 0)
        has(ran.out, "unfed.yaml:1:1: cannot be fed: no source for product windows (On Windows)",
            "windows/registry_set: no source for product windows",
            "3 rules, 1 correlations, 1 filters loaded", "0 errors")
        bad = write(directory, "bad.yml", BAD)
        ran = Ran("rules", "check", directory)
        equal(ran.rc, DATAERR)
        has(ran.out, bad + ":4:", ": error: ", "1 errors")
        ran = Ran("rules", "check", "-o", "json", directory)
        equal(ran.rc, DATAERR)
        report = json.loads(ran.out)
        equal([(p["kind"], p["file"], p["line"]) for p in report["problems"]
               if p["kind"] == "error"], [("error", bad, 4)])
        equal([u["title"] for u in report["unfed"] if "field" not in u][-1:], ["On Windows"])
        equal((report["rules"], report["correlations"], report["filters"], report["errors"]),
              (3, 1, 1, 1))
        has([(s.get("product"), s.get("category"), s["rules"], s["fed"])
             for s in report["logsources"]], ("windows", "registry_set", 1, False),
            ("linux", "process_creation", 1, True))


def check_fields():
    """check: a field that no source of the logsource has is named"""
    with tempfile.TemporaryDirectory() as directory:
        rule = write(directory, "r.yml", PLAIN.replace("Image|", "NoSuchField|"))
        ran = Ran("rules", "check", rule)
        equal(ran.rc, 0)
        has(ran.out, "no source has NoSuchField")


def check_usage():
    """check: a path that is not there, no rules, hostile names"""
    with tempfile.TemporaryDirectory() as directory:
        equal(Ran("rules", "check", directory + "/none").rc, NOINPUT)
        equal(Ran("rules", "check", directory).rc, DATAERR)
        equal(Ran("rules", "check", "-o", "yaml", directory).rc, USAGE)
        write(directory, "\x1b[31m.yml", BAD)
        ran = Ran("rules", "check", directory)
        equal(ran.rc, DATAERR)
        assert "\x1b" not in ran.out + ran.err, "a control character is printed"
        has(ran.out, "\\x1b[31m.yml:4:")
    equal(Ran("rules").rc, USAGE)
    equal(Ran("rules", "nonsense").rc, USAGE)
    for command in "check", "list", "explain", "test", "match":
        ran = Ran("rules", command, "--help")
        equal(ran.rc, 0)
        has(ran.out, f"usage: redshank rules {command}")
        equal(Ran("rules", command, "--nonsense").rc, USAGE)


def list_rules():
    """list: sorted by level, with filters, as text and as JSON Lines"""
    with tempfile.TemporaryDirectory() as directory:
        pack(directory)

        def titles(*options):
            ran = Ran("rules", "list", "-o", "json", *options, directory)
            equal(ran.rc, 0)
            return [json.loads(line)["title"] for line in ran.out.splitlines()]
        equal(titles(), ["Many failed", "Curl", "Failed", "On Windows"])
        equal(titles("--level", "high"), ["Many failed", "Curl"])
        equal(titles("--tag", "attack.t1110"), ["Many failed"])
        equal(titles("--tag", "ATTACK.T1105"), ["Curl"])
        equal(titles("--tag", "attack.t11"), [])
        first = json.loads(Ran("rules", "list", "-o", "json", directory).out.splitlines()[1])
        equal(first, {"id": CURL["id"], "level": "high", "title": "Curl", "type": "rule",
                      "logsource": {"product": "linux", "category": "process_creation"},
                      "file": os.path.join(directory, "curl.yml"),
                      "tags": ["attack.t1105", "attack.command-and-control"]})
        ran = Ran("rules", "list", directory)
        has(ran.out.splitlines()[1], "high", CURL["id"], "Curl", "linux/process_creation",
            "curl.yml", "attack.t1105")
        equal(Ran("rules", "list", "--level", "urgent", directory).rc, USAGE)


def explain():
    """explain: by id, name, title and file; tests, filters, correlations"""
    with tempfile.TemporaryDirectory() as directory:
        pack(directory)
        for name in CURL["id"], "curl", "CURL", "curl.yml", os.path.join(directory, "curl.yml"):
            ran = Ran("rules", "explain", name, directory)
            equal(ran.rc, 0)
            has(ran.out, "Curl\n", CURL["id"], "linux/process_creation", "Not by the updater",
                "ParentImage", "/usr/bin/updater", "/curl", "--help", "not:",
                "reads", "Image", "CommandLine")
        ran = Ran("rules", "explain", "Many failed", directory)
        has(ran.out, "event_count within 1m", "ip", "gte 3", "counts", "Failed")
        has(Ran("rules", "explain", "failed", directory).out, "only correlations use it")
        has(Ran("rules", "explain", os.path.join(directory, "curl.yml")).out, "Curl\n")
        equal(Ran("rules", "explain", "nothing", directory).rc, DATAERR)
    equal(Ran("rules", "explain").rc, USAGE)


class Tested:
    """`rules test` of one rule file and its tests: rc, and (ok, name) of each result."""

    def __init__(self, rule, tests, path="r.yml", add=""):
        with tempfile.TemporaryDirectory() as directory:
            write(directory, "r.yml", rule)
            if tests is not None:
                write(directory, "r.test", add + lines_of(tests))
            ran = Ran("rules", "test", os.path.join(directory, path))
        self.rc, self.out = ran.rc, ran.out
        lines = [line for line in ran.out.splitlines() if line[:1] != "#"]
        equal(lines[-1], f"1..{len(lines) - 1}")
        self.results = [(line.split()[0] == "ok", line.partition("r.yml: ")[2])
                        for line in lines[:-1]]

    def failed(self):
        return [name for ok, name in self.results if not ok]


def test_passes():
    """test: a result per case, exit status 0; by rule, test and directory"""
    for path in "r.yml", "r.test", "":
        t = Tested(PLAIN, TESTS, path, "# a comment\n\n")
        equal(t.rc, 0)
        equal(t.results, [(True, "loads"), (True, "curl"), (True, "help"),
                          (True, "every rule has a hit and a miss")])


def test_fails():
    """test: a missing alert, one too many, no tests, no hit, a bad line, a bad rule"""
    def wrong(tests, name, word, rule=PLAIN):
        t = Tested(rule, tests)
        equal(t.rc, DATAERR)
        assert name in t.failed(), f"{name} did not fail:\n{t.out}"
        has(t.out, word)
    wrong([{**TESTS[0], "_match": False}, TESTS[1]], "curl", "line 1: an alert that is not expected")
    wrong([TESTS[0], {**TESTS[1], "_match": True}], "curl", "line 2: no alert")
    wrong(None, "has tests", "r.test")
    wrong(TESTS[:1], "every rule has a hit and a miss", "no test of a miss")
    wrong(TESTS[2:], "every rule has a hit and a miss", "no test of a hit")
    wrong([], "every rule has a hit and a miss", "no test of a hit")
    wrong([*TESTS, {"_case": "forgotten"}], "forgotten", "_match")
    wrong([*TESTS, [1]], "help", "line 4: ")
    wrong([*TESTS, {"_match": False, "_logsource": 1}], "help", "_logsource")
    wrong(TESTS, "loads", "4:", BAD)


def test_correlation():
    """test: a correlation's default logsource, and fresh state for each case"""
    fail = {"m": "Failed password", "ip": "a", "_match": False}
    events = [{**fail, "_case": "three", "_time": 1000}, {**fail, "_time": 1001},
              {**fail, "_time": 1002, "_match": True},
              {**fail, "_case": "two", "_time": 1003}, {**fail, "_time": 1004}]
    equal(Tested(COUNTED, events).failed(), [])


def test_lists():
    """test: _match names the rules that alert, where a file has several"""
    rules = PLAIN + "---\n" + PLAIN.replace("Curl", "Tool").replace("0001", "0003").replace(
        "name: curl", "name: tool").replace("/curl", "l")
    tests = [{**HIT, "_match": ["Curl", "00000000-0000-4000-8000-000000000003"]},
             {"Image": "/bin/tool", "_match": "tool"}, {"Image": "x", "_match": []}]
    equal(Tested(rules, tests).failed(), [])
    t = Tested(rules, [{**HIT, "_match": ["Curl"]}, *tests[1:]])
    has(t.out, "line 1: an alert that is not expected: Tool")
    t = Tested(rules, [{**HIT, "_match": ["Curl", "Nobody"]}, *tests[1:]])
    has(t.out, "Nobody", "not expected: Tool")


CHECKS = [match_form, match_text, match_bad_lines, match_blank_lines, match_bytes, match_shapes,
          match_logsource, match_many_logsources, match_time, match_correlation, match_bad_rules,
          match_usage, match_long_lines, match_too_long, match_memory, match_streams, check_report,
          check_fields, check_usage, list_rules, explain, test_passes, test_fails,
          test_correlation, test_lists]


def main():
    tap = Tap()
    only = sys.argv[1:]
    for check in CHECKS:
        if only and check.__name__ not in only:
            continue
        try:
            check()
            problem = None
        except (AssertionError, ValueError, KeyError, IndexError, OSError) as e:
            problem = f"{type(e).__name__}: {e}"
        tap.result(check.__doc__, problem)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
