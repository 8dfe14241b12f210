"""What is remembered of requests: the whole way, for whom it is, and not for ever."""

import os
import signal
import time
from functools import partial

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from support.engine import Engine, FrontEnd

from penstock.engine_core.frontends import Session
from penstock.engine_core.sequence import Sequence, State
from penstock.engine_core.timelines import MAX_SEQUENCES, Timelines
from penstock.engine_core.trace import MAX_EVENTS
from penstock.protocol.messages import (
    Abort,
    Control,
    ControlVerb,
    Generate,
    Hello,
    RefusalCode,
    Refused,
    Result,
    Tokens,
)
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.timelines import (
    Event,
    RequestTimeline,
    SequenceTimeline,
    TimelineQuestion,
)
from penstock.protocol.token_ids import pack

PARAMS = SamplingParams(max_tokens=5)
WALL = partial(float, 1_700_000_000)
"""The clock of the world stands still."""
SESSION = Session(Hello(1, "frontend-0", 1), b"frontend-0/1", 0.0)


def message(name: str, request_id: int = 1, **fields: object) -> Generate:
    times = {"received_s": 10.0, "tokenized_s": 10.5, "sent_s": 11.0}
    return Generate(request_id, pack([1, 2, 3]), PARAMS, name=name, **(times | fields))


def queue(
    timelines: Timelines, asked: Generate, now: float, session: Session = SESSION
) -> Sequence:
    sequence = Sequence(asked.id, [1, 2, 3], PARAMS)
    timelines.queued(session, asked, sequence.trace, now)
    return sequence


def find(
    timelines: Timelines, name: str, now: float = 100.0, tenant: str = ""
) -> RequestTimeline | None:
    return timelines.find(TimelineQuestion(name, tenant), now)


def the_sequence(found: RequestTimeline | None) -> SequenceTimeline:
    assert found is not None
    (sequence,) = found.sequences
    return sequence


def way(sequence: SequenceTimeline) -> list[tuple[str, float]]:
    return [(event.event.value, event.at_s) for event in sequence.events]


class TestOneRequest:
    def test_its_way_begins_at_the_front_end(self) -> None:
        timelines = Timelines(10, 60.0, WALL)
        sequence = queue(timelines, message("a"), 100.0)
        sequence.trace.add(100.25, Event.SCHEDULED)
        sequence.trace.add(100.25, Event.PREFILL, 3)
        sequence.state = State.RUNNING
        found = the_sequence(find(timelines, "a", 101.0))
        assert way(found) == [
            ("received", 0.0),
            ("tokenized", 0.5),
            ("queued", 1.0),
            ("scheduled", 1.25),
            ("prefill", 1.25),
        ]
        assert [event.num_tokens for event in found.events[3:]] == [msgspec.UNSET, 3]
        assert (found.status, found.finish_reason) == ("running", None)
        assert (found.prompt_tokens, found.cached_tokens, found.output_tokens) == (3, 0, 0)

    def test_its_time_is_that_of_the_world(self) -> None:
        timelines = Timelines(10, 60.0, WALL)
        queue(timelines, message("a"), 100.0)
        found = find(timelines, "a", 103.0)
        assert found is not None
        assert found.received_at == WALL() - 1.0

    def test_a_front_end_that_tells_no_times_received_it_as_it_came(self) -> None:
        timelines = Timelines(10, 60.0, WALL)
        queue(timelines, message("a", received_s=0.0, tokenized_s=0.0, sent_s=0.0), 100.0)
        assert way(the_sequence(find(timelines, "a"))) == [
            ("received", 0.0),
            ("tokenized", 0.0),
            ("queued", 0.0),
        ]

    def test_the_first_end_counts_and_lets_the_tokens_go(self) -> None:
        timelines = Timelines(10, 60.0, WALL)
        sequence = queue(timelines, message("a"), 100.0)
        sequence.tokens.append(7)
        sequence.trace.end(100.5, "stop")
        sequence.trace.end(100.6, "abort")
        sequence.tokens.append(8)
        found = the_sequence(find(timelines, "a"))
        assert (found.status, found.finish_reason, found.output_tokens) == ("finished", "stop", 1)
        assert way(found)[-1] == ("finished", 1.5)
        assert sequence.trace.sequence is None

    def test_the_end_is_kept_however_much_there_was_before(self) -> None:
        timelines = Timelines(10, 60.0, WALL)
        sequence = queue(timelines, message("a"), 100.0)
        for _ in range(2 * MAX_EVENTS):
            sequence.trace.add(100.1, Event.PREFILL, 1)
        sequence.trace.end(101.0, "length")
        found = the_sequence(find(timelines, "a"))
        assert len(found.events) == MAX_EVENTS + 3
        assert found.events_left_out == MAX_EVENTS + 1
        assert found.events[-1].event is Event.FINISHED

    def test_choices_are_sequences_of_one_request(self) -> None:
        timelines = Timelines(100, 60.0, WALL)
        for number in range(MAX_SEQUENCES + 2):
            queue(timelines, message("a", number + 1), 100.0)
        found = find(timelines, "a")
        assert found is not None
        assert (len(found.sequences), found.sequences_left_out) == (MAX_SEQUENCES, 2)


