"""The world a chat template runs in: what transformers gives it, within bounds. Knows no messages.

Templates come from checkpoints, and from requests where the operator allows it, so they are not trusted:
they see plain data, cannot reach Python's internals, cannot build what would not fit in a prompt, and
loops and macros look at the clock. What a single operation does in C is not interrupted: `render_process`
is for templates that might mean harm.
"""

import functools
import json
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from types import BuiltinMethodType, MethodType
from typing import Any

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.parser import Parser
from jinja2.runtime import Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from penstock.frontend.text import template_bounds
from penstock.frontend.text.template_clock import Clock
from penstock.frontend.text.template_code import BoundedCode
from penstock.frontend.text.template_lists import CHANGES, ListContext

_METHODS = (BuiltinMethodType, MethodType)


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja as chat templates expect it; `clock` says how long what is compiled in it may run.

    Its methods repeat the few lines that those they override would be asked for: templates pass here often.
    """

    intercepted_binops = frozenset(("*", "**", "%", "+"))
    code_generator_class = BoundedCode
    context_class = ListContext
    now = staticmethod(time.monotonic)

    def __init__(self) -> None:
        extensions: list[str | type[jinja2.ext.Extension]] = [Generation, jinja2.ext.loopcontrols]
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=extensions)
        self.clock = Clock()
        self.filters["tojson"] = _to_json
        self.filters |= {
            name: _bounded(name, self.filters[name]) for name in template_bounds.FILTERS
        }
        self.globals["raise_exception"] = _raise_exception
        self.globals["strftime_now"] = _strftime_now
        self.globals["dict"] = _PlainDict()
        self.globals["namespace"] = _PlainNamespace

    def concat(self, pieces: Iterable[str]) -> str:
        """Blocks, macros and `~`; not the whole, which is counted as it comes."""
        texts = pieces if isinstance(pieces, list) else list(pieces)
        _refuse_over(sum(map(len, texts)), "a text")
        return "".join(texts)

    def call_binop(
        self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any
    ) -> Any:
        if operator == "+" and type(left) is type(right) is str:
            _refuse_over(len(left) + len(right), "'+'")
            return left + right
        _refuse_over(template_bounds.of_operation(operator, left, right), repr(operator))
        return super().call_binop(context, operator, left, right)

    def call(
        __self,  # noqa: N805  a template may call with keywords of any name
        __context: jinja2.runtime.Context,
        __obj: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        if type(__obj) is BuiltinMethodType:
            if type(__obj.__self__) is list and __obj.__name__ in CHANGES:
                assert isinstance(__context, ListContext)
                __context.change(__obj.__self__, args)
            _refuse_over(template_bounds.of_call(__obj, args, kwargs), __obj.__name__)
        if not __self.is_safe_callable(__obj):
            raise jinja2.exceptions.SecurityError(f"{__obj!r} is not safely callable")
        return __context.call(__obj, *args, **kwargs)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Also where it would change a list: whose it is shows when it is called."""
        if type(obj) is list and attr in CHANGES:
            return True
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        if type(value) not in _METHODS or value.__name__ not in ("format", "format_map"):
            return None
        format_safely = super().wrap_str_format(value)
        if format_safely is None:
            return None

        def bounded(*args: Any, **kwargs: Any) -> str:
            _refuse_over(template_bounds.of_format(value.__self__, args, kwargs), "format")
            return format_safely(*args, **kwargs)

        return bounded


def _bounded(name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    """Jinja finds by attributes of a filter what it wants first; those stay."""
    num_passed = int(hasattr(own, "jinja_pass_arg"))

    estimate = template_bounds.FILTERS[name]

    @functools.wraps(own)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        value, *given = args[num_passed:]
        _refuse_over(estimate(value, given, kwargs), name)
        return own(*args, **kwargs)

    return bounded


def _refuse_over(size: int, what: str) -> None:
    if size > template_bounds.MAX_CHARS:
        raise jinja2.exceptions.SecurityError(f"the result of {what} would be too large")


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


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Unlike Jinja's own, escapes no HTML."""
    if indent is not None:
        _refuse_over(template_bounds.of_width(indent), "tojson")
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
