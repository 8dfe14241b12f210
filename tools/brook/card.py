"""The model card: its words around the measured figures. Measures nothing."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CARD = """\
# brook

brook is the small language model inside the Penstock package. It is there so that Penstock runs on a
fresh machine without a download: `penstock serve` with no model of your own serves brook. It is real and
trained, but tiny; use it to try the server, not to learn about the world.

## What it is

Llama architecture, {parameters:,} parameters, {layers} layers of width {hidden}, {heads} attention heads with
{kv_heads} key/value heads of {head_dim}, context {context}. Weights are bf16 safetensors ({megabytes:.1f} MB).
The tokenizer is a byte-level BPE of {vocabulary} tokens, trained on the same corpus. The chat template is
ChatML with tools in the Hermes style: functions between `<tools>` tags in the system turn, calls
between `<tool_call>` tags, results between `<tool_response>` tags in a user turn. Of a function's schema it
shows what training showed, in that order, and leaves out the rest (`title`, `strict`, ...). With
`enable_thinking` the answer begins with a thought between `<think>` tags, as in Qwen3; without it, and
that is the default, there is no thought. Thoughts of earlier turns are not shown again.

## What it can do

In English and simple Chinese: small talk that remembers names and other small facts across turns, sums below a
hundred, every second difference and product, counting, sorting short lists with mistakes, short stories, calls
of functions it is shown, JSON answers to a schema given in the prompt, and questions about Penstock. Its
thoughts are a line long: a sum by its digits, a list by its ends, the name it was told, the function it is
going to call. To most other questions it says that it is a small model and does not know.

## What it was trained on

Conversations made by the generators in `tools/brook/`, and nothing else: no text from elsewhere and no data
about people; names are common first names or put together from syllables. Training: {tokens:.1f} million tokens
in {steps} steps, {minutes:.0f} minutes on {device}, other work beside them. The loss is taken over the
assistant's turns. Stretches of the run, with the parts of the corpus that were made more or less frequent in
each: {stretches}.

## How well it does

Greedy answers on held-out prompts (seed {seed}), bf16 weights in float32 arithmetic through transformers.
Held out of training are 15 % of the pairs of numbers, of the names, of the places, of the calculator's
expressions, and of the combinations of field names in schemas and functions.

{table}

"Exactly right" compares with the one expected answer: the right arguments for a call, the right values in
JSON. The rows "thought asked for" and "no thought asked for" hold prompts of the first six kinds.

Before it learned to think, at step 2214, brook was exactly right on the same prompts of the first six rows in
99.3, 95.0, 92.3, 97.3, 100.0 and 99.0 %, of the last two in 36.3 and 42.7 %, and its JSON was always valid.
Three prompts of three hundred are a point: differences as small as that say little.

## What it cannot do

It knows next to nothing about the world, cannot write programs, loses the thread in long chats, and believes
what it is told. It makes mistakes in differences and products, in sums above a hundred and in sorting. Thinking
does not make it better: sums are as good without, and a call is worse after a thought, for then it has to copy
every name and value twice; where `thinking_token_budget` cuts a thought short, it may go on thinking in the
answer. Do not rely on it.

## Make it again

    python tools/train_brook.py train --out OUT --minutes {minutes:.0f}
    python tools/train_brook.py export --run OUT --to src/penstock/brook
    python tools/train_brook.py eval --model src/penstock/brook --count 300 --card OUT

That makes a brook of this kind, not this one, which was trained by the clock and in stretches (`--extend`,
with `--boost` for the parts named above and, from step 2214 on, learning rates of a third to a half), so its
weights cannot be made again bit by bit. A run by `--steps` instead of `--minutes` is reproducible from its seed
on the same machine. License: Apache 2.0.
"""


@dataclass(frozen=True)
class History:
    """How a run went, as it is told in the card."""

    steps: int
    tokens: float
    minutes: float
    device: str
    stretches: list[str]

    @classmethod
    def read(cls, path: Path) -> "History":
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def card(folder: Path, history: History, table: str, seed: int, parameters: int) -> str:
    """The text of README.md for an exported folder."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return CARD.format(
        parameters=parameters,
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        head_dim=config["head_dim"],
        context=config["max_position_embeddings"],
        megabytes=(folder / "model.safetensors").stat().st_size / 1e6,
        vocabulary=config["vocab_size"],
        tokens=history.tokens / 1e6,
        steps=history.steps,
        minutes=history.minutes,
        device=history.device,
        stretches="; ".join(history.stretches),
        seed=seed,
        table=table,
    )
