"""The world a chat template runs in: what transformers gives it, within bounds. Knows no messages.

Templates come from checkpoints, and from requests where the operator allows it, so they are not trusted:
they see plain data, cannot reach Python's internals, and cannot build what would not fit in a prompt.
How long they may run is not bounded here.
"""

import json
from datetime import datetime
from typing import Any

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.parser import Parser
from jinja2.runtime import Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

MAX_CHARS = 1 << 25
"""No string that a template builds may be longer, the result included."""


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja as chat templates expect it."""

    intercepted_binops = frozenset(("*", "**", "%", "+"))

    def __init__(self) -> None:
        extensions: list[str | type[jinja2.ext.Extension]] = [Generation, jinja2.ext.loopcontrols]
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=extensions)
        self.filters["tojson"] = _to_json
        self.globals["raise_exception"] = _raise_exception
        self.globals["strftime_now"] = _strftime_now
        self.globals["dict"] = _PlainDict()
        self.globals["namespace"] = _PlainNamespace

    def call_binop(
        self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any
    ) -> Any:
        if _size_of_result(operator, left, right) > MAX_CHARS:
            raise jinja2.exceptions.SecurityError(f"the result of {operator!r} would be too large")
        return super().call_binop(context, operator, left, right)


class Generation(jinja2.ext.Extension):
    """`{% generation %}` marks the assistant's own words for training; when serving it changes nothing."""

    tags = {"generation"}  # noqa: RUF012  Jinja declares it so

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        call = self.call_method("_as_written")
        return nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _as_written(self, caller: Macro) -> str:
        return caller()


class _PlainDict:
    """`dict(...)` in a template, without the attributes of the type."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


class _PlainNamespace(Namespace):
    """`namespace(...)` that refuses names starting with an underscore."""

    def __init__(*args: Any, **kwargs: Any) -> None:  # so that namespace(self=...) works
        attributes = dict(*args[1:], **kwargs)
        for name in attributes:
            _refuse_private(name)
        Namespace.__init__(args[0], attributes)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_private(name)
        super().__setitem__(name, value)


def _refuse_private(name: str) -> None:
    if name.startswith("_"):
        raise jinja2.exceptions.SecurityError(f"a namespace holds no private names, got {name!r}")


def _size_of_result(operator: str, left: Any, right: Any) -> int:
    """An upper bound for what may grow, 0 for what cannot."""
    match operator, left, right:
        case "+", str() | list(), str() | list():
            return len(left) + len(right)
        case "*", str() | list() | tuple(), int():
            return len(left) * right
        case "*", int(), str() | list() | tuple():
            return left * len(right)
        case "**", int(), int():
            return left.bit_length() * right
        case "%", str(), _:
            return _width_of_format(left)
        case _:
            return 0


def _width_of_format(pattern: str) -> int:
    """The largest number written in `'%100d' % x`."""
    digits = "".join(char if char.isdecimal() else " " for char in pattern)
    return max((int(number[:12]) for number in digits.split()), default=0)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Unlike Jinja's own, escapes no HTML."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _raise_exception(message: str) -> None:
    raise jinja2.exceptions.TemplateError(message)


def _strftime_now(format: str) -> str:
    return datetime.now().strftime(format)
