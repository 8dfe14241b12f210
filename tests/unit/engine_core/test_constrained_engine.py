"""engine-core as a process, asked for constrained answers while its workers compile, refuse, break and die."""

import os
import signal
from pathlib import Path

from support.engine import Engine, FrontEnd
from support.paper_model import whole_output

from penstock.protocol.constraint import Constraint
from penstock.protocol.messages import Abort, Delta, FinishReason, Goodbye, RefusalCode, Tokens
from penstock.protocol.sampling import SamplingParams

PROMPT = list(range(40))
FREE = SamplingParams(max_tokens=20, seed=5)


def constrained(text: str, max_tokens: int = 20) -> SamplingParams:
    return SamplingParams(
        max_tokens=max_tokens, seed=5, eos_token_ids=(10**6,), constraint=Constraint("regex", text)
    )


def prepared(engine: Engine) -> list[str]:
    note: Path = engine.folder / "prepared"
    return note.read_text().split() if note.exists() else []


def test_others_run_while_a_constraint_is_compiled_and_it_is_compiled_once() -> None:
    with Engine(worker=("--prepare-s", "1.5")) as engine, FrontEnd(engine) as frontend:
        frontend.join()
        first, second = (frontend.ask(PROMPT, constrained("a")) for _ in range(2))
        free = frontend.ask(PROMPT, FREE)
        finished = []
        while len(finished) < 3:
            deltas: list[Delta] = frontend.receive_a(Tokens).deltas
            finished += [delta.id for delta in deltas if delta.finish is not None]
        assert finished[0] == free
        assert {*finished[1:]} == {first, second}
        assert prepared(engine) == ["a"]


def test_what_cannot_be_compiled_is_refused_with_its_reason() -> None:
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.join()
        refused = frontend.collect(frontend.ask(PROMPT, constrained("bad"))).refused
        assert refused is not None
        assert refused.code is RefusalCode.UNSUPPORTED
        assert "it is bad" in refused.message
        no_end = SamplingParams(max_tokens=20, constraint=Constraint("regex", "a"))
        refused = frontend.collect(frontend.ask(PROMPT, no_end)).refused
        assert refused is not None
        assert refused.code is RefusalCode.MALFORMED


def test_one_that_breaks_ends_alone_after_its_good_tokens() -> None:
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.join()
        broken = frontend.collect(frontend.ask(PROMPT, constrained("breaks")))
        assert broken.refused is not None
        assert "it broke" in broken.refused.message
        assert len(broken.tokens) <= 2
        whole = frontend.collect(frontend.ask(PROMPT, FREE))
        assert whole.tokens == whole_output(PROMPT, FREE, 2048)[0]


def test_what_was_aborted_is_not_compiled() -> None:
    with Engine(worker=("--prepare-s", "2.0")) as engine, FrontEnd(engine) as frontend:
        frontend.join()
        frontend.send(Abort([frontend.ask(PROMPT, constrained("a"))]))
        late = frontend.ask(PROMPT, constrained("c"), deadline_s=0.1)
        assert frontend.collect(late).refused is not None
        assert frontend.collect(frontend.ask(PROMPT, constrained("b"))).finish
        assert prepared(engine) == ["b"]


def test_aborts_deadlines_and_drains_hold_for_those_who_wait() -> None:
    with Engine(worker=("--prepare-s", "2.5")) as engine, FrontEnd(engine) as frontend:
        frontend.join()
        aborted = frontend.ask(PROMPT, constrained("a"))
        late = frontend.ask(PROMPT, constrained("a"), deadline_s=0.2)
        frontend.send(Abort([aborted]))
        refused = frontend.collect(late).refused
        assert refused is not None
        assert refused.code is RefusalCode.DEADLINE
        assert frontend.stats().num_waiting == 0
        waiting = frontend.ask(PROMPT, constrained("b"))
        assert frontend.stats().num_waiting == 1
        engine.process.send_signal(signal.SIGTERM)
        assert frontend.collect(waiting).finish is FinishReason.LENGTH
        frontend.receive_a(Goodbye)
        assert engine.process.wait(60) == 0


def test_a_restarted_worker_compiles_again_and_every_answer_comes() -> None:
    with (
        Engine(worker=("--prepare-s", "0.2", "--step-s", "0.01")) as engine,
        FrontEnd(engine) as frontend,
    ):
        frontend.join()
        running = frontend.ask(PROMPT, constrained("a", 1500))
        frontend.receive_a(Tokens)
        held = frontend.ask(PROMPT, constrained("b"))
        frontend.stats()
        os.kill(engine.worker_pids()[0], signal.SIGKILL)
        assert frontend.collect(held).finish is FinishReason.LENGTH
        assert sorted(prepared(engine))[:2] == ["a", "a"]
        frontend.send(Abort([running]))


def test_a_constraint_that_kills_workers_is_refused_and_nothing_else_suffers() -> None:
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.join()
        deadly = frontend.ask(PROMPT, constrained("kills"))
        refused = frontend.collect(deadly).refused
        assert refused is not None
        assert refused.code is RefusalCode.POISONED
        answer = frontend.collect(frontend.ask(PROMPT, FREE))
        assert answer.tokens == whole_output(PROMPT, FREE, 2048)[0]
