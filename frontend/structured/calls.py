"""Forced tool calls as a Constraint. Knows Lark's literals and the tokenizer's special tokens, no format of calls."""

import json
import re
from collections.abc import Mapping

from penstock.protocol.constraint import Constraint

_PARTS = re.compile(r'"(?:[^"\\]|\\.)*+"i?|/(?:[^/\\\n]|\\.)++/|%json\s*(?=\{)|//[^\n]*|#[^\n]*')


def calls_constraint(lark: str, special_ids: Mapping[str, int]) -> Constraint:
    """`special_ids` are texts that are one token each, which no spelling of the same text replaces.

    Wherever a literal of the grammar holds such a text, the token itself is to be said.
    """
    return Constraint("grammar", _with_tokens(lark, special_ids))


def _with_tokens(lark: str, special_ids: Mapping[str, int]) -> str:
    if not special_ids:
        return lark
    longest_first = sorted(special_ids, key=len, reverse=True)
    special = re.compile("|".join(map(re.escape, longest_first)))
    parts, end = list[str](), 0
    while found := _PARTS.search(lark, end):
        parts.append(lark[end : found.start()])
        if found[0].startswith("%json"):
            _, end = json.JSONDecoder().raw_decode(lark, found.end())
            parts.append(lark[found.start() : end])
        else:
            end = found.end()
            parts.append(_literal(found[0], special, special_ids))
    return "".join([*parts, lark[end:]])


def _literal(part: str, special: re.Pattern[str], special_ids: Mapping[str, int]) -> str:
    if not part.startswith('"') or not part.endswith('"'):
        return part
    text = json.loads(part)
    if not special.search(text):
        return part
    pieces, end = list[str](), 0
    for found in special.finditer(text):
        pieces += [json.dumps(text[end : found.start()]), f"<[{special_ids[found[0]]}]>"]
        end = found.end()
    pieces.append(json.dumps(text[end:]))
    return "(" + " ".join(piece for piece in pieces if piece != '""') + ")"
