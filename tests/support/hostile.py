"""Constraints that mean harm: too large, too deep, endless, senseless. Knows bodies, not what becomes of them."""

import json
import random
from collections.abc import Callable
from typing import Any

Fields = dict[str, Any]
LETTERS = "abcdefgh"


def hostile(seed: int) -> Fields:
    """What to put into a request's body."""
    dice = random.Random(seed)
    family = (_SCHEMAS, _SCHEMAS, _REGEXES, _GRAMMARS, _OTHERS)[seed % 5]
    made = dice.choice(family)(dice)
    if family is _SCHEMAS:
        return dice.choice(
            (
                {"structured_outputs": {"json": made}},
                {"guided_json": json.dumps(made)},
                {
                    "response_format": {
                        "type": "json_schema",
                        "json_schema": {"name": "h", "schema": made},
                    }
                },
            )
        )
    if family is _REGEXES:
        return {"guided_regex": made}
    return {"guided_grammar": made} if family is _GRAMMARS else made


def hostile_schema(dice: random.Random) -> Any:
    return dice.choice(_SCHEMAS)(dice)


def _count(dice: random.Random, most: int) -> int:
    """Of any order of magnitude."""
    return int(10 ** (dice.random() * len(str(most)))) % most + 1


def _word(dice: random.Random) -> str:
    return "".join(dice.choices(LETTERS, k=dice.randint(1, 8)))


# ---- schemas


def _chain(dice: random.Random) -> Any:
    count, wrap = _count(dice, 6000), dice.choice(("ref", "property", "twice", "cycle"))
    return {"$ref": "#/$defs/d0", "$defs": {f"d{i}": _link(i, count, wrap) for i in range(count)}}


def _link(i: int, count: int, wrap: str) -> Any:
    following = {"$ref": f"#/$defs/d{i + 1}"}
    if i == count - 1:
        return {"$ref": "#/$defs/d0"} if wrap == "cycle" else {"type": "null"}
    if wrap == "property":
        return {"type": "object", "properties": {"a": following}, "required": ["a"]}
    return {"allOf": [following, following]} if wrap == "twice" else following


def _deep(dice: random.Random) -> Any:
    schema: Any = {"type": "integer"}
    for _ in range(dice.choice((20, 60, 63, 70, 300))):
        schema = dice.choice(
            (
                {"items": schema},
                {"properties": {"a": schema}},
                {"anyOf": [schema, {"type": "null"}]},
            )
        )
    return schema


