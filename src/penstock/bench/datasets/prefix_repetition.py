"""The `prefix_repetition` dataset: groups of prompts that begin alike. Knows no cache."""

import random

from penstock.bench.datasets.measure import Measure
from penstock.bench.datasets.vocabulary import Vocabulary, id_range
from penstock.bench.samples import Endpoint, Sample
from penstock.bench.settings import DatasetSettings


def prefix_repetition(
    settings: DatasetSettings, endpoint: Endpoint, measure: Measure
) -> list[Sample]:
    """Prompts of all groups, shuffled; each group has one prefix, each prompt a suffix of its own."""
    rng = random.Random(settings.seed)
    words = Vocabulary(id_range(settings.random_token_ids), endpoint, rng, measure)
    output_len = settings.output_len or settings.prefix_repetition_output_len
    prefixes = [
        words.draw(settings.prefix_repetition_prefix_len)
        for _ in range(settings.prefix_repetition_num_prefixes)
    ]
    samples = []
    for i in range(settings.num_prompts):
        prefix = prefixes[i % len(prefixes)]
        stretch = [*prefix, *words.draw(settings.prefix_repetition_suffix_len)]
        samples.append(words.sample(stretch, output_len))
    if not settings.disable_shuffle:
        rng.shuffle(samples)
    return samples
