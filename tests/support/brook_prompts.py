"""Prompts for brook, of all kinds. Knows its tokenizer, not what is done with them."""

import random
from pathlib import Path

from transformers import PreTrainedTokenizerFast

import penstock

BROOK = Path(penstock.__file__).parent / "brook"
SENTENCES = [
    "What is 27 + 48?",
    "My name is Mara. What is my name?",
    "你好,你是谁?",
    "Tell me a short story about a river.",
    "Sort these numbers: 9, 2, 7, 4.",
    "Count from 3 to 9.",
    "What is Penstock?",
    "The quick brown fox jumps over the lazy dog near the mill. ",
]


def prompts(tokenizer: PreTrainedTokenizerFast, num: int) -> list[list[int]]:
    """Chats, bare text, random ids, and long prompts that share a prefix."""
    rng = random.Random(7)
    shared = tokenizer.encode(" ".join(SENTENCES) * 3)[:200]
    made: list[list[int]] = []
    for i in range(num):
        text = rng.choice(SENTENCES)
        match i % 4:
            case 0:
                chat = [{"role": "user", "content": text}]
                made.append(
                    tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
                )
            case 1:
                made.append(tokenizer.encode(text))
            case 2:
                made.append(
                    [rng.randrange(20, len(tokenizer) - 20) for _ in range(rng.randint(1, 90))]
                )
            case _:
                made.append(shared[: rng.randint(40, 200)] + tokenizer.encode(text))
    return made