def _wide(dice: random.Random) -> Any:
    names = [f"{_word(dice)}{i}" for i in range(_count(dice, 5000))]
    required = dice.choice(([], names, names[: len(names) // 2]))
    return {
        "type": "object",
        "properties": {n: {"type": "string"} for n in names},
        "required": required,
    }


def _enumerated(dice: random.Random) -> Any:
    values = [
        dice.choice((f"{_word(dice)}{i}", i, [i], {"a": i})) for i in range(_count(dice, 9000))
    ]
    return {"enum": values}


def _products(dice: random.Random) -> Any:
    sides = dice.randint(2, 9)
    parts = [
        {
            "anyOf": [
                {"properties": {f"p{i}{k}": {"const": k}}, "required": [f"p{i}{k}"]}
                for k in range(sides)
            ]
        }
        for i in range(dice.randint(2, 12))
    ]
    return {"type": "object", dice.choice(("allOf", "anyOf", "oneOf")): parts}


def _counted(dice: random.Random) -> Any:
    low, high = _count(dice, 10**9), _count(dice, 10**9)
    return dice.choice(
        (
            {"type": "string", "minLength": low, "maxLength": high},
            {"type": "array", "items": {"type": "boolean"}, "minItems": low, "maxItems": high},
            {"type": "object", "minProperties": low, "maxProperties": high},
            {"type": "integer", "multipleOf": low},
            {
                "type": "number",
                "multipleOf": 10.0 ** -dice.randint(0, 30),
                "minimum": -low,
                "maximum": high,
            },
            {
                "type": "number",
                "minimum": -(10.0 ** dice.randint(0, 300)),
                "maximum": 10.0 ** dice.randint(0, 300),
            },
            {
                "type": "string",
                "pattern": _regex(dice),
                "minLength": low % 500,
                "maxLength": high % 5000,
            },
        )
    )


def _patterned(dice: random.Random) -> Any:
    patterns = {_regex(dice): {"type": "integer"} for _ in range(dice.randint(1, 30))}
    return {
        "type": "object",
        "patternProperties": patterns,
        "additionalProperties": dice.random() < 0.5,
    }


def _senseless(dice: random.Random) -> Any:
    keywords = (
        "type", "properties", "items", "required", "minLength", "pattern", "format", "enum", "anyOf", "allOf",
        "not", "if", "then", "contains", "uniqueItems", "propertyNames", "dependentRequired", "$ref", "$dynamicRef",
        "$id", "prefixItems", "additionalProperties", "unevaluatedItems", "x-guidance", "const", "multipleOf",
    )  # fmt: skip
    values: tuple[Any, ...] = (
        "string", "object", "array", 3, -1, 0, 1e308, True, False, None, [], {}, "", ["a"], {"a": 3}, [{}], "#", "#/x",
        "http://localhost/x", {"lenient": True}, ["string", "object"], "(", "uuid", {"a": {"type": "array"}},
    )  # fmt: skip
    return {dice.choice(keywords): dice.choice(values) for _ in range(dice.randint(1, 6))}


# ---- regexes


def _regex(dice: random.Random) -> str:
    return dice.choice(_REGEXES)(dice)


def _nested(dice: random.Random) -> str:
    depth = _count(dice, 8000)
    return "(" * depth + "a" + ")" * dice.choice((depth, depth, depth - 1))


def _repeated(dice: random.Random) -> str:
    text = dice.choice(("a", "[a-z]", r"\p{L}", ".", r"\w", "(a|b)"))
    for _ in range(dice.randint(1, 4)):
        text = f"({text}{{{_count(dice, 2000)},{dice.choice(('', _count(dice, 3000)))}}})"
    return text


def _catastrophic(dice: random.Random) -> str:
    part = dice.choice(
        ("(a+)+", "(a|a)*", "(.*a){20}", "(a?){50}a{50}", f"(a|b)*a(a|b){{{_count(dice, 3000)}}}")
    )
    return part * dice.randint(1, 30) + dice.choice(("", "$", "c"))


def _alternatives(dice: random.Random) -> str:
    return "|".join(_word(dice) * dice.randint(1, 3) for _ in range(_count(dice, 3000)))[:32000]


def _garbage(dice: random.Random) -> str:
    return "".join(
        dice.choices('ab()[]{}|*+?.^$\\/-,0123456789pPxud<>:=!é\n"', k=dice.randint(1, 60))
    )


def _classes(dice: random.Random) -> str:
    names = (
        r"\p{Han}",
        r"\p{L}",
        r"\P{N}",
        r"[^\s\S]",
        r"[\w--\d]",
        r"(?i)\p{Lu}",
        r"\X",
        r"\b",
        r"(?<a>b)",
        r"(?!a)",
    )
    return "".join(dice.choices(names, k=dice.randint(1, 40))) + dice.choice(("", "*", "{300}"))


# ---- grammars


def _rules(dice: random.Random) -> str:
    count, name = _count(dice, 6000), dice.choice("rR")
    body = dice.choice(
        ("{0}{1}", "{0}{1} {0}{1}", "{0}{1} | {0}{1}", '"a" {0}{1}', "{0}{1}*", "{0}{1}? {0}{1}")
    )
    lines = [f"{name}{i}: " + body.format(name, i + 1) for i in range(count)]
    return "\n".join([f"start: {name}0", *lines, f'{name}{count}: "x"'])[:200_000]


def _recursive(dice: random.Random) -> str:
    return dice.choice(
        (
            'start: start start | "a" |',
            "start: a\na: b\nb: a",
            'start: "a"? start "b"? | ',
            "start: (((A*)*)*)*\nA: /a*/",
            'start: "(" start ")" | start start',
            "start: A\nA: A A | /x/",
            'root ::= root root | "a"',
            'root ::= ("a"* )* root?',
        )
    )


def _extravagant(dice: random.Random) -> str:
    return dice.choice(
        (
            f'start: ("a" | "b"){{{_count(dice, 10**7)}}}',
            f'start: (("a"{{{_count(dice, 2000)}}}){{{_count(dice, 2000)}}}){{{_count(dice, 2000)}}}',
            "start: A\nA: ~/(a|b)*a(a|b){20}/ & /(a|b|c)*c(a|b|c){20}/",
            f"start: %json {json.dumps(dice.choice(_SCHEMAS)(dice))}",
            "start: %json {",
            "start: <|im_end|> <[0-3000]>",
            'start: a[max_tokens=5] "x"\na[stop=""]: /.*/',
            "%ignore /a*/\nstart: /b*/",
            "%import common.NUMBER\nstart: NUMBER",
            "start: @other",
            "start: " + "(" * _count(dice, 20000) + '"a"',
            "root ::= " + "(" * _count(dice, 3000) + '"a"' + ")" * _count(dice, 3000),
            "root ::= [^" + "a-z" * _count(dice, 2000) + "]{1000}",
            "start: /" + _regex(dice).replace("/", "") + "/",
            "".join(dice.choices('start:= ABab()[]{}"|*+?/%\n~&<>@#,.', k=200)),
        )
    )


# ---- others


def _choices(dice: random.Random) -> Fields:
    return {"guided_choice": [_word(dice) * dice.randint(1, 20) for _ in range(_count(dice, 9000))]}


def _tags(dice: random.Random) -> Fields:
    schema = dice.choice(_SCHEMAS)(dice)
    tags = [
        {"begin": f"<{_word(dice)}>", "schema": schema, "end": "</>"}
        for _ in range(dice.randint(0, 30))
    ]
    triggers = [dice.choice(("<", "", "<a", "<b"))] * dice.randint(0, 3)
    return {
        "structured_outputs": {"structural_tag": {"structures": tags[:8], "triggers": triggers}}
    }


def _wild_format(dice: random.Random) -> Fields:
    node: Any = {"type": "any_text"}
    for _ in range(dice.randint(1, 25)):
        node = dice.choice(
            (
                {"type": "sequence", "elements": [node, node]},
                {"type": "or", "elements": [node]},
                {"type": "tag", "begin": "(", "content": node, "end": ")"},
                {"type": "nope"},
                {"type": "regex", "pattern": _regex(dice)},
            )
        )
        if len(json.dumps(node)) > 50_000:
            break
    return {"structured_outputs": {"structural_tag": {"format": node}}}


def _confused(dice: random.Random) -> Fields:
    return dice.choice(
        (
            {"structured_outputs": {}},
            {"structured_outputs": {"json": {}, "regex": "a"}},
            {"structured_outputs": {"json": {}, "whitespace_pattern": _regex(dice)}},
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"schema": _senseless(dice)},
                }
            },
            {"response_format": {"type": _word(dice)}},
            {"guided_json": "[" * 100_000},
            {"guided_json": True, "guided_regex": ""},
            {"guided_choice": [""] * 20},
            {"guided_regex": "a" * 40_000},
            {"guided_grammar": " " * 100},
        )
    )


_SCHEMAS: tuple[Callable[[random.Random], Any], ...] = (
    _chain, _deep, _wide, _enumerated, _products, _counted, _counted, _patterned, _senseless, _senseless,
)  # fmt: skip
_REGEXES: tuple[Callable[[random.Random], str], ...] = (
    _nested, _repeated, _catastrophic, _alternatives, _garbage, _classes,
)  # fmt: skip
_GRAMMARS: tuple[Callable[[random.Random], str], ...] = (_rules, _recursive, _extravagant)
_OTHERS: tuple[Callable[[random.Random], Fields], ...] = (_choices, _tags, _wild_format, _confused)
