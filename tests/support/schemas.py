"""JSON schemas drawn at random, of what can be enforced. Bounded, so that random answers to them end.

So there are no numbers of endless digits among them, which a model must know itself when to end.
"""

import random
from typing import Any

Schema = dict[str, Any]
WORDS = ("name", "city", "x", "größe", 'a"b', "date_of_birth", "n°", "items", "tags", "空")


def random_schema(seed: int, size: int = 3) -> Schema:
    """`size` is about how deep it nests; the root is an object."""
    dice = random.Random(seed)
    schema = _object(dice, size)
    if dice.random() < 0.3:
        schema["properties"]["shared"] = {"$ref": "#/$defs/shared"}
        schema["$defs"] = {"shared": _any(dice, 1)}
    return schema


def _any(dice: random.Random, size: int) -> Schema:
    simple = (_string, _integer, _enum, _constant, _null)
    nested = (_object, _array, _any_of)
    return dice.choice(simple if size <= 0 else (*simple, *nested, *nested))(dice, size - 1)


def _object(dice: random.Random, size: int) -> Schema:
    names = dice.sample(WORDS, dice.randint(1, 4))
    schema: Schema = {
        "type": "object",
        "properties": {name: _any(dice, size) for name in names},
        "required": dice.sample(names, dice.randint(0, len(names))),
        "additionalProperties": False,
    }
    if dice.random() < 0.3:
        schema["required"] = names
    return schema


def _array(dice: random.Random, size: int) -> Schema:
    least = dice.randint(0, 2)
    schema: Schema = {
        "type": "array",
        "minItems": least,
        "maxItems": least + dice.randint(0, 3),
        "items": _any(dice, size),
    }
    if dice.random() < 0.2:
        schema["prefixItems"] = [_any(dice, 0)]
    return schema


def _any_of(dice: random.Random, size: int) -> Schema:
    return {"anyOf": [_any(dice, size - 1) for _ in range(dice.randint(2, 3))]}


def _string(dice: random.Random, size: int) -> Schema:
    kinds: list[Schema] = [
        {"minLength": dice.randint(0, 3), "maxLength": dice.randint(3, 12)},
        {"pattern": "^[a-z]{2,8}(-[0-9]{1,3})?$"},
        {"pattern": "^(red|green|blue)$"},
        {"format": dice.choice(("date", "uuid", "ipv4"))},
    ]
    return {"type": "string"} | dice.choice(kinds)


def _integer(dice: random.Random, size: int) -> Schema:
    least = dice.randint(-1000, 1000)
    schema: Schema = {"type": "integer", "minimum": least, "maximum": least + dice.randint(0, 5000)}
    return schema | ({"multipleOf": 1} if dice.random() < 0.2 else {})


def _enum(dice: random.Random, size: int) -> Schema:
    values: list[Any] = ["a", "b c", 'qu"ote', "naïve\n", 1, -2.5, True, None, ["x", 1], {"k": []}]
    return {"enum": dice.sample(values, dice.randint(1, 5))}


def _constant(dice: random.Random, size: int) -> Schema:
    return {"const": dice.choice(["fixed", 7, False, None, {"deep": [1, {"er": ""}]}])}


def _null(dice: random.Random, size: int) -> Schema:
    return {"type": dice.choice(("null", "boolean"))}
