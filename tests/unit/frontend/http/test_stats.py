"""GET /v1/stats: what the engine said last, whoever asks."""

from pathlib import Path

from support.fake_script import LIMITS
from support.front import Front, wait_until

from penstock.protocol.messages import EngineStats

BUSY = EngineStats(
    num_running=3,
    num_waiting=2,
    kv_cache_usage=0.25,
    busy=0.75,
    num_workers=1,
    num_frontends=4,
    clock_s=1234.5,
    num_prefilled_tokens=1000,
    num_generated_tokens=500,
    num_queried_tokens=1600,
    num_hit_tokens=600,
    num_preemptions=7,
)


def test_it_shows_what_the_engine_counts(front: Front) -> None:
    front.engine.stats = BUSY
    wait_until(lambda: front.get("/v1/stats").json["requests"]["running"] == 3)
    answer = front.get("/v1/stats")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json == {
        "status": "ready",
        "reason": "",
        "model": "tiny",
        "engine": {
            "epoch": str(front.engine.epoch),
            "clock_s": 1234.5,
            "busy": 0.75,
            "num_workers": 1,
            "num_frontends": 4,
        },
        "requests": {"running": 3, "waiting": 2, "max_running": LIMITS.max_num_seqs},
        "kv_blocks": {"used": 256, "total": 1024, "block_size": 16},
        "totals": {
            "prefilled_tokens": 1000,
            "generated_tokens": 500,
            "cache_queried_tokens": 1600,
            "cache_hit_tokens": 600,
            "preemptions": 7,
        },
    }


def test_it_costs_neither_the_engine_nor_the_log_anything(front: Front) -> None:
    before = front.get("/metrics").data
    for _ in range(20):
        assert front.get("/v1/stats").status == 200
    assert b'handler="/v1/stats"' not in before + front.get("/metrics").data


def test_without_an_engine_it_says_so(byte_model: Path) -> None:
    with Front(byte_model, wait=False) as lonely:
        answer = lonely.get("/v1/stats")
    assert answer.status == 200
    assert (answer.json["status"], answer.json["reason"]) == (
        "starting",
        "no engine has answered yet",
    )
    assert answer.json["engine"] == {
        "epoch": "",
        "clock_s": 0.0,
        "busy": 0.0,
        "num_workers": 0,
        "num_frontends": 0,
    }
    assert answer.json["kv_blocks"] == {"used": 0, "total": 0, "block_size": 0}
