"""One request of a benchmark, before it is sent. Knows no dataset and no HTTP."""

from dataclasses import dataclass
from typing import Any, Literal

Endpoint = Literal["completions", "chat"]
Messages = list[dict[str, Any]]
Prompt = list[int] | str | Messages


@dataclass(frozen=True, slots=True)
class Sample:
    """What is asked, and for how much.

    `prompt` is token ids, text, or chat messages. `output_len` None leaves the length to the server.
    `num_input_tokens` is what it is thought to be; the server's own count wins.
    """

    prompt: Prompt
    output_len: int | None
    num_input_tokens: int
    is_cut: bool = False
    """Shorter than asked for, because the model's context is."""
