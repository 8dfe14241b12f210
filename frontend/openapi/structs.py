"""All structs that types are made of. Knows msgspec's view of a type, not what is done with it."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import inspect


def structs_in(kinds: Iterable[Any]) -> dict[str, inspect.StructType]:
    """By name. Two of one name would be one in a description, so none are."""
    found: dict[str, inspect.StructType] = {}
    waiting = [inspect.type_info(kind) for kind in kinds]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, inspect.StructType):
            known = found.setdefault(kind.cls.__name__, kind)
            assert known.cls is kind.cls, f"two structs are called {kind.cls.__name__}"
            if known is not kind:
                continue
        waiting += _parts(kind)
    return found


def _parts(kind: inspect.Type) -> Iterator[inspect.Type]:
    match kind:
        case inspect.StructType(fields=fields):
            yield from (field.type for field in fields)
        case inspect.UnionType(types=types):
            yield from types
        case inspect.ListType(item_type=item):
            yield item
        case inspect.DictType(key_type=key, value_type=value):
            yield from (key, value)
        case inspect.Metadata(type=inner):
            yield inner
        case _:
            return


def may_be_absent(field: inspect.Field) -> bool:
    """Of an answer: what is UNSET is left out, everything else is there."""
    nothing = field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
    return not field.required and nothing
