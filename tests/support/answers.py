"""What an answer's events say when joined, and answers cut in every way. Knows no format."""

import json
import random
from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec

from penstock.frontend.formats import (
    AnswerParser,
    CallArguments,
    CallStart,
    Content,
    Event,
    Reasoning,
)

Said = tuple[str, str, list[tuple[str, str]]]
"""Reasoning, content, and each call's name and arguments."""


def said(events: Iterable[Event]) -> Said:
    """Checks too that every call is announced once, in order, before its arguments."""
    content, reasoning = [], []
    calls: list[tuple[str, list[str]]] = []
    for event in events:
        match event:
            case Content(text=text):
                content.append(text)
            case Reasoning(text=text):
                reasoning.append(text)
            case CallStart(index=index, name=name):
                assert index == len(calls)
                calls.append((name, []))
            case CallArguments(index=index, text=text):
                assert index == len(calls) - 1
                calls[index][1].append(text)
        assert isinstance(event, CallStart) or event.text
        assert msgspec.json.encode(event), "what is said can be sent"
    shown = [(name, "".join(parts)) for name, parts in calls]
    return "".join(reasoning), "".join(content), shown


def parsed(parser: AnswerParser, pieces: Iterable[str]) -> Said:
    events = [event for piece in pieces for event in parser.push(piece)]
    events += parser.close()
    result = said(events)
    assert parser.num_calls == len(result[2])
    for _, arguments in result[2][: parser.num_complete]:
        assert isinstance(json.loads(arguments), dict), arguments
    return result


def halves(text: str) -> Iterator[list[str]]:
    """Every way of cutting the text once, and into characters."""
    for at in range(len(text) + 1):
        yield [text[:at], text[at:]]
    yield list(text)


def cut(text: str, rng: random.Random) -> list[str]:
    ends = sorted({0, len(text), *(rng.randrange(len(text) + 1) for _ in range(rng.randrange(8)))})
    return [text[a:b] for a, b in pairwise(ends)]
