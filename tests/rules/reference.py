#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second evaluator of Sigma rules, to check the sensor's against: slow, small, for tests only.

usage: reference.py RULES... --events FILE.jsonl

In and out are those of `redshank rules match -o json`. Written from SigmaHQ/sigma-specification
2.1.0 ("spec" below) and, where that is silent, from what pySigma does; from none of the C code.
"""
import base64
import fnmatch
import ipaddress
import itertools
import json
import os
import re
import sys
from datetime import datetime, timezone

import yaml

LEVELS = ("informational", "low", "medium", "high", "critical")
DASHES = "-/\u2013\u2014\u2015"  # spec, modifiers: windash
ANY, ONE = object(), object()  # the wildcards * and ?
BETWEEN = r"""\s\0"'`=,;:()\[\]{}<>|&"""  # what stands between words of logs and command lines


class RuleError(Exception):
    """The rule must be refused."""


# --- YAML: the core schema of 1.2, which the spec names; PyYAML's own is that of 1.1 ---


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    yaml_implicit_resolvers = {}


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):
    """Quotes what either version takes for something else than text: -.0 is a number in 1.2 only."""


def _mapping(loader, node, deep=False):
    loader.flatten_mapping(node)
    pairs = [(loader.construct_object(k, True), loader.construct_object(v, True))
             for k, v in node.value]
    keys = [k for k, _ in pairs]
    if any(isinstance(k, (dict, list)) for k in keys):
        raise RuleError("a key that is not a scalar")
    if len(set(map(str, keys))) != len(keys):
        raise RuleError("duplicate key")
    return dict(pairs)


def _int(loader, node):
    text = node.value
    return int(text, 16 if "0x" in text else 8 if "0o" in text else 10)


def _resolve(tag, pattern, first):
    for either in Loader, Dumper:
        either.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern + r"\Z"), first)


# Zeros in front make text of a number, as in YAML 1.1: 00000429 is a keyboard layout.
_resolve("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""])
_resolve("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF"))
_resolve("int", r"(?:[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)", list("-+0123456789"))
_resolve("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
         list("-+.0123456789"))
_resolve("merge", r"<<", ["<"])
Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
Loader.add_constructor("tag:yaml.org,2002:int", _int)


# --- values ---


def text_of(value):
    """The text of a scalar; None has none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def fold(text):
    """Full case folding: straße and STRASSE are one."""
    return text.lower() if text.isascii() else text.casefold()


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number_of(value):
    """A number, also from text; None of anything else."""
    if is_number(value):
        return value
    if isinstance(value, str) and re.fullmatch(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", value):
        return float(value) if re.search(r"[.eE]", value) else int(value)
    return None


def tokens_of(text):
    """Spec, Escape Character: text to a list of literal strings, ANY and ONE."""
    out, i = [], 0
    while i < len(text):
        c = text[i]
        if c == "\\" and text[i + 1:i + 2] in ("*", "?", "\\"):
            c, i = text[i + 1], i + 1
        elif c in "*?":
            c = ANY if c == "*" else ONE
        if isinstance(c, str) and out and isinstance(out[-1], str):
            out[-1] += c
        else:
            out.append(c)
        i += 1
    return out


def plain(tokens, what):
    if any(not isinstance(t, str) for t in tokens):
        raise RuleError(f"a wildcard under {what}")
    return "".join(tokens)


def to_bytes(text):
    return text.encode("utf-8", "surrogateescape")


def from_bytes(data):
    return data.decode("utf-8", "surrogateescape")


def base64_offsets(data):
    """The part of data's Base64 that stays the same, for each of three places to stand at."""
    for shift in range(3):
        code = base64.b64encode(b" " * shift + data).decode()
        yield code[(0, 2, 3)[shift]:(None, -3, -2)[(len(data) + shift) % 3]]


def dashes(tokens):
    """All ways to write the dashes that begin a word."""
    parts = []
    for i, token in enumerate(tokens):
        if not isinstance(token, str):
            parts.append([token])
            continue
        at = 0
        for m in re.finditer(rf"\B[{DASHES}]\b", token):
            parts += [[token[at:m.start()]], list(DASHES)]
            at = m.end()
        parts.append([token[at:]])
    for choice in itertools.product(*parts):
        yield [t for t in choice if t != ""]


