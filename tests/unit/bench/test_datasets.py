"""Prompts as they were asked for, the same for the same seed, and files that are refused by line."""

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.bench.datasets import make_samples
from penstock.bench.datasets.random_tokens import range_ratios
from penstock.bench.samples import Endpoint, Sample
from penstock.bench.settings import DatasetSettings
from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import ModelSettings

BROOK = Path(__file__).parents[3] / "src" / "penstock" / "brook"


def samples(endpoint: Endpoint = "completions", **settings: Any) -> list[Sample]:
    return make_samples(DatasetSettings(**{"num_prompts": 12, **settings}), endpoint)


def ids(sample: Sample) -> list[int]:
    assert isinstance(sample.prompt, list)
    return [token for token in sample.prompt if isinstance(token, int)]


def test_random_prompts_have_their_length_and_share_their_prefix() -> None:
    found = samples(random_input_len=30, random_output_len=5, random_prefix_len=10)
    assert {len(ids(s)) for s in found} == {40}
    assert {s.output_len for s in found} == {5}
    assert len({tuple(ids(s)[:10]) for s in found}) == 1
    assert len({tuple(ids(s)[10:]) for s in found}) == 12
    assert all(1000 <= token < 3000 for s in found for token in ids(s))


def test_the_seed_decides() -> None:
    assert samples(seed=1) == samples(seed=1)
    assert samples(seed=1) != samples(seed=2)


def test_lengths_vary_within_the_ratio() -> None:
    found = samples(num_prompts=300, random_input_len=100, random_range_ratio="0.2")
    lengths = {len(ids(s)) for s in found}
    assert min(lengths) >= 80
    assert max(lengths) <= 120
    assert len(lengths) > 20
    assert range_ratios('{"input": 0.3, "output": 0.5}') == (0.3, 0.5)


@pytest.mark.parametrize("ratio", ["1", "-0.1", "much", '{"input": 0.1}', "[1]"])
def test_a_bad_ratio_is_named(ratio: str) -> None:
    with pytest.raises(SettingsError, match="--random-range-ratio"):
        range_ratios(ratio)


@pytest.mark.parametrize("ids", ["5", "9:3", "a:b", "3:"])
def test_a_bad_id_range_is_named(ids: str) -> None:
    with pytest.raises(SettingsError, match="--random-token-ids"):
        samples(random_token_ids=ids)


def test_a_chat_gets_words() -> None:
    found = samples("chat", random_input_len=9)
    assert all(isinstance(s.prompt, str) and len(s.prompt.split()) == 9 for s in found)


def test_general_lengths_win() -> None:
    found = samples(input_len=3, output_len=4)
    assert {(len(ids(s)), s.output_len) for s in found} == {(3, 4)}


def test_repeated_prefixes_are_as_many_as_asked() -> None:
    found = samples(
        dataset_name="prefix_repetition",
        prefix_repetition_prefix_len=8,
        prefix_repetition_suffix_len=4,
        prefix_repetition_num_prefixes=3,
    )
    prefixes = [tuple(ids(s)[:8]) for s in found]
    assert sorted(map(prefixes.count, set(prefixes))) == [4, 4, 4]
    assert {len(ids(s)) for s in found} == {12}


def custom(tmp_path: Path, *lines: Any, endpoint: Endpoint = "completions", **more: Any) -> Any:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines))
    return samples(endpoint, dataset_name="custom", dataset_path=str(path), **more)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    lines = [{"prompt": "a b"}, "", {"prompt": [5, 6], "output_tokens": 9, "note": "ignored"}]
    found = custom(tmp_path, *lines, disable_shuffle=True, oversample=False)
    assert [(s.prompt, s.output_len) for s in found] == [("a b", 256), ([5, 6], 9)]
    forced = custom(tmp_path, *lines, disable_shuffle=True, custom_output_len=3)
    assert {s.output_len for s in forced} == {3}
    own = custom(tmp_path, *lines, disable_shuffle=True, custom_output_len=-1)
    assert [s.output_len for s in own[:2]] == [256, 9]


def test_a_short_file_is_repeated_and_shuffled_by_seed(tmp_path: Path) -> None:
    lines = [{"prompt": str(i)} for i in range(5)]
    found = custom(tmp_path, *lines)
    assert len(found) == 12
    assert {s.prompt for s in found} == {str(i) for i in range(5)}
    assert custom(tmp_path, *lines, seed=3) == custom(tmp_path, *lines, seed=3)


def test_messages_are_for_chats(tmp_path: Path) -> None:
    line = {"messages": [{"role": "user", "content": "Hi"}]}
    (first, *_) = custom(tmp_path, line, endpoint="chat")
    assert first.prompt == line["messages"]
    with pytest.raises(SettingsError, match="line 1: messages need --backend openai-chat"):
        custom(tmp_path, line)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "line 2: "),
        ({"prompt": 5}, r"line 2: .*prompt"),
        ({"prompt": "a", "messages": [{}]}, 'line 2: needs "prompt" or "messages", and not both'),
        ({}, 'line 2: needs "prompt" or "messages"'),
        ({"prompt": "a", "output_tokens": 0}, "line 2: .*>= 1"),
        ({"messages": []}, "line 2: .*length >= 1"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: Any, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        custom(tmp_path, {"prompt": "fine"}, line, endpoint="chat")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="custom needs --dataset-path"):
        samples(dataset_name="custom")
    with pytest.raises(SettingsError, match="nowhere"):
        samples(dataset_name="sharegpt", dataset_path="/nowhere")
    with pytest.raises(SettingsError, match="no prompt in it"):
        custom(tmp_path)


def sharegpt(tmp_path: Path, content: Any, **more: Any) -> list[Sample]:
    path = tmp_path / "sharegpt.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return samples(dataset_name="sharegpt", dataset_path=str(path), num_prompts=100, **more)


def conversation(*values: str) -> dict[str, Any]:
    return {"id": "x", "conversations": [{"from": "human", "value": v} for v in values]}


def test_sharegpt_takes_first_questions_and_the_length_of_their_answers(tmp_path: Path) -> None:
    file = [
        conversation("What is a penstock?", "A pipe that feeds a turbine.", "Thanks!"),
        conversation("Nobody answered this one."),
        conversation("Hi", "too short a question"),
        conversation("long " * 2000, "an answer of some length"),
    ]
    found = sharegpt(tmp_path, file, oversample=False)
    assert [(s.prompt, s.output_len) for s in found] == [("What is a penstock?", 7)]
    assert sharegpt(tmp_path, file, sharegpt_output_len=50)[0].output_len == 50


def test_sharegpt_counts_by_a_tokenizer(tmp_path: Path) -> None:
    from penstock.frontend.text.tokenizer import Tokenizer
    from penstock.protocol.model_path import find_model

    file = [conversation("What is a penstock, please?", "A pipe that feeds a turbine.")]
    (found, *_) = sharegpt(tmp_path, file, tokenizer=str(BROOK), oversample=False)
    tokenizer = Tokenizer.load(find_model(ModelSettings()))
    expected = len(tokenizer.encode("A pipe that feeds a turbine.", add_special_tokens=False))
    assert found.output_len == expected
    with pytest.raises(SettingsError, match="--tokenizer /nowhere"):
        sharegpt(tmp_path, file, tokenizer="/nowhere")


@pytest.mark.parametrize("content", ["{}", "[", '[{"conversations": [{"from": "human"}]}]'])
def test_what_is_no_sharegpt_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(SettingsError, match="expected a JSON list of"):
        sharegpt(tmp_path, content)
