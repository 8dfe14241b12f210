"""suffix in /v1/completions: the prompt that a model for filling in the middle expects, or a refusal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.byte_model import make_byte_model
from support.front import Front
from tokenizers import Tokenizer

from penstock.protocol import token_ids

FIM = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>")


@pytest.fixture(scope="module")
def coder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = make_byte_model(tmp_path_factory.mktemp("coder"))
    path = Path(folder) / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_special_tokens(list(FIM))
    tokenizer.save(str(path))
    with Front(folder) as front:
        yield front


def seen(front: Front) -> str:
    ids = token_ids.unpack(front.last.prompt)
    return front.tokenizer.decode(ids, skip_special_tokens=False)


@pytest.mark.parametrize("prompt", ["a = ", [64, 220]])
def test_prefix_and_suffix_stand_where_the_model_wants_them(coder: Front, prompt: Any) -> None:
    coder.says("1")
    ids = coder.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt
    shown = coder.tokenizer.decode(ids)
    answer = coder.complete(prompt, suffix="\nb = 2", echo=True, return_prompt_text=True)
    assert seen(coder) == f"<|fim_prefix|>{shown}<|fim_suffix|>\nb = 2<|fim_middle|>"
    assert answer.choice["text"] == shown + "1"
    assert answer.choice["prompt_text"] == shown


def test_each_prompt_has_the_suffix_and_may_be_empty(coder: Front) -> None:
    coder.says("1")
    assert len(coder.complete(["x", ""], suffix="s", max_tokens=1).json["choices"]) == 2
    prompts = {coder.tokenizer.decode(token_ids.unpack(g.prompt), skip_special_tokens=False)
               for g in coder.engine.generates[-2:]}  # fmt: skip
    assert prompts == {f"<|fim_prefix|>{p}<|fim_suffix|>s<|fim_middle|>" for p in ("x", "")}


def test_the_family_has_ends_of_its_own(coder: Front) -> None:
    coder.says("1")
    coder.complete("x", suffix="s")
    end = coder.tokenizer.token_id("<|file_sep|>")
    assert end in coder.last.params.eos_token_ids
    coder.complete("x", suffix="s", ignore_eos=True)
    assert coder.last.params.eos_token_ids == ()
    coder.complete("x")
    assert end not in coder.last.params.eos_token_ids


@pytest.mark.parametrize("suffix", [None, ""])
def test_no_suffix_is_an_ordinary_completion(coder: Front, suffix: str | None) -> None:
    coder.says("1")
    assert coder.complete("x", suffix=suffix).status == 200
    assert seen(coder) == "x"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"truncate_prompt_tokens": 2}, "truncate_prompt_tokens"),
        ({"echo": True, "logprobs": 1}, "echo"),
    ],
)
def test_what_would_tear_the_layout_is_refused(
    coder: Front, asked: dict[str, Any], param: str
) -> None:
    answer = coder.complete("x", suffix="s", **asked)
    assert (answer.status, answer.error["param"]) == (400, param)


def test_other_models_refuse_it(front: Front) -> None:
    answer = front.complete("x", suffix="s")
    assert (answer.status, answer.error["param"]) == (400, "suffix")
    words = "suffix is only supported for models with FIM completion rendering"
    assert answer.error["message"] == words


def test_chat_has_no_suffix(coder: Front) -> None:
    assert coder.chat(suffix="s").error["param"] == "suffix"