def glob(tokens, cased):
    """A function of a text: is all of it as the tokens say?"""
    change = str if cased else fold
    tokens = [change(t) if isinstance(t, str) else t for t in tokens]
    match = re.compile("".join(".*" if t is ANY else "." if t is ONE else re.escape(t)
                               for t in tokens), re.S).fullmatch

    def holds(text):
        changed = change(text)
        if len(changed) == len(text) or ONE not in tokens:
            return match(changed) is not None
        return spanned(tokens, text)

    return holds


def spanned(tokens, text):
    """The same where ? may stand for a character that folding made several of."""
    changed, spans = "", {}  # of each character that became several: beginning to end
    for c in text:
        spans[len(changed)] = len(changed) + len(fold(c))
        changed += fold(c)
    places = {0}
    for t in tokens:
        if t is ANY:
            places = set(range(min(places, default=len(changed) + 1), len(changed) + 1))
        elif t is ONE:
            places = {spans.get(p, p + 1) for p in places if p < len(changed)}
        else:
            places = {p + len(t) for p in places if changed.startswith(t, p)}
    return len(changed) in places


# --- an item: FIELD|modifier|modifier: value or list of values ---

REGEX_FLAGS = {"i": re.I, "m": re.M, "s": re.S}
TURKISH = {0x130: "\u01bb", 0x131: "\u01c0"}  # to letters that have no cases
COMPARE = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "neq": lambda a, b: a != b,
}
ENCODINGS = {"wide": "utf-16-le", "utf16le": "utf-16-le", "utf16be": "utf-16-be",
             "utf16": "utf-16-le"}
TIME_RANGES = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "week": (1, 53),
               "month": (1, 12), "year": (0, 9999)}
TIME_PARTS = {
    "minute": lambda t: t.minute,
    "hour": lambda t: t.hour,
    "day": lambda t: t.day,
    "week": lambda t: t.isocalendar()[1],
    "month": lambda t: t.month,
    "year": lambda t: t.year,
}
AROUND = {"contains": (True, True), "startswith": (False, True), "endswith": (True, False)}
MODIFIERS = {"all", "cased", "re", "cidr", "windash", "base64", "base64offset", "exists", "neq",
             "fieldref", "expand", "gt", "gte", "lt", "lte",
             *REGEX_FLAGS, *ENCODINGS, *TIME_PARTS, *AROUND}


ISO_8601 = re.compile(r"(\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(?::\d\d)?)?)(?:\.\d+)?"
                      r"(?:[Zz]|[-+]\d\d:?\d\d)?")


def time_of(value, needs_time):
    """ISO 8601 as written; a number is Unix time in s, ms, us or ns."""
    number = number_of(value)
    if number is not None and number >= 0:
        unit = next((u for u in (1, 10**3, 10**6, 10**9) if number / u < 1e11), 10**9)
        return datetime.fromtimestamp(number / unit, timezone.utc)
    if not isinstance(value, str):
        return None
    m = ISO_8601.fullmatch(value)
    try:
        return datetime.fromisoformat(m[1].upper()) if m and (m[2] or needs_time is False) else None
    except ValueError:
        return None


def as_pcre(pattern, flags):
    """For Python, what PCRE means: \\w, \\d and \\s are of ASCII; ^ under m does not hold behind a
    newline that ends the text."""
    def one(m):
        if m["caret"]:
            return r"(?:\A|^(?!\Z))" if flags & re.M else "^"
        return f"(?a:{m[0]})" if m[0][1:] in tuple("wWdDsSbB") else m[0]

    return re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<caret>\^)", one, pattern, flags=re.S)


