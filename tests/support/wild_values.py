"""Values that no field is meant to have, and JSON that Python would not write. Knows no field."""

import json
import random
from collections.abc import Callable
from typing import Any

_RAW = {
    "<nan>": "NaN",
    "<inf>": "-Infinity",
    "<digits>": "9" * 5000,
    "<exponent>": "1e" + "9" * 400,
    "<fraction>": "0." + "0" * 3000 + "1",
    "<deep list>": "[" * 20000 + "]" * 20000,
    "<deep object>": '{"a":' * 20000 + "1" + "}" * 20000,
    "<open>": "[" * 100000,
    "<twice>": '{"a": 1, "a": [2], "a": {}}',
    "<escape>": '"\\ud800"',
    "<bad escape>": '"\\x"',
}


def _raw(dice: random.Random) -> Any:
    """What Python's json does not write."""
    return dice.choice(list(_RAW))


def _number(dice: random.Random) -> Any:
    power = dice.choice((0, 1, 7, 15, 31, 32, 53, 63, 64, 100, 1000))
    whole = dice.choice((-1, 1)) * 2**power + dice.choice((-1, 0, 1))
    return dice.choice((whole, whole, float(whole) / 3 if power < 1000 else whole, -0.0, 1e-320))


def _scalar(dice: random.Random) -> Any:
    return dice.choice((None, True, False, "", "0", "1.5", "nan", "true", 0, -1, 1, 0.5))


def _text(dice: random.Random) -> Any:
    piece = dice.choice(
        (
            "a",
            "\0",
            "\ud800",
            "é",
            "世",
            "\u202e",
            "🧑‍🚀",
            "<|im_end|>",
            "{{ x }}",
            "{% for %}",
            "' \" \\ \n",
        )
    )
    return piece * dice.choice((1, 1, 3, 50, 1000, 30000))


def _giant(dice: random.Random) -> Any:
    return dice.choice("ab \n{") * dice.choice((100_000, 100_000, 1_000_000, 3_000_000))


def _list(dice: random.Random) -> Any:
    return [_scalar(dice) for _ in range(dice.choice((0, 1, 3, 100)))]


def _long_list(dice: random.Random) -> Any:
    item = dice.choice((1, -1, "a", "", None, [], {}, [1], {"role": "user", "content": "a"}))
    return [item] * dice.choice((1025, 5000, 20_000, 100_000))


def _object(dice: random.Random) -> Any:
    keys = dice.choice(
        (["type"], ["type", "function"], ["a", "b"], ["json"], ["", "\0"], ["1", "x"])
    )
    return {key: dice.choice((_scalar, _number, _text, _list))(dice) for key in keys}


def _wide_object(dice: random.Random) -> Any:
    return {f"k{i}": i for i in range(dice.choice((300, 5000, 50_000)))}


def _nested(dice: random.Random) -> Any:
    value: Any = _scalar(dice)
    for _ in range(dice.choice((3, 60, 70, 400))):
        value = {"a": value} if dice.random() < 0.5 else [value]
    return value


VALUES: tuple[Callable[[random.Random], Any], ...] = (
    _raw, _number, _number, _scalar, _scalar, _text, _text, _giant, _list, _long_list, _object,
    _object, _wide_object, _nested,
)  # fmt: skip


def written(body: dict[str, Any]) -> bytes:
    """Lone surrogates go out as bytes that are no UTF-8; what stands for raw JSON, as it is."""
    text = json.dumps(body, ensure_ascii=False)
    if len(text) < 100_000:
        for name, raw in _RAW.items():
            text = text.replace(f'"{name}"', raw)
    return text.encode("utf-8", "surrogatepass")
