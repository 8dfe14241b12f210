"""Where prompts come from: one file for each kind. Knows no server."""

from collections.abc import Callable

from penstock.bench.datasets.custom import custom
from penstock.bench.datasets.measure import UNMEASURED, Measure
from penstock.bench.datasets.prefix_repetition import prefix_repetition
from penstock.bench.datasets.random_tokens import random_tokens
from penstock.bench.datasets.sharegpt import sharegpt
from penstock.bench.samples import Endpoint, Sample
from penstock.bench.settings import DatasetSettings

_DATASETS: dict[str, Callable[[DatasetSettings, Endpoint, Measure], list[Sample]]] = {
    "random": random_tokens,
    "prefix_repetition": prefix_repetition,
    "custom": custom,
    "sharegpt": sharegpt,
}


def make_samples(
    settings: DatasetSettings, endpoint: Endpoint, measure: Measure = UNMEASURED
) -> list[Sample]:
    """At most `num_prompts` samples that the endpoint can be asked. Raises SettingsError."""
    return _DATASETS[settings.dataset_name](settings, endpoint, measure)
