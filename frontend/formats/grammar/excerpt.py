"""A part of a schema with what its references need, so that it can stand alone. Compiles nothing."""

from typing import Any
from urllib.parse import unquote

_MISSING = object()


def excerpt(part: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The part itself, if it refers to nothing."""
    found = _Excerpt(root)
    moved = found.moved(part)
    definitions = found.definitions()
    return {**moved, "$defs": definitions} if definitions else part


class _Excerpt:
    """Gives what is referred to new names, in the order in which it is met."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._targets: list[Any] = []
        self._names: dict[str, str] = {}

    def moved(self, value: Any) -> Any:
        """The same, with references to where their targets lie now."""
        if isinstance(value, list):
            return [self.moved(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {
            key: self._name(each) if key == "$ref" and isinstance(each, str) else self.moved(each)
            for key, each in value.items()
        }

    def definitions(self) -> dict[str, Any]:
        """Of all that was met, and of all that is met in these."""
        return {str(number): self.moved(target) for number, target in enumerate(self._targets)}

    def _name(self, reference: str) -> str:
        """What leads nowhere stays: whoever compiles the schema says so."""
        if reference not in self._names:
            target = _target(self._root, reference)
            is_found = target is not _MISSING
            self._names[reference] = f"#/$defs/{len(self._targets)}" if is_found else reference
            self._targets += [target] * is_found
        return self._names[reference]


def _target(root: Any, reference: str) -> Any:
    if reference != "#" and not reference.startswith("#/"):
        return _MISSING
    for part in unquote(reference).split("/")[1:]:
        root = _member(root, part.replace("~1", "/").replace("~0", "~"))
    return root


def _member(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key, _MISSING)
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    return _MISSING
