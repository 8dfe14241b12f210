"""/openapi.json: complete, valid, and what the server does."""

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.described import Description
from support.front import Front

from penstock.frontend.api.unsupported import UNSUPPORTED
from penstock.frontend.app import build_app

OPEN = ("/health", "/ready", "/ping", "/version", "/metrics", "/playground/")
HI = [{"role": "user", "content": "Hi"}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


class TestWhole:
    def test_what_is_routed_is_described_and_the_reverse(
        self, front: Front, described: Description
    ) -> None:
        routed = {
            (route.method, route.resource.canonical)
            for route in build_app(front.services).router.routes()
            if route.resource and route.method not in ("HEAD", "*")
        }
        assert routed == described.operations.keys()

    def test_what_is_not_served_is_not_described(
        self, front: Front, described: Description
    ) -> None:
        assert not UNSUPPORTED.keys() & {path for _, path in described.operations}

    def test_every_reference_leads_somewhere_and_nothing_is_left_over(
        self, described: Description
    ) -> None:
        for reference in described.references:
            assert described.referred(reference), reference
        components = described.document["components"]
        named = {
            f"#/components/{kind}/{name}"
            for kind in ("schemas", "responses", "headers")
            for name in components[kind]
        }
        names = ("NotSupported", "Unauthorized", "Forbidden")
        unused = {f"#/components/responses/{name}" for name in names}
        assert named - described.references <= unused

    def test_every_schema_is_one(self, described: Description) -> None:
        for schema in described.document["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)

    def test_operations_have_names_of_their_own(self, described: Description) -> None:
        names = [operation["operationId"] for operation in described.operations.values()]
        assert len(names) == len(set(names))
        assert "post_v1_chat_completions" in names

    def test_links_lead_to_operations_that_take_an_id(self, described: Description) -> None:
        ids = {o["operationId"]: path for (_, path), o in described.operations.items()}
        made = described.operations["POST", "/v1/responses"]["responses"]["200"]["links"]
        assert len(made) == 5
        for operation in described.operations.values():
            for link in operation["responses"].get("200", {}).get("links", {}).values():
                assert "{id}" in ids[link["operationId"]]

    def test_tags_are_explained(self, described: Description) -> None:
        known = {tag["name"] for tag in described.document["tags"]}
        assert {t for o in described.operations.values() for t in o["tags"]} == known


class TestFields:
    def test_fields_bring_the_words_below_them(self, described: Description) -> None:
        fields = described.document["components"]["schemas"]["ChatRequest"]["properties"]
        assert (
            fields["timeout"]["description"]
            == "Seconds that the whole answer may take; beyond, 504, or an error event in a stream."
        )

    def test_sampling_parameters_bring_their_ranges(self, described: Description) -> None:
        fields = described.document["components"]["schemas"]["CompletionRequest"]["properties"]
        assert fields["top_p"]["anyOf"][0] == {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 1,
        }
        assert fields["repetition_penalty"]["anyOf"][0] == {"type": "number", "exclusiveMinimum": 0}

    def test_an_answers_fields_are_required_unless_they_may_be_absent(
        self, described: Description
    ) -> None:
        answer = described.document["components"]["schemas"]["ChatAnswer"]
        assert set(answer["properties"]) - set(answer["required"]) == {
            "prompt_logprobs",
            "prompt_token_ids",
            "prompt_text",
        }


class TestKeys:
    def test_with_keys_all_but_the_probes_and_the_page_are_guarded(self, model: Path) -> None:
        with Front(model, api_key=["sk-one"]) as front:
            answer = front.get("/openapi.json", Authorization="Bearer sk-one")
            described = Description(answer.json)
            for (_, path), operation in described.operations.items():
                is_open = path == "/" or path.startswith(OPEN)
                assert bool(operation["security"]) is not is_open, path
                assert ("401" in operation["responses"]) is not is_open
            guarded = front.get("/v1/models")
            described.check("GET", "/v1/models", guarded)

    def test_without_keys_nothing_is(self, described: Description) -> None:
        assert not any(o["security"] for o in described.operations.values())
        assert described.document["components"]["securitySchemes"].keys() == {"bearer", "apiKey"}


class TestAnswers:
    def test_examples_are_served_as_described(self, front: Front, described: Description) -> None:
        num_examples = 0
        for (method, path), operation in described.operations.items():
            if method != "POST" or "requestBody" not in operation:
                continue
            content = operation["requestBody"]["content"]["application/json"]
            assert not described.errors(content["schema"], content["example"])
            answer = front.post(path, content["example"])
            assert answer.status == 200, (path, answer)
            described.check(method, path, answer)
            num_examples += 1
        assert num_examples == 7

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/models",
            "/v1/models/tiny",
            "/v1/models/nope",
            "/v1/responses/resp_nope",
            "/health",
            "/health/liveness",
            "/health/readiness",
            "/ready",
            "/readyz",
            "/ping",
            "/load",
            "/version",
            "/version?format=text",
            "/metrics",
            "/openapi.json",
            "/docs",
            "/redoc",
            "/docs/oauth2-redirect",
            "/v1/stats",
            "/",
            "/playground/base.css",
            "/playground/main.js",
            "/playground/penstock.svg",
            "/playground/nope.js",
        ],
    )
    def test_looking(self, front: Front, described: Description, path: str) -> None:
        names = {"/v1/models/tiny": "/v1/models/{model}", "/v1/models/nope": "/v1/models/{model}"}
        names["/v1/responses/resp_nope"] = "/v1/responses/{id}"
        asked = re.sub("^/playground/.+", "/playground/{name}", path.partition("?")[0])
        described.check("GET", names.get(asked, asked), front.get(path))

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"n": 2, "logprobs": True, "top_logprobs": 2},
            {"stream": True, "stream_options": {"include_usage": True}, "logprobs": True},
            {"prompt_logprobs": 1, "return_token_ids": True, "return_prompt_text": True},
            {"stream": True, "return_token_ids": True, "return_prompt_text": True},
            {"temperature": 7},
            {"messages": []},
            {"model": "nope"},
        ],
    )
    def test_chat(self, front: Front, described: Description, fields: dict[str, Any]) -> None:
        path = "/v1/chat/completions"
        answer = front.post(path, {"messages": HI, "max_tokens": 3, **fields})
        described.check("POST", path, answer)

    @pytest.mark.parametrize("is_streamed", [False, True])
    def test_calls(self, front: Front, described: Description, is_streamed: bool) -> None:
        call = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
        front.says(call)
        path, body = "/v1/chat/completions", {"messages": HI, "tools": TOOLS, "stream": is_streamed}
        body["tool_choice"] = "required"
        try:
            answer = front.post(path, body)
        finally:
            front.says("Hello")
        assert b"tool_calls" in answer.data
        described.check("POST", path, answer)

    @pytest.mark.parametrize(
        "fields",
        [
            {"n": 2, "logprobs": 2, "echo": True},
            {"stream": True, "logprobs": 1, "stream_options": {"include_usage": True}},
            {"prompt_logprobs": 1, "return_token_ids": True, "return_prompt_text": True},
            {"prompt": []},
        ],
    )
    def test_completions(
        self, front: Front, described: Description, fields: dict[str, Any]
    ) -> None:
        answer = front.post("/v1/completions", {"prompt": "Hi", "max_tokens": 3, **fields})
        described.check("POST", "/v1/completions", answer)

    def test_a_response_all_its_life(self, front: Front, described: Description) -> None:
        path = "/v1/responses"
        streamed = front.post(path, {"input": "Hi", "stream": True, "top_logprobs": 1})
        described.check("POST", path, streamed)
        made = front.post(path, {"input": "Hi", "background": True})
        described.check("POST", path, made)
        one = f"{path}/{made.json['id']}"
        named = f"{path}/{{id}}"
        described.check("GET", named, front.get(f"{one}?stream=true"))
        described.check("GET", named, front.get(one))
        described.check("GET", named, front.get(f"{one}?stream=perhaps"))
        described.check("GET", f"{named}/input_items", front.get(f"{one}/input_items?limit=1"))
        described.check("GET", f"{named}/input_items", front.get(f"{one}/input_items?limit=0"))
        described.check("POST", f"{named}/cancel", front.post(f"{one}/cancel", None))
        described.check("DELETE", named, front.ask("DELETE", one))
        described.check("DELETE", named, front.ask("DELETE", one))

    def test_tokens(self, front: Front, described: Description) -> None:
        for body in ({"text": ["a", "b"], "return_token_strs": True}, {"text": "a"}, {}):
            described.check("POST", "/tokenize", front.post("/tokenize", body))
        for body in ({"tokens": [1]}, {"tokens": [-1]}):
            described.check("POST", "/detokenize", front.post("/detokenize", body))
