#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program and the reference on random rules and events, and on rules that exist.

usage: differential.py [SEED [ROUNDS]]

Where they differ, the case is made as small as it will go and printed.
"""
import json
import os
import random
import re
import sys
import tempfile
import time
from datetime import datetime, timezone

import yaml

import derive
import reference
from common import ROOT, Tap, program_matches, write, write_events

SECONDS = 12  # for random rounds; at least one of each kind is run
SHRINK_SECONDS = 15  # to make one case small
EXISTING_MAX = 12000  # events for rules that exist
ATOMS = ["a", "b", "ab", "A", "x", "foo", "é", "É", "σ", "ς", "Σ", "ж", "*", "?", "\\", "\\*",
         "\\?", "\\\\", "\\\\*", "\\\\\\*", "-", "/", "–", " ", "/etc/", ".", "\n", "[", "%", "0",
         "10", "K", "€", "😀",
         "ß", "SS", "ẞ", "ﬁ", "İ", "ſ", "\u212a", "_"]
REGEXES = ["a", "ab+", "^a", "b$", "^ab$", "a.b", "[a-c]{2,3}", "(foo|bar)", "x?y*z", r"\d+", r"\s",
           r"\\", r"a\*b", "(?:a|b)c", "[^a-z]", "", "é", "^$", "a{0}", "(a|b)*c", r"\w+-", "a.*b$",
           "(?i)foo"]
NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "192.168.1.128/25", "1.2.3.4/32", "0.0.0.0/0", "fe80::/10",
            "::1/128", "2001:db8::/33", "::/0"]
FIELDS = ["A", "B", "C", "n.x", "n.y.z"]
IDS = "00000000-0000-4000-8000-{:012}"


# --- random rules ---


def random_text(rng, low=0, high=4):
    return "".join(rng.choice(ATOMS) for _ in range(rng.randint(low, high)))


def random_scalar(rng):
    return rng.choice((random_text(rng), random_text(rng, 1), rng.choice((0, 1, 5, -1, 10, 777)),
                       rng.choice((True, False, "true", "", "5", "*", "??", "a*"))))


def plain_text(rng):
    return re.sub(r"[*?\\]", "", random_text(rng, 1)) or "q"


def random_item(rng):
    """(modifiers, a function that makes a value, can there be a list?)"""
    kind = rng.randrange(20)
    if kind < 4:
        return [], random_scalar, True
    if kind < 10:
        modifiers = [rng.choice(("contains", "startswith", "endswith"))]
        for extra, odds in ("cased", .2), ("all", .3), ("windash", .15), ("neq", .1):
            if rng.random() < odds:
                modifiers.insert(rng.randint(0, len(modifiers)), extra)
        return modifiers, random_text, True
    if kind < 12:
        flags = [f for f in "ims" if rng.random() < .25]
        return ["re", *flags, *(["all"] if rng.random() < .2 else [])], \
            lambda r: r.choice(REGEXES), True
    if kind == 12:
        return ["cidr"], lambda r: r.choice(NETWORKS), True
    if kind == 13:
        return ["exists"], lambda r: r.random() < .5, False
    if kind == 14:
        return [rng.choice(("gt", "gte", "lt", "lte"))], \
            lambda r: r.choice((0, 1, 5, -1, 10, 1.5, -2.5, 777)), False
    if kind == 15:
        return ["fieldref", *(["neq"] if rng.random() < .3 else [])], \
            lambda r: r.choice(FIELDS), False
    if kind == 16:
        wide = rng.choice(([], ["wide"], ["utf16le"], ["utf16be"], ["utf16"]))
        return [*wide, *rng.choice((["base64"], ["base64", "contains"],
                                    ["base64offset", "contains"]))], plain_text, True
    if kind == 17:
        return [rng.choice(list(reference.TIME_PARTS)), *(["gte"] if rng.random() < .3 else [])], \
            lambda r: r.randint(0, 31), True
    if kind == 18:
        return ["cased"], random_text, True
    return ["neq"], random_scalar, True


def random_map(rng):
    out = {}
    for _ in range(rng.choice((1, 1, 2, 3))):
        modifiers, value, listable = random_item(rng)
        key = "|".join([rng.choice(FIELDS), *modifiers])
        if listable and rng.random() < .4:
            out[key] = [value(rng) for _ in range(rng.randint(1, 4))]
        else:
            out[key] = None if not modifiers and rng.random() < .1 else value(rng)
    return out


def random_search(rng):
    kind = rng.random()
    if kind < .7:
        return random_map(rng)
    if kind < .85:
        return [random_map(rng) for _ in range(rng.randint(1, 3))]
    words = [rng.choice((random_text(rng, 1), random_text(rng, 1), 0, 10))
             for _ in range(rng.randint(1, 3))]
    return rng.choice((words, {"|all": [str(w) for w in words]}))


def random_condition(rng, names, depth=3):
    kind = rng.random()
    if depth == 0 or kind < .3:
        return rng.choice(names)
    if kind < .45:
        pattern = rng.choice(("them", "s*", "*_a", "s_*", "*"))
        fit = [n for n in names if not n.startswith("_") and re.fullmatch(
            ".*" if pattern == "them" else pattern.replace("*", ".*"), n)]
        return f"{rng.choice(('1', 'all', 'any'))} of {pattern}" if fit else names[0]
    one, two = (random_condition(rng, names, depth - 1) for _ in range(2))
    if kind < .6:
        return f"not {one}" if " " not in one else f"not ({one})"
    joined = f"{one} {rng.choice(('and', 'or'))} {two}"
    return f"({joined})" if rng.random() < .4 else joined


def random_rule(rng, number):
    names = rng.sample(["s_a", "s_b", "f_a", "_hidden", "other"], rng.randint(1, 4))
    found = {name: random_search(rng) for name in names}
    found["condition"] = random_condition(rng, names)
    if rng.random() < .1:
        found["condition"] = [found["condition"], random_condition(rng, names)]
    return {"title": f"r{number}", "id": IDS.format(number), "logsource": {"product": "linux"},
            "detection": found}


def random_value(rng):
    return rng.choice((
        re.sub(r"\\([*?\\])", r"\1", random_text(rng, 0, 6)), random_text(rng), "", None, 0, 5, 10,
        -1, 1.5, "777", True, False, "10.1.2.3", "192.168.1.200", "fe80::1", "::1",
        "2025-08-06T12:34:56Z"))


def random_event(rng, rules):
    event = derive.derived(rng, rng.choice(rules)["detection"]) if rng.random() < .8 else {}
    for field in FIELDS:
        if rng.random() < .15 and field.split(".")[0] not in event:
            event[field] = [random_value(rng) for _ in range(2)] if rng.random() < .2 \
                else random_value(rng)
    return event


# --- random correlations ---


def random_correlations(rng):
    docs = [{"title": f"b{i}", "name": f"b{i}", "id": IDS.format(i), "logsource":
             {"product": "linux"}, "detection": {"s": {"K": i}, "condition": "s"}} for i in range(3)]
    for number in range(3, 3 + rng.randint(4, 12)):
        kind = rng.choice(reference.TYPES)
        # In a chain only when something was true matters, not how often: the spec is silent there.
        rules = [d["name"] for d in docs if "detection" in d
                 or kind.startswith("temporal") and rng.random() < .3]
        rules = rng.sample(rules, rng.randint(2 if kind.startswith("temporal") else 1, 3))
        span = rng.choice((5, 20, 60))
        section = {"type": kind, "rules": rules, "timespan": f"{span}s",
                   "group-by": rng.choice((["U"], ["U", "V"], ["u"], []))}
        if section["group-by"] == ["u"]:
            section["aliases"] = {"u": {r: rng.choice("UV") for r in rules}}
        if not kind.startswith("temporal"):
            op = rng.choice(list(reference.COMPARE))
            section["condition"] = {op: rng.randint(1, 12 if "sum" in kind else 4)}
            if kind.startswith("value"):
                section["condition"]["field"] = "N"
            if kind == "value_percentile":
                section["condition"]["percentile"] = rng.choice((1, 25, 50, 90, 100))
        elif rng.random() < .3:
            section["condition"] = {rng.choice(("gte", "eq")): rng.randint(1, len(rules))}
            if kind == "temporal_ordered":
                del section["condition"]
        if rng.random() < .2:
            section["generate"] = True
        docs.append({"title": f"c{number}", "name": f"c{number}", "id": IDS.format(number),
                     "correlation": section})
    return docs


def correlated_events(rng, count):
    now, events = 1767225600.0, []
    for _ in range(count):
        now += rng.choice((0.2, 1.1, 2.7, 9.3)) * rng.random()
        when = now - (rng.random() * 12 if rng.random() < .15 else 0)
        event = {"_time": datetime.fromtimestamp(when, timezone.utc).isoformat(),
                 "K": rng.randrange(4), "U": rng.choice("xyz"), "V": rng.choice("xy"),
                 "N": rng.choice((1, 2, 3, "4", 2.5, "none"))}
        if rng.random() < .1:
            del event[rng.choice("UVN")]
        events.append(event)
    return events


# --- comparing ---


def yaml_of(docs):
    return yaml.dump_all(docs, Dumper=reference.Dumper, allow_unicode=True, sort_keys=False, width=1000)


def both(docs, events):
    """What the program and the reference say: titles for each event; text if one refuses."""
    text = yaml_of(docs)
    with tempfile.TemporaryDirectory() as directory:
        rules = write(directory, "rules.yml", text)
        try:
            matches, err = program_matches([rules], write_events(directory, events))
            said = re.search(r"error: .*", err)
            program = said[0] if said else [[m["title"] for m in one] for one in matches]
        except AssertionError as e:
            program = str(e)
    try:
        rules = reference.Rules([text])
        second = [[r.title for r in rules.judge(reference.Event(e))] for e in events]
    except reference.RuleError as e:
        second = f"refused: {e}"
    return program, second


def differ(docs, events):
    program, second = both(docs, events)
    if isinstance(program, str) and isinstance(second, str):
        return False
    return program != second


def smaller(value):
    """Values that are a little less than this one."""
    if isinstance(value, dict):
        for key in value:
            if key not in ("title", "id", "logsource", "condition", "name", "_time", "type"):
                yield {k: v for k, v in value.items() if k != key}
        for key, inner in value.items():
            if key not in ("title", "id", "logsource", "name", "_time", "type"):
                for less in smaller(inner):
                    yield {**value, key: less}
    elif isinstance(value, list):
        half = len(value) // 2
        if half > 1:
            yield value[:half]
            yield value[half:]
        for at in range(len(value)):
            if len(value) > 1:
                yield value[:at] + value[at + 1:]
        for at, inner in enumerate(value):
            for less in smaller(inner):
                yield [*value[:at], less, *value[at + 1:]]
        if len(value) == 1:
            yield value[0]
    elif isinstance(value, str):
        for word in re.findall(r"\w+", value) if " " in value else []:
            yield word
        for at in range(len(value)):
            yield value[:at] + value[at + 1:]


def less_of(docs, events):
    """Cases that are a little less; first those that are a lot."""
    for size in (16, 4, 1):
        for at in range(0, len(events), size) if len(events) > size else ():
            yield docs, events[:at] + events[at + size:]
    for at in range(len(docs)):
        if len(docs) > 1:
            yield docs[:at] + docs[at + 1:], events
    for less in smaller(docs):
        if isinstance(less, list) and len(less) == len(docs):
            yield less, events
    for less in smaller(events):
        if isinstance(less, list) and len(less) == len(events):
            yield docs, less


def shrink(docs, events):
    """The smallest case found in which they still differ."""
    deadline, better = time.monotonic() + SHRINK_SECONDS, True
    while better:
        better = False
        for less in less_of(docs, events):
            if time.monotonic() > deadline:
                break
            if differ(*less):
                docs, events = less
                better = True
                break
    return docs, events


def explain(docs, events):
    docs, events = shrink(docs, events)
    program, second = both(docs, events)
    lines = "\n".join(json.dumps(e, ensure_ascii=False) for e in events)
    return f"{yaml_of(docs)}\n{lines}\nprogram:   {program}\nreference: {second}"


def refused_alone(doc):
    """The reference refuses the rule: no part of a case for both."""
    try:
        reference.Detection(doc)
    except reference.RuleError:
        return True
    return False


def compare(docs, events):
    """None, or what differs, made small."""
    program, second = both(docs, events)
    if program == second:
        return None
    if isinstance(program, str) or isinstance(second, str):
        return explain(docs, events[:1])
    for event, one, two in zip(events, program, second):
        if one != two:
            titles = set(one) ^ set(two) or set(one)
            guilty = [d for d in docs if d["title"] in titles][:1]
            if differ(guilty, [event]):
                return explain(guilty, [event])
            return explain(docs, [event])
    return f"{len(program)} answers, {len(second)} expected"


def compare_sequence(docs, events):
    """As compare(), where what an event does depends on those before it."""
    program, second = both(docs, events)
    if program == second:
        return None
    return explain(docs, events)


# --- rules that exist ---


def existing_rules():
    """{path: documents} of the rules of this repository and of a SigmaHQ checkout, without those
    that the reference refuses (for want of placeholders)."""
    roots = [os.path.join(ROOT, "rules"), os.environ.get("REDSHANK_SIGMAHQ") or
             os.path.join(os.path.dirname(ROOT), "sigma")]
    found = {}
    for path in sorted(reference.rule_files(r for r in roots if os.path.isdir(r))):
        if any(part in path for part in ("/deprecated/", "/unsupported/", "/tests/", "/.",
                                         "/regression_data/", "/documentation/")):
            continue
        try:
            with open(path, encoding="utf-8") as f:
                docs = list(reference.documents(f.read()))
            if docs and all("detection" in d and "id" in d for d in docs):
                for doc in docs:
                    reference.Detection(doc)
                found[path] = docs
        except (reference.RuleError, yaml.YAMLError):
            continue
    return found


def compare_existing(rng, found):
    """Each rule on events made from it: both say the same of it, of some others, and of all that
    the program says matches. (problem, events, events that hit)"""
    by_id = {doc["id"]: doc for docs in found.values() for doc in docs}
    rules = {key: reference.Detection(doc) for key, doc in by_id.items()}
    owners = [key for key in by_id for _ in range(max(1, min(6, EXISTING_MAX // len(by_id))))]
    events = [derive.derived(rng, by_id[key]["detection"]) for key in owners]
    with tempfile.TemporaryDirectory() as directory:
        matches, _ = program_matches(list(found), write_events(directory, events))
    hits = 0
    for event, owner, one in zip(events, owners, matches):
        said = {m["id"] for m in one}
        hits += owner in said
        wrapped = reference.Event(event)
        for rule in {owner, *(said & rules.keys()), *rng.sample(list(rules), min(len(rules), 5))}:
            if rules[rule].holds(wrapped) != (rule in said):
                return explain([by_id[rule]], [event]), len(events), hits
    return None, len(events), hits


def main(argv):
    seed = int(argv[0]) if argv else random.SystemRandom().randrange(1 << 32)
    rounds = int(argv[1]) if len(argv) > 1 else 1000
    rng = random.Random(seed)
    tap = Tap()
    print(f"#: seed {seed}: tests/rules/differential.py {seed} runs the same again")

    started, problem, cases, done = time.monotonic(), None, 0, 0
    while problem is None and done < rounds and time.monotonic() - started < SECONDS * .6:
        docs = []
        while len(docs) < 60:
            doc = random_rule(rng, len(docs))
            if not refused_alone(doc):
                docs.append(doc)
        events = [random_event(rng, docs) for _ in range(150)]
        problem = compare(docs, events)
        cases += len(docs) * len(events)
        done += 1
    tap.result("random rules on random events", problem)
    print(f"#: {cases} pairs of a random rule and a random event")

    problem, cases, done = None, 0, 0
    while problem is None and done < rounds and (not done or time.monotonic() - started < SECONDS):
        problem = compare_sequence(random_correlations(rng), correlated_events(rng, 120))
        cases += 1
        done += 1
    tap.result("random correlations on random sequences", problem)
    print(f"#: {cases} sequences of 120 events")

    found = existing_rules()
    if found:
        problem, events, hits = compare_existing(rng, found)
        tap.result("rules that exist, on events made from them", problem)
        print(f"#: {len(found)} files; {hits} of {events} events hit the rule they are from")
    else:
        tap.skip("rules that exist, on events made from them", "there are none")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
