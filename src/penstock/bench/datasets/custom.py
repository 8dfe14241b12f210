"""The `custom` dataset: a JSONL file of one's own. Knows its fields, not what they say.

{"prompt": "text or token ids", "output_tokens": 64}
{"messages": [{"role": "user", "content": "Hi"}]}
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from penstock.bench.datasets.files import choose, estimated_tokens, read_dataset
from penstock.bench.datasets.measure import Measure
from penstock.bench.samples import Endpoint, Messages, Prompt, Sample
from penstock.bench.settings import DatasetSettings
from penstock.protocol.errors import SettingsError

DEFAULT_OUTPUT_LEN = 256


class Line(msgspec.Struct, frozen=True):
    """One line: `prompt` or `messages`, never both."""

    prompt: str | list[int] | None = None
    messages: Annotated[Messages, Meta(min_length=1)] | None = None
    output_tokens: Annotated[int, Meta(ge=1)] | None = None

    def __post_init__(self) -> None:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError('needs "prompt" or "messages", and not both')


def custom(settings: DatasetSettings, endpoint: Endpoint, measure: Measure) -> list[Sample]:
    """Its prompts are as long as they are."""
    where, text = read_dataset(settings)
    samples = [
        _sample(settings, endpoint, f"{where}, line {number}", line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]
    return choose(settings, where, samples)


def _sample(settings: DatasetSettings, endpoint: Endpoint, where: str, text: str) -> Sample:
    try:
        line = msgspec.json.decode(text, type=Line)
    except msgspec.DecodeError as error:
        raise SettingsError(f"{where}: {error}") from error
    prompt = _prompt(line, endpoint, where)
    return Sample(prompt, _output_len(settings, line), _size(prompt))


def _prompt(line: Line, endpoint: Endpoint, where: str) -> Prompt:
    if line.messages is not None and endpoint == "completions":
        raise SettingsError(f"{where}: messages need --backend openai-chat")
    if isinstance(line.prompt, list) and endpoint == "chat":
        raise SettingsError(f"{where}: token ids need --backend openai")
    prompt = line.messages if line.prompt is None else line.prompt
    assert prompt is not None
    return prompt


def _output_len(settings: DatasetSettings, line: Line) -> int:
    forced = settings.output_len or settings.custom_output_len
    if forced and forced > 0:
        return forced
    return line.output_tokens or DEFAULT_OUTPUT_LEN


def _size(prompt: Prompt) -> int:
    if isinstance(prompt, str):
        return estimated_tokens(prompt)
    if prompt and isinstance(prompt[0], int):
        return len(prompt)
    return sum(estimated_tokens(_text(message)) for message in prompt)


def _text(message: Any) -> str:
    return str(message.get("content") or "") if isinstance(message, dict) else ""
