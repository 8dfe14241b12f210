"""A Lark grammar while it is being written. Knows no format."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from penstock.frontend.formats.grammar.errors import GrammarError

MAX_CHARS = 1 << 22
_WHITESPACE = {
    "whitespace_flexible": False,
    "item_separator": ",[ ]?",
    "key_separator": ":[ ]?",
}
"""As templates write JSON, or without a space; so no model can lose itself in whitespace."""


class Rules:
    """Rules are numbered in the order in which they are asked for."""

    def __init__(self, token_ids: Mapping[str, int]) -> None:
        """`token_ids` are the added tokens by their text: a literal never matches those letter by letter."""
        self._token_ids = token_ids
        longest_first = sorted(token_ids, key=len, reverse=True)
        self._tokens = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        self._lines: list[str] = []
        self._names: dict[str, str] = {}
        self._num_chars = 0

    def text(self, start: str) -> str:
        """The grammar."""
        return "\n".join((f"start: {start}", *self._lines, ""))

    def literal(self, text: str) -> str:
        """This text, its markers as the tokenizer has them."""
        parts: list[str] = []
        at = 0
        for found in self._tokens.finditer(text):
            parts += (quoted(text[at : found.start()]), f"<[{self._token_ids[found.group()]}]>")
            at = found.end()
        return " ".join(filter(None, (*parts, quoted(text[at:]))))

    def is_token(self, text: str) -> bool:
        return text in self._token_ids

    def split(self, text: str) -> tuple[str, str]:
        """What comes before the first token, and the rest."""
        found = self._tokens.search(text)
        at = found.start() if found else len(text)
        return text[:at], text[at:]

    def rule(self, body: str, options: str = "") -> str:
        """The name of a rule with this body."""
        return self._named("r", f"{options}: {body or quoted('', empty=True)}")

    def terminal(self, body: str) -> str:
        """The name of a terminal: it is matched as one regular expression."""
        return self._named("T", f": {body}")

    def json(self, schema: Mapping[str, Any], lenient: bool) -> str:
        """A JSON value. `lenient` ignores what the schema asks for and the grammar cannot say."""
        options = {**_WHITESPACE, "lenient": lenient}
        return self.rule(f"%json {json.dumps({**schema, 'x-guidance': options})}")

    def declare(self) -> str:
        """A name for a rule whose body comes later: it may mention itself."""
        name = f"r{len(self._lines)}"
        self._lines.append(name)
        return name

    def define(self, name: str, body: str) -> None:
        self._lines[int(name[1:])] = f"{name}: {body}"

    def _named(self, prefix: str, line: str) -> str:
        """Work is counted too: a line that was written before was made once more."""
        self._num_chars += len(line)
        if self._num_chars > MAX_CHARS:
            raise GrammarError(f"the tools' schemas make a grammar of over {MAX_CHARS} characters")
        key = prefix + line
        if key not in self._names:
            self._names[key] = f"{prefix}{len(self._lines)}"
            self._lines.append(self._names[key] + line)
        return self._names[key]


def quoted(text: str, empty: bool = False) -> str:
    """As a Lark string; nothing for no text, unless it must be something."""
    return json.dumps(text, ensure_ascii=False) if text or empty else ""


def either(alternatives: Iterable[str]) -> str:
    """One of these."""
    written = [each or quoted("", empty=True) for each in dict.fromkeys(alternatives)]
    return written[0] if len(written) == 1 else f"({' | '.join(written)})"


def members(rules: Rules, written: Iterable[tuple[str, bool]], separator: str) -> str:
    """Members in this order, each required or not, with separators between those that come."""
    tail, heads = "", [""]
    for expression, required in reversed(list(written)):
        after = rules.rule(tail) if tail else ""
        heads = [] if required else heads
        heads.append(f"{expression} {after}".strip())
        further = f"{rules.literal(separator)} {expression}"
        tail = f"{further if required else f'({further})?'} {after}".strip()
    return either(reversed(heads))
