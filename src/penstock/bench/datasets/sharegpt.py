"""The `sharegpt` dataset: the first question of each conversation, as long an answer as it got. Knows no server."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from penstock.bench.datasets.files import choose, estimated_tokens, read_dataset
from penstock.bench.datasets.measure import Measure
from penstock.bench.samples import Endpoint, Sample
from penstock.bench.settings import DatasetSettings
from penstock.protocol.errors import SettingsError

LEAST_TOKENS = 4
LONGEST_PROMPT, LONGEST_TOTAL = 1024, 2048
"""What others leave out of this dataset too, so that figures compare."""


class Turn(msgspec.Struct, frozen=True):
    value: str


class Conversation(msgspec.Struct, frozen=True):
    conversations: list[Turn] = []


def sharegpt(settings: DatasetSettings, endpoint: Endpoint, measure: Measure) -> list[Sample]:
    """Its prompts are as long as they are."""
    where, text = read_dataset(settings)
    try:
        found = msgspec.json.decode(text, type=list[Conversation])
    except msgspec.DecodeError as error:
        raise SettingsError(
            f'{where}: expected a JSON list of {{"conversations": [{{"value": text}}, ...]}}: {error}'
        ) from error
    count, forced = _counter(settings), settings.output_len or settings.sharegpt_output_len
    samples = [
        Sample(turns[0].value, forced or count(turns[1].value), count(turns[0].value))
        for turns in (conversation.conversations for conversation in found)
        if len(turns) >= 2
    ]
    return choose(settings, where, [sample for sample in samples if _is_usual(sample)])


def _is_usual(sample: Sample) -> bool:
    prompt, output = sample.num_input_tokens, sample.output_len
    assert output is not None
    is_long = prompt > LONGEST_PROMPT or prompt + output > LONGEST_TOTAL
    return min(prompt, output) >= LEAST_TOKENS and not is_long


def _counter(settings: DatasetSettings) -> Callable[[str], int]:
    if settings.tokenizer is None:
        return estimated_tokens
    path = Path(settings.tokenizer) / "tokenizer.json"
    from tokenizers import Tokenizer  # only where one is asked for

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise SettingsError(f"--tokenizer {settings.tokenizer}: {path}: {error}") from error
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