class Item:
    def __init__(self, field, modifiers, values):
        unknown = [m for m in modifiers if m not in MODIFIERS]
        if unknown:
            raise RuleError(f"unknown modifier {unknown[0]}")
        if not values:
            raise RuleError("an empty list")
        if any(isinstance(v, (dict, list)) for v in values):
            raise RuleError("a value that is not a scalar")
        self.field, self.modifiers = field, modifiers
        self.every = "all" in modifiers
        self.negated = "neq" in modifiers
        self.tests = [self.test(v) for v in values]

    def test(self, value):
        """A function of (event, values, present) for one value of the rule."""
        has = set(self.modifiers)
        if "exists" in has:
            if not isinstance(value, bool) or not self.field:
                raise RuleError("exists needs a field, and true or false")
            return lambda event, values, present: present == value
        if "expand" in has and re.search(r"(?<!\\)%[^%]+%", text_of(value) or ""):
            raise RuleError("a placeholder that nobody defined")
        if has & {"gt", "gte", "lt", "lte"} or has & set(TIME_PARTS):
            return self.number_test(value)
        if "re" in has:
            return self.each(self.regex(value))
        if "cidr" in has:
            return self.each(self.cidr(value))
        if "fieldref" in has:
            return self.reference(value)
        if value is None:
            if not self.field:
                raise RuleError("null without a field")
            return lambda event, values, present: not present or None in values
        if is_number(value) and not has - {"all", "neq"}:
            return self.same_number(value)
        return self.pattern(text_of(value))

    @staticmethod
    def each(holds):
        """Of texts: for one value of the field."""
        return lambda event, values, present: any(
            v is not None and holds(text_of(v)) for v in values)

    def same_number(self, value):
        text = str(value)
        if not self.field:  # as a keyword: a word of its own, not the 0 in every number
            word = re.compile(rf"(?<![^{BETWEEN}]){re.escape(text)}(?![^{BETWEEN}])")
            return self.each(word.search)
        return lambda event, values, present: any(
            v == value if is_number(v) else text_of(v) == text for v in values)

    def number_test(self, value):
        if not is_number(value):
            raise RuleError("a number is needed")
        for m in self.modifiers:
            if m in TIME_RANGES and not TIME_RANGES[m][0] <= value <= TIME_RANGES[m][1]:
                raise RuleError(f"no {m} is ever {value}")
        op = next((COMPARE[m] for m in self.modifiers if m in ("gt", "gte", "lt", "lte")),
                  COMPARE["eq"])
        part = next((TIME_PARTS[m] for m in self.modifiers if m in TIME_PARTS), None)

        def holds(v):
            if part:
                t = time_of(v, bool({"minute", "hour"} & set(self.modifiers)))
                return t is not None and op(part(t), value)
            n = number_of(v)
            return n is not None and op(n, value)

        return lambda event, values, present: any(map(holds, values))

    def regex(self, value):
        flags = 0
        for m in self.modifiers:
            flags |= REGEX_FLAGS.get(m, 0)
        if not isinstance(value, str):
            value = text_of(value) or ""
        if not flags & re.I and "(?i" not in value:
            flags |= re.A  # as PCRE: \w, \d and \s are of ASCII; but case is of Unicode
        # Python takes the Turkish letters for cases of i, Unicode's simple folding does not.
        by_case = bool(flags & re.I or "(?i" in value)
        letters = TURKISH if by_case else {}
        try:
            search = re.compile(as_pcre(value.translate(letters), flags), flags).search
            return lambda text: search(text.translate(letters))
        except re.error as e:
            raise RuleError(f"regular expression: {e}") from None

    def cidr(self, value):
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError as e:
            raise RuleError(f"cidr: {e}") from None

        def holds(text):
            try:
                return ipaddress.ip_address(text) in network
            except ValueError:
                return False

        return holds

    def reference(self, value):
        name = plain(tokens_of(value), "fieldref")
        if not name:
            raise RuleError("fieldref wants the name of a field")
        same = (lambda t: t) if "cased" in self.modifiers else fold
        compare = ("contains" in self.modifiers and (lambda a, b: b in a)
                   or "startswith" in self.modifiers and str.startswith
                   or "endswith" in self.modifiers and str.endswith or str.__eq__)

        def holds(event, values, present):
            others = event.fields.get(name, [])
            return any(compare(same(text_of(a)), same(text_of(b)))
                       for a in values for b in others if a is not None and b is not None)

        return holds

    def pattern(self, text):
        """Strings, after what the modifiers make of them, in the order written."""
        alternatives = [tokens_of(text)]
        bare = not self.field and not set(self.modifiers) & set(AROUND)
        for m in [*self.modifiers, *(["contains"] if bare else [])]:
            alternatives = [new for old in alternatives for new in self.transformed(m, old)]
        tests = [glob(tokens, "cased" in self.modifiers) for tokens in alternatives]
        return self.each(lambda t: any(test(t) for test in tests))

    @staticmethod
    def transformed(modifier, tokens):
        if modifier in AROUND:
            before, after = AROUND[modifier]
            return [[ANY] * before + tokens + [ANY] * after]
        if modifier == "windash":
            return list(dashes(tokens))
        if modifier in ENCODINGS:
            mark = b"\xff\xfe" if modifier == "utf16" else b""
            return [[from_bytes(mark)] * bool(mark) + [
                from_bytes(t.encode(ENCODINGS[modifier])) if isinstance(t, str) else t
                for t in tokens]]
        if modifier == "base64":
            data = to_bytes(plain(tokens, modifier))
            return [[base64.b64encode(data).decode()]]
        if modifier == "base64offset":
            data = to_bytes(plain(tokens, modifier))
            codes = list(base64_offsets(data))
            if "" in codes:
                raise RuleError("base64offset of a value that is too short")
            return [[code] for code in codes]
        if modifier == "expand":
            return [[t.replace("\\%", "%") if isinstance(t, str) else t for t in tokens]]
        return [tokens]

    def holds(self, event):
        if self.field:
            values, present = event.fields.get(self.field, []), self.field in event.fields
        else:
            values, present = event.all, True
        link = all if self.every else any
        return link(test(event, values, present) for test in self.tests) != self.negated


