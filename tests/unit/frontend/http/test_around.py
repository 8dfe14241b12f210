"""The endpoints around generation: models, tokenizing, health, metrics."""

from support.front import Front


def test_models_are_listed_with_a_stable_date(front: Front) -> None:
    body = front.get("/v1/models").json
    assert body["object"] == "list"
    assert [model["id"] for model in body["data"]] == ["tiny", "alias"]
    assert body["data"][0]["max_model_len"] == 4096
    assert body["data"][0]["created"] == front.engine.card.created
    assert front.get("/v1/models/alias").json == body["data"][1]


def test_any_alias_is_answered_under_the_first(front: Front) -> None:
    front.says("a")
    assert front.complete(model="alias").json["model"] == "tiny"


def test_tokenize_takes_text_by_three_names(front: Front) -> None:
    expected = front.tokenizer.encode("héllo")
    for name in ("prompt", "text", "input"):
        body = front.post("/tokenize", {name: "héllo"}).json
        assert body == {"count": 6, "max_model_len": 4096, "tokens": expected}


def test_tokenize_takes_lists_and_spells_tokens(front: Front) -> None:
    body = front.post("/tokenize", {"text": ["a", "bc"], "return_token_strs": True}).json
    assert (body["count"], body["token_strs"]) == (3, [["a"], ["b", "c"]])
    one = front.post("/tokenize", {"text": "bc", "return_token_strs": True}).json
    assert one["token_strs"] == ["b", "c"]


def test_tokenize_takes_the_body_of_a_chat(front: Front) -> None:
    front.says("a")
    body = {"messages": [{"role": "user", "content": "Hi"}], "temperature": 1}
    used = front.post("/v1/chat/completions", body).json["usage"]["prompt_tokens"]
    assert front.post("/tokenize", body).json["count"] == used


def test_tokenize_wants_exactly_one_text(front: Front) -> None:
    assert front.post("/tokenize", {}).status == 400
    assert front.post("/tokenize", {"text": "a", "prompt": "b"}).status == 400


def test_detokenize_takes_ids_by_two_names(front: Front) -> None:
    ids = front.tokenizer.encode("héllo")
    for name in ("tokens", "token_ids"):
        assert front.post("/detokenize", {name: ids}).json == {"prompt": "héllo", "text": "héllo"}
    assert front.post("/detokenize", {"tokens": [10**6]}).status == 400
    assert front.post("/detokenize", {}).error["param"] == "tokens"


def test_probes_answer(front: Front) -> None:
    for path in ("/ping", "/health", "/ready", "/readyz", "/health/liveness", "/health/readiness"):
        assert front.get(path).status == 200, path
    assert front.post("/ping", None).json == {"status": "ok"}
    assert front.get("/load").json["server_load"] == 0


def test_version_is_json_or_text(front: Front) -> None:
    number = front.get("/version").json["version"]
    assert front.get("/version", Accept="text/plain").data.decode() == number
    assert front.get("/version?format=text").data.decode() == number


def test_requests_are_counted(front: Front) -> None:
    front.says("abc")
    front.complete(n=2, temperature=1)
    page = front.get("/metrics").data.decode()
    for line in (
        'http_requests_total{handler="/v1/completions",method="POST",status="2xx"}',
        'vllm:request_params_n_count{engine="0",model_name="tiny"}',
        'vllm:request_max_num_generation_tokens_count{engine="0",model_name="tiny"}',
        'vllm:time_to_first_token_seconds_count{engine="0",model_name="tiny"}',
    ):
        found = [found for found in page.splitlines() if found.startswith(line)]
        assert found, line
        assert float(found[0].split()[-1]) > 0, line
