"""The `random` dataset: prompts nobody has seen, of about one length. Knows no server."""

import json
import math
import random

from penstock.bench.datasets.measure import Measure
from penstock.bench.datasets.vocabulary import Vocabulary, id_range
from penstock.bench.samples import Endpoint, Sample
from penstock.bench.settings import DatasetSettings
from penstock.protocol.errors import SettingsError


def random_tokens(settings: DatasetSettings, endpoint: Endpoint, measure: Measure) -> list[Sample]:
    """All prompts begin with the same `random_prefix_len` tokens; the rest is new in each."""
    rng = random.Random(settings.seed)
    words = Vocabulary(id_range(settings.random_token_ids), endpoint, rng, measure)
    input_ratio, output_ratio = range_ratios(settings.random_range_ratio)
    input_len = settings.input_len or settings.random_input_len
    output_len = settings.output_len or settings.random_output_len
    prefix = words.draw(settings.random_prefix_len)
    samples = []
    for _ in range(settings.num_prompts):
        stretch = [*prefix, *words.draw(_around(rng, input_len, input_ratio))]
        asked = _around(rng, output_len, output_ratio)
        samples.append(words.sample(stretch, asked))
    return samples


def range_ratios(text: str) -> tuple[float, float]:
    """For input and output: one number for both, or a JSON object with one for each."""
    try:
        found = json.loads(text)
        ratios = (found["input"], found["output"]) if isinstance(found, dict) else (found, found)
        first, second = (float(ratio) for ratio in ratios)
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"--random-range-ratio {text}: expected a number or "
            '{"input": number, "output": number}'
        ) from error
    if not (0 <= first < 1 and 0 <= second < 1):
        raise SettingsError(f"--random-range-ratio {text}: must be at least 0 and below 1")
    return first, second


def _around(rng: random.Random, length: int, ratio: float) -> int:
    low, high = math.floor(length * (1 - ratio)), math.ceil(length * (1 + ratio))
    return max(1, rng.randint(low, high))
