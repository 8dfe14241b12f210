"""`LLM` in Python programs: what it answers, what it refuses, and that it leaves nothing behind."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock import LLM, BeamSearchParams, SamplingParams
from penstock.bench.processes import command_line, descendants
from penstock.offline import (
    EngineStartError,
    RequestError,
    StructuredOutputsParams,
    UnsupportedError,
)
from penstock.protocol.errors import EngineGoneError, ModelError, SettingsError

GREEDY = SamplingParams(temperature=0, max_tokens=12)
CHAT = [{"role": "user", "content": "What is 27 + 48?"}]
GUIDE = """
from penstock import LLM, SamplingParams
llm = LLM(model="brook", spec_method="ngram", spec_tokens=5, trust_remote_code=True)
params = SamplingParams(temperature=0.7, max_tokens=256)
output = llm.generate("Hello, world!", params)
outputs = llm.generate(["prompt1", "prompt2", "prompt3"], params)
for output in outputs:
    print(repr(output.outputs[0].text))
"""


@pytest.fixture(scope="module")
def llm() -> Iterator[LLM]:
    with LLM("brook") as made:
        yield made


def text(llm: LLM, prompt: Any, params: SamplingParams = GREEDY) -> str:
    (output,) = llm.generate(prompt, params)
    return output.outputs[0].text


def engines(pid: int) -> list[int]:
    return [child for child in descendants(pid) if "penstock.engine_core" in command_line(child)]


def is_there(pid: int) -> bool:
    return bool(command_line(pid))


def run(script: str, *, expects: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == expects, done.stderr
    return done


# ---- what it answers


def test_a_prompt_is_answered_with_all_that_vllm_tells(llm: LLM) -> None:
    (output,) = llm.generate("Hello! Who are you?", GREEDY)
    (answer,) = output.outputs
    assert output.prompt == "Hello! Who are you?"
    assert output.prompt_token_ids == llm.get_tokenizer().encode(output.prompt)
    assert output.finished
    assert answer.finished()
    assert 0 < len(answer.token_ids) <= 12
    assert answer.finish_reason in ("stop", "length")
    assert answer.text == llm.get_tokenizer().decode(answer.token_ids)
    assert (answer.logprobs, answer.cumulative_logprob, output.prompt_logprobs) == (None,) * 3
    assert output.metrics.num_generation_tokens == len(answer.token_ids)
    assert output.metrics.first_token_ts <= output.metrics.last_token_ts


def test_a_batch_is_answered_in_order_as_each_prompt_alone(llm: LLM) -> None:
    prompts = [f"Count from {i} to {i + 5}." for i in range(40)]
    outputs = llm.generate(prompts, GREEDY)
    assert [output.prompt for output in outputs] == prompts
    alone = [text(llm, prompt) for prompt in prompts[::13]]
    assert [output.outputs[0].text for output in outputs[::13]] == alone


def test_more_prompts_than_are_under_way_at_once(llm: LLM) -> None:
    many = llm.generate(["One"] * 1200, SamplingParams(max_tokens=1, temperature=0))
    assert len({output.request_id for output in many}) == 1200
    assert len({output.outputs[0].text for output in many}) == 1


def test_all_forms_of_a_prompt(llm: LLM) -> None:
    ids = llm.get_tokenizer().encode("Once upon a time")
    wanted = text(llm, "Once upon a time")
    for form in (ids, {"prompt_token_ids": ids}, {"prompt": "Once upon a time"}):
        assert text(llm, form) == wanted
        assert text(llm, [form]) == wanted
    mixed = llm.generate(["Once upon a time", ids, {"prompt_token_ids": ids}], GREEDY)
    assert [output.outputs[0].text for output in mixed] == [wanted] * 3
    assert llm.generate([], GREEDY) == []


def test_each_prompt_may_have_its_own_parameters(llm: LLM) -> None:
    params = [SamplingParams(max_tokens=n, temperature=0, ignore_eos=True) for n in (3, 7)]
    outputs = llm.generate(["One", "Two"], params)
    assert [len(output.outputs[0].token_ids) for output in outputs] == [3, 7]
    with pytest.raises(RequestError, match="sampling_params: expected one"):
        llm.generate(["One"], params)


def test_log_probabilities_of_output_and_prompt(llm: LLM) -> None:
    params = SamplingParams(max_tokens=4, temperature=0, logprobs=3, prompt_logprobs=1)
    (output,) = llm.generate("The river", params)
    (answer,) = output.outputs
    assert answer.logprobs is not None
    assert [len(row) for row in answer.logprobs] == [3] * len(answer.token_ids)  # greedy is top 1
    sampled = [row[token] for row, token in zip(answer.logprobs, answer.token_ids, strict=True)]
    assert [entry.rank for entry in sampled] == [1] * len(sampled)
    assert answer.cumulative_logprob == pytest.approx(sum(entry.logprob for entry in sampled))
    assert output.prompt_logprobs is not None
    assert output.prompt_logprobs[0] is None
    scored = zip(output.prompt_logprobs[1:], output.prompt_token_ids[1:], strict=True)
    assert all(row is not None and token in row for row, token in scored)


def test_n_best_of_stop_and_the_end_of_an_answer(llm: LLM) -> None:
    several = llm.generate("Once", SamplingParams(n=3, seed=5, max_tokens=8))[0].outputs
    assert [answer.index for answer in several] == [0, 1, 2]
    assert len({answer.text for answer in several}) > 1
    best = llm.generate("Once", SamplingParams(n=1, best_of=3, seed=5, max_tokens=8))[0].outputs
    assert best[0].text in {answer.text for answer in several}
    stopping = SamplingParams(max_tokens=40, temperature=0, stop=["a", "e", " "])
    (stopped,) = llm.generate("Once upon a time", stopping)[0].outputs
    assert stopped.finish_reason == "stop"
    assert stopped.stop_reason in ("a", "e", " ")
    silent = llm.generate("Once", SamplingParams(max_tokens=3, detokenize=False))[0].outputs[0]
    assert (silent.text, len(silent.token_ids)) == ("", 3)


def test_a_conversation_or_several(llm: LLM) -> None:
    (one,) = llm.chat(CHAT, SamplingParams(temperature=0, max_tokens=60))
    assert "75" in one.outputs[0].text
    assert one.prompt is not None
    assert "27 + 48" in one.prompt
    several = llm.chat([CHAT, CHAT], GREEDY)
    assert all(one.outputs[0].text.startswith(output.outputs[0].text) for output in several)
    own = llm.chat(CHAT, GREEDY, chat_template="{{ messages[0].content }} ->")
    assert own[0].prompt == "What is 27 + 48? ->"


def test_structured_output_is_enforced(llm: LLM) -> None:
    choice = StructuredOutputsParams(choice=["yes", "no"])
    params = SamplingParams(max_tokens=20, structured_outputs=choice)
    assert text(llm, "Is water wet?", params) in ("yes", "no")
    older = SamplingParams(max_tokens=20, guided_decoding=StructuredOutputsParams(regex="[0-9]{3}"))
    assert llm.chat(CHAT, older)[0].outputs[0].text.isdigit()


def test_beams_begin_with_the_prompt_and_come_best_first(llm: LLM) -> None:
    params = BeamSearchParams(beam_width=3, max_tokens=6)
    (output,) = llm.beam_search([{"prompt": "The river"}], params)
    prompt = llm.get_tokenizer().encode("The river")
    assert len(output.sequences) == 3
    for beam in output.sequences:
        assert beam.tokens[: len(prompt)] == prompt
        assert beam.text is not None
        assert beam.text.startswith("The river")
        assert len(beam.logprobs) == len(beam.tokens) - len(prompt)
    scores = [b.cum_logprob / (len(b.tokens) - len(prompt)) for b in output.sequences]
    assert scores == sorted(scores, reverse=True)


def test_the_models_own_defaults_hold_where_no_parameters_are_given(llm: LLM) -> None:
    defaults = llm.get_default_sampling_params()
    assert llm.generate("Hi")[0].outputs[0].token_ids != []
    assert defaults.max_tokens == 16
    assert llm.reset_prefix_cache()


def test_prompts_may_be_queued_and_run_later(llm: LLM) -> None:
    ids = llm.enqueue(["One", "Two"], GREEDY) + llm.enqueue_chat(CHAT, GREEDY)
    outputs = llm.wait_for_completion()
    assert [output.request_id for output in outputs] == ids
    assert outputs[0].outputs[0].text == text(llm, "One")
    assert llm.wait_for_completion() == []


def test_threads_may_share_it(llm: LLM) -> None:
    wanted, found = text(llm, "The lazy dog"), []
    threads = [
        threading.Thread(target=lambda: found.append(text(llm, "The lazy dog"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert found == [wanted] * 4


def test_progress_is_told_where_it_is_asked_for(llm: LLM, capfd: pytest.CaptureFixture) -> None:
    llm.generate(["a", "b"], GREEDY)
    assert capfd.readouterr().err == ""
    llm.generate(["a", "b"], GREEDY, use_tqdm=True)
    told = capfd.readouterr().err
    assert "100%" in told
    assert "2/2" in told

    class Bar:
        done = 0

        def __init__(self, total: int, **_: Any) -> None:
            self.total = total

        def update(self, num: int) -> None:
            Bar.done += num

        def close(self) -> None:
            assert self.total == Bar.done

    llm.generate(["a", "b"], GREEDY, use_tqdm=Bar)
    assert Bar.done == 2


# ---- what it refuses


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"temperature": -1}, "temperature must be in"),
        ({"temperature": float("nan")}, "temperature must be finite"),
        ({"top_p": 0}, "top_p must be in"),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"n": 0}, "n must be at least 1"),
        ({"logprobs": 500}, "greater than max allowed"),
        ({"stop": [""]}, "stop cannot contain an empty string"),
        ({"stop": "x", "detokenize": False}, "stop: "),
        ({"max_tokens": "many"}, "max_tokens: expected"),
        ({"logit_bias": {10**9: 1.0}}, "logit_bias contain out-of-vocab"),
        ({"allowed_token_ids": []}, "allowed_token_ids"),
        ({"thinking_token_budget": 3}, "thinking_token_budget"),
        ({"structured_outputs": {"regex": "a"}}, "expected penstock.offline.Structured"),
        ({"structured_outputs": StructuredOutputsParams()}, "none are specified"),
        ({"structured_outputs": StructuredOutputsParams(regex="(")}, "regex"),
    ],
)
def test_what_http_refuses_is_a_value_error_that_names_it(
    llm: LLM, params: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says) as told:
        llm.generate("Hi", SamplingParams(**params))
    assert isinstance(told.value, RequestError)


@pytest.mark.parametrize(
    ("prompts", "says"),
    [
        (7, "prompts: expected a text"),
        (["a", 3.5], r"prompts\[1\]: expected a text"),
        (["a", ""], r"prompts\[1\]: The prompt is empty"),
        ({"text": "a"}, "got the keys"),
        ([[10**7]], "out of vocabulary"),
        (["a", "\ud800"], "surrogate"),
    ],
)
def test_a_prompt_that_is_none_is_refused_before_anything_runs(
    llm: LLM, prompts: Any, says: str
) -> None:
    with pytest.raises(RequestError, match=says):
        llm.generate(prompts, GREEDY)


def test_conversations_that_are_none_are_refused(llm: LLM) -> None:
    for wrong in ([[]], "hello", [CHAT, [{"content": "no role"}]]):
        with pytest.raises(RequestError, match=r"conversation|messages"):
            llm.chat(wrong, GREEDY)  # type: ignore[arg-type]


def test_what_this_version_lacks_says_so(llm: LLM) -> None:
    with pytest.raises(UnsupportedError, match=r"LLM.embed: .*embeddings"):
        llm.embed("Hi")
    with pytest.raises(NotImplementedError, match=r"LLM.sleep"):
        llm.sleep(level=1)
    with pytest.raises(UnsupportedError, match="multi_modal_data"):
        llm.generate({"prompt": "Hi", "multi_modal_data": {"image": 1}}, GREEDY)
    with pytest.raises(UnsupportedError, match="enable_lora"):
        LLM("brook", enable_lora=True)


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"max_modle_len": 8}, SettingsError, "did you mean 'max_model_len'"),
        ({"gpu_memory_utilization": 3}, SettingsError, "^gpu_memory_utilization"),
        ({"model": "/nowhere"}, ModelError, "/nowhere"),
    ],
)
def test_wrong_settings_are_named_before_anything_starts(
    settings: dict[str, Any], error: type[Exception], says: str
) -> None:
    before = set(engines(os.getpid()))  # the module's own, and deployments of other tests
    with pytest.raises(error, match=says):
        LLM(**settings)
    assert set(engines(os.getpid())) <= before


def test_an_engine_that_does_not_start_is_quoted(capfd: pytest.CaptureFixture) -> None:
    with pytest.raises(EngineStartError, match=r"max.model.len"):
        LLM("brook", max_model_len=10**9)
    assert capfd.readouterr().err


# ---- that it comes and goes cleanly


def test_the_guides_snippet_runs_as_it_is() -> None:
    """No `if __name__ == "__main__"`, no close; the engine is gone with the script."""
    done = run(GUIDE + "\nprint(llm._engine.pid)")
    *texts, pid = done.stdout.splitlines()
    assert len(texts) == 3
    assert "spec_method has no effect" in done.stderr
    assert not is_there(int(pid))


def test_importing_penstock_costs_nothing_of_it() -> None:
    done = run("import sys, penstock; print(*sys.modules)")
    loaded = done.stdout.split()
    assert not {"penstock.offline", "aiohttp", "msgspec"} & set(loaded)
    done = run("import sys, penstock.offline; print(*sys.modules)")
    assert not {"torch", "numpy", "transformers"} & set(done.stdout.split())


def test_a_script_that_is_killed_takes_its_engine_along(tmp_path: Path) -> None:
    script = "from penstock import LLM\nllm = LLM()\nprint(llm._engine.pid, flush=True)\ninput()"
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    pid = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.wait()
    end = time.monotonic() + 60
    while is_there(pid):
        assert time.monotonic() < end
        time.sleep(0.05)
    child.stdin.close()
    child.stdout.close()


def test_an_interrupt_ends_the_batch_and_not_the_llm() -> None:
    done = run(
        """
        import os, signal, threading
        from penstock import LLM, SamplingParams
        llm = LLM()
        endless = SamplingParams(max_tokens=None, ignore_eos=True, n=16)
        try:
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            llm.generate(["Hello"] * 64, endless)
        except KeyboardInterrupt:
            print("interrupted")
        print(len(llm.generate("Hello", SamplingParams(max_tokens=2, ignore_eos=True))[0].outputs[0].token_ids))
        """
    )
    assert done.stdout.split() == ["interrupted", "2"]


def test_an_engine_that_is_killed_comes_back_and_answers_are_the_same() -> None:
    params = SamplingParams(max_tokens=600, temperature=1, seed=3, ignore_eos=True)
    with LLM("brook") as own:
        wanted = text(own, "Once upon a time", params)
        pid = own._engine.pid
        assert pid is not None
        threading.Timer(0.05, os.kill, (pid, signal.SIGKILL)).start()
        found = own.generate(["Once upon a time"] * 16, params)
        assert own._engine.pid != pid
        assert {output.outputs[0].text for output in found} == {wanted}
        pid = own._engine.pid
    assert pid is not None
    assert not is_there(pid)
    with pytest.raises(EngineGoneError, match="closed"):
        own.generate("Hi", GREEDY)
    own.close()


def test_what_is_no_longer_referred_to_is_closed() -> None:
    own = LLM("brook")
    pid = own._engine.pid
    assert pid is not None
    del own
    assert not is_there(pid)


def test_without_a_seed_a_program_repeats_itself_from_run_to_run() -> None:
    script = """
        from penstock import LLM, SamplingParams
        llm = LLM(seed=7)
        print([o.outputs[0].token_ids for o in llm.generate(["Once"] * 3, SamplingParams(max_tokens=8))])
    """
    first, second = run(script).stdout, run(script).stdout
    assert first == second
    assert len({*map(str, __import__("json").loads(first))}) > 1