class TestWhich:
    def test_by_its_own_name_or_by_its_answers(self) -> None:
        timelines = Timelines(10, 60.0, WALL)
        queue(timelines, message("a", answer_id="chatcmpl-a"), 100.0)
        assert find(timelines, "a") == find(timelines, "chatcmpl-a")
        assert find(timelines, "b") is None

    def test_of_two_of_one_name_the_newer(self) -> None:
        timelines = Timelines(10, 60.0, WALL)
        queue(timelines, message("a"), 100.0).trace.end(100.5, "stop")
        queue(timelines, message("a", received_s=10.1), 101.0)
        assert the_sequence(find(timelines, "a")).status == "waiting"

    def test_a_tenant_sees_its_own_alone(self) -> None:
        timelines = Timelines(10, 60.0, WALL)
        queue(timelines, message("a", tenant="one"), 100.0)
        assert find(timelines, "a", tenant="two") is None
        assert find(timelines, "a", tenant="one") is not None
        assert find(timelines, "a") is not None

    def test_what_has_no_name_is_not_kept(self) -> None:
        timelines = Timelines(10, 60.0, WALL)
        queue(timelines, message(""), 100.0)
        assert find(timelines, "") is None


class TestBounds:
    def test_it_is_forgotten_after_its_end(self) -> None:
        timelines = Timelines(10, 60.0, WALL)
        sequence = queue(timelines, message("a"), 100.0)
        assert find(timelines, "a", 500.0) is not None
        sequence.trace.end(500.0, "stop")
        assert find(timelines, "a", 559.0) is not None
        assert find(timelines, "a", 561.0) is None

    @given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans())), st.integers(0, 5))
    def test_never_more_than_so_many_and_the_newest_of_them(
        self, came: list[tuple[str, bool]], most: int
    ) -> None:
        timelines = Timelines(most, 60.0, WALL)
        for number, (name, is_refused) in enumerate(came, 1):
            asked = message(name, received_s=float(number))
            if is_refused:
                timelines.refused(SESSION, asked, "overloaded", 100.0)
            else:
                queue(timelines, asked, 100.0)
        kept = {name for name, _ in came[max(0, len(came) - most) :]} if most else set()
        assert {name for name in "abcdefgh" if find(timelines, name)} == kept
        assert timelines._num_sequences == min(most, len(came))