def detection(definition):
    """Spec, Lists and Maps: a function of an event."""
    if isinstance(definition, dict):
        if not definition:
            raise RuleError("an empty map")
        items = []
        for key, value in definition.items():
            field, *modifiers = str(key).split("|")
            items.append(Item(field, modifiers, value if isinstance(value, list) else [value]))
        return lambda event: all(item.holds(event) for item in items)
    if isinstance(definition, list):
        if not definition:
            raise RuleError("an empty list")
        if not any(isinstance(d, (dict, list)) for d in definition):
            return Item("", [], definition).holds
        parts = [detection(d) for d in definition]
        return lambda event: any(part(event) for part in parts)
    return Item("", [], [definition]).holds


# --- conditions ---


class Condition:
    """Spec, Condition: or < and < not < x of y < parentheses, left to right."""

    def __init__(self, text, names, leaf, selectors=True):
        if not isinstance(text, str):
            raise RuleError("a condition that is not text")
        self.tokens = re.findall(r"[()]|[^\s()]+", text)
        self.names, self.leaf, self.selectors = names, leaf, selectors
        self.at = 0
        self.holds = self.either()
        if self.at != len(self.tokens):
            raise RuleError(f"unexpected {self.tokens[self.at]}")

    def peek(self, ahead=0):
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else ""

    def next(self):
        self.at += 1
        return self.peek(-1)

    def chain(self, word, kid, link):
        parts = [kid()]
        while self.peek() == word:
            self.next()
            parts.append(kid())
        return parts[0] if len(parts) == 1 else lambda event: link(p(event) for p in parts)

    def either(self):
        return self.chain("or", self.both, any)

    def both(self):
        return self.chain("and", self.negation, all)

    def negation(self):
        if self.peek() != "not":
            return self.operand()
        self.next()
        kid = self.negation()
        return lambda event: not kid(event)

    def operand(self):
        token = self.next()
        if token == "(":
            inner = self.either()
            if self.next() != ")":
                raise RuleError("a parenthesis is not closed")
            return inner
        if self.selectors and token in ("1", "any", "all") and self.peek() == "of":
            self.next()
            return self.selector(all if token == "all" else any, self.next())
        if token not in self.names:
            raise RuleError(f"unknown identifier {token!r}")
        return self.leaf(token)

    def selector(self, link, pattern):
        pattern = "*" if pattern == "them" else pattern
        chosen = [self.leaf(n) for n in self.names
                  if fnmatch.fnmatchcase(n, pattern.replace("[", "[[]"))
                  and (pattern.startswith("_") or not n.startswith("_"))]
        if not chosen:
            raise RuleError(f"no identifier is like {pattern!r}")
        return lambda event: link(p(event) for p in chosen)


