"""The official OpenAI client against `penstock serve`: nothing adapted, brook answering."""

import json

import openai
import pytest
from openai import OpenAI
from support.deployment import Deployment


@pytest.fixture
def client(brook: Deployment) -> OpenAI:
    return OpenAI(base_url=f"{brook.url}/v1", api_key="none", max_retries=0)


def _say(client: OpenAI, *turns: str) -> str:
    """Streams an answer to a conversation of alternating turns."""
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)]
    chunks = client.chat.completions.create(
        model="brook", messages=messages, temperature=0, stream=True
    )  # type: ignore[call-overload]
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def test_a_chat_in_english_remembers_a_name(client: OpenAI) -> None:
    hello = _say(client, "Hello! My name is Mara.")
    assert hello
    assert "Mara" in _say(client, "Hello! My name is Mara.", hello, "What is my name?")


def test_a_chat_in_chinese(client: OpenAI) -> None:
    hello = _say(client, "你好!我叫王小明。")
    assert any("一" <= c <= "鿿" for c in hello)
    assert "王小明" in _say(client, "你好!我叫王小明。", hello, "我叫什么名字?")


def test_models(client: OpenAI) -> None:
    (model,) = client.models.list().data
    assert model.id == "brook"
    assert client.models.retrieve("brook") == model
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("other")


def test_usage_comes_last_when_asked_for(client: OpenAI) -> None:
    chunks = list(
        client.completions.create(
            model="brook",
            prompt="Hello",
            max_tokens=5,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens <= 5
    assert chunks[-1].choices == []


def test_logprobs(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="brook",
        messages=[{"role": "user", "content": "What is 2 + 3?"}],
        logprobs=True,
        top_logprobs=3,
        temperature=0,
    )
    choice = answer.choices[0]
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert all(t.top_logprobs[0].logprob >= t.logprob - 1e-6 for t in choice.logprobs.content)
    assert len(choice.logprobs.content[0].top_logprobs) == 3


def test_the_same_seed_gives_the_same_words(client: OpenAI) -> None:
    def say(seed: int) -> str:
        answer = client.completions.create(
            model="brook", prompt="Once upon a time", seed=seed, max_tokens=40
        )
        return answer.choices[0].text

    assert say(1) == say(1)
    assert len({say(seed) for seed in range(4)}) > 1


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_a_bad_parameter_is_a_bad_request_that_names_it(
    client: OpenAI, change: dict[str, float], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="brook", messages=[{"role": "user", "content": "Hi"}], **change
        )  # type: ignore[call-overload]
    assert caught.value.param == param


def test_an_unknown_route_is_an_openai_error(brook: Deployment) -> None:
    for path in ("/nowhere", "/v1/models/other"):
        status, body = brook.get(path)
        assert status == 404
        assert body["error"]["message"], json.dumps(body)
    status, body = brook.get("/v1/chat/completions")
    assert (status, body["error"]["code"]) == (405, 405)