class TestInTheEngine:
    def test_from_the_queue_to_the_end(self) -> None:
        with Engine("--max-num-batched-tokens", "8") as engine, FrontEnd(engine) as frontend:
            frontend.join()
            prompt = list(range(1, 21))
            asked = frontend.ask(prompt, SamplingParams(max_tokens=3), name="mine")
            frontend.collect(asked)
            found = ask(frontend, "mine")
            assert found is not None
            (sequence,) = found.sequences
            chunks = [e.num_tokens for e in sequence.events if e.event is Event.PREFILL]
            assert sum(chunks) == 20
            assert len(chunks) >= 3
            names = [event for event, _ in way(sequence) if event != "prefill"]
            assert names == [
                "received",
                "tokenized",
                "queued",
                "scheduled",
                "first_token",
                "finished",
            ]
            moments = [at_s for _, at_s in way(sequence)]
            assert moments == sorted(moments)
            assert (sequence.finish_reason, sequence.output_tokens) == ("length", 3)
            assert found.frontend == "test"

    def test_any_front_end_may_ask_and_no_question_harms(self) -> None:
        with (
            Engine() as engine,
            FrontEnd(engine) as frontend,
            FrontEnd(engine, "other") as other,
        ):
            frontend.join()
            other.join()
            frontend.collect(frontend.ask([1, 2], PARAMS, name="mine", tenant="me"))
            assert ask(other, "mine", "me") is not None
            assert ask(other, "mine", "you") is None
            other.send(Control(9, ControlVerb.REQUEST_TIMELINE, b"\xc1"))
            assert other.receive_a(Refused).code is RefusalCode.MALFORMED

    def test_aborts_and_refusals_and_front_ends_that_go(self) -> None:
        with (
            Engine("--max-num-seqs", "1", worker=("--step-s", "0.02"), silence_s=3.0) as engine,
            FrontEnd(engine) as frontend,
            FrontEnd(engine, "other") as other,
        ):
            frontend.join()
            other.join()
            endless = SamplingParams(max_tokens=2000)
            left = frontend.ask([1, 2], endless, name="left")
            frontend.receive_a(Tokens)
            frontend.ask([1, 2], endless, name="late", deadline_s=0.1)
            assert frontend.receive_a(Refused).code is RefusalCode.DEADLINE
            frontend.send(Abort([left], is_complete=True))
            frontend.ask([1] * 10**5, PARAMS, name="long")
            frontend.receive_a(Refused)
            frontend.ask([1, 2], endless, name="lost")
            frontend.receive_a(Tokens)
            until_over(other, "lost")
            reasons = {
                name: the_sequence(ask(other, name)).finish_reason
                for name in ("left", "late", "long", "lost")
            }
            assert reasons == {
                "left": "stop",
                "late": "deadline",
                "long": "too_long",
                "lost": "frontend_gone",
            }

    def test_preemptions_are_told(self) -> None:
        with (
            Engine(
                *("--num-gpu-blocks-override", "6", "--block-size", "16"),
                worker=("--step-s", "0.01"),
            ) as engine,
            FrontEnd(engine) as frontend,
        ):
            frontend.join()
            params = SamplingParams(max_tokens=48)
            first, second = (frontend.ask([n] * 16, params, name=f"r{n}") for n in (1, 2))
            frontend.collect(first)
            frontend.collect(second)
            sequence = the_sequence(ask(frontend, "r2"))
            names = [event for event, _ in way(sequence)]
            assert sequence.preemptions == names.count("preempted") >= 1
            assert names.count("scheduled") == 1 + sequence.preemptions

    def test_a_group_of_workers_that_died_is_told(self) -> None:
        with Engine(worker=("--step-s", "0.02")) as engine, FrontEnd(engine) as frontend:
            frontend.join()
            asked = frontend.ask([1, 2], SamplingParams(max_tokens=120), name="mine")
            frontend.receive_a(Tokens)
            os.kill(engine.worker_pids()[0], signal.SIGKILL)
            frontend.collect(asked)
            names = [event for event, _ in way(the_sequence(ask(frontend, "mine")))]
            assert names.count("workers_lost") == 1
            assert names.count("scheduled") == 2


def until_over(frontend: FrontEnd, name: str) -> None:
    """The engine takes whoever asked for it, and is silent, for lost; who asks for it now is not silent."""
    end = time.monotonic() + 60
    while the_sequence(ask(frontend, name)).finish_reason is None:
        assert time.monotonic() < end, "nobody was lost"
        time.sleep(0.1)


def ask(frontend: FrontEnd, name: str, tenant: str = "") -> RequestTimeline | None:
    payload = msgspec.msgpack.encode(TimelineQuestion(name, tenant))
    frontend.send(Control(77, ControlVerb.REQUEST_TIMELINE, payload))
    answer = frontend.receive_a(Result).payload
    return msgspec.msgpack.decode(answer, type=RequestTimeline) if answer else None
