"""The wire holds still: golden frames, round trips, and bytes that are not messages."""

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.protocol import codec, messages, plan, token_ids
from penstock.protocol.constraint import Constraint, Thinking
from penstock.protocol.errors import WireError
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.timelines import TimelineQuestion

GOLDEN = Path(__file__).with_name("golden_frames.json")

PARAMS = SamplingParams(
    max_tokens=16,
    seed=7,
    temperature=0.5,
    eos_token_ids=(2,),
    logit_bias={5: -1.5},
    bad_words=((3, 4),),
    logprobs=2,
)
CONSTRAINT = Constraint("regex", "[a-z]+", disable_any_whitespace=True)
CONSTRAINED = SamplingParams(
    max_tokens=16,
    eos_token_ids=(2,),
    constraint=CONSTRAINT,
    thinking=Thinking(
        *((5,), ((6, 7), (9,)), True),
        budget=100,
        answer_starts=((8,),),
        other_starts=((10, 11),),
        prefaces=((12,),),
    ),
)
LOGPROBS = messages.TokenLogprobs(
    width=2,
    ids=token_ids.pack([9, 8]),
    values=struct.pack("<2f", -0.5, -1.0),
    ranks=token_ids.pack([1]),
)
CARD = messages.ModelCard(
    name="brook", max_model_len=2048, vocab_size=4096, dtype="bfloat16", created=1
)
LIMITS = messages.Limits(
    max_num_seqs=64,
    max_num_batched_tokens=2048,
    max_queued_requests=1024,
    max_queued_tokens=131072,
    max_logprobs=20,
    num_blocks=100,
    block_size=16,
    heartbeat_s=1.0,
    silence_s=5.0,
)
PROMPT = token_ids.pack([1, 2, 3])

FRONTEND_MESSAGES: dict[str, msgspec.Struct] = {
    "Hello": messages.Hello(protocol_version=1, frontend_id="frontend-0", epoch=42),
    "Generate": messages.Generate(id=1, prompt=PROMPT, params=PARAMS, name="chatcmpl-1"),
    "Generate, resumed": messages.Generate(
        id=1, prompt=PROMPT, params=PARAMS, emitted=token_ids.pack([9]), attempt=1
    ),
    "Generate, with its times": messages.Generate(
        id=1,
        prompt=PROMPT,
        params=PARAMS,
        name="mine",
        answer_id="chatcmpl-mine",
        received_s=1.5,
        tokenized_s=1.75,
        sent_s=2.0,
    ),
    "Generate, constrained": messages.Generate(id=1, prompt=PROMPT, params=CONSTRAINED),
    "Embed": messages.Embed(id=2, prompt=PROMPT),
    "Abort": messages.Abort(ids=[1, 2]),
    "Abort, of whole answers": messages.Abort(ids=[1, 2], is_complete=True),
    "Control": messages.Control(id=3, verb=messages.ControlVerb.METRICS),
    "Control, about a request": messages.Control(
        id=3,
        verb=messages.ControlVerb.REQUEST_TIMELINE,
        payload=msgspec.msgpack.encode(TimelineQuestion("mine", "tenant")),
    ),
    "Ping": messages.Ping(seq=5),
    "Leave": messages.Leave(reason="SIGTERM"),
    "Reserve": messages.Reserve(id=4, subject="search", certain=3, possible=16),
    "Settle": messages.Settle(ids=[4]),
    "Welcome": messages.Welcome(protocol_version=1, engine_epoch=43, card=CARD, limits=LIMITS),
    "Tokens": messages.Tokens(
        deltas=[
            messages.Delta(
                id=1,
                offset=0,
                token_ids=token_ids.pack([9]),
                logprobs=LOGPROBS,
                num_cached=2,
                queued_us=1500,
            ),
            messages.Delta(
                id=2, offset=4, token_ids=b"", finish=messages.FinishReason.STOP, stop_token=11
            ),
        ]
    ),
    "Result": messages.Result(id=3, payload=b"\x01"),
    "Refused": messages.Refused(
        id=1, code=messages.RefusalCode.OVERLOADED, message="queue full", retry_after_s=2.5
    ),
    "Pong": messages.Pong(seq=5, stats=messages.EngineStats(num_running=3, kv_cache_usage=0.25)),
    "Goodbye": messages.Goodbye(reason="drained"),
    "Verdict": messages.Verdict(
        id=4,
        is_granted=False,
        message="used up",
        retry_after_s=2.5,
        requests=messages.Meter(limit=60, remaining=0, reset_s=61.0),
    ),
}
WORKER_MESSAGES: dict[str, msgspec.Struct] = {
    "Configure": plan.Configure(
        num_blocks=100,
        block_size=16,
        max_num_seqs=64,
        max_model_len=2048,
        max_num_batched_tokens=2048,
        num_host_blocks=40,
    ),
    "StepPlan": plan.StepPlan(
        step=1,
        slots=token_ids.pack([0]),
        counts=token_ids.pack([3]),
        starts=[
            plan.SeqStart(slot=0, token_ids=PROMPT, num_prompt=3, num_computed=0, params=PARAMS)
        ],
        grants=[plan.BlockGrant(slot=0, block_ids=token_ids.pack([7]))],
        frees=token_ids.pack([4]),
        tails=token_ids.pack([9]),
        swaps_out=token_ids.pack([3, 0]),
        swaps_in=token_ids.pack([7, 2]),
    ),
    "Shutdown": plan.Shutdown(),
    "Prepare": plan.Prepare(id=1, constraint=CONSTRAINT),
    "Release": plan.Release(ids=[1]),
    "WorkerHello": plan.WorkerHello(
        rank=0,
        pid=1,
        dtype="bfloat16",
        vocab_size=4096,
        max_position=2048,
        kv_bytes_per_token=4096,
        kv_bytes_available=1 << 30,
        weights_bytes=1 << 24,
        load_s=0.5,
        swap_bytes_available=1 << 32,
    ),
    "WorkerReady": plan.WorkerReady(rank=0),
    "StepResult": plan.StepResult(
        step=1,
        token_ids=token_ids.pack([9]),
        busy_s=0.25,
        logprobs=[plan.RowLogprobs(row=0, logprobs=LOGPROBS)],
        failures=[plan.RowFailure(row=0, message="too complex")],
    ),
    "Prepared": plan.Prepared(id=1, error="nothing satisfies it", num_bytes=4096, compile_s=0.25),
    "WorkerFault": plan.WorkerFault(
        rank=0, message="out of memory", advice="lower --max-num-seqs", final=True
    ),
    "WorkerProgress": plan.WorkerProgress(rank=0, phase="loading weights", share=0.5),
}
ALL = FRONTEND_MESSAGES | WORKER_MESSAGES