def searches(section, skip):
    """A detection or filter section to a function of an event."""
    if not isinstance(section, dict) or "condition" not in section:
        raise RuleError("no condition")
    found = {str(n): detection(d) for n, d in section.items() if n not in skip}
    texts = section["condition"]
    texts = texts if isinstance(texts, list) else [texts]
    if not texts:
        raise RuleError("no condition")
    conditions = [Condition(t, found, found.__getitem__).holds for t in texts]
    return lambda event: any(c(event) for c in conditions)


# --- events ---


class Event:
    def __init__(self, line):
        self.fields, self.all = {}, []
        self.time = None
        self.logsource = line.get("_logsource")
        if "_time" in line:
            self.time = datetime.fromisoformat(line["_time"].replace("Z", "+00:00"))
            self.time = self.time.replace(tzinfo=self.time.tzinfo or timezone.utc).timestamp()
        for key, value in line.items():
            if not key.startswith("_"):  # those tell about the event
                self.add(key, value)

    def add(self, name, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                self.add(f"{name}.{key}", inner)
        elif isinstance(value, list):
            self.fields.setdefault(name, [])
            for inner in value:
                self.add(name, inner)
        else:
            self.fields.setdefault(name, []).append(value)
            self.all.append(value)


# --- rules ---


def fits(want, have):
    """Each of the three that want gives is have's too."""
    return all(str(want[k]).lower() == str((have or {}).get(k)).lower()
               for k in ("product", "category", "service") if want.get(k) is not None)


class Rule:
    def __init__(self, doc):
        self.id, self.name = str(doc.get("id", "")), doc.get("name")
        self.title, self.level = str(doc["title"]), doc.get("level")
        self.silent = False
        if self.level is not None and self.level not in LEVELS:
            raise RuleError("unknown level")

    def is_called(self, reference):
        return reference in (self.id, self.name)


class Detection(Rule):
    def __init__(self, doc):
        super().__init__(doc)
        self.logsource = doc.get("logsource")
        if not isinstance(self.logsource, dict) or not self.logsource:
            raise RuleError("no logsource")
        if "detection" not in doc:
            raise RuleError("no detection")
        self.holds = searches(doc["detection"], ("condition", "timeframe"))

    def add_filter(self, condition):
        unfiltered = self.holds
        self.holds = lambda event: unfiltered(event) and not condition(event)


class Filter:
    def __init__(self, doc):
        section = doc["filter"]
        if "logsource" not in doc or "rules" not in section:
            raise RuleError("a filter without logsource or rules")
        self.logsource = doc["logsource"]
        rules = section["rules"]
        self.rules = None if rules in ("any", []) else rules if isinstance(rules, list) else [rules]
        self.holds = searches(section, ("condition", "rules"))

    def apply(self, rule):
        if fits(self.logsource, rule.logsource) and (
                self.rules is None or any(rule.is_called(r) for r in self.rules)):
            rule.add_filter(self.holds)


SPAN = {"s": 1, "m": 60, "h": 3600, "d": 86400}
TYPES = ("event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg",
         "value_percentile", "value_median")


def percentile(values, p):
    """Between two values, in proportion (as NumPy and percentile_cont of SQL; the spec is silent)."""
    values = sorted(values)
    at = p / 100 * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] * (1 - (at - low)) + values[high] * (at - low)


