#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The default pack (rules/): what each of its rules must say, and that it does what its test says.

`pack.py --table` prints the table of rules/README.md.
"""
import glob
import os
import re
import sys
import uuid

import yaml

from common import ROOT, Ran, Tap

PACK = os.path.join(ROOT, "rules")
README = os.path.join(PACK, "README.md")
ATTACK = os.path.join(ROOT, "user", "detect", "attack.def")
LEVELS = ["informational", "low", "medium", "high", "critical"]
RULES_MIN = 50  # the pack has never had fewer
BEGIN, END = "<!-- table -->", "<!-- end of the table -->"


def files():
    return sorted(glob.glob(os.path.join(PACK, "**", "*.yml"), recursive=True))


def documents(path):
    with open(path, encoding="utf-8") as f:
        return list(yaml.safe_load_all(f))


def alerting(docs):
    """Of a file with a correlation that is the one that alerts."""
    return next((d for d in docs if "correlation" in d), docs[0])


def name(path):
    return os.path.relpath(path, PACK)[: -len(".yml")]


def tactics_and_techniques():
    with open(ATTACK, encoding="utf-8") as f:
        text = f.read()
    tactics = {t.replace("_", "-") for t in re.findall(r"^TACTIC\((\w+),", text, re.M)}
    return tactics, {t.lower() for t in re.findall(r'^TECHNIQUE\("([^"]+)"', text, re.M)}


def is_uuid4(text):
    try:
        return uuid.UUID(text).version == 4 and str(uuid.UUID(text)) == text
    except ValueError:
        return False


ABOUT = {"fileless", "authentication"}  # directories for what crosses tactics


def sentences(text):
    return len(re.findall(r"[.!?](?= |$)", " ".join(text.split())))


def faults(path, doc, known):
    """What one document lacks."""
    tactics, techniques = known
    tags = [t.split(".", 1)[1] for t in doc.get("tags", []) if t.startswith("attack.")]
    base = doc is not alerting(documents(path)) and "name" in doc and "correlation" not in doc
    if not is_uuid4(str(doc.get("id"))):
        yield "its id is no random UUID in lower case"
    if not 4 <= len(doc.get("title", "")) <= 110:
        yield "its title"
    if doc.get("status") not in ("stable", "test", "experimental"):
        yield "its status"
    if not base and sentences(doc.get("description", "")) < 2:
        yield "its description: what it means, and what to do next"
    if not doc.get("author") or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(doc.get("date"))):
        yield "its author or date"
    if doc.get("level") not in LEVELS:
        yield "its level"
    if not doc.get("falsepositives"):
        yield "its falsepositives"
    if not any(t in tactics for t in tags) or not any(re.match(r"t\d", t) for t in tags):
        yield "a tag for a tactic and one for a technique"
    for tag in tags:
        if tag not in tactics and tag not in techniques:
            yield f"the tag attack.{tag} is not in ATT&CK"
    directory = name(path).split("/")[0]
    if directory not in ABOUT and directory.replace("_", "-") not in tags:
        yield f"it is in {directory}/, but has no tag for that tactic"


def cases(path):
    """How many of its test's lines shall match, and how many not."""
    hits = misses = 0
    try:
        with open(path[: -len(".yml")] + ".test", encoding="utf-8") as f:
            for line in f:
                hits += '"_match": true' in line
                misses += '"_match": false' in line
    except FileNotFoundError:
        pass
    return hits, misses


def table():
    rows = ["| rule | level | ATT&CK | |", "|---|---|---|---|"]
    for path in files():
        doc = alerting(documents(path))
        ids = [t.split(".", 1)[1].upper() for t in doc["tags"] if re.match(r"attack\.t\d", t)]
        rows.append(f"| [{name(path)}]({name(path)}.yml) | {doc['level']} | {', '.join(ids)} | "
                    f"{doc['title']} |")
    return "\n".join(rows)


def table_problem():
    with open(README, encoding="utf-8") as f:
        text = f.read()
    inside = text.partition(BEGIN)[2].partition(END)[0].strip()
    return None if inside == table() else "python3 tests/rules/pack.py --table prints another"


def said(ran):
    return (ran.err + ran.out)[-4000:]


def main():
    if sys.argv[1:] == ["--table"]:
        print(table())
        return 0
    tap = Tap()
    known = tactics_and_techniques()
    seen = {}
    for path in files():
        wrong = []
        for doc in documents(path):
            wrong += [f"{doc.get('title')}: {f}" for f in faults(path, doc, known)]
            other = seen.setdefault(doc.get("id"), path)
            if other != path:
                wrong.append(f"{doc.get('title')}: its id is that of a rule of {name(other)}")
        hits, misses = cases(path)
        if hits < 1 or misses < 2:
            wrong.append("its test: a hit and two near misses at least")
        tap.result(f"{name(path)} says what it must", "\n".join(wrong) or None)
    tap.result(f"there are at least {RULES_MIN} rules",
               None if len(files()) >= RULES_MIN else f"there are {len(files())}")
    stray = [t for t in glob.glob(os.path.join(PACK, "**", "*.test"), recursive=True)
             if not os.path.exists(t[: -len(".test")] + ".yml")]
    tap.result("each test has its rule", "\n".join(stray) or None)
    check = Ran("rules", "check", PACK)
    clean = check.rc == 0 and "0 cannot; 0 errors, 0 warnings" in check.out
    tap.result("rules check finds nothing", None if clean else said(check))
    tests = Ran("rules", "test", PACK)
    bad = [line for line in tests.out.splitlines() if line.startswith("not ok")]
    tap.result("the rules do what their tests say",
               None if tests.rc == 0 and not bad else "\n".join(bad) or said(tests))
    tap.result("the table in rules/README.md is of these rules", table_problem())
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
