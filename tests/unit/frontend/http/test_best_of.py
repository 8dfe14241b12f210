"""best_of: the likeliest of what was generated, all of it counted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import fake_script
from support.front import Front

from penstock.frontend.api.best_of import BestOf
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.generation import Piece
from penstock.protocol import token_ids
from penstock.protocol.messages import Generate, TokenLogprobs


def test_the_best_are_answered_and_all_are_counted(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sequence i says the letter i, and is the likelier the larger i is."""

    def by_seed(request: Generate, position: int) -> int:
        return 65 + request.params.seed

    def logprobs(ids: list[int], top: int | None) -> TokenLogprobs | None:
        return None if top is None else scored(ids, [id - 100.0 for id in ids])

    monkeypatch.setattr(fake_script, "logprobs", logprobs)
    front.engine.script = by_seed
    asked: dict[str, Any] = {"seed": 0, "temperature": 1, "max_tokens": 3, "best_of": 5}
    body = front.complete("xy", n=2, return_token_ids=True, **asked).json
    assert [choice["index"] for choice in body["choices"]] == [0, 1]
    assert [choice["token_ids"] for choice in body["choices"]] == [[69] * 3, [68] * 3]
    assert all(choice["logprobs"] is None for choice in body["choices"])
    assert body["usage"]["completion_tokens"] == 15
    assert body["usage"]["prompt_tokens"] == 2
    chat = front.chat(**asked, logprobs=True).json
    assert [entry["logprob"] for entry in chat["choices"][0]["logprobs"]["content"]] == [-31.0] * 3


def test_each_prompt_has_its_own_best(front: Front) -> None:
    front.engine.script = lambda request, position: 65
    body = front.complete(["x", "y"], n=1, best_of=3, temperature=1, max_tokens=2).json
    assert [choice["index"] for choice in body["choices"]] == [0, 1]
    assert body["usage"]["completion_tokens"] == 12


def test_greedy_sequences_are_all_the_same(front: Front) -> None:
    front.says("ab")
    body = front.complete("x", best_of=3, temperature=0).json
    assert len(front.engine.generates) == 1
    assert len(body["choices"]) == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"n": 2, "best_of": 1}, "best_of must be greater than or equal to n=2, got 1."),
        ({"best_of": 2, "stream": True, "temperature": 1}, "must equal n=1 when `stream=True`"),
        ({"best_of": 10**6, "temperature": 1}, "exceeds the"),
        ({"best_of": 0}, "greater than or equal"),
    ],
)
def test_what_cannot_be_is_refused(front: Front, asked: dict[str, Any], words: str) -> None:
    answer = front.complete("x", **asked)
    assert (answer.status, answer.error["param"]) == (400, "best_of")
    assert words in answer.error["message"]


class Heard:
    """A collector that remembers."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []

    def add(self, piece: Piece) -> None:
        self.pieces.append(piece)

    def answer(self) -> object:
        return self.pieces


class Counted:
    def __init__(self) -> None:
        self.num = 0

    def discard(self, sequence: list[Piece]) -> None:
        self.num += sum(piece.num_tokens for piece in sequence)


class Request:
    def __init__(self, num_prompts: int, n: int, best_of: int) -> None:
        self.prompts = [None] * num_prompts
        self.n, self.best_of = n, best_of


def scored(ids: list[int], values: list[float]) -> TokenLogprobs:
    import struct

    packed = struct.pack(f"<{len(values)}f", *values)
    return TokenLogprobs(1, token_ids.pack(ids), packed, token_ids.pack([1] * len(ids)))


@given(
    st.lists(
        st.lists(st.sampled_from([-0.5, -1.0, -2.0, -4.0]), min_size=1, max_size=5),
        min_size=4,
        max_size=4,
    ),
    st.integers(1, 2),
)
def test_the_order_is_that_of_the_mean_log_probability(values: list[list[float]], n: int) -> None:
    heard, counted = Heard(), Counted()
    best: Any = BestOf(heard, Request(2, n, 2), counted)  # type: ignore[arg-type]
    for choice, own in enumerate(values):
        for place, value in enumerate(own):
            update = Update([place], logprobs=scored([place], [value]))
            best.add(Piece(choice, str(choice), 1, update))
    best.answer()
    for prompt in range(2):
        ranked = sorted(
            range(2 * prompt, 2 * prompt + 2), key=lambda c: -sum(values[c]) / len(values[c])
        )
        for place, original in enumerate(ranked[:n]):
            told = [p for p in heard.pieces if p.choice == prompt * n + place]
            assert {piece.text for piece in told} == {str(original)}
            assert len(told) == len(values[original])
    assert counted.num + len(heard.pieces) == sum(map(len, values))
