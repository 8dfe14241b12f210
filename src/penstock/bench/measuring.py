"""Asks a server what random prompts are to it, so that they are as long as asked for and fit. Knows no dataset's words.

`/v1/models` tells the context of a model (`max_model_len`), `/tokenize` counts a chat's tokens. vLLM and
Penstock have both; where a server has not, nothing is assumed.
"""

import random
from collections.abc import Sequence
from typing import Any

from penstock.bench.client import Client
from penstock.bench.datasets.measure import UNMEASURED, Measure
from penstock.bench.datasets.vocabulary import WORDS
from penstock.bench.samples import Endpoint, Sample

FEW, MANY = 16, 272
MADE_UP = ("random", "prefix_repetition")
"""Datasets whose lengths are ours to choose."""


async def measure(client: Client, model: str, endpoint: Endpoint) -> Measure:
    """By three small requests at most, none of which generates."""
    longest = _context(await client.ask("/v1/models"), model)
    if endpoint == "completions":
        return Measure(max_model_len=longest)
    words = random.Random(0).choices(WORDS, k=MANY)
    few = await _count(client, model, words[:FEW])
    many = await _count(client, model, words)
    if few is None or many is None or many <= few:
        return Measure(max_model_len=longest)
    each = (many - few) / (MANY - FEW)
    return Measure(each, max(0.0, few - FEW * each), longest)


def _context(models: Any, model: str) -> int | None:
    try:
        found = [one.get("max_model_len") for one in models["data"] if one["id"] == model]
    except (LookupError, TypeError, AttributeError):
        return None
    return found[0] if found and isinstance(found[0], int) and found[0] > 0 else None


async def _count(client: Client, model: str, words: Sequence[str]) -> int | None:
    messages = [{"role": "user", "content": " ".join(words)}]
    answer = await client.ask("/tokenize", {"model": model, "messages": messages})
    count = answer.get("count") if isinstance(answer, dict) else None
    return count if isinstance(count, int) else None


def notes(endpoint: Endpoint, found: Measure, samples: Sequence[Sample]) -> list[str]:
    """What was made of the lengths that were asked for."""
    told = [_of_words(found)] if endpoint == "chat" and found is not UNMEASURED else []
    num_cut = sum(sample.is_cut for sample in samples)
    if num_cut:
        told.append(
            f"{num_cut} of {len(samples)} prompts are shorter than asked for: with their answers they fit "
            f"the model's {found.max_model_len} tokens (max_model_len)"
        )
    return told


def _of_words(found: Measure) -> str:
    if found.tokens_per_word is None:
        return "the server does not count (/tokenize): a random word is taken for a token, and may be more"
    return f"a random word is {found.tokens_per_word:.2f} tokens here (/tokenize): prompts have that many fewer words"
