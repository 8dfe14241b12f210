"""Bodies that nobody should send, for every endpoint that takes one. Knows bytes and JSON, not what becomes of them.

Each is a function of its seed: a body that is served, and then something is done to it, to a field's value or
to the bytes of the whole.
"""

import json
import random
from typing import Any, NamedTuple

from support.spoiled_bytes import SPOILED
from support.wild_values import VALUES, written

Body = dict[str, Any]
HI = [{"role": "user", "content": "Hi"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "f",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
    },
}
SANE: dict[str, tuple[Body, ...]] = {
    "/v1/chat/completions": (
        {"messages": HI, "max_tokens": 2},
        {"messages": HI, "max_tokens": 2, "stream": True},
        {"messages": HI, "max_tokens": 4, "tools": [TOOL], "tool_choice": "auto"},
        {"messages": HI, "max_tokens": 2, "logprobs": True, "top_logprobs": 2},
    ),
    "/v1/completions": (
        {"prompt": "Once", "max_tokens": 2},
        {"prompt": ["Once", [1, 2, 3]], "max_tokens": 2, "n": 2, "temperature": 1},
        {"prompt": "Once", "max_tokens": 2, "stream": True, "logprobs": 1},
        {"prompt": "Once", "max_tokens": 2, "echo": True},
    ),
    "/v1/chat/completions/render": ({"messages": HI},),
    "/v1/responses": (
        {"input": "Hi", "max_output_tokens": 2, "store": False},
        {"input": [{"role": "user", "content": "Hi"}], "max_output_tokens": 2, "stream": True},
        {"input": "Hi", "max_output_tokens": 2, "background": True},
    ),
    "/v1/responses/input_tokens": ({"input": "Hi"},),
    "/v1/responses/resp_nope/cancel": ({},),
    "/tokenize": ({"prompt": "Hi"}, {"messages": HI}, {"text": ["a", "b"]}),
    "/detokenize": ({"tokens": [1, 2, 3]},),
    "/ping": ({},),
}
"""Whatever else is asked for, they are brief."""
LIKELY: dict[str, tuple[Any, ...]] = {
    "n": (1, 2, 8, 32),
    "best_of": (2, 8, 32),
    "use_beam_search": (True,),
    "temperature": (0, 0.5, 2.0),
    "top_k": (-1, 1, 50),
    "logprobs": (True, 0, 5, 20),
    "prompt_logprobs": (0, 1, 20),
    "logit_bias": ({"5": 1.5}, {"-1": 1}, {"999999": 0}),
    "allowed_token_ids": ([5, 6], [-1], []),
    "stop": ("a", ["a", "b"], [""], ["a"] * 5),
    "response_format": ({"type": "json_object"}, {"type": "json_schema"}, {"type": "x"}),
    "structured_outputs": ({"regex": "[ab]+"}, {"choice": ["a", "b"]}, {}),
    "tool_choice": ("none", "required", {"type": "function", "function": {"name": "f"}}),
    "reasoning_effort": ("none", "low", "x"),
    "chat_template_kwargs": ({"enable_thinking": False}, {"messages": []}),
    "truncate_prompt_tokens": (-1, 1, 5, 10**9),
    "continue_final_message": (True,),
    "stream": (True, False),
    "stream_options": ({"include_usage": True}, {}),
    "echo": (True,),
    "suffix": ("end",),
    "seed": (-1, 7, 2**63),
    "priority": (-1, 2**62),
    "cache_salt": ("a", "@"),
    "timeout": (30, 0),
    "repetition_detection": ({"max_pattern_size": 3, "min_count": 2}, {"max_pattern_size": 10**9}),
    "include": (["message.output_text.logprobs"], ["x"]),
    "truncation": ("auto", "x"),
    "previous_response_id": ("resp_nope", ""),
    "text": ({"format": {"type": "json_object"}}, {"verbosity": "low"}),
    "input": ([{"type": "item_reference", "id": "x"}], [{"type": "reasoning"}], [{}]),
}
"""What is meant for a field, or nearly so."""


class Fuzzed(NamedTuple):
    path: str
    data: bytes
    headers: dict[str, str]
    what: str
    """What was done, for people."""


def fuzzed(seed: int, fields: dict[str, list[str]]) -> Fuzzed:
    """`fields` are the names that each path's bodies may have."""
    dice = random.Random(seed)
    path = dice.choice(_PATHS)
    sane = dice.choice(SANE[path])
    if dice.random() < 0.7:
        return _of_values(dice, path, sane, fields.get(path) or ["x"])
    spoil = dice.choice(SPOILED)
    data, headers = spoil(dice, json.dumps(sane).encode())
    return Fuzzed(path, data, headers, spoil.__name__)


_PATHS = [path for path, bodies in SANE.items() for _ in range(len(bodies))]


def _of_values(dice: random.Random, path: str, sane: Body, names: list[str]) -> Fuzzed:
    """One to three fields have a value that is not meant for them."""
    body = json.loads(json.dumps(sane))
    done = []
    meant = sorted(LIKELY.keys() & set(names))
    for name in dice.sample(meant, dice.choice((0, 0, 1, 2)) if meant else 0):
        body[name] = dice.choice(LIKELY[name])
        done.append(f"{name}: {body[name]}")
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3) if done else (1, 1, 1, 2, 3))):
        make = dice.choice(VALUES)
        place = _place(dice, body, names, make(dice))
        done.append(f"{place}={make.__name__}")
    return Fuzzed(path, written(body), {}, " ".join(done))


def _place(dice: random.Random, body: Body, names: list[str], value: Any) -> str:
    """On top, or somewhere inside what is there already."""
    name = dice.choice([*body, *names, *names]) if body else dice.choice(names)
    inside = body.get(name)
    if isinstance(inside, list) and inside and dice.random() < 0.7:
        return name + _place_within(dice, inside, value)
    body[name] = value
    return name


def _place_within(dice: random.Random, items: list[Any], value: Any) -> str:
    index = dice.randrange(len(items))
    item = items[index]
    if not isinstance(item, dict) or dice.random() < 0.2:
        items[index] = value
        return f"[{index}]"
    key = dice.choice([*item, "name", "tool_calls", "type", "function", "reasoning"])
    if isinstance(item.get(key), dict) and dice.random() < 0.7:
        inner = dice.choice([*item[key], "strict", "arguments"])
        item[key][inner] = value
        return f"[{index}].{key}.{inner}"
    item[key] = value
    return f"[{index}].{key}"
