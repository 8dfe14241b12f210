"""What datasets from files share: reading, order and number. Knows no format."""

import random
from pathlib import Path

from penstock.bench.samples import Sample
from penstock.bench.settings import DatasetSettings
from penstock.protocol.errors import SettingsError

BYTES_PER_TOKEN = 4


def read_dataset(settings: DatasetSettings) -> tuple[str, str]:
    """The path, for messages, and the text of the file. Raises SettingsError."""
    path = settings.dataset_path
    if path is None:
        raise SettingsError(f"--dataset-name {settings.dataset_name} needs --dataset-path FILE")
    try:
        return f"--dataset-path {path}", Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--dataset-path {path}: {error}") from error


def choose(settings: DatasetSettings, where: str, samples: list[Sample]) -> list[Sample]:
    """`num_prompts` of them: shuffled, and repeated when there are fewer. Raises SettingsError."""
    if not samples:
        raise SettingsError(f"{where}: no prompt in it")
    if not settings.disable_shuffle:
        random.Random(settings.seed).shuffle(samples)
    if not settings.oversample:
        return samples[: settings.num_prompts]
    rounds = -(-settings.num_prompts // len(samples))
    return (samples * rounds)[: settings.num_prompts]


def estimated_tokens(text: str) -> int:
    """A guess by size, for want of the server's tokenizer; at least 1."""
    return max(1, round(len(text.encode()) / BYTES_PER_TOKEN))
