"""What an answer must look like, and where its thinking ends. Knows neither grammars nor tokenizers."""

from typing import Literal

import msgspec

Kind = Literal["json_schema", "json_object", "regex", "choice", "grammar", "structural_tag"]


class Constraint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Equal constraints are compiled once, so `text` stays as the client wrote it."""

    kind: Kind
    text: str = ""
    """A schema's JSON, a regex, a JSON list of choices, Lark or GBNF, a structural tag's JSON; else empty."""
    whitespace_pattern: str | None = None
    """A regex for the whitespace between JSON's tokens; None is a bounded default."""
    disable_any_whitespace: bool = False
    disable_additional_properties: bool = False


class Thinking(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A constraint holds for what comes after the thinking, which ends with one of `ends`."""

    start_ids: tuple[int, ...]
    """What an answer that thinks begins with; may be empty where `begins_inside`."""
    ends: tuple[tuple[int, ...], ...]
    """Each may be spelled with other tokens."""
    begins_inside: bool = False
    """The prompt's end has begun the thinking."""
    budget: int = -1
    """Most tokens inside; then the first of `ends` is forced. -1 is no bound."""
    answer_starts: tuple[tuple[int, ...], ...] = ()
    """These end the thinking too, and belong to the answer."""
    other_starts: tuple[tuple[int, ...], ...] = ()
    """What an answer that thinks may begin with as well."""
    prefaces: tuple[tuple[int, ...], ...] = ()
    """These may stand before an answer and say nothing of it: the constraint holds behind them."""