def _decoders() -> list[codec.Codec[Any]]:
    return [
        codec.up_codec(),
        codec.down_codec(),
        codec.to_worker_codec(),
        codec.from_worker_codec(),
    ]


@pytest.mark.parametrize("name", ALL)
def test_frames_equal_the_golden_ones(name: str) -> None:
    """A difference is a new protocol version, unless it is a field appended with a default."""
    golden: dict[str, str] = json.loads(GOLDEN.read_text())
    assert msgspec.msgpack.encode(ALL[name]).hex() == golden[name]


@pytest.mark.parametrize("name", ALL)
def test_every_message_decodes_to_itself_in_exactly_one_direction(name: str) -> None:
    frame = msgspec.msgpack.encode(ALL[name])
    decoded = []
    for decoder in _decoders():
        try:
            decoded.append(decoder.decode(frame))
        except WireError:
            continue
    assert ALL[name] in decoded
    tagged = [type(message) for message in decoded if type(message) is type(ALL[name])]
    assert len(tagged) == 1


def test_a_longer_message_from_a_newer_peer_still_decodes() -> None:
    newer = msgspec.msgpack.encode(
        [*msgspec.msgpack.decode(msgspec.msgpack.encode(messages.Ping(seq=5))), "new"]
    )
    assert codec.up_codec().decode(newer) == messages.Ping(seq=5)


def test_a_shorter_message_from_an_older_peer_takes_the_defaults() -> None:
    older = msgspec.msgpack.encode([1 + 5, 5])
    assert codec.up_codec().decode(older) == messages.Ping(seq=5)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_message_or_a_wire_error(data: bytes) -> None:
    for decoder in _decoders():
        try:
            message = decoder.decode(data)
        except WireError:
            continue
        assert isinstance(message, msgspec.Struct)


@given(st.sampled_from(sorted(ALL)), st.data())
def test_a_damaged_message_is_a_message_or_a_wire_error(name: str, data: st.DataObject) -> None:
    frame = bytearray(msgspec.msgpack.encode(ALL[name]))
    frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    for decoder in _decoders():
        with contextlib.suppress(WireError):
            decoder.decode(bytes(frame))


def test_deep_nesting_is_a_wire_error_not_a_crash() -> None:
    with pytest.raises(WireError):
        codec.up_codec().decode(b"\x91" * 1_000_000)


def test_an_oversized_frame_is_refused_unread() -> None:
    with pytest.raises(WireError, match="exceeds"):
        codec.up_codec().decode(bytes(codec.MAX_FRAME_BYTES + 1))


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_token_ids_survive_packing(ids: list[int]) -> None:
    packed = token_ids.pack(ids)
    assert token_ids.unpack(packed) == ids
    assert token_ids.count(packed) == len(ids)
    assert packed == struct.pack(f"<{len(ids)}I", *ids)


def test_half_an_id_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        token_ids.unpack(b"123")
