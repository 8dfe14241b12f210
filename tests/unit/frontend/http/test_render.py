"""POST /v1/chat/completions/render: HTML, the prompt's text, or what the engine would get."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.front import Answer, Front

from penstock.frontend.api.conversation_html import conversation_html

PATH = "/v1/chat/completions/render"
HELLO = [{"role": "user", "content": "你好!"}]
GUIDE = """<div class="chat-message">
<div class="message-user">用户</div>
<div class="message-content">你好!</div>
</div>
"""


def render(front: Front, query: str = "", accept: str = "*/*", **fields: Any) -> Answer:
    body = {"messages": HELLO, **fields}
    return front.post(PATH + query, body, Accept=accept)


class Reader(HTMLParser):
    """What a browser would show, and every tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))
        if attrs in ([("class", "message-user")], [("class", "message-content")]):
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data


class TestHtml:
    def test_as_in_the_guide(self, front: Front) -> None:
        answer = front.post(PATH, {"messages": HELLO}, Accept_Language="zh-CN,zh;q=0.9")
        assert answer.data.decode() == GUIDE
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"] == "default-src 'none'"

    def test_without_a_language_roles_have_their_own_names(self, front: Front) -> None:
        assert '<div class="message-user">user</div>' in render(front).data.decode()

    def test_every_message_and_all_of_it(self, front: Front) -> None:
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
        messages = [
            {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "assistant", "content": "Wait.", "tool_calls": [call]},
            {"role": "tool", "content": "2", "tool_call_id": "c"},
        ]
        page = Reader(render(front, messages=messages).data.decode())
        said = [text.strip() for text in page.texts]
        assert said == ["system", "Be brief.", "assistant", 'Wait.\nf({"a": 1})', "tool", "2"]

    @given(st.text(max_size=60), st.text(min_size=1, max_size=20))
    def test_whatever_is_said_is_text(self, content: str, role: str) -> None:
        page = Reader(conversation_html([{"role": role, "content": content}], ""))
        assert [tag for tag, _ in page.tags] == ["div", "div", "div"]
        shown = page.texts[1].removesuffix("\n\n")
        assert [page.texts[0].removesuffix("\n"), shown] == [role, content]

    def test_what_cannot_be_rendered_is_refused(self, front: Front) -> None:
        image = {"type": "image_url", "image_url": {"url": "http://x"}}
        for messages in ([], [{"role": "user", "content": [image]}], [{"content": "a"}]):
            answer = render(front, messages=messages)
            assert (answer.status, answer.error["param"]) == (400, "messages")
        assert render(front, model="nope").status == 404


class TestPrompt:
    def test_text_is_what_the_template_makes(self, front: Front) -> None:
        text = render(front, "?format=text")
        front.says("a")
        body = {"messages": HELLO, "return_prompt_text": True}
        assert text.data.decode() == front.post("/v1/chat/completions", body).json["prompt_text"]
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        assert render(front, accept="text/plain").data == text.data

    def test_json_is_what_the_engine_would_get(self, front: Front) -> None:
        asked = {"temperature": 0.5, "stop": "x", "seed": 7, "max_tokens": 9, "n": 2}
        found = render(front, "?format=json", request_id="mine", **asked).json
        text = render(front, "?format=text").data.decode()
        assert (found["request_id"], found["model"], found["prompt"]) == (
            "chatcmpl-mine",
            "tiny",
            text,
        )
        assert found["token_ids"] == front.tokenizer.encode(text, add_special_tokens=False)
        assert asked | {"stop": ["x"]} == {k: found["sampling_params"][k] for k in asked}
        assert not front.engine.generates

    def test_of_a_prompt_that_is_cut_the_rest_is_shown(self, front: Front) -> None:
        whole = render(front, "?format=text").data.decode()
        cut = render(front, "?format=text", truncate_prompt_tokens=5).data.decode()
        assert whole.endswith(cut)
        assert len(cut) < len(whole)

    def test_constraints_are_shown(self, front: Front) -> None:
        found = render(front, "?format=json", guided_regex="a+").json
        assert found["sampling_params"]["structured_outputs"] == {"regex": "a+"}

    def test_what_could_not_be_generated_is_refused(self, front: Front) -> None:
        assert render(front, "?format=json", temperature=9).error["param"] == "temperature"
        assert render(front, "?format=pdf").error["param"] == "format"


class TestForm:
    @pytest.mark.parametrize(
        ("query", "accept", "kind"),
        [
            ("", "*/*", "text/html"),
            ("", "application/json", "application/json"),
            ("", "text/html, application/json", "text/html"),
            ("", "application/json;q=0.9, */*", "application/json"),
            ("?format=html", "application/json", "text/html"),
            ("?format=json", "text/html", "application/json"),
        ],
    )
    def test_the_query_then_the_header(
        self, front: Front, query: str, accept: str, kind: str
    ) -> None:
        assert render(front, query, accept).headers["content-type"].partition(";")[0] == kind

    def test_a_server_can_be_told_to_answer_as_vllm_does(self, byte_model: Path) -> None:
        with Front(byte_model, enable_scale_out=True) as front:
            assert render(front).json["token_ids"]
            assert render(front, "?format=html").headers["content-type"].startswith("text/html")