class Correlation(Rule):
    """Spec, correlation rules. The window ends with the newest event of the group."""

    def __init__(self, doc):
        super().__init__(doc)
        section = doc["correlation"]
        self.type = section.get("type")
        if self.type not in TYPES:
            raise RuleError("unknown type of correlation")
        span = re.fullmatch(r"(\d+)([smhd])", str(section.get("timespan")))
        if not span or int(span[1]) == 0:
            raise RuleError("timespan")
        self.span = int(span[1]) * SPAN[span[2]]
        self.generate = section.get("generate", doc.get("generate", False))
        group_by = section.get("group-by", [])
        self.group_by = group_by if isinstance(group_by, list) else [group_by]
        self.aliases = section.get("aliases", {})
        self.references = section.get("rules", [])
        if isinstance(self.references, str):
            self.references = [self.references]
        self.fields, self.percentile, self.bounds, self.expression = [], 50, [], None
        self.condition(section.get("condition"))
        if not self.references:
            raise RuleError("a correlation of no rules")
        self.groups = {}
        self.last = None  # time of the newest event of the window that was judged last

    def condition(self, given):
        temporal = self.type.startswith("temporal")
        if isinstance(given, str) and temporal:
            words = [w for w in re.findall(r"[^\s()]+", given) if w not in ("and", "or", "not")]
            self.references = self.references or list(dict.fromkeys(words))
            self.expression = Condition(
                given, self.references, lambda name: lambda seen: name in seen, False).holds
        elif given is None and temporal:
            self.bounds = [("gte", len(self.references))]
        elif isinstance(given, dict):
            given = dict(given)
            fields = given.pop("field", [])
            self.fields = fields if isinstance(fields, list) else [fields]
            self.percentile = given.pop("percentile", 50)
            self.bounds = list(given.items())
            if not self.bounds or any(op not in COMPARE or not is_number(n)
                                      for op, n in self.bounds):
                raise RuleError("condition of a correlation")
        else:
            raise RuleError("condition of a correlation")
        if self.type.startswith("value") and not self.fields:
            raise RuleError("no field to take values from")

    def link(self, rules):
        self.rules = []
        for reference in self.references:
            found = [r for r in rules if r.is_called(reference)]
            if len(found) != 1:
                raise RuleError(f"no single rule is called {reference!r}")
            self.rules.append(found[0])

    def key(self, rule, event):
        """The values that event is grouped by; None: one is missing, it does not count."""
        key = []
        for name in self.group_by:
            by_rule = self.aliases.get(name)
            if by_rule is not None:
                name = next((f for r, f in by_rule.items() if rule.is_called(r)), None)
            values = [v for v in event.fields.get(name, []) if v is not None]
            if not values:
                return None
            key.append(text_of(values[0]))
        return tuple(key)

    def value(self, event):
        """What the type takes from an event; None: it does not count."""
        if not self.fields:
            return True
        values = [next((v for v in event.fields.get(f, []) if v is not None), None)
                  for f in self.fields]
        if None in values:
            return None
        if self.type == "value_count":
            return tuple(map(text_of, values))
        return number_of(values[0])

    def feed(self, rule, event):
        """The event matched rule. The key of the group that it counts in; None: of none."""
        key, value = self.key(rule, event), self.value(event)
        if key is None or value is None or event.time is None:
            return None
        time = rule.last if isinstance(rule, Correlation) else event.time
        group = self.groups.setdefault(key, [])
        group.append((time, self.rules.index(rule), value, event))
        self.last = max(e[0] for e in group)
        group[:] = [e for e in group if e[0] >= self.last - self.span]
        return key if time >= self.last - self.span else None

    def judge(self, key):
        """Does the condition hold for the group?"""
        window = sorted(self.groups[key], key=lambda e: e[0])
        if self.type.startswith("temporal"):
            seen = {which for _, which, _, _ in window}
            if self.type == "temporal_ordered" and not self.ordered(window):
                return False
            if self.expression:
                return self.expression({self.references[i] for i in seen})
            measure = len(seen)
        else:
            values = [v for _, _, v, _ in window]
            measure = {
                "event_count": len,
                "value_count": lambda v: len(set(v)),
                "value_sum": sum,
                "value_avg": lambda v: sum(v) / len(v),
                "value_percentile": lambda v: percentile(v, self.percentile),
                "value_median": lambda v: percentile(v, 50),
            }[self.type](values)
        return all(COMPARE[op](measure, number) for op, number in self.bounds)

    def ordered(self, window):
        """One event stands at one place of the order, also if several rules match it; what a
        correlation makes of it is behind it."""
        step, used = 0, None
        for _, which, _, event in window:
            if which == step and (event is not used or isinstance(self.rules[which], Correlation)):
                step, used = step + 1, event
        return step == len(self.rules)


