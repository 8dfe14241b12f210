"""Perplexity of a served model on a text, to see what a quantization costs. Knows the API, not the model behind it.

    perplexity.py text brook held.jsonl                          held-out chats of brook's own kind
    perplexity.py text http://127.0.0.1:8000 own.jsonl           what the served model itself says at temperature 1
    perplexity.py score http://127.0.0.1:8001 held.jsonl ...     perplexity of each file under another server

Of brook's chats its own turns count, of a model's words those it said. A model of random weights has no text of
its own kind; what its unrounded self sampled takes its place. A line of a file is a list of pieces: token
ids, and whether they count.
"""

import argparse
import json
import math
import random
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Piece = tuple[list[int], bool]
BROOK = Path(__file__).parents[1] / "src" / "penstock" / "brook" / "tokenizer.json"


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{url}/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return dict(json.load(answer))


def held_out_chats(count: int, seed: int) -> Iterator[list[Piece]]:
    from brook.chat import pieces
    from brook.corpus import chats
    from tokenizers import Tokenizer

    tokenizer, made = Tokenizer.from_file(str(BROOK)), chats(seed, held=True)
    for _ in range(count):
        chat = next(made)
        found = pieces(chat.messages, chat.tools)
        yield [(tokenizer.encode(piece.text).ids, piece.learned) for piece in found]


def own_words(url: str, count: int, seed: int, length: int) -> Iterator[list[Piece]]:
    """Eight random tokens, and what the model goes on with."""
    dice = random.Random(seed)
    for i in range(count):
        start = [dice.randrange(1000, 2000) for _ in range(8)]
        body = {"prompt": start, "max_tokens": length, "temperature": 1, "seed": seed + i,
                "ignore_eos": True, "return_token_ids": True}  # fmt: skip
        yield [(start, False), (post(url, body)["choices"][0]["token_ids"], True)]


def logprobs(url: str, pieces: list[Piece]) -> list[float]:
    """Of the tokens that count; nothing predicts the first of all."""
    prompt = [token for ids, _ in pieces for token in ids]
    counts = [counted for ids, counted in pieces for _ in ids]
    body = {"prompt": prompt, "max_tokens": 1, "prompt_logprobs": 0}
    places = post(url, body)["choices"][0]["prompt_logprobs"]
    scored = zip(places[1:], counts[1:], strict=True)
    return [next(iter(place.values()))["logprob"] for place, counted in scored if counted]


def score(url: str, path: Path) -> str:
    found = [x for line in path.read_text().splitlines() for x in logprobs(url, json.loads(line))]
    return (
        f"{path.name}: perplexity {math.exp(-sum(found) / len(found)):.4f} over {len(found)} tokens"
    )


def parsed(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    text = commands.add_parser("text", help="write a file of texts")
    text.add_argument("source", help="brook, or the URL of a server")
    text.add_argument("file", type=Path)
    text.add_argument("--count", type=int, default=100)
    text.add_argument("--length", type=int, default=120, help="tokens a server's text goes on for")
    text.add_argument("--seed", type=int, default=20_260)
    scored = commands.add_parser("score", help="print the perplexity of files")
    scored.add_argument("url")
    scored.add_argument("files", type=Path, nargs="+")
    return parser.parse_args(argv)


def main(argv: list[str]) -> None:
    asked = parsed(argv)
    if asked.command == "score":
        for path in asked.files:
            print(score(asked.url, path), flush=True)
        return
    texts = (
        held_out_chats(asked.count, asked.seed) if asked.source == "brook"
        else own_words(asked.source, asked.count, asked.seed, asked.length)
    )  # fmt: skip
    with asked.file.open("w") as file:
        file.writelines(json.dumps(text) + "\n" for text in texts)


if __name__ == "__main__":
    main(sys.argv[1:])
