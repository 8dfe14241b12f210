"""How large the result of one operation of a template may grow, judged before it is made. Knows no Jinja.

An estimate is a number of characters (items count for several, as they weigh more), and an upper bound. What
cannot grow beyond its operands is 0.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_CHARS = 1 << 25
"""No string that a template builds may be longer, the result included."""
MAX_WIDTH = 1 << 16
"""No padding, indentation or number of columns may be larger."""
CHARS_PER_ITEM = 8
_CHARS_PER_BIT = 32
"""Numbers take time as well: those of more than 2**20 bits are refused."""

Estimate = Callable[..., int]
_TOO_LARGE = MAX_CHARS + 1


def of_operation(operator: str, left: Any, right: Any) -> int:
    """`left operator right`."""
    match operator, left, right:
        case "+", str(), str():
            return len(left) + len(right)
        case "+", list() | tuple(), list() | tuple():
            return (len(left) + len(right)) * CHARS_PER_ITEM
        case "*", int(), int():
            return (left.bit_length() + right.bit_length()) * _CHARS_PER_BIT
        case "*", Sequence(), int():
            return _size(left) * right
        case "*", int(), Sequence():
            return left * _size(right)
        case "**", int(), int():
            return left.bit_length() * right * _CHARS_PER_BIT
        case "%", str() | bytes(), _:
            return _formatted(left, right)
        case _:
            return 0


def of_call(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """A method of a string, as far as it may return a longer one."""
    estimate = _METHODS.get(function.__name__)
    if estimate is None or not isinstance(text := function.__self__, str | bytes):
        return 0
    return estimate(text, args, kwargs)


def of_width(width: object) -> int:
    """What pads or indents by it."""
    return _TOO_LARGE if isinstance(width, int) and width > MAX_WIDTH else 0


def _careful(estimate: Estimate) -> Estimate:
    """What is called wrongly fails by itself."""

    def careful(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
        try:
            return estimate(text, args, kwargs)
        except (TypeError, ValueError, IndexError, AttributeError):
            return 0

    return careful


def _size(value: Sequence[Any]) -> int:
    """Of lists in lists all items count: they are shared until somebody walks through them."""
    if isinstance(value, str | bytes):
        return len(value)
    return _num_items(value, _TOO_LARGE // CHARS_PER_ITEM) * CHARS_PER_ITEM


def _num_items(value: Sequence[Any], most: int) -> int:
    """Counts to `most`, and then no further."""
    num, inner = len(value), [item for item in value if isinstance(item, list | tuple)]
    while inner and num <= most:
        items = inner.pop()
        num += len(items)
        inner += [item for item in items if isinstance(item, list | tuple)]
    return num


def _padded(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """Its numbers are widths."""
    return max(map(of_width, (*args, *kwargs.values())), default=0)


@_careful
def _tabs(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """Every tab as wide as it may be."""
    num_tabs = text.count("\t") if isinstance(text, str) else text.count(b"\t")
    width = max((value for value in (*args, *kwargs.values()) if isinstance(value, int)), default=8)
    return int(num_tabs) * width


@_careful
def _indented(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    width = kwargs.get("width", args[0] if args else 4)
    size = width if isinstance(width, int) else len(width)
    return len(text) + (int(text.count("\n")) + 1) * size


@_careful
def _replaced(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    text = text if isinstance(text, bytes) else str(text)
    operands: tuple[Any, ...] = (*args, kwargs.get("old"), kwargs.get("new"))
    return len(text) + int(text.count(operands[0])) * len(operands[1])


def _joined(separator: Any, items: Any) -> int:
    if not isinstance(items, list | tuple | dict | str):
        return 0
    own = sum(len(item) for item in items if isinstance(item, str | bytes))
    return own + len(items) * len(separator)


@_careful
def _join_method(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    return _joined(text, args[0])


@_careful
def _join_filter(value: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    return _joined(kwargs.get("d", args[0] if args else ""), value)


@_careful
def _translated(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    table = args[0]
    values = table.values() if isinstance(table, dict) else ()
    return len(text) * max((len(v) for v in values if isinstance(v, str)), default=1)


@_careful
def _format_filter(value: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    return _formatted(str(value), kwargs or tuple(args))


def of_format(pattern: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """`'{:100}'.format(...)`; a width that is an argument itself counts too."""
    values = (*args, *kwargs.values())
    return _widths(pattern, values, pattern.count("{") > 1, repeats=pattern.count("{"))


def _formatted(pattern: str | bytes, value: Any) -> int:
    """`'%100d' % value`; `%*d` takes its width from the values."""
    text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    if isinstance(value, Mapping):
        return _widths(text, tuple(value.values()), "*" in text, repeats=text.count("%"))
    return _widths(text, value if isinstance(value, tuple) else (value,), "*" in text)


def _widths(pattern: str, values: Sequence[Any], takes_widths: bool, repeats: int = 1) -> int:
    """The numbers written in the pattern, those it may take from the values, and the texts among these."""
    digits = "".join(char if "0" <= char <= "9" else " " for char in pattern)
    written = sum(int(number[:12]) for number in digits.split())
    taken = sum(v for v in values if isinstance(v, int) and v > MAX_WIDTH) if takes_widths else 0
    own = sum(len(v) for v in values if isinstance(v, str))
    return len(pattern) + written + taken + own * repeats


_METHODS: dict[str, Estimate] = {
    "center": _padded,
    "ljust": _padded,
    "rjust": _padded,
    "zfill": _padded,
    "expandtabs": _tabs,
    "replace": _replaced,
    "join": _join_method,
    "translate": _translated,
}
FILTERS: dict[str, Estimate] = {
    "center": _padded,
    "batch": _padded,
    "slice": _padded,
    "round": _padded,
    "wordwrap": _padded,
    "indent": _indented,
    "replace": _replaced,
    "join": _join_filter,
    "format": _format_filter,
}
"""Those of Jinja's filters that may return more than they were given."""
