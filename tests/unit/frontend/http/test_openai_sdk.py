"""The official client understands every answer."""

import openai
import pytest
from openai import OpenAI
from support.front import Front


@pytest.fixture
def client(front: Front) -> OpenAI:
    return OpenAI(base_url=f"{front.url}/v1", api_key="none", max_retries=0)


def test_chat(front: Front, client: OpenAI) -> None:
    front.says("Hello")
    answer = client.chat.completions.create(
        model="tiny",
        messages=[{"role": "user", "content": "Hi"}],
        n=2,
        logprobs=True,
        top_logprobs=2,
    )
    assert [choice.message.content for choice in answer.choices] == ["Hello", "Hello"]
    assert answer.choices[0].logprobs is not None
    assert answer.choices[0].logprobs.content is not None
    assert answer.choices[0].logprobs.content[0].top_logprobs[0].token == "H"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None


def test_streamed_chat(front: Front, client: OpenAI) -> None:
    front.says("Hello, 世界")
    with client.chat.completions.stream(
        model="tiny", messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.content == "Hello, 世界"
    assert answer.choices[0].finish_reason == "stop"


def test_completions(front: Front, client: OpenAI) -> None:
    front.says("Hello")
    answer = client.completions.create(model="tiny", prompt=["a", "b"], logprobs=1, echo=True)
    assert [choice.text for choice in answer.choices] == ["aHello", "bHello"]
    chunks = client.completions.create(
        model="tiny", prompt="a", stream=True, stream_options={"include_usage": True}
    )
    *parts, last = list(chunks)
    assert "".join(part.choices[0].text for part in parts) == "Hello"
    assert last.usage is not None


def test_models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["tiny", "alias"]
    assert client.models.retrieve("tiny").owned_by == "penstock"


def test_errors(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="tiny", prompt="a", temperature=9)
    assert caught.value.param == "temperature"
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="nope", prompt="a")
