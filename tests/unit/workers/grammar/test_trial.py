"""Trials and the compiler: what is hostile ends a process or a request, nothing else."""

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from support.grammars import BROOK, TOKENIZER, VOCAB_SIZE

from penstock.protocol.constraint import Constraint
from penstock.protocol.frames import frame
from penstock.protocol.plan import Prepare, Prepared
from penstock.workers.grammar import limits
from penstock.workers.grammar.compiler import Compiler
from penstock.workers.grammar.errors import MAX_CHARS, GrammarError
from penstock.workers.grammar.trial import try_out
from penstock.workers.grammar.trial_process import TrialProcess, Tried

GOOD = Constraint("regex", "[a-z]{3}")
TOO_LONG = f"more than {limits.TRIAL_CPU_S:g} s"
LONG_CHAIN = "start: r0\n" + "".join(f"r{i}: r{i + 1}\n" for i in range(9000)) + 'r9000: "a"'
REFS = {f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(4000)}


@pytest.fixture(scope="module")
def trials() -> Iterator[TrialProcess]:
    process = TrialProcess(TOKENIZER, VOCAB_SIZE)
    yield process
    process.close()


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (Constraint("grammar", LONG_CHAIN), "nested too deeply"),
        (Constraint("json_schema", json.dumps({"$ref": "#/$defs/d0", "$defs": REFS})), "nested"),
        (Constraint("json_schema", '{"type":"integer","multipleOf":1000003}'), TOO_LONG),
        (Constraint("grammar", 'start: (("a"{1000}){1000}){1000}'), "items|too"),
        (
            Constraint("json_schema", '{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}'),
            "nothing",
        ),
        (Constraint("regex", r"[^\s\S]"), "nothing satisfies it"),
    ],
)
def test_hostile_constraints_are_refused_soon_and_others_go_on(
    trials: TrialProcess, constraint: Constraint, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its processor's time ends it, however long that takes on a busy machine."""
    monkeypatch.setattr(limits, "TRIAL_WALL_S", 200.0)
    trials.run(GOOD)
    with pytest.raises(GrammarError, match=reason):
        trials.run(constraint)
    assert trials.run(GOOD).grammar


def test_a_grammar_that_grows_while_it_is_used_is_found_out(trials: TrialProcess) -> None:
    doubling = "".join(f"R{i}: R{i - 1} R{i - 1}\n" for i in range(1, 21))
    with pytest.raises(GrammarError):
        trials.run(Constraint("grammar", f'start: R20\n{doubling}R0: "a"'))


def test_a_killed_process_is_replaced(trials: TrialProcess) -> None:
    for _ in range(2):
        assert trials.run(GOOD).grammar
        trials.kill()
        with contextlib.suppress(GrammarError):  # where its end has not been noticed yet
            trials.run(GOOD)
    assert trials.run(GOOD).grammar


def test_a_trial_tells_about_how_much_memory_it_took() -> None:
    """At least the grammar's text: a heap that has grown before need not grow again."""
    many = Constraint("choice", json.dumps([f"choice {i * i}" for i in range(4000)]))
    tried = try_out(many, BROOK)
    assert tried.num_bytes >= len(tried.grammar) > 50_000


class Reports:
    def __init__(self) -> None:
        self.all: list[Prepared] = []
        self._arrived = threading.Condition()

    def __call__(self, prepared: Prepared) -> None:
        with self._arrived:
            self.all.append(prepared)
            self._arrived.notify()

    def wait_for(self, count: int) -> list[Prepared]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.all) == count, timeout=60)
        return self.all


@pytest.fixture
def compiler() -> Iterator[Compiler]:
    made = Compiler(TOKENIZER, VOCAB_SIZE)
    yield made
    made.close()


def test_what_was_prepared_is_there_and_what_failed_says_why(compiler: Compiler) -> None:
    reports = Reports()
    compiler.prepare(Prepare(7, GOOD), reports)
    compiler.prepare(Prepare(8, Constraint("regex", "(")), reports)
    good, bad = reports.wait_for(2)
    assert (good.id, good.error, bad.id) == (7, "", 8)
    assert "unclosed group" in bad.error
    assert compiler.compiled(GOOD) is compiler.compiled(GOOD)
    kept = compiler.compiled(GOOD)
    compiler.release([7, 8])
    assert compiler.compiled(GOOD) is not kept


def test_a_model_whose_tokenizer_is_of_no_use_refuses_every_constraint(tmp_path) -> None:  # type: ignore[no-untyped-def]
    for text in (None, "{}", '{"added_tokens": [{"id": 1, "special": true}]}'):
        file = tmp_path / "tokenizer.json"
        if text is not None:
            file.write_text(text)
        compiler, reports = Compiler(file, 100), Reports()
        compiler.prepare(Prepare(1, GOOD), reports)
        assert "tokenizer" in reports.wait_for(1)[0].error
        compiler.close()


def test_what_is_released_before_its_turn_is_not_compiled(compiler: Compiler) -> None:
    reports, may_begin = Reports(), threading.Event()
    compiler._thread.submit(may_begin.wait, 20)
    for name in range(1, 41):
        compiler.prepare(Prepare(name, Constraint("regex", f"a{{{name}}}")), reports)
    compiler.release([*range(1, 41)])
    compiler.prepare(Prepare(41, GOOD), reports)
    may_begin.set()
    assert [report.id for report in reports.wait_for(1)] == [41]
    assert [*compiler._compiled] == [GOOD]


def test_a_failure_is_forgotten_with_its_text(compiler: Compiler) -> None:
    reports = Reports()
    for name in (1, 2):
        compiler.prepare(Prepare(name, Constraint("regex", "(" + "a" * name)), reports)
    reports.wait_for(2)
    compiler.prepare(Prepare(3, GOOD), reports)
    reports.wait_for(3)
    assert ({*compiler._names}, [*compiler._compiled]) == ({3}, [GOOD])
    compiler.release([1, 2, 3])
    assert not compiler._compiled


@pytest.mark.parametrize("echoed", ["a", '"\\w', "a b\n"])
def test_reasons_do_not_echo_a_whole_constraint(trials: TrialProcess, echoed: str) -> None:
    with pytest.raises(GrammarError, match="unclosed group") as raised:
        trials.run(Constraint("regex", "(" + echoed * 8_000))
    assert len(str(raised.value)) <= MAX_CHARS


def _script(tmp_path: Path, body: str) -> TrialProcess:
    ready, file = frame(msgspec.msgpack.encode(Tried())), tmp_path / "trial.py"
    answer = frame(msgspec.msgpack.encode(Tried("", "fine", 1)))
    file.write_text(f"import os, time\nready, answer = {ready!r}, {answer!r}\n{body}\n")
    process = TrialProcess(TOKENIZER, VOCAB_SIZE)
    process._command = [sys.executable, "-S", str(file)]
    return process


def test_a_slow_start_is_no_trials_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TRIAL_WALL_S", 2.0)
    body = (
        "time.sleep(3.0); os.write(1, ready); os.read(0, 999); os.write(1, answer); os.read(0, 1)"
    )
    process = _script(tmp_path, body)
    assert process.run(GOOD).grammar == "fine"
    process.close()


def test_one_that_does_not_listen_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRIAL_WALL_S", 0.2)
    process = _script(tmp_path, "os.write(1, ready); time.sleep(20)")
    with pytest.raises(GrammarError, match=r"more than 0\.2 s"):
        process.run(Constraint("grammar", "x" * 1_000_000))


def test_loading_starts_the_process(compiler: Compiler) -> None:
    compiler.load()
    compiler._thread.submit(lambda: None).result(20)
    assert compiler._trials._process is not None
