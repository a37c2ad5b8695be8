# SPDX-License-Identifier: Apache-2.0
"""Events made from rules: what they look for, and what is nearly that."""
import base64
import ipaddress
import json
import random
import re
import re._constants as sre
import re._parser as sre_parser

import reference

FILL = ("", "x", "/", "ab", "\n", "é", "-", "*", "  ")
LETTERS = "abcxyz019_-/. \\AÉσ"


def text_for_pattern(rng, text):
    """A text that the pattern is of: wildcards filled in, escapes read."""
    out = []
    for token in reference.tokens_of(text):
        if token is reference.ANY:
            out.append(rng.choice(FILL))
        elif token is reference.ONE:
            out.append(rng.choice("x?é€/"))
        else:
            out.append(token)
    return "".join(out)


def text_for_regex(rng, pattern):
    """A text in which the regular expression is found, most often."""
    def one(op, arg):
        if op is sre.LITERAL:
            return chr(arg)
        if op is sre.NOT_LITERAL:
            return "y" if arg == ord("x") else "x"
        if op is sre.ANY:
            return rng.choice("x/é")
        if op is sre.IN:
            return member(arg)
        if op is sre.BRANCH:
            return many(rng.choice(arg[1]))
        if op is sre.SUBPATTERN:
            return many(arg[3])
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            low, high, inner = arg
            times = rng.randint(low, min(int(high), low + 2))
            return "".join(many(inner) for _ in range(times))
        return ""

    def member(choices):
        if choices[0][0] is sre.NEGATE:
            wrong = re.compile(pattern_of(choices))
            return next((c for c in "x0 /Z!\u00e9" if wrong.fullmatch(c)), "")
        op, arg = rng.choice(choices)
        if op is sre.RANGE:
            return chr(rng.randint(*arg))
        if op is sre.CATEGORY:
            return {sre.CATEGORY_DIGIT: "7", sre.CATEGORY_SPACE: " "}.get(arg, "w")
        return chr(arg) if op is sre.LITERAL else "x"

    def pattern_of(choices):
        inner = "".join(
            re.escape(chr(a)) if o is sre.LITERAL
            else f"{re.escape(chr(a[0]))}-{re.escape(chr(a[1]))}" if o is sre.RANGE
            else {sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_SPACE: r"\s",
                  sre.CATEGORY_WORD: r"\w"}.get(a, "") for o, a in choices[1:])
        return f"[^{inner}]" if inner else "."

    def many(parsed):
        return "".join(one(op, arg) for op, arg in parsed)

    try:
        return many(sre_parser.parse(pattern))
    except re.error:
        return "x"


def value_for(rng, modifiers, value):
    """A value for which FIELD|modifiers: value holds, most often."""
    has = set(modifiers)
    if value is None:
        return None
    if has & {"gt", "gte", "lt", "lte"} and not has & set(reference.TIME_PARTS):
        step = rng.choice((0, 1, 1, 2.5, 100))
        number = value + step if has & {"gt", "gte"} else value - step
        return rng.choice((number, str(number)))
    if has & set(reference.TIME_PARTS):
        return f"2025-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T" \
               f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:00Z"
    if "cidr" in has:
        network = ipaddress.ip_network(value, strict=False)
        return str(network[rng.randrange(min(network.num_addresses, 1 << 60))])
    if "re" in has:
        text = text_for_regex(rng, str(value))
        return rng.choice((text, "zz" + text, text + "zz"))
    if isinstance(value, (bool, int, float)):
        return rng.choice((value, reference.text_of(value)))
    text = text_for_pattern(rng, value)
    for modifier in modifiers:
        if modifier in reference.ENCODINGS:
            mark = b"\xff\xfe" if modifier == "utf16" else b""
            text = (mark + text.encode(reference.ENCODINGS[modifier])).decode("utf-8", "ignore")
        elif modifier in ("base64", "base64offset"):
            pad = rng.choice(("", "q", "qr", "qrs")) if modifier == "base64offset" else ""
            text = base64.b64encode((pad + text + pad).encode("utf-8", "ignore")).decode()
        elif modifier == "windash":
            text = re.sub("-", lambda m: rng.choice(reference.DASHES), text)
    if not has & {"cased", "base64", "base64offset"} and rng.random() < .5:
        text = rng.choice((str.upper, str.lower, str.swapcase))(text) if text.isascii() else \
            "".join(c.swapcase() if len(c.swapcase()) == 1 else c for c in text)
    before = has & {"contains", "endswith"} and rng.choice(FILL) or ""
    after = has & {"contains", "startswith"} and rng.choice(FILL) or ""
    return before + text + after


def spoiled(rng, value):
    """Nearly the value."""
    if not isinstance(value, str) or not value:
        return rng.choice((None, "", 0, "x", False, -1))
    at = rng.randrange(len(value))
    return rng.choice((
        value[:at] + value[at + 1:], value[:at] + rng.choice(LETTERS) + value[at:],
        value[:at] + rng.choice(LETTERS) + value[at + 1:], value.swapcase(), value + "\n",
        " " + value, value[::-1], value[at:]))


def put(event, field, value):
    """A second value of a field makes an array of it."""
    if field in event:
        have = event[field] if isinstance(event[field], list) else [event[field]]
        event[field] = [*have, value]
    else:
        event[field] = value


def fill(rng, event, definition):
    """Puts into the event what the definition of a search identifier looks for."""
    if isinstance(definition, dict):
        for key, values in definition.items():
            field, *modifiers = str(key).split("|")
            values = values if isinstance(values, list) else [values]
            if "exists" in modifiers:
                if values[0]:
                    put(event, field, rng.choice(("x", "", None)))
            elif "fieldref" in modifiers:
                other = rng.choice(("same", "Same", 5))
                put(event, field, other)
                put(event, values[0], other)
            elif "all" in modifiers and "contains" in modifiers:
                put(event, field or "Text", " ".join(
                    str(value_for(rng, modifiers, v)) for v in values))
            else:
                put(event, field or "Text", value_for(rng, modifiers, rng.choice(values)))
    elif isinstance(definition, list):
        fill(rng, event, rng.choice(definition))
    elif definition is not None:
        put(event, "Text", value_for(rng, ["contains"], definition))


def derived(rng, detection):
    """An event from a rule's detection: some of its identifiers, perhaps one value spoiled."""
    event = {}
    names = [n for n in detection if n not in ("condition", "timeframe")]
    for name in names:
        if len(names) == 1 or rng.random() < (.15 if "filter" in name else .8):
            fill(rng, event, detection[name])
    if event and rng.random() < .4:
        field = rng.choice(list(event))
        if rng.random() < .3:
            del event[field]
        elif not isinstance(event[field], list):
            event[field] = spoiled(rng, event[field])
    for field, value in list(event.items()):  # what a path is, as objects
        head, _, rest = field.partition(".")
        if rest and head not in event and rng.random() < .5:
            event[head] = {rest: event.pop(field)}
    return json.loads(json.dumps(event).encode().decode("utf-8", "replace"))