def merged(base, over):
    out = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if both else value
    return out


def documents(text):
    """The documents of a rule collection, its actions carried out."""
    common, previous = {}, {}
    for doc in yaml.load_all(text, Loader):
        if doc is None:
            continue
        if not isinstance(doc, dict):
            raise RuleError("a document that is not a map")
        doc = dict(doc)
        action = doc.pop("action", None)
        if action == "global":
            common = previous = doc
        elif action == "reset":
            common = {}
        elif action == "repeat":
            previous = merged(previous, doc)
            yield previous
        elif action is not None:
            raise RuleError("unknown action")
        elif "correlation" in doc or "filter" in doc:
            yield doc
        else:
            previous = merged(common, doc)
            yield previous


class Rules:
    def __init__(self, texts):
        self.rules, filters = [], []
        for text in texts:
            try:
                for doc in documents(text):
                    if "title" not in doc:
                        raise RuleError("no title")
                    if "filter" in doc:
                        filters.append(Filter(doc))
                    else:
                        self.rules.append((Correlation if "correlation" in doc else Detection)(doc))
            except (yaml.YAMLError, UnicodeDecodeError) as e:
                raise RuleError(str(e)) from None
        ids = [r.id for r in self.rules if r.id]
        if len(set(ids)) != len(ids):
            raise RuleError("duplicate id")
        self.link(filters)

    def link(self, filters):
        self.plain = [r for r in self.rules if isinstance(r, Detection)]
        for f in filters:
            for rule in self.plain:
                f.apply(rule)
        waiting = [r for r in self.rules if isinstance(r, Correlation)]
        for c in waiting:
            c.link(self.rules)
        used = {id(r) for c in waiting for r in c.rules}
        generated = {id(r) for c in waiting if c.generate for r in c.rules}
        for rule in self.rules:
            rule.silent = id(rule) in used - generated
        self.correlations = []  # what one refers to stands before it
        while waiting:
            ready = [c for c in waiting if not any(r in waiting for r in c.rules)]
            if not ready:
                raise RuleError("correlations that refer to each other")
            self.correlations += ready
            waiting = [c for c in waiting if c not in ready]

    def judge(self, event):
        """The rules that alert, in the order of loading; correlations after the others."""
        matched = [r for r in self.plain
                   if (event.logsource is None or fits(r.logsource, event.logsource))
                   and r.holds(event)]
        for c in self.correlations:
            keys = [c.feed(r, event) for r in matched if r in c.rules]
            if any(c.judge(key) for key in keys if key is not None):
                matched.append(c)
        return [r for r in matched if not r.silent]


def rule_files(paths):
    for path in paths:
        if os.path.isdir(path):
            yield from sorted(os.path.join(d, f) for d, _, files in os.walk(path) for f in files
                              if f.endswith((".yml", ".yaml")))
        else:
            yield path


def main(argv):
    if "--events" not in argv:
        print(__doc__, file=sys.stderr)
        return 64
    at = argv.index("--events")
    texts = []
    for path in rule_files(argv[:at] + argv[at + 2:]):
        with open(path, encoding="utf-8") as f:
            texts.append(f.read())
    rules = Rules(texts)
    with open(argv[at + 1], encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            matches = rules.judge(Event(json.loads(line)))
            print(json.dumps({"line": number, "matches": [
                {"id": r.id, "title": r.title, "level": r.level or ""} for r in matches]}))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RuleError as e:
        sys.exit(f"reference: {e}")
